#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an administrator changes holds at once, while I/O goes on; what is
# refused leaves everything as it was; and whoever may not, does not.

DISK_SIZE=32M
TEST_TIMEOUT=480
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd fio

all_up() { [ "$(paths_active)" = 3 ]; }

# carriers: the paths that carry writes just now, as "0 1".
carriers()
{
	local before
	before=$(show '[p["writes"] for p in d["paths"]]')
	nbdsh_export 'for n in range(64): h.pwrite(b"c" * 4096, n * 4096)'
	show "' '.join(p['id'] for p, n in zip(d['paths'], $before) if p['writes'] > n)"
}

# refused WORDS PATHCTL-ARGUMENT...: exit status 1, and a message with WORDS.
refused()
{
	local words=$1 rc=0 before
	shift
	before=$(pathctl_export settings array-1)
	pathctl_export "$@" >"$TESTDIR/out" 2>"$TESTDIR/err" || rc=$?
	assert_eq "$rc" 1 "exit status of pathctl $*: $(cat "$TESTDIR/err")"
	assert_contains "$TESTDIR/err" "$words" "pathctl $*"
	[ ! -s "$TESTDIR/out" ] || fail "pathctl $* printed: $(cat "$TESTDIR/out")"
	assert_eq "$(pathctl_export settings array-1)" "$before" "settings after pathctl $*"
}

# settings EXPRESSION: evaluates a Python expression on the settings, as d.
settings()
{
	pathctl_export settings array-1 |
		"$PYTHON" -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# Back to what the export started with.
restore()
{
	pathctl_export settings array-1 "$TESTDIR/first" >/dev/null
	wait_for all_up
}

every_policy_can_be_chosen_under_io()
{
	local policy policies rounds=0
	policies=$(pathctl_export policy array-1 --json |
		"$PYTHON" -c 'import json, sys; print(*(p["name"] for p in json.load(sys.stdin)["policies"]))')
	fio_start --rate_iops=400
	while is_own_child "$FIO"; do
		for policy in $policies; do
			pathctl_export policy array-1 "$policy" >/dev/null
			assert_eq "$(show 'd["policy"], d["policy_source"]')" "('$policy', 'lun')"
		done
		rounds=$((rounds + 1))
	done
	fio_finish
	assert '[ $rounds -ge 2 ]' "fio was through after $rounds rounds"
	assert_eq "$(show '[p["errors"] for p in d["paths"]]')" "[0, 0, 0]"
	pathctl_export policy array-1 default >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^array-1: policy: round-robin \(default\), before '"$policy"' \(lun\)$'
	assert_eq "$(show 'd["policy_source"]')" default
}

paths_are_disabled_enabled_marked_and_failed_under_io()
{
	local path
	fio_start --rate_iops=400
	for path in 0 1 2; do
		pathctl_export path array-1 $path --disable >/dev/null
		assert_eq "$(path_state $path)" disabled
		pathctl_export path array-1 $path --enable >/dev/null
		wait_for "[ \"\$(path_state $path)\" = active-optimized ]"
		pathctl_export path array-1 $path --standby >/dev/null
		assert_eq "$(path_state $path)" standby
		pathctl_export path array-1 $path --activate >/dev/null
		assert_eq "$(path_state $path)" active-optimized
		pathctl_export path array-1 $path --fail >/dev/null
		wait_for all_up "path $path is back"
	done
	is_own_child "$FIO" || say "fio was through early"
	fio_finish
	restore
}

disabled_and_standby_paths_carry_nothing()
{
	pathctl_export policy array-1 round-robin >/dev/null
	assert_eq "$(carriers)" "0 1 2"
	pathctl_export path array-1 1 --disable >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^array-1: path 1: disabled: yes, before no$'
	assert_eq "$(carriers)" "0 2"
	pathctl_export path array-1 2 --standby >/dev/null
	assert_eq "$(carriers)" 0
	pathctl_export path array-1 1 --disable >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" 'it is so already'
	# The spare takes over when it has to.
	array_kill one
	wait_for '[ "$(path_state 0)" = failed ]'
	assert_eq "$(carriers)" 2
	array_restart one
	wait_for '[ "$(path_state 0)" = active-optimized ]'
	assert_eq "$(carriers)" 0
	restore
}

weights_decide_at_once()
{
	pathctl_export policy array-1 weighted-paths >/dev/null
	pathctl_export path array-1 0 --weight 5 >/dev/null
	pathctl_export path array-1 1 --weight 2 >"$TESTDIR/out"
	pathctl_export path array-1 2 --weight 9 >/dev/null
	assert_contains "$TESTDIR/out" '^array-1: path 1: weight: 2, before 0$'
	assert_eq "$(show '[p["weight"] for p in d["paths"]]')" "[5, 2, 9]"
	assert_eq "$(carriers)" 1
	pathctl_export path array-1 2 --weight 1 >/dev/null
	assert_eq "$(carriers)" 2
	restore
}

manual_failback_waits_for_activate()
{
	pathctl_export policy array-1 failover-only >/dev/null
	pathctl_export timers array-1 failback manual >/dev/null
	pathctl_export path array-1 2 --preferred >/dev/null
	pathctl_export path array-1 2 --activate >/dev/null
	assert_eq "$(carriers)" 2
	array_kill three
	wait_for '[ "$(path_state 2)" = failed ]'
	wait_for '[ "$(carriers)" != 2 ]'
	array_restart three
	wait_for all_up
	assert_not_contains <(carriers) 2 "I/O is back by itself"
	pathctl_export explain array-1 2 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" 'spare: failover-only sends I/O down path'
	pathctl_export path array-1 2 --activate >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" 'active path: 2, before'
	assert_eq "$(carriers)" 2
	restore
}

what_cannot_be_is_refused_and_changes_nothing()
{
	refused 'no path "9"; there are 0 to 2' path array-1 9 --disable
	refused 'weight -1 is not in the range' path array-1 0 --weight=-1
	refused '"fastest" is not one of failover-only' policy array-1 fastest
	refused 'no option "patience"' timers array-1 patience 5
	refused 'retry_count: "501" is not in the range' timers array-1 retry_count 501
	refused 'no LUN is called "other"' policy other round-robin
	pathctl_export path array-1 0 --disable >/dev/null
	pathctl_export path array-1 1 --disable >/dev/null
	refused 'nothing was changed' path array-1 2 --disable
	refused 'nothing was changed' path array-1 2 --standby
	refused 'path 2' path array-1 2 --fail
	refused 'path 0' path array-1 0 --activate
	echo '{"options": {"retry_count": "9"}, "paths": [{"id": "2", "disabled": true}]}' >"$TESTDIR/bad"
	refused 'nothing was changed' settings array-1 "$TESTDIR/bad"
	echo '{"options": {"retry_count": "9", "patience": "1"}}' >"$TESTDIR/bad"
	refused 'no option "patience"' settings array-1 "$TESTDIR/bad"
	echo '{"options": ' >"$TESTDIR/bad"
	refused 'bad:2: unexpected' settings array-1 "$TESTDIR/bad"
	assert_eq "$(carriers)" 2
	restore
}

wrong_usage_is_told()
{
	local rc arguments
	while IFS= read -r arguments; do
		rc=0
		# shellcheck disable=SC2086 # words
		pathctl_export $arguments >"$TESTDIR/out" 2>"$TESTDIR/err" || rc=$?
		assert_eq $rc 2 "exit status of pathctl $arguments: $(cat "$TESTDIR/err")"
		assert_contains "$TESTDIR/err" pathctl
	done <<-END
	policy
	policy array-1 round-robin more
	path array-1
	path array-1 0
	path array-1 0 --disable --enable
	path array-1 0 --weight x
	show array-1 --disable
	show array-1 --reset
	probe array-1
	explain
	timers array-1 retry_count 3 more
	END
}

timers_take_effect_while_io_waits()
{
	pathctl_export timers array-1 no_path_timeout 60 >/dev/null
	pathctl_export timers no-path-timeout >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^no_path_timeout +60s +20s +changed '
	pathctl_export timers array-1 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^path_recovery_interval +300ms +5s +lun '
	assert_contains "$TESTDIR/out" '^connect_timeout +3s +3s +default '
	array_kill one
	array_kill two
	array_kill three
	wait_for '[ "$(show "d[\"state\"]")" = no-path ]'
	spawn "$TESTDIR/held.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
h.pwrite(b"h" * 4096, 0)' "$URI"
	local held=$SPAWNED rc=0
	wait_for 'pathctl_export explain array-1 --json | grep -q "\"for_path\": 1"'
	pathctl_export explain array-1 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" 'waiting: 1 commands for a path, failing in [45]'
	assert_contains "$TESTDIR/out" 'next I/O: it waits: no path is usable'
	assert_contains "$TESTDIR/out" 'session (back-off|connecting)'
	pathctl_export timers array-1 no_path_timeout 100ms >/dev/null
	wait_for -t 5 "! is_own_child $held" "the request fails now, not in a minute"
	wait "$held" || rc=$?
	assert_eq $rc 1 "exit status of the client"
	array_restart one
	array_restart two
	array_restart three
	restore
}

queue_depth_grows_and_shrinks_under_io()
{
	export_start -n deep -o -t -o 128 "$(array_url one)" queue-depth=2
	pathctl_export -n deep timers queue_depth 128 >/dev/null
	array_stop one
	spawn "$TESTDIR/deep.log" "$PYTHON" -c 'import nbd, sys
h = nbd.NBD()
h.connect_uri(sys.argv[1])
data = nbd.Buffer.from_bytearray(bytearray(b"d" * 4096))
left = [h.aio_pwrite(data, n * 4096) for n in range(120)]
while left:
    h.poll(-1)
    left = [cookie for cookie in left if not h.aio_command_completed(cookie)]' "$(export_uri deep)"
	local client=$SPAWNED rc=0
	wait_for '[ "$(show -n deep "d[\"paths\"][0][\"in_flight\"]")" = 120 ]'
	pathctl_export -n deep timers queue_depth 1 >/dev/null
	array_cont one
	wait_for "! is_own_child $client" "all of them are done"
	wait "$client" || rc=$?
	assert_eq $rc 0 "the client: $(cat "$TESTDIR/deep.log")"
	nbdsh_export -n deep 'assert h.pread(120 * 4096, 0) == b"d" * (120 * 4096)'
	export_stop deep
}

limits_move_under_io()
{
	local pair errors rounds=0
	errors=$(show '[p["errors"] for p in d["paths"]]')
	fio_start --rate_iops=60 --bsrange=4k-1m
	while is_own_child "$FIO"; do
		for pair in 'max_transfer 16M' 'queue_depth 1' 'path_burst 1' 'max_transfer 64K' \
			'queue_depth 128' 'path_burst 10000' 'max_transfer 1M'; do
			# shellcheck disable=SC2086 # words
			pathctl_export timers array-1 $pair >/dev/null
		done
		rounds=$((rounds + 1))
	done
	fio_finish
	assert '[ $rounds -ge 2 ]' "fio was through after $rounds rounds"
	assert_eq "$(show '[p["errors"] for p in d["paths"]]')" "$errors"
	# Zeroes come from a buffer as large as a transfer was at the start.
	pathctl_export timers array-1 max_transfer 16M >/dev/null
	nbdsh_export 'h.pwrite(b"x" * (8 << 20), 0)
h.zero(8 << 20, 0, nbd.CMD_FLAG_NO_HOLE)
assert h.pread(8 << 20, 0) == bytes(8 << 20)'
	restore
}

settings_of_one_export_fit_another()
{
	local by_portal='sorted((p["portal"], p["state"], p["preferred"], p["weight"]) for p in d["paths"])'
	pathctl_export policy array-1 weighted-paths >/dev/null
	pathctl_export path array-1 0 --weight 7 >/dev/null
	pathctl_export path array-1 1 --standby >/dev/null
	pathctl_export path array-1 2 --preferred >/dev/null
	pathctl_export timers array-1 nop_timeout 700ms >/dev/null
	pathctl_export settings array-1 >"$TESTDIR/kept"
	# The same paths in another order: their numbers are others.
	export_start -n second "$(array_url three)" "$(array_url one)" "$(array_url two)"
	wait_for '[ "$(paths_active second)" = 3 ]'
	pathctl_export -n second settings array-1 - <"$TESTDIR/kept" >/dev/null
	assert_eq "$(show -n second 'd["policy"], d["policy_source"]')" "('weighted-paths', 'lun')"
	assert_eq "$(show -n second "$by_portal")" "$(show "$by_portal")"
	pathctl_export -n second settings array-1 >"$TESTDIR/other"
	"$PYTHON" - "$TESTDIR/kept" "$TESTDIR/other" <<-'PY'
	import json, sys
	def normal(file):
	    d = json.load(open(file))
	    for p in d["paths"]:
	        del p["id"]
	    d["paths"].sort(key=lambda p: p["portal"])
	    return d
	a, b = map(normal, sys.argv[1:])
	# What only the first one was started with.
	assert a == b, (a, b)
	PY
	export_stop second
	restore
}

probe_asks_one_path_and_says_how_long_it_took()
{
	local rc=0
	pathctl_export probe array-1 1 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^array-1: path 1, '"$(array_portal two)"
	assert_contains "$TESTDIR/out" '^  TEST UNIT READY +GOOD +[0-9.]+ (us|ms)'
	assert_contains "$TESTDIR/out" '^  INQUIRY +GOOD .*MPIO TESTARRAY'
	assert_contains "$TESTDIR/out" '^  VPD 83h +GOOD .*naa\.60014050000000000000000000000001'
	assert_contains "$TESTDIR/out" '^  READ CAPACITY\(16\) +GOOD .*65536 blocks of 512 bytes'
	assert_eq "$(show '[p["failures"] for p in d["paths"]][1]')" \
		"$(show '[p["failures"] for p in d["paths"]][1]')"
	array_stop two
	pathctl_export --timeout 2 probe array-1 1 --json >"$TESTDIR/out" || rc=$?
	array_cont two
	assert_eq $rc 1 "exit status for a path that does not answer"
	assert_contains "$TESTDIR/out" '"no answer yet"'
	wait_for all_up
}

counters_start_from_zero_when_told()
{
	nbdsh_export 'h.pwrite(b"c" * 4096, 0)'
	pathctl_export stats array-1 --reset >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '^  PATH +READS +WRITES'
	assert_eq "$(show 'sum(p["writes"] for p in d["paths"]), d["failovers"]')" "(0, 0)"
	nbdsh_export 'h.pwrite(b"c" * 4096, 0)'
	assert_eq "$(show 'sum(p["writes"] for p in d["paths"])')" 1
}

changes_are_logged_with_who_made_them()
{
	pathctl_export path array-1 0 --weight 77 >/dev/null
	assert_contains "$(export_log)" \
		'path 0 \(.*\): admin-change: weight: 77, before 0, by user 0 \(process [0-9]+\)'
	restore
}

# completed WORD...: what bash would offer for the last one.
completed()
{
	# shellcheck disable=SC2016 # it is bash's
	client bash -c '. "$MPIO_SRCDIR/conf/pathctl.bash"
		COMP_WORDS=(pathctl "$@") COMP_CWORD=$#
		_pathctl
		echo "${COMPREPLY[*]}"' bash --socket "$(export_control_socket)" "$@"
}

completion_offers_what_there_is()
{
	assert_eq "$(completed explain '')" array-1
	assert_eq "$(completed path array-1 '')" '0 1 2'
	assert_eq "$(completed policy array-1 least)" 'least-queue-depth least-blocks'
	assert_eq "$(completed policy array-1 def)" default
	assert_eq "$(completed timers array-1 nop)" 'nop_interval nop_timeout'
	assert_eq "$(completed timers array-1 failback m)" manual
	assert_eq "$(completed path array-1 0 --not)" --not-preferred
	assert_eq "$(completed show array-1 --act)" ''
}

# as_nobody PATHCTL-ARGUMENT...: run by somebody who is no one special.
as_nobody()
{
	# The binary is opened before, as the build may be out of his reach.
	client "$PYTHON" -c 'import os, shutil, sys
fd = os.open(shutil.which("pathctl"), os.O_RDONLY)
os.set_inheritable(fd, True)
os.chdir("/")
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
os.execve(fd, ["pathctl"] + sys.argv[1:], os.environ)' --socket "$(export_control_socket)" "$@"
}

whoever_may_only_look_changes_nothing()
{
	local arguments rc
	chmod 755 "$TESTDIR"
	echo '{"options": {"retry_count": "1"}}' >"$TESTDIR/harmless"
	as_nobody show array-1 >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" 'array-1 '
	as_nobody explain array-1 >/dev/null
	as_nobody settings array-1 >/dev/null
	while IFS= read -r arguments; do
		rc=0
		# shellcheck disable=SC2086 # words
		as_nobody $arguments >"$TESTDIR/out" 2>"$TESTDIR/err" || rc=$?
		assert_eq $rc 1 "exit status of $arguments for nobody"
		assert_contains "$TESTDIR/err" 'only root, .*members of the group mpio.* user 65534'
	done <<-END
	policy array-1 failover-only
	path array-1 0 --disable
	path array-1 0 --weight 1
	timers array-1 retry_count 1
	settings array-1 $TESTDIR/harmless
	stats array-1 --reset
	probe array-1 0
	END
	assert_eq "$(settings 'd["options"], d["paths"]')" "$("$PYTHON" -c 'import json, sys
d = json.load(open(sys.argv[1]))
print((d["options"], d["paths"]))' "$TESTDIR/first")"
}

array_start one
array_start two
array_start three
export_start "$(array_url one)" "$(array_url two)" "$(array_url three)" path-recovery-interval=300ms
wait_for all_up
pathctl_export settings array-1 >"$TESTDIR/first"
behaviours every_policy_can_be_chosen_under_io \
	paths_are_disabled_enabled_marked_and_failed_under_io \
	disabled_and_standby_paths_carry_nothing \
	weights_decide_at_once \
	manual_failback_waits_for_activate \
	what_cannot_be_is_refused_and_changes_nothing \
	wrong_usage_is_told \
	timers_take_effect_while_io_waits \
	queue_depth_grows_and_shrinks_under_io \
	limits_move_under_io \
	settings_of_one_export_fit_another \
	probe_asks_one_path_and_says_how_long_it_took \
	counters_start_from_zero_when_told \
	changes_are_logged_with_who_made_them \
	completion_offers_what_there_is \
	whoever_may_only_look_changes_nothing
export_stop
