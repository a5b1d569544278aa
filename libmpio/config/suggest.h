// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SUGGEST_H
#define MPIO_SUGGEST_H

#include <stddef.h>

/*
 * "Did you mean": of the names offered one after the other the one nearest to
 * what was written, if any is near. Any thread.
 */
struct suggestion {
	const char *written;
	const char *best;               /* NULL: none is near; borrowed */
	size_t distance;
};

void suggestion_init(struct suggestion *suggestion, const char *written);
void suggestion_offer(struct suggestion *suggestion, const char *name);

#endif
