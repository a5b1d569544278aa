// SPDX-License-Identifier: LGPL-2.1-or-later
/* Units that say they have too many commands: who waits, for how long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"

#define MANY 200

static struct fake fake;
static struct fake_unit *unit;
static struct device *neighbour;
static struct fake_request many[MANY];
static uint8_t blocks[MANY][512];

static void setup(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, true, tune);
	neighbour = NULL;
}

static int teardown(void **state)
{
	(void)state;
	device_free(neighbour);
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static const struct depth *depth(void)
{
	return &fake.device->paths[0]->depth;
}

static void answer(struct command *command, uint8_t status)
{
	struct transport *transport = command->path->transport;

	command->delivery = DELIVERY_ANSWERED;
	command->status = status;
	transport_answered(transport, command);
}

/*
 * The limit
 */

static void limit_is_halved_once_a_round_trip(void **state)
{
	struct depth d;

	(void)state;
	depth_init(&d);
	assert_true(depth_lower(&d, 64, 1000, 2000));
	assert_int_equal(d.limit, 32);
	/* The rest of the burst, sent before that. */
	for (unsigned int i = 63; i > 1; i--)
		assert_false(depth_lower(&d, i, 1000 + i, 2000));
	assert_int_equal(d.limit, 32);
	assert_true(depth_lower(&d, 32, 3000, 4000));
	assert_int_equal(d.limit, 16);
	/* Half of what was in flight, where that is less. */
	assert_true(depth_lower(&d, 6, 5000, 6000));
	assert_int_equal(d.limit, 3);
	assert_true(depth_lower(&d, 3, 7000, 8000));
	assert_int_equal(d.limit, 1);
	assert_false(depth_lower(&d, 3, 9000, 10000));
}

static void alone_no_command_is_one_too_many(void **state)
{
	struct depth d;

	(void)state;
	depth_init(&d);
	assert_false(depth_lower(&d, 1, 1000, 2000));
	assert_int_equal(d.limit, DEPTH_UNLIMITED);
}

static void limit_rises_by_one_with_answers_and_time(void **state)
{
	struct depth d;
	uint64_t now_us = 2000;

	(void)state;
	depth_init(&d);
	depth_lower(&d, 8, 1000, now_us);
	for (unsigned int i = 0; i < 1000; i++)
		depth_raise(&d, 8, now_us);
	assert_int_equal(d.limit, 4);           /* no time has passed */
	now_us += 1000000;
	depth_raise(&d, 8, now_us);
	assert_int_equal(d.limit, 5);
	now_us += 1000000;
	for (unsigned int i = 0; i < 4; i++)
		depth_raise(&d, 8, now_us);
	assert_int_equal(d.limit, 5);           /* too few answers */
	depth_raise(&d, 8, now_us);
	assert_int_equal(d.limit, 6);
	for (unsigned int i = 0; i < 100; i++)
		depth_raise(&d, 8, now_us += 100000);
	assert_int_equal(d.limit, DEPTH_UNLIMITED);
}

/* A unit with room for CAPACITY commands: the others find its task set full. */
static unsigned int serve_with_room_for(unsigned int capacity)
{
	struct transport *transport = &fake.nexuses[0].transport;
	unsigned int refused = 0, position = 0;

	list_for_each(node, &transport->in_flight) {
		struct command *command = list_entry(node, struct command, node);

		if (command->request && position++ >= capacity) {
			answer(command, SAM_STATUS_TASK_SET_FULL);
			refused++;
		}
	}
	for (unsigned int i = 0; i < capacity; i++)
		fake_answer_command(&fake.nexuses[0], 0);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 1000);
	mpath_run(&fake.mpath);
	return refused;
}

static void depth_settles_at_what_the_unit_takes(void **state)
{
	unsigned int refused = 0, turns = 0, done = 0, least = 64, most = 0;

	(void)state;
	setup(1, NULL);
	for (unsigned int i = 0; i < MANY; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
	for (; turns < 5000; turns++) {
		refused += serve_with_room_for(9);
		for (unsigned int i = 0; i < MANY; i++) {
			if (!many[i].completions)
				continue;
			assert_int_equal(many[i].request.error, 0);
			fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
			done++;
		}
		if (turns > 1000) {
			least = depth()->limit < least ? depth()->limit : least;
			most = depth()->limit > most ? depth()->limit : most;
		}
	}
	/* A saw: asked for one more, refused, half of it, and up again. */
	assert_in_range(most, 9, 10);
	assert_int_equal(least, 5);
	assert_in_range(refused, 10, done / 100);
	assert_true(done > turns * 5);
	fake_serve(&fake);
}

static void unit_that_is_busy_with_everything_takes_no_slots_of_others(void **state)
{
	struct transport *transport = &fake.nexuses[0].transport;
	struct settings settings = fake_settings();
	static const struct path_settings plain;
	static struct fake_request theirs[MANY];
	struct device *busy;
	unsigned int done = 0;

	(void)state;
	setup(1, NULL);
	busy = fake.device;
	fake.nexuses[0].second = fake.nexuses[0].unit;
	neighbour = device_new(&fake.mpath, "neighbour", &settings);
	assert_int_equal(device_add_path(neighbour, transport, 1ull << 48, &plain, NULL), 0);
	fake_advance(&fake, 1500);
	assert_true(device_is_ready(neighbour));

	for (unsigned int i = 0; i < MANY; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
	for (unsigned int turn = 0; turn < 2000; turn++) {
		fake.device = neighbour;
		for (unsigned int i = 0; i < 40; i++)
			if (theirs[i].completions || !turn) {
				done += turn > 0;
				fake_submit(&fake, &theirs[i], REQUEST_READ, i, 1, blocks[i]);
			}
		fake.device = busy;
		mpath_run(&fake.mpath);
		if (turn > 500)
			assert_int_equal(neighbour->paths[0]->in_flight, 40);
		list_for_each(node, &transport->in_flight) {
			struct command *command = list_entry(node, struct command, node);

			if (command->request && command->path->device == busy)
				answer(command, SAM_STATUS_BUSY);
		}
		while (fake_answer_command(&fake.nexuses[0], 0))
			;
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 1000);
		mpath_run(&fake.mpath);
	}
	assert_int_equal(busy->paths[0]->depth.limit, 1);
	assert_int_equal(neighbour->paths[0]->depth.limit, DEPTH_UNLIMITED);
	assert_true(done >= 40 * 1500);
	fake_serve(&fake);
	fake_advance(&fake, 130000);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(many[i].completions, 1);
}

/* Everything is answered in one run, in the middle of which a command finds no
 * slot under the lowered limit: there is no further answer to wake it. */
static void command_that_waits_under_a_lowered_limit_is_woken(void **state)
{
	const struct fake_answer released = {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 6, .asc = 0x2a, .ascq = 0x04,
	};

	(void)state;
	setup(1, NULL);
	fake_script(&fake.nexuses[0], (struct fake_answer) { .status = SAM_STATUS_BUSY });
	fake_script(&fake.nexuses[0], released);
	for (unsigned int i = 0; i < 10; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
	for (unsigned int i = 0; i < 10; i++)
		assert_true(fake_answer_command(&fake.nexuses[0], 0));
	mpath_run(&fake.mpath);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count, 1);
	fake_serve(&fake);
	assert_int_equal(many[0].completions, 0);
	for (unsigned int i = 1; i < 10; i++)
		assert_int_equal(many[i].completions, 1);
	fake_advance(&fake, 200);
	assert_int_equal(many[0].completions, 1);
}

static void new_session_starts_without_a_limit(void **state)
{
	(void)state;
	setup(1, NULL);
	for (unsigned int i = 0; i < MANY; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
	mpath_run(&fake.mpath);
	serve_with_room_for(2);
	assert_int_equal(depth()->limit, 32);
	fake_break(&fake, 0, "gone");
	assert_int_equal(depth()->limit, DEPTH_UNLIMITED);
	fake_advance(&fake, 10000);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(many[i].completions, 1);
}

/*
 * Pauses
 */

static void pauses_grow_while_a_unit_stays_busy(void **state)
{
	struct fake_request fr;
	unsigned int asked;

	(void)state;
	setup(1, NULL);
	for (unsigned int i = 0; i < FAKE_SCRIPT; i++)
		fake_script(&fake.nexuses[0],
			    (struct fake_answer) { .status = SAM_STATUS_BUSY });
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, blocks[0]);
	fake_advance(&fake, 400);
	asked = (unsigned int)fake.nexuses[0].served;
	assert_in_range(asked, 2, 4);           /* at 0, ~100, ~300 ms */
	fake_advance(&fake, 10000);
	/* About once a retry_interval, a quarter less at the least. */
	assert_in_range(fake.nexuses[0].served - asked, 7, 16);
	fake.nexuses[0].script_len = fake.nexuses[0].script_done = 0;
	fake_advance(&fake, 2000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
}

static void budget_paces_a_storm(void **state)
{
	struct retry_budget budget = { 0 };
	uint64_t now_us = 5000000, at_once = 0, last_us = 0;

	(void)state;
	for (unsigned int i = 0; i < RETRY_BUDGET_BURST + 500; i++) {
		uint64_t wait_us = retry_budget_take(&budget, now_us);

		at_once += !wait_us;
		assert_true(wait_us >= last_us);
		last_us = wait_us;
	}
	assert_int_equal(at_once, RETRY_BUDGET_BURST);
	assert_in_range(last_us, 499 * 1000000ull / RETRY_BUDGET_RATE,
			501 * 1000000ull / RETRY_BUDGET_RATE);
	/* Nobody waits without bound, and the budget fills up again. */
	for (unsigned int i = 0; i < 100000; i++)
		assert_true(retry_budget_take(&budget, now_us) <= RETRY_BUDGET_WAIT_MAX_US);
	now_us += 10000000;
	for (unsigned int i = 0; i < RETRY_BUDGET_BURST; i++)
		assert_int_equal(retry_budget_take(&budget, now_us), 0);
}

static void storm_of_errors_is_paced_and_failover_is_not(void **state)
{
	unsigned int sent;

	(void)state;
	setup(2, NULL);
	fake.mpath.retry_budget.spent_until_us = fake.mpath.now_us + 1000000;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 4, .asc = 0x44 });
	fake_script(&fake.nexuses[1], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 4, .asc = 0x44 });
	fake_submit(&fake, &many[0], REQUEST_READ, 0, 1, blocks[0]);
	fake_serve(&fake);
	assert_int_equal(many[0].completions, 0);       /* another path is free, but */
	fake_advance(&fake, 3000);
	assert_int_equal(many[0].completions, 1);
	assert_int_equal(many[0].request.error, 0);

	fake.nexuses[0].script_len = fake.nexuses[0].script_done = 0;
	fake.nexuses[1].script_len = fake.nexuses[1].script_done = 0;
	fake.mpath.retry_budget.spent_until_us = fake.mpath.now_us + 1000000;
	for (unsigned int i = 0; i < 20; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, blocks[i]);
	sent = fake.nexuses[1].sends;
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	assert_true(fake.nexuses[1].sends >= sent + 10);
	fake_serve(&fake);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(many[i].completions, 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_is_halved_once_a_round_trip),
		cmocka_unit_test(alone_no_command_is_one_too_many),
		cmocka_unit_test(limit_rises_by_one_with_answers_and_time),
		TEST(depth_settles_at_what_the_unit_takes),
		TEST(unit_that_is_busy_with_everything_takes_no_slots_of_others),
		TEST(command_that_waits_under_a_lowered_limit_is_woken),
		TEST(new_session_starts_without_a_limit),
		TEST(pauses_grow_while_a_unit_stays_busy),
		cmocka_unit_test(budget_paces_a_storm),
		TEST(storm_of_errors_is_paced_and_failover_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
