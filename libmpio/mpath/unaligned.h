// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_UNALIGNED_H
#define MPIO_UNALIGNED_H

/*
 * Requests whose offset or length is no multiple of the block size, as a
 * client may send them: a read by way of a bounce buffer, a write as read,
 * merge, write under an exclusive hold on its blocks, so that it is atomic
 * against our other writes.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "range.h"
#include "request.h"

struct device;

struct unaligned {
	/* Set by the submitter. */
	bool is_write;
	bool fua;
	uint64_t offset;                /* bytes */
	uint32_t nbytes;
	void *data;                     /* the client's; NULL in a write: zeroes */
	void *bounce;                   /* unaligned_bounce_size() bytes, the submitter's */
	void (*done)(struct unaligned *unaligned);

	int error;                      /* 0 or -errno */

	/* The core's. */
	struct device *device;
	struct range_hold hold;
	struct request request;         /* the read of the first block, the write */
	struct request last;            /* the read of the last block */
	unsigned int unanswered;
};

/* Bytes of the blocks that the request touches. */
size_t unaligned_bounce_size(uint64_t offset, uint32_t nbytes, uint32_t block_size);

/* Completes by done(), from mpath_run(). */
void unaligned_submit(struct device *device, struct unaligned *unaligned);

#endif
