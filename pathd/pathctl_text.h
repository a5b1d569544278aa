// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATHCTL_TEXT_H
#define MPIO_PATHCTL_TEXT_H

/*
 * Members of JSON objects as texts for people. What is not there, or of another
 * type, is NULL.
 */

#include <jansson.h>

#include "pathctl_table.h"

const char *text_of(const json_t *object, const char *key);

/* "-" for NULL and the empty text. */
const char *or_dash(const char *text);

/* These three write into TEXT (size LEN), and return it. */
const char *number_text(const json_t *object, const char *key, char *text, size_t len);
const char *time_text(double us, char *text, size_t len);

/* A percentile; NULL where nothing was measured. */
const char *latency_text(const json_t *path, const char *op, const char *which, char *text,
			 size_t len);

/* Of a state's name: good, in between, or bad. */
enum table_colour colour_of(const char *state);

#endif
