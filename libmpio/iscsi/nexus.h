// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_NEXUS_H
#define MPIO_NEXUS_H

/*
 * An I_T nexus on libiscsi: one session with one connection, error recovery
 * level 0 (RFC 7143 4.6). It implements transport_ops. Session life is here
 * and in login.c, commands in io.c, the socket in pump.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"
#include "url.h"

struct pump;

struct nexus_settings {
	const char *initiator;          /* iSCSI name */
	const char *target;
	struct portal portal;
	/* CHAP (RFC 7143 12.1): NULL for none; target_user for mutual. */
	const char *user, *password;
	const char *target_user, *target_password;
	/* The six bytes of the ISID (RFC 7143 11.12.5) after the type come from
	 * this: equal values reinstate each other's session at one target. */
	uint64_t isid_seed;
	bool header_digest;
	struct transport_timers timers;
	unsigned int queue_depth;
};

/* Everything is copied. The transport is idle; transport_start() logs in.
 * Loop's thread, or before the loop runs. NULL on lack of memory. */
struct transport *nexus_new(struct pump *pump, const struct nexus_settings *settings);

/* Ends the session at once. No path may be left on it. NULL is fine. */
void nexus_free(struct transport *transport);

/* A seed from what names the session: the initiator's name, a host identity,
 * the export's name and the path's number (FNV-1a or better). */
uint64_t nexus_isid_seed(const char *initiator, const char *host, const char *export_name,
			 const char *portal, const char *target, unsigned int path);

#endif
