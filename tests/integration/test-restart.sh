#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Processes that come and go: twins on one unit, a killed one whose successor
# takes its name and its sessions over, and those without a runtime directory.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
requires tgtd

RUN=$TESTDIR/run-shared

# start EXPORT PARAMETER...: all on one runtime directory.
start()
{
	local name=$1
	shift
	export_start -n "$name" "$@" "runtime-dir=$RUN"
}

# Asks the export that has that name in the registry.
ask() { pathctl --socket "$RUN/exports/$1.sock" show --json; }

ask_usable() { ask "$1" | "$PYTHON" -c 'import json, sys; print(json.load(sys.stdin)["usable_paths"])'; }

two_instances_of_one_unit_live_side_by_side_under_two_names()
{
	start one "$(array_url left)" "$(array_url right)"
	start two "$(array_url left)" "$(array_url right)"
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" "array-1.2.sock array-1.sock"
	wait_for '[ "$(ask_usable array-1)$(ask_usable array-1.2)" = 22 ]'
	# Neither throws the other's sessions out.
	nbdsh_export -n one 'h.pwrite(b"1" * 8192, 0)'
	nbdsh_export -n two 'assert h.pread(8192, 0) == b"1" * 8192; h.pwrite(b"2" * 8192, 0)'
	nbdsh_export -n one 'assert h.pread(8192, 0) == b"2" * 8192'
	assert_eq "$(array_sessions left)$(array_sessions right)" 22 "sessions"
	assert_eq "$(ask array-1 | grep -c '"failures": 0')$(ask array-1.2 | grep -c '"failures": 0')" 22
	nbdinfo --list "$(export_uri two)" >"$TESTDIR/info"
	assert_contains "$TESTDIR/info" 'export="array-1\.2"'
}

# Continues.
a_name_is_free_again_after_its_owner_has_left()
{
	export_stop one
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" "array-1.2.sock"
	start one "$(array_url left)" "$(array_url right)"
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" "array-1.2.sock array-1.sock"
	export_stop one
	export_stop two
	assert_eq "$(ls "$RUN/exports")" "" "left in the registry"
}

# Its predecessor's socket and lock file lie around, and its sessions hang at the
# targets as if its host had died: the connections were never closed.
a_killed_process_comes_back_under_its_name_and_takes_its_sessions_over()
{
	tap_forget
	start one "$(tap_url left)" "$(tap_url right)"
	wait_for '[ "$(ask_usable array-1)" = 2 ]'
	tap_freeze left
	tap_freeze right
	export_kill one
	assert_eq "$(array_sessions left)$(array_sessions right)" 11 "sessions of the dead"
	assert '[ -e "$RUN/exports/array-1.sock" ]'

	start one "$(tap_url left)" "$(tap_url right)"
	wait_for '[ "$(ask_usable array-1)" = 2 ]'
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" array-1.sock
	assert_eq "$(array_sessions left)$(array_sessions right)" 11 "sessions, none left over"
	assert_eq "$(tap_isids left | wc -l)$(tap_isids right | wc -l)" 11 "ISIDs at each"
	assert_eq "$(cat <(tap_isids left) <(tap_isids right) | sort -u | wc -l)" 2 "ISIDs in all"
	nbdsh_export -n one 'h.pwrite(b"3" * 8192, 0); assert h.pread(8192, 0) == b"3" * 8192'
	export_stop one
	wait_for '[ "$(array_sessions left)$(array_sessions right)" = 00 ]'
}

a_killed_twin_leaves_its_sibling_alone()
{
	start one "$(array_url left)" "$(array_url right)"
	start two "$(array_url left)" "$(array_url right)"
	export_kill one
	start one "$(array_url left)" "$(array_url right)"
	wait_for '[ "$(ask_usable array-1)$(ask_usable array-1.2)" = 22 ]'
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" "array-1.2.sock array-1.sock"
	nbdsh_export -n two 'h.pwrite(b"4" * 4096, 0)'
	assert_eq "$(ask array-1.2 | grep -c '"failures": 0')" 2 "paths without a failure"
	export_stop one
	export_stop two
}

without_a_runtime_directory_it_serves_with_a_warning()
{
	# A file where the directory should be stops root, too.
	touch "$TESTDIR/file"
	export_start "$(array_url left)" "runtime-dir=$TESTDIR/file"
	assert_contains "$(export_log)" 'warning: export array-1: no runtime directory .*file'
	nbdsh_export 'h.pwrite(b"5" * 4096, 0); assert h.pread(4096, 0) == b"5" * 4096'
	export_stop
}

with_control_no_there_is_no_socket()
{
	start one "$(array_url left)" control=no
	assert_eq "$(find "$RUN/exports" -name '*.sock')" ""
	nbdsh_export -n one 'h.pread(4096, 0)'
	# The name is taken all the same, for the sessions' sake.
	start two "$(array_url left)"
	assert_eq "$(cd "$RUN/exports" && echo *.sock)" "array-1.2.sock"
	export_stop two
	export_stop one
}

array_start left
array_start right
tap_start left
tap_start right
behaviours two_instances_of_one_unit_live_side_by_side_under_two_names \
	a_name_is_free_again_after_its_owner_has_left \
	a_killed_process_comes_back_under_its_name_and_takes_its_sessions_over \
	a_killed_twin_leaves_its_sibling_alone \
	without_a_runtime_directory_it_serves_with_a_warning \
	with_control_no_there_is_no_socket
