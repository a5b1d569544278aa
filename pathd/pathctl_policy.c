// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include <string.h>

#include "pathctl_table.h"
#include "pathctl_text.h"

/* The one in use is marked. */
static void print_policy(const struct request *request, const json_t *result)
{
	static const char *const headings[] = { "POLICY", "SENDS I/O", NULL };
	const char *current = or_dash(text_of(result, "policy"));
	const json_t *policies = json_object_get(result, "policies"), *policy;
	struct table *table = table_new(headings);
	size_t i;

	printf("%s: %s (%s), failback %s\n", or_dash(text_of(result, "name")), current,
	       or_dash(text_of(result, "policy_source")), or_dash(text_of(result, "failback")));
	json_array_foreach(policies, i, policy) {
		const char *name = or_dash(text_of(policy, "name"));
		char text[64];

		snprintf(text, sizeof(text), "%s%s", name, strcmp(name, current) ? "" : "*");
		table_add(table, text, TABLE_PLAIN);
		table_add(table, text_of(policy, "rule"), TABLE_PLAIN);
	}
	table_print(table, stdout, 2, request->style.with_headings,
		    request->style.with_colours);
	table_free(table);
}

int run_policy(const struct request *request)
{
	const char *policy = request->arguments[1];
	json_t *params = policy ? json_pack("{s:s}", "policy", policy) : NULL;

	return request_finish(request, request_call(request, request->arguments[0], "policy", params),
			      policy ? print_changes : print_policy);
}
