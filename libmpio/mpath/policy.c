// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

#include "request.h"

/* More than any context has. */
#define CONTEXT_MAX 1024

#define PEEK_BYTES 4096

static const struct policy_ops *const policies[] = {
	&policy_failover_only,
	&policy_round_robin,
	&policy_round_robin_subset,
	&policy_least_queue_depth,
	&policy_weighted_paths,
	&policy_least_blocks,
	&policy_service_time,
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

const struct path *policy_peek(const struct policy_ops *policy, const void *context,
			       const struct candidates *candidates, uint64_t now_us)
{
	alignas(max_align_t) char copy[CONTEXT_MAX];
	struct request request = { .op = REQUEST_READ, .nblocks = 1 };

	assert(policy->context_size <= sizeof copy);
	if (!candidates->count)
		return NULL;
	memcpy(copy, context, policy->context_size);
	request.first.request = &request;
	request.first.nblocks = 1;
	request.first.cdb.data_len = PEEK_BYTES;
	return policy->pick(copy, candidates, &request.first, now_us);
}
