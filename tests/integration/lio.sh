# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Linux's own iSCSI target, LIO, in a virtual machine: one unit on a RAM disk
# behind target port groups 1 and 2, each with a portal of its own, whose states
# the test sets while the initiator uses them. The machine is QEMU's, without
# privileges, on loopback only, and dies with the test; its disk with it.
#
# A test that wants it reads it after functions.sh. To array.sh and tap.sh the
# portal of group N is the array lio-N.

VM_DIR=$HARNESS_DIR/../vm
LIO_IQN=iqn.2026-11.org.example:lio
# Of whose digits LIO makes the NAA identifier.
LIO_SERIAL=6d70696f0001
LIO_GROUPS=2
LIO_PID=

# lio_start [none|implicit|explicit|both]: how access states change, both by
# default; all groups are active-optimized at first. The size is $DISK_SIZE. Skips
# where there is no QEMU or no kernel for the machine.
lio_start()
{
	local kernel
	requires qemu-system-x86_64 busybox cpio
	[ -z "$LIO_PID" ] || fail "lio runs already"
	kernel=$("$VM_DIR/prepare" --offline) ||
		skip "no kernel for a virtual machine: run tests/vm/prepare"
	[ -e "$TESTDIR/initrd" ] || "$VM_DIR/make-initrd" "$kernel" "$TESTDIR/initrd" lio
	lio_boot "$kernel"
	lio_ask -t 60 "lio up $(numfmt --from=iec "$DISK_SIZE") $LIO_SERIAL $LIO_GROUPS ${1:-both}" ||
		fail "LIO did not come up: $(tail -n 3 "$TESTDIR/console.log")"
}

# lio_kill: as if the array's power failed, and its disk with it. lio_start makes
# a new one at the same portals. lio_stop, lio_cont: it hangs, and goes on.
lio_kill()
{
	[ -n "$LIO_PID" ] || return 0
	child_kill "$LIO_PID"
	LIO_PID=
}

lio_stop() { lio_signal STOP; }
lio_cont() { lio_signal CONT; }

# lio_portal N, lio_url N: the portal of group N, and the unit behind it.
lio_portal() { array_portal "lio-$1"; }
lio_url() { array_url "lio-$1"; }

# lio_group N STATE: from now on the group is active-optimized,
# active-unoptimized, standby, unavailable or transitioning, by the array's own
# decision. Returns once it is: see trans_delay_msecs.
lio_group() { lio_ask "lio state $1 $2"; }

# lio_groups STATE...: of all groups, as lio_group, the better states first.
lio_groups() { lio_ask "lio states $*"; }

# lio_group_state N: prints what LIO says itself.
lio_group_state() { lio_ask "lio get $1"; }

# lio_access KIND: see lio_start.
lio_access() { lio_ask "lio access $1"; }

# lio_preferred N 1|0: the preferred bit of a group.
lio_preferred() { lio_ask "lio set $1 preferred $2"; }

# lio_set N ATTRIBUTE VALUE: an attribute of the group in configfs, for one
#	trans_delay_msecs	how long it is transitioning whenever its state changes
#	implicit_trans_secs	how long it says that this may take
#	nonop_delay_msecs	by how much it is slower while not optimized
lio_set() { lio_ask "lio set $1 $2 $3"; }

# lio_portals N on|off: off ends the group's sessions and refuses logins (0301h).
lio_portals() { lio_ask "lio portals $1 $2"; }

# lio_chap [USER:PASSWORD]: from the next login on initiators must prove who they
# are; without an argument nobody must.
lio_chap() { lio_ask "lio chap ${1:-}"; }

# lio_resize SIZE: the unit's size changes; it is not announced.
lio_resize() { lio_ask "lio resize $(numfmt --from=iec "$1")"; }

# lio_ask [-t SECONDS] COMMAND: a line of shell in the machine.
lio_ask()
{
	local limit=30
	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	client -t $((limit + 5)) "$PYTHON" "$VM_DIR/ask.py" "$TESTDIR/agent" "$limit" "$1"
}

#----------------------------------------------------------------------
# What the functions above are made of

lio_signal()
{
	is_own_child "$LIO_PID" || fail "lio is not running"
	kill "-$1" "$LIO_PID"
}

# Starts the machine, with a port of the host for each group: the ones it had
# before, or free ones. Returns when its agent answers.
lio_boot()
{
	local try
	for ((try = 0; try < 5; try++)); do
		lio_choose_ports
		lio_run_qemu "$1"
		if lio_ask -t 90 true; then
			return 0
		fi
		lio_kill
		grep -q 'host forwarding rule' "$TESTDIR/qemu.log" ||
			fail "the virtual machine did not come up: $(tail -n 3 "$TESTDIR"/{qemu,console}.log)"
		sleep 0.2
	done
	fail "the virtual machine did not get its ports: $(tail -n 3 "$TESTDIR/qemu.log")"
}

# Addresses of their own: 127.0.200.1 and on.
lio_choose_ports()
{
	local n name
	for ((n = 1; n <= LIO_GROUPS; n++)); do
		name=lio-$n
		[ -z "${ARRAY_PORT[$name]:-}" ] || continue
		ARRAY_ADDRESS[$name]=127.0.$((199 + n)).1
		ARRAY_PORT[$name]=$(free_port "${ARRAY_ADDRESS[$name]}")
		ARRAY_OPTIONS[$name]="--iqn $LIO_IQN"
		ARRAY_LUN[$name]=1
	done
}

# restrict: the machine reaches nothing, it is only reached.
lio_run_qemu()
{
	local n network=user,id=net,restrict=on
	for ((n = 1; n <= LIO_GROUPS; n++)); do
		network+=,hostfwd=tcp:$(lio_portal "$n")-10.0.2.15:$((3259 + n))
	done
	rm -f "$TESTDIR/agent"
	spawn "$TESTDIR/qemu.log" qemu-system-x86_64 -accel tcg -cpu max \
		-m 256 -M pc -nodefaults -no-user-config -display none -no-reboot \
		-kernel "$1/vmlinuz" -initrd "$TESTDIR/initrd" \
		-append "console=ttyS0 quiet mitigations=off panic=-1" \
		-serial "file:$TESTDIR/console.log" \
		-chardev "socket,id=agent,path=$TESTDIR/agent,server=on,wait=off" \
		-device virtio-serial-pci -device virtserialport,chardev=agent,name=agent \
		-netdev "$network" -device virtio-net-pci,netdev=net,romfile=
	LIO_PID=$SPAWNED
	wait_for "[ -S '$TESTDIR/agent' ] || ! is_own_child $LIO_PID" "QEMU starts"
}
