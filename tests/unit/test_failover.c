// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sessions that break or hang, and paths that come back. */
#include <errno.h>
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

static int one_path(void **state)
{
	(void)state;
	return setup_paths(1, NULL);
}

static int two_paths(void **state)
{
	(void)state;
	return setup_paths(2, NULL);
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

static void write_is_resubmitted_on_other_path(void **state)
{
	struct fake_request fr;
	unsigned int first;

	(void)state;
	memset(block, 0x5a, sizeof block);
	fake_submit(&fake, &fr, REQUEST_WRITE, 7, 1, block);
	first = fake.nexuses[0].transport.in_flight_count ? 0 : 1;
	fake_break(&fake, first, "connection reset by peer");
	assert_int_equal(fr.completions, 0);
	assert_int_equal(fake.nexuses[!first].transport.in_flight_count, 1);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_memory_equal(unit->medium + 7 * 512, block, 512);
	assert_string_equal(path(first)->last_error, "connection reset by peer");
	assert_int_equal(fake.device->failovers, 1);
	assert_true(fake_saw(&fake, "failover"));
}

static void all_commands_of_a_broken_session_fail_over_at_once(void **state)
{
	struct fake_request many[40];

	(void)state;
	for (unsigned int i = 0; i < 40; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count, 20);
	fake_break(&fake, 0, "gone");
	assert_int_equal(fake.nexuses[1].transport.in_flight_count, 40);
	fake_serve(&fake);
	for (unsigned int i = 0; i < 40; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, 0);
	}
}

static void path_comes_back_after_login_and_verification(void **state)
{
	unsigned int inquiries = unit->count[0x12];

	(void)state;
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	assert_int_equal(path(0)->state, PATH_FAILED);
	fake_advance(&fake, 60000);
	assert_int_equal(path(0)->state, PATH_FAILED);
	/* Back-off: not more than one try every few seconds in the long run. */
	assert_in_range(fake.nexuses[0].logins, 10, 25);
	fake.nexuses[0].refuses = false;
	fake_advance(&fake, 7000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_true(unit->count[0x12] >= inquiries + 5);
	assert_int_equal(fake.device->state, DEVICE_NORMAL);
}

static void first_login_after_a_long_session_is_tried_at_once(void **state)
{
	(void)state;
	fake_advance(&fake, 60000);
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 50);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void no_io_before_verification_is_done(void **state)
{
	struct fake_request fr;

	(void)state;
	fake_break(&fake, 0, "gone");
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 300000);
	mpath_run(&fake.mpath);
	transport_connected(&fake.nexuses[0].transport);
	transport_up(&fake.nexuses[0].transport);
	mpath_run(&fake.mpath);
	assert_int_equal(path(0)->state, PATH_CHECKING);
	while (path(0)->state == PATH_CHECKING) {
		assert_int_equal(unit->count[0x88], 0);
		assert_true(fake_serve_one(&fake, &fake.nexuses[0]));
	}
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(unit->count[0x88], 1);
}

static void io_is_held_while_all_paths_are_down_and_goes_on_in_order(void **state)
{
	struct fake_request many[8];
	uint8_t data[8][512];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		fake.nexuses[i].refuses = true;
		fake_break(&fake, i, "gone");
	}
	assert_int_equal(fake.device->state, DEVICE_NO_PATH);
	for (unsigned int i = 0; i < 8; i++) {
		memset(data[i], (int)i + 1, 512);
		fake_submit(&fake, &many[i], REQUEST_WRITE, 9, 1, data[i]);
	}
	fake_advance(&fake, 15000);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(many[i].completions, 0);
	fake.nexuses[1].refuses = false;
	fake_advance(&fake, 4900);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, 0);
	}
	assert_memory_equal(unit->medium + 9 * 512, data[7], 512);
	assert_true(fake_saw(&fake, "all-paths-down"));
	assert_true(fake_saw(&fake, "paths-returned"));
}

static void held_io_fails_after_no_path_timeout_and_later_io_at_once(void **state)
{
	struct fake_request early, late;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		fake.nexuses[i].refuses = true;
		fake_break(&fake, i, "gone");
	}
	fake_submit(&fake, &early, REQUEST_WRITE, 9, 1, block);
	fake_advance(&fake, 19900);
	assert_int_equal(early.completions, 0);
	fake_advance(&fake, 200);
	assert_int_equal(early.completions, 1);
	assert_int_equal(early.request.error, -EIO);
	fake_submit(&fake, &late, REQUEST_WRITE, 9, 1, block);
	fake_serve(&fake);
	assert_int_equal(late.request.error, -EIO);
	/* And it works again once a path is back. */
	fake.nexuses[0].refuses = fake.nexuses[1].refuses = false;
	fake_advance(&fake, 8000);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 9, 1, block), 0);
}

static void silent_session_is_probed_and_dropped(void **state)
{
	struct fake_request fr;

	(void)state;
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
	fake.nexuses[0].is_mute = fake.nexuses[1].is_mute = true;
	fake_advance(&fake, 4700);
	assert_int_equal(fake.nexuses[0].probes, 0);
	fake_advance(&fake, 400);
	assert_int_equal(fake.nexuses[0].probes, 1);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	fake.nexuses[1].is_mute = false;
	fake_advance(&fake, 5000);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void idle_session_that_answers_probes_stays(void **state)
{
	(void)state;
	fake_advance(&fake, 3600000);
	assert_int_equal(fake.nexuses[0].transport.losses, 0);
	assert_true(fake.nexuses[0].probes > 300);
}

static void command_without_answer_drops_its_session(void **state)
{
	struct fake_request fr;
	struct fake_nexus *nexus = &fake.nexuses[0];

	(void)state;
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
	if (!nexus->transport.in_flight_count)
		nexus = &fake.nexuses[1];
	/* Probes are answered all the time, the command never is. */
	for (unsigned int i = 0; i < 310 && !nexus->drops; i++) {
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 100000);
		mpath_run(&fake.mpath);
		if (nexus->is_probed)
			transport_probed(&nexus->transport);
		nexus->is_probed = false;
	}
	assert_int_equal(nexus->drops, 1);
	fake_advance(&fake, 10000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void deadline_bounds_a_command_that_nobody_answers(void **state)
{
	struct fake_request fr;
	uint64_t start_us = fake.mpath.now_us;

	(void)state;
	/* Every session logs in, and dies of the first command. */
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, block);
	while (!fr.completions) {
		assert_true(fake.mpath.now_us - start_us < 145000000);
		for (unsigned int i = 0; i < 2; i++)
			if (fake.nexuses[i].transport.in_flight_count &&
			    !fake.device->paths[i]->verify.is_in_flight)
				fake_break(&fake, i, "target crashed");
		if (mpath_next_due_us(&fake.mpath) > fake.mpath.now_us)
			mpath_set_now(&fake.mpath, fake.mpath.now_us + 50000);
		mpath_run(&fake.mpath);
		for (unsigned int i = 0; i < 2; i++) {
			if (fake.nexuses[i].is_logging_in) {
				fake.nexuses[i].is_logging_in = false;
				transport_up(&fake.nexuses[i].transport);
			}
			mpath_run(&fake.mpath);
			while (fake.device->paths[i]->verify.is_in_flight)
				fake_serve_one(&fake, &fake.nexuses[i]);
		}
	}
	assert_int_equal(fr.request.error, -EIO);
	/* Time without a path does not count, up to no_path_timeout in all. */
	assert_in_range(fake.mpath.now_us - start_us, 119000000, 141000000);
}

static void stop_completes_everything_with_eshutdown(void **state)
{
	struct fake_request many[300];

	(void)state;
	for (unsigned int i = 0; i < 300; i++)
		fake_submit(&fake, &many[i], REQUEST_WRITE, i, 1, block);
	device_stop(fake.device);
	mpath_run(&fake.mpath);
	for (unsigned int i = 0; i < 300; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, -ESHUTDOWN);
	}
	assert_int_equal(fake.nexuses[0].drops, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), -ESHUTDOWN);
}

int main(void)
{
#define TEST(paths, test) cmocka_unit_test_setup_teardown(test, paths, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_paths, write_is_resubmitted_on_other_path),
		TEST(two_paths, all_commands_of_a_broken_session_fail_over_at_once),
		TEST(two_paths, path_comes_back_after_login_and_verification),
		TEST(two_paths, first_login_after_a_long_session_is_tried_at_once),
		TEST(one_path, no_io_before_verification_is_done),
		TEST(two_paths, io_is_held_while_all_paths_are_down_and_goes_on_in_order),
		TEST(two_paths, held_io_fails_after_no_path_timeout_and_later_io_at_once),
		TEST(two_paths, silent_session_is_probed_and_dropped),
		TEST(two_paths, idle_session_that_answers_probes_stays),
		TEST(two_paths, command_without_answer_drops_its_session),
		TEST(two_paths, deadline_bounds_a_command_that_nobody_answers),
		TEST(two_paths, stop_completes_everything_with_eshutdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
