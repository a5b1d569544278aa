// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who owns a unit, and picks its paths. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scripted_dsm.h"

static const struct dsm_ops *const both[] = { &beta, &acme_minimal };
static const struct dsm_ops *const rivals[] = { &acme, &acme_minimal };

/*
 * Claims
 */

static void generic_module_owns_what_no_other_claims(void **state)
{
	(void)state;
	unit->vendor = "NOBODY";
	start(both, 2);
	assert_ptr_equal(fake.device->dsm, &dsm_generic);
	assert_false(fake_saw(&fake, "not-claimed"));
}

static void first_module_to_claim_owns(void **state)
{
	(void)state;
	start(rivals, 2);
	assert_ptr_equal(fake.device->dsm, &acme);
}

static void device_keeps_its_module_for_its_life(void **state)
{
	(void)state;
	start(&rivals[1], 1);
	mpath_set_dsms(&fake.mpath, rivals, 2);
	fake_break(&fake, 0, "gone");
	fake_break(&fake, 1, "gone");
	fake_advance(&fake, 10000);
	assert_int_equal(device_usable_paths(fake.device), 2);
	assert_ptr_equal(fake.device->dsm, &acme_minimal);
}

static void unit_that_nobody_claims_is_refused_once_with_every_reason(void **state)
{
	(void)state;
	unit->vendor = "NOBODY";
	unit->version = 4;
	start(both, 2);
	fake_advance(&fake, 30000);
	assert_false(device_is_ready(fake.device));
	assert_non_null(strstr(path(0)->last_error, "beta: not of BETA"));
	assert_non_null(strstr(path(0)->last_error, "acme: not of ACME"));
	assert_non_null(strstr(path(0)->last_error, "generic: NOBODY ARRAY claims version 4"));
	assert_int_equal(times_seen("not-claimed"), 1);
	unit->version = 5;
	fake_advance(&fake, 30000);
	assert_ptr_equal(fake.device->dsm, &dsm_generic);
}

static void units_of_two_vendors_have_their_own_modules_in_one_process(void **state)
{
	struct settings settings = fake_settings();
	struct device *first = fake.device, *second;

	(void)state;
	/* The second device's paths lead through sessions of their own. */
	mpath_set_dsms(&fake.mpath, both, 2);
	second = device_new(&fake.mpath, "second", &settings);
	fake.nexuses[1].unit = other;
	assert_int_equal(device_add_path(second, &fake.nexuses[1].transport, 0,
					 &(struct path_settings) { 0 }, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
	assert_ptr_equal(first->dsm, &acme_minimal);
	assert_ptr_equal(second->dsm, &beta);
	/* Neither takes the other's path. */
	assert_int_equal(first->paths[1]->state, PATH_FAILED);
	memset(block, 0x5a, sizeof block);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	fake.device = second;
	memset(block, 0xa5, sizeof block);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_int_equal(unit->medium[3 * 512], 0x5a);
	assert_int_equal(other->medium[3 * 512], 0xa5);
	device_free(second);
	fake.device = first;
}

static void path_whose_unit_is_not_claimed_any_more_is_refused(void **state)
{
	static struct fake_unit changed;

	(void)state;
	start_acme();
	script.pick = 1;
	changed = *unit;
	changed.vendor = "NOBODY";
	fake.nexuses[0].unit = &changed;
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 1000);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_non_null(strstr(path(0)->last_error, "not of ACME"));
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

/*
 * Picks
 */

static void pick_of_the_module_is_taken(void **state)
{
	(void)state;
	start_acme();
	script.pick = 1;
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	assert_int_equal(path(0)->counters.ops[PATH_OP_WRITE], 0);
	assert_int_equal(path(1)->counters.ops[PATH_OP_WRITE], 10);
}

static void expect_policy_instead(const char *event, unsigned int ios)
{
	for (unsigned int i = 0; i < ios; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	assert_int_equal(times_seen(event), 1);
	assert_non_null(strstr(fake.last_reason, "DSM acme"));
	assert_true(path(0)->counters.ops[PATH_OP_WRITE] > 0);
	assert_true(path(1)->counters.ops[PATH_OP_WRITE] > 0);
}

static void no_path_although_all_are_free_is_told_and_the_policy_picks(void **state)
{
	(void)state;
	start_acme();
	script.pick = DSM_WAIT;
	expect_policy_instead("no-path", 4);
}

static void foreign_path_is_told_and_the_policy_picks(void **state)
{
	(void)state;
	start_acme();
	script.pick = 2;
	expect_policy_instead("bogus-path", 4);
	script.pick = -7;
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 1, 1, block), 0);
	assert_int_equal(fake.device->dsm_faults[DSM_FAULT_BOGUS_PATH], 5);
}

static void path_without_a_slot_is_told_and_the_policy_picks(void **state)
{
	struct fake_request first, second;

	(void)state;
	start_acme();
	script.pick = 0;
	fake_submit(&fake, &first, REQUEST_WRITE, 0, 1, block);
	fake_submit(&fake, &second, REQUEST_WRITE, 1, 1, block);
	assert_int_equal(path(1)->in_flight, 1);
	assert_int_equal(times_seen("bogus-path"), 1);
	assert_non_null(strstr(fake.last_reason, "no free slot"));
	fake_serve(&fake);
	assert_int_equal(first.completions + second.completions, 2);
}

static void module_may_wait_for_a_slot(void **state)
{
	struct fake_request first, second;

	(void)state;
	start_acme();
	script.pick = 0;
	fake_submit(&fake, &first, REQUEST_WRITE, 0, 1, block);
	script.pick = DSM_WAIT;
	fake_submit(&fake, &second, REQUEST_WRITE, 1, 1, block);
	assert_int_equal(path(1)->in_flight, 0);
	script.pick = 0;
	fake_serve(&fake);
	assert_int_equal(first.completions + second.completions, 2);
	assert_int_equal(path(0)->counters.ops[PATH_OP_WRITE], 2);
	assert_false(fake_saw(&fake, "no-path"));
}

static void repeated_faults_are_told_ever_less(void **state)
{
	(void)state;
	start_acme();
	script.pick = 99;
	for (unsigned int i = 0; i < 1100; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
	assert_int_equal(fake.device->dsm_faults[DSM_FAULT_BOGUS_PATH], 1100);
	assert_int_equal(times_seen("bogus-path"), 4);
	assert_non_null(strstr(fake.last_reason, "1000 times"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, prepare, teardown)
#define TEST_ONE_SLOT(test) cmocka_unit_test_setup_teardown(test, prepare_one_slot, teardown)
	const struct CMUnitTest tests[] = {
		TEST(generic_module_owns_what_no_other_claims),
		TEST(first_module_to_claim_owns),
		TEST(device_keeps_its_module_for_its_life),
		TEST(unit_that_nobody_claims_is_refused_once_with_every_reason),
		TEST(units_of_two_vendors_have_their_own_modules_in_one_process),
		TEST(path_whose_unit_is_not_claimed_any_more_is_refused),
		TEST(pick_of_the_module_is_taken),
		TEST(no_path_although_all_are_free_is_told_and_the_policy_picks),
		TEST(foreign_path_is_told_and_the_policy_picks),
		TEST_ONE_SLOT(path_without_a_slot_is_told_and_the_policy_picks),
		TEST_ONE_SLOT(module_may_wait_for_a_slot),
		TEST(repeated_faults_are_told_ever_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
