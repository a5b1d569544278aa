// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a path in service is asked from time to time, and what is found out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"

/* path_verify_interval is 30 s, a quarter of jitter either way: once in this. */
#define ONE_INTERVAL_MS 38000

static struct fake fake;
static struct fake_unit *unit, *other;
static uint8_t block[512];

static int two_paths(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 2048, 512);
	other = fake_unit_new(2, 2048, 512);
	fake_init(&fake, unit, 2, true, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	fake_unit_free(other);
	return 0;
}

static const struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

static unsigned int asked(void)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < 256; i++)
		sum += unit->count[i];
	return sum;
}

static void routine_costs_five_commands_a_path(void **state)
{
	unsigned int before = asked(), inquiries = unit->count[0x12];

	(void)state;
	fake_advance(&fake, ONE_INTERVAL_MS);
	assert_int_equal(asked() - before, 2 * 5);
	assert_int_equal(unit->count[0x12] - inquiries, 2 * 2);
	assert_int_equal(unit->count[0x00], 2 * 2);
}

static void unit_mapped_anew_without_a_sign_is_found_within_the_interval(void **state)
{
	(void)state;
	fake.nexuses[1].unit = other;
	fake_advance(&fake, ONE_INTERVAL_MS);
	assert_int_equal(path(1)->state, PATH_FAILED);
	assert_true(path(1)->is_refused);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	assert_int_equal(other->count[0x8a], 0);
	/* And found to be right again. */
	fake.nexuses[1].unit = unit;
	fake_advance(&fake, 10000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void lun_that_vanished_is_found_within_the_interval(void **state)
{
	(void)state;
	fake.nexuses[0].unit = NULL;
	fake_advance(&fake, ONE_INTERVAL_MS);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void write_protection_and_cache_are_found_within_the_interval(void **state)
{
	(void)state;
	unit->write_protected = true;
	fake_advance(&fake, ONE_INTERVAL_MS);
	assert_true(fake.device->is_read_only);
	unit->write_protected = false;
	unit->wce = false;
	fake_advance(&fake, ONE_INTERVAL_MS + 10000);
	assert_false(fake.device->is_read_only);
	assert_false(fake.device->unit.write_cache);
	assert_int_equal(device_usable_paths(fake.device), 2);
}

/* Where something changed, everything is asked: limits may be others, too. */
static void change_has_everything_asked(void **state)
{
	struct fake_unit *grown = fake_unit_new(1, 4096, 512);

	(void)state;
	grown->max_transfer = 8;
	fake.nexuses[0].unit = fake.nexuses[1].unit = grown;
	fake_advance(&fake, ONE_INTERVAL_MS + 3000);
	assert_int_equal(fake.device->nblocks, 4096);
	assert_int_equal(fake.device->max_transfer_blocks, 8);
	fake.nexuses[0].unit = fake.nexuses[1].unit = unit;
	fake_unit_free(grown);
}

static void attention_in_the_routine_has_everything_asked(void **state)
{
	(void)state;
	unit->max_transfer = 8;
	fake.nexuses[0].has_changed = fake.nexuses[1].has_changed = true;
	fake_advance(&fake, ONE_INTERVAL_MS);
	assert_int_equal(fake.device->max_transfer_blocks, 8);
	assert_int_equal(device_usable_paths(fake.device), 2);
}

static void new_session_is_asked_everything(void **state)
{
	unsigned int before = asked();

	(void)state;
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 1000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_true(asked() - before >= 9);
}

static void doubt_has_everything_asked(void **state)
{
	unsigned int before = asked();

	(void)state;
	path_doubt(fake.device->paths[0], "doubt");
	fake_serve(&fake);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(asked() - before, 10);         /* the fake has no VPD B1h */
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, two_paths, teardown)
	const struct CMUnitTest tests[] = {
		TEST(routine_costs_five_commands_a_path),
		TEST(unit_mapped_anew_without_a_sign_is_found_within_the_interval),
		TEST(lun_that_vanished_is_found_within_the_interval),
		TEST(write_protection_and_cache_are_found_within_the_interval),
		TEST(change_has_everything_asked),
		TEST(attention_in_the_routine_has_everything_asked),
		TEST(doubt_has_everything_asked),
		TEST(new_session_is_asked_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
