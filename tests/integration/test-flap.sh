#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Paths that come back and fail again: they are held back, and stand in when
# there is nothing else.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd fio

both_up() { [ "$(paths_active)" = 2 ]; }
failures() { show "d['paths'][$1]['failures']"; }
last_error() { show "d['paths'][$1]['last_error']"; }

is_held_back()
{
	[ "$(path_state 0)" = failed ] && [[ $(last_error 0) == "held back "* ]]
}

two_paths()
{
	proxy_array left a
	proxy_array right a
	export_start "$(proxy_url left)" "$(proxy_url right)" \
		path-recovery-interval=500ms flap-window=30s "$@"
	wait_for both_up
}

finish()
{
	export_stop
	proxy_kill left
	proxy_kill right
}

# The first two times it is back at once; the third time it is not, and says why.
a_path_that_drops_again_and_again_is_held_back()
{
	two_paths flap-backoff-max=20s
	fio_start --rate_iops=500
	for n in 1 2 3 4 5 6; do
		wait_for '[ "$(path_state 0)" = active-optimized ]' "it is back before drop $n"
		proxy left '{"op": "cut", "how": "reset"}'
		wait_for "[ \"\$(failures 0)\" = $n ]" "drop $n is noticed"
	done
	# 0.5 s, 1 s, 2 s, 4 s: the fourth one is long enough to be looked at.
	wait_for is_held_back "it is held back"
	assert '[[ $(last_error 0) == *"failed 6 times in "* ]]' "$(last_error 0)"
	assert_eq "$(path_state 1)" active-optimized
	assert_contains "$(export_log)" "path-held-back"
	wait_for '[ "$(path_state 0)" = active-optimized ]' "it is let back in"
	fio_finish
	finish
}

# Its sessions are fine, TEST UNIT READY is answered well, its I/O fails.
a_path_that_only_verification_likes_is_held_back()
{
	two_paths flap-backoff-max=60s
	proxy left '{"op": "add", "rule": {"name": "bad", "direction": "request",
		"scsi": ["READ", "WRITE"], "action": {"do": "answer", "status": 2, "sense": "0/00/00"}}}'
	fio_start --rate_iops=500
	wait_for '[ "$(failures 0)" -ge 6 ]' "it has failed six times"
	wait_for is_held_back "it is held back"
	fio_finish
	# Within twice that time it would have failed dozens of times.
	assert '[ "$(failures 0)" -le 9 ]' "it failed $(failures 0) times"
	finish
}

a_path_held_back_stands_in_for_the_last_one_at_once()
{
	two_paths flap-backoff-max=300s no-path-timeout=20s
	for n in 1 2 3 4 5 6 7; do
		wait_for '[ "$(path_state 0)" = active-optimized ]' "it is back before drop $n"
		proxy left '{"op": "cut", "how": "reset"}'
		wait_for "[ \"\$(failures 0)\" = $n ]" "drop $n is noticed"
	done
	wait_for is_held_back "it is held back"
	fio_start --rate_iops=500
	wait_for '[ "$(show "d[\"paths\"][1][\"writes\"]")" -gt 100 ]' "writes are under way"
	proxy right '{"op": "listen", "on": false}'
	proxy right '{"op": "cut", "how": "reset"}'
	wait_for '[ "$(path_state 1)" = failed ] && [ "$(path_state 0)" = active-optimized ]'
	fio_is_running || fail "fio ended before the fault"
	fio_finish
	assert '[ "$(fio_worst_ms)" -lt 3000 ]' "a write took $(fio_worst_ms) ms"
	assert_not_contains "$(export_log)" "all-paths-down"
	finish
}

array_start a
behaviours \
	a_path_that_drops_again_and_again_is_held_back \
	a_path_that_only_verification_likes_is_held_back \
	a_path_held_back_stands_in_for_the_last_one_at_once
