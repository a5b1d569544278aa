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

static void set_state(unsigned int i, enum path_state state)
{
	path_enter(fake.device->paths[i], state, "as the test says");
	mpath_run(&fake.mpath);
}

/* The path that a read goes over. No time passes. */
static unsigned int carrier(void)
{
	struct fake_request request;
	uint64_t before[3] = { served(0), served(1), served(2) };

	fake_submit(&fake, &request, REQUEST_READ, 0, 1, block);
	fake_serve(&fake);
	assert_int_equal(request.completions, 1);
	for (unsigned int i = 0; i < 3; i++)
		if (served(i) != before[i])
			return i;
	fail();
	return 3;
}

/* A new device, all of whose paths are in GOOD. Path 1 is preferred, was in use,
 * has been WORSE for a while, and is back. */
static void leave_and_return(enum failback failback, enum path_state good,
			     enum path_state worse)
{
	teardown(NULL);
	failover_only_paths(NULL);
	fake.device->paths[1]->settings.is_preferred = true;
	fake.device->settings.failback = failback;
	fake.device->settings.failback_ms = 5000;
	for (unsigned int i = 0; i < 3; i++)
		set_state(i, PATH_FAILED);
	for (unsigned int i = 0; i < 3; i++)
		set_state(i, good);
	assert_int_equal(carrier(), 1);
	set_state(1, worse);
	assert_int_equal(carrier(), 0);
	set_state(1, good);
}

static void failback_is_as_set_in_every_access_state(void **state)
{
	(void)state;
	for (enum path_state good = PATH_ACTIVE_OPTIMIZED; good <= PATH_STANDBY; good++) {
		for (enum path_state worse = good + 1; worse <= PATH_FAILED; worse++) {
			leave_and_return(FAILBACK_IMMEDIATE, good, worse);
			assert_int_equal(carrier(), 1);

			leave_and_return(FAILBACK_MANUAL, good, worse);
			assert_int_equal(carrier(), 0);
			/* Nothing better is left. */
			set_state(0, PATH_FAILED);
			assert_int_equal(carrier(), 1);

			leave_and_return(FAILBACK_AFTER, good, worse);
			mpath_set_now(&fake.mpath, fake.mpath.now_us + 4900000);
			assert_int_equal(carrier(), 0);
			mpath_set_now(&fake.mpath, fake.mpath.now_us + 200000);
			mpath_run(&fake.mpath);
			assert_int_equal(carrier(), 1);
		}
	}
}

/* Away from the preferred path, as long as the one chosen works. */
static void what_the_administrator_activates_stays(void **state)
{
	const struct policy_ops *policy = fake.device->policy;
	void *context = fake.device->policy_context;

	(void)state;
	fake.device->paths[0]->settings.is_preferred = true;
	set_state(1, PATH_FAILED);              /* the policy looks again */
	set_state(1, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(carrier(), 0);
	policy->activate(context, path(2));
	assert_ptr_equal(policy->active(context), path(2));
	assert_int_equal(carrier(), 2);
	set_state(1, PATH_FAILED);
	set_state(1, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(carrier(), 2);
	set_state(2, PATH_FAILED);
	assert_int_equal(carrier(), 0);
	set_state(2, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(carrier(), 0);
	/* And it ends the waiting of failback=manual. */
	fake.device->settings.failback = FAILBACK_MANUAL;
	set_state(0, PATH_FAILED);
	set_state(0, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(carrier(), 1);
	policy->activate(context, path(0));
	assert_int_equal(carrier(), 0);
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
		TEST(failover_only_paths, failback_is_as_set_in_every_access_state),
		TEST(failover_only_paths, what_the_administrator_activates_stays),
		TEST(late_preferred_path, preferred_path_is_taken_first_though_verified_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
