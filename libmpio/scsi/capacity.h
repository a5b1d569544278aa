// SPDX-License-Identifier: LGPL-2.1-or-later
/* READ CAPACITY(16) parameter data (SBC-3 5.16).  Pure functions: any thread. */
#ifndef MPIO_CAPACITY_H
#define MPIO_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPACITY16_ALLOC_LEN 32

#define CAPACITY_BLOCK_SIZE_MIN 512
#define CAPACITY_BLOCK_SIZE_MAX 65536

struct capacity {
	uint64_t nblocks;		/* at least 1 */
	uint32_t block_size;		/* bytes; a power of two */
	uint8_t physical_exponent;	/* logical blocks per physical block, log2 */
	uint16_t lowest_aligned;	/* LBA that starts a physical block */
	bool lbpme;			/* logical block provisioning management */
	bool lbprz;			/* unmapped blocks read as zeros */
	bool prot_en;			/* formatted with protection information */
};

/*
 * Returns 0; -EMSGSIZE if fewer than 16 bytes are there; -ENOTSUP for a block
 * size that is not a power of two between the limits above; -EOVERFLOW if the
 * size in bytes does not fit a signed 64-bit integer.
 */
int capacity16_parse(const void *buf, size_t len, struct capacity *out);

/* The size of the unit in bytes; fits an int64_t. */
static inline uint64_t capacity_bytes(const struct capacity *c)
{
	return c->nblocks * c->block_size;
}

/* Same blocks, same size: what must not differ between paths of one unit. */
static inline bool capacity_equal(const struct capacity *a, const struct capacity *b)
{
	return a->nblocks == b->nblocks && a->block_size == b->block_size;
}

#endif
