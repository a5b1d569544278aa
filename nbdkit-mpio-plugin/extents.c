// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * GET LBA STATUS (SBC-3 5.5) as NBD block status. nbdkit wants the extents in
 * order and without gaps from OFFSET on; what the unit does not tell is data.
 */
#include "serve.h"

#include <errno.h>
#include <stdbool.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "bridge.h"
#include "lba_status.h"
#include "view.h"

/* A client may ask about 4 GiB of scattered blocks: it gets as much as this
 * many answers of the unit hold, and asks on from there. */
#define MAX_PASSES 16
#define EXTENTS_PER_PASS 255

struct walk {
	const struct view *view;
	struct nbdkit_extents *extents;
	uint64_t at, end;               /* bytes */
	bool only_one;
	bool is_refused;                /* nbdkit_add_extent() failed */
};

static uint32_t extent_type(const struct view *view, uint8_t provisioning)
{
	uint32_t zero = view->reads_zero_when_unmapped ? NBDKIT_EXTENT_ZERO : 0;

	switch (provisioning) {
	case LBA_STATUS_DEALLOCATED:
		return NBDKIT_EXTENT_HOLE | zero;
	case LBA_STATUS_ANCHORED:
		return zero;
	default:
		return 0;
	}
}

/* Says that [walk->at, UNTIL) is of TYPE. */
static void add(struct walk *walk, uint64_t until, uint32_t type)
{
	if (until > walk->end)
		until = walk->end;
	if (until <= walk->at || walk->is_refused)
		return;
	if (nbdkit_add_extent(walk->extents, walk->at, until - walk->at, type) < 0)
		walk->is_refused = true;
	walk->at = until;
}

/* Adds what the answer in BUF says. A malformed rest is left out. */
static void add_answer(struct walk *walk, const void *buf, uint32_t len)
{
	const uint32_t block_size = walk->view->block_size;
	struct lba_status_extent extent;
	struct lba_status status;

	if (lba_status_init(&status, buf, len) < 0)
		return;
	while (walk->at < walk->end && lba_status_next(&status, &extent) == 1) {
		uint64_t start = extent.lba * block_size;

		if (extent.lba >= walk->view->size / block_size)
			return;
		/* A gap is not known to be anything but data. */
		add(walk, start, 0);
		add(walk, start + (uint64_t)extent.nblocks * block_size,
		    extent_type(walk->view, extent.provisioning));
		if (walk->only_one)
			return;
	}
}

/* One question. 0 or the unit's -errno. */
static int ask(struct walk *walk)
{
	uint8_t buf[LBA_STATUS_LEN(EXTENTS_PER_PASS)];
	uint64_t lba = walk->at / walk->view->block_size;
	struct bridge_op op = {
		.op = REQUEST_LBA_STATUS, .lba = lba, .data = buf, .data_len = sizeof(buf),
		.nblocks = (walk->end - 1) / walk->view->block_size - lba + 1,
	};
	uint32_t len = 0;
	int error = bridge_run(walk->view->engine, &op, &len);

	if (error == 0)
		add_answer(walk, buf, len);
	return error;
}

int serve_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
	       struct nbdkit_extents *extents)
{
	struct walk walk = {
		.view = handle, .extents = extents, .at = offset, .end = offset + count,
		.only_one = flags & NBDKIT_FLAG_REQ_ONE,
	};

	for (unsigned int pass = 0; pass < MAX_PASSES && walk.at < walk.end; pass++) {
		uint64_t before = walk.at;
		int error = ask(&walk);

		if (error == -ESHUTDOWN)
			return serve_result(error, "block status", offset, count);
		if (error < 0 || walk.at == before || walk.only_one)
			break;
	}
	/* Block status is there for speed: a unit that fails at it holds data
	 * everywhere. */
	if (walk.at == offset)
		add(&walk, walk.end, 0);
	return walk.is_refused ? -1 : 0;
}
