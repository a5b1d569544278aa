// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_errors_addv(struct config_errors *errors, const char *file, unsigned int line,
			const char *format, va_list args)
{
	struct config_error error = { .line = line }, *larger;

	if (errors->count == CONFIG_ERRORS_MAX)
		return;
	larger = realloc(errors->list, (errors->count + 1) * sizeof(*larger));
	if (larger)
		errors->list = larger;
	error.file = strdup(file);
	if (vasprintf(&error.message, format, args) < 0)
		error.message = NULL;
	if (!larger || !error.file || !error.message) {
		free(error.file);
		free(error.message);
		errors->is_short_of_memory = 1;
		return;
	}
	errors->list[errors->count++] = error;
}

void config_errors_add(struct config_errors *errors, const char *file, unsigned int line,
		       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_errors_addv(errors, file, line, format, args);
	va_end(args);
}

void config_error_format(const struct config_error *error, char *text, size_t len)
{
	if (error->line)
		snprintf(text, len, "%s:%u: %s", error->file, error->line, error->message);
	else
		snprintf(text, len, "%s: %s", error->file, error->message);
}

void config_errors_done(struct config_errors *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		free(errors->list[i].file);
		free(errors->list[i].message);
	}
	free(errors->list);
	*errors = (struct config_errors) { 0 };
}
