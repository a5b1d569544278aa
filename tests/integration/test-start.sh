#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The start: what was asked for wrongly is refused with a message that says what;
# portals that do not answer are waited for, then named; discovery.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd nbdinfo qemu-io

IQN=$ARRAY_IQN
# Nobody listens there.
DEAD=127.0.9.1:$(free_port 127.0.9.1)

# refused REGEX PARAMETER...: no start, and the last error says why.
refused()
{
	local regex=$1
	shift
	: >"$(export_log)"
	export_fails "$@"
	assert_contains "$(export_log)" "error: .*$regex" "parameters $*"
}

bad_urls_are_refused()
{
	refused 'iscsi://'			path=http://127.0.0.1/x/1
	refused 'not of the form'		iscsi://127.0.0.1
	refused 'not of the form'		"iscsi://127.0.0.1/$IQN"
	refused 'LUN is not a number'		"iscsi://127.0.0.1/$IQN/one"
	refused 'LUN is not a number'		"iscsi://127.0.0.1/$IQN/16384"
	refused 'port is not a number'		"iscsi://127.0.0.1:99999/$IQN/1"
	refused '"array" is no iSCSI name'	iscsi://127.0.0.1/array/1
	refused 'none of weight=N, standby, preferred' "iscsi://127.0.0.1/$IQN/1,best"
	refused 'weight is not a number'	"iscsi://127.0.0.1/$IQN/1,weight=heavy"
}

bad_parameters_are_refused()
{
	local url=iscsi://127.0.0.1/$IQN/1
	refused 'unknown parameter "colour"'	"$url" colour=red
	refused 'policy: "fastest" is not one of round-robin, failover-only|policy: "fastest" is not one of failover-only, round-robin' "$url" policy=fastest
	refused 'no-path-timeout: "soon" is not in the range' "$url" no-path-timeout=soon
	refused 'no-path-timeout: "5h"'		"$url" no-path-timeout=5h
	refused 'nop-interval: "1ms" is not in the range 100ms' "$url" nop-interval=1ms
	refused 'queue-depth: "0"'		"$url" queue-depth=0
	refused 'failback: "never"'		"$url" failback=never
	refused 'control=maybe'			"$url" control=maybe
	refused 'initiator=me is not an iSCSI name' "$url" initiator=me
	refused 'go together'			"$url" user=me
	refused 'go together'			"$url" user=me password=secretsecret target-user=you
	refused 'needs user= and password='	"$url" target-user=you target-password=secretsecret
}

wrong_numbers_of_paths_are_refused()
{
	local urls=() n
	refused 'no path: give iscsi://' no-path-timeout=1s
	refused 'path given twice: LUN 1 of .* through 127.0.0.1:3260' "iscsi://127.0.0.1/$IQN/1" \
		"iscsi://127.0.0.1:3260/$IQN/1"
	for ((n = 1; n <= 33; n++)); do
		urls+=("iscsi://127.0.0.$n/$IQN/1")
	done
	refused 'more than 32 paths' "${urls[@]}"
	refused 'not both' "${urls[0]}" portal=127.0.0.1 target="$IQN" lun=1
	refused 'target= goes with portal=' "${urls[0]}" target="$IQN"
	refused 'portal= needs target=' portal=127.0.0.1 lun=1
	refused 'portal= needs lun=' portal=127.0.0.1 target="$IQN"
}

without_a_path_the_start_waits_and_names_every_portal()
{
	now
	local start=$NOW_MS
	refused 'none of 2 paths is usable' "iscsi://$DEAD/$IQN/1" "$(array_url left | sed 's|/1$|/7|')" \
		no-path-timeout=1s
	now
	assert '[ $((NOW_MS - start)) -ge 1000 ]' "gave up after $((NOW_MS - start)) ms"
	assert_contains "$(export_log)" "$DEAD.*refused"
	assert_contains "$(export_log)" "$(array_portal left)"
	assert '[ -z "$(ls "$(export_runtime_dir)/exports")" ]' "left behind in the runtime directory"
}

a_daemon_that_cannot_start_says_so_and_fails()
{
	local rc=0
	client "$MPIO_BUILDDIR/run" nbdkit -U "$TESTDIR/daemon.nbd" -P "$TESTDIR/daemon.pid" mpio \
		"iscsi://$DEAD/$IQN/1" no-path-timeout=1s "runtime-dir=$TESTDIR/run-daemon" \
		>"$TESTDIR/daemon.log" 2>&1 || rc=$?
	assert '[ $rc -ne 0 ]' "exit status"
	assert_contains "$TESTDIR/daemon.log" "error: .*none of 1 path is usable.*$DEAD.*refused"
	assert '[ ! -e "$TESTDIR/daemon.nbd" ]'
}

# nbdkit forks: the sessions of before and after it must not meet.
a_daemon_serves()
{
	client "$MPIO_BUILDDIR/run" nbdkit -U "$TESTDIR/daemon.nbd" \
		-P "$TESTDIR/daemon.pid" mpio "$(array_url left)" "$(array_url right)" \
		"runtime-dir=$TESTDIR/run-daemon" >"$TESTDIR/daemon.log" 2>&1
	local pid
	# Written after the fork, which ends the process that we have waited for.
	wait_for '[ -s "$TESTDIR/daemon.pid" ]'
	pid=$(<"$TESTDIR/daemon.pid")
	client qemu-io -f raw "nbd+unix:///?socket=$TESTDIR/daemon.nbd" -c 'write -P 9 0 1M' \
		-c 'read -P 9 0 1M' >"$TESTDIR/qio.out" || :
	pathctl --socket "$TESTDIR/run-daemon/exports/array-1.sock" show --json >"$TESTDIR/daemon.json" || :
	kill -TERM "$pid"
	wait_for "[ ! -e /proc/$pid ]" "the daemon ends"
	assert_contains "$TESTDIR/qio.out" 'read 1048576/1048576'
	assert_not_contains "$TESTDIR/qio.out" 'failed'
	assert_contains "$TESTDIR/daemon.json" '"usable_paths": 2'
	wait_for '[ "$(array_sessions left)$(array_sessions right)" = 00 ]' "sessions are gone"
}

a_dead_portal_beside_a_live_one_is_a_warning()
{
	export_start "iscsi://$DEAD/$IQN/1" "$(array_url left)"
	assert_contains "$(export_log)" "warning: .*$DEAD.*refused"
	assert_eq "$(path_state 0)/$(path_state 1)" failed/active-optimized
	assert_eq "$(show 'd["usable_paths"]')" 1
	export_stop
}

a_target_that_comes_up_late_is_waited_for()
{
	array_kill left
	export_spawn "$(array_url left)" no-path-timeout=20s
	wait_for 'grep -q login-failed "$(export_log)"'
	array_restart left
	wait_for 'export_is_up main'
	assert_eq "$(paths_active)" 1
	export_stop
}

# tgtd names the portal it was asked at, and no others.
discovery_finds_the_portals_of_a_target()
{
	export_start portal="$(array_portal left)" portal="$(array_portal left 2)" target="$IQN" lun=1
	wait_for '[ "$(paths_active)" = 2 ]'
	assert_eq "$(show 'sorted(p["portal"] for p in d["paths"])')" \
		"['$(array_portal left)', '$(array_portal left 2)']"
	export_stop
}

discovery_asks_every_portal_and_leaves_the_dead_out()
{
	export_start portal="$DEAD" portal="$(array_portal left)" portal="$(array_portal right)" \
		target="$IQN" lun=1
	wait_for '[ "$(paths_active)" = 2 ]'
	assert_eq "$(show 'len(d["paths"])')" 2
	assert_contains "$(export_log)" "warning: portal $DEAD is left out: .*refused"
	export_stop
}

discovery_waits_for_a_portal_that_comes_up_late()
{
	array_kill left
	export_spawn portal="$(array_portal left)" target="$IQN" lun=1 no-path-timeout=20s
	wait_for 'grep -q "no portal has answered yet" "$(export_log)"'
	array_restart left
	wait_for 'export_is_up main'
	assert_eq "$(paths_active)" 1
	export_stop
}

discovery_that_finds_nothing_says_what_there_is()
{
	refused "no portal has target iqn.2026-11.org.example:other.*$IQN" \
		portal="$(array_portal left)" target=iqn.2026-11.org.example:other lun=1
	refused "portal $DEAD: .*refused" portal="$DEAD" target="$IQN" lun=1 no-path-timeout=1s
	refused 'portal=127.0.0.1 is given twice' portal=127.0.0.1 portal=127.0.0.1 target="$IQN" lun=1
	refused 'none of 1 path is usable' portal="$(array_portal left)" target="$IQN" lun=9 no-path-timeout=1s
}

ipv6_portals_work_in_urls_and_in_discovery()
{
	local portal
	if ! portal="[::1]:$(free_port ::1 2>/dev/null)"; then
		say "skipped: no IPv6 on loopback"
		return
	fi
	array_start six --listen "$portal"
	export_start "iscsi://$portal/$IQN/1"
	assert_eq "$(show 'd["paths"][0]["portal"], d["paths"][0]["state"]')" "('$portal', 'active-optimized')"
	export_stop
	export_start portal="$portal" target="$IQN" lun=1
	assert_eq "$(paths_active)" 1
	export_stop
}

a_path_may_be_given_by_name()
{
	local port
	port=$(free_port 127.0.0.1)
	array_start named --listen "127.0.0.1:$port"
	export_start "iscsi://localhost:$port/$IQN/1"
	assert_eq "$(paths_active)" 1
	export_stop
}

thirty_two_paths_all_serve()
{
	local urls=() n
	array_start many --portals 32
	for ((n = 1; n <= 32; n++)); do
		urls+=("$(array_url many $n)")
	done
	export_start "${urls[@]}"
	wait_for '[ "$(paths_active)" = 32 ]'
	nbdsh_export 'for n in range(1024): h.pwrite(bytes([n & 255]) * 8192, n * 8192)'
	assert_eq "$(show 'min(p["writes"] for p in d["paths"]) > 0, sum(p["writes"] for p in d["paths"])')" "(True, 1024)"
	nbdsh_export 'for n in range(1024): assert h.pread(8192, n * 8192) == bytes([n & 255]) * 8192'
	assert_eq "$(array_sessions many)" 32 sessions
	export_stop
}

dump_plugin_names_version_limits_and_defaults()
{
	"$MPIO_BUILDDIR/run" nbdkit --dump-plugin mpio >"$TESTDIR/dump"
	local line
	for line in name=mpio 'mpio_version=[0-9]' mpio_max_paths=32 'mpio_policies=.*round-robin' \
		mpio_default_no_path_timeout=20s magic_config_key=path thread_model=parallel; do
		assert_contains "$TESTDIR/dump" "^$line"
	done
	"$MPIO_BUILDDIR/run" nbdkit mpio --help >"$TESTDIR/help"
	assert_contains "$TESTDIR/help" 'no-path-timeout='
}

array_start left --portals 2
array_start right
behaviours bad_urls_are_refused \
	bad_parameters_are_refused \
	wrong_numbers_of_paths_are_refused \
	without_a_path_the_start_waits_and_names_every_portal \
	a_daemon_that_cannot_start_says_so_and_fails \
	a_daemon_serves \
	a_dead_portal_beside_a_live_one_is_a_warning \
	a_target_that_comes_up_late_is_waited_for \
	discovery_finds_the_portals_of_a_target \
	discovery_asks_every_portal_and_leaves_the_dead_out \
	discovery_waits_for_a_portal_that_comes_up_late \
	discovery_that_finds_nothing_says_what_there_is \
	ipv6_portals_work_in_urls_and_in_discovery \
	a_path_may_be_given_by_name \
	thirty_two_paths_all_serve \
	dump_plugin_names_version_limits_and_defaults
