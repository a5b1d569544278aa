#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One I_T nexus, without the plugin: logging in, I/O, and what it makes of
# targets that die, hang, lie, or answer too early.

# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/functions.sh"

requires "$PYTHON"
SMOKE=("$MPIO_BUILDDIR/tests/integration/nexus-smoke")
[ -x "${SMOKE[0]}" ] || skip "nexus-smoke is not built"
[ "$MPIO_VALGRIND" != 1 ] || SMOKE=("$MPIO_BUILDDIR/run" --valgrind "${SMOKE[@]}")
FAKE=$HARNESS_DIR/fake-target.py
IQN=$ARRAY_IQN
OUT=$TESTDIR/smoke.out

# smoke PORTAL MODE...: runs it to its end, with its output in $OUT.
smoke()
{
	local portal=$1
	shift
	client -t 60 "${SMOKE[@]}" "$portal" "$IQN" 1 "$@" >"$OUT" 2>&1 ||
		fail "nexus-smoke $*: $(cat "$OUT")"
}

# fake SCENARIO [ARGUMENT]: starts a fake target; FAKE_PORTAL is where.
fake()
{
	local log=$TESTDIR/fake-$1.log
	rm -f "$log"
	spawn "$log" "$PYTHON" "$FAKE" "$@"
	wait_for "grep -qs '^port' '$log'"
	FAKE_PORTAL=127.0.0.1:$(awk '/^port/ { print $2 }' "$log")
}

# faked SCENARIO MODE...: the same, then smoke against it.
faked()
{
	local pid
	fake "$1"
	pid=$SPAWNED
	shift
	smoke "$FAKE_PORTAL" "$@"
	child_kill "$pid"
}

count() { grep -Ec -- "$1" "$OUT" || :; }

#----------------------------------------------------------------------

commands_of_all_sizes_do_what_they_should()
{
	smoke "$(array_portal plain)" check
	assert_contains "$OUT" 'NOP-Out answered'
	assert_contains "$OUT" '^3145728 bytes written and read back'
	assert_contains "$OUT" 'beyond the end: CHECK CONDITION, residual 512, 18 bytes'
}

a_portal_may_be_a_name()
{
	local port=${ARRAY_PORT[plain]}
	# The array listens on one address of the loopback network.
	getent ahostsv4 localhost | grep -q '^127\.0\.0\.1' || return 0
	spawn "$TESTDIR/forward.log" "$PYTHON" -c "$FORWARD" "$(array_portal plain)"
	wait_for "grep -qs '^port' '$TESTDIR/forward.log'"
	port=$(awk '/^port/ { print $2 }' "$TESTDIR/forward.log")
	smoke "localhost:$port" login
	assert_contains "$OUT" '^session-up'
	child_kill "$SPAWNED"
	smoke nosuch.invalid login
	assert_contains "$OUT" 'cannot resolve nosuch.invalid'
}

FORWARD='
import socket, sys, threading
host, port = sys.argv[1].split(":")
listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
def pump(a, b):
    while data := a.recv(65536): b.sendall(data)
while True:
    a, b = listener.accept()[0], socket.create_connection((host, int(port)))
    for pair in (a, b), (b, a): threading.Thread(target=pump, args=pair, daemon=True).start()
'

discovery_finds_all_portals()
{
	smoke "$(array_portal plain)" discover
	assert_eq "$(cat "$OUT")" "$IQN $(array_portal plain)"

	# No duplicates, no link-local address but where there is no other, and
	# where none is given, the portal that was asked.
	faked none discover
	assert_eq "$(cat "$OUT")" "\
iqn.2026-11.org.example:first 192.0.2.1:3260
iqn.2026-11.org.example:first [2001:db8::1]:3261
iqn.2026-11.org.example:first san.example:3260
iqn.2026-11.org.example:local [fe80::2]:3260
iqn.2026-11.org.example:here $FAKE_PORTAL"

	fake hang-login
	assert_fails client "${SMOKE[@]}" "$FAKE_PORTAL" "$IQN" 1 discover
	child_kill "$SPAWNED"
	assert_contains "$TESTDIR/assert_fails.out" 'discovery: no answer within 3.0 s'
}

chap_is_mutual_and_wrong_secrets_are_named()
{
	local portal
	array_start chap --chap joe:secret-of-joe --chap-out disk:secret-of-disk
	portal=$(array_portal chap)
	smoke "$portal" login joe secret-of-joe
	assert_contains "$OUT" '^session-up'
	smoke "$portal" login joe secret-of-joe disk secret-of-disk
	assert_contains "$OUT" '^session-up'
	smoke "$portal" login joe wrong-wrong
	assert_contains "$OUT" 'login refused: Authentication failure \(0201h\)'
	smoke "$portal" login joe secret-of-joe disk wrong-wrong
	assert_contains "$OUT" '^login-failed: .*Invalid CHAP_R'
	smoke "$portal" login
	assert_contains "$OUT" 'login refused: Authentication failure \(0201h\)'
	assert_not_contains "$OUT" 'secret|wrong-wrong'
	array_kill chap
}

a_login_without_chap_reinstates_the_session()
{
	# The session stays behind when its initiator is killed: the next login
	# must take its place, not stand beside it.
	spawn "$TESTDIR/first.log" "${SMOKE[@]}" "$(array_portal plain)" "$IQN" 1 survive 30
	wait_for "grep -qs session-up '$TESTDIR/first.log'"
	assert_eq "$(array_sessions plain)" 1 "sessions"
	kill -STOP "$SPAWNED"
	smoke "$(array_portal plain)" login
	assert_contains "$OUT" '^session-up'
	wait_for '[ "$(array_sessions plain)" = 0 ]' 'the stopped one is gone as well'
	child_kill "$SPAWNED"
}

refused_logins_say_why()
{
	IQN=iqn.2026-11.org.example:nobody smoke "$(array_portal plain)" login
	assert_contains "$OUT" 'login refused: Target not found \(0203h\)'
	faked busy-login login
	assert_contains "$OUT" 'login refused: Service unavailable \(0301h\)'
	faked close-login login
	assert_contains "$OUT" '^login-failed: connection closed by the target'
	faked hang-login login
	assert_contains "$OUT" '^login-failed: login not answered within 3.0 s'
	smoke "127.0.0.1:$(free_port 127.0.0.1)" login
	assert_contains "$OUT" '^login-failed: Connection refused'
	faked chap-first login
	assert_contains "$OUT" '^session-up'
}

redirects_are_followed_but_not_for_ever()
{
	local scenario
	for scenario in redirect moved; do
		fake $scenario "$(array_portal plain)"
		smoke "$FAKE_PORTAL" check
		child_kill "$SPAWNED"
	done
	faked redirect-self login
	assert_contains "$OUT" '^login-failed: redirected more than 4 times'
}

commands_in_flight_are_lost_with_the_session_and_it_comes_back()
{
	local kill
	spawn "$OUT.survive" "${SMOKE[@]}" "$(array_portal plain)" "$IQN" 1 survive 8
	local pid=$SPAWNED
	wait_for "grep -qs session-up '$OUT.survive'"
	for kill in 1 2 3; do
		sleep 0.5
		array_restart plain
		wait_for "[ \$(grep -c session-up '$OUT.survive') -gt $kill ]"
	done
	array_drop_sessions plain
	wait_for "[ \$(grep -c session-up '$OUT.survive') -gt 4 ]"
	wait "$pid" || fail "$(cat "$OUT.survive")"
	assert_contains "$OUT.survive" '^good [1-9][0-9]* lost [1-9][0-9]* .* losses 4'
	assert_contains "$OUT.survive" '^3145728 bytes written and read back'
}

a_silent_target_is_noticed()
{
	spawn "$OUT.silent" "${SMOKE[@]}" "$(array_portal plain)" "$IQN" 1 survive 4
	local pid=$SPAWNED
	wait_for "grep -qs session-up '$OUT.silent'"
	array_stop plain
	wait_for "grep -q 'session-down: no answer to NOP-Out' '$OUT.silent'"
	array_cont plain
	wait "$pid" || fail "$(cat "$OUT.silent")"
}

bad_answers_end_the_session_or_the_command_and_nothing_else()
{
	faked short-read read 4096 8
	assert_eq "$(count '^GOOD, residual 2048')" 8
	faked long-sense read 4096 8
	assert_eq "$(count 'DATA PROTECT 27h/00h')" 8
	# Here libiscsi 1.19 itself looks at sense data that is not there.
	if [ "$MPIO_VALGRIND" != 1 ]; then
		faked no-sense read 4096 8
		assert_eq "$(count '^CHECK CONDITION, .*no sense')" 8
	fi
	faked too-much read 4096 8
	assert_eq "$(count '^lost: ')" 8
	faked reject read 4096 8
	assert_eq "$(count '^lost: Request was rejected with reason: 0x09')" 8
	faked reject write 524288 4
	assert_eq "$(count '^lost: Request was rejected')" 4
	faked logout read 4096 8
	assert_eq "$(count '^lost: the target asked for logout')" 8
	faked drop-command read 4096 8
	assert_eq "$(count '^lost: Connection reset by peer|^lost: connection closed')" 8
	faked garbage read 4096 8
	assert_eq "$(count '^lost: ')" 8
}

# Sockets that hold one page make libiscsi stop in the middle of every PDU.
early_answers_do_not_corrupt_the_stream()
{
	requires_root
	local scenario
	for scenario in none r2t-error early-error; do
		unshare -n setpriv --pdeathsig KILL bash -ec "
			ip link set lo up
			cd /proc/sys/net/ipv4
			echo 4096 4096 4096 >tcp_wmem
			echo 4096 4096 4096 >tcp_rmem
			exec '$PYTHON' '$FAKE' $scenario" >"$TESTDIR/$scenario.log" 2>&1 &
		local pid=$!
		wait_for "grep -qs '^port' '$TESTDIR/$scenario.log'"
		local port
		port=$(awk '/^port/ { print $2 }' "$TESTDIR/$scenario.log")
		client -t 60 nsenter -t "$pid" -n "${SMOKE[@]}" "127.0.0.1:$port" "$IQN" 1 \
			write 1048576 16 >"$OUT" 2>&1 || fail "$scenario: $(cat "$OUT")"
		assert_not_contains "$TESTDIR/$scenario.log" 'not a PDU|given back'
		child_kill "$pid"
		case $scenario in
		none)
			assert_eq "$(count '^GOOD, residual 0')" 16
			;;
		r2t-error)	# the data that was asked for is still sent
			assert_eq "$(count 'DATA PROTECT 27h/00h')" 16
			;;
		early-error)	# the rest of a PDU will never be sent
			assert_eq "$(count '^lost: a write was answered before|write protected')" 16
			assert_contains "$OUT" '^lost: a write was answered before it was sent'
			;;
		esac
	done
}

array_start plain
behaviours commands_of_all_sizes_do_what_they_should \
	a_portal_may_be_a_name \
	discovery_finds_all_portals \
	chap_is_mutual_and_wrong_secrets_are_named \
	a_login_without_chap_reinstates_the_session \
	refused_logins_say_why \
	redirects_are_followed_but_not_for_ever \
	commands_in_flight_are_lost_with_the_session_and_it_comes_back \
	a_silent_target_is_noticed \
	bad_answers_end_the_session_or_the_command_and_nothing_else \
	early_answers_do_not_corrupt_the_stream
