# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# judgement OP: every row of the table of verdicts for that kind of request, see
# judgement.py. A test that wants it reads this after functions.sh.

judgement()
{
	local rows=$MPIO_BUILDDIR/tests/integration/judgement-rows
	[ -x "$rows" ] || skip "$rows is not built"
	requires tgtd qemu-img
	"$PYTHON" -c 'import nbd' 2>/dev/null || skip "python3 has no nbd"

	head -c "$DISK_SIZE" /dev/urandom >"$DISK"
	array_start a --thin
	proxy_array left a
	proxy_array right a
	export_start "$(proxy_url left),preferred" "$(proxy_url right)" policy=failover-only \
		failback=immediate retry-count=1 retry-interval=50ms \
		path-recovery-interval=100ms flap-window=0
	wait_for '[ "$(paths_active)" = 2 ]'
	client "$rows" >"$TESTDIR/rows"
	client -t 100 "$PYTHON" -B "$HARNESS_DIR/judgement.py" "$1" \
		"$TESTDIR/rows" "$URI" "$(export_control_socket)" \
		"$(proxy_socket left)" "$(proxy_socket right)" "$DISK"
	# As another initiator sees it, too.
	client qemu-img compare -f raw -F raw "$(array_url a)" "$DISK"
	export_stop
}
