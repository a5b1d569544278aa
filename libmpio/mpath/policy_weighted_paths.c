// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Weighted paths: the lowest weight there is, in turn where several have it. A
 * heavier path takes what the lightest ones have no slot for.
 */
#include "policy.h"

#include <stdlib.h>

#include "least.h"

struct weighted_paths {
	struct rotation rotation;       /* over the lightest */
	struct candidates lightest;
	struct least spill;
};

static void *weighted_paths_create(const struct settings *settings)
{
	struct weighted_paths *wp = calloc(1, sizeof *wp);

	if (wp) {
		rotation_init(&wp->rotation, settings);
		least_init(&wp->spill, settings);
	}
	return wp;
}

static void weighted_paths_changed(void *context, const struct candidates *candidates,
				   uint64_t now_us)
{
	struct weighted_paths *wp = context;
	uint32_t weight = UINT32_MAX;

	(void)now_us;
	wp->lightest.count = 0;
	for (size_t i = 0; i < candidates->count; i++) {
		struct path *path = candidates->paths[i];

		if (path->settings.weight < weight) {
			weight = path->settings.weight;
			wp->lightest.count = 0;
		}
		if (path->settings.weight == weight)
			wp->lightest.paths[wp->lightest.count++] = path;
	}
	rotation_changed(&wp->rotation, &wp->lightest);
	least_changed(&wp->spill, candidates);
}

static uint64_t weight_of(void *context, const struct path *path, const struct command *command)
{
	(void)context;
	(void)command;
	return path->settings.weight;
}

/* Of the heavier ones one command at a time: the next one may find a slot where it
 * should go. */
LEAST_NOINLINE
static struct path *choose(struct weighted_paths *wp, const struct candidates *candidates,
			   const struct command *command, uint64_t now_us)
{
	struct path *path = rotation_move(&wp->rotation, &wp->lightest, command);

	return path ? path : least_choose(&wp->spill, candidates, command, now_us,
					  weight_of, NULL);
}

static struct path *weighted_paths_pick(void *context, const struct candidates *candidates,
					const struct command *command, uint64_t now_us)
{
	struct weighted_paths *wp = context;
	struct path *path = rotation_stay(&wp->rotation, &wp->lightest, command);

	return path ? path : choose(wp, candidates, command, now_us);
}

const struct policy_ops policy_weighted_paths = {
	.name = "weighted-paths",
	.rule = "the path with the lowest weight; equal ones in turn",
	.context_size = sizeof(struct weighted_paths),
	.create = weighted_paths_create,
	.destroy = free,
	.changed = weighted_paths_changed,
	.pick = weighted_paths_pick,
};
