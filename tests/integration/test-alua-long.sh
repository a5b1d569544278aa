#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Target port groups for longer than `make check` has time for: transitions by
# the clock, states at random, an array that goes. `make check-alua` runs it.

DISK_SIZE=16M
TEST_TIMEOUT=900
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=lio.sh
. "$(dirname "$0")/lio.sh"
# shellcheck source=alua.sh
. "$(dirname "$0")/alua.sh"

STEPS=60
STATES=(active-optimized active-unoptimized standby unavailable transitioning)

# Whatever the states are, they are for a moment only, and nothing may be lost.
data_are_right_through_60_random_changes()
{
	local step one two
	RANDOM=${SEED:-1}
	lio_access implicit
	two_paths
	fio_repeat --rate_iops=500
	for ((step = 0; step < STEPS; step++)); do
		one=${STATES[RANDOM % 5]}
		two=${STATES[RANDOM % 5]}
		lio_groups "$one" "$two"
		[ $((RANDOM % 3)) = 0 ] || wait_for "[ \"\$(alua_states)\" = $one/$two ]"
		fio_goes_on
		# So that it is not all waiting.
		if [ $((step % 5)) = 4 ]; then
			lio_groups active-unoptimized active-optimized
			more_writes
		fi
	done
	lio_groups active-optimized active-optimized
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	export_stop
}

# Nobody serves. In standby, that a group is tried may make it active; an
# unavailable one is no path.
groups_that_are_all_standby_or_unavailable_fail_io_in_time()
{
	local state
	lio_access implicit
	two_paths no-path-timeout=3s command-timeout=4s
	for state in standby unavailable; do
		states_become $state/$state
		now
		local start=$NOW_MS
		request_start none 'h.pwrite(b"n" * 4096, 0)'
		wait_for '[ "$(answer none)" = EIO ]'
		now
		assert '[ $((NOW_MS - start)) -lt 10000 ]' "EIO after $((NOW_MS - start)) ms"
		states_become active-optimized/$state
		wait_for '[ "$(path_state 0)" = active-optimized ]'
		nbdsh_export 'h.pwrite(b"b" * 4096, 0); assert h.pread(4096, 0) == b"b" * 4096'
	done
	lio_groups active-optimized active-optimized
	export_stop
}

# The array takes three seconds for each change, and says so.
a_change_that_takes_its_time_is_waited_out()
{
	lio_access implicit
	two_paths no-path-timeout=1s
	lio_set 1 trans_delay_msecs 3000
	lio_set 2 trans_delay_msecs 3000
	fio_repeat --rate_iops=300
	more_writes
	lio_ask 'lio state 1 active-unoptimized & lio state 2 active-unoptimized & wait'
	more_writes
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	assert '[ "$(fio_worst_ms)" -ge 2000 ]' "the longest write took $(fio_worst_ms) ms"
	lio_set 1 trans_delay_msecs 0
	lio_set 2 trans_delay_msecs 0
	lio_groups active-optimized active-optimized
	export_stop
}

# REPORT TARGET PORT GROUPS says how long it may take: longer than ours.
the_time_that_the_array_states_extends_transition_timeout()
{
	lio_access implicit
	lio_set 1 implicit_trans_secs 20
	lio_set 2 implicit_trans_secs 20
	two_paths transition-timeout=1s no-path-timeout=1s
	fio_repeat --rate_iops=300
	more_writes
	lio_groups transitioning transitioning
	lio_ask 'sleep 6'
	fio_goes_on
	lio_groups active-optimized active-optimized
	more_writes
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	lio_set 1 implicit_trans_secs 0
	lio_set 2 implicit_trans_secs 0
	export_stop
}

# Away from it because its path failed, in an array that has one optimized group
# at a time, as LIO has not by itself.
the_preferred_group_is_returned_to()
{
	lio_access explicit
	lio_preferred 1 1
	lio_groups active-optimized active-unoptimized
	tapped_paths failback=immediate
	fio_repeat --rate_iops=300
	more_writes
	lio_set 2 trans_delay_msecs 2000
	lio_ask '(until [ "$(lio get 2)" = transitioning ]; do sleep 0.02; done; lio state 1 active-unoptimized) &'
	tap_kill lio-1
	wait_for '[ "$(lio_group_state 1)/$(lio_group_state 2)" = active-unoptimized/active-optimized ]'
	lio_set 2 trans_delay_msecs 0
	more_writes
	tap_start lio-1
	wait_for -t 30 '[ "$(lio_group_state 1)" = active-optimized ]'
	more_writes
	fio_finish
	assert_eq "$(stpgs)" 2 "SET TARGET PORT GROUPS sent"
	lio_preferred 1 0
	lio_groups active-optimized active-optimized
	export_stop
}

# The answer to SET TARGET PORT GROUPS comes when the change is over.
an_explicit_change_may_take_its_time()
{
	lio_access explicit
	lio_groups active-optimized standby
	lio_set 2 trans_delay_msecs 3000
	tapped_paths no-path-timeout=20s
	fio_repeat --rate_iops=300
	more_writes
	tap_kill lio-1
	more_writes
	fio_goes_on
	assert_eq "$(lio_group_state 2)" active-optimized
	assert '[ "$(stpgs)" -le 2 ]' "$(stpgs) SET TARGET PORT GROUPS"
	tap_start lio-1
	wait_for both_up
	fio_finish
	lio_set 2 trans_delay_msecs 0
	lio_groups active-optimized active-optimized
	export_stop
}

# LIO does not tell all that there is to know of a unit in these states.
a_path_that_comes_back_in_such_a_state_waits_for_its_group()
{
	local state
	lio_access implicit
	tapped_paths
	for state in standby unavailable transitioning; do
		states_become active-optimized/$state
		tap_kill lio-2
		wait_for '[ "$(path_state 1)" = failed ]'
		tap_start lio-2
		wait_for '[ "$(path_state 1)" != failed ]'
		wait_for "[ \"\$(alua_states)\" = active-optimized/$state ]"
		assert_eq "$(carriers)" 0
		states_become active-optimized/active-optimized
		wait_for '[ "$(carriers)" = "0 1" ]'
	done
	export_stop
}

an_export_starts_while_one_group_is_unavailable()
{
	lio_access implicit
	lio_groups active-optimized unavailable
	two_paths
	assert_eq "$(alua_states)" active-optimized/unavailable
	assert_eq "$(carriers)" 0
	states_become active-optimized/active-optimized
	wait_for '[ "$(carriers)" = "0 1" ]'
	export_stop
}

# Each host reaches one group only, and wants it optimized.
two_hosts_that_disagree_do_not_play_ping_pong()
{
	lio_access explicit
	lio_groups active-optimized active-unoptimized
	tap_forget
	export_start -n one "$(tap_url lio-1)" path-verify-interval=1s
	export_start -n two "$(tap_url lio-2)" path-verify-interval=1s
	wait_for '[ "$(optimized_groups)" = 2 ]'
	assert_eq "$(stpgs)" 1 "SET TARGET PORT GROUPS sent"
	# Now one goes, time and again: it may come back, the other stays out of it.
	lio_group 1 active-unoptimized
	wait_for '[ "$(optimized_groups)" = 2 ]'
	tap_forget
	wait_for -t 30 '[ "$(rtpgs)" -ge 10 ]'
	assert_eq "$(stpgs)" 0 "SET TARGET PORT GROUPS sent afterwards"
	export_stop one
	export_stop two
	lio_groups active-optimized active-optimized
}

an_array_that_goes_is_an_outage_and_its_successor_is_used()
{
	lio_access implicit
	two_paths no-path-timeout=3s
	nbdsh_export 'h.pwrite(b"o" * 4096, 0)'
	lio_kill
	request_start gone 'h.pwrite(b"g" * 4096, 0)'
	wait_for '[ "$(answer gone)" = EIO ]'
	lio_start implicit
	wait_for -t 30 both_up
	nbdsh_export 'h.pwrite(b"s" * 4096, 0); assert h.pread(4096, 0) == b"s" * 4096'
	lio_kill
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
	export_stop
}

lio_start implicit
tap_start lio-1
tap_start lio-2
behaviours data_are_right_through_60_random_changes \
	groups_that_are_all_standby_or_unavailable_fail_io_in_time \
	a_change_that_takes_its_time_is_waited_out \
	the_time_that_the_array_states_extends_transition_timeout \
	the_preferred_group_is_returned_to \
	an_explicit_change_may_take_its_time \
	a_path_that_comes_back_in_such_a_state_waits_for_its_group \
	an_export_starts_while_one_group_is_unavailable \
	two_hosts_that_disagree_do_not_play_ping_pong \
	an_array_that_goes_is_an_outage_and_its_successor_is_used
