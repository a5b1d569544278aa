// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * GET LBA STATUS parameter data (SBC-3, GET LBA STATUS), one descriptor after another.
 *
 *	struct lba_status it;
 *	struct lba_status_extent e;
 *	int r = lba_status_init(&it, buf, len);
 *	while (r == 0 && (r = lba_status_next(&it, &e)) == 1) {
 *		use e; r = 0;
 *	}
 *
 * Pure functions: any thread.
 */
#ifndef MPIO_LBA_STATUS_H
#define MPIO_LBA_STATUS_H

#include <stddef.h>
#include <stdint.h>

/* The answer's length for n descriptors. */
#define LBA_STATUS_LEN(n) (8 + 16 * (n))

/* PROVISIONING STATUS; 3 and 4 came with SBC-4. */
enum lba_status_provisioning {
	LBA_STATUS_MAPPED_OR_UNKNOWN = 0,
	LBA_STATUS_DEALLOCATED = 1,
	LBA_STATUS_ANCHORED = 2,
	LBA_STATUS_MAPPED = 3,
	LBA_STATUS_UNKNOWN = 4,
};

struct lba_status_extent {
	uint64_t lba;
	uint32_t nblocks;	/* at least 1; lba + nblocks does not wrap */
	uint8_t provisioning;	/* enum lba_status_provisioning or reserved */
};

/* Borrows the buffer until the last lba_status_next(). */
struct lba_status {
	const uint8_t *next, *end;
	uint64_t least_lba;	/* the next extent may not start before it */
};

/*
 * Returns 0; -EMSGSIZE if the header or the first descriptor of a list that
 * promises one is not there; -EPROTO for an impossible PARAMETER DATA LENGTH.
 */
int lba_status_init(struct lba_status *it, const void *buf, size_t len);

/*
 * Returns 1 and the next extent, 0 at the end, or -EPROTO for an extent that is
 * empty, wraps, or starts before the end of the one before it; after that the
 * iteration stays at its end.  A last descriptor that is cut is left out.
 * Extents ascend; the standard wants no gaps, where there is one nothing is
 * known of the blocks between.
 */
int lba_status_next(struct lba_status *it, struct lba_status_extent *out);

#endif
