// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_HARDWARE_H
#define MPIO_HARDWARE_H

/*
 * What is known of arrays by the vendor and product that they show in INQUIRY:
 * settings that suit them, and how far their fence of late writes can be
 * trusted. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>

/* Of a write that was lost on one path: does LOGICAL UNIT RESET after
 * reinstating its session keep it from reaching the medium later? */
enum hardware_fence {
	HARDWARE_FENCE_NONE,            /* it does not */
	HARDWARE_FENCE_ASSUMED,         /* SAM-5 says so; nobody has tried */
	HARDWARE_FENCE_VERIFIED,        /* tried */
};

struct hardware {
	const char *name;
	const char *vendor, *product;   /* patterns */
	const char *options;            /* "no_path_timeout=60s failback=15s", or empty */
	enum hardware_fence fence;
	const char *fence_note;         /* NULL: nothing to add */
	const char *sample;             /* "VENDOR/PRODUCT" that this row is for */
	const char *source;             /* of the options */
};

/* The built-in table and its length; the first row that matches counts. */
const struct hardware *hardware_all(size_t *count);

/* The row for a unit with that vendor and product, or NULL. */
const struct hardware *hardware_find(const char *vendor, const char *product);

/* "verified", "assumed", "none" */
const char *hardware_fence_name(enum hardware_fence fence);

/*
 * A pattern is one or several shell globs (fnmatch(3)), separated by "|", of
 * which one has to match the whole text; blanks at the text's end do not count,
 * nor does the case of letters.
 */
bool hardware_matches(const char *pattern, const char *text);

/* What is wrong with PATTERN, or NULL. */
const char *hardware_pattern_error(const char *pattern);

#endif
