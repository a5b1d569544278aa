#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Requests of every alignment, on units of 512 and of 4096 byte blocks.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd nbdcopy

unaligned_requests_agree_with_a_model()
{
	nbdsh_export 'h.zero(8 << 20, 0)'
	client "$PYTHON" "$HARNESS_DIR/nbd-model.py" "$URI" "${SEED:-$BLOCK}" 600 $((8 << 20))
	client nbdcopy "$URI" "$TESTDIR/model.img"
	assert_same_data "$TESTDIR/model.img" "$DISK_FILE" "the medium"
}

# Neighbours in one block, written at the same time by several connections:
# nobody's read-modify-write may bring back a neighbour's old bytes.
unaligned_writes_side_by_side_lose_nothing()
{
	nbdsh_export '
handles = [h] + [nbd.NBD() for n in range(3)]
for other in handles[1:]:
    other.connect_uri(sys.argv[1])
    other.set_strict_mode(0)
step, count, rng, errors = 97, 600, random.Random(7), []
def done(error):
    errors.append(error.value)
    return 1			# retired
for round in range(1, 5):
    def write(handle, pieces):
        for i in pieces:
            data = nbd.Buffer.from_bytearray(bytearray([(i * 7 + round) & 255] * step))
            handle.aio_pwrite(data, i * step, done)
            while handle.aio_in_flight() >= 12:
                handle.poll(-1)
        while handle.aio_in_flight():
            handle.poll(-1)
    pieces = list(range(count))
    rng.shuffle(pieces)
    threads = [threading.Thread(target=write, args=(x, pieces[n::4])) for n, x in enumerate(handles)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert errors == [0] * (count * round), errors
    got = h.pread(step * count, 0)
    for i in range(count):
        assert got[i * step:(i + 1) * step] == bytes([(i * 7 + round) & 255]) * step, (round, i)
'
}

unaligned()
{
	BLOCK=$1
	say "blocks of $BLOCK bytes"
	DISK_FILE=$TESTDIR/disk$BLOCK.img
	truncate -s "$DISK_SIZE" "$DISK_FILE"
	array_start "left$BLOCK" --thin --backing "$DISK_FILE" --block-size "$BLOCK"
	array_start "right$BLOCK" --thin --backing "$DISK_FILE" --block-size "$BLOCK"
	export_start "$(array_url "left$BLOCK")" "$(array_url "right$BLOCK")"
	behaviours unaligned_requests_agree_with_a_model \
		unaligned_writes_side_by_side_lose_nothing
	export_stop
}

unaligned 512
unaligned 4096
