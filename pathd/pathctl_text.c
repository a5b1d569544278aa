// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl_text.h"

#include <stdio.h>
#include <string.h>

const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *or_dash(const char *text)
{
	return text && *text ? text : "-";
}

const char *number_text(const json_t *object, const char *key, char *text, size_t len)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return NULL;
	snprintf(text, len, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return text;
}

const char *time_text(double us, char *text, size_t len)
{
	if (us < 1000)
		snprintf(text, len, "%.0f us", us);
	else if (us < 1000000)
		snprintf(text, len, "%.1f ms", us / 1000);
	else
		snprintf(text, len, "%.1f s", us / 1000000);
	return text;
}

const char *latency_text(const json_t *path, const char *op, const char *which, char *text,
			 size_t len)
{
	const json_t *figures = json_object_get(json_object_get(path, "latency_us"), op);
	double us = (double)json_integer_value(json_object_get(figures, which));

	return us > 0 ? time_text(us, text, len) : NULL;
}

enum table_colour colour_of(const char *state)
{
	static const char *const green[] = { "normal", "active-optimized" };
	static const char *const red[] = { "failed", "no-path", "stopped", "unavailable" };

	for (size_t i = 0; state && i < sizeof(green) / sizeof(green[0]); i++)
		if (!strcmp(state, green[i]))
			return TABLE_GREEN;
	for (size_t i = 0; state && i < sizeof(red) / sizeof(red[0]); i++)
		if (!strcmp(state, red[i]))
			return TABLE_RED;
	return TABLE_YELLOW;
}
