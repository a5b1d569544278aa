// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Round robin over a subset: the paths that the array calls optimized and the
 * administrator has not marked standby; over others only while none of the
 * subset is left, and back as soon as one is. The device hands candidates like
 * that to every policy, so that the name is all that is left to be done: the
 * one that users of arrays with asymmetric access look for.
 */
#include "policy.h"

#include <stdlib.h>

#include "rotation.h"

const struct policy_ops policy_round_robin_subset = {
	.name = "round-robin-subset",
	.rule = "every path of the optimized subset in turn, path_burst requests at a time",
	.context_size = sizeof(struct rotation),
	.create = round_robin_create,
	.destroy = free,
	.changed = round_robin_changed,
	.pick = round_robin_pick,
};
