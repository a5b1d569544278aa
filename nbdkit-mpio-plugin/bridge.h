// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_BRIDGE_H
#define MPIO_BRIDGE_H

/*
 * From nbdkit's worker threads, which wait, to the loop, which does not: the
 * request is on the worker's stack, goes to the loop through the mailbox, and
 * the worker sleeps until it is done. Any thread but the loop's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "request.h"

struct engine;

/* What to ask of the device, in blocks; see struct request. */
struct bridge_op {
	enum request_op op;
	bool fua;
	bool may_unmap;
	bool is_fast;                   /* WRITE_SAME: -EOPNOTSUPP rather than written out */
	uint64_t lba;
	uint64_t nblocks;
	void *data;
	uint32_t data_len;              /* LBA_STATUS */
};

/* 0 or -errno; DATA_GOT (may be NULL) the bytes an LBA_STATUS returned. */
int bridge_run(struct engine *engine, const struct bridge_op *op, uint32_t *data_got);

/* The same for what does not fit blocks: DATA is read into or written from
 * OFFSET, NBYTES; a write from NULL writes zeroes. -ENOMEM without a bounce
 * buffer. */
int bridge_run_unaligned(struct engine *engine, bool is_write, bool fua, uint64_t offset,
			 uint32_t nbytes, void *data, uint32_t block_size);

/* Runs LOOK(ENGINE, OPAQUE) on the loop's thread, to read the core's state. */
void bridge_look(struct engine *engine, void (*look)(struct engine *engine, void *opaque),
		 void *opaque);

#endif
