// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which path is taken, on paths that come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];

static int setup_paths(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, true, tune);
	return 0;
}

static int four_paths(void **state)
{
	(void)state;
	return setup_paths(4, NULL);
}

static void failover_only(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
}

static int failover_only_paths(void **state)
{
	(void)state;
	return setup_paths(3, failover_only);
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

static uint64_t served(unsigned int i)
{
	return fake.nexuses[i].served;
}

static void round_robin_uses_every_path_alike(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 400; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(served(i), 100);
}

static void round_robin_goes_on_with_the_rest(void **state)
{
	(void)state;
	fake.nexuses[2].refuses = true;
	fake_break(&fake, 2, "gone");
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
	assert_int_equal(served(2), 0);
	for (unsigned int i = 0; i < 4; i++)
		if (i != 2)
			assert_int_equal(served(i), 100);
}

static void failover_only_uses_one_path(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
	assert_int_equal(served(0), 30);
	assert_int_equal(served(1) + served(2), 0);
}

static void break_active_and_return(unsigned int active)
{
	fake.nexuses[active].refuses = true;
	fake_break(&fake, active, "gone");
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake.nexuses[active].refuses = false;
	fake_advance(&fake, 10000);
	assert_int_equal(fake.device->paths[active]->state, PATH_ACTIVE_OPTIMIZED);
}

static void without_a_preferred_path_io_stays_where_it_went(void **state)
{
	uint64_t before;

	(void)state;
	break_active_and_return(0);
	before = served(0);
	for (unsigned int i = 0; i < 10; i++)
		fake_io(&fake, REQUEST_READ, i, 1, block);
	assert_int_equal(served(0), before);
	assert_int_equal(served(1), 11);
}

static void failback_is_as_set(void **state)
{
	uint64_t before;

	(void)state;
	fake.device->paths[0]->settings.is_preferred = true;
	/* Immediate. */
	break_active_and_return(0);
	before = served(0);
	fake_io(&fake, REQUEST_READ, 0, 1, block);
	assert_int_equal(served(0), before + 1);
	/* Manual. */
	fake.device->settings.failback = FAILBACK_MANUAL;
	break_active_and_return(0);
	before = served(0);
	fake_advance(&fake, 100000);
	fake_io(&fake, REQUEST_READ, 0, 1, block);
	assert_int_equal(served(0), before);
	/* After a time. */
	fake.device->settings.failback = FAILBACK_AFTER;
	fake.device->settings.failback_ms = 60000;
	fake_break(&fake, 1, "gone");           /* the active one: 0 takes over */
	fake_advance(&fake, 1000);
	break_active_and_return(0);
	before = served(0);
	fake_advance(&fake, 40000);
	fake_io(&fake, REQUEST_READ, 0, 1, block);
	assert_int_equal(served(0), before);
	fake_advance(&fake, 20000);
	fake_io(&fake, REQUEST_READ, 0, 1, block);
	assert_int_equal(served(0), before + 1);
}

static void manual_failback(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
	settings->failback = FAILBACK_MANUAL;
}

/* Which path comes up first is chance, not a failover. */
static int late_preferred_path(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, 2, false, manual_failback);
	fake.device->paths[1]->settings.is_preferred = true;
	return 0;
}

static void preferred_path_is_taken_first_though_verified_last(void **state)
{
	(void)state;
	transport_start(&fake.nexuses[0].transport);
	fake_advance(&fake, 5000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	transport_start(&fake.nexuses[1].transport);
	fake_advance(&fake, 100);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	assert_int_equal(served(0), 0);
	assert_int_equal(served(1), 1);
}

int main(void)
{
#define TEST(paths, test) cmocka_unit_test_setup_teardown(test, paths, teardown)
	const struct CMUnitTest tests[] = {
		TEST(four_paths, round_robin_uses_every_path_alike),
		TEST(four_paths, round_robin_goes_on_with_the_rest),
		TEST(failover_only_paths, failover_only_uses_one_path),
		TEST(failover_only_paths, without_a_preferred_path_io_stays_where_it_went),
		TEST(failover_only_paths, failback_is_as_set),
		TEST(late_preferred_path, preferred_path_is_taken_first_though_verified_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
