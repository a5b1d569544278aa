#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A unit that changes its size while it is in use. tgtd raises no unit attention
# for it: the verification of idle paths must see it.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
requires tgtd nbdinfo

both_up() { [ "$(paths_active)" = 2 ]; }

two_paths()
{
	export_start "$(tap_url left)" "$(tap_url right)" path-verify-interval=1s path-recovery-interval=300ms
	wait_for both_up
}

# resize SIZE: both controllers show it from now on.
resize()
{
	truncate -s "$1" "$DISK"
	array_refresh left
	array_refresh right
}

size() { show 'd["size"]'; }

# nothing_went_beyond MIB: no command for blocks beyond that has been sent.
nothing_went_beyond()
{
	local end limit=$(($1 * 2048))
	end=$(cat "$TESTDIR"/cdbs-* | grep -v login | "$PYTHON" -c 'import sys
print(max((int(cdb[4:20], 16) + int(cdb[20:28], 16) for cdb in
    (line.split()[2] for line in sys.stdin) if cdb[:2] in ("88", "8a", "93", "90")), default=0))')
	assert '[ "$end" -gt 0 ] && [ "$end" -le "$limit" ]' "I/O up to block $end"
}

growth_is_seen_by_new_connections_and_the_old_one_goes_on()
{
	two_paths
	nbdsh_export '

assert h.get_size() == 16 << 20
h.pwrite(b"o" * 4096, 0)
open(sys.argv[3] + "/connected", "w").close()
while not os.path.exists(sys.argv[3] + "/grown"):
    h.pwrite(b"o" * 4096, (16 << 20) - 4096)
    time.sleep(0.01)
assert h.get_size() == 16 << 20
h.pwrite(b"o" * 4096, (16 << 20) - 8192)' "$TESTDIR" &
	local old=$! rc=0
	wait_for '[ -e "$TESTDIR/connected" ]'
	resize 24M
	wait_for '[ "$(size)" = '$((24 << 20))' ]'
	wait_for both_up
	assert_eq "$(nbdinfo --size "$URI")" $((24 << 20))
	nbdsh_export 'h.pwrite(b"n" * (4 << 20), 20 << 20); assert h.pread(4 << 20, 20 << 20) == b"n" * (4 << 20)'
	touch "$TESTDIR/grown"
	wait $old || rc=$?
	assert_eq $rc 0 "the old connection"
	assert_eq "$(show 'd["failovers"], d["state"]')" "(0, 'normal')"
	assert_contains "$(export_log)" 'size-changed: 49152 blocks, before 32768'
	nothing_went_beyond 24
}

# One controller is told later than the other: until both agree the old size
# stands.
growth_counts_when_all_paths_show_it()
{
	truncate -s 32M "$DISK"
	array_refresh left
	wait_for 'show "d[\"paths\"][0][\"last_error\"]" | grep -q "65536 blocks where the other paths show 49152"'
	assert_eq "$(size)" $((24 << 20))
	nbdsh_export 'h.pwrite(b"p" * 4096, (24 << 20) - 4096)'
	array_refresh right
	wait_for '[ "$(size)" = '$((32 << 20))' ]'
	wait_for both_up
	nbdsh_export 'h.pwrite(b"p" * 4096, (32 << 20) - 4096)'
	nothing_went_beyond 32
}

no_io_goes_beyond_the_end_of_a_unit_that_shrank()
{
	nbdsh_export '

open(sys.argv[3] + "/connected2", "w").close()
while not os.path.exists(sys.argv[3] + "/shrunk"):
    time.sleep(0.01)
assert h.get_size() == 32 << 20
h.pwrite(b"s" * 4096, (8 << 20) - 4096)
for call in lambda: h.pread(4096, 16 << 20), lambda: h.pwrite(b"s" * 4096, 16 << 20), \
        lambda: h.pwrite(b"s" * 8192, (8 << 20) - 4096), lambda: h.zero(4096, 16 << 20):
    try:
        call()
        assert False, "not refused"
    except nbd.Error as error:
        assert error.errnum in (errno.ENOSPC, errno.EIO), error' "$TESTDIR" &
	local old=$! rc=0
	wait_for '[ -e "$TESTDIR/connected2" ]'
	resize 8M
	wait_for '[ "$(size)" = '$((8 << 20))' ]'
	wait_for both_up
	tap_forget
	touch "$TESTDIR/shrunk"
	wait $old || rc=$?
	assert_eq $rc 0 "the old connection"
	assert_eq "$(nbdinfo --size "$URI")" $((8 << 20))
	nothing_went_beyond 8
	assert_eq "$(stat -c %s "$DISK")" $((8 << 20)) "size of the medium"
	export_stop
}

a_unit_that_grew_while_all_paths_were_down_is_served()
{
	two_paths
	tap_kill left
	tap_kill right
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
	resize 12M
	tap_start left
	tap_start right
	wait_for both_up
	assert_eq "$(size)" $((12 << 20))
	export_stop
}

array_start left
array_start right
tap_start left
tap_start right
behaviours growth_is_seen_by_new_connections_and_the_old_one_goes_on \
	growth_counts_when_all_paths_show_it \
	no_io_goes_beyond_the_end_of_a_unit_that_shrank \
	a_unit_that_grew_while_all_paths_were_down_is_served
