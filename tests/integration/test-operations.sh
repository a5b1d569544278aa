#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every NBD operation, on units of 512 and of 4096 byte blocks, does what it says
# to the medium, and sends the SCSI commands it should.

DISK_SIZE=96M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
# shellcheck source=tap.sh
. "$(dirname "$0")/tap.sh"
requires tgtd nbdinfo qemu-io

# Allocated bytes of the backing file.
allocated() { echo $(($(stat -c '%b' "$DISK_FILE") * 512)); }

the_client_is_told_what_the_unit_is()
{
	assert_eq "$(nbdinfo --size "$URI")" $((96 << 20)) size
	nbdinfo "$URI" >"$TESTDIR/info"
	assert_contains "$TESTDIR/info" 'description: MPIO TESTARRAY serial MPIO0001 naa\.6001405.*, 2 paths'
	assert_contains "$TESTDIR/info" "block_size_minimum: $BLOCK\$"
	assert_contains "$TESTDIR/info" 'block_size_preferred: 4096$'
	assert_contains "$TESTDIR/info" 'is_read_only: false'
	local can
	for can in cache fast_zero flush fua multi_conn trim zero; do
		assert_contains "$TESTDIR/info" "can_$can: true"
	done
	assert_contains "$TESTDIR/info" 'base:allocation'
	nbdinfo --list "$URI" >"$TESTDIR/info"
	assert_contains "$TESTDIR/info" 'export="array-1"'
}

what_is_written_is_read_and_on_the_medium()
{
	client qemu-io -f raw "$URI" -c 'write -P 0x11 0 3M' -c 'write -P 0x22 1M 64k' \
		-c 'read -P 0x11 0 1M' -c 'read -P 0x22 1M 64k' -c 'read -P 0x11 1088k 960k' \
		>"$TESTDIR/qio.out"
	assert_not_contains "$TESTDIR/qio.out" 'failed'
	assert_eq "$(head -c $(((1 << 20) + 65536)) "$DISK_FILE" | tail -c 65536 | tr -d '\042' | wc -c)" 0
}

fua_goes_to_the_unit_with_the_write()
{
	tap_forget
	nbdsh_export 'h.pwrite(b"a" * 8192, 0)'
	assert_eq "$(tap_count '8a')" 1 "WRITE(16)"
	assert_eq "$(tap_count '8a(.8|.9|.a|.b|.c|.d|.e|.f)|91')" 0 "FUA or SYNCHRONIZE CACHE"
	nbdsh_export 'h.pwrite(b"a" * 8192, 0, nbd.CMD_FLAG_FUA)'
	assert_eq "$(tap_count '8a')" 2 "WRITE(16)"
	assert_eq "$(tap_count '8a(.8|.9|.a|.b|.c|.d|.e|.f)|91')" 1 "FUA or SYNCHRONIZE CACHE"
}

fua_of_zeroes_and_trims_synchronizes_afterwards()
{
	local request
	for request in zero trim; do
		tap_forget
		nbdsh_export "h.$request(65536, 0, nbd.CMD_FLAG_FUA)"
		assert_eq "$(tap_count 91)" 1 "SYNCHRONIZE CACHE"
	done
}

flush_is_one_synchronize_cache_of_everything()
{
	tap_forget
	nbdsh_export 'h.flush()'
	assert_eq "$(tap_count '9100000000000000000000000000')" 1 "SYNCHRONIZE CACHE(16)"
	assert_eq "$(tap_count '.')" 1 "commands in all"
}

trim_gives_space_back_and_spares_parts_of_blocks()
{
	nbdsh_export 'h.pwrite(b"t" * (8 << 20), 0)'
	local before after
	before=$(allocated)
	tap_forget
	nbdsh_export '
h.trim((4 << 20) + 10, BLOCK - 5)
edge = h.pread(BLOCK, 0), h.pread(BLOCK, (4 << 20) + BLOCK)
assert edge == (b"t" * BLOCK, b"t" * BLOCK)
assert h.pread(4 << 20, BLOCK) == bytes(4 << 20)
h.trim(BLOCK - 2, 1)		# no whole block: nothing at all
assert h.pread(BLOCK, 0) == b"t" * BLOCK'
	after=$(allocated)
	assert '[ $((before - after)) -ge $((4000 << 10)) ]' "allocated $before, after the trim $after"
	assert_eq "$(tap_count '42')" 1 "UNMAP"
}

zeroes_read_back_zero_whatever_the_flags()
{
	nbdsh_export '
for flags in 0, nbd.CMD_FLAG_NO_HOLE, nbd.CMD_FLAG_FUA:
    h.pwrite(b"z" * (2 << 20), 0)
    h.zero((1 << 20) + 777, 333, flags)
    assert h.pread(333, 0) == b"z" * 333
    assert h.pread((1 << 20) + 777, 333) == bytes((1 << 20) + 777)
    assert h.pread(100, 333 + (1 << 20) + 777) == b"z" * 100'
}

zeroes_without_a_hole_stay_allocated()
{
	nbdsh_export 'h.pwrite(b"z" * (2 << 20), 16 << 20)'
	local before
	before=$(allocated)
	nbdsh_export 'h.zero(2 << 20, 16 << 20, nbd.CMD_FLAG_NO_HOLE)'
	assert '[ "$(allocated)" -ge "$before" ]'
	nbdsh_export 'h.zero(2 << 20, 16 << 20)'
	assert '[ "$(allocated)" -lt "$before" ]' "zeroes that may be a hole"
}

# Fast is what the unit does without data; all else is refused, and undone.
fast_zero_is_fast_or_refused_untouched()
{
	nbdsh_export 'h.pwrite(b"f" * (1 << 20), 0)'
	tap_forget
	nbdsh_export '
h.zero(1 << 19, 0, nbd.CMD_FLAG_FAST_ZERO)
assert h.pread(1 << 19, 0) == bytes(1 << 19)
for n, at, flags in (4096, 1 << 19, nbd.CMD_FLAG_NO_HOLE), (4096, (1 << 19) + 1, 0), (99, 1 << 19, 0):
    try:
        h.zero(n, at, flags | nbd.CMD_FLAG_FAST_ZERO)
        assert False, "not refused"
    except nbd.Error as error:
        assert error.errnum in (errno.ENOTSUP, errno.EOPNOTSUPP), error
assert h.pread(1 << 19, 1 << 19) == b"f" * (1 << 19)'
	assert_eq "$(tap_count '8a')" 0 "WRITE(16)"
	assert_eq "$(tap_count '93')" 1 "WRITE SAME(16)"
}

extents_show_the_holes()
{
	nbdsh_export '
h.zero(32 << 20, 0)
h.pwrite(b"x" * (1 << 20), 4 << 20)
h.pwrite(b"x" * 4096, 9 << 20)'
	nbdinfo --map "$URI" >"$TESTDIR/map"
	assert_eq "$(awk '$1 < 9441280 {print $1, $2, $3}' "$TESTDIR/map" | tr '\n' ';')" \
		"0 4194304 3;4194304 1048576 0;5242880 4194304 3;9437184 4096 0;"
	assert_eq "$(awk '{sum += $2} END {print sum}' "$TESTDIR/map")" $((96 << 20)) "bytes in the map"
}

extents_may_begin_anywhere_and_come_one_at_a_time()
{
	nbdsh_export '
seen = []
h.block_status((5 << 20) + 7, 3, lambda context, at, entries, error: seen.append((at, list(entries))))
assert seen[0][0] == 3 and seen[0][1][:3] == [(4 << 20) - 3, 3, 1 << 20], seen
h.block_status(32 << 20, 0, lambda context, at, entries, error: seen.append((at, list(entries))), nbd.CMD_FLAG_REQ_ONE)
assert seen[1] == (0, [4 << 20, 3]), seen'
}

cache_fetches_ahead_and_moves_no_data()
{
	tap_forget
	nbdsh_export 'h.cache(1 << 20, 4 << 20); h.cache(5, 3)'
	assert_eq "$(tap_count '90')" 2 "PRE-FETCH(16)"
	assert_eq "$(tap_count '88')" 0 "READ(16)"
}

requests_of_64_mib_are_split_and_exact()
{
	tap_forget
	nbdsh_export '
data = random.Random(64).randbytes(64 << 20)
h.pwrite(data, 16 << 20)
assert h.pread(64 << 20, 16 << 20) == data
assert h.pread((64 << 20) - 7, (16 << 20) + 3) == data[3:-4]'
	assert_eq "$(tap_count '8a')" 256 "WRITE(16), 256 KiB each"
}

pieces_of_a_request_are_in_flight_side_by_side()
{
	tap_stop "left$BLOCK"
	tap_stop "right$BLOCK"
	spawn "$TESTDIR/large.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
h.pwrite(b"s" * (64 << 20), 0)' "$URI"
	local writer=$SPAWNED rc=0
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" -ge 32 ]' "pieces in flight"
	tap_cont "left$BLOCK"
	tap_cont "right$BLOCK"
	wait "$writer" || rc=$?
	assert_eq $rc 0 "exit status of the writer"
	assert_eq "$(show 'sum(p["in_flight"] + p["in_flight_bytes"] for p in d["paths"])')" 0 "in flight at the end"
}

requests_beyond_the_end_are_refused_and_not_sent()
{
	tap_forget
	nbdsh_export '
for call in (lambda at: h.pread(4096, at), lambda at: h.pwrite(bytes(4096), at),
             lambda at: h.zero(4096, at), lambda at: h.trim(4096, at), lambda at: h.cache(4096, at)):
    for at in h.get_size() - 1, h.get_size(), 1 << 62:
        try:
            call(at)
            assert False, "not refused"
        except nbd.Error as error:
            assert error.errnum in (errno.EINVAL, errno.ENOSPC), error
h.pread(1, h.get_size() - 1)'
	assert_eq "$(tap_count '.')" 1 "commands"
}

all_operations()
{
	BLOCK=$1
	say "blocks of $BLOCK bytes"
	# A file for each block size; both controllers serve it.
	DISK_FILE=$TESTDIR/disk$BLOCK.img
	truncate -s "$DISK_SIZE" "$DISK_FILE"
	local side
	for side in left right; do
		array_start "$side$BLOCK" --thin --backing "$DISK_FILE" --block-size "$BLOCK"
		tap_start "$side$BLOCK"
	done
	export_start "$(tap_url "left$BLOCK")" "$(tap_url "right$BLOCK")" nop-timeout=30s
	behaviours the_client_is_told_what_the_unit_is \
		what_is_written_is_read_and_on_the_medium \
		fua_goes_to_the_unit_with_the_write \
		fua_of_zeroes_and_trims_synchronizes_afterwards \
		flush_is_one_synchronize_cache_of_everything \
		trim_gives_space_back_and_spares_parts_of_blocks \
		zeroes_read_back_zero_whatever_the_flags \
		zeroes_without_a_hole_stay_allocated \
		fast_zero_is_fast_or_refused_untouched \
		extents_show_the_holes \
		extents_may_begin_anywhere_and_come_one_at_a_time \
		cache_fetches_ahead_and_moves_no_data \
		requests_of_64_mib_are_split_and_exact \
		pieces_of_a_request_are_in_flight_side_by_side \
		requests_beyond_the_end_are_refused_and_not_sent
	assert_eq "$(show 'sum(p["failures"] for p in d["paths"])')" 0 "path failures"
	export_stop
}

all_operations 512
all_operations 4096
