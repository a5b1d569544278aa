// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.h"

#include <string.h>

static const struct policy_ops *const policies[] = {
	&policy_failover_only,
	&policy_round_robin,
	NULL,
};

const struct policy_ops *const *policy_all(void)
{
	return policies;
}

const struct policy_ops *policy_find(const char *name)
{
	for (size_t i = 0; policies[i]; i++)
		if (!strcmp(policies[i]->name, name))
			return policies[i];
	return NULL;
}
