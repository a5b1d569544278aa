// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hardware.h"

#include <fnmatch.h>
#include <string.h>

#define PATTERN_MAX 128                 /* vendor has 8 bytes, product 16 */

const char *hardware_fence_name(enum hardware_fence fence)
{
	static const char *const names[] = {
		[HARDWARE_FENCE_NONE] = "none",
		[HARDWARE_FENCE_ASSUMED] = "assumed",
		[HARDWARE_FENCE_VERIFIED] = "verified",
	};

	return names[fence];
}

/* Where the alternative at PATTERN ends: at a "|" that is not in brackets.
 * IS_OPEN: a bracket was not closed before. */
static const char *end_of_part(const char *pattern, bool *is_open)
{
	const char *open = NULL;

	for (; *pattern && (*pattern != '|' || open); pattern++) {
		if (*pattern == '\\' && pattern[1])
			pattern++;
		else if (*pattern == '[' && !open)
			open = pattern;
		/* Right behind the opening one it is a member of the set. */
		else if (*pattern == ']' && open && pattern > open + 1)
			open = NULL;
	}
	*is_open = open != NULL;
	return pattern;
}

const char *hardware_pattern_error(const char *pattern)
{
	bool is_open;

	if (strlen(pattern) >= PATTERN_MAX)
		return "is too long";
	for (const char *p = pattern; *p; p++)
		if (*p < ' ' || *p > '~')
			return "holds what no INQUIRY data can: they are printable ASCII";
	for (;;) {
		const char *end = end_of_part(pattern, &is_open);

		if (end == pattern)
			return "is empty, or has an empty part";
		if (is_open)
			return "has a [ without its ]";
		if (!*end)
			return NULL;
		pattern = end + 1;
	}
}

bool hardware_matches(const char *pattern, const char *text)
{
	char part[PATTERN_MAX], trimmed[32];
	bool is_open;
	size_t len = strlen(text);

	while (len && text[len - 1] == ' ')
		len--;
	if (len >= sizeof(trimmed))
		return false;
	memcpy(trimmed, text, len);
	trimmed[len] = '\0';

	for (;;) {
		const char *end = end_of_part(pattern, &is_open);

		len = (size_t)(end - pattern);
		if (len >= sizeof(part))
			return false;
		memcpy(part, pattern, len);
		part[len] = '\0';
		if (fnmatch(part, trimmed, FNM_CASEFOLD) == 0)
			return true;
		if (!*end)
			return false;
		pattern = end + 1;
	}
}

const struct hardware *hardware_find(const char *vendor, const char *product)
{
	size_t count;
	const struct hardware *table = hardware_all(&count);

	for (size_t i = 0; i < count; i++)
		if (hardware_matches(table[i].vendor, vendor) &&
		    hardware_matches(table[i].product, product))
			return &table[i];
	return NULL;
}
