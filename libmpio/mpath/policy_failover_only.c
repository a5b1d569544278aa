// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Failover only: one active path carries everything, the others stand by. The
 * preferred path is taken first; after a failover I/O returns to it at once,
 * after it has been back for a time, or only when told to. Until the first
 * command is sent nothing has failed over: which path was verified first is
 * chance.
 */
#include "policy.h"

#include <stdlib.h>

#include "command.h"
#include "device.h"
#include "mpath.h"
#include "path.h"

struct failover_only {
	const struct settings *settings;
	struct path *active;
	uint64_t failback_us;           /* when to return; MPATH_NEVER */
	const struct path *wanted;      /* the preferred one, when it was last seen */
	bool is_in_use;                 /* has carried a command */
	bool is_moved;                  /* by the administrator: no failback */
};

static void *failover_only_create(const struct settings *settings)
{
	struct failover_only *fo = calloc(1, sizeof *fo);

	if (fo) {
		fo->settings = settings;
		fo->failback_us = MPATH_NEVER;
	}
	return fo;
}

static bool is_candidate(const struct candidates *candidates, const struct path *path)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (candidates->paths[i] == path)
			return true;
	return false;
}

static struct path *preferred(const struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++)
		if (path_is_preferred(candidates->paths[i]))
			return candidates->paths[i];
	return NULL;
}

/* The preferred path is back beside an active one. */
static void consider_failback(struct failover_only *fo, struct path *path,
			      uint64_t now_us)
{
	switch (fo->settings->failback) {
	case FAILBACK_MANUAL:
		fo->failback_us = MPATH_NEVER;
		return;
	case FAILBACK_IMMEDIATE:
		fo->active = path;
		fo->failback_us = MPATH_NEVER;
		return;
	case FAILBACK_AFTER:
		if (fo->failback_us == MPATH_NEVER)
			fo->failback_us = now_us + fo->settings->failback_ms * 1000;
		if (now_us < fo->failback_us)
			return;
		fo->active = path;
		fo->failback_us = MPATH_NEVER;
		return;
	}
}

static void failover_only_changed(void *context, const struct candidates *candidates,
				  uint64_t now_us)
{
	struct failover_only *fo = context;
	struct path *wanted = preferred(candidates);

	/* Until that path goes, or another one is preferred. */
	if (!is_candidate(candidates, fo->active) || wanted != fo->wanted)
		fo->is_moved = false;
	fo->wanted = wanted;
	if (!candidates->count) {
		fo->active = NULL;
		fo->failback_us = MPATH_NEVER;
		return;
	}
	if (!fo->active || !is_candidate(candidates, fo->active)) {
		fo->active = wanted ? wanted : candidates->paths[0];
		fo->failback_us = MPATH_NEVER;
		return;
	}
	if (wanted && !fo->is_in_use && !fo->is_moved)
		fo->active = wanted;
	if (!wanted || wanted == fo->active || fo->is_moved)
		fo->failback_us = MPATH_NEVER;
	else
		consider_failback(fo, wanted, now_us);
}

static struct path *failover_only_pick(void *context, const struct candidates *candidates,
				       const struct command *command, uint64_t now_us)
{
	struct failover_only *fo = context;
	struct path *active = NULL, *other = NULL;

	(void)now_us;
	fo->is_in_use = true;
	if (fo->active && fo->active != command->avoid && path_has_slot(fo->active))
		return fo->active;
	for (size_t i = 0; i < candidates->count; i++) {
		struct path *path = candidates->paths[i];

		if (path == fo->active)
			active = path;
		else if (!other && path != command->avoid)
			other = path;
	}
	/* The command has just failed there: this one goes elsewhere, once. */
	if (command->avoid == active && other && path_has_slot(other))
		active = other;
	return active && path_has_slot(active) ? active : NULL;
}

static void failover_only_activate(void *context, const struct path *path)
{
	struct failover_only *fo = context;

	fo->active = path->device->paths[path->index];
	fo->is_moved = true;
}

static uint64_t failover_only_next_change_us(const void *context)
{
	const struct failover_only *fo = context;

	return fo->failback_us;
}

static const struct path *failover_only_active(const void *context)
{
	const struct failover_only *fo = context;

	return fo->active;
}

const struct policy_ops policy_failover_only = {
	.name = "failover-only",
	.rule = "one path, the preferred one if it may; the others stand by",
	.context_size = sizeof(struct failover_only),
	.create = failover_only_create,
	.destroy = free,
	.changed = failover_only_changed,
	.pick = failover_only_pick,
	.activate = failover_only_activate,
	.next_change_us = failover_only_next_change_us,
	.active = failover_only_active,
};
