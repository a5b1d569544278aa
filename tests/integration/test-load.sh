#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several exports over the same two portals: what one of them has in flight is
# seen by the others, until it is gone; and they work without the map.

# shellcheck disable=SC2016 # see eval
TEST_TIMEOUT=240
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd

# All in one runtime directory, by LUN: "one" has LUN 1, "two" has LUN 2.
export_runtime_dir() { echo "$TESTDIR/run"; }
export_control_socket() { echo "$TESTDIR/run/exports/array-${EXPORT_LUN[$1]}.sock"; }
declare -A EXPORT_LUN=([one]=1 [two]=2)

# A session that hangs is left alone: nothing but policies shall move I/O.
PATIENT=(nop-interval=600 nop-timeout=600 io-timeout=600 path-verify=no path-recovery-interval=300ms)

second_lun()
{
	truncate -s 16M "$TESTDIR/second.img"
	array_admin "$1" -m logicalunit -o new -t 1 -l 2 -b "$TESTDIR/second.img"
	array_admin "$1" -m logicalunit -o update -t 1 -l 2 -P \
		"vendor_id=MPIO,product_id=SECOND,scsi_id=60014050000000000000000000000002,scsi_sn=MPIO0002"
}

# start NAME KEY=VALUE...: paths 0 and 1 are those to left and right.
start()
{
	local name=$1 lun=${EXPORT_LUN[$1]}
	shift
	export_start -n "$name" "$(array_url left | sed "s,/1\$,/$lun,")" \
		"$(array_url right | sed "s,/1\$,/$lun,")" "${PATIENT[@]}" "$@"
	wait_for "[ \"\$(paths_active $name)\" = 2 ]" "both paths of $name"
}

in_flight() { show -n "$1" '" ".join(str(p["in_flight"]) for p in d["paths"])'; }
reads() { show -n "$1" '" ".join(str(p["reads"]) for p in d["paths"])'; }

# hold NAME LENGTH [COUNT]: a client that reads, and stays until it is answered.
hold()
{
	spawn "$TESTDIR/client-$1.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
for n in range(int(sys.argv[3])):
    h.aio_pread(nbd.Buffer(int(sys.argv[2])), n << 20)
while h.aio_in_flight():
    h.poll(-1)' "$(export_uri "$1")" "$2" "${3:-1}"
	HOLDER=$SPAWNED
}

# read_some NAME COUNT: one after the other.
read_some() { nbdsh_export -n "$1" "for n in range($2): h.pread(4096, n << 12)"; }

# since NAME READS: what was read over each path since then: "0 5".
since() { show -n "$1" "' '.join(str(p['reads'] - b) for p, b in zip(d['paths'], ($(tr ' ' ',' <<<"$2"))))"; }

# One I/O to each of two LUNs is on the way down path 0: the next one of either
# goes down path 1.
one_io_to_each_lun_on_path_0_sends_the_next_of_either_down_path_1()
{
	local policy=$1 one two name before
	start one "policy=$policy"
	start two "policy=$policy"
	array_kill right
	wait_for '[ "$(paths_active one)/$(paths_active two)" = 1/1 ]'
	array_stop left
	hold one 4096
	one=$HOLDER
	hold two 4096
	two=$HOLDER
	wait_for '[ "$(in_flight one)/$(in_flight two)" = "1 0/1 0" ]' "one I/O to each LUN on path 0"
	array_restart right
	second_lun right
	wait_for '[ "$(path_state 1 one)/$(path_state 1 two)" = active-optimized/active-optimized ]'
	for name in one two; do
		before=$(reads $name)
		read_some $name 1
		assert_eq "$(since $name "$before")" "0 1" "reads of $name ($policy)"
		assert_eq "$(in_flight $name)" "1 0" "still in flight ($policy)"
	done
	array_cont left
	wait_for "! is_own_child $one && ! is_own_child $two" "both are answered"
	export_stop one
	export_stop two
}

the_seed_example_by_commands()
{
	one_io_to_each_lun_on_path_0_sends_the_next_of_either_down_path_1 least-queue-depth
}

the_seed_example_by_bytes()
{
	one_io_to_each_lun_on_path_0_sends_the_next_of_either_down_path_1 least-blocks
}

# Only "one" has I/O there: "two" can know it from the map alone.
what_another_process_has_in_flight_counts_until_it_is_killed()
{
	local before
	start one policy=failover-only
	start two policy=least-queue-depth path-burst=1
	before=$(reads two)
	read_some two 8
	assert_eq "$(since two "$before")" "4 4" "nobody is busy"
	array_stop left
	hold one 4096
	wait_for '[ "$(in_flight one)" = "1 0" ]'
	before=$(reads two)
	read_some two 20
	assert_eq "$(since two "$before")" "0 20" "path 0 is busy with another process's I/O"
	export_kill one
	array_cont left
	before=$(reads two)
	# Nothing but that process's end frees it.
	wait_for 'read_some two 4; [ "$(since two "$before" | cut -d " " -f 1)" -gt 0 ]' "path 0 is used again"
	export_stop two
}

# 64 KiB in one command weigh more than 8 KiB in two.
least_blocks_counts_bytes_and_not_commands()
{
	local name large
	start one policy=least-blocks
	start two policy=least-blocks
	array_stop left
	array_stop right
	hold one 65536
	wait_for '[ "$(show -n one "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 1 ]'
	hold one 4096 2
	wait_for '[ "$(show -n one "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 3 ]'
	assert_eq "$(show -n one 'sorted((p["in_flight"], p["in_flight_bytes"]) for p in d["paths"])')" "[(1, 65536), (2, 8192)]"
	hold two 4096
	wait_for '[ "$(show -n two "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 1 ]'
	large=$(show -n one '[p["in_flight_bytes"] for p in d["paths"]].index(65536)')
	assert_eq "$(show -n two "d['paths'][$large]['in_flight']")" 0 "in flight beside the large one"
	array_cont left
	array_cont right
	for name in one two; do
		wait_for "[ \"\$(in_flight $name)\" = '0 0' ]"
		export_stop $name
	done
}

a_map_that_is_no_map_is_refused_with_a_warning()
{
	rm -f "$TESTDIR/run/load"
	echo "somebody's notes" >"$TESTDIR/run/load"
	cp "$TESTDIR/run/load" "$TESTDIR/notes"
	start one policy=least-queue-depth
	assert_contains "$(export_log one)" 'no part in the load map .*: not a load map'
	read_some one 10
	export_stop one
	assert_same_data "$TESTDIR/run/load" "$TESTDIR/notes"
	rm "$TESTDIR/run/load"
}

a_map_that_is_shortened_under_load_hurts_nobody()
{
	start one policy=least-queue-depth
	start two policy=least-queue-depth
	: >"$TESTDIR/load.log"
	spawn "$TESTDIR/load.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
print("begun", flush=True)
while True:
    h.pread(4096, 0)' "$(export_uri one)"
	wait_for "grep -q begun '$TESTDIR/load.log'"
	truncate -s 0 "$TESTDIR/run/load"
	wait_for "grep -q 'load map was shortened' '$(export_log one)'"
	read_some one 10
	read_some two 10
	is_own_child "$SPAWNED" || fail "the client has lost its server"
	child_kill "$SPAWNED"
	export_stop one
	export_stop two
	assert_eq "$(grep -c 'load map was shortened' "$(export_log one)")" 2 "one warning for each portal"
}

it_works_without_a_map()
{
	rm -f "$TESTDIR/run/load"
	mkdir "$TESTDIR/run/load"
	start one policy=least-blocks
	read_some one 10
	export_stop one
	rmdir "$TESTDIR/run/load"
	export_start -n one "$(array_url left)" "$(array_url right)" policy=least-queue-depth \
		runtime-dir=/proc/none
	read_some one 10
	export_stop one
}

array_start left
array_start right
second_lun left
second_lun right
behaviours the_seed_example_by_commands \
	the_seed_example_by_bytes \
	what_another_process_has_in_flight_counts_until_it_is_killed \
	least_blocks_counts_bytes_and_not_commands \
	a_map_that_is_no_map_is_refused_with_a_warning \
	a_map_that_is_shortened_under_load_hurts_nobody \
	it_works_without_a_map
