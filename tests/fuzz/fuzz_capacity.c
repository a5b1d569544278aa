// SPDX-License-Identifier: LGPL-2.1-or-later
/* READ CAPACITY(16). */
#include "capacity.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capacity c;
	int r = capacity16_parse(data, size, &c);

	if (r < 0) {
		MUST(c.nblocks == 0 && c.block_size == 0);
		return 0;
	}
	MUST(size >= 16);
	MUST(c.nblocks > 0 && c.nblocks <= INT64_MAX / c.block_size);
	MUST(c.block_size >= CAPACITY_BLOCK_SIZE_MIN && c.block_size <= CAPACITY_BLOCK_SIZE_MAX);
	MUST((c.block_size & (c.block_size - 1)) == 0);
	MUST(c.physical_exponent <= 15 && c.lowest_aligned <= 0x3fff);
	MUST(capacity_equal(&c, &c));
	return 0;
}
