# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Taps: tap.py in front of an array's portal, for tests that must know which
# SCSI commands were sent, or that break one path and not the array behind it.
# A test that wants it reads it after functions.sh.

declare -A TAP_PID TAP_PORT

# tap_start ARRAY [NAME]: a tap in front of ARRAY, named like it by default;
# again after tap_kill: on the same port.
tap_start()
{
	local array=$1 name=${2:-$1} try
	for ((try = 0; try < 5; try++)); do
		[ -n "${TAP_PORT[$name]:-}" ] ||
			TAP_PORT[$name]=$(free_port "${ARRAY_ADDRESS[$array]}")
		spawn "$TESTDIR/tap-$name.log" "$PYTHON" "$HARNESS_DIR/tap.py" \
			"${ARRAY_ADDRESS[$array]}:${TAP_PORT[$name]}" "$(array_portal "$array")" \
			"$(tap_cdbs "$name")"
		TAP_PID[$name]=$SPAWNED
		wait_for "! is_own_child $SPAWNED || port_is_open ${TAP_PORT[$name]}" "tap $name listens"
		! is_own_child "$SPAWNED" || return 0
		child_kill "$SPAWNED"
		[ -e "$(tap_cdbs "$name")" ] || TAP_PORT[$name]=
	done
	fail "tap $name did not get its port"
}

# tap_kill NAME, tap_stop NAME, tap_cont NAME: the path fails, hangs, goes on.
tap_kill() { child_kill "${TAP_PID[$1]}" KILL; }
tap_stop() { kill -STOP "${TAP_PID[$1]}"; }
tap_cont() { kill -CONT "${TAP_PID[$1]}"; }

# tap_freeze NAME: the target believes in the connections there are, whatever
# becomes of the initiator; new ones are served.
tap_freeze()
{
	: >"$TESTDIR/tap-$1.log"
	kill -USR1 "${TAP_PID[$1]}"
	wait_for "grep -q frozen '$TESTDIR/tap-$1.log'"
}

# tap_isids NAME: the ISIDs that logged in, each once.
tap_isids() { sed -n 's/^[0-9]* login //p' "$(tap_cdbs "$1")" | sort -u; }

# tap_url ARRAY [NAME]: as array_url, through the tap.
tap_url()
{
	local name=${2:-$1}
	echo "iscsi://${ARRAY_ADDRESS[$1]}:${TAP_PORT[$name]}/$(array_target "$1")/${ARRAY_LUN[$1]}"
}

# Where the tap writes down what is sent: see tap.py.
tap_cdbs() { echo "$TESTDIR/cdbs-$1"; }

# tap_forget: begins anew in all files.
tap_forget()
{
	local file
	for file in "$TESTDIR"/cdbs-*; do
		: >"$file"
	done
}

# tap_count REGEX [NAME]: how many CDBs (32 hex digits, from the opcode) match,
# through all taps or one. The time to write them down is waited for by asking
# after an answer has come: they are written before they are passed on.
tap_count()
{
	cat "$TESTDIR"/cdbs-"${2:-}"* | grep -v login | cut -d ' ' -f 3 | grep -Ec "^($1)" || :
}
