// SPDX-License-Identifier: LGPL-2.1-or-later
/* Paths that come back and fail again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_settings.h"
#include "fake.h"
#include "status.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];

static void window(struct settings *settings)
{
	settings->flap_window_ms = 60000;
	settings->flap_backoff_max_ms = 100000;
}

static void failover_only(struct settings *settings)
{
	window(settings);
	strcpy(settings->policy, "failover-only");
}

static void setup(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, true, tune);
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static const struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

static unsigned int back_after_ms(unsigned int i, unsigned int limit_ms)
{
	unsigned int ms = 0;

	for (; ms < limit_ms && !path_is_usable(path(i)); ms += 100)
		fake_advance(&fake, 100);
	return ms;
}

static void read_some(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
}

static void third_failure_in_a_row_holds_the_path_back_and_each_more_doubles_it(void **state)
{
	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 2; i++) {
		fake_break(&fake, 0, "flap");
		assert_in_range(back_after_ms(0, 300000), 0, 1000);
		read_some(4);
	}
	for (unsigned int hold_ms = 5000; hold_ms <= 80000; hold_ms *= 2) {
		fake_break(&fake, 0, "flap");
		/* A quarter of jitter, and the beat of 100 ms. */
		assert_in_range(back_after_ms(0, 300000), hold_ms, hold_ms * 5 / 4 + 200);
		read_some(4);
	}
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 0, "flap");
		assert_in_range(back_after_ms(0, 300000), 100000, 125200);
	}
}

static void reason_says_how_long_and_how_often(void **state)
{
	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 0, "flap");
		fake_advance(&fake, 1000);
	}
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_true(path_is_held_back(path(0)));
	assert_non_null(strstr(path(0)->last_error, "held back "));
	assert_non_null(strstr(path(0)->last_error, "failed 3 times in "));
	assert_true(fake_saw(&fake, "path-held-back"));
	/* It is told once, however often the path is asked meanwhile. */
	fake.events[0] = '\0';
	fake_advance(&fake, 4000);
	assert_string_equal(fake.events, "");
}

static void nothing_is_sent_down_a_path_that_is_held_back(void **state)
{
	uint64_t before;

	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 0, "flap");
		fake_advance(&fake, 1000);
	}
	before = fake.nexuses[0].served;
	read_some(3);                   /* takes 3 s: it is held back for 5 */
	assert_true(path_is_held_back(path(0)));
	assert_int_equal(fake.nexuses[0].served, before);
}

static void path_that_is_held_back_stands_in_for_the_last_one_at_once(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 6; i++) {
		fake_break(&fake, 0, "flap");
		back_after_ms(0, 300000);
	}
	fake_break(&fake, 0, "flap");
	fake_advance(&fake, 1000);
	assert_true(path_is_held_back(path(0)));
	fake.nexuses[1].refuses = true;
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
	fake.events[0] = '\0';
	fake_break(&fake, 1, "gone");
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_false(fake_saw(&fake, "all-paths-down"));
	/* As the only one it comes and goes without being held back. */
	for (unsigned int i = 0; i < 5; i++) {
		fake_break(&fake, 0, "flap");
		assert_in_range(back_after_ms(0, 300000), 0, 30000);
		assert_int_equal(path(1)->state, PATH_FAILED);
	}
}

static void without_patience_io_still_finds_the_path_held_back(void **state)
{
	(void)state;
	setup(2, window);
	fake.device->settings.no_path_timeout_ms = 0;
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 0, "flap");
		fake_advance(&fake, 1000);
	}
	fake_break(&fake, 1, "gone");
	read_some(1);
}

/* TEST UNIT READY, INQUIRY and the rest are answered well; READ and WRITE not. */
static void path_that_is_good_at_verification_only_does_not_flap(void **state)
{
	(void)state;
	setup(2, window);
	fake.events[0] = '\0';
	for (unsigned int turn = 0; turn < 200; turn++) {       /* of 3 s */
		fake.nexuses[0].script_len = fake.nexuses[0].script_done = 0;
		for (unsigned int i = 0; i < 8; i++)
			fake_script(&fake.nexuses[0], (struct fake_answer) {
				.status = SAM_STATUS_CHECK_CONDITION });
		read_some(2);
		fake_advance(&fake, 1000);
	}
	/* 600 s: at 0, 5, 10, 20, 40, 80, and then every 100. */
	assert_in_range(path(0)->counters.failures, 5, 12);
}

static void count_is_lived_down_by_carrying_io_only(void **state)
{
	char error[128];

	(void)state;
	setup(2, failover_only);        /* nothing goes down path 1 by itself */
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 1, "flap");
		back_after_ms(1, 300000);
	}
	/* Verified again and again, but idle. */
	fake_advance(&fake, 600000);
	fake_break(&fake, 1, "flap");
	assert_in_range(back_after_ms(1, 300000), 10000, 12700);
	/* It carries. */
	assert_int_equal(device_activate_path(fake.device, fake.device->paths[1],
					      error, sizeof error), 0);
	read_some(10);
	fake_advance(&fake, 61000);
	fake_break(&fake, 1, "flap");
	assert_in_range(back_after_ms(1, 300000), 0, 1000);
}

static void past_ends(void **state)
{
	(void)state;
	setup(2, failover_only);
	for (unsigned int i = 0; i < 4; i++) {
		fake_break(&fake, 1, "flap");
		back_after_ms(1, 300000);
	}
	fake_advance(&fake, 3601000);
	fake_break(&fake, 1, "flap");
	assert_in_range(back_after_ms(1, 300000), 0, 1000);
}

static void failures_far_apart_are_no_flapping(void **state)
{
	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 10; i++) {
		fake_break(&fake, 0, "rare");
		assert_in_range(back_after_ms(0, 300000), 0, 1000);
		read_some(4);
		fake_advance(&fake, 61000);
	}
}

static void window_of_zero_holds_nothing_back(void **state)
{
	(void)state;
	setup(2, NULL);
	for (unsigned int i = 0; i < 10; i++) {
		fake_break(&fake, 0, "flap");
		assert_in_range(back_after_ms(0, 300000), 0, 12000);
	}
	assert_false(fake_saw(&fake, "path-held-back"));
}

static void administrator_ends_it_and_does_not_count(void **state)
{
	struct device_settings settings;
	char error[128];

	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(device_fail_path(fake.device, fake.device->paths[0], error,
						  sizeof error), 0);
		assert_in_range(back_after_ms(0, 300000), 0, 6400);
	}
	for (unsigned int i = 0; i < 3; i++) {
		fake_break(&fake, 0, "flap");
		fake_advance(&fake, 1000);
	}
	assert_true(path_is_held_back(path(0)));
	/* Off and on again: verified, and in. */
	device_get_settings(fake.device, &settings);
	settings.paths[0].is_disabled = true;
	assert_int_equal(device_apply(fake.device, &settings, error, sizeof error), 0);
	settings.paths[0].is_disabled = false;
	assert_int_equal(device_apply(fake.device, &settings, error, sizeof error), 0);
	fake_serve(&fake);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void wrong_unit_behind_a_path_held_back_is_not_released(void **state)
{
	struct fake_unit *other = fake_unit_new(2, 4096, 512);

	(void)state;
	setup(2, window);
	for (unsigned int i = 0; i < 5; i++) {
		fake_break(&fake, 0, "flap");
		back_after_ms(0, 300000);
	}
	fake_break(&fake, 0, "flap");
	fake_advance(&fake, 1000);
	assert_true(path_is_held_back(path(0)));
	fake.nexuses[0].unit = other;           /* found while it waits */
	fake_advance(&fake, 10000);
	assert_true(path(0)->is_refused);
	fake.nexuses[1].refuses = true;
	fake_break(&fake, 1, "gone");
	assert_int_equal(path(0)->state, PATH_FAILED);
	fake_unit_free(other);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(third_failure_in_a_row_holds_the_path_back_and_each_more_doubles_it),
		TEST(reason_says_how_long_and_how_often),
		TEST(nothing_is_sent_down_a_path_that_is_held_back),
		TEST(path_that_is_held_back_stands_in_for_the_last_one_at_once),
		TEST(without_patience_io_still_finds_the_path_held_back),
		TEST(path_that_is_good_at_verification_only_does_not_flap),
		TEST(count_is_lived_down_by_carrying_io_only),
		TEST(past_ends),
		TEST(failures_far_apart_are_no_flapping),
		TEST(window_of_zero_holds_nothing_back),
		TEST(administrator_ends_it_and_does_not_count),
		TEST(wrong_unit_behind_a_path_held_back_is_not_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
