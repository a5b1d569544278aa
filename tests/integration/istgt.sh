# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# istgt: an iSCSI target that shows one unit through two target port groups, and
# answers REPORT and SET TARGET PORT GROUPS, although its INQUIRY data say that
# it knows neither (TPGS 0). A login takes it a second.
#
# A test that wants it reads it after functions.sh. To array.sh and tap.sh the
# portal of group N is the array istgt-N.

ISTGT_IQN=iqn.2026-11.org.example:istgt
ISTGT_PID=

# istgt_start [USER:PASSWORD]: for CHAP. Its disk, of $DISK_SIZE, is made where it
# is missing.
istgt_start()
{
	requires istgt
	[ -z "$ISTGT_PID" ] || fail "istgt runs already"
	ISTGT_CHAP=${1:-}
	istgt_up
}

# istgt_kill: it dies, its disk stays. istgt_restart: the same portals again.
istgt_kill()
{
	[ -n "$ISTGT_PID" ] || return 0
	child_kill "$ISTGT_PID"
	ISTGT_PID=
}

istgt_restart()
{
	istgt_kill
	istgt_up
}

# istgt_portal N, istgt_url N: the portal of group N, and the unit behind it.
istgt_portal() { array_portal "istgt-$1"; }
istgt_url() { array_url "istgt-$1"; }

#----------------------------------------------------------------------
# What the functions above are made of

# Starts it, on the ports it had or on free ones.
istgt_up()
{
	local try
	for ((try = 0; try < 5; try++)); do
		istgt_choose_ports
		istgt_configure >"$TESTDIR/istgt.conf"
		: >"$TESTDIR/istgt.log"
		spawn "$TESTDIR/istgt.log" istgt -D -m 1 -c "$TESTDIR/istgt.conf"
		ISTGT_PID=$SPAWNED
		wait_for "! is_own_child $SPAWNED ||
			{ port_is_open ${ARRAY_PORT[istgt-1]} && port_is_open ${ARRAY_PORT[istgt-2]}; }" \
			"istgt listens"
		! is_own_child "$SPAWNED" || return 0
		istgt_kill
		sleep 0.2
	done
	fail "istgt did not start: $(tail -n 3 "$TESTDIR/istgt.log")"
}

# Addresses of their own: 127.0.210.1 and 127.0.211.1.
istgt_choose_ports()
{
	local n name
	for n in 1 2; do
		name=istgt-$n
		[ -z "${ARRAY_PORT[$name]:-}" ] || continue
		ARRAY_ADDRESS[$name]=127.0.$((209 + n)).1
		ARRAY_PORT[$name]=$(free_port "${ARRAY_ADDRESS[$name]}")
		ARRAY_OPTIONS[$name]="--iqn $ISTGT_IQN"
		ARRAY_LUN[$name]=0
	done
	[ -n "${ISTGT_CONTROL:-}" ] || ISTGT_CONTROL=127.0.209.1:$(free_port 127.0.209.1)
}

# Prints istgt.conf(5). It refuses secrets that others could read.
istgt_configure()
{
	local method=None
	if [ -n "$ISTGT_CHAP" ]; then
		method=CHAP
	fi
	(
		umask 077
		printf '[AuthGroup1]\n  Auth "%s" "%s"\n' "${ISTGT_CHAP%%:*}" "${ISTGT_CHAP#*:}" \
			>"$TESTDIR/istgt-auth.conf"
	)
	cat <<-CONF
	[Global]
	  NodeBase "${ISTGT_IQN%:*}"
	  PidFile $TESTDIR/istgt.pid
	  AuthFile $TESTDIR/istgt-auth.conf
	  MediaDirectory $TESTDIR
	  LogFacility "local7"
	  Timeout 30
	  NopInInterval 20
	  DiscoveryAuthMethod None
	  MaxSessions 32
	  MaxConnections 8
	  MaxR2T 32
	  MaxOutstandingR2T 16
	  DefaultTime2Wait 2
	  DefaultTime2Retain 60
	  FirstBurstLength 262144
	  MaxBurstLength 1048576
	  MaxRecvDataSegmentLength 262144
	[UnitControl]
	  AuthMethod None
	  Portal UC1 $ISTGT_CONTROL
	  Netmask 127.0.0.0/8
	[PortalGroup1]
	  Portal DA1 $(istgt_portal 1)
	[PortalGroup2]
	  Portal DA2 $(istgt_portal 2)
	[InitiatorGroup1]
	  InitiatorName "ALL"
	  Netmask 127.0.0.0/8
	[LogicalUnit1]
	  TargetName ${ISTGT_IQN##*:}
	  Mapping PortalGroup1 InitiatorGroup1
	  Mapping PortalGroup2 InitiatorGroup1
	  AuthMethod $method
	  AuthGroup AuthGroup1
	  UnitType Disk
	  UnitInquiry "MPIO" "ISTGT" "0001" "10000001"
	  QueueDepth 64
	  BlockLength 512
	  LUN0 Storage $TESTDIR/istgt.img ${DISK_SIZE}B
	CONF
}
