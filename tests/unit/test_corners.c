// SPDX-License-Identifier: LGPL-2.1-or-later
/* Where two machines of the core meet: what one takes in concerns the other. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_settings.h"
#include "fake.h"
#include "status.h"

enum { AO = 0x0, AU = 0x1, STANDBY = 0x2 };

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];
static struct fake_request requests[4];

static void tune(struct settings *settings)
{
	settings->queue_depth = 2;
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static void submit_reads(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		fake_submit(&fake, &requests[i], REQUEST_READ, i, 1, block);
	mpath_run(&fake.mpath);
}

/*
 * Errors of writes that were acknowledged, told to whatever comes next
 */

static void setup_lost_write(uint8_t opcode, uint8_t tpgs)
{
	unit = fake_unit_new(1, 1024, 512);
	fake_init(&fake, unit, 1, false, NULL);
	if (tpgs)
		fake_alua_init(&fake, unit, tpgs, 1, AO);
	transport_start(&fake.nexuses[0].transport);
	fake_advance(&fake, 2000);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), 0);
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = opcode, .status = SAM_STATUS_CHECK_CONDITION,
		.response_code = 0x71, .key = 0x3, .asc = 0x0c,
	});
}

static void expect_lost_write(void)
{
	assert_int_equal(fake.nexuses[0].script_done, 1);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
}

static void a_lost_write_told_to_a_verification_fails_the_next_flush(void **state)
{
	(void)state;
	setup_lost_write(0x9e, 0);
	path_recheck(fake.device->paths[0]);
	fake_advance(&fake, 5000);
	expect_lost_write();
}

static void a_lost_write_told_to_a_report_fails_the_next_flush(void **state)
{
	(void)state;
	setup_lost_write(0xa3, 1);
	alua_recheck(fake.device, "test");
	fake_advance(&fake, 5000);
	expect_lost_write();
}

/* Told to a read while the first request's synchronization is on its way. */
static void tell_lost_write_to_a_read(void)
{
	fake_submit(&fake, &requests[3], REQUEST_READ, 0, 1, block);
	mpath_run(&fake.mpath);
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION,
		.response_code = 0x71, .key = 0x3, .asc = 0x0c,
	});
	assert_true(fake_answer_command(&fake.nexuses[0],
					fake.nexuses[0].transport.in_flight_count - 1));
	mpath_run(&fake.mpath);
	assert_int_equal(fake.nexuses[0].script_done, 1);
	fake_advance(&fake, 2000);
	assert_int_equal(requests[3].request.error, 0);
}

static void fua_done(struct request *request)
{
	struct fake_request *fr = list_entry(request, struct fake_request, request);

	fr->completions++;
}

static void a_lost_write_told_to_another_fails_a_fua_write_under_way(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	unit->dpofua = false;
	fake_init(&fake, unit, 1, true, NULL);
	requests[0] = (struct fake_request) { .request = {
		.op = REQUEST_WRITE, .lba = 8, .nblocks = 1, .data = block, .fua = true,
		.done = fua_done,
	} };
	device_submit(fake.device, &requests[0].request);
	mpath_run(&fake.mpath);
	assert_true(fake_serve_one(&fake, &fake.nexuses[0]));
	assert_int_equal(requests[0].completions, 0);
	tell_lost_write_to_a_read();
	assert_int_equal(requests[0].completions, 1);
	assert_int_equal(requests[0].request.error, -EIO);
}

static void a_lost_write_fails_every_flush_under_way(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	fake_init(&fake, unit, 1, true, NULL);
	for (unsigned int i = 0; i < 2; i++)
		fake_submit(&fake, &requests[i], REQUEST_FLUSH, 0, 0, NULL);
	mpath_run(&fake.mpath);
	tell_lost_write_to_a_read();
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(requests[i].request.error, -EIO);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
}

/*
 * Commands that wait for a slot of a path that is none of the best any more
 */

static void better_path_takes_what_waits_for_a_slot(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	fake_init(&fake, unit, 2, false, tune);
	fake_alua_init(&fake, unit, 1, 2, STANDBY);
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
	assert_int_equal(fake.device->candidates.count, 1);
	fake.nexuses[0].is_mute = true;
	submit_reads(4);
	assert_int_equal(fake.device->paths[0]->in_flight, 2);
	/* The groups change places, and the other session's path tells. */
	unit->groups[0].state = AU;
	unit->groups[1].state = AO;
	alua_recheck(fake.device, "test");
	fake_serve(&fake);
	assert_int_equal(fake.device->paths[1]->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(requests[2].completions, 1);
	assert_int_equal(requests[3].completions, 1);
	fake.nexuses[0].is_mute = false;
	fake_serve(&fake);
}

static void other_path_takes_what_waits_for_a_slot_of_one_failed_by_hand(void **state)
{
	struct device_settings settings;
	char error[160];

	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	fake_init(&fake, unit, 2, true, tune);
	device_get_settings(fake.device, &settings);
	settings.paths[1].is_standby = true;
	assert_int_equal(device_apply(fake.device, &settings, error, sizeof error), 0);
	mpath_run(&fake.mpath);
	fake.nexuses[0].is_mute = true;
	submit_reads(4);
	assert_int_equal(fake.device->paths[0]->in_flight, 2);
	assert_int_equal(device_fail_path(fake.device, fake.device->paths[0], error,
					  sizeof error), 0);
	fake_serve(&fake);
	assert_int_equal(requests[2].completions, 1);
	assert_int_equal(requests[3].completions, 1);
	fake.nexuses[0].is_mute = false;
	fake_serve(&fake);
}

/*
 * A verification that has read the identity already
 */

static struct fake_unit *stranger;

static void path_that_loses_its_unit_while_verified_is_asked_anew(void **state)
{
	struct fake_nexus *nexus;

	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	stranger = fake_unit_new(2, 1024, 512);
	memset(stranger->medium, 0xee, 1024 * 512);
	fake_init(&fake, unit, 2, true, NULL);
	nexus = &fake.nexuses[1];
	fake_submit(&fake, &requests[0], REQUEST_READ, 0, 1, block);
	fake_submit(&fake, &requests[1], REQUEST_READ, 1, 1, block);
	mpath_run(&fake.mpath);
	assert_int_equal(fake.device->paths[1]->in_flight, 1);
	path_recheck(fake.device->paths[1]);
	/* TEST UNIT READY, VPD 83h (and 80h): behind the read. */
	while (fake.device->paths[1]->verify.command.cdb.bytes[0] != 0x9e) {
		assert_true(fake_answer_command(nexus, 1));
		mpath_run(&fake.mpath);
	}
	/* The unit goes, the read learns of it; then there is another. */
	nexus->unit = NULL;
	assert_true(fake_answer_command(nexus, 0));
	mpath_run(&fake.mpath);
	assert_int_equal(fake.device->paths[1]->state, PATH_FAILED);
	nexus->unit = stranger;
	fake_serve(&fake);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
		assert_int_not_equal(block[0], 0xee);
	}
	assert_true(fake.device->paths[1]->is_refused);
	nexus->unit = unit;
	fake_unit_free(stranger);
}

/*
 * An answer about access states that comes after the path has failed
 */

static void access_state_does_not_bring_back_a_path_that_lost_its_unit(void **state)
{
	struct path *path;

	(void)state;
	unit = fake_unit_new(1, 1024, 512);
	fake_init(&fake, unit, 2, false, NULL);
	fake_alua_init(&fake, unit, 1, 2, AO);
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
	path = fake.device->paths[1];
	fake.nexuses[0].ignores = fake.nexuses[1].ignores = 0xa3;
	path_recheck(path);
	fake_serve(&fake);
	assert_int_equal(path->access, ALUA_ASKED);
	fake.nexuses[1].unit = NULL;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
	assert_int_equal(path->state, PATH_FAILED);
	assert_false(alua_is_pending(path));
	fake.nexuses[0].ignores = fake.nexuses[1].ignores = 0;
	fake_serve(&fake);
	assert_int_equal(path->state, PATH_FAILED);
	fake.nexuses[1].unit = unit;
	fake_advance(&fake, 20000);
	assert_int_equal(path->state, PATH_ACTIVE_OPTIMIZED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_lost_write_told_to_a_verification_fails_the_next_flush, teardown),
		cmocka_unit_test_teardown(
			a_lost_write_told_to_a_report_fails_the_next_flush, teardown),
		cmocka_unit_test_teardown(
			a_lost_write_told_to_another_fails_a_fua_write_under_way, teardown),
		cmocka_unit_test_teardown(a_lost_write_fails_every_flush_under_way, teardown),
		cmocka_unit_test_teardown(better_path_takes_what_waits_for_a_slot, teardown),
		cmocka_unit_test_teardown(
			other_path_takes_what_waits_for_a_slot_of_one_failed_by_hand, teardown),
		cmocka_unit_test_teardown(
			path_that_loses_its_unit_while_verified_is_asked_anew, teardown),
		cmocka_unit_test_teardown(
			access_state_does_not_bring_back_a_path_that_lost_its_unit, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
