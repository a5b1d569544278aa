// SPDX-License-Identifier: LGPL-2.1-or-later
#include "range.h"

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
	list_for_each(node, &device->holds)
		if (overlaps(request->lba, request->nblocks,
			     list_entry(node, struct range_hold, node)))
			return true;
	return false;
}

/* A write that is under way, or waits in front of this hold, or an earlier
 * hold, stands in its way. */
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

		if (changes_blocks(request) && request->inside != hold &&
		    !request->is_blocked &&
		    overlaps(request->lba, request->nblocks, hold))
			return false;
	}
	return true;
}

void range_acquire(struct device *device, struct range_hold *hold)
{
	hold->is_granted = false;
	list_append(&device->holds, &hold->node);
	device_stir(device);
}

void range_release(struct device *device, struct range_hold *hold)
{
	list_remove(&hold->node);
	device_stir(device);
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

		if (hold->is_granted || !may_grant(device, hold))
			continue;
		hold->is_granted = true;
		hold->granted(hold);
	}
}
