// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pump.h"

#include <assert.h>
#include <stdlib.h>

#include "session.h"

struct pump {
	struct loop *loop;
	struct mpath mpath;
	struct list stirred;            /* sessions, by on_pump */
};

static struct session *session_of(struct list *node)
{
	return list_entry(node, struct session, on_pump);
}

/*
 * What sessions have received goes to the core, the core decides, what it has
 * sent goes out, all sessions' together. A session that fails while it is
 * flushed stirs itself: then once more. That ends, as a failed session comes
 * back by a timer only.
 */
static uint64_t turn(void *opaque)
{
	struct pump *pump = opaque;
	struct list received = LIST_INIT(received);
	struct list unflushed = LIST_INIT(unflushed);
	struct list *node;

	mpath_set_now(&pump->mpath, loop_now_us(pump->loop));
	do {
		/* One at a time off a list of ours: what a session tells its
		 * owner may free sessions, this one too. */
		list_splice(&received, &pump->stirred);
		while ((node = list_pop(&received))) {
			list_append(&unflushed, node);
			session_receive(session_of(node));
		}
		mpath_run(&pump->mpath);
		list_splice(&unflushed, &pump->stirred);
		while ((node = list_pop(&unflushed)))
			session_flush(session_of(node));
	} while (!list_is_empty(&pump->stirred));
	return mpath_next_due_us(&pump->mpath);
}

void pump_stir(struct pump *pump, struct session *session)
{
	if (list_is_empty(&session->on_pump))
		list_append(&pump->stirred, &session->on_pump);
}

struct pump *pump_new(struct loop *loop)
{
	struct pump *pump = calloc(1, sizeof *pump);

	if (!pump)
		return NULL;
	pump->loop = loop;
	list_init(&pump->stirred);
	mpath_init(&pump->mpath, loop_now_us(loop), uv_hrtime() ^ (uint64_t)(uintptr_t)pump);
	loop_set_turn(loop, turn, pump);
	return pump;
}

void pump_free(struct pump *pump)
{
	if (!pump)
		return;
	assert(list_is_empty(&pump->stirred));
	loop_set_turn(pump->loop, NULL, NULL);
	mpath_done(&pump->mpath);
	free(pump);
}

struct mpath *pump_mpath(struct pump *pump)
{
	return &pump->mpath;
}

struct loop *pump_loop(struct pump *pump)
{
	return pump->loop;
}
