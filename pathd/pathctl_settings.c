// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include <stdio.h>
#include <string.h>

/* The value in FILE, "-" for standard input. NULL: said why. */
static json_t *read_file(const char *file)
{
	bool is_stdin = !strcmp(file, "-");
	json_error_t error;
	json_t *value = is_stdin ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error)
				 : json_load_file(file, JSON_REJECT_DUPLICATES, &error);

	if (value)
		return value;
	if (error.line > 0)
		fprintf(stderr, "pathctl: %s:%d: %s\n", is_stdin ? "standard input" : file,
			error.line, error.text);
	else
		fprintf(stderr, "pathctl: %s\n", error.text);
	return NULL;
}

/* For people the same as for programs: it is to be kept. */
static void print_settings(const struct request *request, const json_t *result)
{
	(void)request;
	print_json(result);
}

int run_settings(const struct request *request)
{
	const char *file = request->arguments[1];
	json_t *params = NULL;

	if (file) {
		json_t *value = read_file(file);

		if (!value)
			return EXIT_FAILED;
		params = json_pack("{s:o}", "settings", value);
	}
	return request_finish(request, request_call(request, request->arguments[0], "settings", params),
			      file ? print_changes : print_settings);
}
