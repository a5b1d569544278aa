# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# iSCSI arrays made of tgtd: each "array" is one tgtd, that is one controller.
# Two of them on one backing file with one scsi_id are two controllers of one
# logical unit, which is what a path failure test needs.
#
# Read by functions.sh. Names are the test's own words: array_start left.

declare -A ARRAY_PID ARRAY_ADDRESS ARRAY_PORT ARRAY_CONTROL ARRAY_OPTIONS ARRAY_LUN
ARRAY_COUNT=0
ARRAY_IQN=iqn.2026-11.org.example:array

# The backing file of arrays that are not given one.
DISK=$TESTDIR/disk.img
DISK_SIZE=${DISK_SIZE:-64M}

# array_admin NAME ARGS...: tgtadm on that controller.
array_admin()
{
	local name=$1
	shift
	TGT_IPC_SOCKET=$TESTDIR/tgt timeout 20 tgtadm -C "${ARRAY_CONTROL[$name]}" --lld iscsi "$@"
}

# array_start NAME [OPTION...]
#	--backing FILE	[$DISK, made with $DISK_SIZE where it is missing]
#	--lun N		LUN number [1]
#	--id HEX	32 hex digits of the NAA identifier
#	--serial TEXT	unit serial number, VPD page 80h
#	--vendor TEXT --product TEXT
#	--block-size N	[512]
#	--read-only
#	--thin		thin provisioning: UNMAP, WRITE SAME, GET LBA STATUS
#	--bs-type TYPE	tgtd backing store [rdwr]
#	--chap USER:PASSWORD		initiators must log in
#	--chap-out USER:PASSWORD	and the target proves itself
#	--iqn NAME	target name, the same for all arrays by default
#	--portals N	so many portals, at consecutive addresses
#	--listen PORTAL	one portal there instead
#	--threads N	tgtd's I/O threads [2]
#	--no-lun	a target with nothing but its controller LUN 0
array_start()
{
	local name=$1
	shift
	requires tgtd tgtadm
	requires_root		# tgtd refuses tgtadm from anybody else
	[ -z "${ARRAY_CONTROL[$name]:-}" ] || fail "array $name exists: use array_restart"

	ARRAY_COUNT=$((ARRAY_COUNT + 1))
	ARRAY_CONTROL[$name]=$ARRAY_COUNT
	ARRAY_ADDRESS[$name]=127.0.$ARRAY_COUNT.1
	ARRAY_PORT[$name]=
	ARRAY_OPTIONS[$name]="${*@Q}"
	array_up "$name"
}

# array_restart NAME [OPTION...]: kills it where it runs; same port, same options,
# but for those given here.
array_restart()
{
	local name=$1
	shift
	array_kill "$name"
	ARRAY_OPTIONS[$name]+=" ${*@Q}"
	array_up "$name"
}

# array_kill NAME: as if its power failed. (tgtd ignores SIGTERM while sessions
# exist.)
array_kill()
{
	local pid=${ARRAY_PID[$1]:-}
	[ -n "$pid" ] || return 0
	ARRAY_PID[$1]=
	child_kill "$pid" KILL
}

# array_stop NAME, array_cont NAME: it hangs with its connections open.
array_stop()
{
	is_own_child "${ARRAY_PID[$1]}" || fail "array $1 is not running"
	kill -STOP "${ARRAY_PID[$1]}"
}

array_cont()
{
	is_own_child "${ARRAY_PID[$1]}" || fail "array $1 is not running"
	kill -CONT "${ARRAY_PID[$1]}"
}

# array_portal NAME [N]: prints ADDRESS:PORT of its first or Nth portal.
array_portal()
{
	local address=${ARRAY_ADDRESS[$1]}
	echo "${address%.*}.${2:-1}:${ARRAY_PORT[$1]}"
}

# array_target NAME: prints its target name.
array_target()
{
	local args iqn=$ARRAY_IQN
	eval "args=(${ARRAY_OPTIONS[$1]})"
	set -- "${args[@]}"
	while [ $# -gt 0 ]; do
		[ "$1" != --iqn ] || iqn=$2
		shift
	done
	echo "$iqn"
}

# array_url NAME [PORTAL-N]: prints what the plugin and libiscsi take.
array_url()
{
	echo "iscsi://$(array_portal "$@")/$(array_target "$1")/${ARRAY_LUN[$1]}"
}

# array_sessions NAME: prints how many sessions it has.
array_sessions()
{
	array_admin "$1" -m conn -o show -t 1 | grep -c '^Session:' || :
}

# array_drop_sessions NAME: closes every connection, the target lives on.
array_drop_sessions()
{
	local sid
	for sid in $(array_admin "$1" -m conn -o show -t 1 | sed -n 's/^Session: //p'); do
		array_admin "$1" -m conn -o delete -t 1 --sid "$sid" --cid 0 || :
	done
}

# array_set NAME KEY=VALUE[,...]: changes the logical unit while it runs.
array_set()
{
	array_admin "$1" -m logicalunit -o update -t 1 -l "${ARRAY_LUN[$1]}" -P "$2"
}

# array_refresh NAME: has it look at the backing file's new size.
array_refresh()
{
	local path
	path=$(array_backing "$1")
	array_set "$1" online=0
	array_set "$1" path="$path"
	array_set "$1" online=1
}

# array_lun_delete NAME; array_lun_new NAME [OPTION...]: remap at run time, with
# the options of array_start.
array_lun_delete()
{
	array_admin "$1" -m logicalunit -o delete -t 1 -l "${ARRAY_LUN[$1]}"
}

array_lun_new()
{
	local name=$1
	shift
	local args
	eval "args=(${ARRAY_OPTIONS[$name]})"
	array_parse "${args[@]}" "$@"
	array_make_lun "$name"
}

#----------------------------------------------------------------------
# What the functions above are made of

array_backing()
{
	local args
	eval "args=(${ARRAY_OPTIONS[$1]})"
	array_parse "${args[@]}"
	echo "$A_BACKING"
}

# Reads options into A_ variables.
array_parse()
{
	A_BACKING=$DISK A_LUN=1 A_ID=60014050000000000000000000000001 A_SERIAL=MPIO0001
	A_VENDOR=MPIO A_PRODUCT=TESTARRAY A_BLOCK_SIZE=512 A_READ_ONLY=0 A_THIN=0
	A_BS_TYPE=rdwr A_CHAP='' A_CHAP_OUT='' A_IQN=$ARRAY_IQN A_PORTALS=1 A_THREADS=2
	A_MAKE_LUN=1 A_LISTEN=
	while [ $# -gt 0 ]; do
		case "$1" in
		--read-only)	A_READ_ONLY=1; shift; continue ;;
		--thin)		A_THIN=1; shift; continue ;;
		--no-lun)	A_MAKE_LUN=0; shift; continue ;;
		esac
		[ $# -ge 2 ] || fail "array option $1 wants a value"
		case "$1" in
		--backing)	A_BACKING=$2 ;;
		--lun)		A_LUN=$2 ;;
		--id)		A_ID=$2 ;;
		--serial)	A_SERIAL=$2 ;;
		--vendor)	A_VENDOR=$2 ;;
		--product)	A_PRODUCT=$2 ;;
		--block-size)	A_BLOCK_SIZE=$2 ;;
		--bs-type)	A_BS_TYPE=$2 ;;
		--chap)		A_CHAP=$2 ;;
		--chap-out)	A_CHAP_OUT=$2 ;;
		--iqn)		A_IQN=$2 ;;
		--portals)	A_PORTALS=$2 ;;
		--threads)	A_THREADS=$2 ;;
		--listen)	A_LISTEN=$2 ;;
		*)		fail "array option $1 is unknown" ;;
		esac
		shift 2
	done
}

# Starts tgtd, on the port the array had before or on a free one, and lays the
# target out.
array_up()
{
	local name=$1 args attempt
	eval "args=(${ARRAY_OPTIONS[$name]})"
	array_parse "${args[@]}"
	ARRAY_LUN[$name]=$A_LUN
	if [ "$A_BS_TYPE" = rdwr ] && [ ! -e "$A_BACKING" ]; then
		truncate -s "$DISK_SIZE" "$A_BACKING"
	fi
	for attempt in 1 2 3 4 5; do
		if [ -z "${ARRAY_PORT[$name]}" ]; then
			ARRAY_PORT[$name]=$(free_port "${ARRAY_ADDRESS[$name]}")
			if array_listen "$name"; then
				break
			fi
			ARRAY_PORT[$name]=
		elif array_listen "$name"; then
			break
		fi
		[ "$attempt" -lt 5 ] || fail "array $name: tgtd did not get its port"
		sleep 0.2
	done
	array_make_target "$name"
}

# Starts tgtd and waits until it answers; fails where its portals are not the
# ones asked for (on a port in use tgtd falls back to *:3260).
array_listen()
{
	local name=$1 portals='' n try
	for ((n = 1; n <= A_PORTALS; n++)); do
		portals+=${portals:+,}portal=$(array_portal "$name" "$n")
	done
	[ -z "$A_LISTEN" ] || portals=portal=$A_LISTEN
	spawn "$TESTDIR/tgtd-$name.log" env "TGT_IPC_SOCKET=$TESTDIR/tgt" \
		tgtd -f -C "${ARRAY_CONTROL[$name]}" -t "$A_THREADS" --iscsi "$portals"
	ARRAY_PID[$name]=$SPAWNED
	for ((try = 0; try < 200; try++)); do
		is_own_child "$SPAWNED" || return 1
		if array_admin "$name" -m portal -o show >"$TESTDIR/portals.$name" 2>/dev/null; then
			break
		fi
		sleep 0.03
	done
	if [ "$(grep -Fc "Portal: ${A_LISTEN:-${ARRAY_ADDRESS[$name]%.*}.}" "$TESTDIR/portals.$name")" = "$A_PORTALS" ]; then
		return 0
	fi
	array_kill "$name"
	return 1
}

array_make_target()
{
	local name=$1
	array_admin "$name" -m target -o new -t 1 -T "$A_IQN"
	if [ -n "$A_CHAP" ]; then
		array_admin "$name" -m account -o new --user "${A_CHAP%%:*}" --password "${A_CHAP#*:}"
		array_admin "$name" -m account -o bind -t 1 --user "${A_CHAP%%:*}"
	fi
	if [ -n "$A_CHAP_OUT" ]; then
		array_admin "$name" -m account -o new --user "${A_CHAP_OUT%%:*}" \
			--password "${A_CHAP_OUT#*:}"
		array_admin "$name" -m account -o bind -t 1 --user "${A_CHAP_OUT%%:*}" --outgoing
	fi
	if [ "$A_MAKE_LUN" = 1 ]; then
		array_make_lun "$name"
	fi
	# Last, so that nobody logs in to a target that is still being made.
	array_admin "$name" -m target -o bind -t 1 -I ALL
}

array_make_lun()
{
	local name=$1
	array_admin "$name" -m logicalunit -o new -t 1 -l "$A_LUN" -b "$A_BACKING" \
		-y "$A_BLOCK_SIZE" -E "$A_BS_TYPE"
	array_admin "$name" -m logicalunit -o update -t 1 -l "$A_LUN" -P \
		"vendor_id=$A_VENDOR,product_id=$A_PRODUCT,scsi_id=$A_ID,scsi_sn=$A_SERIAL,thin_provisioning=$A_THIN,readonly=$A_READ_ONLY"
}

arrays_cleanup()
{
	local name
	for name in "${!ARRAY_PID[@]}"; do
		array_kill "$name"
	done
}
