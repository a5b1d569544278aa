// SPDX-License-Identifier: LGPL-2.1-or-later
#include "least.h"

#include <stdlib.h>

void least_init(struct least *least, const struct settings *settings)
{
	*least = (struct least) { .settings = settings };
}

void least_changed(struct least *least, const struct candidates *candidates)
{
	least->position = candidates->count ? least->position % candidates->count : 0;
	least->left = 0;
	least->batch_room = 0;
}

void *least_policy_create(const struct settings *settings)
{
	struct least *least = malloc(sizeof *least);

	if (least)
		least_init(least, settings);
	return least;
}

void least_policy_changed(void *context, const struct candidates *candidates, uint64_t now_us)
{
	(void)now_us;
	least_changed(context, candidates);
}
