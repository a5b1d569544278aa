// SPDX-License-Identifier: LGPL-2.1-or-later
/* SET TARGET PORT GROUPS: which group is made active, when, and when not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "alua_array.h"

static unsigned int activations(void)
{
	return unit->count[0xa4];
}

static uint8_t group_state(uint16_t id)
{
	return fake_find_group(unit, id)->state;
}

/*
 * When
 */

static void standby_group_is_activated_at_once_and_io_waits_for_it(void **state)
{
	struct fake_request fr;
	uint64_t now_us;

	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	assert_int_equal(activations(), 0);
	assert_string_equal(alua_access_name(fake.device), "alua-explicit");
	now_us = fake.mpath.now_us;
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	lose(0);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_int_equal(fake.mpath.now_us, now_us);
	assert_int_equal(activations(), 1);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	/* It was not even tried while the group could not take it. */
	assert_int_equal(fake.nexuses[1].served, 1);
	assert_true(fake_saw(&fake, "activation-sent"));
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void unoptimized_group_carries_on_and_is_activated_after_a_second(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, EXPLICIT | IMPLICIT, 2, AU);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	lose(0);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	fake_advance(&fake, 900);
	assert_int_equal(activations(), 0);
	fake_advance(&fake, 1100);
	assert_int_equal(activations(), 1);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

/* It would never return if it asked without end. */
static void full_session_is_waited_for_in_peace(void **state)
{
	struct fake_request many[64];

	(void)state;
	setup(2, EXPLICIT, 2, AU);
	lose(0);
	fake.nexuses[1].ignores = CDB_READ_16;
	for (unsigned int i = 0; i < 64; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	fake_advance(&fake, 3000);
	assert_int_equal(activations(), 0);
	fake.nexuses[1].ignores = 0;
	fake_advance(&fake, 500);
	assert_int_equal(activations(), 1);
}

static void session_that_comes_back_soon_is_no_reason(void **state)
{
	(void)state;
	setup(2, EXPLICIT, 2, AU);
	fake_advance(&fake, 60000);
	fake_break(&fake, 0, "gone for a moment");
	fake_advance(&fake, 30000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(activations(), 0);
}

static void paths_that_are_late_at_the_start_are_waited_for(void **state)
{
	(void)state;
	prepare(2, EXPLICIT, 2, STANDBY, NULL);
	fake.nexuses[0].is_mute = true;
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 1500);              /* the election took a second */
	fake.nexuses[0].is_mute = false;
	fake_advance(&fake, 5000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(activations(), 0);
}

static void array_that_decides_alone_is_only_asked(void **state)
{
	struct fake_request fr;
	unsigned int before;

	(void)state;
	setup(2, IMPLICIT, 2, STANDBY);
	before = unit->count[0xa3];
	lose(0);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	fake_advance(&fake, 10000);
	assert_int_equal(activations(), 0);
	assert_int_equal(fr.completions, 0);
	assert_in_range(unit->count[0xa3] - before, 5, 60);
	fake_set_group(&fake, unit, 2, AO);
	fake_advance(&fake, 5500);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void array_that_has_acted_by_itself_is_not_told(void **state)
{
	(void)state;
	setup(2, EXPLICIT | IMPLICIT, 2, STANDBY);
	fake_set_group(&fake, unit, 2, AO);     /* without notice */
	lose(0);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	fake_advance(&fake, 5000);
	assert_int_equal(activations(), 0);
}

static void array_that_has_acted_is_asked_though_io_goes_on(void **state)
{
	(void)state;
	setup(2, EXPLICIT | IMPLICIT, 2, AU);
	fake_set_group(&fake, unit, 2, AO);     /* without notice */
	lose(0);
	fake_advance(&fake, 5000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(activations(), 0);
}

/*
 * Which
 */

static void preferred_group_comes_first_then_that_with_most_paths(void **state)
{
	(void)state;
	prepare(7, EXPLICIT, 4, STANDBY, NULL);
	fake.nexuses[6].group = 4;              /* three paths: 3, 6, and */
	fake.nexuses[5].group = 4;
	fake.nexuses[4].group = 2;
	unit->groups[2].is_preferred = true;
	start();
	assert_true(path(2)->array_preferred);
	lose(0);
	fake_serve(&fake);
	assert_int_equal(group_state(3), AO);
	lose(2);
	fake_advance(&fake, 2000);
	assert_int_equal(group_state(4), AO);
}

static void administrators_preference_beats_the_arrays(void **state)
{
	(void)state;
	prepare(3, EXPLICIT, 3, STANDBY, NULL);
	unit->groups[1].is_preferred = true;
	fake.device->paths[2]->settings.is_preferred = true;
	start();
	lose(0);
	fake_serve(&fake);
	assert_int_equal(group_state(3), AO);
}

static void group_that_cannot_be_optimized_is_not_tried(void **state)
{
	(void)state;
	prepare(3, EXPLICIT, 3, STANDBY, NULL);
	unit->groups[1].can_be = 0xce;
	unit->groups[1].is_preferred = true;
	start();
	lose(0);
	fake_serve(&fake);
	assert_int_equal(group_state(3), AO);
	assert_int_equal(activations(), 1);
}

/*
 * Failure
 */

static void refuse_next(unsigned int nexus, uint8_t key, uint8_t asc, uint8_t ascq)
{
	fake_script(&fake.nexuses[nexus], (struct fake_answer) {
		.opcode = 0xa4, .status = SAM_STATUS_CHECK_CONDITION,
		.key = key, .asc = asc, .ascq = ascq });
}

static void refused_activation_is_repeated_a_few_times_and_io_stays(void **state)
{
	static const struct { uint8_t key, asc, ascq; } refusals[] = {
		{ 4, 0x67, 0x0a }, { 5, 0x24, 0x00 }, { 5, 0x26, 0x00 }, { 5, 0x20, 0x00 },
	};

	(void)state;
	setup(2, EXPLICIT, 2, AU);
	for (unsigned int i = 0; i < 40; i++)
		refuse_next(1, refusals[i % 4].key, refusals[i % 4].asc, refusals[i % 4].ascq);
	lose(0);
	for (unsigned int i = 0; i < 60; i++) {
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
		fake_advance(&fake, 30000);
	}
	assert_int_equal(fake.nexuses[1].script_done, 5);
	assert_int_equal(path(1)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(path(1)->counters.failures, 0);
	assert_true(fake_saw(&fake, "activation-failed"));
}

static void nothing_else_works_so_it_is_tried_on_slowly(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	for (unsigned int i = 0; i < 8; i++)
		refuse_next(1, 4, 0x67, 0x0a);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	lose(0);
	fake_advance(&fake, 50000);
	assert_in_range(fake.nexuses[1].script_done, 4, 7);
	assert_int_equal(fr.completions, 0);
	fake_advance(&fake, 100000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

static void other_group_is_tried_after_a_refusal(void **state)
{
	(void)state;
	prepare(3, EXPLICIT, 3, STANDBY, NULL);
	unit->groups[1].is_preferred = true;
	start();
	refuse_next(1, 4, 0x67, 0x0a);
	lose(0);
	fake_advance(&fake, 1500);
	assert_int_equal(group_state(3), AO);
}

static void unit_attentions_on_the_command_are_no_refusal(void **state)
{
	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	for (unsigned int i = 0; i < 10; i++)
		refuse_next(1, 6, 0x2a, 0x06);
	lose(0);
	fake_serve(&fake);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(activations(), 1);
	assert_false(fake_saw(&fake, "activation-failed"));
}

static void transition_elsewhere_is_waited_for(void **state)
{
	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	for (unsigned int i = 0; i < 4; i++)
		refuse_next(1, 2, 0x04, 0x0a);
	lose(0);
	fake_advance(&fake, 3000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_false(fake_saw(&fake, "activation-failed"));
}

static void path_lost_with_the_command_is_replaced(void **state)
{
	(void)state;
	prepare(3, EXPLICIT, 2, STANDBY, NULL);
	fake.nexuses[2].group = 2;
	start();
	fake.nexuses[1].ignores = 0xa4;
	lose(0);
	fake_advance(&fake, 500);
	assert_int_equal(group_state(2), STANDBY);
	lose(1);
	fake_serve(&fake);
	assert_int_equal(group_state(2), AO);
	assert_int_equal(path(2)->state, PATH_ACTIVE_OPTIMIZED);
}

static void activation_by_way_of_a_transition_is_one(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	unit->activated = TRANSITIONING;
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	lose(0);
	fake_advance(&fake, 10000);
	assert_int_equal(path(1)->state, PATH_TRANSITIONING);
	assert_int_equal(fr.completions, 0);
	fake_set_group(&fake, unit, 2, AO);
	fake_advance(&fake, 1000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_int_equal(activations(), 1);
	assert_false(fake_saw(&fake, "activation-failed"));
}

static void io_waits_for_an_array_that_takes_its_time(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, EXPLICIT, 2, STANDBY);
	fake.nexuses[1].ignores = 0xa4;
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	lose(0);
	fake_advance(&fake, 28000);             /* longer than no_path_timeout */
	assert_int_equal(fr.completions, 0);
	fake.nexuses[1].ignores = 0;
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void hosts_that_want_different_groups_do_not_play_ping_pong(void **state)
{
	(void)state;
	setup(2, EXPLICIT, 2, AU);
	lose(0);
	for (unsigned int s = 0; s < 3600; s++) {
		fake_advance(&fake, 1000);
		if (group_state(2) == AO && s % 5 == 0) {       /* the other host's turn */
			fake_set_group(&fake, unit, 2, AU);
			fake_set_group(&fake, unit, 1, AO);
			alua_recheck(fake.device, "access state changed");
		}
		if (s % 100 == 0)
			assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	}
	assert_in_range(activations(), 1, 5);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(standby_group_is_activated_at_once_and_io_waits_for_it),
		TEST(unoptimized_group_carries_on_and_is_activated_after_a_second),
		TEST(full_session_is_waited_for_in_peace),
		TEST(session_that_comes_back_soon_is_no_reason),
		TEST(paths_that_are_late_at_the_start_are_waited_for),
		TEST(array_that_decides_alone_is_only_asked),
		TEST(array_that_has_acted_by_itself_is_not_told),
		TEST(array_that_has_acted_is_asked_though_io_goes_on),
		TEST(preferred_group_comes_first_then_that_with_most_paths),
		TEST(administrators_preference_beats_the_arrays),
		TEST(group_that_cannot_be_optimized_is_not_tried),
		TEST(refused_activation_is_repeated_a_few_times_and_io_stays),
		TEST(nothing_else_works_so_it_is_tried_on_slowly),
		TEST(other_group_is_tried_after_a_refusal),
		TEST(unit_attentions_on_the_command_are_no_refusal),
		TEST(transition_elsewhere_is_waited_for),
		TEST(path_lost_with_the_command_is_replaced),
		TEST(activation_by_way_of_a_transition_is_one),
		TEST(io_waits_for_an_array_that_takes_its_time),
		TEST(hosts_that_want_different_groups_do_not_play_ping_pong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
