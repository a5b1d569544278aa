#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Target port groups whose access states change, on Linux's own target in a
# virtual machine. test-alua-long.sh goes on from here.

DISK_SIZE=16M
TEST_TIMEOUT=400
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=lio.sh
. "$(dirname "$0")/lio.sh"
# shellcheck source=alua.sh
. "$(dirname "$0")/alua.sh"

every_access_state_is_shown_as_the_array_has_it()
{
	local state
	lio_access implicit
	two_paths
	assert_eq "$(show 'd["access"]')" alua-implicit
	assert_eq "$(show '[p["tpg"] for p in d["paths"]]')" '[1, 2]'
	for state in standby unavailable transitioning active-unoptimized active-optimized; do
		lio_group 2 $state
		wait_for "[ \"\$(alua_states)\" = active-optimized/$state ]"
		wait_for "[ \"\$(path_state 1)\" = $state ]"
	done
	assert_eq "$(path_state 0)" active-optimized
	assert_eq "$(failures)" '[0, 0]'
	export_stop
}

io_goes_to_the_best_groups_and_to_no_other()
{
	lio_access implicit
	two_paths
	best_paths_are active-optimized active-unoptimized "0"
	best_paths_are active-unoptimized active-optimized "1"
	best_paths_are active-optimized active-optimized "0 1"
	best_paths_are active-unoptimized active-unoptimized "0 1"
	best_paths_are active-unoptimized standby "0"
	best_paths_are unavailable active-unoptimized "1"
	best_paths_are active-optimized unavailable "0"
	assert_eq "$(failures)" '[0, 0]'
	lio_groups active-optimized active-optimized
	export_stop
}

data_are_right_while_states_change_in_all_directions()
{
	local states
	lio_access implicit
	two_paths
	fio_repeat --rate_iops=300
	for states in \
		active-optimized/active-unoptimized \
		active-unoptimized/active-optimized \
		standby/active-optimized \
		active-optimized/unavailable \
		unavailable/active-unoptimized \
		active-unoptimized/standby \
		active-optimized/transitioning \
		transitioning/active-unoptimized \
		active-optimized/active-optimized
	do
		states_become $states
		more_writes
		fio_goes_on
	done
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	export_stop
}

# no-path-timeout does not count: a transition is no outage.
a_transition_of_all_groups_is_waited_out()
{
	local writes
	lio_access implicit
	two_paths no-path-timeout=1s
	fio_repeat --rate_iops=300
	more_writes
	lio_groups transitioning transitioning
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 0 ]'
	writes=$(writes)
	lio_ask 'sleep 4'
	assert_eq "$(writes)" "$writes" "writes while all groups are in transition"
	fio_goes_on
	lio_groups active-unoptimized active-optimized
	more_writes
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	assert '[ "$(fio_worst_ms)" -ge 3000 ]' "the longest write took $(fio_worst_ms) ms"
	lio_groups active-optimized active-optimized
	export_stop
}

a_transition_beyond_its_time_out_is_an_outage()
{
	lio_access implicit
	two_paths transition-timeout=2s no-path-timeout=1s
	lio_groups transitioning transitioning
	request_start late 'h.pwrite(b"l" * 4096, 0)'
	wait_for '[ "$(answer late)" = EIO ]'
	lio_groups active-optimized active-optimized
	wait_for both_up
	nbdsh_export 'h.pwrite(b"a" * 4096, 0); assert h.pread(4096, 0) == b"a" * 4096'
	export_stop
}

implicit_access_is_left_to_the_array()
{
	lio_access implicit
	lio_groups standby active-optimized
	tapped_paths
	tap_forget
	lio_group 2 standby
	wait_for '[ "$(alua_states)" = standby/standby ]'
	lio_group 1 active-optimized
	wait_for '[ "$(carriers)" = 0 ]'
	assert_eq "$(stpgs)" 0 "SET TARGET PORT GROUPS sent"
	lio_groups active-optimized active-optimized
	export_stop
}

# Of a group that is optimized, the path fails: the other group has to be.
explicit_access_makes_the_other_group_optimized()
{
	lio_access explicit
	lio_groups active-optimized standby
	tapped_paths
	assert_eq "$(show 'd["access"]')" alua-explicit
	wait_for '[ "$(alua_states)" = active-optimized/standby ]'
	fio_repeat --rate_iops=300
	more_writes
	assert_eq "$(stpgs)" 0 "SET TARGET PORT GROUPS sent without need"
	tap_kill lio-1
	wait_for '[ "$(lio_group_state 2)" = active-optimized ]'
	more_writes
	fio_goes_on
	tap_start lio-1
	wait_for '[ "$(path_state 0)" = active-optimized ]'
	fio_finish
	assert_eq "$(lio_group_state 1)/$(lio_group_state 2)" active-optimized/active-optimized
	assert '[ "$(stpgs)" -le 2 ]' "$(stpgs) SET TARGET PORT GROUPS"
	assert_eq "$(show 'd["paths"][1]["failures"]')" 0
	export_stop
}

# The array takes its group away; one command brings one group back, and then
# nobody argues.
explicit_access_ends_when_one_group_is_optimized()
{
	local sent
	lio_access both
	lio_groups active-optimized standby
	tapped_paths
	assert_eq "$(show 'd["access"]')" alua-both
	fio_repeat --rate_iops=300
	more_writes
	lio_group 1 standby
	wait_for '[ "$(optimized_groups)" -ge 1 ]'
	more_writes
	sent=$(stpgs)
	assert '[ "$sent" -ge 1 ] && [ "$sent" -le 2 ]' "$sent SET TARGET PORT GROUPS"
	# Verifications come and go, and everything stays as it is.
	tap_forget
	wait_for '[ "$(rtpgs)" -ge 4 ]'
	assert_eq "$(stpgs)" 0 "SET TARGET PORT GROUPS sent afterwards"
	fio_finish
	assert_eq "$(failures)" '[0, 0]'
	lio_groups active-optimized active-optimized
	export_stop
}

the_preferred_bit_decides_which_group_becomes_optimized()
{
	lio_access explicit
	lio_preferred 2 1
	tapped_paths
	wait_for '[ "$(show "[p[\"preferred\"] for p in d[\"paths\"]]")" = "[False, True]" ]'
	lio_groups active-unoptimized active-unoptimized
	wait_for '[ "$(lio_group_state 2)" = active-optimized ]'
	wait_for '[ "$(carriers)" = 1 ]'
	assert_eq "$(lio_group_state 1)" active-unoptimized
	assert_eq "$(stpgs)" 1 "SET TARGET PORT GROUPS sent"
	lio_preferred 2 0
	lio_groups active-optimized active-optimized
	export_stop
}

# Its sessions end and logins are refused.
a_group_without_portals_is_replaced_and_comes_back()
{
	lio_access both
	lio_groups active-optimized active-unoptimized
	two_paths
	fio_repeat --rate_iops=300
	more_writes
	lio_portals 1 off
	wait_for '[ "$(path_state 0)" = failed ]'
	wait_for '[ "$(lio_group_state 2)" = active-optimized ]'
	more_writes
	assert_contains <(show 'd["paths"][0]["last_error"]') 0301h
	lio_portals 1 on
	wait_for both_up
	fio_finish
	assert_eq "$(show 'd["paths"][1]["failures"]')" 0
	lio_groups active-optimized active-optimized
	export_stop
}

# A host boots while the controller that was optimized is down.
an_export_that_finds_no_active_group_makes_one_optimized()
{
	local state
	lio_access explicit
	for state in standby unavailable; do
		lio_groups $state $state
		tapped_paths
		assert_eq "$(stpgs)" 1 "SET TARGET PORT GROUPS sent"
		assert_eq "$(optimized_groups)" 1
		nbdsh_export 'h.pwrite(b"s" * 4096, 0); assert h.pread(4096, 0) == b"s" * 4096'
		export_stop
	done
	lio_groups active-optimized active-optimized
}

an_array_that_decides_alone_is_waited_for_at_the_start()
{
	lio_access implicit
	lio_groups standby unavailable
	tap_forget
	export_fails "$(tap_url lio-1)" "$(tap_url lio-2)" no-path-timeout=4s
	assert_contains "$(export_log)" 'target port group 1 is standby \(alua-implicit\)'
	assert_contains "$(export_log)" 'target port group 2 is unavailable \(alua-implicit\)'
	assert_eq "$(stpgs)" 0 "SET TARGET PORT GROUPS sent"
	lio_groups active-optimized active-optimized
}

lio_start implicit
say "LIO is up after $SECONDS s"
tap_start lio-1
tap_start lio-2
behaviours every_access_state_is_shown_as_the_array_has_it \
	io_goes_to_the_best_groups_and_to_no_other \
	data_are_right_while_states_change_in_all_directions \
	a_transition_of_all_groups_is_waited_out \
	a_transition_beyond_its_time_out_is_an_outage \
	implicit_access_is_left_to_the_array \
	explicit_access_makes_the_other_group_optimized \
	explicit_access_ends_when_one_group_is_optimized \
	the_preferred_bit_decides_which_group_becomes_optimized \
	a_group_without_portals_is_replaced_and_comes_back \
	an_export_that_finds_no_active_group_makes_one_optimized \
	an_array_that_decides_alone_is_waited_for_at_the_start
