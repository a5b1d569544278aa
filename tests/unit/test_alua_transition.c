// SPDX-License-Identifier: LGPL-2.1-or-later
/* Transitions of access states, and questions that are not answered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alua_array.h"

/* Submits a write into a device whose only group is in transition. */
static void write_into_transition(struct fake_request *fr)
{
	fake_set_group(&fake, unit, 1, TRANSITIONING);
	fake_submit(&fake, fr, REQUEST_WRITE, 7, 1, block);
	fake_serve(&fake);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	assert_int_equal(fr->completions, 0);
}

static void io_waits_for_a_transition_that_fails_no_path(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, IMPLICIT, 1, AU);
	write_into_transition(&fr);
	fake_advance(&fake, 30000);
	assert_int_equal(fr.completions, 0);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 1000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_int_equal(path(0)->counters.failures + path(1)->counters.failures, 0);
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void transition_is_polled_often_and_then_less_so(void **state)
{
	struct fake_request fr;
	unsigned int before;

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	write_into_transition(&fr);
	before = unit->count[0xa3];
	fake_advance(&fake, 500);
	assert_in_range(unit->count[0xa3] - before, 2, 5);
	before = unit->count[0xa3];
	fake_advance(&fake, 20000);
	assert_in_range(unit->count[0xa3] - before, 18, 40);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 1000);
	before = unit->count[0xa3];
	fake_advance(&fake, 10000);
	assert_in_range(unit->count[0xa3] - before, 0, 1);      /* routine */
}

static void endless_transition_fails_the_path_and_then_the_io(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	write_into_transition(&fr);
	fake_advance(&fake, 59000);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	fake_advance(&fake, 1500);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_non_null(strstr(path(0)->last_error, "transition"));
	assert_true(fake_saw(&fake, "all-paths-down"));
	/* no_path_timeout begins, whatever verifications find meanwhile. */
	fake_advance(&fake, 18500);
	assert_int_equal(fr.completions, 0);
	fake_advance(&fake, 2000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -EIO);
	assert_int_equal(path(0)->state, PATH_FAILED);
	/* And when it ends after all, the path is back. */
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

static void time_that_the_array_states_is_waited_for(void **state)
{
	struct fake_request fr;

	(void)state;
	prepare(1, IMPLICIT, 1, AU, NULL);
	unit->transition_time_s = 100;
	transport_start(&fake.nexuses[0].transport);
	fake_advance(&fake, 2000);
	write_into_transition(&fr);
	fake_advance(&fake, 95000);
	assert_int_equal(fr.completions, 0);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 1500);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void impatient(struct settings *settings)
{
	settings->no_path_timeout_ms = 0;
	settings->command_timeout_ms = 1000;
}

static void transition_counts_against_no_other_time_out(void **state)
{
	struct fake_request fr;

	(void)state;
	prepare(1, IMPLICIT, 1, AU, impatient);
	start();
	write_into_transition(&fr);
	fake_advance(&fake, 40000);
	assert_int_equal(fr.completions, 0);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 1500);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void transition_into_unavailable_begins_the_outage(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	write_into_transition(&fr);
	fake_advance(&fake, 30000);
	fake_set_group(&fake, unit, 1, UNAVAILABLE);
	fake_advance(&fake, 2000);
	assert_int_equal(path(0)->state, PATH_UNAVAILABLE);
	assert_true(fake_saw(&fake, "all-paths-down"));
	fake_advance(&fake, 17000);
	assert_int_equal(fr.completions, 0);
	fake_advance(&fake, 3000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -EIO);
}

static void transition_that_ends_an_outage_is_waited_for(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	fake_advance(&fake, 10000);
	fake_set_group(&fake, unit, 1, TRANSITIONING);
	fake.nexuses[0].refuses = false;
	fake_advance(&fake, 30000);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	assert_int_equal(fr.completions, 0);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 1500);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void other_group_takes_over_while_one_is_in_transition(void **state)
{
	struct fake_request fr;
	uint64_t now_us;

	(void)state;
	setup(2, IMPLICIT, 2, AU);
	now_us = fake.mpath.now_us;
	fake_set_group(&fake, unit, 1, TRANSITIONING);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_int_equal(fake.mpath.now_us, now_us);
	assert_int_equal(path(0)->state, PATH_TRANSITIONING);
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 500);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void unit_that_starts_in_transition_is_served_later(void **state)
{
	(void)state;
	prepare(2, IMPLICIT, 1, AU, NULL);
	unit->groups[0].state = TRANSITIONING;
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 20000);
	assert_false(device_is_ready(fake.device));
	fake_set_group(&fake, unit, 1, AO);
	fake_advance(&fake, 10000);
	assert_true(device_is_ready(fake.device));
	assert_int_equal(device_usable_paths(fake.device), 2);
}

static void path_verified_in_transition_is_verified_again_before_io(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, AU);
	fake_set_group(&fake, unit, 2, TRANSITIONING);
	fake_break(&fake, 1, "gone");
	fake_advance(&fake, 1000);
	assert_int_equal(path(1)->state, PATH_TRANSITIONING);
	assert_false(path(1)->is_verified);
	unit->count[0x9e] = 0;
	fake_set_group(&fake, unit, 2, AO);
	fake_advance(&fake, 1000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_true(path(1)->is_verified);
	assert_int_equal(unit->count[0x9e], 1);
}

/*
 * Questions
 */

static void unit_attentions_do_not_end_a_question(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, AU);
	for (unsigned int i = 0; i < 40; i++)
		fake_script(&fake.nexuses[0], (struct fake_answer) {
			.opcode = 0xa3, .status = SAM_STATUS_CHECK_CONDITION,
			.key = 6, .asc = 0x2a, .ascq = 0x06 });
	fake_set_group(&fake, unit, 1, AU);
	fake_set_group(&fake, unit, 2, AO);
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(0)->counters.failures, 0);
	assert_int_equal(fake.most_reports, 1);
}

static void attention_that_came_with_the_answer_is_not_lost(void **state)
{
	unsigned int inquiries;

	(void)state;
	setup(2, IMPLICIT, 2, AU);
	inquiries = unit->count[0x12];
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = 0xa3, .status = SAM_STATUS_CHECK_CONDITION,
		.key = 6, .asc = 0x3f, .ascq = 0x0e });
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_true(unit->count[0x12] >= inquiries + 5);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void silent_path_is_replaced_by_another(void **state)
{
	(void)state;
	setup(2, IMPLICIT, 2, AU);
	fake.nexuses[0].ignores = 0xa3;
	fake_set_group(&fake, unit, 2, AO);
	alua_recheck(fake.device, "test");
	fake_advance(&fake, 2900);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
	fake_advance(&fake, 200);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	/* The late answer harms nothing, and nobody waits for it twice. */
	fake.nexuses[0].ignores = 0;
	fake_advance(&fake, 1000);
	fake_set_group(&fake, unit, 2, AU);
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void path_lost_with_the_question_is_replaced_at_once(void **state)
{
	(void)state;
	setup(3, IMPLICIT, 3, AU);
	fake.nexuses[0].ignores = 0xa3;
	fake_set_group(&fake, unit, 3, AO);
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_int_equal(path(2)->state, PATH_ACTIVE_UNOPTIMIZED);
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_serve(&fake);
	assert_int_equal(path(2)->state, PATH_ACTIVE_OPTIMIZED);
}

static void busy_array_is_asked_again_later(void **state)
{
	(void)state;
	setup(1, IMPLICIT, 1, AU);
	for (unsigned int i = 0; i < 4; i++)
		fake_script(&fake.nexuses[0], (struct fake_answer) {
			.opcode = 0xa3, .status = SAM_STATUS_BUSY });
	fake_set_group(&fake, unit, 1, AU);
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	fake_advance(&fake, 2000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void question_waits_for_a_free_slot(void **state)
{
	struct fake_request many[64];

	(void)state;
	setup(1, IMPLICIT, 1, AU);
	fake.nexuses[0].ignores = CDB_READ_16;
	for (unsigned int i = 0; i < 64; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	mpath_run(&fake.mpath);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count, 64);
	fake_set_group(&fake, unit, 1, AU);
	alua_recheck(fake.device, "test");
	fake_advance(&fake, 10);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	fake.nexuses[0].ignores = 0;
	fake_advance(&fake, 10);
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
}

static void stop_ends_a_device_that_waits_for_answers(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, IMPLICIT, 1, AU);
	write_into_transition(&fr);
	fake.nexuses[0].ignores = fake.nexuses[1].ignores = 0xa3;
	fake_advance(&fake, 1000);
	device_stop(fake.device);
	mpath_run(&fake.mpath);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -ESHUTDOWN);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(io_waits_for_a_transition_that_fails_no_path),
		TEST(transition_is_polled_often_and_then_less_so),
		TEST(endless_transition_fails_the_path_and_then_the_io),
		TEST(time_that_the_array_states_is_waited_for),
		TEST(transition_counts_against_no_other_time_out),
		TEST(transition_into_unavailable_begins_the_outage),
		TEST(transition_that_ends_an_outage_is_waited_for),
		TEST(other_group_takes_over_while_one_is_in_transition),
		TEST(unit_that_starts_in_transition_is_served_later),
		TEST(path_verified_in_transition_is_verified_again_before_io),
		TEST(unit_attentions_do_not_end_a_question),
		TEST(attention_that_came_with_the_answer_is_not_lost),
		TEST(silent_path_is_replaced_by_another),
		TEST(path_lost_with_the_question_is_replaced_at_once),
		TEST(busy_array_is_asked_again_later),
		TEST(question_waits_for_a_free_slot),
		TEST(stop_ends_a_device_that_waits_for_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
