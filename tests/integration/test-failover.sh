#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One path fails and the client notices nothing; the path returns and is used
# again; which path carries I/O is what the policy says.

DISK_SIZE=32M
TEST_TIMEOUT=240
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd fio

KILLS=100

both_up() { [ "$(paths_active)" = 2 ]; }

two_paths()
{
	export_start "$@" path-recovery-interval=500ms
	wait_for both_up
}

round_robin_uses_both_paths_evenly()
{
	two_paths "$(array_url left)" "$(array_url right)" policy=round-robin
	nbdsh_export 'for n in range(640): h.pwrite(b"r" * 4096, n * 4096)'
	assert_eq "$(show 'sum(p["writes"] for p in d["paths"])')" 640 writes
	assert '[ "$(show "min(p[\"writes\"] for p in d[\"paths\"])")" -ge 300 ]'
}

# Continues with the export of the behaviour before.
a_write_goes_on_while_one_path_is_killed()
{
	local enough=$(($(show 'd["paths"][0]["writes"]') + 50 + RANDOM % 150))
	fio_start --rate_iops=500
	wait_for "[ \"\$(show 'd[\"paths\"][0][\"writes\"]')\" -ge $enough ]" "writes are under way"
	array_kill left
	fio_is_running || fail "fio ended before the fault"
	wait_for '[ "$(paths_active)" = 1 ]'
	fio_is_running || fail "fio ended with the fault"
	fio_finish
	assert '[ "$(fio_worst_ms)" -lt 3000 ]' "a write took $(fio_worst_ms) ms"
	assert_eq "$(show 'd["state"], d["failovers"]')" "('last-path', 1)"
}

a_path_that_returned_is_used_again()
{
	assert_eq "$(carriers)" 1
	array_restart left
	wait_for both_up
	assert_eq "$(carriers)" "0 1"
	assert_eq "$(show 'd["state"]')" normal
	fio_start
	fio_finish
	export_stop
}

# Every second kill closes the connections of a target that lives on, the others
# are kill -9 of the target.
data_are_right_through_100_path_kills()
{
	local kill name
	# A path that is killed so often would be held back.
	two_paths "$(array_url left)" "$(array_url right)" flap-window=0
	fio_repeat --bsrange=4k-32k --verify_backlog=128 --rate_iops=1500
	wait_for '[ "$(show "d[\"paths\"][0][\"writes\"]")" -gt 0 ]'
	for ((kill = 0; kill < KILLS; kill++)); do
		name=left
		[ $((kill / 2 % 2)) = 0 ] || name=right
		if [ $((kill % 2)) = 0 ]; then
			array_drop_sessions $name
		else
			array_restart $name
		fi
		wait_for "[ \"\$(show 'sum(p[\"failures\"] for p in d[\"paths\"])')\" -gt $kill ]" \
			"kill $kill of $name is noticed"
		wait_for both_up "both paths are back after kill $kill of $name"
		fio_is_running || fail "fio ended: $(tail -n 5 "$TESTDIR/fio.log")"
	done
	fio_finish
	say "$KILLS kills; per path: failures $(show '[p["failures"] for p in d["paths"]]'), commands sent again $(show '[p["retries"] for p in d["paths"]]')"
	assert '[ "$(show "sum(p[\"retries\"] for p in d[\"paths\"])")" -ge 10 ]' "few kills hit a command in flight"
	export_stop
}

failover_only_uses_one_path_until_it_fails()
{
	two_paths "$(array_url left)" "$(array_url right)" policy=failover-only
	assert_eq "$(carriers)" 0
	array_kill left
	assert_eq "$(carriers)" 1
	# Nobody is preferred: there is no reason to go back.
	array_restart left
	wait_for both_up
	assert_eq "$(carriers)" 1
	array_restart right
	wait_for both_up
	assert_eq "$(carriers)" 0
	export_stop
}

# preferred FAILBACK: the right path is preferred, fails, and is back.
preferred()
{
	two_paths "$(array_url left)" "$(array_url right),preferred" policy=failover-only failback="$1"
	assert_eq "$(carriers)" 1
	assert_eq "$(show '[p["preferred"] for p in d["paths"]]')" "[False, True]"
	array_kill right
	assert_eq "$(carriers)" 0
	array_restart right
	wait_for both_up
}

immediate_failback_returns_to_the_preferred_path()
{
	preferred immediate
	assert_eq "$(carriers)" 1
	export_stop
}

manual_failback_stays_where_it_is()
{
	preferred manual
	assert_eq "$(carriers)" 0
	# Not for good: the path in use fails.
	array_kill left
	assert_eq "$(carriers)" 1
	array_restart left
	export_stop
}

failback_in_seconds_waits_so_long()
{
	local up
	preferred 3
	now
	up=$NOW_MS
	assert_eq "$(carriers)" 0
	wait_for '[ "$(carriers)" = 1 ]'
	now
	assert '[ $((NOW_MS - up)) -ge 1500 ]' "back after $((NOW_MS - up)) ms"
	export_stop
}

a_standby_path_is_used_only_when_no_other_is_left()
{
	export_start "$(array_url left),standby" "$(array_url right)"
	wait_for '[ "$(path_state 0)/$(path_state 1)" = standby/active-optimized ]'
	assert_eq "$(carriers)" 1
	array_kill right
	assert_eq "$(carriers)" 0
	array_restart right
	wait_for '[ "$(path_state 1)" = active-optimized ]'
	assert_eq "$(carriers)" 1
	export_stop
}

array_start left
array_start right
behaviours round_robin_uses_both_paths_evenly \
	a_write_goes_on_while_one_path_is_killed \
	a_path_that_returned_is_used_again \
	failover_only_uses_one_path_until_it_fails \
	immediate_failback_returns_to_the_preferred_path \
	manual_failback_stays_where_it_is \
	failback_in_seconds_waits_so_long \
	a_standby_path_is_used_only_when_no_other_is_left \
	data_are_right_through_100_path_kills
