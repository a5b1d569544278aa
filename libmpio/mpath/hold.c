// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where commands wait: `held` for a usable path, `waiting` for a slot on one,
 * `delayed` for the time of their retry. Held ones are bounded by
 * no_path_timeout, counted from the moment the last path went; past that, new
 * ones are not let wait at all, until a path is back. Order of arrival is kept.
 */
#include "device.h"

#include <errno.h>

#include "transport.h"

/* A path that is about to be verified, or whose access state is asked for, is
 * waited for a moment even where no_path_timeout is 0: a unit attention is no
 * outage. The time in which access states change does not count. */
#define CHECK_PATIENCE_US 3000000

static uint64_t hold_limit_us(const struct device *device)
{
	uint64_t patience_us = device->settings.no_path_timeout_ms * 1000;
	uint64_t since_us = alua_waited_until_us(device);

	if (since_us < device->no_path_since_us)
		since_us = device->no_path_since_us;
	if (patience_us < CHECK_PATIENCE_US &&
	    (device_is_checking(device) || alua_is_waiting(device)))
		patience_us = CHECK_PATIENCE_US;
	return since_us + patience_us;
}

static void hold_due(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, hold_timer);
	struct list *node;
	unsigned int count = 0;

	/* A transition may have begun, or end later than it was to. */
	if (device->mpath->now_us < hold_limit_us(device)) {
		mpath_timer_arm(device->mpath, timer, hold_limit_us(device));
		return;
	}
	while ((node = list_pop(&device->held))) {
		device_settle(device, list_entry(node, struct command, node), -EIO);
		count++;
	}
	if (count)
		mpath_emit(device->mpath, EVENT_HELD_IO_FAILED, device, NULL, NULL,
			   "%u commands failed: no path for %.1f s", count,
			   (double)device->settings.no_path_timeout_ms / 1e3);
}

static void retry_due(struct mpath_timer *timer)
{
	device_stir(list_entry(timer, struct device, retry_timer));
}

void hold_init(struct device *device)
{
	list_init(&device->held);
	list_init(&device->waiting);
	list_init(&device->delayed);
	mpath_timer_init(&device->hold_timer, hold_due);
	mpath_timer_init(&device->retry_timer, retry_due);
}

void hold_no_path(struct device *device)
{
	struct list *node;

	/* Those that waited for a slot of the paths that are gone. */
	while ((node = list_pop(&device->waiting)))
		hold_wait_for_path(device, list_entry(node, struct command, node));
	hold_set_limit(device);
}

void hold_set_limit(struct device *device)
{
	if (!list_is_empty(&device->held))
		mpath_timer_arm(device->mpath, &device->hold_timer, hold_limit_us(device));
}

void hold_wait_for_path(struct device *device, struct command *command)
{
	if (device->mpath->now_us >= hold_limit_us(device)) {
		device_settle(device, command, -EIO);
		return;
	}
	command->stage = COMMAND_HELD;
	list_append(&device->held, &command->node);
	if (!mpath_timer_is_armed(&device->hold_timer))
		mpath_timer_arm(device->mpath, &device->hold_timer, hold_limit_us(device));
}

void hold_wait_for_slot(struct device *device, struct command *command)
{
	command->stage = COMMAND_WAITING;
	list_append(&device->waiting, &command->node);
	for (size_t i = 0; i < device->candidates.count; i++)
		device->candidates.paths[i]->transport->is_starved = true;
}

void hold_wait_until(struct device *device, struct command *command, uint64_t when_us)
{
	struct list *where = device->delayed.prev;

	command->stage = COMMAND_DELAYED;
	command->retry_us = when_us;
	while (where != &device->delayed &&
	       list_entry(where, struct command, node)->retry_us > when_us)
		where = where->prev;
	list_insert_before(where->next, &command->node);
	if (where == &device->delayed)
		mpath_timer_arm(device->mpath, &device->retry_timer, when_us);
}

void hold_paths_returned(struct device *device)
{
	mpath_timer_disarm(&device->hold_timer);
	list_for_each(node, &device->held)
		list_entry(node, struct command, node)->stage = COMMAND_WAITING;
	list_splice(&device->waiting, &device->held);
	/* Those that waited for a slot, too: the paths that they may take now
	 * need not be the ones whose answers would tell of one. */
	if (!list_is_empty(&device->waiting))
		device_stir(device);
}

static void send_delayed(struct device *device)
{
	while (!list_is_empty(&device->delayed)) {
		struct command *command =
			list_entry(device->delayed.next, struct command, node);

		if (command->retry_us > device->mpath->now_us) {
			mpath_timer_arm(device->mpath, &device->retry_timer,
					command->retry_us);
			return;
		}
		list_remove(&command->node);
		device_dispatch(device, command);
	}
}

void hold_run(struct device *device)
{
	struct list batch = LIST_INIT(batch);
	struct list *node;

	send_delayed(device);
	list_splice(&batch, &device->waiting);
	while ((node = list_pop(&batch))) {
		struct command *command = list_entry(node, struct command, node);

		device_dispatch(device, command);
		if (command->stage == COMMAND_WAITING)
			break;          /* no slot left: the others wait on, in order */
	}
	list_splice(&device->waiting, &batch);
}
