# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The process under test: nbdkit with the plugin of the build tree, one export
# on a Unix socket, and what pathctl says about it. Read by functions.sh.
#
# A test that needs several exports puts "-n NAME" first; the functions without
# it mean the export "main".

declare -A EXPORT_PID

export_socket() { echo "$TESTDIR/${1:-main}.nbd"; }
export_uri() { echo "nbd+unix:///?socket=$TESTDIR/${1:-main}.nbd"; }
export_runtime_dir() { echo "$TESTDIR/r-${1:-main}"; }
export_log() { echo "$TESTDIR/nbdkit-${1:-main}.log"; }

# URI of the export "main", for the clients' command lines.
# shellcheck disable=SC2034
URI=$(export_uri)

# export_start [-n NAME] [-o NBDKIT-OPTION]... URL|KEY=VALUE...
# Returns when clients can connect; fails if nbdkit ends or takes over 30 s.
export_start()
{
	export_spawn "$@"
	wait_for -t 30 'export_is_up "$EXPORT_NAME"' "nbdkit $EXPORT_NAME is ready"
	[ -n "${EXPORT_PID[$EXPORT_NAME]}" ] ||
		fail "nbdkit $EXPORT_NAME did not start: $(tail -n 5 "$(export_log "$EXPORT_NAME")")"
}

# export_fails [-n NAME] [-o NBDKIT-OPTION]... URL|KEY=VALUE...
# The start must be refused; what nbdkit said is in export_log.
export_fails()
{
	local rc=0
	export_spawn "$@"
	wait_for -t 60 '! is_own_child "${EXPORT_PID[$EXPORT_NAME]}"' "nbdkit $EXPORT_NAME gives up"
	wait "${EXPORT_PID[$EXPORT_NAME]}" || rc=$?
	EXPORT_PID[$EXPORT_NAME]=
	[ $rc -ne 0 ] || fail "nbdkit $EXPORT_NAME should not have started"
	[ $rc -lt 119 ] || fail "nbdkit $EXPORT_NAME: exit status $rc"
}

# export_stop [NAME]: SIGTERM, and it must end by itself, cleanly, within 20 s.
export_stop()
{
	local name=${1:-main} pid rc=0
	pid=${EXPORT_PID[$name]:-}
	[ -n "$pid" ] || fail "export $name is not running"
	is_own_child "$pid" && kill -TERM "$pid"
	wait_for -t 20 "! is_own_child $pid" "nbdkit $name ends on SIGTERM"
	EXPORT_PID[$name]=
	wait "$pid" || rc=$?
	assert_eq "$rc" 0 "exit status of nbdkit $name"
}

# export_kill [NAME]: as the kernel's OOM killer would.
export_kill()
{
	local name=${1:-main}
	child_kill "${EXPORT_PID[$name]}" KILL
	EXPORT_PID[$name]=
}

# export_pid [NAME]: prints it.
export_pid()
{
	echo "${EXPORT_PID[${1:-main}]}"
}

# pathctl_export [-n NAME] COMMAND [ARG...]: pathctl on the export's own socket.
pathctl_export()
{
	local name=main socket
	if [ "$1" = -n ]; then
		name=$2
		shift 2
	fi
	socket=$(export_control_socket "$name")
	client -t 20 pathctl --socket "$socket" "$@"
}

# The control socket of an export: the one entry of its registry.
export_control_socket()
{
	local sockets=("$(export_runtime_dir "${1:-main}")"/exports/*.sock)
	[ -S "${sockets[0]}" ] || fail "export ${1:-main} has no control socket"
	echo "${sockets[0]}"
}

# show [-n NAME] EXPRESSION: evaluates a Python expression on `show`, as d:
#	show 'd["paths"][0]["state"]'
show()
{
	local name=main
	if [ "$1" = -n ]; then
		name=$2
		shift 2
	fi
	pathctl_export -n "$name" show --json |
		"$PYTHON" -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# path_state N [NAME]: the state of path N, counted from 0 in the order of show.
path_state()
{
	show -n "${2:-main}" "d['paths'][$1]['state']"
}

# paths_active [NAME]: how many paths can carry I/O now.
paths_active()
{
	show -n "${1:-main}" \
		"sum(p['state'] in ('active-optimized', 'active-unoptimized') for p in d['paths'])"
}

# carriers: the paths that carry writes just now, as "0 1".
carriers()
{
	local before
	before=$(show '[p["writes"] for p in d["paths"]]')
	nbdsh_export 'for n in range(64): h.pwrite(b"c" * 4096, n * 4096)'
	show "' '.join(p['id'] for p, n in zip(d['paths'], $before) if p['writes'] > n)"
}

# nbdsh_export [-n NAME] SCRIPT [ARG...]: Python on a connection h (nbdsh(1)).
nbdsh_export()
{
	local name=main
	if [ "$1" = -n ]; then
		name=$2
		shift 2
	fi
	client "$PYTHON" -c 'import errno, nbd, os, random, sys, threading, time
h = nbd.NBD()
h.add_meta_context("base:allocation")
h.connect_uri(sys.argv[1])
h.set_strict_mode(0)		# what libnbd would refuse by itself is asked, too
BLOCK = h.get_block_size(nbd.SIZE_MINIMUM)
exec(sys.argv[2])' "$(export_uri "$name")" "$@"
}

# request_start NAME STATEMENT: one request on a connection of its own; what came
# of it, "0" or the errno's name, is then in $TESTDIR/NAME.answer.
request_start()
{
	rm -f "$TESTDIR/$1.answer"
	spawn "$TESTDIR/requests.log" "$PYTHON" -c 'import errno, nbd, sys
uri, statement, answer = sys.argv[1:]
h = nbd.NBD()
h.connect_uri(uri)
h.set_strict_mode(0)
open(answer + ".ready", "w").close()
result = "0"
try:
    exec(statement)
except nbd.Error as error:
    result = errno.errorcode.get(error.errnum, str(error))
with open(answer, "w") as f:
    f.write(result + "\n")' "$URI" "$2" "$TESTDIR/$1.answer"
}

# answer NAME: prints what came of it, nothing while it waits.
answer() { cat "$TESTDIR/$1.answer" 2>/dev/null || :; }

#----------------------------------------------------------------------
# What the functions above are made of

export_spawn()
{
	local name=main options=() under=()
	if [ "$1" = -n ]; then
		name=$2
		shift 2
	fi
	while [ "${1:-}" = -o ]; do
		options+=("$2")
		shift 2
	done
	requires_plugin
	[ -z "${EXPORT_PID[$name]:-}" ] || fail "export $name is running"
	EXPORT_NAME=$name
	rm -f "$TESTDIR/$name.nbd" "$TESTDIR/$name.pid"
	mkdir -p "$(export_runtime_dir "$name")"
	if [ "$MPIO_VALGRIND" = 1 ]; then
		under=(--valgrind)
	fi
	# The last of a repeated parameter does not always win: the runtime
	# directory is ours unless the test names one.
	case " $* " in
	*" runtime-dir="*|*" control=no "*) ;;
	*) set -- "$@" "runtime-dir=$(export_runtime_dir "$name")" ;;
	esac
	spawn "$(export_log "$name")" "$MPIO_BUILDDIR/run" "${under[@]}" nbdkit -f \
		-U "$(export_socket "$name")" -P "$TESTDIR/$name.pid" "${options[@]}" mpio "$@"
	EXPORT_PID[$name]=$SPAWNED
}

# True once it serves: the pid file comes first, then the control socket, then
# the thread that runs the sessions. And when the process is gone: its pid is
# then forgotten.
export_is_up()
{
	if [ -s "$TESTDIR/$1.pid" ] &&
	   grep -qsx mpio "/proc/${EXPORT_PID[$1]}"/task/*/comm; then
		return 0
	fi
	is_own_child "${EXPORT_PID[$1]}" && return 1
	{ wait "${EXPORT_PID[$1]}" || :; } 2>/dev/null
	EXPORT_PID[$1]=
}

# Ends what still runs at the end of a test. Whoever crashed or was caught by
# valgrind or a sanitizer fails the test.
exports_cleanup()
{
	local name pid rc try failed=0
	for name in "${!EXPORT_PID[@]}"; do
		pid=${EXPORT_PID[$name]}
		[ -n "$pid" ] || continue
		rc=0
		# Continued, in case the test has left it stopped.
		is_own_child "$pid" && kill -TERM "$pid" && kill -CONT "$pid"
		for ((try = 0; try < 200 * TIME_FACTOR; try++)); do
			is_own_child "$pid" || break
			sleep 0.05
		done
		if is_own_child "$pid"; then
			echo "FAIL: $TEST_NAME: nbdkit $name does not end on SIGTERM" >&2
			kill -ABRT "$pid"
		fi
		{ wait "$pid" || rc=$?; } 2>/dev/null
		if [ "$rc" -ne 0 ]; then
			echo "FAIL: $TEST_NAME: nbdkit $name: exit status $rc" >&2
			failed=1
		fi
	done
	return $failed
}
