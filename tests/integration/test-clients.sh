#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The clients people use, whole jobs each; and clients that die.

DISK_SIZE=48M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd qemu-img nbdcopy fio

# What the export and both controllers' medium hold is FILE.
holds()
{
	assert_same_data "$1" "$DISK" "the medium"
	client qemu-img compare -f raw -F raw "$1" "$URI" >"$TESTDIR/compare" ||
		fail "qemu-img compare: $(cat "$TESTDIR/compare")"
}

noise() { head -c "$DISK_SIZE" /dev/urandom >"$1"; }

qemu_img_converts_both_ways()
{
	noise "$TESTDIR/noise"
	client qemu-img convert -n -f raw -O raw "$TESTDIR/noise" "$URI"
	holds "$TESTDIR/noise"
	client qemu-img convert -f raw -O qcow2 "$URI" "$TESTDIR/back.qcow2"
	client qemu-img compare -f raw -F qcow2 "$TESTDIR/noise" "$TESTDIR/back.qcow2" >/dev/null
	rm "$TESTDIR/back.qcow2"
}

qemu_img_converts_a_sparse_image_and_the_holes_arrive()
{
	truncate -s "$DISK_SIZE" "$TESTDIR/sparse"
	client qemu-io -f raw "$TESTDIR/sparse" -c 'write -P 1 1M 64k' -c 'write -P 2 40M 1M' >/dev/null
	client qemu-img convert -n -f raw -O raw "$TESTDIR/sparse" "$URI"
	holds "$TESTDIR/sparse"
	assert '[ $(($(stat -c %b "$DISK") * 512)) -lt $((8 << 20)) ]' "the medium has no holes"
}

nbdcopy_copies_both_ways_over_four_connections()
{
	noise "$TESTDIR/noise"
	client nbdcopy --connections=4 --requests=16 --flush "$TESTDIR/noise" "$URI"
	holds "$TESTDIR/noise"
	client nbdcopy --connections=4 --requests=16 "$URI" "$TESTDIR/back"
	assert_same_data "$TESTDIR/noise" "$TESTDIR/back"
	rm "$TESTDIR/back"
}

fio_verifies_over_four_connections()
{
	local job
	# A trim and the write after it are not in flight together at depth 1 only.
	for job in "--rw=randwrite --bsrange=4k-256k --blockalign=4k --iodepth=8" \
		"--rw=randtrimwrite --bs=16k --iodepth=1"; do
		# shellcheck disable=SC2086 # words
		client env HOME="$TESTDIR" fio --name=verify --ioengine=nbd "--uri=$URI" --numjobs=4 \
			--size=12M --offset_increment=12M $job --verify=crc32c --verify_fatal=1 --verify_state_save=0 \
			--group_reporting >"$TESTDIR/fio.out" 2>&1 || fail "fio $job: $(cat "$TESTDIR/fio.out")"
	done
}

# Multi-conn: what one connection was told is written, all see; a flush on any
# makes it stable.
connections_see_each_other()
{
	nbdsh_export '
assert h.can_multi_conn()
others = [nbd.NBD() for n in range(3)]
for other in others:
    other.connect_uri(sys.argv[1])
for n in range(200):
    writer, reader = random.sample([h] + others, 2)
    data = random.randbytes(4096)
    writer.pwrite(data, n % 8 * 4096)
    reader.flush()
    assert reader.pread(4096, n % 8 * 4096) == data'
}

# All mounts are in a namespace of their own and end with it.
nbdfuse_mkfs_mount_and_check()
{
	if ! [ -c /dev/fuse ] || ! [ -c /dev/loop-control ] || ! unshare -m true ||
	   ! command -v nbdfuse mkfs.ext4 >/dev/null; then
		echo "SKIPPED: nbdfuse: no /dev/fuse, loop devices, mount namespaces, nbdfuse or mkfs.ext4"
		return
	fi
	nbdsh_export 'h.zero(h.get_size(), 0)'
	mkdir -p "$TESTDIR/fuse" "$TESTDIR/mnt"
	touch "$TESTDIR/fuse/disk"
	cat >"$TESTDIR/mount.sh" <<-'SH'
	set -eu
	cd "$1"
	nbdfuse fuse/disk "$2" &
	for try in $(seq 200); do
		[ "$(stat -c %s fuse/disk)" != 0 ] && break
		sleep 0.05
	done
	mkfs.ext4 -q -F fuse/disk
	mount -o loop fuse/disk mnt
	head -c 16M noise >mnt/noise
	mkdir mnt/tree
	cp -r /usr/share/doc/libnbd0 /usr/share/doc/nbdkit mnt/tree 2>/dev/null || :
	sync -f mnt/noise
	umount mnt
	mount -o loop,ro fuse/disk mnt
	head -c 16M noise | cmp - mnt/noise
	umount mnt
	e2fsck -fn fuse/disk
	fusermount3 -u fuse/disk 2>/dev/null || fusermount -u fuse/disk
	wait
	SH
	noise "$TESTDIR/noise"
	client unshare -m --propagation private bash "$TESTDIR/mount.sh" "$TESTDIR" "$URI" \
		>"$TESTDIR/mount.log" 2>&1 || fail "see mount.log"
	e2fsck -fn "$DISK" >"$TESTDIR/e2fsck.out" 2>&1 || fail "$(cat "$TESTDIR/e2fsck.out")"
}

# With one request in flight: nbdkit 1.32.5 itself aborts (connections.c:402,
# also over its memory plugin) when a client vanishes with several replies on
# their way. Where that happens the service is restarted, see test-restart.
a_client_killed_in_mid_write_leaves_the_others_served()
{
	local n copy before
	noise "$TESTDIR/noise"
	for n in 1 2 3 4 5 6 7 8; do
		before=$(show 'sum(p["writes"] for p in d["paths"])')
		spawn "$TESTDIR/copy.log" nbdcopy --connections=1 --requests=1 --threads=1 \
			"$TESTDIR/noise" "$URI"
		copy=$SPAWNED
		wait_for "[ \"\$(show 'sum(p[\"writes\"] for p in d[\"paths\"])')\" -gt $((before + n)) ]"
		child_kill "$copy"
		client qemu-io -f raw "$URI" -c "write -P $n 47M 64k" -c "read -P $n 47M 64k" >"$TESTDIR/qio.out"
		assert_not_contains "$TESTDIR/qio.out" failed
	done
}

# The command of the dead is on its way to a target that does not answer: it is
# given up by nobody, ends, and holds nobody up meanwhile.
a_client_killed_while_its_write_hangs_leaves_nothing_behind()
{
	array_stop left
	array_stop right
	spawn "$TESTDIR/hang.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
h.pwrite(b"h" * 65536, 0)' "$URI"
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 1 ]'
	child_kill "$SPAWNED"
	array_cont left
	array_cont right
	wait_for '[ "$(show "sum(p[\"in_flight\"] for p in d[\"paths\"])")" = 0 ]'
	nbdsh_export 'assert h.pread(65536, 0) == b"h" * 65536'
}

a_client_that_talks_nonsense_is_hung_up_on()
{
	client "$PYTHON" - "$(export_socket)" <<-'PY'
	import random, socket, sys
	rng = random.Random(3)
	for text in b"", b"GET / HTTP/1.0\r\n\r\n", rng.randbytes(10000), b"\0" * 4, b"IHAVEOPT" * 100:
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])
	    try:
	        s.sendall(text)
	    except OSError:
	        pass
	    s.close()
	PY
	nbdsh_export 'h.pread(4096, 0)'
}

unknown_exports_are_refused_known_names_are_not()
{
	assert_fails client nbdinfo "nbd+unix:///other?socket=$(export_socket)"
	client nbdinfo --size "nbd+unix:///array-1?socket=$(export_socket)" >/dev/null
	client nbdinfo --size "nbd+unix:///naa.60014050000000000000000000000001?socket=$(export_socket)" >/dev/null
}

array_start left --thin
array_start right --thin
export_start "$(array_url left)" "$(array_url right)"
wait_for '[ "$(paths_active)" = 2 ]'
behaviours qemu_img_converts_both_ways \
	qemu_img_converts_a_sparse_image_and_the_holes_arrive \
	nbdcopy_copies_both_ways_over_four_connections \
	fio_verifies_over_four_connections \
	connections_see_each_other \
	nbdfuse_mkfs_mount_and_check \
	a_client_killed_in_mid_write_leaves_the_others_served \
	a_client_killed_while_its_write_hangs_leaves_nothing_behind \
	a_client_that_talks_nonsense_is_hung_up_on \
	unknown_exports_are_refused_known_names_are_not
assert_eq "$(show '[p["failures"] for p in d["paths"]]')" "[0, 0]" "path failures"
export_stop
