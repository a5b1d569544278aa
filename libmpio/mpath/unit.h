// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_UNIT_H
#define MPIO_UNIT_H

/*
 * What a logical unit says of itself, as seen down one path: identity, size,
 * limits, cache. Gathered by verify.c, compared between paths by the DSM.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capacity.h"
#include "identity.h"
#include "inquiry.h"
#include "vpd.h"

struct unit {
	struct inquiry inquiry;
	uint8_t inquiry_bytes[INQUIRY_ALLOC_LEN];       /* as sent, for modules */
	uint8_t inquiry_len;
	struct identity identity;
	struct vpd_serial serial;
	struct capacity capacity;
	bool has_block_limits;
	struct vpd_block_limits limits;
	bool has_provisioning;
	struct vpd_provisioning provisioning;
	int port_group;                 /* of the port it was asked through, VPD 83h; */
	int relative_port;              /* each -1 where it names none */
	bool is_incomplete;             /* size and more: not told in this access state */
	bool is_rotational_known;
	bool is_rotational;
	bool write_protected;           /* MODE SENSE: WP, or the control page's SWP */
	bool dpofua;
	bool write_cache;               /* WCE, or unknown */
};

/* Zeroes read back after UNMAP or WRITE SAME with UNMAP (SBC-3 5.16.2 LBPRZ,
 * 6.6.4), so that WRITE SAME may unmap instead of write. */
bool unit_zeroes_by_unmap(const struct unit *unit);
bool unit_can_unmap(const struct unit *unit);

#endif
