# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# fio on the export "main" as the client that notices: every block it wrote is
# read back and compared. Read by functions.sh; a test says itself that it
# requires fio.

FIO=

# fio_start ARG...: writes all of the export at random, verifies as it goes and
# once more at the end.
fio_start()
{
	fio_command "$@"
	spawn "$TESTDIR/fio.log" "${FIO_COMMAND[@]}"
	FIO=$SPAWNED
}

# fio_repeat ARG...: the same again and again, each time with other data, until
# fio_finish.
fio_repeat()
{
	rm -f "$TESTDIR/fio.enough"
	(
		run=0
		until [ -e "$TESTDIR/fio.enough" ]; do
			run=$((run + 1))
			fio_command --randseed=$run "$@"
			setpriv --pdeathsig KILL -- "${FIO_COMMAND[@]}" >>"$TESTDIR/fio.log" 2>&1 || exit 1
		done
	) &
	FIO=$!
}

# fio_is_running: whether it is, so that a fault was within its run.
fio_is_running() { is_own_child "$FIO"; }

# fio_finish: it must end by itself, within 60 s, without an error, all data right.
fio_finish()
{
	local rc=0
	touch "$TESTDIR/fio.enough"
	wait_for -t 60 "! is_own_child $FIO" "fio is done"
	wait "$FIO" || rc=$?
	assert_eq $rc 0 "exit status of fio: $(tail -n 3 "$TESTDIR/fio.log" "$TESTDIR/fio.json")"
}

# Longest latency of a write that the client saw, in ms.
fio_worst_ms()
{
	"$PYTHON" -c 'import json, sys
text = open(sys.argv[1]).read()
print(json.loads(text[text.index("{"):])["jobs"][0]["write"]["clat_ns"]["max"] // 10 ** 6)' "$TESTDIR/fio.json"
}

#----------------------------------------------------------------------
# What the functions above are made of

fio_command()
{
	FIO_COMMAND=(env HOME="$TESTDIR" fio --name=verify --ioengine=nbd "--uri=$URI"
		--rw=randwrite --bsrange=4k-64k --size="$DISK_SIZE" --iodepth=8
		--verify=crc32c --verify_backlog=64 --verify_fatal=1 --verify_state_save=0 --verify_dump=0
		--output-format=json --output="$TESTDIR/fio.json" "$@")
}
