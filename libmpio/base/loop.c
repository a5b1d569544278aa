// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mailbox is a stack that senders push to with one compare-and-swap and
 * that the loop takes whole and turns around: nobody waits for anybody.
 *
 * A sender wakes the loop only if it sleeps. The loop says so in is_asleep
 * right before it polls and then looks at the mailbox once more; a sender
 * pushes first and then looks at is_asleep. Both orders are sequentially
 * consistent, so at least one of the two sees the other. All work is done in
 * a uv_prepare handle, the last thing that libuv runs before it polls.
 */
#include "loop.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"

/* How long loop_free() waits for what cannot be cancelled: a name being
 * resolved in libuv's thread pool. */
#define CLOSE_PATIENCE_MS 200

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_async_t wake;
	uv_timer_t timer;
	uint64_t timer_due_us;          /* what timer is armed for */

	_Atomic(struct loop_message *) mailbox; /* newest first */
	atomic_bool is_asleep;

	/* The loop's own. */
	uint64_t now_us;
	uint64_t (*turn)(void *opaque);
	void *turn_opaque;
	/* loop_run_until()'s. */
	bool (*done)(void *opaque);
	void *done_opaque;
	uint64_t deadline_us;

	struct loop_call *first_finished;
	struct loop_call **last_finished;

	pthread_t thread;
	char name[16];
	struct loop_message stop;
};

enum call_state { CALL_PENDING, CALL_SLEEPING, CALL_DONE };

static void futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void drain_mailbox(struct loop *loop)
{
	struct loop_message *newest, *oldest = NULL;

	newest = atomic_exchange_explicit(&loop->mailbox, NULL, memory_order_acquire);
	while (newest) {
		struct loop_message *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct loop_message *next = oldest->next;

		oldest->run(oldest);
		oldest = next;
	}
}

static void wake_finished(struct loop *loop)
{
	struct loop_call *call = loop->first_finished;

	loop->first_finished = NULL;
	loop->last_finished = &loop->first_finished;
	while (call) {
		struct loop_call *next = call->next_finished;

		/* Its stack frame may be gone right after this. A wake-up of
		 * an address that has another use by then is spurious there. */
		if (atomic_exchange(&call->state, CALL_DONE) == CALL_SLEEPING)
			futex_wake(&call->state);
		call = next;
	}
}

/* False where a message has come in meanwhile. */
static bool fall_asleep(struct loop *loop)
{
	if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed))
		return false;
	atomic_store(&loop->is_asleep, true);
	if (!atomic_load(&loop->mailbox))
		return true;
	atomic_store(&loop->is_asleep, false);
	return false;
}

static void on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	loop->timer_due_us = UINT64_MAX;
	loop_note_awake(loop);
}

/* libuv's clock is the same CLOCK_MONOTONIC in milliseconds. */
static void arm_timer(struct loop *loop, uint64_t due_us)
{
	uint64_t due_ms, now_ms = uv_now(&loop->uv);

	if (due_us == loop->timer_due_us)
		return;
	loop->timer_due_us = due_us;
	if (due_us == UINT64_MAX) {
		uv_timer_stop(&loop->timer);
		return;
	}
	due_ms = due_us / 1000 + (due_us % 1000 != 0);
	uv_timer_start(&loop->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;
	uint64_t due_us = UINT64_MAX;

	loop_note_awake(loop);
	do {
		loop->now_us = uv_hrtime() / 1000;
		drain_mailbox(loop);
		if (loop->turn)
			due_us = loop->turn(loop->turn_opaque);
		wake_finished(loop);
	} while (!fall_asleep(loop));
	arm_timer(loop, min_us(due_us, loop->deadline_us));
	if (loop->done && loop->done(loop->done_opaque))
		uv_stop(&loop->uv);     /* do not poll first */
}

/* The prepare handle does the work. */
static void on_wake(uv_async_t *wake)
{
	(void)wake;
}

static void on_stop(struct loop_message *message)
{
	struct loop *loop = (struct loop *)(void *)
		((char *)message - offsetof(struct loop, stop));

	uv_stop(&loop->uv);
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	int error;

	if (!loop)
		return NULL;
	error = uv_loop_init(&loop->uv);
	if (error) {
		free(loop);
		errno = -error;
		return NULL;
	}
	loop->timer_due_us = loop->deadline_us = UINT64_MAX;
	loop->last_finished = &loop->first_finished;
	loop->now_us = uv_hrtime() / 1000;
	loop->stop.run = on_stop;

	uv_prepare_init(&loop->uv, &loop->prepare);
	loop->prepare.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_timer_init(&loop->uv, &loop->timer);
	loop->timer.data = loop;
	error = uv_async_init(&loop->uv, &loop->wake, on_wake);
	if (error) {
		uv_close((uv_handle_t *)&loop->prepare, NULL);
		uv_close((uv_handle_t *)&loop->timer, NULL);
		uv_run(&loop->uv, UV_RUN_DEFAULT);
		uv_loop_close(&loop->uv);
		free(loop);
		errno = -error;
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	uint64_t end_ms;

	if (!loop)
		return;
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	end_ms = uv_hrtime() / 1000000 + CLOSE_PATIENCE_MS;
	while (uv_run(&loop->uv, UV_RUN_NOWAIT) && uv_hrtime() / 1000000 < end_ms)
		uv_sleep(1);
	if (uv_loop_close(&loop->uv)) {
		/* The thread pool still writes to it. */
		log_debug("loop left behind: a request cannot be cancelled");
		return;
	}
	free(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

uint64_t loop_now_us(const struct loop *loop)
{
	return loop->now_us;
}

void loop_set_turn(struct loop *loop, uint64_t (*turn)(void *opaque), void *opaque)
{
	loop->turn = turn;
	loop->turn_opaque = opaque;
}

void loop_note_awake(struct loop *loop)
{
	atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
}

/* SCHED_BATCH: being woken does not pre-empt whoever runs, so that it can
 * finish its own batch first. */
static void *run_thread(void *opaque)
{
	struct loop *loop = opaque;
	const struct sched_param param = { 0 };

	pthread_setname_np(pthread_self(), loop->name);
	sched_setscheduler(0, SCHED_BATCH, &param);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	return NULL;
}

int loop_start(struct loop *loop, const char *name)
{
	sigset_t all, saved;
	int error;

	snprintf(loop->name, sizeof loop->name, "%s", name);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	error = pthread_create(&loop->thread, NULL, run_thread, loop);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -error;
}

void loop_stop(struct loop *loop)
{
	loop_post(loop, &loop->stop);
	pthread_join(loop->thread, NULL);
}

bool loop_run_until(struct loop *loop, bool (*done)(void *opaque), void *opaque,
		    uint64_t timeout_ms)
{
	uint64_t end_us = uv_hrtime() / 1000 + timeout_ms * 1000;
	sigset_t pipe, saved;
	bool is_done;

	/* libiscsi writes with writev(), which has no MSG_NOSIGNAL. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &saved);

	loop->done = done;
	loop->done_opaque = opaque;
	loop->deadline_us = end_us;
	while (!(is_done = done(opaque)) && uv_hrtime() / 1000 < end_us)
		uv_run(&loop->uv, UV_RUN_ONCE);
	loop->done = NULL;
	loop->deadline_us = UINT64_MAX;

	while (sigtimedwait(&pipe, NULL, &(struct timespec) { 0 }) == SIGPIPE)
		;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return is_done;
}

void loop_post(struct loop *loop, struct loop_message *message)
{
	message->next = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&loop->mailbox, &message->next, message))
		;
	if (atomic_load(&loop->is_asleep) && atomic_exchange(&loop->is_asleep, false))
		uv_async_send(&loop->wake);
}

void loop_call(struct loop *loop, struct loop_call *call)
{
	uint32_t state = CALL_PENDING;

	atomic_store_explicit(&call->state, CALL_PENDING, memory_order_relaxed);
	loop_post(loop, &call->message);
	if (!atomic_compare_exchange_strong(&call->state, &state, CALL_SLEEPING))
		return;
	while (atomic_load(&call->state) != CALL_DONE)
		futex_wait(&call->state, CALL_SLEEPING);
}

void loop_call_finish(struct loop *loop, struct loop_call *call)
{
	call->next_finished = NULL;
	*loop->last_finished = call;
	loop->last_finished = &call->next_finished;
}
