// SPDX-License-Identifier: LGPL-2.1-or-later
/* The way back to the preferred target port group, and moves by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alua_array.h"
#include "device_settings.h"

static unsigned int activations(void)
{
	return unit->count[0xa4];
}

static uint8_t group_state(uint16_t id)
{
	return fake_find_group(unit, id)->state;
}

static int move_to(unsigned int i)
{
	char error[200];

	return device_activate_path(fake.device, fake.device->paths[i], error, sizeof error);
}

static void bring_back(unsigned int i)
{
	fake.nexuses[i].refuses = false;
	fake_advance(&fake, 7000);
}

static void preferred_group_is_returned_to(void **state)
{
	(void)state;
	prepare(2, EXPLICIT, 2, AU, NULL);
	unit->groups[0].is_preferred = true;
	start();
	lose(0);
	fake_advance(&fake, 5000);
	assert_int_equal(group_state(2), AO);
	bring_back(0);
	fake_advance(&fake, 5000);
	assert_int_equal(group_state(1), AO);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(activations(), 2);
}

static void manual_failback(struct settings *settings)
{
	settings->failback = FAILBACK_MANUAL;
}

static void preferred_group_is_not_returned_to_unasked(void **state)
{
	(void)state;
	prepare(2, EXPLICIT, 2, AU, manual_failback);
	unit->groups[0].is_preferred = true;
	start();
	lose(0);
	fake_advance(&fake, 5000);
	bring_back(0);
	fake_advance(&fake, 60000);
	assert_int_equal(group_state(2), AO);
	assert_int_equal(activations(), 1);
}

static void group_that_the_array_has_moved_itself_is_left_there(void **state)
{
	(void)state;
	prepare(2, EXPLICIT | IMPLICIT, 2, AU, NULL);
	unit->groups[0].is_preferred = true;
	start();
	fake_set_group(&fake, unit, 1, AU);
	fake_set_group(&fake, unit, 2, AO);
	fake_advance(&fake, 600000);
	assert_int_equal(group_state(2), AO);
	assert_int_equal(activations(), 0);
}

static void administrator_moves_the_device_and_it_stays(void **state)
{
	(void)state;
	prepare(2, EXPLICIT, 2, AU, NULL);
	unit->groups[0].is_preferred = true;
	start();
	assert_int_equal(move_to(0), 0);
	fake_serve(&fake);
	assert_int_equal(activations(), 0);
	assert_int_equal(move_to(1), 0);
	fake_serve(&fake);
	assert_int_equal(group_state(2), AO);
	fake_advance(&fake, 600000);
	assert_int_equal(group_state(2), AO);
	lose(1);
	assert_int_equal(move_to(1), -EINVAL);
}

static void failover_only(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
}

static void policy_follows_the_administrator_when_the_group_is_active(void **state)
{
	(void)state;
	prepare(4, EXPLICIT, 2, UNAVAILABLE, failover_only);
	unit->demoted = AO;                     /* both groups, from then on */
	start();
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	assert_int_equal(fake.nexuses[0].served, 1);
	assert_int_equal(move_to(3), 0);
	fake_serve(&fake);
	assert_int_equal(fake.device->candidates.count, 4);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	assert_int_equal(fake.nexuses[3].served, 1);
}

static void administrator_cannot_move_what_moves_itself(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, AU);
	assert_int_equal(alua_activate(fake.device, fake.device->paths[1]), -EOPNOTSUPP);
	assert_int_equal(move_to(1), -EINVAL);
	assert_int_equal(move_to(0), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(preferred_group_is_returned_to),
		TEST(preferred_group_is_not_returned_to_unasked),
		TEST(group_that_the_array_has_moved_itself_is_left_there),
		TEST(administrator_moves_the_device_and_it_stays),
		TEST(policy_follows_the_administrator_when_the_group_is_active),
		TEST(administrator_cannot_move_what_moves_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
