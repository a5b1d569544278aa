// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A heap copy of exactly len bytes, so that sanitizers and valgrind see a
 * parser read one byte too far.
 */
#ifndef MPIO_TEST_EXACT_H
#define MPIO_TEST_EXACT_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The caller frees it. */
static inline void *exact_copy(const void *bytes, size_t len)
{
	void *copy = calloc(1, len ? len : 1);

	assert(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

#endif
