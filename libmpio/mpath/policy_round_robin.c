// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Round robin over all candidates, a burst at a time: commands that follow
 * each other down one session share its segments and wake-ups. A burst ends
 * early where its path is a burst's worth busier than the next one, so that
 * bursts never leave a path idle while another one queues.
 */
#include "policy.h"

#include <stdlib.h>

#include "command.h"
#include "mpath.h"
#include "path.h"

struct round_robin {
	const struct settings *settings;
	size_t position;                /* in the candidates */
	uint64_t left;                  /* of the burst */
};

static void *round_robin_create(const struct settings *settings)
{
	struct round_robin *rr = calloc(1, sizeof *rr);

	if (rr)
		rr->settings = settings;
	return rr;
}

static void round_robin_changed(void *context, const struct candidates *candidates,
				uint64_t now_us)
{
	struct round_robin *rr = context;

	(void)now_us;
	rr->position = candidates->count ? rr->position % candidates->count : 0;
}

static bool may_take(const struct path *path, const struct command *command)
{
	return path != command->avoid && path_has_slot(path);
}

/* Half of what the burst allows is the most that one path may be ahead. */
static bool is_ahead(const struct round_robin *rr, const struct candidates *candidates)
{
	const struct path *path = candidates->paths[rr->position];
	const struct path *next = candidates->paths[(rr->position + 1) % candidates->count];

	return path->in_flight > next->in_flight + rr->settings->path_burst / 2;
}

static struct path *round_robin_pick(void *context, const struct candidates *candidates,
				     const struct command *command, uint64_t now_us)
{
	struct round_robin *rr = context;
	struct path *path = candidates->paths[rr->position];

	(void)now_us;
	if (rr->left && may_take(path, command) && !is_ahead(rr, candidates)) {
		rr->left--;
		return path;
	}
	for (size_t i = 1; i <= candidates->count; i++) {
		size_t position = (rr->position + i) % candidates->count;

		path = candidates->paths[position];
		if (!may_take(path, command))
			continue;
		rr->position = position;
		rr->left = rr->settings->path_burst - 1;
		return path;
	}
	/* Only the path to avoid has a slot, or none: to wait for a path that
	 * may hang would hold up all that come behind. */
	for (size_t i = 0; i < candidates->count; i++)
		if (path_has_slot(candidates->paths[i]))
			return candidates->paths[i];
	return NULL;
}

const struct policy_ops policy_round_robin = {
	.name = "round-robin",
	.rule = "every path in turn, path_burst requests at a time",
	.context_size = sizeof(struct round_robin),
	.create = round_robin_create,
	.destroy = free,
	.changed = round_robin_changed,
	.pick = round_robin_pick,
};
