// SPDX-License-Identifier: LGPL-2.1-or-later
/* Standard INQUIRY data (SPC-4 6.6).  Pure functions: any thread. */
#ifndef MPIO_INQUIRY_H
#define MPIO_INQUIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An allocation length that brings every field below. */
#define INQUIRY_ALLOC_LEN 96

#define INQUIRY_TYPE_DISK 0x00	/* direct access block device */

/* Peripheral qualifiers, SPC-4 6.6. */
enum inquiry_qualifier {
	INQUIRY_QUALIFIER_CONNECTED = 0,
	INQUIRY_QUALIFIER_DISCONNECTED = 1,	/* could be there, is not */
	INQUIRY_QUALIFIER_NOT_SUPPORTED = 3,	/* no logical unit at this LUN */
};

/* Target port group support, SPC-4 6.6: bits that may be combined. */
#define INQUIRY_TPGS_IMPLICIT 0x1
#define INQUIRY_TPGS_EXPLICIT 0x2

struct inquiry {
	uint8_t peripheral_qualifier;	/* enum inquiry_qualifier */
	uint8_t device_type;		/* INQUIRY_TYPE_DISK, ... */
	uint8_t version;		/* 5 = SPC-3, 6 = SPC-4, 7 = SPC-5 */
	uint8_t tpgs;			/* INQUIRY_TPGS_* */
	bool protect;			/* can be formatted with protection information */
	bool cmdque;			/* SAM-5 command queuing */
	char vendor[9];			/* trimmed printable ASCII, '?' for other bytes */
	char product[17];
	char revision[5];
};

/*
 * Parses the answer to INQUIRY with EVPD 0.  Returns 0; -EMSGSIZE if the
 * strings (bytes 8-35) are not all there.  Whether the unit is one that can be
 * used is the caller's question: inquiry_is_disk().
 */
int inquiry_parse(const void *buf, size_t len, struct inquiry *out);

/* A connected direct access block device. */
bool inquiry_is_disk(const struct inquiry *inq);

#endif
