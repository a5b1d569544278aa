// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capacity.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

static bool block_size_is_usable(uint32_t size)
{
	return size >= CAPACITY_BLOCK_SIZE_MIN && size <= CAPACITY_BLOCK_SIZE_MAX &&
	       (size & (size - 1)) == 0;
}

int capacity16_parse(const void *buf, size_t len, struct capacity *out)
{
	const uint8_t *p = buf;
	uint64_t last_lba;
	uint32_t block_size;

	memset(out, 0, sizeof(*out));
	if (len < 16)
		return -EMSGSIZE;

	last_lba = get_be64(&p[0]);
	block_size = get_be32(&p[8]);
	if (!block_size_is_usable(block_size))
		return -ENOTSUP;
	if (last_lba >= (uint64_t)INT64_MAX / block_size)
		return -EOVERFLOW;

	out->nblocks = last_lba + 1;
	out->block_size = block_size;
	out->prot_en = p[12] & 0x01;
	out->physical_exponent = p[13] & 0x0f;
	out->lbpme = p[14] & 0x80;
	out->lbprz = p[14] & 0x40;
	out->lowest_aligned = get_be16(&p[14]) & 0x3fff;
	return 0;
}
