// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include "pathctl_text.h"

static void print_session(const json_t *session)
{
	const json_t *next = json_object_get(session, "next_login_ms");
	const char *end = text_of(session, "last_end");
	char text[64];

	printf("    session %s since %s", or_dash(text_of(session, "state")),
	       or_dash(text_of(session, "since")));
	printf(", %s", or_dash(number_text(session, "in_flight", text, sizeof(text))));
	printf(" of %s commands in flight",
	       or_dash(number_text(session, "queue_depth", text, sizeof(text))));
	printf(", %s by all that use the nexus\n",
	       or_dash(number_text(session, "load", text, sizeof(text))));
	if (end)
		printf("    it last ended: %s\n", end);
	if (json_is_integer(next))
		printf("    next login in %.1f s\n", (double)json_integer_value(next) / 1e3);
}

/* What keeps a path from carrying all it could. */
static void print_limits(const json_t *path)
{
	const json_t *held = json_object_get(path, "held_back_ms");
	const json_t *depth = json_object_get(path, "depth_limit");
	char text[64];

	if (json_is_integer(held))
		printf("    held back for %.1f s more, failures of late: %s\n",
		       (double)json_integer_value(held) / 1e3,
		       or_dash(number_text(path, "recent_failures", text, sizeof(text))));
	if (json_is_integer(depth))
		printf("    the unit was too busy: %" JSON_INTEGER_FORMAT
		       " commands at a time, growing\n", json_integer_value(depth));
}

static void print_path(const struct request *request, const json_t *path)
{
	const json_t *next = json_object_get(path, "next_check_ms");
	const char *state = or_dash(text_of(path, "state"));
	const char *settings = text_of(path, "settings");

	printf("  path %s (%s): ", or_dash(text_of(path, "id")), or_dash(text_of(path, "portal")));
	table_print_coloured(stdout, state, colour_of(state), request->style.with_colours);
	printf(" since %s: %s\n", or_dash(text_of(path, "since")), or_dash(text_of(path, "why")));
	printf("    %s\n", or_dash(text_of(path, "role")));
	if (settings)
		printf("    set: %s\n", settings);
	print_limits(path);
	print_session(json_object_get(path, "session"));
	if (json_is_true(json_object_get(path, "verifying")))
		printf("    its unit is being verified\n");
	else if (json_is_integer(next))
		printf("    next check of its unit in %.1f s\n",
		       (double)json_integer_value(next) / 1e3);
}

/* ALUA is JSON's null where there are no target port groups. */
static void print_access(const json_t *alua)
{
	const json_t *next = json_object_get(alua, "next_question_ms");
	const char *via = text_of(alua, "via");

	if (!json_is_object(alua))
		return;
	printf("  access: %s, %s", or_dash(text_of(alua, "access")),
	       or_dash(text_of(alua, "stage")));
	if (via)
		printf(" down path %s", via);
	if (json_is_integer(next))
		printf(", asks again in %.1f s: %s", (double)json_integer_value(next) / 1e3,
		       or_dash(text_of(alua, "why")));
	putchar('\n');
}

static void print_explanation(const struct request *request, const json_t *result)
{
	const json_t *next = json_object_get(result, "next");
	const json_t *paths = json_object_get(result, "paths"), *path;
	const char *state = or_dash(text_of(result, "state"));
	const char *waiting = text_of(json_object_get(result, "waiting"), "why");
	const char *to = text_of(next, "path");
	size_t i;

	printf("%s: ", or_dash(text_of(result, "name")));
	table_print_coloured(stdout, state, colour_of(state), request->style.with_colours);
	printf(": %s\n", or_dash(text_of(result, "why")));
	printf("  next I/O: ");
	if (to)
		printf("path %s: ", to);
	printf("%s\n", or_dash(text_of(next, "why")));
	printf("  waiting: %s\n", waiting ? waiting : "nothing");
	print_access(json_object_get(result, "alua"));
	json_array_foreach(paths, i, path)
		print_path(request, path);
}

int run_explain(const struct request *request)
{
	const char *path = request->arguments[1];
	json_t *params = path ? json_pack("{s:s}", "path", path) : NULL;

	return request_finish(request, request_call(request, request->arguments[0], "explain", params),
			      print_explanation);
}
