// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_EXPLAIN_H
#define MPIO_EXPLAIN_H

/*
 * Why a device and its paths are as they are, as JSON: what each path's state
 * rests on, whether it takes I/O and if not why, what its session is doing, what
 * waits and for how long, and where the next command would go. Times to come are
 * in milliseconds from now. Loop's thread.
 */

#include <jansson.h>

struct device;
struct path;

/* A new reference; ONLY, if not NULL, is the one path to tell of. The core's
 * clock must be up to date. */
json_t *explain_device(const struct device *device, const struct path *only);

#endif
