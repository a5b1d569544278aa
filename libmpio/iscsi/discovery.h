// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DISCOVERY_H
#define MPIO_DISCOVERY_H

/*
 * SendTargets discovery (RFC 7143 appendix C) on one portal.
 */

#include <stddef.h>

#include "nexus.h"
#include "url.h"

struct discovery;

struct discovered_portal {
	char target[224];
	struct portal portal;
};

/* Called once, on the loop's thread, from the turn: ERROR is NULL and TARGETS
 * holds COUNT rows (borrowed), or ERROR says what failed. The discovery is
 * freed after it returns. */
typedef void (*discovery_done)(void *opaque, const struct discovered_portal *targets,
			       size_t count, const char *error);

/* SETTINGS' target, isid_seed and queue_depth are not used; the time for all
 * is its login_timeout. NULL on lack of memory, then DONE is not called. */
struct discovery *discovery_start(struct pump *pump, const struct nexus_settings *settings,
				  discovery_done done, void *opaque);

/* Ends it without a call of DONE. */
void discovery_cancel(struct discovery *discovery);

#endif
