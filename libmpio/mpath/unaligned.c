// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * read:  the blocks into the bounce buffer, then the wanted part out of it
 * write: hold -> read the first and the last block, where the write covers
 *        them in part -> merge -> write all blocks -> release
 */
#include "unaligned.h"

#include <errno.h>
#include <string.h>

#include "device.h"

static uint64_t first_block(const struct unaligned *u)
{
	return u->offset / u->device->block_size;
}

static uint64_t last_block(const struct unaligned *u)
{
	return (u->offset + u->nbytes - 1) / u->device->block_size;
}

static uint64_t block_count(const struct unaligned *u)
{
	return last_block(u) - first_block(u) + 1;
}

static unsigned char *place_of_data(const struct unaligned *u)
{
	return (unsigned char *)u->bounce + u->offset % u->device->block_size;
}

size_t unaligned_bounce_size(uint64_t offset, uint32_t nbytes, uint32_t block_size)
{
	uint64_t first = offset / block_size;
	uint64_t last = (offset + nbytes - 1) / block_size;

	return (size_t)(last - first + 1) * block_size;
}

static void finish(struct unaligned *u, int error)
{
	u->error = error;
	u->done(u);
}

static struct unaligned *of_request(struct request *request)
{
	return list_entry(request, struct unaligned, request);
}

static void submit(struct unaligned *u, struct request *request, enum request_op op,
		   uint64_t lba, uint64_t nblocks, void *data,
		   void (*done)(struct request *request))
{
	*request = (struct request) {
		.op = op,
		.fua = op == REQUEST_WRITE && u->fua,
		.lba = lba,
		.nblocks = nblocks,
		.data = data,
		.inside = u->is_write ? &u->hold : NULL,
		.done = done,
	};
	device_submit(u->device, request);
}

static void was_read(struct request *request)
{
	struct unaligned *u = of_request(request);

	if (!request->error)
		memcpy(u->data, place_of_data(u), u->nbytes);
	finish(u, request->error);
}

static void was_written(struct request *request)
{
	struct unaligned *u = of_request(request);

	range_release(u->device, &u->hold);
	finish(u, request->error);
}

static void edges_were_read(struct unaligned *u, int error)
{
	if (error && !u->error)
		u->error = error;
	if (--u->unanswered)
		return;
	if (u->error) {
		range_release(u->device, &u->hold);
		finish(u, u->error);
		return;
	}
	if (u->data)
		memcpy(place_of_data(u), u->data, u->nbytes);
	else
		memset(place_of_data(u), 0, u->nbytes);
	submit(u, &u->request, REQUEST_WRITE, first_block(u), block_count(u), u->bounce,
	       was_written);
}

static void first_was_read(struct request *request)
{
	edges_were_read(of_request(request), request->error);
}

static void last_was_read(struct request *request)
{
	edges_were_read(list_entry(request, struct unaligned, last), request->error);
}

static void hold_was_granted(struct range_hold *hold, int error)
{
	struct unaligned *u = list_entry(hold, struct unaligned, hold);
	uint32_t block_size = u->device->block_size;
	bool head = u->offset % block_size != 0;
	bool tail = (u->offset + u->nbytes) % block_size != 0;
	unsigned char *last = (unsigned char *)u->bounce + (block_count(u) - 1) * block_size;

	if (error) {
		finish(u, error);
		return;
	}
	/* One block may be both. One more is counted until both are sent. */
	u->unanswered = 1;
	if (head || (tail && block_count(u) == 1)) {
		u->unanswered++;
		submit(u, &u->request, REQUEST_READ, first_block(u), 1, u->bounce,
		       first_was_read);
	}
	if (tail && block_count(u) > 1) {
		u->unanswered++;
		submit(u, &u->last, REQUEST_READ, last_block(u), 1, last, last_was_read);
	}
	edges_were_read(u, 0);
}

void unaligned_submit(struct device *device, struct unaligned *u)
{
	u->device = device;
	u->error = 0;
	if (!u->is_write) {
		submit(u, &u->request, REQUEST_READ, first_block(u), block_count(u), u->bounce,
		       was_read);
		return;
	}
	u->hold.lba = first_block(u);
	u->hold.nblocks = block_count(u);
	u->hold.granted = hold_was_granted;
	range_acquire(device, &u->hold);
}
