// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which thread runs the loop: the one that has the baton.
 *
 * Handing a request to another thread and being woken by it again costs more
 * than the request where threads sit on different processors, and nothing
 * where it is shared by many requests. So, while one call at a time comes in,
 * the caller runs the loop itself until its call is finished. While calls come
 * in side by side, the loop's own thread has the baton and keeps it; it lets
 * go of it after LONE_CALLS calls in a row that were alone.
 *
 * A caller that had company gives the baton to the thread, whatever is left to
 * do. One that was alone just drops it, which costs no wake-up. The thread
 * then naps, and picks it up when no caller has taken it for a whole nap: so
 * sockets and timers are looked after, a few milliseconds late at most, when
 * callers have gone away.
 *
 * Nothing is lost between two holders: who drops the baton looks at the
 * mailbox afterwards, who posts looks at the baton afterwards, both
 * sequentially consistent.
 *
 * Callers that wait are woken by the batch: they sit in rooms of 32, each on a
 * seat (a bit) of its own, and one system call wakes all of a room whose calls
 * are finished. A thread keeps its seat; where there are more threads than
 * seats, two share one and now and then are woken for nothing.
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "loop_internal.h"

#define LONE_CALLS 16
#define NAP_MS 4

#define SEATS_PER_ROOM 32

/* A call's state: one of these, or the seat on which its caller sleeps. */
enum { CALL_PENDING, CALL_DONE, CALL_FIRST_SEAT };

static void futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void futex_wait_seat(_Atomic uint32_t *word, uint32_t value, uint32_t seat)
{
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, NULL, NULL, seat);
}

static void futex_wake_seats(_Atomic uint32_t *word, uint32_t seats)
{
	syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, seats);
}

/*
 * The baton
 */

static bool take(struct loop *loop)
{
	return !atomic_load(&loop->is_held) && !atomic_exchange(&loop->is_held, true);
}

static void give_to_thread(struct loop *loop)
{
	atomic_store(&loop->summons, 1);
	futex_wake(&loop->summons);
}

/* False where there is mail and nobody else to care for it: still held. */
static bool drop(struct loop *loop)
{
	atomic_store(&loop->is_held, false);
	return !atomic_load(&loop->mailbox) || !take(loop);
}

bool baton_should_go(const struct loop *loop)
{
	return loop->is_thread &&
		(loop->is_stopping ||
		 (loop->lone_calls >= LONE_CALLS &&
		  !atomic_load_explicit(&loop->unfinished, memory_order_relaxed)));
}

/* The holder sleeps or not; either way the mail will be seen. */
static void push(struct loop *loop, struct loop_message *message)
{
	message->next = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&loop->mailbox, &message->next, message))
		;
}

static void wake_holder(struct loop *loop)
{
	if (atomic_load(&loop->is_asleep) && atomic_exchange(&loop->is_asleep, false))
		uv_async_send(&loop->wake);
}

void loop_post(struct loop *loop, struct loop_message *message)
{
	push(loop, message);
	if (take(loop))
		give_to_thread(loop);
	else
		wake_holder(loop);
}

/*
 * The loop's thread
 */

/* Until the baton is this thread's again. */
static void nap(struct loop *loop)
{
	const struct timespec nap_time = { .tv_nsec = NAP_MS * 1000000 };

	while (!atomic_exchange(&loop->summons, 0)) {
		unsigned int leads = atomic_load_explicit(&loop->leads, memory_order_relaxed);

		futex_wait(&loop->summons, 0, &nap_time);
		if (!atomic_load(&loop->summons) &&
		    atomic_load_explicit(&loop->leads, memory_order_relaxed) == leads &&
		    take(loop))
			return;
	}
}

/* SCHED_BATCH: being woken does not pre-empt whoever runs, so that it can
 * finish its own batch first. */
static void *run_thread(void *opaque)
{
	struct loop *loop = opaque;
	const struct sched_param param = { 0 };

	pthread_setname_np(pthread_self(), loop->name);
	sched_setscheduler(0, SCHED_BATCH, &param);
	for (;;) {
		loop->is_thread = true;
		loop->lone_calls = 0;
		loop_turn(loop);
		while (!baton_should_go(loop))
			uv_run(&loop->uv, UV_RUN_DEFAULT);
		loop->is_thread = false;
		if (loop->is_stopping)
			return NULL;    /* and nobody gets the baton any more */
		if (drop(loop))
			nap(loop);
	}
}

static void on_stop(struct loop_message *message)
{
	struct loop *loop = (struct loop *)(void *)
		((char *)message - offsetof(struct loop, stop));

	loop->is_stopping = true;
}

/* The baton is held, by whoever calls loop_run_until() and loop_start(). */
void baton_init(struct loop *loop)
{
	atomic_store(&loop->is_held, true);
	loop->stop.run = on_stop;
	loop->last_finished = &loop->first_finished;
}

int loop_start(struct loop *loop, const char *name)
{
	struct sigaction action;
	sigset_t all, saved;
	int error;

	/* A caller that runs the loop writes to sockets. */
	if (!sigaction(SIGPIPE, NULL, &action) && action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	loop->is_stopping = false;
	snprintf(loop->name, sizeof loop->name, "%s", name);
	sigfillset(&all);
	sigdelset(&all, SIGBUS);        /* our own accesses', see guard.h */
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

/*
 * Calls
 */

void loop_call_finish(struct loop *loop, struct loop_call *call)
{
	call->next_finished = NULL;
	*loop->last_finished = call;
	loop->last_finished = &call->next_finished;
}

/* The calling thread's, the same for every loop. */
static unsigned int seat_number(void)
{
	static atomic_uint taken;
	static _Thread_local unsigned int number_plus_1;

	if (!number_plus_1)
		number_plus_1 = atomic_fetch_add(&taken, 1) % (SEATS_PER_ROOM * LOOP_ROOMS) + 1;
	return number_plus_1 - 1;
}

/* A room's count changes after the calls of its callers are marked as done:
 * who still found the old count and a call not done is found asleep, or does
 * not fall asleep. */
static void sit_until_done(struct loop *loop, struct loop_call *call)
{
	unsigned int number = seat_number();
	_Atomic uint32_t *room = &loop->rooms[number / SEATS_PER_ROOM];
	uint32_t seat = UINT32_C(1) << number % SEATS_PER_ROOM;
	uint32_t count, state = CALL_PENDING;

	if (!atomic_compare_exchange_strong(&call->state, &state, CALL_FIRST_SEAT + number))
		return;
	for (;;) {
		count = atomic_load(room);
		if (atomic_load(&call->state) == CALL_DONE)
			return;
		futex_wait_seat(room, count, seat);
	}
}

static void mark_seat(uint32_t *rooms, unsigned int number)
{
	rooms[number / SEATS_PER_ROOM] |= UINT32_C(1) << number % SEATS_PER_ROOM;
}

void baton_wake_finished(struct loop *loop)
{
	struct loop_call *call = loop->first_finished;
	uint32_t seats[LOOP_ROOMS] = { 0 };
	unsigned int count = 0;

	if (!call)
		return;
	loop->first_finished = NULL;
	loop->last_finished = &loop->first_finished;
	for (struct loop_call *one = call; one; one = one->next_finished)
		count++;
	if (atomic_exchange_explicit(&loop->has_company, false, memory_order_relaxed))
		loop->lone_calls = 0;
	else
		loop->lone_calls += count;
	atomic_fetch_sub_explicit(&loop->unfinished, count, memory_order_relaxed);
	while (call) {
		struct loop_call *next = call->next_finished;
		/* Its stack frame may be gone right after this. */
		uint32_t state = atomic_exchange(&call->state, CALL_DONE);

		if (state != CALL_PENDING)
			mark_seat(seats, state - CALL_FIRST_SEAT);
		call = next;
	}
	for (unsigned int i = 0; i < LOOP_ROOMS; i++) {
		if (!seats[i])
			continue;
		atomic_fetch_add(&loop->rooms[i], 1);
		futex_wake_seats(&loop->rooms[i], seats[i]);
	}
}

/* With the baton: until CALL is finished. */
static void lead(struct loop *loop, struct loop_call *call)
{
	atomic_store_explicit(&loop->leads, loop->leads + 1, memory_order_relaxed);
	loop_turn(loop);
	while (atomic_load_explicit(&call->state, memory_order_relaxed) != CALL_DONE)
		uv_run(&loop->uv, UV_RUN_ONCE);
	if (loop->is_stopping || !loop->lone_calls || !drop(loop))
		give_to_thread(loop);
}

void loop_call(struct loop *loop, struct loop_call *call)
{
	atomic_store_explicit(&call->state, CALL_PENDING, memory_order_relaxed);
	if (atomic_fetch_add_explicit(&loop->unfinished, 1, memory_order_relaxed))
		atomic_store_explicit(&loop->has_company, true, memory_order_relaxed);
	push(loop, &call->message);
	if (take(loop)) {
		lead(loop, call);
		return;
	}
	wake_holder(loop);
	sit_until_done(loop, call);
}
