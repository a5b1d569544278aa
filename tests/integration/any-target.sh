# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the plugin must do on every kind of target, as behaviours for test-lio.sh
# and test-istgt.sh: read by them after functions.sh, with TARGET=lio or istgt.
# Its unit has two paths, each through a tap.

# shellcheck source=tap.sh
. "$HARNESS_DIR/tap.sh"
requires fio

both_up() { [ "$(paths_active)" = 2 ]; }

# Paths that fail on purpose are not to be held back for it.
two_paths()
{
	export_start "$(tap_url "$TARGET-1")" "$(tap_url "$TARGET-2")" \
		path-recovery-interval=500ms flap-window=0 "$@"
	wait_for both_up
}

# taps_start: in front of both portals.
taps_start()
{
	tap_start "$TARGET-1"
	tap_start "$TARGET-2"
}

# The first: it wants a disk that was never written.
random_requests_agree_with_a_model()
{
	two_paths
	client "$PYTHON" "$HARNESS_DIR/nbd-model.py" "$URI" "${SEED:-1}" 300 $((8 << 20))
	assert_eq "$(show '[p["failures"] for p in d["paths"]]')" '[0, 0]'
	export_stop
}

# writes_flow: waits until both paths have carried more of them.
writes_flow()
{
	local before
	before=$(show '[p["writes"] for p in d["paths"]]')
	wait_for "[ \"\$(show 'all(p[\"writes\"] > n + 10 for p, n in zip(d[\"paths\"], $before))')\" = True ]" \
		"writes flow down both paths"
}

# In turn: connections that are closed, and connections that fall silent.
data_are_right_while_paths_fail_and_return()
{
	local fault path
	two_paths nop-interval=500ms nop-timeout=1s
	fio_repeat --rate_iops=300
	for fault in 0 1 2 3; do
		path=$TARGET-$((fault / 2 + 1))
		writes_flow
		if [ $((fault % 2)) = 0 ]; then
			tap_kill "$path"
			wait_for '[ "$(paths_active)" = 1 ]'
			tap_start "$path"
		else
			tap_stop "$path"
			wait_for '[ "$(paths_active)" = 1 ]'
			tap_cont "$path"
		fi
		wait_for both_up
		fio_is_running || fail "fio ended: $(tail -n 5 "$TESTDIR/fio.log")"
	done
	fio_finish
	assert_eq "$(show '[p["failures"] for p in d["paths"]]')" '[2, 2]' failures
	export_stop
}

# The dead process's connections stay as they are, as if its host had died: the
# target must let the new process in by their ISIDs, and nothing old may land on
# what the new one writes.
a_successor_takes_over_and_nothing_old_lands_on_its_writes()
{
	two_paths
	nbdsh_export 'for n in range(256): h.pwrite(b"1" * 65536, n * 65536)'
	request_start dying '
while True:
    for n in range(256):
        h.pwrite(b"2" * 65536, n * 65536)'
	writes_flow
	tap_freeze "$TARGET-1"
	tap_freeze "$TARGET-2"
	export_kill
	two_paths
	nbdsh_export '
for n in range(256):
    h.pwrite(b"3" * 65536, n * 65536)
h.flush()
for n in range(256):
    assert h.pread(65536, n * 65536) == b"3" * 65536, n'
	export_stop
}

# logs_in PARAMETER..., is_refused PARAMETER...
logs_in()
{
	two_paths "$@"
	nbdsh_export 'h.pwrite(b"c" * 4096, 0); assert h.pread(4096, 0) == b"c" * 4096'
	export_stop
}

# (istgt takes seconds to refuse.)
is_refused()
{
	: >"$(export_log)"
	export_fails "$(tap_url "$TARGET-1")" no-path-timeout=5s "$@"
	assert_contains "$(export_log)" 'error: .*(login refused|login failed)'
}

# Of a target that wants CHAP: user me, password ourSecret-9c1f.
only_the_right_password_logs_in()
{
	logs_in user=me password=ourSecret-9c1f
	is_refused user=me password=wrongSecret-0000
	is_refused
}
