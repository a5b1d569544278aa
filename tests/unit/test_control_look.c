// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the control socket tells: probes, explanations, counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control_calls.h"

/*
 * Probes
 */

static const json_t *answer_of(const json_t *result, size_t i)
{
	return json_array_get(json_object_get(result, "answers"), i);
}

/* The probe's answer, a new reference. */
static json_t *probe(const char *id)
{
	assert_null(ask("probe", json_pack("{s:s}", "path", id)));
	assert_string_equal(failure, "");
	assert_true(later.is_promised);
	for (int i = 0; i < 100 && !late_answer; i++)
		fake_advance(&fake, 100);
	assert_non_null(late_answer);
	return late_answer;
}

static void probe_tells_what_the_unit_says_and_how_long_it_takes(void **state)
{
	uint64_t since_us = path(1)->since_us;
	json_t *result = probe("1");

	(void)state;
	assert_true(json_is_true(json_object_get(result, "good")));
	assert_string_equal(text(result, "wwid"), fake.device->unit.identity.text);
	assert_string_equal(text(answer_of(result, 0), "command"), "TEST UNIT READY");
	assert_string_equal(text(answer_of(result, 0), "status"), "GOOD");
	assert_non_null(strstr(text(answer_of(result, 1), "text"), fake.device->unit.inquiry.vendor));
	assert_true(json_is_integer(json_object_get(answer_of(result, 2), "latency_us")));
	assert_string_equal(text(answer_of(result, 3), "text"), "4096 blocks of 512 bytes");
	json_decref(result);
	/* Nobody has noticed. */
	assert_int_equal(path(1)->since_us, since_us);
	assert_int_equal(path(1)->counters.errors, 0);
	assert_int_equal(control.npending, 0);
}

static void attention_that_a_probe_takes_is_heeded(void **state)
{
	unsigned int verified = unit->count[0x9e];
	json_t *result;

	(void)state;
	fake.nexuses[0].has_changed = true;
	result = probe("0");
	assert_false(json_is_true(json_object_get(result, "good")));
	assert_string_equal(text(answer_of(result, 0), "status"), "CHECK CONDITION");
	assert_non_null(strstr(text(answer_of(result, 0), "text"), "UNIT ATTENTION"));
	json_decref(result);
	fake_advance(&fake, 100);
	/* Once by the probe, once by the verification that it has caused. */
	assert_true(unit->count[0x9e] >= verified + 2);
	assert_true(path_is_usable(path(0)));
}

static void probe_shows_access_states_and_has_news_heeded(void **state)
{
	json_t *result = probe("1");

	(void)state;
	assert_string_equal(text(answer_of(result, 4), "command"), "REPORT TARGET PORT GROUPS");
	assert_non_null(strstr(text(answer_of(result, 4), "text"), "its own group 2 active/"));
	json_decref(result);
	/* A change that no unit attention tells of. */
	fake_find_group(unit, 1)->state = 3;
	json_decref(probe("1"));
	fake_advance(&fake, 5000);
	assert_int_equal(path(0)->array_state, PATH_UNAVAILABLE);
	assert_int_equal(share_of(1, 10), 10);
}

static void other_unit_that_a_probe_meets_gets_no_io(void **state)
{
	struct fake_unit *other = fake_unit_new(2, 4096, 512);
	json_t *result;

	(void)state;
	fake.nexuses[0].unit = other;
	result = probe("0");
	assert_string_not_equal(text(result, "wwid"), fake.device->unit.identity.text);
	json_decref(result);
	fake_advance(&fake, 100);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_int_equal(share_of(0, 20), 0);
	fake.nexuses[0].unit = unit;
	fake_unit_free(other);
}

static void probe_of_a_mute_path_ends_by_itself(void **state)
{
	json_t *result;

	(void)state;
	fake.nexuses[2].is_mute = true;
	assert_null(ask("probe", json_pack("{s:s, s:i}", "path", "2", "timeout_ms", 500)));
	fake_advance(&fake, 499);
	assert_null(late_answer);
	fake_advance(&fake, 2);
	result = late_answer;
	assert_non_null(result);
	assert_false(json_is_true(json_object_get(result, "good")));
	assert_string_equal(text(answer_of(result, 0), "text"), "no answer yet");
	assert_true(json_is_null(json_object_get(answer_of(result, 0), "status")));
	json_decref(result);
	/* Its command is answered late, or lost with the session. */
	fake.nexuses[2].has_attention = true;
	fake.nexuses[2].is_mute = false;
	fake_advance(&fake, 1000);
	assert_true(path_is_usable(path(2)));
}

static void probe_ends_with_its_session(void **state)
{
	json_t *result;

	(void)state;
	fake.nexuses[1].is_mute = true;
	assert_null(ask("probe", json_pack("{s:s}", "path", "1")));
	fake_advance(&fake, 10);
	fake.nexuses[1].refuses = true;
	fake.nexuses[1].is_mute = false;
	fake_break(&fake, 1, "reset");
	result = late_answer;
	assert_non_null(result);
	assert_string_equal(text(answer_of(result, 0), "text"),
			    "the session went before the answer came");
	json_decref(result);
	assert_refused("probe", json_pack("{s:s}", "path", "1"), "path 1 has no session");
}

static void probe_is_forgotten_when_its_client_goes(void **state)
{
	(void)state;
	fake.nexuses[1].is_mute = true;
	assert_null(ask("probe", json_pack("{s:s}", "path", "1")));
	fake_advance(&fake, 10);
	rpc_cancel(&later);
	assert_int_equal(control.npending, 0);
	fake.nexuses[1].is_mute = false;
	fake_advance(&fake, 100);
	assert_null(late_answer);
	/* Before its first command is out, too. */
	assert_null(ask("probe", json_pack("{s:s}", "path", "1")));
	rpc_cancel(&later);
	fake_advance(&fake, 100);
	assert_null(late_answer);
}

static void probes_are_bounded(void **state)
{
	struct rpc_later promises[8];

	(void)state;
	assert_refused("probe", json_pack("{s:s, s:i}", "path", "0", "timeout_ms", 0),
		       "timeout_ms 0 is not in the range");
	assert_refused("probe", json_pack("{s:s, s:i}", "path", "0", "timeout_ms", 60001),
		       "is not in the range");
	fake.nexuses[0].is_mute = true;
	for (int i = 0; i < 8; i++) {
		size_t len, answer_len;
		char *line = rpc_request("probe", json_pack("{s:s}", "path", "0"), 1, &len);

		promises[i] = (struct rpc_later) { .ready = take_late };
		assert_null(rpc_serve(control_methods, &control, &peer, &promises[i], line, len,
				      &answer_len));
		free(line);
	}
	assert_refused("probe", json_pack("{s:s}", "path", "0"), "8 are under way");
	for (int i = 0; i < 8; i++)
		rpc_cancel(&promises[i]);
	assert_int_equal(control.npending, 0);
	fake.nexuses[0].is_mute = false;
}

/*
 * Explaining
 */

static const json_t *explained(const json_t *result, unsigned int i)
{
	return json_array_get(json_object_get(result, "paths"), i);
}

static void assert_role(unsigned int i, const char *words)
{
	json_t *result = ask("explain", NULL);
	const char *role = text(explained(result, i), "role");

	if (!strstr(role, words))
		fail_msg("path %u: \"%s\" does not say \"%s\"", i, role, words);
	assert_int_equal(json_is_true(json_object_get(explained(result, i), "takes_io")),
			 !strcmp(role, "takes I/O"));
	json_decref(result);
}

static void explain_says_what_keeps_a_path_from_carrying_io(void **state)
{
	json_t *result;

	(void)state;
	assert_role(0, "takes I/O");
	assert_changes("path", action("0", "standby"), 1);
	assert_role(0, "spare: path 1 is active-optimized, and goes first");
	assert_changes("path", action("0", "enable"), 1);
	assert_changes("policy", json_pack("{s:s}", "policy", "failover-only"), 1);
	assert_changes("path", action("1", "activate"), 1);
	assert_role(0, "spare: failover-only sends I/O down path 1");
	assert_changes("path", action("0", "disable"), 1);
	assert_role(0, "no I/O until the administrator enables it");
	fake.nexuses[2].refuses = true;
	fake_break(&fake, 2, "reset by peer");
	assert_role(2, "no I/O without a session");
	fake_advance(&fake, 1000);
	result = ask("explain", json_pack("{s:s}", "path", "2"));
	assert_int_equal(json_array_size(json_object_get(result, "paths")), 1);
	assert_string_equal(text(explained(result, 0), "state"), "failed");
	assert_string_equal(text(explained(result, 0), "why"), "connection refused");
	assert_string_equal(text(json_object_get(explained(result, 0), "session"), "state"),
			    "back-off");
	assert_true(json_is_integer(json_object_get(json_object_get(explained(result, 0),
								      "session"), "next_login_ms")));
	json_decref(result);
	assert_refused("explain", json_pack("{s:s}", "path", "3"), "no path \"3\"");
}

static void explain_tells_of_access_states(void **state)
{
	json_t *result;

	(void)state;
	assert_role(1, "spare: path 0 is active-optimized, and goes first");
	result = ask("explain", NULL);
	assert_string_equal(text(json_object_get(result, "alua"), "access"), "alua-implicit");
	assert_int_equal(json_integer_value(json_object_get(explained(result, 1), "tpg")), 2);
	json_decref(result);
}

static void explain_names_the_path_that_comes_next_and_changes_nothing(void **state)
{
	json_t *list = ask("policy", NULL), *entry;
	size_t n;

	(void)state;
	json_array_foreach(json_object_get(list, "policies"), n, entry) {
		json_decref(ask("policy", json_pack("{s:s}", "policy", text(entry, "name"))));
		for (int i = 0; i < 20; i++) {
			json_t *first = ask("explain", NULL), *second = ask("explain", NULL);
			const char *next = text(json_object_get(first, "next"), "path");

			/* Asking does not move it on. */
			assert_true(json_equal(json_object_get(first, "next"),
					       json_object_get(second, "next")));
			assert_int_equal(share_of((unsigned int)atoi(next), 1), 1);
			json_decref(first);
			json_decref(second);
		}
	}
	json_decref(list);
}

static void explain_says_what_waits_and_until_when(void **state)
{
	struct fake_request fr;
	json_t *result;
	const json_t *waiting;

	(void)state;
	for (unsigned int n = 0; n < PATHS; n++) {
		fake.nexuses[n].refuses = true;
		fake_break(&fake, n, "gone");
	}
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, block);
	fake_advance(&fake, 5000);
	result = ask("explain", NULL);
	waiting = json_object_get(result, "waiting");
	assert_string_equal(text(result, "state"), "no-path");
	assert_int_equal(json_integer_value(json_object_get(waiting, "for_path")), 1);
	assert_in_range(json_integer_value(json_object_get(waiting, "fails_ms")), 14000, 15100);
	assert_non_null(strstr(text(waiting, "why"), "1 commands for a path"));
	assert_true(json_is_null(json_object_get(json_object_get(result, "next"), "path")));
	assert_non_null(strstr(text(json_object_get(result, "next"), "why"), "no path is usable"));
	json_decref(result);
	fake_advance(&fake, 20000);
	assert_int_equal(fr.completions, 1);
}

static void explain_tells_what_limits_a_path(void **state)
{
	static struct fake_request many[16];
	json_t *result;

	(void)state;
	for (unsigned int n = 1; n < PATHS; n++)
		assert_changes("path", action(n == 1 ? "1" : "2", "disable"), 1);
	result = ask("explain", json_pack("{s:s}", "path", "0"));
	assert_true(json_is_null(json_object_get(explained(result, 0), "depth_limit")));
	assert_true(json_is_null(json_object_get(explained(result, 0), "held_back_ms")));
	json_decref(result);
	/* TASK SET FULL */
	fake_script(&fake.nexuses[0], (struct fake_answer) { .status = 0x28 });
	for (unsigned int i = 0; i < 16; i++)
		fake_submit(&fake, &many[i], REQUEST_WRITE, i, 1, block);
	fake_serve_one(&fake, &fake.nexuses[0]);
	result = ask("explain", json_pack("{s:s}", "path", "0"));
	assert_in_range(json_integer_value(json_object_get(explained(result, 0),
							     "depth_limit")), 1, 15);
	json_decref(result);
	fake_advance(&fake, 5000);
	for (unsigned int i = 0; i < 16; i++)
		assert_int_equal(many[i].completions, 1);
}

static void reset_shows_what_was_and_starts_from_zero(void **state)
{
	json_t *result;
	uint64_t writes = 0;

	(void)state;
	share_of(0, 30);
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 1000);
	result = ask("stats", json_pack("{s:b}", "reset", 1));
	assert_int_equal(json_integer_value(json_object_get(result, "failovers")), 1);
	for (unsigned int i = 0; i < PATHS; i++)
		writes += (uint64_t)json_integer_value(
			json_object_get(explained(result, i), "writes"));
	assert_int_equal(writes, 30);
	json_decref(result);
	result = ask("stats", NULL);
	assert_int_equal(json_integer_value(json_object_get(result, "failovers")), 0);
	for (unsigned int i = 0; i < PATHS; i++) {
		assert_int_equal(json_integer_value(
			json_object_get(explained(result, i), "writes")), 0);
		assert_int_equal(json_integer_value(
			json_object_get(explained(result, i), "failures")), 0);
	}
	json_decref(result);
}

static void help_lists_every_method_with_its_parameters(void **state)
{
	json_t *result = ask("help", NULL);
	size_t count = 0;

	(void)state;
	for (const struct ctl_method *method = control_methods; method->name; method++, count++)
		assert_non_null(json_object_get(result, method->name));
	assert_int_equal(json_object_size(result), count);
	json_decref(result);
}

#define GROUPS(name) cmocka_unit_test_setup_teardown(name, calls_begin_with_groups, calls_end)
#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(probe_tells_what_the_unit_says_and_how_long_it_takes),
		TEST(attention_that_a_probe_takes_is_heeded),
		GROUPS(probe_shows_access_states_and_has_news_heeded),
		TEST(other_unit_that_a_probe_meets_gets_no_io),
		TEST(probe_of_a_mute_path_ends_by_itself),
		TEST(probe_ends_with_its_session),
		TEST(probe_is_forgotten_when_its_client_goes),
		TEST(probes_are_bounded),
		TEST(explain_says_what_keeps_a_path_from_carrying_io),
		GROUPS(explain_tells_of_access_states),
		TEST(explain_names_the_path_that_comes_next_and_changes_nothing),
		TEST(explain_says_what_waits_and_until_when),
		TEST(explain_tells_what_limits_a_path),
		TEST(reset_shows_what_was_and_starts_from_zero),
		TEST(help_lists_every_method_with_its_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
