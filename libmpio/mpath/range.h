// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_RANGE_H
#define MPIO_RANGE_H

/*
 * Exclusive holds on block ranges of a device: while one is granted, no other
 * request that changes those blocks is sent, and it is granted only when none
 * is in flight. An unaligned write holds its range from its reads until its
 * write is done. Requests that meet a hold wait on device.blocked and go on
 * in order of arrival.
 */

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct device;
struct request;

struct range_hold {
	struct list node;
	uint64_t lba;
	uint64_t nblocks;
	uint64_t arrival;               /* waits for what came earlier, only */
	uint64_t acquired_us;           /* when it was asked for */
	uint64_t deadline_us;           /* of all that is done inside */
	bool is_granted;
	/* From mpath_run(). ERROR is 0, or -EIO where the deadline came first, or
	 * -ESHUTDOWN; then nothing is held. */
	void (*granted)(struct range_hold *hold, int error);
};

void range_init(struct device *device);

/* HOLD's lba, nblocks and granted are set. It is the caller's memory until
 * range_release(), or granted() with an error. */
void range_acquire(struct device *device, struct range_hold *hold);
void range_release(struct device *device, struct range_hold *hold);

/* REQUEST changes blocks that somebody else holds or waits to hold. */
bool range_blocks(const struct device *device, const struct request *request);

/* Grants what can be granted and sets blocked requests going. */
void range_run(struct device *device);

#endif
