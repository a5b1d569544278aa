# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What test-alua.sh and test-alua-long.sh have in common: an export with a path
# to each target port group of lio.sh, and what can be seen of the states.

# shellcheck source=tap.sh
. "$HARNESS_DIR/tap.sh"

requires fio

both_up() { [ "$(paths_active)" = 2 ]; }

# two_paths PARAMETER...: path 0 goes to group 1, path 1 to group 2.
two_paths() { paths_start "$(lio_url 1)" "$(lio_url 2)" "$@"; }

# tapped_paths PARAMETER...: the same through the taps lio-1 and lio-2, forgetful.
tapped_paths()
{
	tap_forget
	paths_start "$(tap_url lio-1)" "$(tap_url lio-2)" "$@"
}

paths_start()
{
	export_start "$@" path-verify-interval=1s path-recovery-interval=500ms
	wait_for '[ "$(show "None in [p[\"alua_state\"] for p in d[\"paths\"]]")" = False ]'
}

# alua_states: those that the export believes in, as "active-optimized/standby".
alua_states() { show '"/".join(str(p["alua_state"]) for p in d["paths"])'; }

# optimized_groups: how many there are, as LIO says.
optimized_groups()
{
	printf '%s\n' "$(lio_group_state 1)" "$(lio_group_state 2)" | grep -c '^active-optimized' || :
}

# states_become STATE/STATE: sets them, returns when the export knows.
states_become()
{
	lio_groups "${1%/*}" "${1#*/}"
	wait_for "[ \"\$(alua_states)\" = $1 ]"
}

# best_paths_are STATE STATE PATHS: these carry I/O when the groups are so.
best_paths_are()
{
	states_become "$1/$2"
	assert_eq "$(carriers)" "$3" "paths in use with groups $1 and $2"
}

writes() { show 'sum(p["writes"] for p in d["paths"])'; }
failures() { show '[p["failures"] for p in d["paths"]]'; }

# more_writes: waits for some.
more_writes()
{
	local enough=$(($(writes) + 20))
	wait_for -t 30 "[ \"\$(writes)\" -ge $enough ]" "writes are done"
}

fio_goes_on() { fio_is_running || fail "fio ended: $(tail -n 5 "$TESTDIR/fio.log")"; }

# stpgs, rtpgs: how many SET and REPORT TARGET PORT GROUPS passed the taps.
stpgs() { tap_count 'a40a'; }
rtpgs() { tap_count 'a3[02]a'; }
