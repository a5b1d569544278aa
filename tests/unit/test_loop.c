// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "list.h"
#include "loop.h"

#define SENDERS 4
#define MESSAGES 20000

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec) { ms / 1000, ms % 1000 * 1000000L }, NULL);
}

static void start(void)
{
	assert_int_equal(loop_start(loop, "test-loop"), 0);
}

/*
 * Posting
 */

struct numbered {
	struct loop_message message;
	unsigned int sender, number;
};

/* The loop's own. */
static unsigned int next_number[SENDERS];
static unsigned int disorders;

static void count_message(struct loop_message *message)
{
	struct numbered *numbered = list_entry(message, struct numbered, message);

	if (numbered->number != next_number[numbered->sender]++)
		disorders++;
}

static void *send_numbered(void *opaque)
{
	unsigned int sender = *(unsigned int *)opaque;
	struct numbered *all = calloc(MESSAGES, sizeof *all);

	if (!all)
		return NULL;
	for (unsigned int i = 0; i < MESSAGES; i++) {
		all[i] = (struct numbered) { { .run = count_message }, sender, i };
		loop_post(loop, &all[i].message);
		if (i % 1000 == 0)
			sleep_ms(1);    /* let it fall asleep now and then */
	}
	return all;
}

static void messages_of_one_thread_keep_their_order(void **state)
{
	pthread_t threads[SENDERS];
	unsigned int numbers[SENDERS];
	void *sent[SENDERS];

	(void)state;
	memset(next_number, 0, sizeof next_number);
	disorders = 0;
	start();
	for (unsigned int i = 0; i < SENDERS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, send_numbered, &numbers[i]),
				 0);
	}
	for (unsigned int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], &sent[i]);
	loop_stop(loop);        /* after everything that was posted before */
	assert_int_equal(disorders, 0);
	for (unsigned int i = 0; i < SENDERS; i++) {
		assert_int_equal(next_number[i], MESSAGES);
		free(sent[i]);
	}
}

struct chain {
	struct loop_message message;
	unsigned int left;
};

static void post_again(struct loop_message *message)
{
	struct chain *chain = list_entry(message, struct chain, message);

	if (chain->left-- > 1)
		loop_post(loop, message);
}

static bool is_exhausted(void *opaque)
{
	return ((struct chain *)opaque)->left == 0;
}

static void the_loop_may_post_to_itself(void **state)
{
	struct chain chain = { { .run = post_again }, 1000 };

	(void)state;
	loop_post(loop, &chain.message);
	assert_true(loop_run_until(loop, is_exhausted, &chain, 5000));
}

/*
 * Calls
 */

struct addition {
	struct loop_call call;
	unsigned int a, sum;
};

static unsigned int running_sum;        /* the loop's own */

static void add(struct loop_message *message)
{
	struct addition *addition = list_entry(message, struct addition, call.message);

	addition->sum = running_sum += addition->a;
	loop_call_finish(loop, &addition->call);
}

static void *call_often(void *opaque)
{
	unsigned int last = 0;

	for (unsigned int i = 0; i < MESSAGES / 4; i++) {
		struct addition addition = { .a = 1 };

		addition.call.message.run = add;
		loop_call(loop, &addition.call);
		if (addition.sum <= last)
			return opaque;  /* an answer of another time */
		last = addition.sum;
	}
	return NULL;
}

static void each_call_gets_its_own_answer(void **state)
{
	pthread_t threads[SENDERS];
	void *wrong;

	(void)state;
	running_sum = 0;
	start();
	for (unsigned int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, loop), 0);
	for (unsigned int i = 0; i < SENDERS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	loop_stop(loop);
	assert_int_equal(running_sum, SENDERS * (MESSAGES / 4));
}

static void a_call_wakes_a_loop_that_sleeps(void **state)
{
	(void)state;
	running_sum = 0;
	start();
	for (unsigned int i = 0; i < 5; i++) {
		struct addition addition = { .a = 1 };

		sleep_ms(20);
		addition.call.message.run = add;
		loop_call(loop, &addition.call);
		assert_int_equal(addition.sum, i + 1);
	}
	loop_stop(loop);
}

/* Calls that wait until all are there. The loop's own. */
static struct loop_call *gathered[SENDERS];
static unsigned int gathered_count;

static void gather(struct loop_message *message)
{
	gathered[gathered_count++] = list_entry(message, struct loop_call, message);
}

static uint64_t finish_when_all_are_there(void *opaque)
{
	(void)opaque;
	if (gathered_count == SENDERS) {
		while (gathered_count)
			loop_call_finish(loop, gathered[--gathered_count]);
	}
	return UINT64_MAX;
}

static void *call_and_wait(void *opaque)
{
	for (unsigned int i = 0; i < 500; i++) {
		struct loop_call call = { .message.run = gather };

		loop_call(loop, &call);
	}
	return opaque;
}

static void calls_finished_in_one_turn_all_return(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	gathered_count = 0;
	loop_set_turn(loop, finish_when_all_are_there, NULL);
	start();
	for (unsigned int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_and_wait, NULL), 0);
	for (unsigned int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	loop_stop(loop);
	assert_int_equal(gathered_count, 0);
}

/*
 * Who runs the loop
 */

struct inquiry {
	struct loop_call call;
	pthread_t runner;
};

static void note_runner(struct loop_message *message)
{
	struct inquiry *inquiry = list_entry(message, struct inquiry, call.message);

	inquiry->runner = pthread_self();
	loop_call_finish(loop, &inquiry->call);
}

static bool runs_here(void)
{
	struct inquiry inquiry = { .call.message.run = note_runner };

	loop_call(loop, &inquiry.call);
	return pthread_equal(inquiry.runner, pthread_self());
}

/* It takes some calls in a row, without a pause in which the loop's thread
 * would think that callers have gone: more than once on a busy machine. */
static void become_the_runner(void)
{
	uint64_t end_us = uv_hrtime() / 1000 + 20000000;

	while (!runs_here())
		assert_true(uv_hrtime() / 1000 < end_us);
}

static void a_lone_caller_runs_the_loop_itself(void **state)
{
	(void)state;
	start();
	assert_false(runs_here());
	become_the_runner();
	loop_stop(loop);
}

static void *call_for_a_while(void *opaque)
{
	unsigned int *here = opaque;

	for (unsigned int i = 0; i < 2000; i++)
		*here += runs_here();
	return NULL;
}

/* Calls that wait for one another always have company. */
static void callers_side_by_side_leave_it_to_the_thread(void **state)
{
	pthread_t threads[SENDERS];

	(void)state;
	gathered_count = 0;
	loop_set_turn(loop, finish_when_all_are_there, NULL);
	start();
	for (unsigned int i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_and_wait, NULL), 0);
	for (unsigned int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_false(runs_here());
	loop_stop(loop);
}

static void callers_that_come_and_go_are_all_served(void **state)
{
	pthread_t threads[SENDERS];
	unsigned int here[SENDERS] = { 0 };

	(void)state;
	start();
	for (unsigned int round = 0; round < 5; round++) {
		become_the_runner();
		for (unsigned int i = 0; i < SENDERS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, call_for_a_while,
							&here[i]), 0);
		for (unsigned int i = 0; i < SENDERS; i++)
			pthread_join(threads[i], NULL);
		sleep_ms(round * 3);    /* around the length of a nap */
	}
	loop_stop(loop);
}

static atomic_uint ran;

static void count_run(struct loop_message *message)
{
	(void)message;
	atomic_fetch_add(&ran, 1);
}

/* The caller that ran the loop has gone: nobody has the baton. */
static void a_message_reaches_a_loop_that_nobody_runs(void **state)
{
	struct loop_message message = { .run = count_run };

	(void)state;
	atomic_store(&ran, 0);
	start();
	for (unsigned int i = 0; i < 20; i++) {
		become_the_runner();
		sleep_ms(i % 7);
		loop_post(loop, &message);
		for (unsigned int waited = 0; atomic_load(&ran) == i && waited < 5000; waited++)
			sleep_ms(1);
		assert_int_equal(atomic_load(&ran), i + 1);
	}
	loop_stop(loop);
}

/*
 * Time
 */

struct alarm_clock {
	uint64_t due_us, rung_us;
	unsigned int early, rung;
};

static uint64_t ring_when_due(void *opaque)
{
	struct alarm_clock *clock = opaque;

	if (clock->due_us == UINT64_MAX)
		return UINT64_MAX;
	if (loop_now_us(loop) < clock->due_us) {
		clock->early++;
		return clock->due_us;
	}
	clock->rung++;
	clock->rung_us = loop_now_us(loop);
	clock->due_us = UINT64_MAX;
	return UINT64_MAX;
}

static bool has_rung(void *opaque)
{
	return ((struct alarm_clock *)opaque)->rung > 0;
}

static void a_turn_comes_when_it_was_wanted(void **state)
{
	struct alarm_clock clock = { 0 };
	uint64_t begin_us = uv_hrtime() / 1000;

	(void)state;
	clock.due_us = begin_us + 30500;
	loop_set_turn(loop, ring_when_due, &clock);
	assert_true(loop_run_until(loop, has_rung, &clock, 10000));
	assert_true(uv_hrtime() / 1000 - begin_us >= 30500);
	/* The first turn, and none that the timer would have made too early. */
	assert_int_equal(clock.early, 1);
}

static void run_until_returns_without_another_event(void **state)
{
	struct alarm_clock clock = { 0 };
	uint64_t begin_us = uv_hrtime() / 1000;

	(void)state;
	loop_set_turn(loop, ring_when_due, &clock);
	assert_true(loop_run_until(loop, has_rung, &clock, 10000));
	assert_in_range(uv_hrtime() / 1000 - begin_us, 0, 5000000);
}

static void run_until_gives_up_in_time(void **state)
{
	struct alarm_clock clock = { .due_us = UINT64_MAX };
	uint64_t begin_us = uv_hrtime() / 1000;

	(void)state;
	loop_set_turn(loop, ring_when_due, &clock);
	assert_false(loop_run_until(loop, has_rung, &clock, 30));
	assert_in_range(uv_hrtime() / 1000 - begin_us, 30000, 5000000);
	clock.rung = 1;
	assert_true(loop_run_until(loop, has_rung, &clock, 0));
}

struct setting {
	struct loop_call call;
	struct alarm_clock *clock;
	uint64_t due_us;
};

static void set_clock(struct loop_message *message)
{
	struct setting *setting = list_entry(message, struct setting, call.message);

	setting->clock->due_us = setting->due_us;
	setting->clock->rung = 0;
	loop_call_finish(loop, &setting->call);
}

/* Set far away, then nearer: the nearer one must count. */
static void a_message_can_bring_the_turn_forward(void **state)
{
	struct alarm_clock clock = { .due_us = UINT64_MAX };
	struct setting setting = { .clock = &clock };

	(void)state;
	loop_set_turn(loop, ring_when_due, &clock);
	start();
	setting.call.message.run = set_clock;
	setting.due_us = uv_hrtime() / 1000 + 3600 * UINT64_C(1000000);
	loop_call(loop, &setting.call);
	sleep_ms(5);
	setting.due_us = uv_hrtime() / 1000 + 10000;
	loop_call(loop, &setting.call);
	sleep_ms(500);
	loop_stop(loop);        /* makes a turn as well */
	assert_int_equal(clock.rung, 1);
	assert_in_range(clock.rung_us, setting.due_us, setting.due_us + 250000);
}

static void the_thread_comes_back_when_callers_have_gone(void **state)
{
	struct alarm_clock clock = { .due_us = UINT64_MAX };
	struct setting setting = { .call.message.run = set_clock, .clock = &clock };

	(void)state;
	loop_set_turn(loop, ring_when_due, &clock);
	start();
	become_the_runner();
	setting.due_us = uv_hrtime() / 1000 + 30000;
	loop_call(loop, &setting.call);
	sleep_ms(500);
	loop_stop(loop);
	assert_int_equal(clock.rung, 1);
	assert_in_range(clock.rung_us, setting.due_us, setting.due_us + 250000);
}

/* A caller that runs the loop must not sleep through what it waits for, even
 * if it comes about without any event: here by time. */
static struct loop_call *postponed;     /* the loop's own */

static void postpone(struct loop_message *message)
{
	postponed = list_entry(message, struct loop_call, message);
}

static uint64_t finish_postponed(void *opaque)
{
	struct alarm_clock *clock = opaque;
	uint64_t due_us = ring_when_due(clock);

	if (clock->rung && postponed) {
		loop_call_finish(loop, postponed);
		postponed = NULL;
	}
	return due_us;
}

static void a_caller_can_wait_for_the_time(void **state)
{
	struct alarm_clock clock = { .due_us = UINT64_MAX };
	struct setting setting = { .call.message.run = set_clock, .clock = &clock };
	uint64_t begin_us;

	(void)state;
	loop_set_turn(loop, finish_postponed, &clock);
	start();
	for (unsigned int i = 0; i < 5; i++) {
		struct loop_call call = { .message.run = postpone };

		become_the_runner();
		begin_us = uv_hrtime() / 1000;
		setting.due_us = begin_us + 10000;
		loop_call(loop, &setting.call);
		loop_call(loop, &call);
		assert_in_range(uv_hrtime() / 1000 - begin_us, 10000, 5000000);
	}
	loop_stop(loop);
}

/*
 * Running
 */

static void a_loop_can_be_started_again(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct addition addition = { .a = 1 };

		start();
		addition.call.message.run = add;
		loop_call(loop, &addition.call);
		loop_stop(loop);
	}
}

static void close_pipe_reader(struct loop_message *message)
{
	char byte = 0;
	int ends[2];

	(void)message;
	if (pipe(ends))
		return;
	close(ends[0]);
	if (write(ends[1], &byte, 1) >= 0 || errno != EPIPE)
		abort();
	close(ends[1]);
}

static bool is_true(void *opaque)
{
	return *(bool *)opaque;
}

/* With its default disposition SIGPIPE would end the process. */
static void a_broken_pipe_kills_nobody(void **state)
{
	struct loop_message message = { .run = close_pipe_reader };
	bool never = false;
	sigset_t pending;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	loop_post(loop, &message);
	assert_false(loop_run_until(loop, is_true, &never, 5));
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));

	start();
	loop_post(loop, &message);
	loop_stop(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_of_one_thread_keep_their_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_loop_may_post_to_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(each_call_gets_its_own_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(a_call_wakes_a_loop_that_sleeps, setup,
						teardown),
		cmocka_unit_test_setup_teardown(calls_finished_in_one_turn_all_return, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_lone_caller_runs_the_loop_itself, setup,
						teardown),
		cmocka_unit_test_setup_teardown(callers_side_by_side_leave_it_to_the_thread,
						setup, teardown),
		cmocka_unit_test_setup_teardown(callers_that_come_and_go_are_all_served, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_message_reaches_a_loop_that_nobody_runs,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_turn_comes_when_it_was_wanted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(run_until_returns_without_another_event, setup,
						teardown),
		cmocka_unit_test_setup_teardown(run_until_gives_up_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(a_message_can_bring_the_turn_forward, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_thread_comes_back_when_callers_have_gone,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_caller_can_wait_for_the_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_loop_can_be_started_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_pipe_kills_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
