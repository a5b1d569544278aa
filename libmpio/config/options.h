// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_OPTIONS_H
#define MPIO_OPTIONS_H

/*
 * The one table of options: name, type, range, default, help. It feeds the
 * plugin's parameters (with dashes) and the configuration file (with
 * underscores), and gives struct settings its defaults. Any thread.
 */

#include <stddef.h>

#include "settings.h"

enum option_type {
	OPTION_BOOL,                    /* yes, no, on, off, true, false, 1, 0 */
	OPTION_NUMBER,
	OPTION_SIZE,                    /* bytes; "256K" */
	OPTION_DURATION,                /* kept in ms; "20", "1.5", "20s", "250ms", "2min" */
	OPTION_POLICY,
	OPTION_FAILBACK,                /* immediate, manual, or a duration */
};

struct option {
	const char *name;               /* "no_path_timeout" */
	enum option_type type;
	uint64_t min, max;              /* of what is kept: ms, bytes, a count */
	const char *default_text;
	const char *help;
	size_t offset;                  /* in struct settings */
};

/* The table and its length. */
const struct option *options_all(size_t *count);

/* NAME with dashes or underscores; NULL for none. */
const struct option *option_find(const char *name);

/* Every option to its default. */
void settings_init(struct settings *settings);

/* 0 or -EINVAL; then SETTINGS is as before and ERROR (size LEN) names
 * option, value and range: "queue_depth: "500" is not in ...". */
int option_set(struct settings *settings, const struct option *option, const char *value,
	       char *error, size_t len);

/* Takes OPTION's value, and nothing else, from FROM to TO. */
void option_copy(struct settings *to, const struct settings *from, const struct option *option);

/* The option's value in TEXT (size LEN), as a user would write it. */
void option_format(const struct settings *settings, const struct option *option,
		   char *text, size_t len);

/* What OPTION takes, for messages and help: "100ms to 3600s", "1 to 128". */
void option_format_range(const struct option *option, char *text, size_t len);

#endif
