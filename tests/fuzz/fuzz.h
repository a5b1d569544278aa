// SPDX-License-Identifier: LGPL-2.1-or-later
/* What every fuzzer defines, and what both libFuzzer and standalone.c call. */
#ifndef MPIO_FUZZ_H
#define MPIO_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns 0; a broken property aborts the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that NDEBUG does not remove. */
#define MUST(property)                                                                   \
	do {                                                                             \
		if (!(property)) {                                                       \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,       \
				#property);                                              \
			abort();                                                         \
		}                                                                        \
	} while (0)

#endif
