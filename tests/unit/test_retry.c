// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where a retry goes, when it is given up, and who is served first. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];

static void long_bursts(struct settings *settings)
{
	settings->path_burst = 16;
}

static void failover_only(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
}

static void patient_sessions(struct settings *settings)
{
	settings->command_timeout_ms = 10000;
	settings->io_timeout_ms = 60000;
	settings->path_verify = false;
}

static void one_at_a_time(struct settings *settings)
{
	settings->queue_depth = 1;
}

static void setup(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, true, tune);
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static const struct fake_answer hardware_error = {
	.status = SAM_STATUS_CHECK_CONDITION, .key = 4, .asc = 0x44,
};

static void retry_on_other_path_goes_to_another(void **state)
{
	(void)state;
	setup(2, long_bursts);
	/* The burst is on one of the two: find out which. */
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	for (unsigned int bad = 0; bad < 2; bad++) {
		if (!fake.nexuses[bad].served)
			continue;
		fake_script(&fake.nexuses[bad], hardware_error);
		assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
		assert_int_equal(fake.nexuses[bad].served, 2);
		assert_int_equal(fake.nexuses[!bad].served, 1);
		return;
	}
	fail();
}

static void failover_only_retries_elsewhere_and_stays(void **state)
{
	(void)state;
	setup(2, failover_only);
	fake_script(&fake.nexuses[0], hardware_error);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	assert_int_equal(fake.nexuses[1].served, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	assert_int_equal(fake.nexuses[1].served, 1);
	assert_int_equal(fake.nexuses[0].served, 2);
}

static void write_to_a_read_only_unit_is_not_sent(void **state)
{
	(void)state;
	setup(2, NULL);
	fake.device->is_read_only = true;
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), -EROFS);
	assert_int_equal(fake_io(&fake, REQUEST_UNMAP, 0, 1, NULL), -EROFS);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 0, 1, NULL), -EROFS);
	assert_int_equal(unit->count[0x8a] + unit->count[0x42] + unit->count[0x93], 0);
}

/* The sessions live and answer probes; one command is never answered. */
static void deadline_ends_the_session_that_still_has_the_buffer(void **state)
{
	struct fake_request fr;
	unsigned int owner;

	(void)state;
	setup(2, patient_sessions);
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, block);
	owner = fake.nexuses[0].transport.in_flight_count ? 0 : 1;
	for (unsigned int i = 0; i < 99; i++) {
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 100000);
		for (unsigned int k = 0; k < 2; k++)
			transport_probed(&fake.nexuses[k].transport);
		mpath_run(&fake.mpath);
	}
	assert_int_equal(fr.completions, 0);
	assert_int_equal(fake.nexuses[owner].drops, 0);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 200000);
	mpath_run(&fake.mpath);
	assert_int_equal(fake.nexuses[owner].drops, 1);
	assert_int_equal(fake.nexuses[!owner].drops, 0);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -EIO);
}

static void failed_part_is_not_retried_when_another_part_was_refused(void **state)
{
	struct fake_request fr;
	static uint8_t data[4096 * 512];

	(void)state;
	setup(1, NULL);
	/* Two commands: the first fails for good, the second would be retried. */
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 3, .asc = 0x11 });
	fake_script(&fake.nexuses[0], (struct fake_answer) { .status = SAM_STATUS_BUSY });
	fake_submit(&fake, &fr, REQUEST_READ, 0, 4096, data);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -EIO);
	assert_int_equal(fake.nexuses[0].served, 2);
}

static void waiting_commands_are_sent_in_order_of_arrival(void **state)
{
	struct fake_request many[6];
	uint8_t data[6][512];

	(void)state;
	setup(1, one_at_a_time);
	for (unsigned int i = 0; i < 4; i++) {
		memset(data[i], (int)i, 512);
		fake_submit(&fake, &many[i], REQUEST_WRITE, 0, 1, data[i]);
	}
	/* A slot comes free and two more come in before it is given away. */
	transport_answered(&fake.nexuses[0].transport,
			   list_entry(fake.nexuses[0].transport.in_flight.next,
				      struct command, node));
	for (unsigned int i = 4; i < 6; i++) {
		memset(data[i], (int)i, 512);
		fake_submit(&fake, &many[i], REQUEST_WRITE, 0, 1, data[i]);
	}
	mpath_run(&fake.mpath);
	for (unsigned int i = 1; i < 6; i++) {
		assert_int_equal(fake.nexuses[0].transport.in_flight_count, 1);
		assert_int_equal(many[i].completions, 0);
		fake_serve_one(&fake, &fake.nexuses[0]);
		assert_int_equal(many[i].completions, 1);
	}
	assert_memory_equal(unit->medium, data[5], 512);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(retry_on_other_path_goes_to_another),
		TEST(failover_only_retries_elsewhere_and_stays),
		TEST(write_to_a_read_only_unit_is_not_sent),
		TEST(deadline_ends_the_session_that_still_has_the_buffer),
		TEST(failed_part_is_not_retried_when_another_part_was_refused),
		TEST(waiting_commands_are_sent_in_order_of_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
