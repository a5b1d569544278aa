// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_OPTIONS_H
#define MPIO_OPTIONS_H

/*
 * The one table of options: name, type, range, default, help. It feeds the
 * plugin's parameters (with dashes) and the configuration file (with
 * underscores), and gives struct settings its defaults.
 */

#include <stddef.h>

#include "settings.h"

enum option_type {
	OPTION_BOOL,
	OPTION_NUMBER,
	OPTION_SIZE,                    /* bytes; "256K" */
	OPTION_DURATION,                /* kept in ms; "20", "20s", "250ms", "2min" */
	OPTION_POLICY,
	OPTION_FAILBACK,
};

struct option {
	const char *name;               /* "no_path_timeout" */
	enum option_type type;
	uint64_t min, max;
	const char *default_text;
	const char *unit;               /* "s" for a bare number of a duration */
	const char *help;
	size_t offset;                  /* in struct settings */
};

const struct option *options_all(size_t *count);

/* NAME with dashes or underscores; NULL for none. */
const struct option *option_find(const char *name);

void settings_init(struct settings *settings);

/* 0 or -EINVAL; then ERROR (size LEN) names option, value and range. */
int option_set(struct settings *settings, const struct option *option, const char *value,
	       char *error, size_t len);

/* VALUE as a user would write it. */
void option_format(const struct settings *settings, const struct option *option,
		   char *text, size_t len);

#endif
