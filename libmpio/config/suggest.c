// SPDX-License-Identifier: LGPL-2.1-or-later
#include "suggest.h"

#include <string.h>

#define LENGTH_MAX 48

/* How far off a name of LEN letters may be; two letters that changed places
 * count as two. */
static size_t tolerance(size_t len)
{
	return len < 4 ? 1 : len < 9 ? 2 : len / 3;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static char plain(char c)
{
	return c == '-' ? '_' : c;
}

/* Letters to insert, delete or replace to make A into B (Levenshtein), by one
 * row of the table at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[LENGTH_MAX + 1], len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (; *a; a++) {
		size_t diagonal = row[0]++;

		for (size_t j = 0; j < len; j++) {
			size_t replaced = diagonal + (plain(*a) != plain(b[j]));

			diagonal = row[j + 1];
			row[j + 1] = min(replaced, min(row[j], row[j + 1]) + 1);
		}
	}
	return row[len];
}

void suggestion_init(struct suggestion *suggestion, const char *written)
{
	*suggestion = (struct suggestion) { .written = written };
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
	size_t len = strlen(suggestion->written), d;

	if (len > LENGTH_MAX || strlen(name) > LENGTH_MAX)
		return;
	d = distance(suggestion->written, name);
	if (d > tolerance(len) || (suggestion->best && d >= suggestion->distance))
		return;
	suggestion->best = name;
	suggestion->distance = d;
}
