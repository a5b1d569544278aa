#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# No I/O goes to a unit that is not the export's: wrong from the start, remapped
# while the path was down, or behind a session's back; nor to one with other
# blocks or another size.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
requires tgtd qemu-io

RIGHT_ID=60014050000000000000000000000001
WRONG_ID=6001405000000000000000000000dead
WRONG_DISK=$TESTDIR/wrong.img
TIMERS='path-recovery-interval=300ms path-verify-interval=1s'

# The export works, and all its data is right.
export_serves()
{
	client qemu-io -f raw "$URI" -c "write -P $1 0 16M" -c "read -P $1 0 16M" -c flush >"$TESTDIR/qio.out"
	assert_not_contains "$TESTDIR/qio.out" 'failed'
}

# Not one byte of the wrong medium has changed.
wrong_medium_is_untouched()
{
	assert_same_data "$WRONG_DISK" "$TESTDIR/wrong.saved" "the wrong medium"
}

# no_block_io NAME: through that tap neither READ, WRITE nor their like were sent.
no_block_io()
{
	assert_eq "$(tap_count '88|8a|93|42|91|90|9e12' "$1")" 0 "commands for blocks through $1"
}

# names_both TEXT: the message names the identity found and the one wanted.
names_both()
{
	[[ $1 == *"naa.$WRONG_ID"*"naa.$RIGHT_ID"* ]] || fail "does not name both identities: $1"
}

# shellcheck disable=SC2086 # a list
two_paths()
{
	tap_forget
	export_start "$(array_url left)" "$(tap_url right)" $TIMERS
	wait_for '[ "$(paths_active)" = 2 ]'
}

restore_right()
{
	array_restart right --id "$RIGHT_ID" --backing "$DISK" --block-size 512
}

a_wrong_unit_behind_one_portal_is_refused_and_the_rest_serve()
{
	array_restart right --id "$WRONG_ID" --backing "$WRONG_DISK"
	tap_forget
	export_start "$(array_url left)" "$(tap_url right)" "$(array_url third)" path-recovery-interval=300ms
	wait_for '[ "$(paths_active)" = 2 ]'
	assert_eq "$(path_state 1)" failed
	names_both "$(show 'd["paths"][1]["last_error"]')"
	names_both "$(grep 'path-refused' "$(export_log)")"
	assert_eq "$(show 'd["wwid"]')" "naa.$RIGHT_ID"
	export_serves 0x31
	no_block_io right
	wrong_medium_is_untouched
}

# Continues.
a_refused_path_is_asked_again_and_joins_when_it_is_right()
{
	wait_for '[ "$(tap_count 12 right)" -ge 12 ]' "the path is asked again"
	assert_eq "$(path_state 1)" failed
	# It is said once, not at every attempt.
	assert_eq "$(grep -c 'path-refused' "$(export_log)")" 1 "messages"
	restore_right
	wait_for '[ "$(paths_active)" = 3 ]'
	assert_eq "$(show 'd["state"]')" normal
	export_serves 0x32
	assert '[ "$(tap_count 8a right)" -gt 0 ]'
	export_stop
}

the_first_of_two_different_units_is_served()
{
	array_restart right --id "$WRONG_ID" --backing "$WRONG_DISK"
	tap_forget
	export_start "$(array_url left)" "$(tap_url right)"
	wait_for '[ "$(path_state 1)" = failed ]'
	assert_eq "$(show 'd["wwid"]')" "naa.$RIGHT_ID"
	names_both "$(show 'd["paths"][1]["last_error"]')"
	export_serves 0x33
	no_block_io right
	wrong_medium_is_untouched
	export_stop
	restore_right
}

a_unit_remapped_while_its_path_was_down_stays_out()
{
	two_paths
	array_kill right
	wait_for '[ "$(path_state 1)" = failed ]'
	tap_forget
	array_restart right --id "$WRONG_ID" --backing "$WRONG_DISK"
	wait_for '[ "$(tap_count 12 right)" -ge 1 ]' "the path logs in again"
	wait_for 'show "d[\"paths\"][1][\"last_error\"]" | grep -q "wrong unit"'
	names_both "$(show 'd["paths"][1]["last_error"]')"
	export_serves 0x34
	no_block_io right
	wrong_medium_is_untouched
	restore_right
	wait_for '[ "$(paths_active)" = 2 ]'
	export_stop
}

# The session lives on, and tgtd raises no unit attention, as SAM-5 5.14 has it
# do: VPD page 83h is all that shows the change, so the path's next verification
# must. What is written before it goes to the wrong unit with such a target.
a_unit_remapped_behind_the_session_is_noticed()
{
	two_paths
	array_lun_delete right
	array_lun_new right --id "$WRONG_ID" --backing "$WRONG_DISK"
	wait_for '[ "$(path_state 1)" = failed ]'
	names_both "$(show 'd["paths"][1]["last_error"]')"
	export_serves 0x35
	no_block_io right
	wrong_medium_is_untouched
	export_stop
	restore_right
}

a_deleted_unit_fails_its_path_and_the_other_serves()
{
	two_paths
	array_lun_delete right
	export_serves 0x36
	assert_eq "$(path_state 1)" failed
	array_lun_new right
	wait_for '[ "$(paths_active)" = 2 ]'
	export_serves 0x37
	export_stop
}

# Another LUN of the target: tgtd reports 3Fh/0Eh to every session, and the write
# that was answered with it waits for VPD page 83h.
a_unit_attention_has_the_identity_read_again_before_io()
{
	export_start "$(tap_url right)"
	tap_forget
	truncate -s 1M "$TESTDIR/another.img"
	array_admin right -m logicalunit -o new -t 1 -l 7 -b "$TESTDIR/another.img"
	nbdsh_export 'h.pwrite(b"u" * 4096, 0)'
	local sequence
	sequence=$(cut -d ' ' -f 3 "$(tap_cdbs right)" | sed -n 's/^8a.*/write/p; s/^120183.*/identity/p; s/^9e10.*/capacity/p')
	assert_eq "$(tr '\n' ' ' <<<"$sequence")" "write identity capacity write "
	export_stop
	array_restart right
}

a_unit_with_other_blocks_is_refused()
{
	array_restart right --block-size 4096
	tap_forget
	export_start "$(array_url left)" "$(tap_url right)"
	wait_for '[ "$(path_state 1)" = failed ]'
	[[ $(show 'd["paths"][1]["last_error"]') == *"block size 4096"*512* ]] ||
		fail "$(show 'd["paths"][1]["last_error"]')"
	export_serves 0x38
	no_block_io right
	export_stop
	restore_right
}

a_unit_of_another_size_is_refused()
{
	truncate -s 8M "$TESTDIR/small.img"
	array_restart right --backing "$TESTDIR/small.img"
	tap_forget
	export_start "$(array_url left)" "$(tap_url right)"
	wait_for '[ "$(path_state 1)" = failed ]'
	[[ $(show 'd["paths"][1]["last_error"]') == *"16384 blocks"*32768* ]] ||
		fail "$(show 'd["paths"][1]["last_error"]')"
	export_serves 0x39
	no_block_io right
	export_stop
	restore_right
}

head -c 16M /dev/urandom >"$WRONG_DISK"
cp "$WRONG_DISK" "$TESTDIR/wrong.saved"
array_start left
array_start right
array_start third
tap_start right
behaviours a_wrong_unit_behind_one_portal_is_refused_and_the_rest_serve \
	a_refused_path_is_asked_again_and_joins_when_it_is_right \
	the_first_of_two_different_units_is_served \
	a_unit_remapped_while_its_path_was_down_stays_out \
	a_unit_remapped_behind_the_session_is_noticed \
	a_deleted_unit_fails_its_path_and_the_other_serves \
	a_unit_attention_has_the_identity_read_again_before_io \
	a_unit_with_other_blocks_is_refused \
	a_unit_of_another_size_is_refused
