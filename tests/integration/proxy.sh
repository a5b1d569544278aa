# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Fault proxies: fault-proxy.py in front of a portal. What they can be told is
# written there. Read by functions.sh.

declare -A PROXY_PID PROXY_ADDRESS PROXY_TARGET

# proxy_start NAME TARGET-PORTAL [OPTION...]: again after proxy_kill: on the same
# port.
proxy_start()
{
	local name=$1 portal=$2 before=${PROXY_PID[$1]:-} try
	shift 2
	for ((try = 0; try < 5; try++)); do
		[ -n "${PROXY_ADDRESS[$name]:-}" ] ||
			PROXY_ADDRESS[$name]=${portal%:*}:$(free_port "${portal%:*}")
		rm -f "$(proxy_socket "$name")"
		spawn "$(proxy_log "$name")" "$PYTHON" "$HARNESS_DIR/fault-proxy.py" "$@" \
			"${PROXY_ADDRESS[$name]}" "$portal" "$(proxy_socket "$name")"
		PROXY_PID[$name]=$SPAWNED
		wait_for "! is_own_child $SPAWNED || [ -S '$(proxy_socket "$name")' ]" \
			"proxy $name listens"
		! is_own_child "$SPAWNED" || return 0
		child_kill "$SPAWNED"
		[ -n "$before" ] || PROXY_ADDRESS[$name]=
	done
	fail "proxy $name did not start: $(tail -n 5 "$(proxy_log "$name")")"
}

# proxy_array NAME ARRAY [OPTION...]: in front of the first portal of that array.
proxy_array()
{
	local name=$1 array=$2
	shift 2
	proxy_start "$name" "$(array_portal "$array")" "$@"
	PROXY_TARGET[$name]=$(array_target "$array")/${ARRAY_LUN[$array]}
}

# proxy_kill NAME: all its connections are reset or closed, nobody listens.
proxy_kill()
{
	child_kill "${PROXY_PID[$1]}" KILL
}

proxy_socket() { echo "$TESTDIR/$1.proxy"; }
proxy_log() { echo "$TESTDIR/proxy-$1.log"; }
proxy_portal() { echo "${PROXY_ADDRESS[$1]}"; }

# proxy_url NAME [TARGET/LUN]: as array_url, through the proxy; the target is that
# of proxy_array by default.
proxy_url()
{
	echo "iscsi://${PROXY_ADDRESS[$1]}/${2:-${PROXY_TARGET[$1]}}"
}

# proxy NAME JSON: asks it and prints the answer; fails where it is an error.
proxy()
{
	timeout $((60 * TIME_FACTOR)) "$PYTHON" "$HARNESS_DIR/fault-proxy.py" \
		--ask "$(proxy_socket "$1")" "$2"
}

# proxy_rule NAME RULE MATCH ACTION: the usual rule, e.g.
#	proxy_rule left busy '"scsi": "WRITE", "count": 1' '"do": "answer", "status": 8'
proxy_rule()
{
	proxy "$1" '{"op": "add", "rule": {"name": "'"$2"'", '"${3:+$3, }"'"action": {'"$4"'}}}' >/dev/null
}

# proxy_remove NAME RULE; proxy_clear NAME; proxy_forget NAME.
proxy_remove() { proxy "$1" '{"op": "remove", "rule": "'"$2"'"}' >/dev/null; }
proxy_clear() { proxy "$1" '{"op": "clear"}' >/dev/null; }
proxy_forget() { proxy "$1" '{"op": "forget"}' >/dev/null; }

# proxy_wait NAME WHAT: '"rule": "busy", "fired": 2', as "wait" of fault-proxy.py.
proxy_wait() { proxy "$1" '{"op": "wait", '"$2"'}' >/dev/null; }

# proxy_stat NAME EXPRESSION: a Python expression on its stats, as d; a name that
# was not counted yet is 0 in seen("WRITE") and sent("WRITE"), the latter those
# that the target got.
proxy_stat()
{
	proxy "$1" '{"op": "stats"}' | "$PYTHON" -c 'import json, sys
d = json.load(sys.stdin)
seen = lambda name: d["requests"].get(name, 0)
sent = lambda name: d["forwarded"].get(name, 0)
print(eval(sys.argv[1]))' "$2"
}
