// SPDX-License-Identifier: LGPL-2.1-or-later
/* Target port groups: who is in which, what is believed, and who carries I/O. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alua_array.h"

#define BOTH (IMPLICIT | EXPLICIT)

static void write_some(void)
{
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
}

/*
 * Knowing
 */

static void each_path_knows_its_group_and_its_state(void **state)
{
	(void)state;
	setup(4, IMPLICIT, 2, AU);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(path(i)->has_tpg);
		assert_int_equal(path(i)->tpg, i % 2 + 1);
		assert_int_equal(path(i)->array_state,
				 i % 2 ? PATH_ACTIVE_UNOPTIMIZED : PATH_ACTIVE_OPTIMIZED);
		assert_int_equal(path(i)->state, path(i)->array_state);
	}
	assert_true(alua_is_asymmetric(fake.device));
	assert_string_equal(alua_access_name(fake.device), "alua-implicit");
	assert_int_equal(fake.device->state, DEVICE_NORMAL);
}

static void groups_of_one_state_are_symmetric_until_they_differ(void **state)
{
	(void)state;
	setup(2, BOTH, 2, AO);
	assert_string_equal(alua_access_name(fake.device), "alua-both");
	assert_false(alua_is_asymmetric(fake.device));
	unit->raises_attention = true;
	fake_set_group(&fake, unit, 2, AU);
	write_some();
	assert_true(alua_is_asymmetric(fake.device));
	fake_set_group(&fake, unit, 2, AO);
	write_some();
	assert_true(alua_is_asymmetric(fake.device));
}

static void unit_without_groups_is_not_asked(void **state)
{
	(void)state;
	setup(2, 0, 2, AU);
	assert_false(path(0)->has_tpg);
	assert_int_equal(unit->count[0xa3], 0);
	assert_string_equal(alua_access_name(fake.device), "symmetric");
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void one_question_at_a_time_serves_all_paths(void **state)
{
	(void)state;
	setup(16, BOTH, 2, AU);
	assert_int_equal(device_usable_paths(fake.device), 16);
	assert_int_equal(fake.most_reports, 1);
	assert_in_range(unit->count[0xa3], 1, 4);
}

static void array_without_extended_header_is_asked_without(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, AU, NULL);
	unit->no_extended_header = true;
	start();
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void answer_without_its_end_is_asked_for_in_the_other_format(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, AU, NULL);
	unit->forgets_header = true;
	unit->transition_time_s = 7;
	start();
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(fake.device->alua.transition_time_s, 7);
}

static void port_without_group_in_vpd_83h_is_found_by_its_number(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, AU, NULL);
	fake.nexuses[0].hides_group = fake.nexuses[1].hides_group = true;
	start();
	assert_int_equal(path(0)->tpg, 1);
	assert_int_equal(path(1)->tpg, 2);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void no_path_enters_service_before_its_state_is_known(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, STANDBY, NULL);
	fake.nexuses[0].ignores = fake.nexuses[1].ignores = 0xa3;
	start();
	assert_int_equal(path(0)->state, PATH_CHECKING);
	assert_int_equal(device_usable_paths(fake.device), 0);
	assert_false(device_is_settled(fake.device));
	fake.nexuses[0].ignores = fake.nexuses[1].ignores = 0;
	fake_advance(&fake, 1);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(1)->state, PATH_STANDBY);
	assert_true(device_is_settled(fake.device));
}

/*
 * Refusing
 */

static void assert_refused(unsigned int i, const char *first, const char *second)
{
	assert_int_equal(path(i)->state, PATH_FAILED);
	assert_true(path(i)->is_refused);
	assert_non_null(strstr(path(i)->last_error, first));
	assert_non_null(strstr(path(i)->last_error, second));
}

static void array_that_says_tpgs_and_reports_none_is_refused(void **state)
{
	(void)state;
	prepare(2, BOTH, 2, AU, NULL);
	unit->no_port_groups = true;
	start();
	for (unsigned int i = 0; i < 2; i++)
		assert_refused(i, "TPGS 3 (alua-both)",
			       "REPORT TARGET PORT GROUPS fails: ILLEGAL REQUEST 20h/00h");
	/* It has learnt it. */
	unit->no_port_groups = false;
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void group_that_is_not_reported_is_refused(void **state)
{
	(void)state;
	prepare(3, IMPLICIT, 2, AU, NULL);
	fake.nexuses[2].group = 9;
	start();
	assert_refused(2, "target port group 9", "lists 1, 2");
	assert_int_equal(device_usable_paths(fake.device), 2);
}

static void port_in_no_group_is_refused(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, AU, NULL);
	fake.nexuses[1].port = 0;
	start();
	assert_refused(1, "TPGS 1 (alua-implicit)", "VPD 83h names no target port group");
}

static void modes_that_differ_between_paths_are_refused(void **state)
{
	(void)state;
	prepare(3, BOTH, 2, AU, NULL);
	fake.nexuses[2].tpgs = IMPLICIT;
	start();
	assert_refused(2, "TPGS 1 (alua-implicit)", "says 3 (alua-both)");
	assert_int_equal(device_usable_paths(fake.device), 2);
}

/*
 * Carrying
 */

static void unoptimized_paths_never_mix_with_optimized_ones(void **state)
{
	(void)state;
	setup(4, IMPLICIT, 2, AU);
	write_some();
	assert_int_equal(fake.nexuses[0].served + fake.nexuses[2].served, 40);
	lose(0);
	fake_serve(&fake);
	write_some();
	assert_int_equal(fake.nexuses[1].served + fake.nexuses[3].served, 0);
	lose(2);
	fake_serve(&fake);
	write_some();
	assert_int_equal(fake.nexuses[1].served + fake.nexuses[3].served, 40);
	assert_true(fake.nexuses[1].served && fake.nexuses[3].served);
	fake.nexuses[2].refuses = false;
	fake_advance(&fake, 10000);
	write_some();
	assert_int_equal(fake.nexuses[1].served + fake.nexuses[3].served, 40);
}

static size_t only_candidate(void)
{
	assert_int_equal(fake.device->candidates.count, 1);
	return fake.device->candidates.paths[0]->index;
}

static void states_are_used_in_their_order(void **state)
{
	(void)state;
	prepare(4, IMPLICIT, 4, AU, NULL);
	unit->groups[0].state = UNAVAILABLE;
	unit->groups[1].state = STANDBY;
	unit->groups[2].state = AU;
	unit->groups[3].state = AO;
	start();
	assert_int_equal(only_candidate(), 3);
	lose(3);
	fake_serve(&fake);
	assert_int_equal(only_candidate(), 2);
	lose(2);
	fake_serve(&fake);
	assert_int_equal(only_candidate(), 1);
	lose(1);
	fake_serve(&fake);
	/* It would refuse all I/O. */
	assert_int_equal(path(0)->state, PATH_UNAVAILABLE);
	assert_int_equal(fake.device->state, DEVICE_NO_PATH);
	assert_true(fake_saw(&fake, "all-paths-down"));
}

static void administrators_standby_comes_before_the_arrays(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, STANDBY, NULL);
	fake.device->paths[0]->settings.is_standby = true;
	start();
	assert_int_equal(path(0)->state, PATH_STANDBY);
	assert_int_equal(path(1)->state, PATH_STANDBY);
	device_access_changed(fake.device, "test");
	assert_int_equal(only_candidate(), 0);
}

static void path_keeps_the_worse_of_both_states(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 2, UNAVAILABLE, NULL);
	fake.device->paths[1]->settings.is_standby = true;
	start();
	assert_int_equal(path(1)->state, PATH_UNAVAILABLE);
	assert_int_equal(path(1)->array_state, PATH_UNAVAILABLE);
}

/*
 * Following
 */

static void groups_change_roles_under_load(void **state)
{
	struct fake_request many[60];
	uint64_t served;

	(void)state;
	setup(2, IMPLICIT, 2, AU);
	unit->raises_attention = true;
	for (unsigned int i = 0; i < 60; i++) {
		memset(block, 0x3c, sizeof block);
		fake_submit(&fake, &many[i], REQUEST_WRITE, i, 1, block);
		if (i == 30) {
			fake_set_group(&fake, unit, 1, AU);
			fake_set_group(&fake, unit, 2, AO);
		}
		fake_serve_one(&fake, &fake.nexuses[0]);
	}
	fake_advance(&fake, 100);
	for (unsigned int i = 0; i < 60; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, 0);
		assert_memory_equal(unit->medium + i * 512, block, 512);
	}
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(0)->counters.failures, 0);
	assert_true(fake_saw(&fake, "access-state-changed"));
	served = fake.nexuses[0].served;
	write_some();
	assert_int_equal(fake.nexuses[0].served, served);
}

static void group_that_refuses_io_is_left_at_once(void **state)
{
	static const struct { uint8_t state; enum path_state path; } refusing[] = {
		{ STANDBY, PATH_STANDBY }, { UNAVAILABLE, PATH_UNAVAILABLE },
		{ TRANSITIONING, PATH_TRANSITIONING },
	};

	(void)state;
	setup(4, IMPLICIT, 2, AU);
	for (unsigned int i = 0; i < 3; i++) {
		struct fake_request fr;
		uint64_t now_us;

		assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
		now_us = fake.mpath.now_us;
		fake_set_group(&fake, unit, 1, refusing[i].state);      /* without notice */
		fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
		/* Before the array is asked: one answer tells of all the group. */
		assert_true(fake_serve_one(&fake, &fake.nexuses[0]) ||
			    fake_serve_one(&fake, &fake.nexuses[2]));
		assert_int_equal(path(0)->array_state, refusing[i].path);
		assert_int_equal(path(2)->array_state, refusing[i].path);
		fake_serve(&fake);
		assert_int_equal(fr.completions, 1);
		assert_int_equal(fr.request.error, 0);
		assert_int_equal(fake.mpath.now_us, now_us);
		assert_int_equal(path(0)->counters.failures, 0);
		fake_set_group(&fake, unit, 1, AO);
		fake_advance(&fake, 60000);
	}
}

static void change_without_notice_is_found_by_verification(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, AU);
	fake_set_group(&fake, unit, 2, AO);
	fake_set_group(&fake, unit, 1, AU);
	fake_advance(&fake, 40000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void group_that_takes_no_io_is_asked_for(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, UNAVAILABLE);
	unit->raises_attention = true;
	fake_set_group(&fake, unit, 2, AO);
	fake_advance(&fake, 6000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void array_that_contradicts_itself_is_not_asked_without_end(void **state)
{
	struct fake_request fr;
	unsigned int before;

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	before = unit->count[0xa3];
	for (unsigned int i = 0; i < FAKE_SCRIPT; i++)
		fake_script(&fake.nexuses[0], (struct fake_answer) {
			.status = SAM_STATUS_CHECK_CONDITION,
			.key = 2, .asc = 4, .ascq = 0x0b });
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	fake_advance(&fake, 5000);
	assert_in_range(unit->count[0xa3] - before, 2, 30);
	fake_advance(&fake, 60000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void group_that_tells_no_size_gets_no_io_before_it_does(void **state)
{
	unsigned int capacities;

	(void)state;
	prepare(2, IMPLICIT, 2, STANDBY, NULL);
	unit->tells_no_size = true;
	unit->raises_attention = true;
	start();
	assert_int_equal(path(1)->array_state, PATH_STANDBY);
	assert_int_equal(path(1)->state, PATH_UNAVAILABLE);
	assert_false(path(1)->is_verified);
	lose(0);
	fake_serve(&fake);
	assert_int_equal(fake.device->candidates.count, 0);
	capacities = unit->count[0x9e];
	fake_set_group(&fake, unit, 2, AO);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_true(path(1)->is_verified);
	assert_int_equal(unit->count[0x9e], capacities + 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_path_knows_its_group_and_its_state),
		TEST(groups_of_one_state_are_symmetric_until_they_differ),
		TEST(unit_without_groups_is_not_asked),
		TEST(one_question_at_a_time_serves_all_paths),
		TEST(array_without_extended_header_is_asked_without),
		TEST(answer_without_its_end_is_asked_for_in_the_other_format),
		TEST(port_without_group_in_vpd_83h_is_found_by_its_number),
		TEST(no_path_enters_service_before_its_state_is_known),
		TEST(array_that_says_tpgs_and_reports_none_is_refused),
		TEST(group_that_is_not_reported_is_refused),
		TEST(port_in_no_group_is_refused),
		TEST(modes_that_differ_between_paths_are_refused),
		TEST(unoptimized_paths_never_mix_with_optimized_ones),
		TEST(states_are_used_in_their_order),
		TEST(administrators_standby_comes_before_the_arrays),
		TEST(path_keeps_the_worse_of_both_states),
		TEST(groups_change_roles_under_load),
		TEST(group_that_refuses_io_is_left_at_once),
		TEST(change_without_notice_is_found_by_verification),
		TEST(group_that_takes_no_io_is_asked_for),
		TEST(array_that_contradicts_itself_is_not_asked_without_end),
		TEST(group_that_tells_no_size_gets_no_io_before_it_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
