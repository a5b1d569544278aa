// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rotation.h"

#include <stdlib.h>

void rotation_init(struct rotation *rotation, const struct settings *settings)
{
	*rotation = (struct rotation) { .settings = settings };
}

void rotation_changed(struct rotation *rotation, const struct candidates *candidates)
{
	rotation->position = candidates->count ? rotation->position % candidates->count : 0;
	rotation->left = 0;
}

struct path *rotation_move(struct rotation *rotation, const struct candidates *candidates,
			   const struct command *command)
{
	size_t position = rotation->position;

	for (size_t i = 0; i < candidates->count; i++) {
		struct path *path;

		position = position + 1 < candidates->count ? position + 1 : 0;
		path = candidates->paths[position];
		if (!path_may_take(path, command))
			continue;
		rotation->position = position;
		rotation->left = rotation->settings->path_burst - 1;
		return path;
	}
	return NULL;
}

struct path *candidates_with_slot(const struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (path_has_slot(candidates->paths[i]))
			return candidates->paths[i];
	return NULL;
}

void *round_robin_create(const struct settings *settings)
{
	struct rotation *rotation = malloc(sizeof *rotation);

	if (rotation)
		rotation_init(rotation, settings);
	return rotation;
}

void round_robin_changed(void *context, const struct candidates *candidates, uint64_t now_us)
{
	(void)now_us;
	rotation_changed(context, candidates);
}

/* Apart, so that those who stay do not pay for its frame. */
__attribute__((noinline))
static struct path *move(struct rotation *rotation, const struct candidates *candidates,
			 const struct command *command)
{
	struct path *path = rotation_move(rotation, candidates, command);

	return path ? path : candidates_with_slot(candidates);
}

struct path *round_robin_pick(void *context, const struct candidates *candidates,
			      const struct command *command, uint64_t now_us)
{
	struct path *path = rotation_stay(context, candidates, command);

	(void)now_us;
	return path ? path : move(context, candidates, command);
}
