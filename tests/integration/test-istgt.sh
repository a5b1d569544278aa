#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The plugin on istgt, whose logins take a second.

DISK_SIZE=32M
TEST_TIMEOUT=400
TARGET=istgt
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=istgt.sh
. "$(dirname "$0")/istgt.sh"
# shellcheck source=any-target.sh
. "$(dirname "$0")/any-target.sh"

both_groups_are_seen_and_carry_io()
{
	two_paths
	assert_eq "$(show 'd["vendor"], d["product"], d["serial"]')" "('MPIO', 'ISTGT', '10000001')"
	assert_eq "$(show 'd["size"], d["block_size"]')" "($((32 << 20)), 512)"
	# It would answer REPORT TARGET PORT GROUPS, but its INQUIRY data deny it.
	assert_eq "$(show 'd["access"]')" symmetric
	assert_eq "$(carriers)" "0 1"
	export_stop
}

# kill -9 of the process takes both paths away; the disk is the same afterwards.
io_waits_for_a_target_that_is_started_again()
{
	two_paths
	fio_repeat --rate_iops=300
	writes_flow
	istgt_kill
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
	fio_is_running || fail "fio ended: $(tail -n 5 "$TESTDIR/fio.log")"
	istgt_restart
	wait_for both_up
	fio_finish
	export_stop
}

chap_logs_in()
{
	istgt_kill
	istgt_start me:ourSecret-9c1f
	only_the_right_password_logs_in
}

istgt_start
taps_start
behaviours random_requests_agree_with_a_model \
	both_groups_are_seen_and_carry_io \
	data_are_right_while_paths_fail_and_return \
	io_waits_for_a_target_that_is_started_again \
	a_successor_takes_over_and_nothing_old_lands_on_its_writes \
	chap_logs_in
