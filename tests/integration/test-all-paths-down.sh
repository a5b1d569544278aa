#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# No path at all: I/O waits for no-path-timeout, then fails, then goes on when a
# path returns. A target that hangs is noticed. Nothing delays the end of the
# process.

DISK_SIZE=32M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
requires tgtd fio

two_paths()
{
	export_start "$(array_url left)" "$(array_url right)" path-recovery-interval=300ms "$@"
	wait_for '[ "$(paths_active)" = 2 ]'
}

both_down()
{
	array_kill left
	array_kill right
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
}

within_the_time_out_the_client_notices_nothing()
{
	two_paths no-path-timeout=20s
	spawn "$TESTDIR/fio.log" env HOME="$TESTDIR" fio --name=verify --ioengine=nbd "--uri=$URI" \
		--rw=randwrite --bs=16k --size="$DISK_SIZE" --iodepth=8 --verify=crc32c \
		--verify_backlog=64 --verify_fatal=1 --verify_state_save=0 --verify_dump=0 --rate_iops=1000
	local fio=$SPAWNED rc=0 writes
	wait_for '[ "$(show "sum(p[\"writes\"] for p in d[\"paths\"])")" -ge 200 ]'
	both_down
	writes=$(show 'sum(p["writes"] for p in d["paths"])')
	assert '[ "$writes" -lt 2000 ]' "fio was through before the fault"
	# All of it waits.
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 0 ]'
	assert_eq "$(show 'sum(p["writes"] for p in d["paths"])')" "$writes"
	is_own_child "$fio" || fail "fio ended: $(tail -n 3 "$TESTDIR/fio.log")"
	array_restart left
	wait_for "! is_own_child $fio" "fio is done"
	wait "$fio" || rc=$?
	assert_eq $rc 0 "exit status of fio: $(tail -n 3 "$TESTDIR/fio.log")"
	array_restart right
	wait_for '[ "$(paths_active)" = 2 ]'
	assert_eq "$(show 'd["state"]')" normal
	export_stop
}

beyond_it_requests_fail_with_eio_and_work_again_later()
{
	local op start
	two_paths no-path-timeout=2s
	both_down
	now
	start=$NOW_MS
	for op in 'pread(4096, 0)' 'pwrite(b"w" * 4096, 0)' 'pwrite(b"w" * 100, 5)' 'flush()' \
		'zero(4096, 0)' 'trim(65536, 0)'; do
		request_start "${op%%(*}${#op}" "h.$op"
	done
	for op in 'pread(4096, 0)' 'pwrite(b"w" * 4096, 0)' 'pwrite(b"w" * 100, 5)' 'flush()' \
		'zero(4096, 0)' 'trim(65536, 0)'; do
		wait_for "[ -n \"\$(answer ${op%%(*}${#op})\" ]" "an answer to $op"
		assert_eq "$(answer "${op%%(*}${#op}")" EIO "$op"
	done
	now
	assert '[ $((NOW_MS - start)) -ge 1000 ]' "failed after $((NOW_MS - start)) ms"
	# From then on at once.
	now
	start=$NOW_MS
	request_start late 'h.pread(4096, 0)'
	wait_for '[ "$(answer late)" = EIO ]'
	now
	assert '[ $((NOW_MS - start)) -lt $((1500 * TIME_FACTOR)) ]' "failed after $((NOW_MS - start)) ms"
	array_restart right
	wait_for '[ "$(paths_active)" = 1 ]'
	request_start again 'h.pwrite(b"w" * 4096, 0); h.flush()'
	wait_for '[ -n "$(answer again)" ]'
	assert_eq "$(answer again)" 0
	array_restart left
	export_stop
}

sigterm_answers_every_waiting_request_and_ends_soon()
{
	local n start
	two_paths no-path-timeout=60s nop-interval=60s io-timeout=60s
	# That they have arrived can be seen only while there are paths.
	array_stop left
	array_stop right
	for n in 1 2 3 4; do
		request_start "waiting$n" 'h.pwrite(b"w" * 4096, 0)'
	done
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 4 ]'
	both_down
	now
	start=$NOW_MS
	export_stop
	now
	assert '[ $((NOW_MS - start)) -lt $((3000 * TIME_FACTOR)) ]' "ended after $((NOW_MS - start)) ms"
	for n in 1 2 3 4; do
		wait_for "[ -n \"\$(answer waiting$n)\" ]" "answer to request $n"
		assert_eq "$(answer "waiting$n")" ESHUTDOWN
	done
	array_restart left
	array_restart right
}

sigterm_ends_soon_while_targets_hang_with_commands()
{
	local n start
	two_paths nop-interval=60s io-timeout=60s
	array_stop left
	array_stop right
	for n in 1 2 3 4; do
		request_start "hung$n" 'h.pwrite(b"w" * 4096, 0)'
	done
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 4 ]'
	now
	start=$NOW_MS
	export_stop
	now
	assert '[ $((NOW_MS - start)) -lt $((3000 * TIME_FACTOR)) ]' "ended after $((NOW_MS - start)) ms"
	for n in 1 2 3 4; do
		wait_for "[ -n \"\$(answer hung$n)\" ]" "answer to request $n"
		assert_eq "$(answer "hung$n")" ESHUTDOWN
	done
	array_cont left
	array_cont right
}

# A mounted file system's client does nothing for minutes; another one has hung.
sigterm_ends_soon_while_clients_idle_or_do_not_read()
{
	local start
	two_paths
	request_start idle 'import time; time.sleep(300)'
	request_start deaf 'import time
for n in range(32):
    h.aio_pread(nbd.Buffer(1 << 20), 0)
time.sleep(300)'
	wait_for '[ -e "$TESTDIR/idle.answer.ready" ] && [ -e "$TESTDIR/deaf.answer.ready" ]'
	wait_for '[ "$(show "d[\"paths\"][0][\"reads\"] + d[\"paths\"][1][\"reads\"]")" -ge 16 ]' \
		"answers are on their way to a client that does not read them"
	now
	start=$NOW_MS
	export_stop
	now
	assert '[ $((NOW_MS - start)) -lt $((5000 * TIME_FACTOR)) ]' "ended after $((NOW_MS - start)) ms"
}

# Commands in flight on the stopped target go over when the NOP times out; the
# other path is not delayed meanwhile.
a_target_that_hangs_is_failed_over_by_the_nop_time_out()
{
	local start
	two_paths policy=failover-only nop-interval=500ms nop-timeout=500ms
	array_stop left
	now
	start=$NOW_MS
	request_start hung 'h.pwrite(b"n" * 4096, 8192)'
	wait_for '[ -n "$(answer hung)" ]'
	now
	assert_eq "$(answer hung)" 0
	assert '[ $((NOW_MS - start)) -lt $((4000 * TIME_FACTOR)) ]' "failed over after $((NOW_MS - start)) ms"
	wait_for '[ "$(path_state 0)" = failed ]'
	say "failed over after $((NOW_MS - start)) ms: $(show 'd["paths"][0]["last_error"]')"
	array_cont left
	wait_for '[ "$(paths_active)" = 2 ]'
	assert_eq "$(head -c 12288 "$DISK" | tail -c 4096 | tr -d n | wc -c)" 0 "bytes that are not n"
	export_stop
}

an_idle_path_that_hangs_is_noticed_without_io()
{
	two_paths nop-interval=500ms nop-timeout=500ms
	array_stop right
	wait_for '[ "$(path_state 1)" = failed ]'
	array_cont right
	wait_for '[ "$(paths_active)" = 2 ]'
	export_stop
}

# A black hole: the connection stays, nothing comes back, new ones are accepted
# by the kernel and never answered.
a_login_that_hangs_does_not_delay_the_other_path()
{
	tap_start left
	tap_stop left
	export_start "$(tap_url left)" "$(array_url right)" login-timeout=60s
	assert_eq "$(paths_active)" 1
	client qemu-io -f raw "$URI" -c 'write -P 1 0 1M' -c 'read -P 1 0 1M' >"$TESTDIR/qio.out"
	assert_not_contains "$TESTDIR/qio.out" failed
	tap_cont left
	wait_for '[ "$(paths_active)" = 2 ]'
	export_stop
	tap_kill left
}

array_start left --thin
array_start right --thin
behaviours within_the_time_out_the_client_notices_nothing \
	beyond_it_requests_fail_with_eio_and_work_again_later \
	sigterm_answers_every_waiting_request_and_ends_soon \
	sigterm_ends_soon_while_targets_hang_with_commands \
	sigterm_ends_soon_while_clients_idle_or_do_not_read \
	a_target_that_hangs_is_failed_over_by_the_nop_time_out \
	an_idle_path_that_hangs_is_noticed_without_io \
	a_login_that_hangs_does_not_delay_the_other_path
