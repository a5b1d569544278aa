// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Round robin over all candidates.
 */
#include "policy.h"

#include <stdlib.h>

#include "rotation.h"

const struct policy_ops policy_round_robin = {
	.name = "round-robin",
	.rule = "every path in turn, path_burst requests at a time",
	.context_size = sizeof(struct rotation),
	.create = round_robin_create,
	.destroy = free,
	.changed = round_robin_changed,
	.pick = round_robin_pick,
};
