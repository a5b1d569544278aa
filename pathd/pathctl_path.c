// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The export says which numbers there may be; here it has to be one. */
static bool parse_weight(const char *text, json_int_t *weight)
{
	char *end;

	errno = 0;
	*weight = strtoll(text, &end, 10);
	return !errno && end != text && !*end;
}

int run_path(const struct request *request)
{
	json_t *params = json_pack("{s:s, s:s}", "path", request->arguments[1], "action",
				   request->action);
	json_int_t weight;

	if (request->weight) {
		if (!parse_weight(request->weight, &weight)) {
			fprintf(stderr, "pathctl: --weight takes a number, not \"%s\"\n",
				request->weight);
			json_decref(params);
			return EXIT_USAGE;
		}
		json_object_set_new(params, "weight", json_integer(weight));
	}
	return request_finish(request, request_call(request, request->arguments[0], "path", params), print_changes);
}
