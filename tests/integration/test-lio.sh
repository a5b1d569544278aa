#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The plugin on Linux's own target, LIO, in a virtual machine. What it does about
# the states of LIO's target port groups is test-alua.sh's.

DISK_SIZE=32M
TEST_TIMEOUT=400
TARGET=lio
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=lio.sh
. "$(dirname "$0")/lio.sh"
# shellcheck source=any-target.sh
. "$(dirname "$0")/any-target.sh"

both_groups_are_seen_and_carry_io()
{
	two_paths
	assert_eq "$(show 'd["vendor"], d["product"], d["serial"]')" "('LIO-ORG', 'FILEIO', '6d70696f0001')"
	assert_eq "$(show 'd["size"], d["block_size"]')" "($((32 << 20)), 512)"
	assert_contains <(show 'd["wwid"]') '^naa\.60014056d70696f0001'
	assert_eq "$(carriers)" "0 1"
	export_stop
}

# The sessions end, and logins are refused while the portals still answer.
a_portal_group_taken_away_is_a_failed_path_until_it_is_back()
{
	two_paths
	fio_repeat --rate_iops=300
	writes_flow
	lio_portals 1 off
	wait_for 'show "d[\"paths\"][0][\"last_error\"]" | grep -q 0301h'
	assert_eq "$(path_state 0)" failed
	fio_is_running || fail "fio ended: $(tail -n 5 "$TESTDIR/fio.log")"
	lio_portals 1 on
	wait_for both_up
	fio_finish
	assert_eq "$(show 'd["paths"][1]["failures"]')" 0 "failures of the other path"
	export_stop
}

# Shorter than any time-out: nothing fails, everything waits.
an_array_that_hangs_for_a_moment_costs_that_moment()
{
	two_paths
	fio_repeat --rate_iops=300
	writes_flow
	lio_stop
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" -ge 1 ]'
	lio_cont
	fio_finish
	assert_eq "$(show '[p["failures"] for p in d["paths"]]')" '[0, 0]'
	export_stop
}

a_unit_that_grows_is_seen_to_grow()
{
	two_paths path-verify-interval=1s
	lio_resize 48M
	wait_for '[ "$(show "d[\"size\"]")" = '$((48 << 20))' ]'
	wait_for both_up
	nbdsh_export 'h.pwrite(b"n" * 65536, 40 << 20); assert h.pread(65536, 40 << 20) == b"n" * 65536'
	export_stop
}

chap_logs_in()
{
	lio_chap me:ourSecret-9c1f
	only_the_right_password_logs_in
	lio_chap
}

lio_start
say "LIO is up after $SECONDS s"
taps_start
behaviours random_requests_agree_with_a_model \
	both_groups_are_seen_and_carry_io \
	data_are_right_while_paths_fail_and_return \
	a_portal_group_taken_away_is_a_failed_path_until_it_is_back \
	an_array_that_hangs_for_a_moment_costs_that_moment \
	a_successor_takes_over_and_nothing_old_lands_on_its_writes \
	chap_logs_in \
	a_unit_that_grows_is_seen_to_grow
