// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_STATUS_H
#define MPIO_STATUS_H

/*
 * A device as JSON, in the fields that the documentation fixes: times in RFC
 * 3339 (UTC), sizes in bytes, latencies in microseconds. What is not known yet
 * (a size before the first path was verified) is null. Loop's thread.
 */

#include <jansson.h>

struct device;

/* A new reference, NULL on lack of memory. The core's clock must be up to date. */
json_t *status_show(const struct device *device);

/* The same without the paths' counters and latencies. */
json_t *status_list(const struct device *device);

/* Only the paths' counters and latencies, and since when they count. */
json_t *status_stats(const struct device *device);

#endif
