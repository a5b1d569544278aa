// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DEPTH_H
#define MPIO_DEPTH_H

/*
 * How many commands a path may have in flight: as many as its nexus, until the
 * unit says that it has too many (BUSY, TASK SET FULL). Then half of what was
 * in flight, at most once a round trip; and one more for each limit's worth of
 * good answers, so that the unit's own limit is found again slowly. It is kept
 * for each unit on a nexus, not for the nexus: one that is busy with everything
 * takes no slots from its neighbours.
 */

#include <stdbool.h>
#include <stdint.h>

#define DEPTH_UNLIMITED UINT32_MAX

struct depth {
	uint32_t limit;
	uint32_t good;                  /* answers since it was last changed */
	uint64_t lowered_us;            /* 0: never */
	uint64_t raised_us;
};

void depth_init(struct depth *depth);

/* One of IN_FLIGHT commands, sent at SENT_US, was one too many. True where the
 * limit was lowered for it. */
bool depth_lower(struct depth *depth, uint32_t in_flight, uint64_t sent_us, uint64_t now_us);

/* A good answer, while limited; MOST is what the nexus allows. */
void depth_raise(struct depth *depth, uint32_t most, uint64_t now_us);

#endif
