#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# CHAP, one way and mutual, right and wrong; secrets reach us in every form, and
# nobody else through us.

DISK_SIZE=4M
# shellcheck source=functions.sh
. "$(dirname "$0")/functions.sh"
requires tgtd

SECRET=ourSecret-9c1f
THEIRS=theirSecret-77d0
WRONG=wrongSecret-0000

# works PARAMETER...: data goes through, and no secret shows up anywhere.
works()
{
	: >"$(export_log)"
	export_start "$@"
	assert_eq "$(paths_active)" 1 "active paths"
	nbdsh_export 'h.pwrite(b"c" * 4096, 0); assert h.pread(4096, 0) == b"c" * 4096'
	show d >"$TESTDIR/show"
	nbdinfo "$URI" >"$TESTDIR/info"
	export_stop
	no_secret "$(export_log)" "$TESTDIR/show" "$TESTDIR/info"
}

# refused REGEX PARAMETER...
refused()
{
	local regex=$1
	shift
	: >"$(export_log)"
	export_fails "$@" no-path-timeout=1s
	assert_contains "$(export_log)" "error: .*$regex"
	no_secret "$(export_log)"
}

no_secret() { assert_not_contains <(cat "$@") "$SECRET|$THEIRS|$WRONG" "a secret"; }

the_right_password_logs_in()
{
	works "$(array_url locked)" user=me "password=$SECRET"
}

a_wrong_or_missing_password_is_refused_with_the_reason()
{
	refused 'none of 1 path is usable.*login refused: Authentication failure \(0201h\)' \
		"$(array_url locked)" user=me "password=$WRONG"
	refused 'Authentication failure' "$(array_url locked)" user=somebody "password=$SECRET"
	refused 'login refused' "$(array_url locked)"
}

a_password_may_come_from_a_file_or_a_descriptor()
{
	(umask 077; echo "$SECRET" >"$TESTDIR/secret")
	works "$(array_url locked)" user=me "password=+$TESTDIR/secret"
	exec 7<"$TESTDIR/secret"
	works "$(array_url locked)" user=me password=-7
	exec 7<&-
	refused 'none' "$(array_url locked)" user=me "password=+$TESTDIR/wrong"
}

verbose_messages_and_the_process_list_do_not_show_it()
{
	: >"$(export_log)"
	export_start -o -v -o -D -o mpio.all=1 "$(array_url locked)" user=me "password=+$TESTDIR/secret"
	nbdsh_export 'h.pread(4096, 0)'
	no_secret <(ps -ww -o args -p "$(export_pid)") <(ps -ww -L -o comm -p "$(export_pid)")
	assert_fails grep -r "$SECRET" "$(export_runtime_dir)"
	export_stop
	no_secret "$(export_log)"
}

a_password_in_the_url_works_with_a_warning()
{
	local url
	url=$(array_url locked)
	works "iscsi://me%$SECRET@${url#iscsi://}"
	assert_contains "$(export_log)" 'warning: .*password in a URL'
	refused 'Authentication failure' "iscsi://me%$WRONG@${url#iscsi://}"
	# Where the URL has none, none is warned of.
	works "$url" user=me "password=$SECRET"
	assert_not_contains "$(export_log)" warning
}

a_malformed_url_is_refused_without_its_password()
{
	refused 'URL' "iscsi://me%$SECRET@127.0.0.1/nonsense"
	refused 'portal' "iscsi://me%$SECRET/iqn.2026-11.org.example:array/1"
}

mutual_chap_proves_the_target()
{
	works "$(array_url mutual)" user=me "password=$SECRET" target-user=array "target-password=$THEIRS"
}

a_target_that_cannot_prove_itself_gets_no_io()
{
	local secrets=(user=me "password=$SECRET")
	refused 'none of 1 path is usable' "$(array_url mutual)" "${secrets[@]}" \
		target-user=array "target-password=$WRONG"
	refused 'none of 1 path is usable' "$(array_url mutual)" "${secrets[@]}" \
		target-user=impostor "target-password=$THEIRS"
	# This one cannot at all.
	refused 'none of 1 path is usable' "$(array_url locked)" "${secrets[@]}" \
		target-user=array "target-password=$THEIRS"
}

a_password_changed_while_the_path_was_down_keeps_it_out()
{
	: >"$(export_log)"
	export_start "$(array_url locked)" user=me "password=$SECRET" path-recovery-interval=300ms
	array_restart locked --chap "me:$WRONG"
	wait_for 'show "d[\"paths\"][0][\"last_error\"]" | grep -q "Authentication failure"'
	array_restart locked --chap "me:$SECRET"
	wait_for '[ "$(paths_active)" = 1 ]'
	nbdsh_export 'h.pread(4096, 0)'
	export_stop
	no_secret "$(export_log)"
}

discovery_logs_in_too()
{
	works portal="$(array_portal locked)" target="$ARRAY_IQN" lun=1 user=me "password=$SECRET"
}

(umask 077; echo "$WRONG" >"$TESTDIR/wrong")
array_start locked --chap "me:$SECRET"
array_start mutual --chap "me:$SECRET" --chap-out "array:$THEIRS"
behaviours the_right_password_logs_in \
	a_wrong_or_missing_password_is_refused_with_the_reason \
	a_password_may_come_from_a_file_or_a_descriptor \
	verbose_messages_and_the_process_list_do_not_show_it \
	a_password_in_the_url_works_with_a_warning \
	a_malformed_url_is_refused_without_its_password \
	mutual_chap_proves_the_target \
	a_target_that_cannot_prove_itself_gets_no_io \
	a_password_changed_while_the_path_was_down_keeps_it_out \
	discovery_logs_in_too
