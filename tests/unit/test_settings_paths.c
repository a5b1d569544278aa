// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the administrator says of one path, and what others say of a device. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_settings.h"
#include "fake.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];
static struct device_settings wanted;
static char error[160];

static void setup(unsigned int count, bool start, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, start, tune);
	device_get_settings(fake.device, &wanted);
	*error = '\0';
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static void failover_only(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
}

static void failback_manual(struct settings *settings)
{
	failover_only(settings);
	settings->failback = FAILBACK_MANUAL;
}

static int apply(void)
{
	int err = device_apply(fake.device, &wanted, error, sizeof error);

	fake_serve(&fake);
	return err;
}

static struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

static uint64_t served(unsigned int i)
{
	return fake.nexuses[i].served;
}

static void read_some(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
}

/*
 * Single paths
 */

static void activated_path_stays_active_until_it_fails(void **state)
{
	(void)state;
	setup(3, true, failover_only);
	wanted.paths[0].is_preferred = true;
	assert_int_equal(apply(), 0);
	read_some(2);
	assert_int_equal(device_activate_path(fake.device, path(2), error, sizeof error), 0);
	read_some(3);
	assert_int_equal(served(2), 3);
	fake_advance(&fake, 100000);            /* verifications do not move it */
	read_some(1);
	assert_int_equal(served(2), 4);
	fake_break(&fake, 2, "gone");
	read_some(3);
	assert_int_equal(served(0), 5);
	fake_advance(&fake, 10000);
	read_some(1);
	assert_int_equal(served(0), 6);
}

static void activation_ends_the_wait_for_manual_failback(void **state)
{
	(void)state;
	setup(2, true, failback_manual);
	wanted.paths[0].is_preferred = true;
	assert_int_equal(apply(), 0);
	fake_break(&fake, 0, "gone");
	read_some(1);
	fake_advance(&fake, 10000);
	read_some(1);
	assert_int_equal(served(1), 2);
	assert_int_equal(device_activate_path(fake.device, path(0), error, sizeof error), 0);
	read_some(1);
	assert_int_equal(served(0), 1);
}

static void activation_takes_the_standby_mark_off(void **state)
{
	(void)state;
	setup(2, true, NULL);
	wanted.paths[1].is_standby = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(device_activate_path(fake.device, path(1), error, sizeof error), 0);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_false(path(1)->settings.is_standby);
}

static void paths_that_cannot_carry_io_are_not_activated(void **state)
{
	(void)state;
	setup(2, true, NULL);
	wanted.paths[1].is_disabled = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(device_activate_path(fake.device, path(1), error, sizeof error),
			 -EINVAL);
	assert_non_null(strstr(error, "disabled"));
	wanted.paths[1].is_disabled = false;
	assert_int_equal(apply(), 0);
	fake.nexuses[1].refuses = true;
	fake_break(&fake, 1, "cable pulled");
	assert_int_equal(device_activate_path(fake.device, path(1), error, sizeof error),
			 -EINVAL);
	assert_non_null(strstr(error, "cable pulled"));
}

static void start(void)
{
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
}

static void two_groups(uint8_t tpgs)
{
	setup(2, false, NULL);
	fake_alua_init(&fake, unit, tpgs, 2, 1);
	start();
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void array_that_can_be_told_makes_the_path_active(void **state)
{
	uint64_t before;

	(void)state;
	two_groups(2);
	assert_int_equal(device_activate_path(fake.device, path(1), error, sizeof error), 0);
	fake_advance(&fake, 1000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	before = served(1);
	read_some(4);
	assert_true(served(1) > before);
}

static void policy_follows_from_symmetry_where_none_is_set(void **state)
{
	(void)state;
	two_groups(1);
	assert_string_equal(fake.device->policy->name, "round-robin-subset");
	assert_string_equal(fake.device->policy_source, "default");
	/* Set, and taken back. */
	strcpy(wanted.settings.policy, "failover-only");
	wanted.policy_source = "lun";
	assert_int_equal(apply(), 0);
	assert_string_equal(fake.device->policy->name, "failover-only");
	assert_string_equal(fake.device->policy_source, "lun");
	*wanted.settings.policy = '\0';
	assert_int_equal(apply(), 0);
	assert_string_equal(fake.device->policy->name, "round-robin-subset");
	assert_string_equal(fake.device->policy_source, "default");
}

static void policy_changes_with_symmetry_under_load(void **state)
{
	static struct fake_request many[40];

	(void)state;
	setup(2, false, NULL);
	fake_alua_init(&fake, unit, 1, 2, 0);
	unit->raises_attention = true;
	start();
	assert_string_equal(fake.device->policy->name, "round-robin");
	for (unsigned int i = 0; i < 40; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	fake_set_group(&fake, unit, 2, 1);
	fake_advance(&fake, 1000);
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, 0);
	}
	assert_string_equal(fake.device->policy->name, "round-robin-subset");
	assert_true(fake_saw(&fake, "policy-changed"));
}

static void array_that_decides_by_itself_is_named(void **state)
{
	(void)state;
	two_groups(1);
	wanted.paths[1].is_standby = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(device_activate_path(fake.device, path(1), error, sizeof error),
			 -EINVAL);
	assert_non_null(strstr(error, "decides by itself"));
	assert_true(path(1)->settings.is_standby);
}

static void failed_by_hand_it_comes_back_by_verification(void **state)
{
	uint64_t before;

	(void)state;
	setup(2, true, NULL);
	assert_int_equal(device_fail_path(fake.device, path(0), error, sizeof error), 0);
	assert_int_equal(path(0)->state, PATH_FAILED);
	before = served(0);
	read_some(4);
	assert_int_equal(served(0), before);
	assert_int_equal(device_fail_path(fake.device, path(0), error, sizeof error), -EINVAL);
	assert_int_equal(device_fail_path(fake.device, path(1), error, sizeof error), -EINVAL);
	assert_non_null(strstr(error, "last"));
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

/*
 * The resolver
 */

static void resolve(void *opaque, const struct unit *found, struct device_settings *settings)
{
	(*(unsigned int *)opaque)++;
	assert_string_equal(found->inquiry.vendor, "ACME");
	strcpy(settings->settings.policy, "failover-only");
	settings->policy_source = "hardware";
	settings->settings.retry_count = 9;
}

static void resolve_badly(void *opaque, const struct unit *found,
			  struct device_settings *settings)
{
	(void)opaque;
	(void)found;
	settings->settings.retry_count = 9;
	settings->npaths = 0;
}

static void resolver_is_asked_once_before_io(void **state)
{
	unsigned int asked = 0;

	(void)state;
	setup(2, false, NULL);
	device_set_resolver(fake.device, resolve, &asked);
	start();
	assert_int_equal(asked, 1);
	assert_string_equal(fake.device->policy->name, "failover-only");
	assert_string_equal(fake.device->policy_source, "hardware");
	assert_int_equal(fake.device->settings.retry_count, 9);
	fake_break(&fake, 0, "gone");
	fake_break(&fake, 1, "gone");
	fake_advance(&fake, 20000);
	assert_int_equal(asked, 1);
}

static void bad_resolution_is_told_and_the_luns_own_stay(void **state)
{
	(void)state;
	setup(2, false, NULL);
	device_set_resolver(fake.device, resolve_badly, NULL);
	start();
	assert_true(fake_saw(&fake, "settings-refused"));
	assert_int_equal(fake.device->settings.retry_count, 3);
	read_some(4);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(activated_path_stays_active_until_it_fails),
		TEST(activation_ends_the_wait_for_manual_failback),
		TEST(activation_takes_the_standby_mark_off),
		TEST(paths_that_cannot_carry_io_are_not_activated),
		TEST(array_that_can_be_told_makes_the_path_active),
		TEST(policy_follows_from_symmetry_where_none_is_set),
		TEST(policy_changes_with_symmetry_under_load),
		TEST(array_that_decides_by_itself_is_named),
		TEST(failed_by_hand_it_comes_back_by_verification),
		TEST(resolver_is_asked_once_before_io),
		TEST(bad_resolution_is_told_and_the_luns_own_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
