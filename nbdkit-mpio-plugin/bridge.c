// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bridge.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "device.h"
#include "engine.h"
#include "unaligned.h"

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/* The structs below are large and the core fills in its own part of them:
 * nothing here clears them, it is in every request's way. */

struct aligned_call {
	struct loop_call call;
	struct engine *engine;
	struct request request;
};

struct unaligned_call {
	struct loop_call call;
	struct engine *engine;
	struct unaligned unaligned;
};

struct look_call {
	struct loop_call call;
	struct engine *engine;
	void (*look)(struct engine *engine, void *opaque);
	void *opaque;
};

/*
 * A worker that is woken must not preempt the loop, which has more workers to
 * wake: that costs 20 to 30 % from queue depth 8 on where cores are scarce.
 * A refusal costs only speed.
 */
static void be_batch(void)
{
	static _Thread_local bool is_done;
	struct sched_param parameter = { 0 };

	if (is_done)
		return;
	is_done = true;
	sched_setscheduler(0, SCHED_BATCH, &parameter);
}

static void aligned_done(struct request *request)
{
	struct aligned_call *self = container_of(request, struct aligned_call, request);

	loop_call_finish(self->engine->loop, &self->call);
}

/* Messages come before the turn in which the pump sets the core's clock: a
 * request must not be as old as the last turn. */
static void tell_time(const struct engine *engine)
{
	mpath_set_now(engine->device->mpath, loop_now_us(engine->loop));
}

static void aligned_submit(struct loop_message *message)
{
	struct aligned_call *self = container_of(message, struct aligned_call, call.message);

	tell_time(self->engine);
	device_submit(self->engine->device, &self->request);
}

int bridge_run(struct engine *engine, const struct bridge_op *op, uint32_t *data_got)
{
	struct aligned_call self;

	be_batch();
	self.call.message.run = aligned_submit;
	self.engine = engine;
	self.request.op = op->op;
	self.request.fua = op->fua;
	self.request.may_unmap = op->may_unmap;
	self.request.is_fast = op->is_fast;
	self.request.lba = op->lba;
	self.request.nblocks = op->nblocks;
	self.request.data = op->data;
	self.request.data_len = op->data_len;
	self.request.inside = NULL;
	self.request.done = aligned_done;
	loop_call(engine->loop, &self.call);
	if (data_got)
		*data_got = self.request.data_got;
	return self.request.error;
}

static void unaligned_done(struct unaligned *unaligned)
{
	struct unaligned_call *self = container_of(unaligned, struct unaligned_call, unaligned);

	loop_call_finish(self->engine->loop, &self->call);
}

static void unaligned_start(struct loop_message *message)
{
	struct unaligned_call *self = container_of(message, struct unaligned_call, call.message);

	tell_time(self->engine);
	unaligned_submit(self->engine->device, &self->unaligned);
}

int bridge_run_unaligned(struct engine *engine, bool is_write, bool fua, uint64_t offset,
			 uint32_t nbytes, void *data, uint32_t block_size)
{
	struct unaligned_call self;

	be_batch();
	self.call.message.run = unaligned_start;
	self.engine = engine;
	self.unaligned.is_write = is_write;
	self.unaligned.fua = fua;
	self.unaligned.offset = offset;
	self.unaligned.nbytes = nbytes;
	self.unaligned.data = data;
	self.unaligned.done = unaligned_done;
	self.unaligned.bounce = malloc(unaligned_bounce_size(offset, nbytes, block_size));
	if (!self.unaligned.bounce)
		return -ENOMEM;
	loop_call(engine->loop, &self.call);
	free(self.unaligned.bounce);
	return self.unaligned.error;
}

static void look(struct loop_message *message)
{
	struct look_call *self = container_of(message, struct look_call, call.message);

	self->look(self->engine, self->opaque);
	loop_call_finish(self->engine->loop, &self->call);
}

void bridge_look(struct engine *engine, void (*function)(struct engine *engine, void *opaque),
		 void *opaque)
{
	struct look_call self = {
		.call.message.run = look, .engine = engine, .look = function, .opaque = opaque,
	};

	loop_call(engine->loop, &self.call);
}
