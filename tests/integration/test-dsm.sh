#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Modules of others: the example of mpio-dsm(3), compiled with nothing but the
# installed header, is loaded and decides for the units it claims; what cannot be
# used is named and does no harm.

DISK_SIZE=8M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd cc make
requires_plugin

HEADERS=$TESTDIR/include
MODULES=$TESTDIR/modules

# compile OUTPUT [ARG...]: reads C. Nothing of the source tree is in its path. A
# sanitized plugin wants its modules sanitized as well.
compile()
{
	local output=$1 sanitize=()
	shift
	case $MPIO_SANITIZER in
	asan) sanitize=(-fsanitize=address) ;;
	tsan) sanitize=(-fsanitize=thread) ;;
	esac
	client cc -std=c99 -pedantic -Wall -Wextra -Werror "-I$HEADERS" "${sanitize[@]}" \
		-fPIC -shared -o "$output" "$@" -x c -
}

header_alone_is_enough_for_c_and_cpp()
{
	client make -s -C "$MPIO_BUILDDIR/libmpio" install-includeHEADERS \
		DESTDIR= "includedir=$HEADERS" >"$TESTDIR/make.log" 2>&1
	assert_eq "$(ls "$HEADERS")" mpio-dsm.h
	mkdir -m 755 "$MODULES"
	compile "$MODULES/acme.so" <"$MPIO_SRCDIR/docs/examples/acme.c"
	if command -v c++ >/dev/null; then
		client c++ -std=c++98 -Wall -Wextra -Werror "-I$HEADERS" -fsyntax-only -x c++ - \
			<<<'#include <mpio-dsm.h>
			const struct mpio_dsm *mpio_dsm_init() { static struct mpio_dsm dsm; return &dsm; }'
	fi
}

# start_arrays VENDOR: two controllers of one unit.
start_arrays()
{
	array_restart left --vendor "$1"
	array_restart right --vendor "$1"
}

both_up() { [ "$(paths_active)" = 2 ]; }

# writes_at MIB: writes there; prints how many each path has carried of them.
writes_at()
{
	local before
	before=$(show '[p["writes"] for p in d["paths"]]')
	nbdsh_export "for n in range(32): h.pwrite(b'a' * 4096, $1 * 2**20 + n * 4096)"
	show "[p['writes'] - n for p, n in zip(d['paths'], $before)]"
}

example_claims_its_vendor_and_picks_by_region()
{
	start_arrays ACME
	export_start "$(array_url left)" "$(array_url right)" "dsm-path=$MODULES" policy=failover-only
	wait_for both_up
	assert_eq "$(show 'd["dsm"]')" acme
	assert_eq "$(writes_at 0)" "[32, 0]"
	assert_eq "$(writes_at 1)" "[0, 32]"
	assert_eq "$(writes_at 2)" "[32, 0]"
	# It stays in charge when a path goes, and data are right.
	array_kill left
	assert_eq "$(writes_at 0)" "[0, 32]"
	nbdsh_export 'assert h.pread(32 * 4096, 0) == b"a" * 32 * 4096'
	array_restart left
	wait_for both_up
	assert_eq "$(writes_at 0)" "[32, 0]"
	export_stop
}

units_of_others_go_to_the_generic_module()
{
	start_arrays OTHER
	export_start "$(array_url left)" "$(array_url right)" "dsm-path=$MODULES" policy=failover-only
	wait_for both_up
	assert_eq "$(show 'd["dsm"]')" generic
	assert_eq "$(writes_at 1)" "[32, 0]"
	export_stop
	assert_not_contains "$(export_log)" 'DSM .* is not used'
}

without_the_module_its_units_are_the_generic_ones()
{
	start_arrays ACME
	export_start "$(array_url left)" dsm-path=
	assert_eq "$(show 'd["dsm"]')" generic
	export_stop
}

# Continues with the arrays of ACME.
files_that_cannot_be_used_are_named_and_left_out()
{
	echo text >"$MODULES/00-text.so"
	compile "$MODULES/01-nothing.so" <<<'int nothing;'
	compile "$MODULES/02-version.so" <<-'C'
	#include <mpio-dsm.h>
	const struct mpio_dsm *mpio_dsm_init(void)
	{
		static struct mpio_dsm dsm = {
			.api_version = 7, .struct_size = sizeof dsm, .name = "seven",
		};
		return &dsm;
	}
	C
	cp "$MODULES/acme.so" "$MODULES/zz-again.so"
	cp "$MODULES/acme.so" "$MODULES/03-open.so"
	chmod 666 "$MODULES/03-open.so"
	: >"$(export_log)"
	export_start "$(array_url left)" "dsm-path=$MODULES"
	assert_eq "$(show 'd["dsm"]')" acme
	export_stop
	local log
	log=$(export_log)
	assert_contains "$log" "DSM $MODULES/00-text.so is not used: "
	assert_contains "$log" "DSM $MODULES/01-nothing.so is not used: it has no function mpio_dsm_init"
	assert_contains "$log" "DSM $MODULES/02-version.so is not used: it has version 7 of the API, we have 1"
	assert_contains "$log" "DSM $MODULES/03-open.so is not used: others than root may write to it"
	assert_contains "$log" "DSM $MODULES/zz-again.so is not used: it is called acme like $MODULES/acme.so"
	rm "$MODULES"/0* "$MODULES"/zz*
}

# It claims ACME and then gets everything wrong.
module_that_gives_nonsense_is_named_and_loses_nothing()
{
	mkdir -m 755 "$TESTDIR/mad"
	compile "$TESTDIR/mad/mad.so" <<-'C'
	#include <mpio-dsm.h>
	static int claim(const struct mpio_dsm_unit *unit, char *reason, size_t len)
	{
		(void)reason; (void)len;
		return unit->vendor[0] == 'A';
	}
	static int pick(const struct mpio_dsm_path *paths, uint32_t count,
			const struct mpio_dsm_io *io, struct mpio_dsm_memory *memory)
	{
		(void)paths; (void)io;
		return memory->words[0]++ % 2 ? MPIO_DSM_WAIT : (int)count + 5;
	}
	static void judge(const struct mpio_dsm_outcome *outcome, struct mpio_dsm_verdict *verdict)
	{
		(void)outcome;
		verdict->action = MPIO_DSM_DONE;
	}
	static int state(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit)
	{
		(void)path; (void)unit;
		return 42;
	}
	const struct mpio_dsm *mpio_dsm_init(void)
	{
		static struct mpio_dsm dsm = {
			.api_version = MPIO_DSM_API_VERSION, .struct_size = sizeof dsm,
			.name = "mad", .claim = claim,
		};
		dsm.pick = pick;
		dsm.interpret_error = judge;
		dsm.path_state = state;
		return &dsm;
	}
	C
	start_arrays ACME
	export_start "$(array_url left)" "$(array_url right)" "dsm-path=$TESTDIR/mad"
	wait_for both_up
	assert_eq "$(show 'd["dsm"]')" mad
	# A thousand writes, and a path that goes in their midst.
	nbdsh_export 'for n in range(1000): h.pwrite(n.to_bytes(4, "big") * 1024, n * 4096)' &
	local client=$!
	wait_for '[ "$(show "sum(p[\"writes\"] for p in d[\"paths\"])")" -gt 100 ]'
	array_drop_sessions left
	wait $client
	nbdsh_export 'for n in range(1000): assert h.pread(4096, n * 4096) == n.to_bytes(4, "big") * 1024, n'
	assert '[ "$(show "min(p[\"writes\"] for p in d[\"paths\"])")" -gt 50 ]' "the policy did not pick"
	export_stop
	local log
	log=$(export_log)
	assert_contains "$log" 'bogus-path: DSM mad gave path number [67] of [12]'
	assert_contains "$log" 'no-path: DSM mad gave no path'
	assert_contains "$log" 'dsm-fault: DSM mad says path 0 is in state 42'
	# Told a few times, not a thousand.
	assert '[ "$(grep -c "bogus-path" '"$log"')" -le 4 ]' "events are not muted"
}

directory_that_is_not_there_is_refused()
{
	export_fails "$(array_url left)" "dsm-path=$TESTDIR/nowhere"
	assert_contains "$(export_log)" "dsm-path=$TESTDIR/nowhere: .*No such file or directory"
}

two_units_under_two_modules_in_one_process()
{
	array_start third --vendor OTHER --backing "$TESTDIR/third.img" \
		--id 60014050000000000000000000000003 --serial MPIO0003
	truncate -s 8M "$TESTDIR/third.img"
	client "$MPIO_BUILDDIR/tests/integration/dsm-smoke" "$MODULES" \
		"$(array_portal left)" "$(array_target left)" "$(array_portal third)" "$(array_target third)" \
		>"$TESTDIR/smoke.log" 2>&1 || fail "dsm-smoke: $(cat "$TESTDIR/smoke.log")"
	assert_contains "$TESTDIR/smoke.log" '^first: ACME, DSM acme$'
	assert_contains "$TESTDIR/smoke.log" '^second: OTHER, DSM generic$'
	assert_eq "$(head -c 512 "$DISK" | tr -d '\001' | wc -c)" 0 "other bytes than the first device's"
	assert_eq "$(head -c 512 "$TESTDIR/third.img" | tr -d '\002' | wc -c)" 0 "other bytes than the second device's"
}

array_start left
array_start right
behaviours header_alone_is_enough_for_c_and_cpp \
	example_claims_its_vendor_and_picks_by_region \
	units_of_others_go_to_the_generic_module \
	without_the_module_its_units_are_the_generic_ones \
	files_that_cannot_be_used_are_named_and_left_out \
	module_that_gives_nonsense_is_named_and_loses_nothing \
	directory_that_is_not_there_is_refused \
	two_units_under_two_modules_in_one_process
