// SPDX-License-Identifier: LGPL-2.1-or-later
#include "histogram.h"

#include <assert.h>
#include <string.h>

#define SUB_BUCKETS (1u << HISTOGRAM_SUB_BITS)

/* Values below SUB_BUCKETS have a bucket each; above, a value's power of two
 * gives the row and its next HISTOGRAM_SUB_BITS bits the bucket in it. */
static unsigned int bucket_of(uint64_t value)
{
	unsigned int shift, bucket;

	if (value < SUB_BUCKETS)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - HISTOGRAM_SUB_BITS;
	bucket = ((shift + 1) << HISTOGRAM_SUB_BITS) +
		((unsigned int)(value >> shift) & (SUB_BUCKETS - 1));
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that falls into BUCKET. */
static uint64_t bucket_bound(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < SUB_BUCKETS)
		return bucket;
	shift = (bucket >> HISTOGRAM_SUB_BITS) - 1;
	return ((uint64_t)(SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1)) + 1) << shift) - 1;
}

void histogram_reset(struct histogram *h)
{
	memset(h, 0, sizeof *h);
}

void histogram_record(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	h->buckets[bucket_of(value)]++;
}

uint64_t histogram_percentile(const struct histogram *h, double fraction)
{
	uint64_t wanted, seen = 0;

	assert(fraction >= 0 && fraction <= 1);
	if (!h->count)
		return 0;
	wanted = (uint64_t)((double)h->count * fraction);
	if ((double)wanted < (double)h->count * fraction || !wanted)
		wanted++;
	for (unsigned int bucket = 0; bucket < HISTOGRAM_BUCKETS - 1; bucket++) {
		seen += h->buckets[bucket];
		if (seen >= wanted) {
			uint64_t bound = bucket_bound(bucket);

			return bound < h->max ? bound : h->max;
		}
	}
	return h->max;
}
