#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random requests of every alignment against a model in memory.

usage: nbd-model.py URI SEED REQUESTS SIZE

The first SIZE bytes of the export must be zero. Every read is compared with
the model, and the whole range at the end.
"""
import random
import sys

import nbd

CONNECTIONS = 4


def length(rng, left):
    """Mostly small and odd, sometimes large, sometimes whole blocks."""
    kind = rng.randrange(10)
    if kind < 5:
        n = rng.randrange(1, 3 * 4096)
    elif kind < 7:
        n = rng.randrange(1, 512)
    elif kind < 9:
        n = 4096 * rng.randrange(1, 64)
    else:
        n = rng.randrange(1, 1 << 20)
    return min(n, left)


class Model:
    def __init__(self, uri, seed, size):
        self.rng = random.Random(seed)
        self.size = size
        self.data = bytearray(size)
        self.handles = []
        for _ in range(CONNECTIONS):
            handle = nbd.NBD()
            handle.connect_uri(uri)
            handle.set_strict_mode(0)   # lets requests pass that are not aligned
            self.handles.append(handle)
        self.block = self.handles[0].get_block_size(nbd.SIZE_MINIMUM)

    def compare(self, got, offset, what):
        want = self.data[offset:offset + len(got)]
        if got != want:
            wrong = next(i for i in range(len(got)) if got[i] != want[i])
            sys.exit("%s of %d bytes at %d: byte %d is %02x, not %02x" % (
                what, len(got), offset, offset + wrong, got[wrong], want[wrong]))

    def step(self):
        handle = self.rng.choice(self.handles)
        offset = self.rng.randrange(self.size)
        if self.rng.randrange(4) == 0:
            offset -= offset % self.block
        n = length(self.rng, self.size - offset)
        operation = self.rng.choice(("write",) * 5 + ("read",) * 3 + ("zero", "trim"))
        if operation == "write":
            data = self.rng.randbytes(n)
            handle.pwrite(data, offset, self.rng.choice((0, 0, 0, nbd.CMD_FLAG_FUA)))
            self.data[offset:offset + n] = data
        elif operation == "read":
            self.compare(handle.pread(n, offset), offset, "read")
        elif operation == "zero":
            handle.zero(n, offset, self.rng.choice((0, nbd.CMD_FLAG_NO_HOLE)))
            self.data[offset:offset + n] = bytes(n)
        else:
            self.trim(handle, n, offset)

    def trim(self, handle, n, offset):
        """Whole blocks become anything; blocks partly in the range stay."""
        if not handle.can_trim():
            return
        first = -(-offset // self.block) * self.block
        last = (offset + n) // self.block * self.block
        handle.trim(n, offset)
        if first < last:
            self.data[first:last] = handle.pread(last - first, first)

    def finish(self):
        for at in range(0, self.size, 1 << 20):
            n = min(1 << 20, self.size - at)
            self.compare(self.handles[0].pread(n, at), at, "last read")


def main():
    uri, seed, requests, size = sys.argv[1], *map(int, sys.argv[2:])
    model = Model(uri, seed, size)
    for _ in range(requests):
        model.step()
    model.finish()


main()
