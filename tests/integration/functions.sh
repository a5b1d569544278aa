# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The harness of the integration tests. A test is a bash script that begins
#
#	. "$(dirname "$0")/functions.sh"
#
# and ends by falling off its end (0), by a failed command or assertion (1), or
# by skip and requires (77). Everything it needs is its own: $TESTDIR, free
# ports on loopback, control sockets. Processes are children of the test, die
# with it whatever kills it, and are signalled by pid and nothing else.
#
# array.sh has the iSCSI targets, export.sh the nbdkit process, fio.sh its client,
# proxy.sh what stands between export and target.
#
#	TEST_TIMEOUT	seconds until the test is ended, set before sourcing [120]
#	MPIO_KEEP_DIR	if set, the private directory is left for inspection
#	MPIO_VALGRIND	if 1, nbdkit runs under valgrind, and time limits are longer

set -euo pipefail

HARNESS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Started by hand: go through ./run, which knows where the plugin is.
if [ -z "${MPIO_BUILDDIR:-}" ]; then
	if [ ! -x "$HARNESS_DIR/../../run" ]; then
		echo "$0: no ./run beside the sources: use BUILDDIR/run $0" >&2
		exit 99
	fi
	exec "$HARNESS_DIR/../../run" "$0" "$@"
fi

TEST_NAME=$(basename "$0" .sh)
TEST_TIMEOUT=${TEST_TIMEOUT:-120}
MPIO_VALGRIND=${MPIO_VALGRIND:-0}
TIME_FACTOR=1
if [ "$MPIO_VALGRIND" = 1 ]; then
	TIME_FACTOR=10
fi
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3

# tgtd and the clients live in sbin for users who are not root.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C

#----------------------------------------------------------------------
# Messages and verdicts

say()
{
	echo "# $*"
}

skip()
{
	echo "SKIP: $TEST_NAME: $*"
	exit 77
}

fail()
{
	echo "FAIL: $TEST_NAME: $*" >&2
	local frame
	for ((frame = 1; frame < ${#FUNCNAME[@]}; frame++)); do
		echo "	at ${BASH_SOURCE[frame]##*/}:${BASH_LINENO[frame - 1]}" >&2
	done
	exit 1
}

# requires CMD...: skips unless every command exists.
requires()
{
	local cmd
	for cmd in "$@"; do
		command -v "$cmd" >/dev/null || skip "$cmd is not installed"
	done
}

requires_root()
{
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# requires_plugin: skips unless the plugin has been built.
requires_plugin()
{
	requires nbdkit
	[ -e "$MPIO_PLUGIN" ] || skip "$MPIO_PLUGIN is not built"
}

assert_eq()
{
	[ "$1" = "$2" ] || fail "${3:-values differ}: got '$1', expected '$2'"
}

# assert 'CONDITION' [MESSAGE]
assert()
{
	eval "$1" || fail "${2:-not true}: $1"
}

# assert_contains FILE REGEX [MESSAGE]
assert_contains()
{
	grep -Eq -- "$2" "$1" || fail "${3:-pattern missing}: no /$2/ in $1: $(tail -n 5 "$1")"
}

assert_not_contains()
{
	if grep -E -- "$2" "$1"; then
		fail "${3:-pattern found}: /$2/ in $1"
	fi
}

# assert_fails CMD...: the command must exit non-zero. Its output is kept in
# $TESTDIR/assert_fails.out.
assert_fails()
{
	if "$@" >"$TESTDIR/assert_fails.out" 2>&1; then
		cat "$TESTDIR/assert_fails.out" >&2
		fail "should have failed: $*"
	fi
}

# assert_same_data FILE FILE [MESSAGE]
assert_same_data()
{
	cmp -- "$1" "$2" || fail "${3:-data differ}: $1 $2"
}

# behaviours FUNCTION...: runs each and says, in its own words, what was shown.
# ONLY=REGEX in the environment picks some.
behaviours()
{
	local name
	for name in "$@"; do
		[[ $name =~ ${ONLY:-.} ]] || continue
		BEHAVIOUR=${name//_/ }
		"$name"
		echo "ok: $BEHAVIOUR"
	done
	BEHAVIOUR=
}

#----------------------------------------------------------------------
# Time

# Sets NOW_MS.
now()
{
	local t=${EPOCHREALTIME/[.,]/}
	NOW_MS=${t:0:-3}
}

# wait_for [-t SECONDS] 'CONDITION' [MESSAGE]: polls, fails after 15 s.
wait_for()
{
	local limit=15 deadline
	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	now
	deadline=$((NOW_MS + limit * 1000 * TIME_FACTOR))
	until eval "$1"; do
		now
		[ "$NOW_MS" -lt "$deadline" ] || fail "after $limit s still not: ${2:-$1}"
		sleep 0.05
	done
}

# Runs as a child: ends a test that hangs, and whatever it waits for. Where the
# test itself was killed, removes what it left.
watchdog()
{
	local second
	trap '' TERM
	trap - EXIT INT HUP ERR
	for ((second = 0; second < $1; second++)); do
		# A fifo nobody writes to: a sleep that leaves no process behind.
		read -r -t 1 _ <>"$TESTDIR/never" || :
		if ! is_own_child "$BASHPID"; then
			[ -n "${MPIO_KEEP_DIR:-}" ] || rm -rf -- "$TESTDIR"
			return
		fi
	done
	echo "FAIL: $TEST_NAME: still running after $1 s" >&2
	kill -TERM $$
	children_signal TERM
	read -r -t 20 _ <>"$TESTDIR/never" || :
	children_signal KILL
	kill -KILL $$
	rm -rf -- "$TESTDIR"
}

#----------------------------------------------------------------------
# Processes

# Fails unless PID is a child of this test, so that a number that was given to
# somebody else meanwhile is never signalled.
is_own_child()
{
	local stat state parent
	# Not $(<FILE): where that fails, bash 5.2 leaves stderr redirected.
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -r state parent _ <<<"${stat##*) }"
	[ "$state" != Z ] && [ "$parent" = $$ ]
}

# children_signal SIGNAL: every child of the test but the caller itself.
children_signal()
{
	local pid
	for pid in $(ps -o pid= --ppid $$); do
		if [ "$pid" != "$BASHPID" ] && is_own_child "$pid"; then
			kill "-$1" "$pid" 2>/dev/null || :
		fi
	done
}

# spawn LOG CMD...: starts CMD in the background with its output appended to
# LOG; SPAWNED is its pid. The kernel kills it when the test dies, unless
# SPAWN_DEATH_SIGNAL is "clear".
SPAWN_DEATH_SIGNAL=KILL
spawn()
{
	local log=$1
	shift
	setpriv --pdeathsig "$SPAWN_DEATH_SIGNAL" -- "$@" </dev/null >>"$log" 2>&1 &
	# shellcheck disable=SC2034 # for the caller
	SPAWNED=$!
}

# child_kill PID [SIGNAL]: ends a child and reaps it.
child_kill()
{
	if is_own_child "$1"; then
		kill "-${2:-KILL}" "$1" 2>/dev/null || :
	fi
	{ wait "$1" || :; } 2>/dev/null
}

# client [-t SECONDS] CMD...: a foreground command with a time limit (60 s),
# under which the test can still be interrupted.
client()
{
	local limit=60 rc=0
	if [ "$1" = -t ]; then
		limit=$2
		shift 2
	fi
	setpriv --pdeathsig KILL timeout -k 5 $((limit * TIME_FACTOR)) \
		setpriv --pdeathsig KILL -- "$@" <&0 &
	wait $! || rc=$?
	if [ $rc = 124 ] || [ $rc = 137 ]; then
		echo "client: no end after $((limit * TIME_FACTOR)) s: $*" >&2
	fi
	return $rc
}

#----------------------------------------------------------------------
# Ports

# free_port ADDRESS: prints a TCP port that nobody listens on. Below the
# ephemeral range: there an initiator that knocks at a dead portal could be
# given the portal's own number and connect to itself.
free_port()
{
	"$PYTHON" - "$1" <<-'PY'
	import random, socket, sys
	for attempt in range(200):
	    port = random.randrange(12000, 32000)
	    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
	    try:
	        s.bind((sys.argv[1], port))
	        print(port)
	        sys.exit(0)
	    except OSError:
	        pass
	    finally:
	        s.close()
	sys.exit("no free port on " + sys.argv[1])
	PY
}

# port_is_open PORT: whether something listens there, on any IPv4 address.
port_is_open()
{
	grep -q "$(printf ':%04X 00000000:0000 0A' "$1")" /proc/net/tcp
}

#----------------------------------------------------------------------
# Private directory and cleanup

# disown_everything: the processes and the private directory are no longer the
# test's to remove.
disown_everything()
{
	trap - EXIT
	child_kill "$WATCHDOG" KILL
}

show_logs()
{
	local log
	for log in "$TESTDIR"/*.log; do
		[ -s "$log" ] || continue
		echo "---- ${log##*/} (last 40 lines)" >&2
		tail -n 40 "$log" >&2
	done
}

cleanup()
{
	local rc=$?
	trap - EXIT ERR
	trap '' TERM INT HUP
	set +e
	# The first process to go is the one under test: it must be able to end
	# cleanly while its targets still answer.
	exports_cleanup || { [ $rc -ne 0 ] || rc=1; }
	arrays_cleanup
	children_signal KILL
	{ wait; } 2>/dev/null
	if [ $rc -ne 0 ] && [ $rc -ne 77 ]; then
		[ -z "${BEHAVIOUR:-}" ] || echo "FAIL: $TEST_NAME: not shown: $BEHAVIOUR" >&2
		show_logs
	fi
	if [ -n "${MPIO_KEEP_DIR:-}" ]; then
		echo "# kept: $TESTDIR"
	else
		rm -rf -- "$TESTDIR"
	fi
	exit $rc
}

TESTDIR=$(mktemp -d "${TMPDIR:-/tmp}/mpio-$TEST_NAME.XXXXXX")
mkfifo "$TESTDIR/never"
# shellcheck source=array.sh
. "$HARNESS_DIR/array.sh"
# shellcheck source=export.sh
. "$HARNESS_DIR/export.sh"
# shellcheck source=proxy.sh
. "$HARNESS_DIR/proxy.sh"
# shellcheck source=fio.sh
. "$HARNESS_DIR/fio.sh"
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "FAIL: $TEST_NAME: line $LINENO: $BASH_COMMAND" >&2' ERR
watchdog $((TEST_TIMEOUT * TIME_FACTOR)) &
WATCHDOG=$!
