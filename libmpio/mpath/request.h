// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_REQUEST_H
#define MPIO_REQUEST_H

/*
 * What a client asked of a pseudo-LUN, in logical blocks. It is the caller's
 * memory (often a worker's stack) and carries everything its way through the
 * core needs. It completes exactly once, by done() called from mpath_run(),
 * never from inside device_submit().
 */

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "list.h"

struct device;
struct range_hold;

enum request_op {
	REQUEST_READ,
	REQUEST_WRITE,
	REQUEST_FLUSH,                  /* SYNCHRONIZE CACHE(16) over the whole LU */
	REQUEST_UNMAP,
	REQUEST_WRITE_SAME,             /* zeroes; see may_unmap */
	REQUEST_LBA_STATUS,             /* GET LBA STATUS into data */
	REQUEST_PREFETCH,
};

struct request {
	/* Set by the submitter. */
	enum request_op op;
	bool fua;                       /* WRITE, WRITE_SAME, UNMAP: stable when done */
	bool may_unmap;                 /* WRITE_SAME: with the UNMAP bit */
	bool is_fast;                   /* WRITE_SAME: -EOPNOTSUPP rather than written out */
	uint64_t lba;
	uint64_t nblocks;               /* FLUSH: 0 */
	void *data;                     /* READ, WRITE: nblocks blocks */
	uint32_t data_len;              /* LBA_STATUS: size of data in bytes */
	const struct range_hold *inside;        /* held by the submitter, or NULL */
	void (*done)(struct request *request);

	/* The result: 0 or -errno, and for LBA_STATUS the bytes returned. */
	int error;
	uint32_t data_got;

	/* The core's. */
	struct list node;               /* device.active, then mpath.finished */
	struct list on_wait;            /* device.blocked or device.hungry */
	unsigned int outstanding;       /* commands not settled yet */
	struct device *device;
	struct command first;           /* the others come from the device's pool */
	uint64_t next_lba;              /* not yet put into commands */
	uint64_t blocks_left;
	uint64_t arrival;
	uint64_t submitted_us;
	uint64_t deadline_us;
	bool first_is_free;
	bool is_blocked;                /* on device.blocked: nothing is sent yet */
	bool is_hungry;                 /* on device.hungry */
	bool is_syncing;                /* the data is written, the flush for fua is out */
	bool is_aborted;                /* no retry: timed out, or the device stopped */
};

static inline bool request_changes_medium(const struct request *request)
{
	return request->op == REQUEST_WRITE || request->op == REQUEST_WRITE_SAME ||
		request->op == REQUEST_UNMAP;
}

#endif
