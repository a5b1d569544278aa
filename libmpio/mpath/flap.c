// SPDX-License-Identifier: LGPL-2.1-or-later
#include "flap.h"

/* So many failures in a row are taken for several causes, or for one that is
 * over: somebody replugs cables, an array restarts its controllers in turn. */
#define TOLERATED 2

/* A path that carried nothing has not proved itself; but the past ends, too. */
#define FORGOTTEN_US (3600 * 1000000ull)

static bool is_lived_down(const struct flap *flap, const struct flap_limits *limits,
			  uint64_t now_us, uint64_t carried)
{
	uint64_t served_us = now_us - flap->returned_us;

	if (!flap->returned_us || served_us < limits->window_us)
		return false;
	return carried != flap->carried || served_us >= FORGOTTEN_US;
}

uint64_t flap_failed(struct flap *flap, const struct flap_limits *limits, uint64_t now_us,
		     uint64_t carried, unsigned int jitter)
{
	uint64_t held_us = limits->first_us;

	if (!flap->failures || is_lived_down(flap, limits, now_us, carried)) {
		flap->failures = 0;
		flap->first_us = now_us;
	}
	flap->failures++;
	flap->until_us = 0;
	flap->is_out = true;
	flap->is_told = false;
	if (!limits->window_us || flap->failures <= TOLERATED)
		return 0;
	for (unsigned int i = TOLERATED + 1; i < flap->failures && held_us < limits->most_us; i++)
		held_us *= 2;
	if (held_us > limits->most_us)
		held_us = limits->most_us;
	held_us += held_us / 4096 * (jitter % 1024);
	flap->until_us = now_us + held_us;
	return held_us;
}

void flap_returned(struct flap *flap, uint64_t now_us, uint64_t carried)
{
	if (flap->returned_us && !flap->is_out)
		return;
	flap->is_out = false;
	flap->until_us = 0;
	flap->returned_us = now_us;
	flap->carried = carried;
}
