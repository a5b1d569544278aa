// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who waits for what, how long at most, and who sets whom going. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"
#include "unaligned.h"

#define WRITERS 8u

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];

static void setup(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 65536, 512);
	fake_init(&fake, unit, count, true, tune);
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

/*
 * Paths
 */

static void no_wait(struct settings *settings)
{
	settings->no_path_timeout_ms = 0;
}

static void attention_is_no_outage_without_no_path_timeout(void **state)
{
	(void)state;
	setup(1, no_wait);
	fake.nexuses[0].has_changed = true;
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), 0);
	/* But an outage is one. */
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), -EIO);
}

static void patient(struct settings *settings)
{
	settings->no_path_timeout_ms = 600000;
}

static void time_without_a_path_does_not_count_against_command_timeout(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(1, patient);
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, block);
	fake_advance(&fake, 500000);
	assert_int_equal(fr.completions, 0);
	fake.nexuses[0].refuses = false;
	fake_advance(&fake, 20000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void busy_unit_is_not_failed_by_its_health_check(void **state)
{
	(void)state;
	setup(1, NULL);
	for (unsigned int i = 0; i < 20; i++)
		fake_script(&fake.nexuses[0], (struct fake_answer) {
			.opcode = 0x12, .status = SAM_STATUS_BUSY });
	fake_advance(&fake, 60000);
	assert_int_equal(fake.device->paths[0]->counters.failures, 0);
	assert_int_equal(fake.device->paths[0]->state, PATH_ACTIVE_OPTIMIZED);
}

static void failback_after(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
	settings->failback = FAILBACK_AFTER;
	settings->failback_ms = 2000;
	settings->queue_depth = 1;
	settings->path_verify = false;
}

static void failback_sets_waiting_commands_going(void **state)
{
	struct fake_request stuck, waiting;

	(void)state;
	setup(2, failback_after);
	fake.device->paths[0]->settings.is_preferred = true;
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake_break(&fake, 0, "gone");
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake_advance(&fake, 1000);
	assert_int_equal(device_usable_paths(fake.device), 2);
	fake.nexuses[1].is_mute = true;
	fake_submit(&fake, &stuck, REQUEST_READ, 0, 1, block);
	fake_submit(&fake, &waiting, REQUEST_READ, 0, 1, block);
	fake_advance(&fake, 4000);
	assert_int_equal(waiting.completions, 1);
	fake.nexuses[1].is_mute = false;
	fake_advance(&fake, 60000);
	assert_int_equal(stuck.completions, 1);
}

static void failback_whose_path_has_gone_again_is_forgotten(void **state)
{
	(void)state;
	setup(2, failback_after);
	fake.device->paths[0]->settings.is_preferred = true;
	fake.device->paths[1]->settings.is_preferred = true;
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake_break(&fake, 0, "gone");
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake_advance(&fake, 1000);              /* path 0 is back: due in 2 s */
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone again");
	fake_advance(&fake, 10000);             /* must end */
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
}

/*
 * Commands
 */

static void small_commands(struct settings *settings)
{
	settings->max_transfer = 4096;
	settings->command_timeout_ms = 1000;
	settings->path_verify = false;
}

static void answer_all(uint8_t status)
{
	struct transport *transport = &fake.nexuses[0].transport;

	for (mpath_run(&fake.mpath); !list_is_empty(&transport->in_flight);
	     mpath_run(&fake.mpath)) {
		struct command *command =
			list_entry(transport->in_flight.next, struct command, node);

		command->delivery = DELIVERY_ANSWERED;
		command->status = status;
		transport_answered(transport, command);
	}
}

static void timed_out_request_feeds_those_that_want_commands(void **state)
{
	static uint8_t data[(DEVICE_POOL_COMMANDS + 1) * 4096];
	struct fake_request greedy, hungry;

	(void)state;
	setup(1, small_commands);
	fake_submit(&fake, &greedy, REQUEST_READ, 0, sizeof data / 512, data);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 950000);
	answer_all(SAM_STATUS_BUSY);
	fake_submit(&fake, &hungry, REQUEST_READ, 4096, 24, data);
	answer_all(SAM_STATUS_GOOD);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 60000);
	mpath_run(&fake.mpath);
	assert_int_equal(greedy.completions, 1);
	answer_all(SAM_STATUS_GOOD);
	fake_advance(&fake, 800);
	assert_int_equal(hungry.completions, 1);
	assert_int_equal(hungry.request.error, 0);
}

/*
 * Unaligned writes, all to one block
 */

static struct unaligned writers[WRITERS];
static uint8_t bounces[WRITERS][1024], data[10];
static unsigned int finished;
static bool goes_on;

static void write_unaligned(struct unaligned *u);

static void unaligned_done(struct unaligned *u)
{
	finished++;
	if (goes_on)
		write_unaligned(u);
}

static void write_unaligned(struct unaligned *u)
{
	*u = (struct unaligned) {
		.is_write = true, .offset = 3, .nbytes = sizeof data, .data = data,
		.bounce = bounces[u - writers], .done = unaligned_done,
	};
	unaligned_submit(fake.device, u);
}

static void aligned_write_takes_its_turn_among_unaligned_ones(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(1, NULL);
	finished = 0;
	goes_on = true;
	for (unsigned int i = 0; i < 2; i++)
		write_unaligned(&writers[i]);
	mpath_run(&fake.mpath);
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, block);
	for (unsigned int i = 0; i < 100 && !fr.completions; i++) {
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 1000);
		fake_serve_one(&fake, &fake.nexuses[0]);
	}
	goes_on = false;
	fake_advance(&fake, 1000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_true(finished >= 2 && finished < 10);
}

static void ten_seconds(struct settings *settings)
{
	settings->command_timeout_ms = 10000;
	settings->path_verify = false;
}

static void unaligned_writes_that_wait_for_each_other_end_in_time(void **state)
{
	uint64_t start_us;

	(void)state;
	setup(1, ten_seconds);
	finished = 0;
	goes_on = false;
	start_us = fake.mpath.now_us;
	for (unsigned int i = 0; i < WRITERS; i++)
		write_unaligned(&writers[i]);
	while (finished < WRITERS) {
		assert_true(fake.mpath.now_us - start_us < 11000000);
		if (fake.nexuses[0].script_done == fake.nexuses[0].script_len)
			fake_script(&fake.nexuses[0],
				    (struct fake_answer) { .status = SAM_STATUS_BUSY });
		fake_advance(&fake, 10);
	}
	for (unsigned int i = 0; i < WRITERS; i++)
		assert_int_equal(writers[i].error, -EIO);
	assert_true(list_is_empty(&fake.device->holds));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(attention_is_no_outage_without_no_path_timeout),
		TEST(time_without_a_path_does_not_count_against_command_timeout),
		TEST(busy_unit_is_not_failed_by_its_health_check),
		TEST(failback_sets_waiting_commands_going),
		TEST(failback_whose_path_has_gone_again_is_forgotten),
		TEST(timed_out_request_feeds_those_that_want_commands),
		TEST(aligned_write_takes_its_turn_among_unaligned_ones),
		TEST(unaligned_writes_that_wait_for_each_other_end_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
