// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LOOP_H
#define MPIO_LOOP_H

/*
 * The event loop of a process: a libuv loop, a mailbox that any thread may
 * post to, the clock, and calls that sleep until the loop has answered.
 *
 * Whoever runs the loop at the moment owns every object of the core: the
 * loop's thread, or a thread in loop_call() that runs it in the meantime
 * (baton.c), never two at once. Where a comment says "the loop's thread", it
 * means that. All other threads use loop_post() and loop_call() only.
 *
 * One turn: libuv runs I/O callbacks, which record what happened; then the
 * mailbox is emptied; then the turn function works it all off, in one batch;
 * then the calls that were finished are woken; then the loop sleeps, if
 * nothing arrived meanwhile. Callbacks of libuv's own timers are not followed
 * by a turn: what needs one is posted.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;

/* A message: embedded in what is sent. NEXT is the mailbox's. */
struct loop_message {
	struct loop_message *next;
	void (*run)(struct loop_message *message);      /* on the loop's thread */
};

/* A message whose sender waits. Lives on the sender's stack. */
struct loop_call {
	struct loop_message message;
	struct loop_call *next_finished;
	_Atomic uint32_t state;
};

/* NULL where memory or descriptors are short (errno set). */
struct loop *loop_new(void);

/* Frees a loop that does not run, or NULL. Every handle of other owners must
 * have been closed; closing handles are run to their end here. A name that is
 * still being resolved is not waited for: the loop's memory is left to it. */
void loop_free(struct loop *loop);

/* For handles of the caller's own; only on the loop's thread, or before
 * loop_start(). */
uv_loop_t *loop_uv(struct loop *loop);

/* CLOCK_MONOTONIC in microseconds, as of the beginning of this turn. */
uint64_t loop_now_us(const struct loop *loop);

/* TURN is called once a turn, after I/O callbacks and messages; it returns
 * the time (microseconds, loop_now_us()'s clock) at which it wants another
 * turn at the latest, UINT64_MAX for never. Set it before the loop runs. */
void loop_set_turn(struct loop *loop, uint64_t (*turn)(void *opaque), void *opaque);

/* Runs the loop in a new thread of that name until loop_stop(), with all
 * signals blocked but SIGBUS. SIGPIPE is ignored from now on, unless the process handles
 * it. 0 or -errno. */
int loop_start(struct loop *loop, const char *name);

/* Runs the loop on the calling thread until DONE says true or TIMEOUT_MS is
 * over; true in the first case. Not while loop_start()'s thread runs. */
bool loop_run_until(struct loop *loop, bool (*done)(void *opaque), void *opaque,
		    uint64_t timeout_ms);

/* Ends the thread after its current turn and joins it. Messages posted later
 * stay unread, calls are not answered; the caller sees to it that there are
 * none. */
void loop_stop(struct loop *loop);

/* For callbacks of own handles: the loop does not sleep any more, so that
 * posting needs no wake-up. Only saves time; the loop's thread. */
void loop_note_awake(struct loop *loop);

/* Hands MESSAGE to the loop; any thread, never blocks. Order of messages of
 * one thread is kept. MESSAGE must live until its run function was called. */
void loop_post(struct loop *loop, struct loop_message *message);

/* Posts CALL (whose message.run the caller has set) and returns after its
 * loop_call_finish(); until then it sleeps, or runs the loop. Any thread but
 * the loop's, after loop_start(). */
void loop_call(struct loop *loop, struct loop_call *call);

/* On the loop's thread: CALL's sender may go on. It is woken at the end of
 * the turn, with all others of the batch; CALL is gone after that. */
void loop_call_finish(struct loop *loop, struct loop_call *call);

#endif
