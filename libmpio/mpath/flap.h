// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_FLAP_H
#define MPIO_FLAP_H

/*
 * A path that fails again soon after its return is let back in later each time.
 * That TEST UNIT READY is answered well proves nothing: a count of failures is
 * lived down only by carrying I/O for a while.
 */

#include <stdbool.h>
#include <stdint.h>

struct flap {
	unsigned int failures;          /* none of them lived down */
	uint64_t first_us;              /* the first of these */
	uint64_t returned_us;           /* last let back into service; 0: never */
	uint64_t carried;               /* the path's count of I/O then */
	uint64_t until_us;              /* held back until then; 0: not */
	bool is_told;                   /* of this hold, as an event */
	bool is_out;                    /* has failed, and is not back yet */
};

struct flap_limits {
	uint64_t window_us;             /* "soon"; 0: nothing is held back */
	uint64_t first_us;              /* how long, the first time */
	uint64_t most_us;
};

/* The path has failed at NOW_US, having carried CARRIED I/Os in all. Returns
 * for how long it is to be held back, 0 for not; with a JITTER of up to
 * 1023/4096 of that. */
uint64_t flap_failed(struct flap *flap, const struct flap_limits *limits, uint64_t now_us,
		     uint64_t carried, unsigned int jitter);

/* It is in service. Nothing, where it had not failed. */
void flap_returned(struct flap *flap, uint64_t now_us, uint64_t carried);

static inline bool flap_holds(const struct flap *flap, uint64_t now_us)
{
	return flap->until_us > now_us;
}

#endif
