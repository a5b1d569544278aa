// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of options: what is taken, what is refused, and how that is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

static struct settings settings;
static char error[512];

static int set(const char *name, const char *value)
{
	const struct option *option = option_find(name);

	assert_non_null(option);
	error[0] = '\0';
	return option_set(&settings, option, value, error, sizeof(error));
}

static int setup(void **state)
{
	(void)state;
	settings_init(&settings);
	return 0;
}

static void defaults_are_the_documented_ones(void **state)
{
	(void)state;
	assert_string_equal(settings.policy, "");
	assert_int_equal(settings.failback, FAILBACK_IMMEDIATE);
	assert_int_equal(settings.no_path_timeout_ms, 20000);
	assert_int_equal(settings.command_timeout_ms, 120000);
	assert_int_equal(settings.io_timeout_ms, 30000);
	assert_int_equal(settings.retry_count, 3);
	assert_int_equal(settings.retry_interval_ms, 1000);
	assert_true(settings.path_verify);
	assert_int_equal(settings.path_verify_interval_ms, 30000);
	assert_int_equal(settings.path_recovery_interval_ms, 5000);
	assert_int_equal(settings.connect_timeout_ms, 3000);
	assert_int_equal(settings.login_timeout_ms, 30000);
	assert_int_equal(settings.nop_interval_ms, 5000);
	assert_int_equal(settings.nop_timeout_ms, 5000);
	assert_int_equal(settings.queue_depth, 64);
	assert_int_equal(settings.path_burst, 16);
}

/* What is shown can be given back, and what the table calls a default is one. */
static void every_default_survives_a_round_trip(void **state)
{
	size_t count;
	const struct option *options = options_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct settings copy = settings;
		char text[64], again[64];

		assert_ptr_equal(option_find(options[i].name), &options[i]);
		option_format(&settings, &options[i], text, sizeof(text));
		assert_string_equal(text, options[i].default_text);
		if (!*text)
			continue;
		assert_int_equal(option_set(&copy, &options[i], text, error, sizeof(error)), 0);
		assert_memory_equal(&copy, &settings, sizeof(copy));
		option_format(&copy, &options[i], again, sizeof(again));
		assert_string_equal(text, again);
	}
}

/* An offset that points at another field would show here. */
static void every_option_changes_its_own_field_only(void **state)
{
	size_t count;
	const struct option *options = options_all(&count);
	static const char *const values[] = {
		[OPTION_BOOL] = "no", [OPTION_NUMBER] = "77", [OPTION_SIZE] = "192K",
		[OPTION_DURATION] = "77s", [OPTION_POLICY] = "failover-only",
		[OPTION_FAILBACK] = "77s",
	};

	(void)state;
	for (size_t i = 0; i < count; i++) {
		struct settings copy = settings;
		char text[64];

		assert_int_equal(option_set(&copy, &options[i], values[options[i].type], error,
					    sizeof(error)), 0);
		option_format(&copy, &options[i], text, sizeof(text));
		assert_string_equal(text, values[options[i].type]);
		for (size_t j = 0; j < count; j++) {
			char other[64];

			option_format(&copy, &options[j], other, sizeof(other));
			assert_string_equal(other, i == j ? text : options[j].default_text);
		}
	}
}

static void durations_are_seconds_unless_they_say_so(void **state)
{
	static const struct { const char *text; uint64_t ms; } good[] = {
		{ "20", 20000 }, { "20s", 20000 }, { "250ms", 250 }, { "2min", 120000 },
		{ "1.5", 1500 }, { "0.25s", 250 }, { "0.5min", 30000 }, { "0", 0 },
		{ "1.250", 1250 }, { "604800", 604800000 }, { "20S", 20000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(set("no_path_timeout", good[i].text), 0);
		assert_int_equal(settings.no_path_timeout_ms, good[i].ms);
	}
}

static void malformed_durations_are_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "s", "ms", "-1", "+1", " 1", "1 ", "1 s", "1.", ".5", "1..5", "1.5.5",
		"1,5", "0x10", "1e3", "1h", "1m", "1sec", "inf", "nan", "1.0005", "0.5ms",
		"604801", "604800001ms", "18446744073709551616", "18446744073709551615min",
		"99999999999999999999999999999999999999", "1.00000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct settings before = settings;

		assert_int_equal(set("no_path_timeout", bad[i]), -EINVAL);
		assert_memory_equal(&before, &settings, sizeof(before));
	}
}

static void sizes_take_suffixes(void **state)
{
	(void)state;
	assert_int_equal(set("max_transfer", "131072"), 0);
	assert_int_equal(settings.max_transfer, 131072);
	assert_int_equal(set("max_transfer", "256K"), 0);
	assert_int_equal(settings.max_transfer, 256 * 1024);
	assert_int_equal(set("max_transfer", "1m"), 0);
	assert_int_equal(settings.max_transfer, 1024 * 1024);
	assert_int_equal(set("max_transfer", "63K"), -EINVAL);
	assert_int_equal(set("max_transfer", "17M"), -EINVAL);
	assert_int_equal(set("max_transfer", "17592186044417M"), -EINVAL);
	assert_int_equal(set("max_transfer", "1G"), -EINVAL);
	assert_int_equal(settings.max_transfer, 1024 * 1024);
}

static void numbers_keep_their_range(void **state)
{
	(void)state;
	assert_int_equal(set("queue_depth", "1"), 0);
	assert_int_equal(set("queue_depth", "128"), 0);
	assert_int_equal(set("queue_depth", "0"), -EINVAL);
	assert_int_equal(set("queue_depth", "129"), -EINVAL);
	assert_int_equal(set("queue_depth", "64K"), -EINVAL);
	assert_int_equal(set("queue_depth", "6.5"), -EINVAL);
	assert_int_equal(settings.queue_depth, 128);
	assert_int_equal(set("retry_count", "0"), 0);
	assert_int_equal(set("retry_count", "500"), 0);
	assert_int_equal(set("retry_count", "501"), -EINVAL);
}

static void booleans_are_words_or_digits(void **state)
{
	static const char *const yes[] = { "yes", "on", "true", "1", "YES" };
	static const char *const no[] = { "no", "off", "false", "0", "Off" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(set("path_verify", no[i]), 0);
		assert_false(settings.path_verify);
		assert_int_equal(set("path_verify", yes[i]), 0);
		assert_true(settings.path_verify);
	}
	assert_int_equal(set("path_verify", "2"), -EINVAL);
	assert_int_equal(set("path_verify", "y"), -EINVAL);
}

static void failback_is_a_word_or_a_time(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(set("failback", "manual"), 0);
	assert_int_equal(settings.failback, FAILBACK_MANUAL);
	assert_int_equal(set("failback", "90"), 0);
	assert_int_equal(settings.failback, FAILBACK_AFTER);
	assert_int_equal(settings.failback_ms, 90000);
	option_format(&settings, option_find("failback"), text, sizeof(text));
	assert_string_equal(text, "90s");
	assert_int_equal(set("failback", "later"), -EINVAL);
	assert_int_equal(set("failback", "86401"), -EINVAL);
	assert_int_equal(settings.failback_ms, 90000);
	assert_int_equal(set("failback", "immediate"), 0);
	assert_int_equal(settings.failback, FAILBACK_IMMEDIATE);
}

static void policy_must_be_one_there_is(void **state)
{
	(void)state;
	assert_int_equal(set("policy", "failover-only"), 0);
	assert_string_equal(settings.policy, "failover-only");
	assert_int_equal(set("policy", "fastest"), -EINVAL);
	assert_int_equal(set("policy", ""), -EINVAL);
	assert_string_equal(settings.policy, "failover-only");
	assert_int_equal(set("policy", "fastest"), -EINVAL);
	assert_non_null(strstr(error, "round-robin"));
}

static void errors_name_option_value_and_range(void **state)
{
	(void)state;
	assert_int_equal(set("queue-depth", "999"), -EINVAL);
	assert_non_null(strstr(error, "queue_depth"));
	assert_non_null(strstr(error, "\"999\""));
	assert_non_null(strstr(error, "1 to 128"));
	assert_int_equal(set("connect-timeout", "1ms"), -EINVAL);
	assert_non_null(strstr(error, "connect_timeout"));
	assert_non_null(strstr(error, "100ms to 600s"));
	assert_non_null(strstr(error, "seconds"));
}

static void names_are_found_with_dashes_and_underscores(void **state)
{
	(void)state;
	assert_ptr_equal(option_find("no-path-timeout"), option_find("no_path_timeout"));
	assert_null(option_find("no-path"));
	assert_null(option_find("no-path-timeout-"));
	assert_null(option_find(""));
}

/* A small buffer cuts the message and nothing else. */
static void errors_fit_their_buffer(void **state)
{
	char small[8];

	(void)state;
	memset(small, 'x', sizeof(small));
	assert_int_equal(option_set(&settings, option_find("policy"), "nonsense", small,
				    sizeof(small) - 1), -EINVAL);
	assert_int_equal(small[6], '\0');
	assert_int_equal(small[7], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(defaults_are_the_documented_ones, setup),
		cmocka_unit_test_setup(every_default_survives_a_round_trip, setup),
		cmocka_unit_test_setup(every_option_changes_its_own_field_only, setup),
		cmocka_unit_test_setup(durations_are_seconds_unless_they_say_so, setup),
		cmocka_unit_test_setup(malformed_durations_are_refused, setup),
		cmocka_unit_test_setup(sizes_take_suffixes, setup),
		cmocka_unit_test_setup(numbers_keep_their_range, setup),
		cmocka_unit_test_setup(booleans_are_words_or_digits, setup),
		cmocka_unit_test_setup(failback_is_a_word_or_a_time, setup),
		cmocka_unit_test_setup(policy_must_be_one_there_is, setup),
		cmocka_unit_test_setup(errors_name_option_value_and_range, setup),
		cmocka_unit_test_setup(names_are_found_with_dashes_and_underscores, setup),
		cmocka_unit_test_setup(errors_fit_their_buffer, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
