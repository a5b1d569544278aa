#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Units that refuse writes: the client is told, before or while it is connected.

DISK_SIZE=4M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd nbdinfo

a_read_only_unit_says_so_and_refuses_writes()
{
	local file=$TESTDIR/read-only$BLOCK.img
	truncate -s 4M "$file"
	array_start "ro$BLOCK" --backing "$file" --read-only --block-size "$BLOCK"
	export_start -n ro "$(array_url "ro$BLOCK")"
	nbdinfo "$(export_uri ro)" >"$TESTDIR/info"
	assert_contains "$TESTDIR/info" 'is_read_only: true'
	nbdsh_export -n ro '
assert h.pread(4096, 0) == bytes(4096)
for call in lambda: h.pwrite(b"w" * 4096, 0), lambda: h.zero(4096, 0), lambda: h.trim(4096, 0):
    try:
        call()
        assert False, "not refused"
    except nbd.Error as error:
        assert error.errnum == errno.EPERM, error'
	export_stop ro
	array_kill "ro$BLOCK"
	assert_same_data "$file" <(head -c 4M /dev/zero)
}

# While a client is connected: its writes get EPERM, later ones are told.
a_unit_that_turns_read_only_refuses_writes_and_says_so()
{
	local file=$TESTDIR/turns$BLOCK.img
	truncate -s 4M "$file"
	array_start "turns$BLOCK" --backing "$file" --block-size "$BLOCK"
	export_start -n turns "$(array_url "turns$BLOCK")" path-verify-interval=1s
	nbdsh_export -n turns '
h.pwrite(b"b" * 4096, 0)
open(sys.argv[3], "w").close()
def refused():
    try:
        h.pwrite(b"w" * 4096, 4096)
    except nbd.Error as error:
        assert error.errnum == errno.EPERM, error
        return True
while not refused():
    time.sleep(0.01)
told = nbd.NBD()
while not told.aio_is_ready() or not told.is_read_only():
    time.sleep(0.05)
    told = nbd.NBD()
    told.connect_uri(sys.argv[1])
    assert refused()
assert h.pread(4096, 0) == b"b" * 4096' "$TESTDIR/turns.connected" &
	local client=$! rc=0
	wait_for '[ -e "$TESTDIR/turns.connected" ]'
	array_set "turns$BLOCK" readonly=1
	wait $client || rc=$?
	assert_eq $rc 0 "the client"
	assert_eq "$(show -n turns 'd["state"], d["paths"][0]["failures"]')" "('normal', 0)"
	export_stop turns
	array_kill "turns$BLOCK"
	rm "$TESTDIR/turns.connected"
}

read_only()
{
	BLOCK=$1
	say "blocks of $BLOCK bytes"
	behaviours a_read_only_unit_says_so_and_refuses_writes \
		a_unit_that_turns_read_only_refuses_writes_and_says_so
}

read_only 512
read_only 4096
