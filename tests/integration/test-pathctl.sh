#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What pathctl says is true, complete and typed, for people and for programs;
# nothing that is sent to a control socket harms anybody.

DISK_SIZE=16M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd

RUN=$TESTDIR/run-shared

both_up() { [ "$(paths_active)" = 2 ]; }

# status RC PATHCTL-ARGUMENT...: that exit status; output in $TESTDIR/out, err.
status()
{
	local want=$1 rc=0
	shift
	client -t 20 pathctl "$@" >"$TESTDIR/out" 2>"$TESTDIR/err" || rc=$?
	assert_eq "$rc" "$want" "exit status of pathctl $*: $(cat "$TESTDIR/err")"
}

# check_json COMMAND: field by field, on what COMMAND prints.
check_json()
{
	pathctl_export "$1" --json | "$PYTHON" -c '
import datetime, json, sys
TIME = "time"
FIGURES = {"in_flight": int, "in_flight_bytes": int, "reads": int, "writes": int, "read_bytes": int,
    "write_bytes": int, "retries": int, "errors": int, "failures": int, "last_error": (str, None),
    "last_error_time": (TIME, None), "latency_us": dict}
PATH = {"id": str, "portal": str, "target": str, "lun": int, "state": str, "since": TIME,
    "alua_state": (str, None), "tpg": (int, None), "preferred": bool, "weight": int}
LUN = {"name": str, "wwid": str, "size": int, "block_size": int, "vendor": str, "product": str,
    "serial": str, "dsm": str, "policy": str, "policy_source": str, "access": str, "state": str,
    "fence": str, "paths": list, "failovers": int, "hedges": int, "quarantined_bytes": int,
    "usable_paths": int}
STATES = ("active-optimized", "active-unoptimized", "standby", "unavailable", "transitioning",
    "failed", "ejected", "disabled", "checking")

def is_a(value, kind):
    if kind is None:
        return value is None
    if kind is int:
        return type(value) is int and value >= 0
    if kind is TIME:
        if type(value) is not str:
            return False
        age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(value)
        return datetime.timedelta(seconds=-1) < age < datetime.timedelta(minutes=10)
    return type(value) is kind

def check(where, got, want):
    assert set(got) == set(want), (where, set(got) ^ set(want))
    for key, kinds in want.items():
        kinds = kinds if type(kinds) is tuple else (kinds,)
        assert any(is_a(got[key], kind) for kind in kinds), (where, key, got[key])

luns = json.load(sys.stdin)
if sys.argv[1] == "show":
    luns, PATH = [luns], {**PATH, **FIGURES}
assert len(luns) == 1
for lun in luns:
    check("lun", lun, LUN)
    assert lun["access"] in ("symmetric", "alua-implicit", "alua-explicit", "alua-both")
    assert lun["usable_paths"] == sum(p["state"] in STATES[:3] for p in lun["paths"])
    for path in lun["paths"]:
        check("path", path, PATH)
        assert path["state"] in STATES
        if "latency_us" not in path:
            continue
        assert set(path["latency_us"]) == {"read", "write"}
        for op, values in path["latency_us"].items():
            check(op, values, dict.fromkeys(("p50", "p99", "p999", "max"), int))
            assert values["p50"] <= values["p99"] <= values["p999"]
            assert (values["max"] > 0) == (path[op + "s"] > 0), (op, values)
' "$1"
}

show_has_every_field_with_its_type_before_during_and_after_a_failure()
{
	local before during after
	check_json show
	before=$(show 'd["size"], d["block_size"], d["wwid"], d["vendor"], d["product"], d["serial"]')
	assert_eq "$before" "(16777216, 512, 'naa.60014050000000000000000000000001', 'MPIO', 'TESTARRAY', 'MPIO0001')"
	array_kill left
	wait_for '[ "$(path_state 0)" = failed ]'
	check_json show
	during=$(show 'd["state"], d["usable_paths"], d["failovers"], d["paths"][0]["failures"], type(d["paths"][0]["last_error"]).__name__')
	assert_eq "$during" "('last-path', 1, 1, 1, 'str')"
	array_kill right
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
	check_json show
	check_json list
	array_restart left
	array_restart right
	wait_for both_up
	check_json show
	after=$(show 'd["state"], d["usable_paths"], d["failovers"], [p["failures"] for p in d["paths"]]')
	assert_eq "$after" "('normal', 2, 1, [1, 1])"
}

list_is_show_without_figures()
{
	check_json list
	assert_eq "$(pathctl_export list --json | "$PYTHON" -c 'import json, sys; print(len(json.load(sys.stdin)))')" 1
}

counters_count_what_was_done()
{
	local sums='[sum(p[k] for p in d["paths"]) for k in ("reads", "writes", "read_bytes", "write_bytes", "errors")]'
	local before
	before=$(show "$sums")
	nbdsh_export '
for n in range(50): h.pwrite(bytes(8192), n * 8192)
for n in range(30): h.pread(4096, n * 8192)'
	assert_eq "$(show "[b - a for a, b in zip($before, $sums)]")" "[30, 50, 122880, 409600, 0]"
	check_json show
}

people_get_a_table()
{
	pathctl_export list >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^NAME +STATE +PATHS.*WWID'
	assert_contains "$TESTDIR/out" '^array-1 +normal +2/2 +16.0 MiB.*naa\.60014050000000000000000000000001'
	pathctl_export show array-1 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" "^  0  +active-optimized +$(array_portal left)"
	pathctl_export --no-header list >"$TESTDIR/out"
	assert_eq "$(wc -l <"$TESTDIR/out")" 1
}

exit_status_is_0_for_done_1_for_failed_2_for_usage()
{
	local socket
	socket=$(export_control_socket)
	status 0 --help
	status 0 --version
	status 0 --socket "$socket" list
	status 0 --socket "$socket" show array-1
	status 0 --socket "$socket" show naa.60014050000000000000000000000001
	status 1 --socket "$socket" show no-such-lun
	assert_contains "$TESTDIR/err" 'no-such-lun'
	status 1 --socket "$TESTDIR/nowhere" list
	assert_contains "$TESTDIR/err" 'nowhere'
	status 2
	status 2 --socket "$socket" frobnicate
	status 2 --frobnicate list
	status 2 --socket "$socket" list more
	status 2 --timeout soon list
}

# Of four sockets one is stale, one is no socket and one belongs to a process
# that hangs.
a_dead_or_hanging_export_does_not_hide_the_others()
{
	export_start -n alive "$(array_url left)" "runtime-dir=$RUN"
	export_start -n hung "$(array_url right)" "runtime-dir=$RUN"
	status 0 --runtime-dir "$RUN" list --json
	assert_eq "$(grep -c '"name"' "$TESTDIR/out")" 2
	"$PYTHON" -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$RUN/exports/gone.sock"
	echo garbage >"$RUN/exports/file.sock"
	kill -STOP "$(export_pid hung)"
	now
	local start=$NOW_MS command
	for command in list show; do
		status 1 --runtime-dir "$RUN" --timeout 1 "$command" --json
		assert_contains "$TESTDIR/out" '"name": "array-1"'
		assert_eq "$(grep -c '"name"' "$TESTDIR/out")" 1
		assert_contains "$TESTDIR/err" 'gone\.sock'
		assert_contains "$TESTDIR/err" 'file\.sock'
		assert_contains "$TESTDIR/err" 'array-1\.2\.sock.*no answer'
	done
	# What was asked for is shown; that not everybody could be asked is said.
	status 1 --runtime-dir "$RUN" --timeout 1 show array-1 --json
	assert_contains "$TESTDIR/out" '"name": "array-1"'
	now
	assert '[ $((NOW_MS - start)) -lt $((12000 * TIME_FACTOR)) ]' "took $((NOW_MS - start)) ms"
	kill -CONT "$(export_pid hung)"
	export_stop hung
	export_stop alive
}

an_empty_registry_is_no_failure_but_a_missing_one_is()
{
	mkdir -p "$TESTDIR/empty/exports"
	status 0 --runtime-dir "$TESTDIR/empty" list --json
	assert_eq "$(tr -d ' \n' <"$TESTDIR/out")" '[]'
	status 1 --runtime-dir "$TESTDIR/never-made" list
	assert_contains "$TESTDIR/err" 'never-made'
}

garbage_on_the_control_socket_harms_nobody()
{
	local fds
	fds=$(find "/proc/$(export_pid)/fd" | wc -l)
	client "$PYTHON" - "$(export_control_socket)" <<-'PY'
	import json, os, random, socket, sys

	def connect():
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(sys.argv[1])	# waits where the backlog is full
	    s.settimeout(10)
	    return s

	def drained(s):
	    """What comes until the server hangs up or says nothing for a while."""
	    s.settimeout(0.2)
	    got = b""
	    try:
	        while True:
	            more = s.recv(65536)
	            if not more:
	                break
	            got += more
	    except OSError:
	        pass
	    return got

	rng = random.Random(5)
	bad = [b"\n", b"\0" * 100 + b"\n", rng.randbytes(3000) + b"\n", b"{" * 100000 + b"\n",
	    b"[" * 5000 + b"]" * 5000 + b"\n", b'"' + b"x" * 3000000, b'{"jsonrpc":"2.0","id":1}\n',
	    b'{"jsonrpc":"2.0","id":1,"method":"show","params":{"lun":7}}\n',
	    b'{"jsonrpc":"2.0","id":1,"method":"show","params":[1,2]}\n',
	    b'{"jsonrpc":"2.0","id":1,"method":"explode"}\n', b'{"jsonrpc":"2.0","id":{},"method":"list"}\n',
	    b'[]\n', b'[[],1,"x"]\n', b'{"jsonrpc":"2.0","id":1,"method":"list"', b"\xff\xfe\n"]
	for text in bad:
	    s = connect()
	    try:
	        s.sendall(text)
	    except OSError:
	        pass
	    got = drained(s)
	    assert b'"result"' not in got or b'"id":{}' in text, (text[:60], got[:200])
	    s.close()
	# Some that say nothing, some that never read.
	idle = [connect() for n in range(30)]
	for s in idle[:10]:
	    s.setblocking(False)
	    try:
	        for n in range(2000):
	            s.send(b'{"jsonrpc":"2.0","id":1,"method":"show"}\n')
	    except OSError:
	        pass
	s = connect()
	s.sendall(b'{"jsonrpc":"2.0","id":"here","method":"version"}\n')
	answer = json.loads(s.makefile().readline())
	assert answer["id"] == "here" and answer["result"]["program"] == "nbdkit-mpio", answer
	PY
	status 0 --socket "$(export_control_socket)" list
	nbdsh_export 'h.pwrite(b"g" * 4096, 0); assert h.pread(4096, 0) == b"g" * 4096'
	assert_eq "$(show '[p["failures"] for p in d["paths"]]')" "[1, 1]"
	wait_for "[ \$(find /proc/$(export_pid)/fd | wc -l) -le $fds ]" "connections are closed"
}

array_start left
array_start right
export_start "$(array_url left)" "$(array_url right)" path-recovery-interval=300ms
wait_for both_up
behaviours show_has_every_field_with_its_type_before_during_and_after_a_failure \
	list_is_show_without_figures \
	counters_count_what_was_done \
	people_get_a_table \
	exit_status_is_0_for_done_1_for_failed_2_for_usage \
	a_dead_or_hanging_export_does_not_hide_the_others \
	an_empty_registry_is_no_failure_but_a_missing_one_is \
	garbage_on_the_control_socket_harms_nobody
export_stop
