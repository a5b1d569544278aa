#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The main job, told step by step: a file system goes through an export whose
# two paths lead to two controllers, one controller dies in mid-write, every
# byte is right, the path returns. ./quickstart runs this; so does make check.
#
#	demo.sh [--keep]	--keep leaves array and export running

TEST_TIMEOUT=240
keep=0
if [ "${1:-}" = --keep ]; then
	keep=1
fi

# The disk is in RAM where there is room for it, its image and a copy.
SHM_MIB=$(df --output=avail -m /dev/shm 2>/dev/null | tail -n 1 | tr -d ' ') || :
if [ "${SHM_MIB:-0}" -ge 64 ] 2>/dev/null; then
	export TMPDIR=/dev/shm
	SIZE_MIB=$((SHM_MIB / 4 > 128 ? 128 : SHM_MIB / 4))
else
	SIZE_MIB=64
fi
DISK_SIZE=${SIZE_MIB}M

. "$(dirname "$0")/functions.sh"
requires tgtd nbdkit nbdcopy mke2fs e2fsck
requires_plugin
if [ $keep = 1 ]; then
	SPAWN_DEATH_SIGNAL=clear
fi

title()
{
	echo
	echo "==> $*"
}

picture()
{
	title "$1"
	pathctl_export show
}

# make_image FILE: an ext4 file system full of noise.
make_image()
{
	rm -rf "$TESTDIR/files" "$1"
	mkdir "$TESTDIR/files"
	head -c $((SIZE_MIB * 600000)) /dev/urandom >"$TESTDIR/files/noise"
	cp "$MPIO_SRCDIR"/docs/*.md "$TESTDIR/files/"
	truncate -s "$DISK_SIZE" "$1"
	mke2fs -q -t ext4 -d "$TESTDIR/files" "$1"
	rm -rf "$TESTDIR/files"
}

# copy_start FILE: writes the image in the background, slowly enough for a fault
# to hit the middle of it.
copy_start()
{
	spawn "$TESTDIR/copy.log" nbdcopy --flush -- \
		[ nbdkit --exit-with-parent --filter=rate file "$1" rate=$((SIZE_MIB * 1600000)) ] "$URI"
	copy=$SPAWNED
}

copy_finish()
{
	local rc=0
	wait_for -t 60 "! is_own_child $copy" "the copy is done"
	wait "$copy" || rc=$?
	assert_eq $rc 0 "exit status of nbdcopy"
}

# verify FILE: what the export, and what the medium holds, is the image.
verify()
{
	rm -f "$TESTDIR/back.img"
	client nbdcopy "$URI" "$TESTDIR/back.img"
	assert_same_data "$1" "$TESTDIR/back.img" "read back through the export"
	assert_same_data "$1" "$DISK" "the array's own disk"
	client e2fsck -fn "$TESTDIR/back.img" >"$TESTDIR/e2fsck.out" 2>&1 ||
		fail "$(cat "$TESTDIR/e2fsck.out")"
	rm -f "$TESTDIR/back.img"
	echo "every byte is right ($SIZE_MIB MiB compared twice, file system clean)"
}

writes() { show "d['paths'][$1]['writes']"; }
retries() { show "d['paths'][$1]['retries']"; }
in_flight() { show "d['paths'][$1]['in_flight']"; }

title "an array with two controllers, tgtd on loopback, and one disk of $SIZE_MIB MiB in $TESTDIR"
array_start left --thin
array_start right --thin
echo "left:  $(array_url left)"
echo "right: $(array_url right)"

title "one export over both:"
echo "nbdkit -U $(export_socket) mpio $(array_url left) $(array_url right)"
export_start "$(array_url left)" "$(array_url right)"
wait_for '[ "$(paths_active)" = 2 ]' 'both paths are active'
picture "pathctl show: two paths"

title "writing a file system, and killing the left controller in the middle"
make_image "$TESTDIR/image"
copy_start "$TESTDIR/image"
wait_for '[ "$(writes 0)" -ge 10 ] && [ "$(writes 1)" -ge 10 ]' 'writes are under way on both paths'
is_own_child "$copy" || fail "the copy ended before the fault"
# Frozen first, so that it is sure to die with writes in it.
array_stop left
wait_for '[ "$(in_flight 0)" -ge 1 ]' 'a write is in the left controller'
held=$(in_flight 0)
array_kill left
is_own_child "$copy" || fail "the copy ended with the controller"
echo "left is dead (kill -9 after $(writes 0) writes, with $held in it); the copy goes on"
wait_for '[ "$(paths_active)" = 1 ]' 'the dead path is noticed'
assert '[ "$(retries 0)" -ge "$held" ]' "the writes that died with it were not sent again"
picture "pathctl show: one path failed"
copy_finish
echo "the copy has ended without an error"

title "verifying"
verify "$TESTDIR/image"

title "the left controller returns"
array_restart left
wait_for -t 30 '[ "$(paths_active)" = 2 ]' 'the path is active again'
before=$(writes 0)
make_image "$TESTDIR/image"
copy_start "$TESTDIR/image"
copy_finish
after=$(writes 0)
assert '[ "$after" -gt "$before" ]' "the returned path carries no writes"
picture "pathctl show: both paths again, and the left one carried $((after - before)) writes of a second copy"
verify "$TESTDIR/image"

if [ $keep = 0 ]; then
	title "stopping the export and the array"
	export_stop
	exit 0
fi

# nbdkit in the foreground ends with whoever started it; a daemon stays.
export_stop
rm -f "$(export_socket)"
"$MPIO_BUILDDIR/run" nbdkit -U "$(export_socket)" -P "$TESTDIR/main.pid" mpio \
	"$(array_url left)" "$(array_url right)" "runtime-dir=$(export_runtime_dir)"
cat >"$TESTDIR/stop" <<STOP
#!/bin/sh
# Ends what demo.sh --keep left, each only if it is still what it was.
for pid in $(cat "$TESTDIR/main.pid") ${ARRAY_PID[left]} ${ARRAY_PID[right]}; do
	if grep -qs "$TESTDIR/" /proc/\$pid/cmdline /proc/\$pid/environ; then
		kill -KILL \$pid
	fi
done
rm -rf "$TESTDIR"
STOP
chmod +x "$TESTDIR/stop"
disown_everything

title "array and export stay up"
cat <<USE
look:    nbdinfo '$URI'
         $MPIO_BUILDDIR/run pathctl --socket $(export_control_socket main) show
use:     nbdcopy '$URI' copy.img
         nbd-client -unix $(export_socket) /dev/nbd0 -C 4 -persist
         mkdir mnt && touch mnt/disk && nbdfuse mnt/disk '$URI' &     (then mount -o loop)
fault:   kill -KILL ${ARRAY_PID[left]}           (the left controller, for good)
stop:    $TESTDIR/stop
USE
