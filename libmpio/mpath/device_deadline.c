// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests that end before their commands have: at their deadline, with the
 * device, or because the unit has shrunk under them. `active` is in the order
 * of deadlines, which is that of submission but for what is done inside a hold.
 */
#include "device.h"

#include <errno.h>

#include "transport.h"

/* The command of REQUEST after PREVIOUS, NULL to begin with. Requests do not
 * list their commands: only those that end badly are asked for them. */
static struct command *next_command(struct request *request, struct command *previous)
{
	struct device *device = request->device;
	size_t i = 0;

	if (!previous && request->first.stage != COMMAND_IDLE)
		return &request->first;
	if (previous && previous != &request->first)
		i = (size_t)(previous - device->pool_memory) + 1;
	for (; i < DEVICE_POOL_COMMANDS; i++) {
		struct command *command = &device->pool_memory[i];

		if (command->request == request && command->stage != COMMAND_IDLE)
			return command;
	}
	return NULL;
}

bool device_abort(struct device *device, struct request *request, int error)
{
	request->is_aborted = true;
	if (!request->error)
		request->error = error;
	request->blocks_left = 0;
	device_unqueue(request);
	for (struct command *command = next_command(request, NULL); command;
	     command = next_command(request, command)) {
		if (command->stage == COMMAND_IN_FLIGHT || command->stage == COMMAND_ANSWERED)
			continue;
		list_unlink(&command->node);
		command->stage = COMMAND_IDLE;
		request->outstanding--;
		device_stir(device);    /* to feed the hungry */
		if (command != &request->first)
			list_append(&device->pool, &command->node);
	}
	if (request->outstanding)
		return false;
	device_finish(device, request);
	return true;
}

/*
 * Deadlines
 */

/* All outages together add no_path_timeout at most, and what a transition of
 * access states may take: a request that brings down every target it meets must
 * end, too. */
uint64_t device_last_deadline_us(const struct device *device, uint64_t submitted_us)
{
	const struct settings *settings = &device->settings;

	return submitted_us + alua_transition_limit_us(device) +
		(settings->command_timeout_ms + settings->no_path_timeout_ms) * 1000;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* DEADLINE_US of what was submitted then, and has waited through the outage
 * that ends now. */
static uint64_t extended_us(const struct device *device, uint64_t submitted_us,
			    uint64_t deadline_us)
{
	uint64_t since_us = device->no_path_since_us;
	uint64_t last_us = device_last_deadline_us(device, submitted_us);

	if (since_us < submitted_us)
		since_us = submitted_us;
	return lesser(deadline_us + device->mpath->now_us - since_us, last_us);
}

static bool has_in_flight(struct request *request)
{
	for (struct command *command = next_command(request, NULL); command;
	     command = next_command(request, command))
		if (command->stage == COMMAND_IN_FLIGHT)
			return true;
	return false;
}

/* When REQUEST is really due: the time it is held for want of a path is not its
 * own, as long as that lasts. */
static uint64_t due_us(struct device *device, struct request *request)
{
	if (request->deadline_us > device->mpath->now_us ||
	    device->state != DEVICE_NO_PATH || has_in_flight(request))
		return request->deadline_us;
	return device_last_deadline_us(device, request->submitted_us);
}

static void time_out(struct device *device, struct request *request)
{
	mpath_emit(device->mpath, EVENT_COMMAND_TIMEOUT, device, NULL, NULL,
		   "request at block %llu not done within %.1f s",
		   (unsigned long long)request->lba,
		   (double)device->settings.command_timeout_ms / 1e3);
	if (device_abort(device, request, -EIO))
		return;
	/* The session may touch the buffer as long as it lives. */
	for (struct command *command = next_command(request, NULL); command;
	     command = next_command(request, command))
		if (command->stage == COMMAND_IN_FLIGHT)
			transport_fail(command->path->transport, "command timed out");
}

static void deadline_due(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, deadline_timer);
	uint64_t now_us = device->mpath->now_us, next_us = MPATH_NEVER;

	list_for_each(node, &device->active) {
		struct request *request = list_entry(node, struct request, node);
		uint64_t request_us = due_us(device, request);

		if (request->is_aborted)
			continue;
		if (request_us <= now_us)
			time_out(device, request);
		else if (request_us < next_us)
			next_us = request_us;
		if (request->deadline_us > now_us)
			break;          /* and those behind are later */
	}
	if (next_us != MPATH_NEVER)
		mpath_timer_arm(device->mpath, timer, next_us);
}

/* Requests and holds find out themselves when they are due. */
static void look_again(struct device *device)
{
	mpath_timer_arm(device->mpath, &device->deadline_timer, device->mpath->now_us);
	mpath_timer_arm(device->mpath, &device->range_timer, device->mpath->now_us);
}

void device_extend_deadlines(struct device *device)
{
	list_for_each(node, &device->active) {
		struct request *request = list_entry(node, struct request, node);

		request->deadline_us = extended_us(device, request->submitted_us,
							  request->deadline_us);
	}
	list_for_each(hold_node, &device->holds) {
		struct range_hold *hold = list_entry(hold_node, struct range_hold, node);

		hold->deadline_us = extended_us(device, hold->acquired_us,
						       hold->deadline_us);
	}
	look_again(device);
}

void device_move_deadlines(struct device *device, const struct settings *before)
{
	const struct settings *settings = &device->settings;
	/* Modulo 2^64, so that it may be less than nothing. */
	uint64_t more_us = (settings->command_timeout_ms - before->command_timeout_ms) * 1000;

	if (!more_us && settings->no_path_timeout_ms == before->no_path_timeout_ms)
		return;
	list_for_each(node, &device->active) {
		struct request *request = list_entry(node, struct request, node);

		request->deadline_us = lesser(request->deadline_us + more_us,
			device_last_deadline_us(device, request->submitted_us));
	}
	list_for_each(hold_node, &device->holds) {
		struct range_hold *hold = list_entry(hold_node, struct range_hold, node);

		hold->deadline_us = lesser(hold->deadline_us + more_us,
			device_last_deadline_us(device, hold->acquired_us));
	}
	look_again(device);
}

void device_abort_beyond_end(struct device *device)
{
	list_for_each(node, &device->active) {
		struct request *request = list_entry(node, struct request, node);

		if (request->lba + request->nblocks > device->nblocks && !request->is_aborted)
			device_abort(device, request, -ENOSPC);
	}
}

/* In order of deadlines. What is done inside a hold has the hold's. */
void device_make_active(struct device *device, struct request *request)
{
	struct list *where = device->active.prev;

	request->submitted_us = device->mpath->now_us;
	request->deadline_us = request->submitted_us +
		device->settings.command_timeout_ms * 1000;
	if (request->inside) {
		request->submitted_us = request->inside->acquired_us;
		request->deadline_us = request->inside->deadline_us;
	}
	while (where != &device->active &&
	       list_entry(where, struct request, node)->deadline_us > request->deadline_us)
		where = where->prev;
	list_insert_before(where->next, &request->node);
	if (!mpath_timer_is_armed(&device->deadline_timer) ||
	    device->deadline_timer.due_us > request->deadline_us)
		mpath_timer_arm(device->mpath, &device->deadline_timer, request->deadline_us);
}

void device_deadline_init(struct device *device)
{
	mpath_timer_init(&device->deadline_timer, deadline_due);
}
