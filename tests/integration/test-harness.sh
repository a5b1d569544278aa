#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness keeps its promises: two tgtd processes stand for two controllers
# of one unit, faults do what they say, and nothing outlives a test. No plugin.

TEST_TIMEOUT=90
. "$(dirname "$0")/functions.sh"
requires iscsi-inq iscsi-readcapacity16 qemu-io qemu-img tgtd

inq() { client -t 10 iscsi-inq "$@"; }
qio() { client -t 20 qemu-io -f raw "$@"; }

# can_read URL BYTE: the unit's first MiB holds BYTE.
can_read() { qio "$1" -c "read -P $2 0 1M" >"$TESTDIR/qio.out" 2>&1 && ! grep -q 'verification failed' "$TESTDIR/qio.out"; }

say "two controllers show one unit"
array_start left --vendor ACME --product DOUBLE --thin
array_start right --vendor ACME --product DOUBLE --thin
for name in left right; do
	inq "$(array_url $name)" >"$TESTDIR/inq.$name"
	assert_contains "$TESTDIR/inq.$name" 'Vendor:ACME'
	inq -e 1 -c 131 "$(array_url $name)" >"$TESTDIR/inq83.$name"
done
assert_same_data "$TESTDIR/inq83.left" "$TESTDIR/inq83.right" "VPD page 83h"
assert_eq "$(array_sessions left)" 0 "sessions left behind"

say "what is written through one is read through the other"
qio "$(array_url left)" -c 'write -P 0x5a 0 1M' >/dev/null
assert 'can_read "$(array_url right)" 0x5a'
assert '! can_read "$(array_url right)" 0x5b' "a wrong pattern must be noticed"

say "a killed controller refuses, a restarted one serves again on its port"
url=$(array_url left)
array_kill left
assert_fails inq "$url"
assert 'can_read "$(array_url right)" 0x5a'
array_restart left
assert_eq "$(array_url left)" "$url" "URL after the restart"
assert 'can_read "$url" 0x5a'

say "a stopped controller hangs, and goes on"
array_stop right
assert_fails client -t 1 iscsi-inq "$(array_url right)"
array_cont right
assert 'can_read "$(array_url right)" 0x5a'

say "sizes and identifiers are those asked for"
truncate -s 8M "$TESTDIR/small.img"
array_start small --backing "$TESTDIR/small.img" --block-size 4096 --read-only --lun 5 \
	--id 60014050000000000000000000000077 --portals 2
client iscsi-readcapacity16 "$(array_url small)" >"$TESTDIR/capacity"
assert_contains "$TESTDIR/capacity" 'RETURNED LOGICAL BLOCK ADDRESS:2047'
assert_contains "$TESTDIR/capacity" 'LOGICAL BLOCK LENGTH IN BYTES:4096'
assert_fails qio "$(array_url small)" -c 'write 0 4k'
inq -e 1 -c 131 "$(array_url small 2)" >"$TESTDIR/inq83.small"
assert_fails cmp -s "$TESTDIR/inq83.left" "$TESTDIR/inq83.small"

say "a unit grows at run time"
truncate -s 16M "$TESTDIR/small.img"
array_refresh small
client iscsi-readcapacity16 "$(array_url small)" >"$TESTDIR/capacity"
assert_contains "$TESTDIR/capacity" 'RETURNED LOGICAL BLOCK ADDRESS:4095'

say "CHAP lets in who knows the password"
array_start locked --chap 'user:secretsecret1'
assert_fails inq "$(array_url locked)"
url=$(array_url locked)
inq "iscsi://user%secretsecret1@${url#iscsi://}" >/dev/null
assert_fails inq "iscsi://user%wrongwrongwr@${url#iscsi://}"

#----------------------------------------------------------------------
# The harness on itself: small tests, run as tests are.

# nested NAME <<SCRIPT: runs SCRIPT as a test with its private directory in
# $TESTDIR/NAME, output in $TESTDIR/NAME.out; RC is its status.
nested_script()
{
	mkdir -p "$TESTDIR/$1"
	{
		echo '#!/bin/bash'
		echo 'unset MPIO_KEEP_DIR'
		echo ". \"$HARNESS_DIR/functions.sh\""
		cat
	} >"$TESTDIR/$1.sh"
	chmod +x "$TESTDIR/$1.sh"
}

nested()
{
	RC=0
	nested_script "$1"
	TMPDIR=$TESTDIR/$1 client -t 60 "$TESTDIR/$1.sh" >"$TESTDIR/$1.out" 2>&1 || RC=$?
}

# Nothing is left of a nested test: neither process nor directory.
assert_no_trace()
{
	wait_for "[ -z \"\$(ls '$TESTDIR/$1')\" ]" "the directory of $1 is removed"
	# Whatever a nested test started has its directory in the environment.
	wait_for "! grep -qzs '^TMPDIR=$TESTDIR/$1\$' /proc/[0-9]*/environ" "no process of $1 is left"
}

say "verdicts: skip is 77, a failed assertion or command is 1"
nested skipped <<<'requires no-such-command-anywhere'
assert_eq $RC 77
assert_contains "$TESTDIR/skipped.out" 'SKIP: skipped: no-such-command-anywhere is not installed'
nested asserted <<<'assert_eq 1 2 "numbers"'
assert_eq $RC 1
assert_contains "$TESTDIR/asserted.out" "FAIL: asserted: numbers: got '1', expected '2'"
nested command <<<'false; true'
assert_eq $RC 1
nested passed <<<'array_start x'
assert_eq $RC 0
nested waited <<<"wait_for -t 1 'false' 'the moon'"
assert_eq $RC 1
assert_contains "$TESTDIR/waited.out" 'after 1 s still not: the moon'
nested gone <<<'is_own_child 999999999 || fail "a child is gone"'
assert_eq $RC 1
assert_contains "$TESTDIR/gone.out" 'FAIL: gone: a child is gone'
nested behaved <<<'it_works() { true; }; it_fails() { false; }; behaviours it_works it_fails'
assert_eq $RC 1
assert_contains "$TESTDIR/behaved.out" '^ok: it works'
assert_contains "$TESTDIR/behaved.out" 'FAIL: behaved: not shown: it fails'
for name in skipped asserted command passed waited gone behaved; do
	assert_no_trace $name
done

say "a test that hangs is ended"
(
	TEST_TIMEOUT=2
	export TEST_TIMEOUT
	nested hung <<<'array_start x; array_stop x; sleep 1000'
	assert_eq $RC 143
)
assert_contains "$TESTDIR/hung.out" 'still running after 2 s'
assert_no_trace hung

say "a test that is killed leaves nothing"
for signal in TERM KILL; do
	nested_script killed-$signal <<<'array_start x; touch "$TESTDIR/up"; client sleep 1000'
	TMPDIR=$TESTDIR/killed-$signal spawn "$TESTDIR/killed-$signal.out" "$TESTDIR/killed-$signal.sh"
	wait_for "ls $TESTDIR/killed-$signal/*/up >/dev/null 2>&1" "the nested test is up"
	# Its client is started after that, and known a moment after its start.
	sleep 1
	child_kill "$SPAWNED" "$signal"
	assert_no_trace killed-$signal
done

say "the arrays of this test saw none of that"
assert 'can_read "$(array_url right)" 0x5a'
