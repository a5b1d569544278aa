// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_ROTATION_H
#define MPIO_ROTATION_H

/*
 * Taking paths in turn, a burst at a time: commands that follow each other
 * down one session share its segments and wake-ups. Embedded in the contexts
 * of policies, or all there is to one.
 */

#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "path.h"
#include "policy.h"
#include "transport.h"

struct rotation {
	const struct settings *settings;
	size_t position;                /* in the candidates */
	uint64_t left;                  /* of the burst */
};

static inline bool path_may_take(const struct path *path, const struct command *command)
{
	return path != command->avoid && path_has_slot(path);
}

/* Borrows SETTINGS, whose path_burst is the burst's length. */
void rotation_init(struct rotation *rotation, const struct settings *settings);

/* The candidates changed: positions mean other paths. */
void rotation_changed(struct rotation *rotation, const struct candidates *candidates);

/* The path whose burst is not over, if it may take COMMAND. A burst ends early
 * where its path is half a burst busier than the next one: then bursts never
 * leave a path idle while another one queues. NULL: rotation_move(). */
static inline struct path *rotation_stay(struct rotation *rotation,
					 const struct candidates *candidates,
					 const struct command *command)
{
	size_t position = rotation->position;
	size_t next = position + 1 < candidates->count ? position + 1 : 0;
	struct path *path = candidates->paths[position];
	bool is_ahead = path->in_flight >
		candidates->paths[next]->in_flight + rotation->settings->path_burst / 2;

	if (!rotation->left || is_ahead || !path_may_take(path, command))
		return NULL;
	rotation->left--;
	return path;
}

/* Begins the burst of the next path that may take COMMAND. NULL: none may. */
struct path *rotation_move(struct rotation *rotation, const struct candidates *candidates,
			   const struct command *command);

/* For a command that only the path to avoid could take: to let it wait for a
 * path that may hang would hold up all that come behind. NULL: no slot at all. */
struct path *candidates_with_slot(const struct candidates *candidates);

/* The ops of policies that are a rotation over all candidates: policy.h. */
void *round_robin_create(const struct settings *settings);
void round_robin_changed(void *context, const struct candidates *candidates, uint64_t now_us);
struct path *round_robin_pick(void *context, const struct candidates *candidates,
			      const struct command *command, uint64_t now_us);

#endif
