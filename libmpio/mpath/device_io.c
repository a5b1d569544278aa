// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The corridor of a request:
 *
 *   device_submit: checked, given its deadline, held back if its blocks are
 *   device_go: cut into commands -> device_dispatch: a path -> path_send
 *   device_answered: judged -> again to device_dispatch, or device_settle
 *   device_settle: the last command of a request finishes it
 */
#include "device.h"

#include <errno.h>

#include "transport.h"

static bool has_range(enum request_op op)
{
	return op != REQUEST_FLUSH && op != REQUEST_LBA_STATUS;
}

void device_stir(struct device *device)
{
	if (list_is_empty(&device->on_stirred))
		list_append(&device->mpath->stirred, &device->on_stirred);
}

/*
 * Completion
 */

void device_unqueue(struct request *request)
{
	if (request->is_blocked || request->is_hungry)
		list_unlink(&request->on_wait);
	request->is_blocked = request->is_hungry = false;
}

void device_finish(struct device *device, struct request *request)
{
	if (!list_is_empty(&device->holds))
		device_stir(device);    /* one may have waited for this write */
	device_unqueue(request);
	list_move(&device->mpath->finished, &request->node);
}

static void put_command(struct device *device, struct request *request,
			struct command *command)
{
	struct request *next;

	request->outstanding--;
	command->stage = COMMAND_IDLE;
	if (command == &request->first) {
		request->first_is_free = true;
		return;
	}
	list_append(&device->pool, &command->node);
	if (list_is_empty(&device->hungry))
		return;
	next = list_entry(device->hungry.next, struct request, on_wait);
	device_unqueue(next);
	device_go(device, next);
}

static bool wants_sync(const struct device *device, const struct request *request)
{
	if (!request->fua || request->is_syncing || request->error)
		return false;
	return request->op != REQUEST_WRITE || !device->unit.dpofua;
}

/* The next flush is told of an acknowledged write that is lost, and so is whoever
 * was waiting for stability by then: it may have been his. */
static void tell_lost_write(struct device *device, struct request *request)
{
	bool is_flush = request->op == REQUEST_FLUSH;

	if (request->error)
		return;
	if ((is_flush && device->has_lost_write) ||
	    (device->lost_write_us && device->lost_write_us >= request->submitted_us))
		request->error = -EIO;
	if (is_flush)
		device->has_lost_write = false;
}

void device_settle(struct device *device, struct command *command, int error)
{
	struct request *request = command->request;

	if (error && !request->error)
		request->error = error;
	put_command(device, request, command);
	if (request->outstanding)
		return;
	if (request->blocks_left && !request->error) {
		if (!request->is_hungry)
			device_go(device, request);
		return;
	}
	if (wants_sync(device, request)) {
		request->is_syncing = true;
		request->blocks_left = 1;
		device_go(device, request);
		return;
	}
	if (request->is_syncing || request->op == REQUEST_FLUSH)
		tell_lost_write(device, request);
	device_finish(device, request);
}

/*
 * Cutting a request into commands
 */

uint32_t device_zeroes_at_once(const struct device *device)
{
	/* max_transfer may have grown since the zeroes were made. */
	return device->zeroes_blocks < device->max_transfer_blocks ?
		device->zeroes_blocks : device->max_transfer_blocks;
}

static uint64_t max_blocks(const struct device *device, const struct request *request)
{
	const struct unit *unit = &device->unit;
	uint64_t limit = 0;

	switch (request->op) {
	case REQUEST_READ:
	case REQUEST_WRITE:
		return device->max_transfer_blocks;
	case REQUEST_UNMAP:
		limit = unit->has_block_limits ? vpd_max_unmap(&unit->limits) : 0;
		break;
	case REQUEST_WRITE_SAME:
		if (!device->has_write_same)
			return device_zeroes_at_once(device);
		limit = unit->has_block_limits ? vpd_max_write_same(&unit->limits) : 0;
		break;
	case REQUEST_PREFETCH:
		limit = unit->has_block_limits ? unit->limits.max_prefetch : 0;
		break;
	case REQUEST_FLUSH:
	case REQUEST_LBA_STATUS:
		return 1;
	}
	/* Whatever the unit allows: 64 MiB keep it answering others. */
	if (!limit || limit > (64u << 20) / device->block_size)
		limit = (64u << 20) / device->block_size;
	return limit;
}

static void build(struct device *device, struct request *request, struct command *command)
{
	struct scsi_cdb *cdb = &command->cdb;
	uint32_t block_size = device->block_size;
	bool fua = request->fua && device->unit.dpofua;

	command->data = NULL;
	if (request->is_syncing || request->op == REQUEST_FLUSH) {
		cdb_synchronize_cache16(cdb, 0, 0);
		return;
	}
	switch (request->op) {
	case REQUEST_READ:
	case REQUEST_WRITE:
		command->data = (char *)request->data +
			(command->lba - request->lba) * block_size;
		if (request->op == REQUEST_READ)
			cdb_read16(cdb, command->lba, command->nblocks, block_size, false);
		else
			cdb_write16(cdb, command->lba, command->nblocks, block_size, fua);
		break;
	case REQUEST_UNMAP:
		cdb_unmap(cdb, (uint16_t)unmap_param_build(command->parameters, command->lba,
							    command->nblocks));
		command->data = command->parameters;
		break;
	case REQUEST_WRITE_SAME:
		command->data = device->zeroes;
		if (device->has_write_same)
			cdb_write_same16(cdb, command->lba, command->nblocks, block_size,
					 request->may_unmap);
		else
			cdb_write16(cdb, command->lba, command->nblocks, block_size, false);
		break;
	case REQUEST_LBA_STATUS:
		cdb_get_lba_status(cdb, request->lba, request->data_len);
		command->data = request->data;
		break;
	case REQUEST_PREFETCH:
		cdb_prefetch16(cdb, command->lba, command->nblocks);
		break;
	case REQUEST_FLUSH:
		break;
	}
}

static struct command *take_command(struct device *device, struct request *request)
{
	struct list *node = device->pool.next;

	if (request->first_is_free) {
		request->first_is_free = false;
		return &request->first;
	}
	if (node == &device->pool)
		return NULL;
	list_unlink(node);
	return list_entry(node, struct command, node);
}

void device_go(struct device *device, struct request *request)
{
	uint64_t limit = max_blocks(device, request);

	while (request->blocks_left && !request->error) {
		uint64_t nblocks = request->blocks_left < limit ? request->blocks_left : limit;
		struct command *command = take_command(device, request);

		if (!command) {
			request->is_hungry = true;
			list_append(&device->hungry, &request->on_wait);
			return;
		}
		command->request = request;
		command->lba = request->next_lba;
		command->nblocks = (uint32_t)nblocks;
		command->tries = command->free_tries = 0;
		command->avoid = NULL;
		command->stay = false;
		command->rest = 0;
		request->next_lba += nblocks;
		request->blocks_left -= nblocks;
		build(device, request, command);
		request->outstanding++;
		device_dispatch(device, command);
	}
}

/*
 * Submission
 */

static int check(const struct device *device, const struct request *request)
{
	if (device->state == DEVICE_STOPPED)
		return -ESHUTDOWN;
	if (!device_is_ready(device))
		return -EIO;
	if (has_range(request->op) && !request->nblocks)
		return -EINVAL;
	if (request->lba > device->nblocks || request->nblocks > device->nblocks - request->lba)
		return -ENOSPC;
	if (request_changes_medium(request) && device->is_read_only)
		return -EROFS;
	if (request->op == REQUEST_WRITE_SAME && request->is_fast && !device->has_write_same)
		return -EOPNOTSUPP;
	return 0;
}

void device_submit(struct device *device, struct request *request)
{
	struct mpath *mpath = device->mpath;

	request->device = device;
	request->next_lba = request->lba;
	request->blocks_left = has_range(request->op) ? request->nblocks : 1;
	request->data_got = 0;
	request->first_is_free = true;
	request->is_syncing = request->is_aborted = false;
	request->is_blocked = request->is_hungry = false;
	request->outstanding = 0;
	request->first.stage = COMMAND_IDLE;
	request->error = check(device, request);
	if (request->error ||
	    (request->op == REQUEST_PREFETCH && !device->has_prefetch)) {
		list_append(&mpath->finished, &request->node);
		return;
	}
	request->arrival = ++device->arrivals;
	device_make_active(device, request);
	request->is_blocked = range_blocks(device, request);
	if (request->is_blocked)
		list_append(&device->blocked, &request->on_wait);
	else
		device_go(device, request);
}

/*
 * Paths
 */

static struct path *pick_path(struct device *device, struct command *command)
{
	struct path *path = command->path;

	if (command->stay && path && path_is_usable(path) && path_has_slot(path))
		return path;
	if (device->dsm->pick && dsm_pick(device, command, &path))
		return path;
	path = device->policy->pick(device->policy_context, &device->candidates, command,
				    device->mpath->now_us);
	if (path && (path->device != device || !path_is_usable(path) ||
		     !path_has_slot(path))) {
		mpath_emit(device->mpath, EVENT_BOGUS_PATH, device, NULL, NULL,
			   "policy %s gave a path that cannot be used", device->policy->name);
		return NULL;
	}
	return path;
}

void device_dispatch(struct device *device, struct command *command)
{
	struct path *path;

	if (device->state == DEVICE_STOPPED) {
		device_settle(device, command, -ESHUTDOWN);
		return;
	}
	if (!device->candidates.count) {
		hold_wait_for_path(device, command);
		return;
	}
	/* Behind those that wait already; hold_run() takes them off the list. */
	path = list_is_empty(&device->waiting) ? pick_path(device, command) : NULL;
	if (path)
		path_send(path, command);
	else
		hold_wait_for_slot(device, command);
}

void device_run(struct device *device)
{
	device_release_paths(device);
	device_unit_run(device);
	while (!list_is_empty(&device->hungry) && !list_is_empty(&device->pool)) {
		struct request *request =
			list_entry(device->hungry.next, struct request, on_wait);

		device_unqueue(request);
		device_go(device, request);
	}
	hold_run(device);
	range_run(device);
}
