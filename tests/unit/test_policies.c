// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all policies have in common, and those that go by load and by weight.
 * test_policy.c has round robin and failover.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rack.h"

static void set_state(unsigned int i, enum path_state state)
{
	path_enter(path(i), state, "as the test says");
	mpath_run(&fake.mpath);
}

static void down(unsigned int i)
{
	fake.nexuses[i].refuses = true;
	fake_break(&fake, i, "gone");
}

static void up(unsigned int i)
{
	fake.nexuses[i].refuses = false;
	fake_advance(&fake, 10000);
	assert_true(path_is_usable(path(i)));
}

/* The paths that COUNT reads went over, as bits. */
static unsigned int carriers(unsigned int count)
{
	uint64_t before[32];
	unsigned int bits = 0;

	for (unsigned int i = 0; i < fake.count; i++)
		before[i] = served(i);
	read_some(count);
	for (unsigned int i = 0; i < fake.count; i++)
		bits |= (served(i) != before[i]) << i;
	return bits;
}

#define FOR_EVERY_POLICY(policy) \
	for (const struct policy_ops *const *policy = policy_all(); *policy; policy++)

static bool is_failover(const struct policy_ops *policy)
{
	return policy == &policy_failover_only;
}

/*
 * All of them
 */

static void standby_paths_are_used_only_when_no_other_is_left(void **state)
{
	(void)state;
	FOR_EVERY_POLICY(policy) {
		rack_init((*policy)->name, 4);
		path(0)->settings.is_standby = path(3)->settings.is_standby = true;
		set_state(0, PATH_STANDBY);
		set_state(3, PATH_STANDBY);
		assert_int_equal(carriers(200) & 9, 0);
		down(1);
		assert_int_equal(carriers(200), 4);
		down(2);
		assert_int_equal(carriers(200) & 6, 0);
		up(1);
		assert_int_equal(carriers(200), 2);
		up(2);
		assert_int_equal(carriers(200) & 9, 0);
		rack_done();
	}
}

static void unoptimized_paths_are_not_mixed_with_optimized_ones(void **state)
{
	(void)state;
	FOR_EVERY_POLICY(policy) {
		rack_init((*policy)->name, 4);
		set_state(0, PATH_ACTIVE_UNOPTIMIZED);
		set_state(1, PATH_ACTIVE_UNOPTIMIZED);
		assert_int_equal(carriers(200) & 3, 0);
		set_state(2, PATH_ACTIVE_UNOPTIMIZED);
		assert_int_equal(carriers(200), 8);
		set_state(3, PATH_STANDBY);
		assert_int_equal(carriers(200) & 8, 0);
		set_state(3, PATH_ACTIVE_OPTIMIZED);
		assert_int_equal(carriers(200), 8);
		rack_done();
	}
}

static void ties_rotate(void **state)
{
	(void)state;
	FOR_EVERY_POLICY(policy) {
		if (is_failover(*policy))
			continue;
		rack_init((*policy)->name, 4);
		read_some(400);
		for (unsigned int i = 0; i < 4; i++)
			assert_in_range(served(i), 95, 105);
		rack_done();
		/* In bursts, too. */
		burst = 16;
		rack_init((*policy)->name, 32);
		read_some(32 * 16 * 4);
		for (unsigned int i = 0; i < 32; i++)
			assert_in_range(served(i), 16, 128);
		rack_done();
	}
}

/* Many in flight, served one path after the other: nobody starves, nobody is
 * flooded. */
static void deep_queues_spread_over_all_paths(void **state)
{
	(void)state;
	FOR_EVERY_POLICY(policy) {
		if (is_failover(*policy))
			continue;
		burst = 16;
		rack_init((*policy)->name, 4);
		for (unsigned int round = 0; round < 100; round++) {
			for (unsigned int i = 0; i < 64; i++)
				submit(i, 8);
			for (unsigned int i = 0; i < 4; i++)
				assert_in_range(in_flight(i), 1, 32);
			later(200);
			fake_serve(&fake);
		}
		for (unsigned int i = 0; i < 4; i++)
			assert_in_range(served(i), 1000, 2400);
		rack_done();
	}
}

static void commands_of_one_instant_travel_together(void **state)
{
	(void)state;
	FOR_EVERY_POLICY(policy) {
		unsigned int used = 0;

		burst = 16;
		rack_init((*policy)->name, 4);
		read_some(64);          /* so that every path was measured */
		later(1000);
		for (unsigned int i = 0; i < 8; i++)
			submit(i, 8);
		for (unsigned int i = 0; i < 4; i++)
			used += in_flight(i) > 0;
		assert_in_range(used, 1, 2);
		fake_serve(&fake);
		rack_done();
	}
}

/*
 * Whatever the loads, weights, speeds and slots are: the pick is a candidate
 * with a free slot, not the one to avoid unless no other has one, and there is
 * one if anybody has a slot.
 */
static void scramble(const struct policy_ops *policy, void *context, struct candidates *some)
{
	some->count = 0;
	for (unsigned int i = 0; i < fake.count; i++) {
		struct path *p = path(i);
		struct path_speed *speed = &p->speed[rand() % 2];

		p->transport->in_flight_count = (unsigned int)rand() % 6;
		p->transport->in_flight_bytes = (uint64_t)rand() % 3 * 4096;
		p->in_flight = (unsigned int)rand() % 3;
		speed->latency8_us = (uint64_t)(rand() % 3) * (uint64_t)rand();
		speed->queued8_bytes = 1 + (uint64_t)rand() % (1 << 26);
		speed->tried_us = fake.mpath.now_us - (uint64_t)rand() % 1000000;
		if (rand() % 8 == 0) {
			p->settings.weight = (uint32_t)rand() % 4;
			p->settings.is_preferred = !p->settings.is_preferred;
		}
	}
	for (unsigned int i = 0; i < fake.count; i++)
		if (rand() % 2)
			some->paths[some->count++] = path(i);
	if (!some->count)
		some->paths[some->count++] = path(0);
	policy->changed(context, some, fake.mpath.now_us);
}

static void check_pick(const struct policy_ops *policy, void *context,
		       const struct candidates *some, const struct command *command)
{
	const struct path *picked;
	unsigned int takers = 0, slots = 0;
	bool is_candidate = false;

	picked = policy->pick(context, some, command, fake.mpath.now_us);
	for (size_t i = 0; i < some->count; i++) {
		bool has_slot = path_has_slot(some->paths[i]);

		slots += has_slot;
		takers += has_slot && some->paths[i] != command->avoid;
		is_candidate |= some->paths[i] == picked;
	}
	if (!picked) {
		assert_true(is_failover(policy) || !slots);
		return;
	}
	assert_true(is_candidate);
	assert_true(path_has_slot(picked));
	if (!is_failover(policy))
		assert_true(picked != command->avoid || !takers);
}

static void a_pick_is_always_one_that_can_be_sent(void **state)
{
	(void)state;
	srand(1);
	FOR_EVERY_POLICY(policy) {
		struct candidates some;
		void *context;

		burst = 4;
		rack_init("round-robin", 12);
		context = (*policy)->create(&fake.device->settings);
		for (unsigned int i = 0; i < fake.count; i++)
			path(i)->transport->queue_depth = 4;
		for (unsigned int round = 0; round < 20000; round++) {
			struct request request = { .op = round % 2 ? REQUEST_READ : REQUEST_WRITE };
			struct command command = {
				.request = &request, .cdb.data_len = (uint32_t)rand() % 3 * 4096,
				.avoid = rand() % 2 ? path((unsigned int)rand() % 12) : NULL,
			};

			if (round % 8 == 0)
				scramble(*policy, context, &some);
			if (rand() % 2)
				later((uint64_t)rand() % 100);
			check_pick(*policy, context, &some, &command);
		}
		(*policy)->destroy(context);
		for (unsigned int i = 0; i < fake.count; i++) {
			path(i)->in_flight = path(i)->transport->in_flight_count = 0;
			path(i)->transport->in_flight_bytes = 0;
		}
		rack_done();
	}
}

/*
 * By load
 */

static void least_queue_depth_goes_where_fewest_commands_are(void **state)
{
	(void)state;
	rack_init("least-queue-depth", 3);
	submit(0, 64);
	submit(1, 8);
	submit(2, 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(in_flight(i), 1);
	assert_true(fake_answer_command(&fake.nexuses[1], 0));
	mpath_run(&fake.mpath);
	submit(3, 2048);
	assert_int_equal(in_flight(1), 1);
	assert_true(fake_answer_command(&fake.nexuses[2], 0));
	mpath_run(&fake.mpath);
	submit(4, 1);
	assert_int_equal(in_flight(2), 1);
	fake_serve(&fake);
	rack_done();
}

static void least_blocks_goes_where_fewest_bytes_are(void **state)
{
	unsigned int large;

	(void)state;
	rack_init("least-blocks", 2);
	submit(0, 128);                         /* 64 KiB */
	large = in_flight(1);
	for (unsigned int i = 1; i < 16; i++) {
		submit(i, 8);                   /* 60 KiB in all: not as much */
		assert_int_equal(in_flight(large), 1);
	}
	submit(16, 16);
	assert_int_equal(in_flight(large), 1);
	submit(17, 1);                          /* 64 against 68 KiB */
	assert_int_equal(in_flight(large), 2);
	fake_serve(&fake);
	rack_done();
}

/* COUNT reads of DEVICE, one after the other, all go down path 1. */
static void goes_down_path_1(struct device *device, unsigned int count)
{
	fake.device = device;
	for (unsigned int i = 0; i < count; i++) {
		submit(2, 8);
		assert_int_equal(device->paths[1]->in_flight, 1);
		fake_serve(&fake);
	}
}

/* Both LUNs of one process, on the same two nexuses. */
static void every_lun_on_the_nexus_counts(const char *policy)
{
	struct device *luns[2];

	rack_init(policy, 2);
	luns[0] = fake.device;
	fake_add_paths(&fake, "second", &luns[0]->settings);
	fake_advance(&fake, 1000);
	luns[1] = fake.device;
	/* One I/O to each, while there is but one path. */
	fake.nexuses[0].is_mute = true;
	for (unsigned int i = 0; i < 2; i++) {
		fake.device = luns[i];
		set_state(1, PATH_FAILED);
		submit(i, 8);
		set_state(1, PATH_ACTIVE_OPTIMIZED);
		assert_int_equal(luns[i]->paths[0]->in_flight, 1);
	}
	/* The next one of either goes down the other. */
	goes_down_path_1(luns[0], 4);
	goes_down_path_1(luns[1], 4);
	/* So does that of a LUN that has nothing there itself. */
	fake.nexuses[0].is_mute = false;
	assert_true(fake_serve_one(&fake, &fake.nexuses[0]));
	fake.nexuses[0].is_mute = true;
	assert_int_equal(luns[0]->paths[0]->in_flight, 0);
	goes_down_path_1(luns[0], 4);
	fake.nexuses[0].is_mute = false;
	fake_serve(&fake);
	device_free(luns[1]);
	fake.device = luns[0];
	rack_done();
}

static void all_luns_of_the_nexus_count(void **state)
{
	(void)state;
	every_lun_on_the_nexus_counts("least-queue-depth");
	every_lun_on_the_nexus_counts("least-blocks");
}

/* Other processes'. */
static uint64_t others_commands[2], others_bytes[2];

static struct nexus_load scripted_others(const struct transport *transport)
{
	size_t i = transport == &fake.nexuses[1].transport;

	return (struct nexus_load) { others_commands[i], others_bytes[i] };
}

static void no_publish(struct transport *transport)
{
	(void)transport;
}

static const struct load_ops scripted_load = {
	.publish = no_publish, .others = scripted_others,
};

static void what_other_processes_have_in_flight_counts(void **state)
{
	(void)state;
	rack_init("least-queue-depth", 2);
	fake.mpath.load_ops = &scripted_load;
	/* Never looked into by the core. */
	fake.nexuses[0].transport.load = fake.nexuses[1].transport.load = (void *)&fake;
	others_commands[0] = 5;
	for (unsigned int i = 0; i < 5; i++)
		submit(i, 8);
	assert_int_equal(in_flight(1), 5);
	submit(5, 8);
	submit(6, 8);
	assert_int_equal(in_flight(0), 1);
	assert_int_equal(in_flight(1), 6);
	others_commands[0] = 0;
	submit(7, 8);
	assert_int_equal(in_flight(0), 2);
	fake_serve(&fake);
	rack_done();
}

/*
 * By weight
 */

static void weighted_paths_takes_the_lowest_weight_there_is(void **state)
{
	static const uint32_t weights[] = { 30, 10, 20, 10 };

	(void)state;
	rack_init("weighted-paths", 4);
	for (unsigned int i = 0; i < 4; i++)
		path(i)->settings.weight = weights[i];
	set_state(0, PATH_ACTIVE_UNOPTIMIZED);
	set_state(0, PATH_ACTIVE_OPTIMIZED);    /* the policy looks again */
	read_some(100);
	assert_int_equal(served(1), 50);
	assert_int_equal(served(3), 50);
	down(3);
	assert_int_equal(carriers(50), 1 << 1);
	down(1);
	assert_int_equal(carriers(50), 1 << 2);
	down(2);
	assert_int_equal(carriers(50), 1 << 0);
	up(3);
	assert_int_equal(carriers(50), 1 << 3);
	rack_done();
}

static void heavier_paths_take_what_the_lightest_has_no_slot_for(void **state)
{
	(void)state;
	rack_init("weighted-paths", 3);
	path(0)->settings.weight = 2;
	path(2)->settings.weight = 1;
	set_state(0, PATH_ACTIVE_UNOPTIMIZED);
	set_state(0, PATH_ACTIVE_OPTIMIZED);
	for (unsigned int i = 0; i < 3; i++)
		path(i)->transport->queue_depth = 4;
	for (unsigned int i = 0; i < 6; i++)
		submit(i, 1);
	assert_int_equal(in_flight(1), 4);
	assert_int_equal(in_flight(2), 2);
	assert_true(fake_answer_command(&fake.nexuses[1], 0));
	mpath_run(&fake.mpath);
	submit(6, 1);
	assert_int_equal(in_flight(1), 4);
	assert_int_equal(in_flight(2), 2);
	fake_serve(&fake);
	rack_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(standby_paths_are_used_only_when_no_other_is_left),
		cmocka_unit_test(unoptimized_paths_are_not_mixed_with_optimized_ones),
		cmocka_unit_test(ties_rotate),
		cmocka_unit_test(deep_queues_spread_over_all_paths),
		cmocka_unit_test(commands_of_one_instant_travel_together),
		cmocka_unit_test(a_pick_is_always_one_that_can_be_sent),
		cmocka_unit_test(least_queue_depth_goes_where_fewest_commands_are),
		cmocka_unit_test(least_blocks_goes_where_fewest_bytes_are),
		cmocka_unit_test(all_luns_of_the_nexus_count),
		cmocka_unit_test(what_other_processes_have_in_flight_counts),
		cmocka_unit_test(weighted_paths_takes_the_lowest_weight_there_is),
		cmocka_unit_test(heavier_paths_take_what_the_lightest_has_no_slot_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
