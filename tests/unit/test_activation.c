// SPDX-License-Identifier: LGPL-2.1-or-later
/* A module makes a path active by a command of its own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_settings.h"
#include "scripted_dsm.h"
#include "status.h"

static const struct fake_answer refusal = {
	.opcode = MODE_SELECT_10, .status = SAM_STATUS_CHECK_CONDITION, .key = 5, .asc = 0x26,
};

/* Nothing works until a command was carried out. */
static void start_passive(void)
{
	script.is_passive = true;
	start_acme();
}

/* Serves until the next command of that kind was carried out; false: none. */
static bool serve_activation(void)
{
	unsigned int before = unit->count[MODE_SELECT_10];

	for (unsigned int i = 0; i < 1000; i++) {
		for (unsigned int n = 0; n < fake.count; n++) {
			fake_serve_one(&fake, &fake.nexuses[n]);
			if (unit->count[MODE_SELECT_10] > before)
				return true;
		}
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 10000);
	}
	return false;
}

static bool is_in_flight(unsigned int nexus)
{
	list_for_each(node, &fake.nexuses[nexus].transport.in_flight)
		if (list_entry(node, struct command, node)->cdb.bytes[0] == MODE_SELECT_10)
			return true;
	return false;
}

/* Logs in up to the moment at which the first command is out. */
static void start_to_activation(void)
{
	static const struct dsm_ops *const only[] = { &acme };

	script.is_passive = true;
	mpath_set_dsms(&fake.mpath, only, 1);
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	mpath_run(&fake.mpath);
	for (unsigned int i = 0; i < 200 && !is_in_flight(0) && !is_in_flight(1); i++) {
		for (unsigned int n = 0; n < fake.count; n++) {
			fake_answer_session(&fake.nexuses[n]);
			if (!is_in_flight(n))
				fake_answer_command(&fake.nexuses[n], 0);
		}
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 20000);
		mpath_run(&fake.mpath);
	}
	assert_true(is_in_flight(0) || is_in_flight(1));
}

static void held_io_goes_on_once_a_path_was_activated(void **state)
{
	struct fake_request request;

	(void)state;
	start_to_activation();
	memset(block, 0x11, sizeof block);
	fake_submit(&fake, &request, REQUEST_WRITE, 3, 1, block);
	mpath_run(&fake.mpath);
	assert_int_equal(request.completions, 0);
	assert_true(serve_activation());
	script.is_passive = false;
	fake_advance(&fake, 1000);
	assert_int_equal(request.completions, 1);
	assert_int_equal(request.request.error, 0);
	assert_memory_equal(unit->medium + 3 * 512, block, 512);
	assert_int_equal(unit->count[MODE_SELECT_10], 1);
	assert_true(fake_saw(&fake, "activation-sent"));
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void active_path_leaves_nothing_to_do(void **state)
{
	(void)state;
	script.state = PATH_UNAVAILABLE;        /* path 0; path 1 is active */
	start_acme();
	fake_advance(&fake, 120000);
	assert_int_equal(script.activations, 0);
}

static void path_the_administrator_set_aside_is_active_all_the_same(void **state)
{
	struct device_settings settings;
	char error[128];

	(void)state;
	start_acme();
	device_get_settings(fake.device, &settings);
	settings.paths[1].is_standby = true;
	assert_int_equal(device_apply(fake.device, &settings, error, sizeof error), 0);
	fake_break(&fake, 0, "gone");
	fake.nexuses[0].refuses = true;
	fake_advance(&fake, 10000);
	assert_int_equal(path(1)->state, PATH_STANDBY);
	assert_int_equal(script.activations, 0);
}

static void refusal_has_another_path_tried(void **state)
{
	(void)state;
	start_to_activation();
	assert_true(is_in_flight(0));
	fake_script(&fake.nexuses[0], refusal);
	while (is_in_flight(0))
		fake_serve_one(&fake, &fake.nexuses[0]);
	assert_true(fake_saw(&fake, "activation-failed"));
	assert_non_null(strstr(path(0)->last_error, "activation: ILLEGAL REQUEST"));
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 3000000);
	mpath_run(&fake.mpath);
	assert_true(is_in_flight(1));
}

static void path_for_which_the_module_has_no_command_is_passed_over(void **state)
{
	(void)state;
	script.refuses = 0;
	start_to_activation();
	assert_true(is_in_flight(1));
}

static void lost_activation_goes_down_another_path_at_once(void **state)
{
	uint64_t lost_us;

	(void)state;
	start_to_activation();
	assert_true(is_in_flight(0));
	lost_us = fake.mpath.now_us;
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 10);
	assert_true(unit->count[MODE_SELECT_10] == 1 || is_in_flight(1));
	assert_true(fake.mpath.now_us - lost_us < 100000);
}

static void unit_attention_has_it_sent_again_at_once(void **state)
{
	(void)state;
	start_to_activation();
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = MODE_SELECT_10, .status = SAM_STATUS_CHECK_CONDITION, .key = 6,
		.asc = 0x2a, .ascq = 0x04 });
	fake_advance(&fake, 100);
	assert_int_equal(unit->count[MODE_SELECT_10], 1);
	assert_false(fake_saw(&fake, "activation-failed"));
}

static void activation_that_does_not_last_is_tried_ever_less(void **state)
{
	unsigned int early;

	(void)state;
	start_passive();                        /* and so it stays */
	fake_advance(&fake, 30000);
	early = unit->count[MODE_SELECT_10];
	assert_in_range(early, 2, 6);
	fake_advance(&fake, 600000);
	assert_in_range(unit->count[MODE_SELECT_10] - early, 5, 14);
}

static void command_that_cannot_be_is_told_and_not_sent(void **state)
{
	(void)state;
	script.activation.data_len = DSM_DATA_MAX + 1;
	start_passive();
	fake_advance(&fake, 200000);
	assert_int_equal(unit->count[MODE_SELECT_10], 0);
	assert_true(fake_saw(&fake, "dsm-fault"));
	assert_in_range(script.activations, 2, 20);
}

static void administrator_activates_a_path(void **state)
{
	char error[128];

	(void)state;
	script.state = PATH_UNAVAILABLE;
	start_acme();
	assert_int_equal(device_activate_path(fake.device, path(0), error, sizeof error), 0);
	assert_true(serve_activation());
	script.state = DSM_STATE_KEEP;
	fake_advance(&fake, 100);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(script.activations, 1);
}

static void module_takes_the_place_of_set_target_port_groups(void **state)
{
	(void)state;
	/* Explicit ALUA: path 0 is active/optimized, path 1 unavailable. */
	fake_alua_init(&fake, unit, INQUIRY_TPGS_EXPLICIT, 2, 0x3);
	start_acme();
	assert_int_equal(path(1)->state, PATH_UNAVAILABLE);
	assert_int_equal(script.activations, 0);
	fake.nexuses[0].refuses = true;
	/* The one command that a port of that state takes. */
	fake_script(&fake.nexuses[1], (struct fake_answer) { .opcode = MODE_SELECT_10 });
	fake_break(&fake, 0, "gone");
	assert_true(serve_activation());
	fake_set_group(&fake, unit, 2, 0x0);
	fake_advance(&fake, 5000);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_int_equal(unit->count[0xa4], 0);
}

static void module_that_sends_nothing_keeps_alua_from_it(void **state)
{
	(void)state;
	fake_alua_init(&fake, unit, INQUIRY_TPGS_EXPLICIT, 2, 0x3);
	start_acme();
	script.refuses = 1;
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 30000);
	assert_true(script.activations > 0);
	assert_int_equal(unit->count[0xa4], 0);
}

static void stop_ends_an_activation(void **state)
{
	(void)state;
	start_to_activation();
	device_stop(fake.device);
	mpath_run(&fake.mpath);
	assert_false(fake.device->activation.is_in_flight);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, prepare, teardown)
	const struct CMUnitTest tests[] = {
		TEST(held_io_goes_on_once_a_path_was_activated),
		TEST(active_path_leaves_nothing_to_do),
		TEST(path_the_administrator_set_aside_is_active_all_the_same),
		TEST(refusal_has_another_path_tried),
		TEST(path_for_which_the_module_has_no_command_is_passed_over),
		TEST(lost_activation_goes_down_another_path_at_once),
		TEST(unit_attention_has_it_sent_again_at_once),
		TEST(activation_that_does_not_last_is_tried_ever_less),
		TEST(command_that_cannot_be_is_told_and_not_sent),
		TEST(administrator_activates_a_path),
		TEST(module_takes_the_place_of_set_target_port_groups),
		TEST(module_that_sends_nothing_keeps_alua_from_it),
		TEST(stop_ends_an_activation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
