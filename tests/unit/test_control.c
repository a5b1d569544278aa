// SPDX-License-Identifier: LGPL-2.1-or-later
/* Changes by the control socket, on a device over the scripted array. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control_calls.h"
#include "config.h"
#include "options.h"
#include "resolve.h"

static void every_policy_can_be_chosen_while_requests_are_in_flight(void **state)
{
	struct fake_request requests[16];
	json_t *shown, *list, *entry;
	size_t i, n;

	(void)state;
	shown = ask("policy", NULL);
	assert_non_null(shown);
	list = json_object_get(shown, "policies");
	assert_true(json_array_size(list) >= 7);
	json_array_foreach(list, i, entry) {
		const char *name = text(entry, "name");

		assert_true(strlen(text(entry, "rule")) > 0);
		for (n = 0; n < 16; n++)
			fake_submit(&fake, &requests[n], REQUEST_WRITE, n, 1, block);
		json_decref(ask("policy", json_pack("{s:s}", "policy", name)));
		assert_string_equal(failure, "");
		assert_string_equal(fake.device->policy->name, name);
		assert_string_equal(fake.device->policy_source, "lun");
		fake_serve(&fake);
		for (n = 0; n < 16; n++) {
			assert_int_equal(requests[n].completions, 1);
			assert_int_equal(requests[n].request.error, 0);
		}
	}
	json_decref(shown);
	assert_true(fake_saw(&fake, "admin-change"));
	/* Back to none of its own. */
	assert_changes("policy", json_pack("{s:s}", "policy", "default"), 1);
	assert_string_equal(fake.device->policy->name, "round-robin");
	assert_string_equal(fake.device->policy_source, "default");
	assert_changes("policy", json_pack("{s:s}", "policy", "default"), 0);
}

static void changes_name_what_and_who(void **state)
{
	json_t *result;
	const json_t *change;

	(void)state;
	peer.uid = 1000;
	result = ask("path", json_pack("{s:s, s:s, s:i}", "path", "1", "action", "weight",
				       "weight", 7));
	peer.uid = 0;
	change = json_array_get(json_object_get(result, "changes"), 0);
	assert_string_equal(text(change, "path"), "1");
	assert_string_equal(text(change, "what"), "weight");
	assert_string_equal(text(change, "from"), "0");
	assert_string_equal(text(change, "to"), "7");
	assert_non_null(strstr(fake.last_reason, "weight: 7, before 0, by user 1000 "
						 "(process 4711)"));
	json_decref(result);
}

static void unknown_names_are_refused_with_those_there_are(void **state)
{
	(void)state;
	assert_refused("policy", json_pack("{s:s}", "policy", "fastest"),
		       "policy: \"fastest\" is not one of failover-only");
	assert_refused("policy", json_pack("{s:s, s:s}", "policy", "failover-only", "failback",
					   "soon"), "failback: \"soon\"");
	assert_string_equal(fake.device->policy->name, "round-robin");
	assert_refused("policy", json_pack("{s:s}", "lun", "other"), "no LUN \"other\" here");
	assert_refused("path", action("9", "enable"), "no path \"9\"; there are 0 to 2");
	assert_refused("path", action("-1", "enable"), "no path \"-1\"");
	assert_refused("path", action("0", "explode"), "unknown action \"explode\"");
	assert_refused("path", json_pack("{s:s}", "path", "0"), "\"action\" is missing");
	assert_refused("path", action("0", "weight"), "needs a weight");
	assert_refused("path", json_pack("{s:s, s:s, s:i}", "path", "0", "action", "weight",
					 "weight", -1), "weight -1 is not in the range");
	assert_refused("path", json_pack("{s:s, s:s, s:I}", "path", "0", "action", "weight",
					 "weight", (json_int_t)1 << 32), "is not in the range");
	assert_refused("path", json_pack("{s:s, s:s, s:i}", "path", "0", "action", "standby",
					 "weight", 1), "goes with the action \"weight\"");
	assert_refused("timers", json_pack("{s:s}", "key", "patience"), "no option \"patience\"");
	assert_refused("timers", json_pack("{s:s}", "value", "1"), "needs a key");
	assert_refused("timers", json_pack("{s:s, s:s}", "key", "policy", "value", "x"),
		       "method of its own");
}

static void whoever_may_only_look_changes_nothing(void **state)
{
	static const char *const may[] = { "list", "show", "explain", "stats", "policy", "timers",
					   "settings", "version", "help" };

	(void)state;
	peer.may_change = false;
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++) {
		json_t *result = ask(may[i], NULL);

		if (!result)
			fail_msg("%s: %s", may[i], failure);
		json_decref(result);
	}
	assert_refused("policy", json_pack("{s:s}", "policy", "failover-only"), "only root");
	assert_refused("path", action("0", "disable"), "only root");
	assert_refused("timers", json_pack("{s:s, s:s}", "key", "retry_count", "value", "1"),
		       "only root");
	assert_refused("settings", json_pack("{s:{}}", "settings"), "only root");
	assert_refused("stats", json_pack("{s:b}", "reset", 1), "only root");
	assert_refused("probe", json_pack("{s:s}", "path", "0"), "only root");
	assert_int_equal(failure_code, RPC_DENIED);
	assert_string_equal(fake.device->policy->name, "round-robin");
}

static void disabled_path_carries_nothing_until_it_is_enabled(void **state)
{
	(void)state;
	assert_changes("path", action("1", "disable"), 1);
	assert_int_equal(path(1)->state, PATH_DISABLED);
	assert_int_equal(share_of(1, 40), 0);
	assert_changes("path", action("1", "disable"), 0);
	assert_changes("path", action("1", "enable"), 1);
	fake_advance(&fake, 1000);
	assert_true(path_is_usable(path(1)));
	assert_true(share_of(1, 60) > 0);
}

static void standby_path_is_spare_until_it_is_enabled(void **state)
{
	(void)state;
	assert_changes("path", action("0", "standby"), 1);
	assert_int_equal(path(0)->state, PATH_STANDBY);
	assert_int_equal(share_of(0, 40), 0);
	assert_changes("path", action("0", "enable"), 1);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_true(share_of(0, 60) > 0);
}

static void last_path_cannot_be_taken_away(void **state)
{
	(void)state;
	assert_changes("path", action("0", "disable"), 1);
	assert_changes("path", action("1", "standby"), 1);
	assert_refused("path", action("2", "disable"), "nothing was changed");
	assert_refused("path", action("2", "standby"), "nothing was changed");
	assert_int_equal(share_of(2, 10), 10);
}

static void preference_moves_from_one_path_to_another(void **state)
{
	(void)state;
	assert_changes("path", action("1", "preferred"), 1);
	assert_changes("path", action("2", "preferred"), 2);
	assert_false(settings_of(1).is_preferred);
	assert_true(settings_of(2).is_preferred);
	assert_changes("path", action("2", "not-preferred"), 1);
	assert_false(settings_of(2).is_preferred);
}

static void activate_ends_the_wait_for_a_manual_failback(void **state)
{
	(void)state;
	assert_changes("policy", json_pack("{s:s, s:s}", "policy", "failover-only", "failback",
					   "manual"), 2);
	assert_changes("path", action("1", "activate"), 1);
	assert_int_equal(share_of(1, 10), 10);
	assert_changes("path", action("2", "preferred"), 1);
	assert_int_equal(share_of(1, 10), 10);
	assert_changes("path", action("2", "activate"), 1);
	assert_int_equal(share_of(2, 10), 10);
}

static void activate_asks_an_array_that_can_be_told(void **state)
{
	json_t *result = ask("path", action("1", "activate"));
	const json_t *change = json_array_get(json_object_get(result, "changes"), 0);

	(void)state;
	assert_string_equal(text(change, "what"), "access state");
	assert_string_equal(text(change, "from"), "active-unoptimized");
	assert_string_equal(text(change, "to"), "active-optimized, asked for");
	json_decref(result);
	fake_advance(&fake, 3000);
	assert_int_equal(path(1)->array_state, PATH_ACTIVE_OPTIMIZED);
	assert_changes("path", action("1", "activate"), 0);
}

static void failed_path_returns_by_itself(void **state)
{
	(void)state;
	assert_changes("path", action("0", "fail"), 1);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_int_equal(share_of(0, 2), 0);
	for (int i = 0; i < 60 && !path_is_usable(path(0)); i++)
		fake_advance(&fake, 1000);
	assert_true(path_is_usable(path(0)));
}

static void timers_show_value_range_and_source_and_take_effect(void **state)
{
	json_t *result = ask("timers", NULL);
	size_t count, i;
	json_t *timer;

	(void)state;
	options_all(&count);
	assert_int_equal(json_array_size(json_object_get(result, "timers")), count - 1);
	json_array_foreach(json_object_get(result, "timers"), i, timer) {
		assert_true(strlen(text(timer, "range")) > 0);
		assert_true(strlen(text(timer, "help")) > 0);
		assert_true(strlen(text(timer, "value")) > 0);
	}
	json_decref(result);

	assert_changes("timers", json_pack("{s:s, s:s}", "key", "no-path-timeout", "value",
					   "1.5"), 1);
	result = ask("timers", json_pack("{s:s}", "key", "no_path_timeout"));
	timer = json_array_get(json_object_get(result, "timers"), 0);
	assert_string_equal(text(timer, "value"), "1500ms");
	assert_string_equal(text(timer, "default"), "20s");
	assert_string_equal(text(timer, "source"), "changed");
	json_decref(result);
	assert_int_equal(fake.device->settings.no_path_timeout_ms, 1500);

	for (unsigned int n = 0; n < PATHS; n++) {
		fake.nexuses[n].refuses = true;
		fake_break(&fake, n, "gone");
	}
	{
		struct fake_request fr;

		fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
		fake_advance(&fake, 1400);
		assert_int_equal(fr.completions, 0);
		fake_advance(&fake, 200);
		assert_int_equal(fr.completions, 1);
		assert_int_equal(fr.request.error, -EIO);
	}
}

/* The global layer of a configuration wants POLICY and 5 retries. */
static void configure(struct config *config, const char *policy)
{
	char error[256];

	memset(config, 0, sizeof(*config));
	assert_int_equal(layer_set(&config->defaults, option_find("policy"), policy, error,
				   sizeof(error)), 0);
	assert_int_equal(layer_set(&config->defaults, option_find("retry_count"), "5", error,
				   sizeof(error)), 0);
}

static void what_is_configured_is_told_and_comes_back(void **state)
{
	static struct config config;
	const struct resolver resolver = { .config = &config };
	json_t *result;

	(void)state;
	configure(&config, "failover-only");
	control.resolver = &resolver;
	assert_changes("policy", json_pack("{s:s}", "policy", "default"), 1);
	assert_string_equal(fake.device->policy->name, "failover-only");
	assert_string_equal(fake.device->policy_source, "global");
	assert_changes("policy", json_pack("{s:s}", "policy", "round-robin"), 1);
	assert_changes("settings", json_pack("{s:{s:{s:n}}}", "settings", "options", "policy"),
		       1);
	assert_string_equal(fake.device->policy_source, "global");

	assert_changes("timers", json_pack("{s:s, s:s}", "key", "retry_count", "value", "5"), 1);
	result = ask("timers", json_pack("{s:s}", "key", "retry_count"));
	assert_string_equal(text(json_array_get(json_object_get(result, "timers"), 0), "source"),
			    "global");
	json_decref(result);
}

static void values_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_refused("timers", json_pack("{s:s, s:s}", "key", "retry_count", "value", "501"),
		       "retry_count: \"501\" is not in the range 0 to 500");
	assert_refused("timers", json_pack("{s:s, s:s}", "key", "io_timeout", "value", ""),
		       "io_timeout");
	assert_refused("timers", json_pack("{s:s, s:s}", "key", "path_verify", "value", "maybe"),
		       "path_verify");
	assert_refused("timers", json_pack("{s:s, s:i}", "key", "retry_count", "value", 7),
		       "\"value\" is a text");
}

static void settings_are_one_value_that_can_be_put_back(void **state)
{
	json_t *first, *changed, *again, *value;

	(void)state;
	first = ask("settings", NULL);
	assert_true(json_is_null(json_object_get(json_object_get(first, "options"), "policy")));
	assert_changes("policy", json_pack("{s:s}", "policy", "weighted-paths"), 1);
	assert_changes("path", action("0", "standby"), 1);
	assert_changes("path", action("1", "preferred"), 1);
	assert_changes("path", json_pack("{s:s, s:s, s:i}", "path", "2", "action", "weight",
					 "weight", 9), 1);
	assert_changes("timers", json_pack("{s:s, s:s}", "key", "nop_timeout", "value", "250ms"),
		       1);
	changed = ask("settings", NULL);
	assert_false(json_equal(first, changed));

	assert_changes("settings", json_pack("{s:o}", "settings", json_deep_copy(first)), 5);
	again = ask("settings", NULL);
	assert_true(json_equal(first, again));
	json_decref(again);

	/* Paths are known by where they lead, not by their number or order. */
	value = json_deep_copy(changed);
	{
		json_t *paths = json_object_get(value, "paths");

		json_array_append(paths, json_array_get(paths, 0));
		json_array_remove(paths, 0);
		for (size_t i = 0; i < PATHS; i++)
			json_object_set_new(json_array_get(paths, i), "id", json_string("7"));
	}
	assert_changes("settings", json_pack("{s:o}", "settings", value), 5);
	again = ask("settings", NULL);
	assert_true(json_equal(changed, again));
	json_decref(again);
	json_decref(first);
	json_decref(changed);
}

static void parts_of_the_settings_leave_the_rest(void **state)
{
	(void)state;
	assert_changes("settings", json_pack("{s:{s:[{s:s, s:i}], s:{s:s}}}", "settings",
					     "paths", "id", "1", "weight", 3, "options",
					     "retry_count", "7"), 2);
	assert_int_equal(settings_of(1).weight, 3);
	assert_changes("settings", json_pack("{s:{}}", "settings"), 0);
	assert_int_equal(settings_of(1).weight, 3);
	assert_int_equal(fake.device->settings.retry_count, 7);
}

/* Takes VALUE. */
static void assert_bad_settings(json_t *value, const char *words)
{
	assert_non_null(value);
	assert_refused("settings", json_pack("{s:o}", "settings", value), words);
	assert_int_equal(fake.device->settings.retry_count, 3);
}

static void bad_settings_are_refused_whole(void **state)
{
	(void)state;
	assert_bad_settings(json_pack("{s:{s:s, s:s}}", "options", "retry_count", "7",
				      "patience", "1"), "no option \"patience\"");
	assert_bad_settings(json_pack("{s:{s:s}, s:[{s:s, s:i}, {s:s, s:i}]}", "options",
				      "retry_count", "7", "paths", "id", "0", "weight", 1, "id",
				      "0", "weight", 2), "is there twice");
	assert_bad_settings(json_pack("{s:{s:s}, s:[{s:s, s:b}, {s:s, s:b}]}", "options",
				      "retry_count", "7", "paths", "id", "0", "preferred", 1,
				      "id", "1", "preferred", 1), "nothing was changed");
	assert_bad_settings(json_pack("{s:{s:s}, s:[{s:s, s:b}, {s:s, s:b}, {s:s, s:b}]}",
				      "options", "retry_count", "7", "paths", "id", "0",
				      "disabled", 1, "id", "1", "standby", 1, "id", "2",
				      "disabled", 1), "nothing was changed");
	assert_bad_settings(json_pack("{s:i}", "options", 1), "\"options\" is an object, not 1");
	assert_bad_settings(json_pack("{s:{}}", "paths"), "\"paths\" is an array");
	assert_bad_settings(json_pack("{s:[i]}", "paths", 1), "is an object, not 1");
	assert_bad_settings(json_pack("{s:i}", "version", 2), "\"version\" is 1, not 2");
	assert_bad_settings(json_pack("{s:i}", "colour", 2), "unknown member \"colour\"");
	assert_bad_settings(json_pack("{s:[{s:s, s:i}]}", "paths", "id", "0", "colour", 2),
			    "unknown member \"colour\" of a path");
	assert_bad_settings(json_pack("{s:[{s:i}]}", "paths", "weight", 2), "there is no path");
	assert_bad_settings(json_pack("{s:[{s:s}]}", "paths", "portal", "192.0.2.77:3260"),
			    "there is no path");
	assert_bad_settings(json_pack("{s:[{s:i}]}", "paths", "lun", 0), "several paths are");
	assert_bad_settings(json_pack("{s:[{s:s, s:s}]}", "paths", "id", "0", "standby", "yes"),
			    "\"standby\" is true or false");
	assert_bad_settings(json_pack("{s:[{s:s, s:f}]}", "paths", "id", "0", "weight", 1.5),
			    "\"weight\" is 0 to 4294967295");
	assert_bad_settings(json_pack("{s:{s:i}}", "options", "retry_count", 7), "a text");
	assert_bad_settings(json_pack("{s:{s:s}}", "options", "retry_count", "-1"),
			    "retry_count: \"-1\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, calls_begin, calls_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_policy_can_be_chosen_while_requests_are_in_flight),
		TEST(changes_name_what_and_who),
		TEST(unknown_names_are_refused_with_those_there_are),
		TEST(whoever_may_only_look_changes_nothing),
		TEST(disabled_path_carries_nothing_until_it_is_enabled),
		TEST(standby_path_is_spare_until_it_is_enabled),
		TEST(last_path_cannot_be_taken_away),
		TEST(preference_moves_from_one_path_to_another),
		TEST(activate_ends_the_wait_for_a_manual_failback),
		cmocka_unit_test_setup_teardown(activate_asks_an_array_that_can_be_told,
						calls_begin_with_explicit_groups, calls_end),
		TEST(failed_path_returns_by_itself),
		TEST(timers_show_value_range_and_source_and_take_effect),
		TEST(what_is_configured_is_told_and_comes_back),
		TEST(values_out_of_range_are_refused),
		TEST(settings_are_one_value_that_can_be_put_back),
		TEST(parts_of_the_settings_leave_the_rest),
		TEST(bad_settings_are_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
