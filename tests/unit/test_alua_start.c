// SPDX-License-Identifier: LGPL-2.1-or-later
/* A start while no group tells the unit's size: who is activated, or waited for. */
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

static void prepare_untold(unsigned int paths, uint8_t tpgs, unsigned int groups,
			   uint8_t others)
{
	prepare(paths, tpgs, groups, others, NULL);
	unit->tells_no_size = true;
	fake_set_group(&fake, unit, 1, others);
}

static void group_is_activated_where_none_tells_the_size(void **state)
{
	static const uint8_t states[] = { STANDBY, UNAVAILABLE };

	for (unsigned int i = 0; i < 2; i++) {
		prepare_untold(2, EXPLICIT, 2, states[i]);
		unit->groups[1].is_preferred = true;
		start();
		assert_int_equal(activations(), 1);
		assert_int_equal(group_state(2), AO);
		assert_int_equal(group_state(1), states[i]);
		assert_true(device_is_ready(fake.device));
		assert_int_equal(fake.device->nblocks, 4096);
		assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
		assert_false(path(0)->is_verified);
		assert_int_equal(fake.device->candidates.count, 1);
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
		assert_false(fake_saw(&fake, "path-failed"));
		if (!i)
			teardown(state);
	}
}

static void unit_of_unknown_size_takes_no_io(void **state)
{
	struct fake_request fr;

	(void)state;
	prepare_untold(1, IMPLICIT, 1, STANDBY);
	start();
	assert_false(device_is_ready(fake.device));
	assert_int_equal(fake.device->state, DEVICE_STARTING);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_not_equal(fr.request.error, 0);
	assert_int_equal(unit->count[0x8a], 0);
}

static void array_that_decides_alone_is_waited_for_and_the_state_is_told(void **state)
{
	char text[512];
	unsigned int before;

	(void)state;
	prepare_untold(2, IMPLICIT, 2, STANDBY);
	start();
	before = unit->count[0xa3];
	fake_advance(&fake, 10000);
	assert_int_equal(activations(), 0);
	assert_in_range(unit->count[0xa3] - before, 2, 60);
	device_explain_paths(fake.device, text, sizeof text);
	assert_non_null(strstr(text, "target port group 1 is standby (alua-implicit)"));
	assert_non_null(strstr(text, "target port group 2 is standby (alua-implicit)"));
	fake_set_group(&fake, unit, 2, AO);     /* without notice */
	fake_advance(&fake, 5500);
	assert_true(device_is_ready(fake.device));
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

static void wrong_unit_is_outvoted_and_not_activated(void **state)
{
	struct fake_unit *stranger = fake_unit_new(2, 8192, 512);

	(void)state;
	prepare_untold(3, EXPLICIT, 3, STANDBY);
	stranger->tpgs = EXPLICIT;
	stranger->tells_no_size = true;
	stranger->ngroups = unit->ngroups;
	memcpy(stranger->groups, unit->groups, sizeof stranger->groups);
	fake.nexuses[0].unit = stranger;
	start();
	assert_int_equal(stranger->count[0xa4], 0);
	assert_int_equal(activations(), 1);
	assert_true(path(0)->is_refused);
	assert_int_equal(fake.device->nblocks, 4096);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
	fake.nexuses[0].unit = NULL;
	fake_unit_free(stranger);
}

/* It tells its size a moment later than those that do not. */
static void path_that_tells_all_is_waited_for(void **state)
{
	(void)state;
	prepare(2, EXPLICIT, 2, STANDBY, NULL);
	unit->tells_no_size = true;
	fake.nexuses[0].is_mute = true;
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2500);
	assert_int_equal(activations(), 0);
	fake.nexuses[0].is_mute = false;
	fake_advance(&fake, 5000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(activations(), 0);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

static void path_that_never_answers_is_not_waited_for(void **state)
{
	(void)state;
	prepare_untold(2, EXPLICIT, 2, STANDBY);
	fake.nexuses[0].is_mute = true;
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 5000);
	assert_int_equal(activations(), 1);
	assert_int_equal(group_state(2), AO);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

/* Attempts follow each other ever more slowly. */
static void activation_that_changes_nothing_is_tried_sparingly(void **state)
{
	(void)state;
	prepare_untold(2, EXPLICIT, 1, STANDBY);
	unit->activated = STANDBY;
	start();
	fake_advance(&fake, 28000);
	assert_in_range(activations(), 3, 5);
	assert_false(device_is_ready(fake.device));
	unit->activated = AO;
	fake_advance(&fake, 31000);
	assert_true(device_is_ready(fake.device));
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 7, 1, block), 0);
}

static void only_the_expected_unit_is_activated(void **state)
{
	struct identity other = { 0 };

	(void)state;
	prepare_untold(1, EXPLICIT, 1, STANDBY);
	device_expect(fake.device, &other);
	start();
	assert_int_equal(activations(), 0);
	assert_true(path(0)->is_refused);
	assert_false(device_is_ready(fake.device));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(group_is_activated_where_none_tells_the_size),
		TEST(unit_of_unknown_size_takes_no_io),
		TEST(array_that_decides_alone_is_waited_for_and_the_state_is_told),
		TEST(wrong_unit_is_outvoted_and_not_activated),
		TEST(path_that_tells_all_is_waited_for),
		TEST(path_that_never_answers_is_not_waited_for),
		TEST(activation_that_changes_nothing_is_tried_sparingly),
		TEST(only_the_expected_unit_is_activated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
