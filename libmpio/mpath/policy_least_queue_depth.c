// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Least queue depth: the path whose nexus has the fewest commands in flight,
 * over all LUNs and processes that use it.
 */
#include "policy.h"

#include <stdlib.h>

#include "least.h"

static uint64_t commands_of(void *context, const struct path *path,
			    const struct command *command)
{
	(void)context;
	(void)command;
	return transport_load(path->transport).commands;
}

LEAST_NOINLINE
static struct path *choose(struct least *least, const struct candidates *candidates,
			   const struct command *command, uint64_t now_us)
{
	return least_choose(least, candidates, command, now_us, commands_of, NULL);
}

static struct path *least_queue_depth_pick(void *context, const struct candidates *candidates,
					   const struct command *command, uint64_t now_us)
{
	struct path *path = least_follow(context, candidates, command, now_us);

	return path ? path : choose(context, candidates, command, now_us);
}

const struct policy_ops policy_least_queue_depth = {
	.name = "least-queue-depth",
	.rule = "the path with the fewest commands in flight on its nexus",
	.context_size = sizeof(struct least),
	.create = least_policy_create,
	.destroy = free,
	.changed = least_policy_changed,
	.pick = least_queue_depth_pick,
};
