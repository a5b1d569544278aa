// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include "pathctl_table.h"
#include "pathctl_text.h"

static void add_path(struct table *table, const json_t *path)
{
	static const char *const numbers[] = {
		"reads", "writes", "read_bytes", "write_bytes", "retries", "errors", "failures"
	};
	static const char *const ops[] = { "read", "write" };
	char text[64];

	table_add(table, text_of(path, "id"), TABLE_PLAIN);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		table_add(table, number_text(path, numbers[i], text, sizeof(text)), TABLE_PLAIN);
	for (size_t i = 0; i < 2; i++) {
		table_add(table, latency_text(path, ops[i], "p50", text, sizeof(text)),
			  TABLE_PLAIN);
		table_add(table, latency_text(path, ops[i], "p99", text, sizeof(text)),
			  TABLE_PLAIN);
		table_add(table, latency_text(path, ops[i], "max", text, sizeof(text)),
			  TABLE_PLAIN);
	}
}

static void print_stats(const struct request *request, const json_t *result)
{
	static const char *const headings[] = {
		"PATH", ">READS", ">WRITES", ">READ-BYTES", ">WRITE-BYTES", ">RETRIES", ">ERRORS",
		">FAILURES", ">READ-P50", ">READ-P99", ">READ-MAX", ">WRITE-P50", ">WRITE-P99",
		">WRITE-MAX", NULL
	};
	const json_t *paths = json_object_get(result, "paths"), *path;
	struct table *table = table_new(headings);
	char text[64];
	size_t i;

	printf("%s: since %s, failovers %s\n", or_dash(text_of(result, "name")),
	       or_dash(text_of(result, "since")),
	       or_dash(number_text(result, "failovers", text, sizeof(text))));
	json_array_foreach(paths, i, path)
		add_path(table, path);
	table_print(table, stdout, 2, request->style.with_headings,
		    request->style.with_colours);
	table_free(table);
}

int run_stats(const struct request *request)
{
	json_t *params = request->is_reset ? json_pack("{s:b}", "reset", 1) : NULL;

	return request_finish(request, request_call(request, request->arguments[0], "stats", params), print_stats);
}
