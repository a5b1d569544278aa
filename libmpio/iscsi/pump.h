// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PUMP_H
#define MPIO_PUMP_H

/*
 * Joins the loop, the core and the sessions: once a turn it sets the core's
 * clock, runs it, and flushes the sessions on which something was queued, the
 * PDUs of one batch together. It owns the process's struct mpath.
 */

#include "loop.h"
#include "mpath.h"

struct pump;

/* Sets LOOP's turn function. NULL on lack of memory. */
struct pump *pump_new(struct loop *loop);

/* All nexuses must have been freed. NULL is fine. */
void pump_free(struct pump *pump);

struct mpath *pump_mpath(struct pump *pump);
struct loop *pump_loop(struct pump *pump);

#endif
