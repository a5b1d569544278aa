// SPDX-License-Identifier: LGPL-2.1-or-later
#include "range.h"

#include <errno.h>

#include "device.h"

static bool overlaps(uint64_t lba, uint64_t nblocks, const struct range_hold *hold)
{
	return lba < hold->lba + hold->nblocks && hold->lba < lba + nblocks;
}

static bool changes_blocks(const struct request *request)
{
	return request->op == REQUEST_WRITE || request->op == REQUEST_WRITE_SAME ||
		request->op == REQUEST_UNMAP;
}

bool range_blocks(const struct device *device, const struct request *request)
{
	if (list_is_empty(&device->holds) || request->inside || !changes_blocks(request))
		return false;
	list_for_each(node, &device->holds) {
		const struct range_hold *hold = list_entry(node, struct range_hold, node);

		if ((hold->is_granted || hold->arrival < request->arrival) &&
		    overlaps(request->lba, request->nblocks, hold))
			return true;
	}
	return false;
}

/* An earlier hold stands in its way, a write that is under way, and one that
 * waits and came earlier. */
static bool may_grant(const struct device *device, const struct range_hold *hold)
{
	list_for_each(node, &device->holds) {
		const struct range_hold *other = list_entry(node, struct range_hold, node);

		if (other == hold)
			break;
		if (overlaps(hold->lba, hold->nblocks, other))
			return false;
	}
	list_for_each(node, &device->active) {
		const struct request *request = list_entry(node, struct request, node);

		if (request->is_blocked && request->arrival > hold->arrival)
			continue;
		if (changes_blocks(request) && request->inside != hold &&
		    overlaps(request->lba, request->nblocks, hold))
			return false;
	}
	return true;
}

void range_acquire(struct device *device, struct range_hold *hold)
{
	hold->is_granted = false;
	hold->arrival = ++device->arrivals;
	hold->acquired_us = device->mpath->now_us;
	hold->deadline_us = hold->acquired_us + device->settings.command_timeout_ms * 1000;
	list_append(&device->holds, &hold->node);
	if (!mpath_timer_is_armed(&device->range_timer))
		mpath_timer_arm(device->mpath, &device->range_timer, hold->deadline_us);
	device_stir(device);
}

void range_release(struct device *device, struct range_hold *hold)
{
	list_remove(&hold->node);
	device_stir(device);
}

static void refuse(struct device *device, struct range_hold *hold, int error)
{
	range_release(device, hold);
	hold->granted(hold, error);
}

/* Holds are in order of arrival, so of deadlines too. Granted ones end with
 * the requests inside, which have the same deadline. */
static void deadline_due(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, range_timer);
	uint64_t due_us;

	list_for_each(node, &device->holds) {
		struct range_hold *hold = list_entry(node, struct range_hold, node);

		if (hold->is_granted)
			continue;
		due_us = device->state == DEVICE_NO_PATH ?
			device_last_deadline_us(device, hold->acquired_us) : hold->deadline_us;
		if (due_us > device->mpath->now_us) {
			mpath_timer_arm(device->mpath, timer, due_us);
			return;
		}
		refuse(device, hold, -EIO);
	}
}

void range_init(struct device *device)
{
	list_init(&device->blocked);
	list_init(&device->holds);
	mpath_timer_init(&device->range_timer, deadline_due);
}

void range_run(struct device *device)
{
	struct list batch = LIST_INIT(batch);
	struct list *node;

	if (!list_is_empty(&device->blocked)) {
		list_splice(&batch, &device->blocked);
		while ((node = list_pop(&batch))) {
			struct request *request =
				list_entry(node, struct request, on_wait);

			if (range_blocks(device, request)) {
				list_append(&device->blocked, node);
				continue;
			}
			request->is_blocked = false;
			device_go(device, request);
		}
	}
	list_for_each(hold_node, &device->holds) {
		struct range_hold *hold = list_entry(hold_node, struct range_hold, node);

		if (hold->is_granted)
			continue;
		if (device->state == DEVICE_STOPPED) {
			refuse(device, hold, -ESHUTDOWN);
			continue;
		}
		if (!may_grant(device, hold))
			continue;
		hold->is_granted = true;
		hold->granted(hold, 0);
	}
}
