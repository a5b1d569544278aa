// SPDX-License-Identifier: LGPL-2.1-or-later
/* Service time, and the speed of paths that it goes by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rack.h"

/*
 * A small model: paths that serve one command after the other, each in its own
 * time, and a client that keeps so many in flight.
 */

static uint64_t service_us[FAKE_NEXUSES], free_us[FAKE_NEXUSES];

static void model(const char *policy, unsigned int paths)
{
	rack_init(policy, paths);
	for (unsigned int i = 0; i < paths; i++) {
		service_us[i] = 100;
		free_us[i] = 0;
	}
}

/* When the oldest command of nexus I is done. */
static uint64_t done_us(unsigned int i)
{
	const struct list *in_flight_list = &fake.nexuses[i].transport.in_flight;
	const struct command *oldest;
	uint64_t start_us;

	if (list_is_empty(in_flight_list))
		return MPATH_NEVER;
	oldest = list_entry(in_flight_list->next, struct command, node);
	start_us = oldest->sent_us > free_us[i] ? oldest->sent_us : free_us[i];
	return start_us + service_us[i];
}

static void serve_next(void)
{
	unsigned int next = 0;
	uint64_t when_us, due_us = mpath_next_due_us(&fake.mpath);

	for (unsigned int i = 0; i < fake.count; i++) {
		fake_answer_session(&fake.nexuses[i]);
		if (done_us(i) < done_us(next))
			next = i;
	}
	when_us = done_us(next);
	if (due_us <= when_us) {
		mpath_set_now(&fake.mpath, due_us);
	} else {
		mpath_set_now(&fake.mpath, when_us);
		free_us[next] = when_us;
		assert_true(fake_answer_command(&fake.nexuses[next], 0));
	}
	mpath_run(&fake.mpath);
}

/* COUNT reads, DEPTH at a time. */
static void run_client(unsigned int count, unsigned int depth)
{
	unsigned int begun = 0, busy;

	for (unsigned int i = 0; i < depth; i++)
		requests[i].completions = 1;
	do {
		busy = 0;
		for (unsigned int i = 0; i < depth; i++) {
			if (requests[i].completions && begun < count) {
				submit(i, 8);
				begun++;
			}
			busy += !requests[i].completions;
		}
		if (busy)
			serve_next();
	} while (busy);
}

/* Hundredths of what COUNT reads did that went over path 0. */
static unsigned int share_of_0(unsigned int count, unsigned int depth)
{
	uint64_t before = served(0);

	run_client(count, depth);
	return (unsigned int)((served(0) - before) * 100 / count);
}

static void service_time_divides_by_speed(void **state)
{
	(void)state;
	model("service-time", 2);
	service_us[0] = 400;                    /* four times slower */
	run_client(200, 1);
	/* One at a time: the slow one is tried now and then, no more. */
	assert_in_range(share_of_0(2000, 1), 0, 3);
	/* Deep: it carries its fifth. */
	run_client(500, 32);
	assert_in_range(share_of_0(4000, 32), 12, 28);
	rack_done();
}

static void service_time_is_even_where_paths_are(void **state)
{
	(void)state;
	for (unsigned int depth = 1; depth <= 32; depth *= 4) {
		burst = 16;
		model("service-time", 2);
			assert_in_range(share_of_0(4000, depth), 35, 65);
		rack_done();
	}
}

static void a_path_that_got_slow_is_left_and_taken_again_when_it_is_not(void **state)
{
	(void)state;
	model("service-time", 2);
	run_client(500, 4);
	service_us[0] = 30000;
	run_client(500, 4);
	assert_in_range(share_of_0(5000, 4), 0, 3);
	service_us[0] = 100;
	run_client(100000, 4);                  /* 5 s */
	assert_in_range(share_of_0(2000, 4), 35, 65);
	rack_done();
}

static void a_path_that_never_answered_is_given_no_more(void **state)
{
	(void)state;
	model("service-time", 3);
	service_us[2] = 1000000;
	run_client(300, 4);
	/* While nothing was known of any, it had as many as the others. */
	assert_in_range(served(2), 1, 2);
	rack_done();
}

static void a_path_that_hangs_holds_few_commands(void **state)
{
	unsigned int n = 0;

	(void)state;
	model("service-time", 2);
	service_us[1] = 400;                    /* the better one is to hang */
	run_client(300, 4);
	service_us[0] = 2000000;
	for (unsigned int i = 0; i < 1000; i++) {
		while (!requests[n].completions)
			n = (n + 1) % 32;
		submit(n, 8);
		later(500);
		while (done_us(1) != MPATH_NEVER)
			serve_next();
		assert_in_range(in_flight(0), 0, 2);
	}
	service_us[0] = 100;
	while (in_flight(0))
		serve_next();
	rack_done();
}

/* An error says nothing of its speed, and is no reason to be the first. */
static void a_path_that_only_errs_is_not_tried_for_every_command(void **state)
{
	static const struct fake_answer broken = { .status = 2, .key = 4, .asc = 0x44 };

	(void)state;
	model("service-time", 2);
	for (unsigned int i = 0; i < 9; i++)
		fake_script(&fake.nexuses[0], broken);
	run_client(400, 1);                     /* 40 ms */
	assert_int_equal(fake.nexuses[0].script_done, 1);
	rack_done();
}

static void speed_is_measured_per_operation(void **state)
{
	const struct path_speed *reads, *writes;

	(void)state;
	model("round-robin", 1);
	reads = &path(0)->speed[PATH_OP_READ];
	writes = &path(0)->speed[PATH_OP_WRITE];
	assert_false(path_speed_is_known(reads));
	service_us[0] = 250;
	run_client(100, 1);
	assert_true(path_speed_is_known(reads));
	assert_false(path_speed_is_known(writes));
	assert_in_range(path_speed_latency_us(reads), 240, 260);
	assert_in_range(path_speed_bytes_per_s(reads), 15000000, 18000000);
	/* Side by side: latency grows, throughput stays. */
	run_client(400, 8);
	assert_in_range(path_speed_latency_us(reads), 1700, 2050);
	assert_in_range(path_speed_bytes_per_s(reads), 15000000, 18000000);
	rack_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(service_time_divides_by_speed),
		cmocka_unit_test(service_time_is_even_where_paths_are),
		cmocka_unit_test(a_path_that_got_slow_is_left_and_taken_again_when_it_is_not),
		cmocka_unit_test(a_path_that_never_answered_is_given_no_more),
		cmocka_unit_test(a_path_that_hangs_holds_few_commands),
		cmocka_unit_test(a_path_that_only_errs_is_not_tried_for_every_command),
		cmocka_unit_test(speed_is_measured_per_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
