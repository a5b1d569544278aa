// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include <stdio.h>

#include "pathctl_text.h"

json_t *request_call(const struct request *request, const char *lun, const char *method,
		     json_t *params)
{
	struct luns luns;
	json_t *result = NULL;

	if (query_one(&request->query, lun, &luns))
		result = query_call(&request->query, &luns.luns[0], method, params);
	else
		json_decref(params);
	luns_done(&luns);
	return result;
}

int request_finish(const struct request *request, json_t *result,
		   void (*print)(const struct request *request, const json_t *result))
{
	if (!result)
		return EXIT_FAILED;
	if (request->is_json)
		print_json(result);
	else
		print(request, result);
	json_decref(result);
	return finish(EXIT_DONE);
}

void print_changes(const struct request *request, const json_t *result)
{
	const json_t *changes = json_object_get(result, "changes"), *change;
	const char *name = or_dash(text_of(result, "name"));
	size_t i;

	(void)request;
	if (json_array_size(changes) == 0)
		printf("%s: nothing to do, it is so already\n", name);
	json_array_foreach(changes, i, change) {
		const char *path = text_of(change, "path");

		printf("%s: ", name);
		if (path)
			printf("path %s: ", path);
		printf("%s: %s, before %s\n", or_dash(text_of(change, "what")),
		       or_dash(text_of(change, "to")), or_dash(text_of(change, "from")));
	}
}
