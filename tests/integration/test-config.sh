#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# config=FILE: a unit is found by its alias or WWID on what the file's portals
# show, the file's options apply by layers, and a file with a mistake in it is
# refused whole.

# shellcheck disable=SC2034,SC2016,SC2317 # read by the harness; evaluated there; called by name
TEST_TIMEOUT=180
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires nbdkit nbdinfo tgtd "$PYTHON"

WWID=naa.60014050000000000000000000000001
OTHER_WWID=naa.60014050000000000000000000000002
CONF=$TESTDIR/mpio.conf
LEFT_IQN=iqn.2026-11.org.example:left
RIGHT_IQN=iqn.2026-11.org.example:right

# conf TEXT...: the file, with the portals of both controllers.
conf()
{
	printf '%s\n' "portals = [ \"$(array_portal left)\", \"$(array_portal right)\" ];" \
		"$@" >"$CONF"
}

DB01="luns = ( { alias = \"db01\"; wwid = \"$WWID\"; } );"

# shows EXPRESSION VALUE
shows() { assert_eq "$(show "$1")" "$2" "$1"; }

policy_is()
{
	shows 'd["policy"]' "$1"
	shows 'd["policy_source"]' "$2"
}

# timer_is KEY VALUE SOURCE
timer_is()
{
	pathctl_export --no-header timers db01 "$1" >"$TESTDIR/timer"
	assert_contains "$TESTDIR/timer" "^ *$1 +$2 .* $3( |\$)"
}

portals_shown() { show '" ".join(sorted(p["portal"] for p in d["paths"]))'; }

both_portals() { printf '%s\n' "$(array_portal left)" "$(array_portal right)" | sort | xargs; }

# refused MESSAGE PARAMETER...: nbdkit must not start, and say so.
refused()
{
	local message=$1
	shift
	: >"$(export_log)"
	export_fails "$@"
	assert_contains "$(export_log)" "$message"
}

a_unit_is_found_by_its_alias()
{
	conf "$DB01"
	export_start "config=$CONF" lun=db01
	shows 'd["name"]' db01
	shows 'd["wwid"]' "$WWID"
	assert_eq "$(portals_shown)" "$(both_portals)" "paths"
	# Its number differs between the controllers, and other units are there.
	shows 'sorted(str(p["lun"]) for p in d["paths"])' "['1', '7']"
	wait_for '[ "$(paths_active)" = 2 ]'
	client nbdinfo --size "nbd+unix:///db01?socket=$(export_socket)" >"$TESTDIR/size"
	assert_eq "$(cat "$TESTDIR/size")" $((64 << 20)) "size"
	policy_is round-robin default
	export_stop
}

a_unit_is_found_by_its_wwid()
{
	conf "$DB01" 'defaults = { policy = "failover-only"; };'
	export_start "config=$CONF" lun="3${OTHER_WWID#naa.}"
	shows 'd["name"]' "$OTHER_WWID"
	shows 'd["wwid"]' "$OTHER_WWID"
	shows 'len(d["paths"])' 1
	policy_is failover-only global
	export_stop
}

# The alias of the file is that of the WWID, however it is asked for.
the_lun_says_more_than_its_hardware_and_that_more_than_the_defaults()
{
	local hardware='hardware = ( { vendor = "MPI*"; product = "TESTARRAY"; policy = "failover-only"; } );'
	local defaults='defaults = { policy = "round-robin"; };'
	conf "$DB01" "$hardware" "$defaults" 'timers = { io_timeout = 7; nop_timeout = 7; };'
	export_start "config=$CONF" "lun=$WWID" nop-timeout=8
	shows 'd["name"]' db01
	policy_is failover-only hardware
	timer_is io_timeout 7s global
	timer_is nop_timeout 8s lun
	timer_is retry_count 3 default
	export_stop
	conf "${DB01/;/; policy = \"round-robin\";}" "$hardware"
	export_start "config=$CONF" lun=db01
	policy_is round-robin lun
	export_stop
	conf "$DB01" "$hardware" "$defaults"
	export_start "config=$CONF" lun=db01 policy=round-robin
	policy_is round-robin lun
	export_stop
}

a_wwid_is_found_without_a_file()
{
	export_start "portal=$(array_portal left)" "portal=$(array_portal right)" "lun=$WWID"
	assert_eq "$(portals_shown)" "$(both_portals)" "paths"
	export_stop
	# On one target only.
	export_start "portal=$(array_portal left)" "portal=$(array_portal right)" \
		"target=$RIGHT_IQN" "lun=$WWID"
	assert_eq "$(portals_shown)" "$(array_portal right)" "paths"
	export_stop
}

what_is_wanted_of_a_portals_path_applies()
{
	conf "luns = ( { alias = \"db01\"; wwid = \"$WWID\"; policy = \"failover-only\";
		paths = ( { portal = \"$(array_portal right)\"; preferred = true; weight = 7; } ); } );"
	export_start "config=$CONF" lun=db01
	shows '[p["portal"] for p in d["paths"] if p["preferred"]]' "['$(array_portal right)']"
	shows 'sorted(p["weight"] for p in d["paths"])' '[0, 7]'
	export_stop
}

listed_paths_are_used_as_they_are()
{
	cat >"$CONF" <<-EOF
	luns = ( { alias = "db01"; wwid = "$WWID"; paths = (
		"$(array_url left)",
		{ portal = "$(array_portal right)"; target = "$RIGHT_IQN"; lun = 7; standby = true; }
	); } );
	EOF
	export_start "config=$CONF" lun=db01
	assert_eq "$(portals_shown)" "$(both_portals)" "paths"
	wait_for '[ "$(show "sorted(p[\"state\"] for p in d[\"paths\"])")" = "['\''active-optimized'\'', '\''standby'\'']" ]'
	export_stop
	# The WWID goes before what is there.
	sed -i "s/$WWID/naa.60014050000000000000000000000099/" "$CONF"
	refused 'wrong unit: it is naa.60014050000000000000000000000001' "config=$CONF" lun=db01 \
		no-path-timeout=1
}

# The LUN's number at the silent portal is not known: that of the same target is
# supposed, and it joins when it has shown the unit.
a_portal_that_is_down_at_the_start_joins_later()
{
	cat >"$CONF" <<-EOF
	targets = ( { target = "$RIGHT_IQN";
		portals = [ "$(array_portal right)", "$(array_portal right 2)" ]; } );
	$DB01
	EOF
	array_kill right
	array_restart right --portals 1
	array_populate_right
	export_start "config=$CONF" lun=db01
	shows 'len(d["paths"])' 2
	assert_eq "$(paths_active)" 1 "usable paths"
	array_restart right --portals 2
	array_populate_right
	wait_for -t 30 '[ "$(paths_active)" = 2 ]' "the second portal's path is usable"
	export_stop
}

# A portal whose target has another number for the unit cannot be guessed.
a_target_that_hangs_does_not_hold_up_the_others()
{
	local before
	conf "$DB01" "targets = ( { target = \"$RIGHT_IQN\"; portals = [ \"$(array_portal right)\" ]; } );"
	array_stop right
	now
	before=$NOW_MS
	: >"$(export_log)"
	export_start "config=$CONF" lun=db01
	now
	assert "[ $((NOW_MS - before)) -lt $((12000 * TIME_FACTOR)) ]" "the start took $((NOW_MS - before)) ms"
	array_cont right
	assert_eq "$(portals_shown)" "$(array_portal left)" "paths"
	assert_contains "$(export_log)" "portal $(array_portal right) is left out: no answer in time"
	assert_contains "$(export_log)" "portal $(array_portal right), target $RIGHT_IQN is left out"
	export_stop
}

secrets_come_from_files()
{
	array_restart left --chap host1:secret-of-host1
	array_populate_left
	conf "$DB01" "targets = ( { target = \"$LEFT_IQN\"; user = \"host1\"; password_file = \"host1.secret\"; } );"
	echo secret-of-host1 >"$TESTDIR/host1.secret"
	chmod 600 "$TESTDIR/host1.secret"
	export_start "config=$CONF" lun=db01
	assert_eq "$(portals_shown)" "$(both_portals)" "paths"
	wait_for '[ "$(paths_active)" = 2 ]'
	export_stop
	chmod 644 "$TESTDIR/host1.secret"
	refused "mpio.conf:3: everybody can read .*host1.secret" "config=$CONF" lun=db01
}

who_we_are_and_where_comes_from_the_file()
{
	conf "$DB01" "runtime_dir = \"$TESTDIR/other-run\"; initiator = \"iqn.2026-11.org.example:me\";"
	# Not the harness's runtime directory, which would go before.
	export_start -o -v control=no "config=$CONF" lun=db01
	assert_contains "$(export_log)" 'logged in'
	assert '[ -e "$TESTDIR/other-run/exports/db01.lock" ]'
	array_admin right -m target -o show >"$TESTDIR/sessions"
	assert_contains "$TESTDIR/sessions" 'Initiator: iqn.2026-11.org.example:me'
	export_stop
}

# The file's name is relative, and the daemon has gone to / when it logs in again.
a_daemon_serves_what_the_file_says()
{
	local pid
	conf "$DB01"
	cd "$TESTDIR"
	client "$MPIO_BUILDDIR/run" nbdkit -U "$TESTDIR/daemon.nbd" -P "$TESTDIR/daemon.pid" \
		mpio config=mpio.conf lun=db01 "runtime-dir=$TESTDIR/run-daemon" >"$TESTDIR/daemon.log" 2>&1
	cd "$OLDPWD"
	# Written after the fork, which ends the process that we have waited for.
	wait_for '[ -s "$TESTDIR/daemon.pid" ]'
	pid=$(<"$TESTDIR/daemon.pid")
	client nbdinfo --size "nbd+unix:///db01?socket=$TESTDIR/daemon.nbd" >"$TESTDIR/size" || :
	kill -TERM "$pid"
	wait_for "[ ! -e /proc/$pid ]" "the daemon ends"
	assert_eq "$(cat "$TESTDIR/size")" $((64 << 20)) "size"
}

a_file_with_a_mistake_is_refused_whole()
{
	conf "$DB01" 'timers = {' '	no_path_timeuot = "5s";' '	retry_count = 1000;' '};'
	refused 'mpio.conf:4: "no_path_timeuot" is unknown here; did you mean no_path_timeout\?' \
		"config=$CONF" lun=db01
	assert_contains "$(export_log)" 'mpio.conf:5: retry_count: "1000" is not in the range 0 to 500'
	assert_not_contains "$(export_log)" 'logged in|path-added'
	refused 'nothing.conf: No such file' "config=$TESTDIR/nothing.conf" lun=db01
}

config_check_tells_every_error_and_starts_nothing()
{
	conf "$DB01"
	client pathctl config-check "$CONF" >"$TESTDIR/out" 2>"$TESTDIR/err"
	assert_contains "$TESTDIR/out" 'mpio.conf: no errors, 2 portals, 0 targets, 0 hardware rows, 1 LUN$'
	assert_eq "$(cat "$TESTDIR/err")" '' "standard error"
	conf "$DB01" 'timers = { no_path_timeuot = 5; };' 'initiator = 7;'
	assert_fails client pathctl config-check "$CONF"
	assert_contains "$TESTDIR/assert_fails.out" '^.*/mpio.conf:3: .*did you mean no_path_timeout\?'
	assert_contains "$TESTDIR/assert_fails.out" '^.*/mpio.conf:4: initiator: a string is expected'
	client pathctl --json config-check "$CONF" >"$TESTDIR/out" && fail "not refused"
	assert_eq "$("$PYTHON" -c 'import json, sys; d = json.load(sys.stdin); print(d["valid"], [e["line"] for e in d["errors"]])' \
		<"$TESTDIR/out")" 'False [3, 4]' "JSON"
	# What is installed as an example, with and without its comments.
	client pathctl config-check "$MPIO_SRCDIR/conf/mpio.conf" >"$TESTDIR/out"
	uncommented_example >"$TESTDIR/example.conf"
	client pathctl config-check "$TESTDIR/example.conf" >"$TESTDIR/out"
	assert_contains "$TESTDIR/out" '2 portals, 1 target, 1 hardware row, 2 LUNs'
}

# With its secrets, and without what it includes.
uncommented_example()
{
	echo x >"$TESTDIR/host1.secret"
	echo x >"$TESTDIR/array.secret"
	chmod 600 "$TESTDIR"/*.secret
	sed -nE '/^#initiator/,$ { /^#@include/d; s/^#//; /^ [A-Z]/d; /^ [a-z]/d; p }' "$MPIO_SRCDIR/conf/mpio.conf"
}

names_that_lead_nowhere_are_refused()
{
	conf "$DB01"
	refused 'mpio.conf has no LUN of that name; there: db01' "config=$CONF" lun=db02
	refused 'config= needs lun=NAME as well; .*has: db01' "config=$CONF"
	refused 'neither a number from 0 to 16383 nor a WWID' "portal=$(array_portal left)" lun=db01
	refused "no path leads to naa.60014050000000000000000000000099; seen: $WWID is LUN 1 of $LEFT_IQN" \
		"config=$CONF" lun=naa.60014050000000000000000000000099
	refused 'lun= goes with portal=' "config=$CONF" lun=db01 "$(array_url left)"
}

array_populate_left()
{
	[ -e "$TESTDIR/other.img" ] || truncate -s 8M "$TESTDIR/other.img"
	array_admin left -m logicalunit -o new -t 1 -l 2 -b "$TESTDIR/other.img"
	array_admin left -m logicalunit -o update -t 1 -l 2 -P "scsi_id=${OTHER_WWID#naa.},scsi_sn=OTHER"
}

# The second controller has the units of another array, too.
array_populate_right()
{
	[ -e "$TESTDIR/third.img" ] || truncate -s 8M "$TESTDIR/third.img"
	array_admin right -m logicalunit -o new -t 1 -l 1 -b "$TESTDIR/third.img"
	array_admin right -m logicalunit -o update -t 1 -l 1 \
		-P scsi_id=60014050000000000000000000000003,scsi_sn=THIRD
}

array_start left --iqn "$LEFT_IQN"
array_populate_left
array_start right --iqn "$RIGHT_IQN" --lun 7
array_populate_right

behaviours \
	a_unit_is_found_by_its_alias \
	a_unit_is_found_by_its_wwid \
	the_lun_says_more_than_its_hardware_and_that_more_than_the_defaults \
	a_wwid_is_found_without_a_file \
	what_is_wanted_of_a_portals_path_applies \
	listed_paths_are_used_as_they_are \
	who_we_are_and_where_comes_from_the_file \
	config_check_tells_every_error_and_starts_nothing \
	a_daemon_serves_what_the_file_says \
	a_file_with_a_mistake_is_refused_whole \
	names_that_lead_nowhere_are_refused \
	a_target_that_hangs_does_not_hold_up_the_others \
	secrets_come_from_files \
	a_portal_that_is_down_at_the_start_joins_later
