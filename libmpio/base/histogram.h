// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_HISTOGRAM_H
#define MPIO_HISTOGRAM_H

/*
 * Latency histogram: log-linear buckets, eight to each power of two, so that
 * a percentile is at most 12.5 % off. Embedded, fixed size, no allocation;
 * recording costs a handful of instructions. One thread owns it.
 */

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 3
#define HISTOGRAM_BUCKETS ((40 - HISTOGRAM_SUB_BITS + 1) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t max;
	uint32_t buckets[HISTOGRAM_BUCKETS];
};

/* Empties H; an all-zero struct is empty as well. */
void histogram_reset(struct histogram *h);

/* Adds one value (any unit; microseconds throughout libmpio). Values past
 * 2^40 count in the last bucket. */
void histogram_record(struct histogram *h, uint64_t value);

/* The smallest bucket bound that at least FRACTION (0..1) of the values do
 * not exceed, never above the maximum seen; 0 where H is empty. */
uint64_t histogram_percentile(const struct histogram *h, double fraction);

#endif
