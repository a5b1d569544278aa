// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_POLICY_H
#define MPIO_POLICY_H

/*
 * A load-balancing policy: a small ops table with an opaque context. Each
 * policy is a file of its own, policy_NAME.c. The device keeps the candidate
 * array: usable paths of the best access state there is, in path order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct command;
struct path;

struct candidates {
	struct path *paths[MPIO_MAX_PATHS];
	size_t count;
};

struct policy_ops {
	const char *name;               /* "round-robin", as users write it */
	const char *rule;               /* how it chooses, in a few words for users */
	size_t context_size;            /* of plain bytes: policy_peek() uses a copy */

	/* NULL on lack of memory. SETTINGS are borrowed for the policy's life. */
	void *(*create)(const struct settings *settings);
	void (*destroy)(void *context);

	/* The candidates or a path's settings changed. NOW_US for failback. */
	void (*changed)(void *context, const struct candidates *candidates, uint64_t now_us);

	/* The path for COMMAND among CANDIDATES, or NULL where none of those it
	 * would take has a free slot. Never called with no candidates. */
	struct path *(*pick)(void *context, const struct candidates *candidates,
			     const struct command *command, uint64_t now_us);

	/* The administrator moves I/O to PATH, a candidate: for policies with one
	 * active path. changed() follows. Optional. */
	void (*activate)(void *context, const struct path *path);

	/* When changed() is to be called again (failback after a time),
	 * MPATH_NEVER for not at all. Optional. */
	uint64_t (*next_change_us)(const void *context);

	/* The path new I/O goes to, where there is just one; NULL else. Optional. */
	const struct path *(*active)(const void *context);
};

/* The path that a small read would go down now, or NULL as pick() has it. The
 * policy does not notice. */
const struct path *policy_peek(const struct policy_ops *policy, const void *context,
			       const struct candidates *candidates, uint64_t now_us);

/* NULL where no policy has that name. */
const struct policy_ops *policy_find(const char *name);

/* The table, NULL at its end. */
const struct policy_ops *const *policy_all(void);

extern const struct policy_ops policy_failover_only;
extern const struct policy_ops policy_least_blocks;
extern const struct policy_ops policy_least_queue_depth;
extern const struct policy_ops policy_round_robin;
extern const struct policy_ops policy_round_robin_subset;
extern const struct policy_ops policy_service_time;
extern const struct policy_ops policy_weighted_paths;

#endif
