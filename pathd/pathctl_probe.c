// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include "pathctl_table.h"
#include "pathctl_text.h"

/* What is left of our own time for the answer's way. */
#define MARGIN_MS 500
#define MAX_PROBE_MS 60000

static void print_probe(const struct request *request, const json_t *result)
{
	static const char *const headings[] = { "COMMAND", "STATUS", ">TIME", "ANSWER", NULL };
	const json_t *answers = json_object_get(result, "answers"), *answer;
	struct table *table = table_new(headings);
	size_t i;

	printf("%s: path %s, %s, %s, %s\n", or_dash(text_of(result, "name")),
	       or_dash(text_of(result, "path")), or_dash(text_of(result, "portal")),
	       or_dash(text_of(result, "target")), or_dash(text_of(result, "state")));
	json_array_foreach(answers, i, answer) {
		const json_t *us = json_object_get(answer, "latency_us");
		const char *status = text_of(answer, "status");
		char text[64];

		table_add(table, text_of(answer, "command"), TABLE_PLAIN);
		table_add(table, status ? status : "no answer", TABLE_PLAIN);
		table_add(table, json_is_integer(us) ?
			  time_text((double)json_integer_value(us), text, sizeof(text)) : NULL,
			  TABLE_PLAIN);
		table_add(table, text_of(answer, "text"), TABLE_PLAIN);
	}
	table_print(table, stdout, 2, request->style.with_headings,
		    request->style.with_colours);
	table_free(table);
}

int run_probe(const struct request *request)
{
	unsigned int timeout_ms = request->query.timeout_ms;
	json_t *result;
	bool is_good;
	int status;

	timeout_ms -= timeout_ms > 2 * MARGIN_MS ? MARGIN_MS : timeout_ms / 2;
	if (timeout_ms > MAX_PROBE_MS)
		timeout_ms = MAX_PROBE_MS;
	if (timeout_ms == 0)
		timeout_ms = 1;
	result = request_call(request, request->arguments[0], "probe",
			      json_pack("{s:s, s:i}", "path", request->arguments[1],
					"timeout_ms", (int)timeout_ms));
	is_good = json_is_true(json_object_get(result, "good"));
	status = request_finish(request, result, print_probe);
	return status == EXIT_DONE && !is_good ? EXIT_FAILED : status;
}
