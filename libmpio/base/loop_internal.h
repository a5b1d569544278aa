// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LOOP_INTERNAL_H
#define MPIO_LOOP_INTERNAL_H

/*
 * What loop.c (one turn of the loop) and baton.c (which thread runs it, and
 * how others reach it) share.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "loop.h"

#define LOOP_ROOMS 8

struct loop {
	/* Any thread's. */
	_Atomic(struct loop_message *) mailbox; /* newest first */
	atomic_bool is_asleep;          /* polls, or is about to */
	atomic_bool is_held;            /* some thread has the baton */
	atomic_uint unfinished;         /* calls */
	atomic_bool has_company;        /* a call began while another waited */
	_Atomic uint32_t summons;       /* the thread has been given the baton */
	atomic_uint leads;              /* how often a caller has had it */
	_Atomic uint32_t rooms[LOOP_ROOMS];     /* batches woken; where callers sleep */

	/* The baton's holder's. */
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_async_t wake;
	uv_timer_t timer;
	uint64_t timer_due_us;          /* what timer is armed for */
	uint64_t turn_due_us;           /* what the last turn asked for */
	uint64_t end_us;                /* loop_run_until()'s */
	uint64_t now_us;
	uint64_t (*turn)(void *opaque);
	void *turn_opaque;
	struct loop_call *first_finished;
	struct loop_call **last_finished;
	unsigned int lone_calls;        /* finished since one had company */
	bool is_thread;                 /* the holder is the loop's own thread */
	bool is_stopping;

	pthread_t thread;
	char name[16];
	struct loop_message stop;
};

/* loop.c: everything there is to do now. Does not sleep. */
void loop_turn(struct loop *loop);

/* baton.c: wakes the callers whose calls were finished. */
void baton_wake_finished(struct loop *loop);

/* baton.c: initial state. */
void baton_init(struct loop *loop);

/* baton.c: the loop's thread had better leave it to the callers. */
bool baton_should_go(const struct loop *loop);

#endif
