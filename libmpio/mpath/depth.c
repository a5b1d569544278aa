// SPDX-License-Identifier: LGPL-2.1-or-later
#include "depth.h"

/* A full task set costs a round trip and a pause: not to be provoked often. */
#define RAISE_INTERVAL_US 50000

void depth_init(struct depth *depth)
{
	*depth = (struct depth) { .limit = DEPTH_UNLIMITED };
}

bool depth_lower(struct depth *depth, uint32_t in_flight, uint64_t sent_us, uint64_t now_us)
{
	/* Alone, it was none too many: the unit is busy with something else. And
	 * what was sent before the limit was lowered says nothing of the new one. */
	if (in_flight < 2 || depth->limit == 1 ||
	    (depth->lowered_us && sent_us <= depth->lowered_us))
		return false;
	depth->limit = (in_flight < depth->limit ? in_flight : depth->limit) / 2;
	depth->good = 0;
	depth->lowered_us = depth->raised_us = now_us;
	return true;
}

void depth_raise(struct depth *depth, uint32_t most, uint64_t now_us)
{
	if (++depth->good < depth->limit || now_us - depth->raised_us < RAISE_INTERVAL_US)
		return;
	depth->limit++;
	depth->good = 0;
	depth->raised_us = now_us;
	if (depth->limit >= most)
		depth->limit = DEPTH_UNLIMITED;
}
