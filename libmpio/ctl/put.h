// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PUT_H
#define MPIO_PUT_H

/*
 * Members of JSON objects, as all answers write them. What cannot be had (no
 * memory, no value) is null.
 */

#include <jansson.h>
#include <stdint.h>

/* VALUE is taken, and may be NULL. */
void put(json_t *object, const char *key, json_t *value);

void put_number(json_t *object, const char *key, uint64_t value);

/* Texts may hold what a target sent: what is not UTF-8 is replaced, so that it
 * does not cost the whole answer. NULL for NULL, else a new reference. */
json_t *put_clean(const char *text);

/* TEXT may be NULL, and is cleaned. */
void put_text(json_t *object, const char *key, const char *text);

/* THEN_US, by the core's clock, which now says NOW_US, as a date (RFC 3339, UTC);
 * null for 0, which is never. */
void put_time(json_t *object, const char *key, uint64_t now_us, uint64_t then_us);

#endif
