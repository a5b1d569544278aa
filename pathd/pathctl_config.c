// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include <string.h>

#include "config.h"

/* Names of files need not be UTF-8, as JSON has to be. */
static json_t *json_text(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_string("(not UTF-8)");
}

static void print_errors_json(const char *file, const struct config_errors *errors)
{
	json_t *list = json_array();
	json_t *result = json_pack("{s:o, s:b, s:o}", "file", json_text(file), "valid",
				   errors->count == 0, "errors", list);

	for (size_t i = 0; i < errors->count; i++) {
		const struct config_error *error = &errors->list[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "file",
						      json_text(error->file), "line",
						      error->line ? json_integer(error->line) :
						      json_null(), "message",
						      json_text(error->message)));
	}
	print_json(result);
	json_decref(result);
}

static void print_errors(const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		char text[4096];

		config_error_format(&errors->list[i], text, sizeof(text));
		fprintf(stderr, "%s\n", text);
	}
	if (errors->count == CONFIG_ERRORS_MAX)
		fputs("pathctl: there may be more\n", stderr);
}

static void print_count(size_t count, const char *what)
{
	printf(", %zu %s%s", count, what, count == 1 ? "" : "s");
}

int run_config_check(const struct request *request)
{
	const char *file = request->arguments[0];
	struct config_errors errors = { 0 };
	struct config *config;
	int result = config_load(file, &config, &errors);

	if (result < 0 && errors.count == 0)
		fprintf(stderr, "pathctl: %s: %s\n", file, strerror(-result));
	else if (request->is_json)
		print_errors_json(file, &errors);
	else
		print_errors(&errors);
	if (config && !request->is_json) {
		printf("%s: no errors", file);
		print_count(config->nportals, "portal");
		print_count(config->ntargets, "target");
		print_count(config->nhardware, "hardware row");
		print_count(config->nluns, "LUN");
		putchar('\n');
	}
	config_errors_done(&errors);
	config_free(config);
	return finish(result < 0 ? EXIT_FAILED : EXIT_DONE);
}
