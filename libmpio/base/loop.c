// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One turn of the loop, and when it is made: in a uv_check handle right after
 * libuv has polled, and in a uv_prepare handle right before it polls if
 * anything came up in between.
 *
 * The mailbox is a stack that senders push to with one compare-and-swap and
 * that the loop takes whole and turns around: nobody waits for anybody. A
 * sender wakes the loop only if it sleeps. The loop says so in is_asleep right
 * before it polls and then looks at the mailbox once more; a sender pushes
 * first and then looks at is_asleep. Both orders are sequentially consistent,
 * so at least one of the two sees the other.
 */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "loop_internal.h"

/* How long loop_free() waits for what cannot be cancelled: a name being
 * resolved in libuv's thread pool. */
#define CLOSE_PATIENCE_MS 200

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t clock_us(void)
{
	return uv_hrtime() / 1000;
}

static bool has_mail(struct loop *loop)
{
	return atomic_load_explicit(&loop->mailbox, memory_order_relaxed) != NULL;
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

void loop_turn(struct loop *loop)
{
	loop_note_awake(loop);
	do {
		loop->now_us = clock_us();
		drain_mailbox(loop);
		if (loop->turn)
			loop->turn_due_us = loop->turn(loop->turn_opaque);
		baton_wake_finished(loop);
	} while (has_mail(loop));
}

/* False where a message has come in meanwhile. */
static bool fall_asleep(struct loop *loop)
{
	atomic_store(&loop->is_asleep, true);
	if (!atomic_load(&loop->mailbox))
		return true;
	loop_note_awake(loop);
	return false;
}

static void on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	loop->timer_due_us = UINT64_MAX;
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

static void on_check(uv_check_t *check)
{
	loop_turn(check->data);
}

/* A turn may be due because a timer of libuv's has fired, or because somebody
 * else had the baton meanwhile. It may have done what a caller that has the
 * baton waits for: only the loop's thread goes to sleep after it. */
static void on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;
	bool is_due = has_mail(loop) || loop->turn_due_us <= clock_us();
	bool may_sleep = loop->is_thread || !is_due;

	if (is_due)
		loop_turn(loop);
	while (may_sleep && !fall_asleep(loop)) {
		loop_turn(loop);
		may_sleep = loop->is_thread;
	}
	if (may_sleep && !baton_should_go(loop)) {
		arm_timer(loop, min_us(loop->turn_due_us, loop->end_us));
	} else {
		loop_note_awake(loop);
		uv_stop(&loop->uv);     /* libuv polls without sleeping then */
	}
}

/* The check handle does the work. */
static void on_wake(uv_async_t *wake)
{
	(void)wake;
}

static void close_handles(struct loop *loop)
{
	uv_close((uv_handle_t *)&loop->prepare, NULL);
	uv_close((uv_handle_t *)&loop->check, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
}

static int init_handles(struct loop *loop)
{
	int error;

	uv_prepare_init(&loop->uv, &loop->prepare);
	loop->prepare.data = loop;
	uv_check_init(&loop->uv, &loop->check);
	loop->check.data = loop;
	uv_timer_init(&loop->uv, &loop->timer);
	loop->timer.data = loop;
	error = uv_async_init(&loop->uv, &loop->wake, on_wake);
	if (error) {
		close_handles(loop);
		uv_run(&loop->uv, UV_RUN_DEFAULT);
		return error;
	}
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_check_start(&loop->check, on_check);
	return 0;
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);
	int error;

	if (!loop)
		return NULL;
	error = uv_loop_init(&loop->uv);
	if (error)
		goto free_loop;
	error = init_handles(loop);
	if (error)
		goto close_loop;
	loop->timer_due_us = loop->turn_due_us = loop->end_us = UINT64_MAX;
	loop->now_us = clock_us();
	baton_init(loop);
	return loop;

close_loop:
	uv_loop_close(&loop->uv);
free_loop:
	free(loop);
	errno = -error;
	return NULL;
}

void loop_free(struct loop *loop)
{
	uint64_t end_us;

	if (!loop)
		return;
	close_handles(loop);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	end_us = clock_us() + CLOSE_PATIENCE_MS * 1000;
	while (uv_run(&loop->uv, UV_RUN_NOWAIT) && clock_us() < end_us)
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
	loop->turn_due_us = turn ? 0 : UINT64_MAX;      /* the first is due at once */
}

void loop_note_awake(struct loop *loop)
{
	atomic_store_explicit(&loop->is_asleep, false, memory_order_relaxed);
}

bool loop_run_until(struct loop *loop, bool (*done)(void *opaque), void *opaque,
		    uint64_t timeout_ms)
{
	uint64_t end_us = clock_us() + timeout_ms * 1000;
	sigset_t pipe, saved;
	bool is_done;

	/* libiscsi writes with writev(), which has no MSG_NOSIGNAL. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &saved);

	loop->end_us = end_us;
	loop_turn(loop);
	while (!(is_done = done(opaque)) && clock_us() < end_us)
		uv_run(&loop->uv, UV_RUN_ONCE);
	loop->end_us = UINT64_MAX;

	while (sigtimedwait(&pipe, NULL, &(struct timespec) { 0 }) == SIGPIPE)
		;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return is_done;
}
