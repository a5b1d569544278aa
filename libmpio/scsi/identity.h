// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which logical unit is this?  The one name that all paths to it show and no
 * other unit shares.
 *
 * Two units that looked equal would be mixed into one device and destroy each
 * other's data; one unit that looked like two is merely not multipathed.  So
 * the text is injective: different designators give different texts, bytes
 * that cannot be printed are written %XX, never dropped.
 * Pure functions: any thread.
 */
#ifndef MPIO_IDENTITY_H
#define MPIO_IDENTITY_H

#include <stdbool.h>

struct inquiry;
struct vpd_designation;
struct vpd_serial;

enum identity_kind {
	IDENTITY_NONE,
	IDENTITY_NAA,		/* "naa.60014050000000000000000000000001" */
	IDENTITY_EUI64,		/* "eui.0014050000000001" */
	IDENTITY_NAME,		/* "name.iqn.2026-11.org.example:lu1" */
	IDENTITY_T10,		/* "t10.VENDOR  something" */
	IDENTITY_SERIAL,	/* "serial.VENDOR-PRODUCT-SERIAL" */
};

/* Every byte of the longest designator escaped, a prefix, vendor and product. */
#define IDENTITY_TEXT_MAX 896

struct identity {
	enum identity_kind kind;
	char text[IDENTITY_TEXT_MAX];
};

/*
 * Chooses the identity from VPD 83h, designators of the logical unit only:
 * NAA (registered extended before registered and extended), EUI-64 (longest),
 * SCSI name string, T10 vendor ID, NAA locally assigned (unique only as far as
 * someone took care, so the last); of equal rank the first.  Empty, all-zero
 * and malformed ones do not count.  Without any, VPD 80h's serial number
 * together with vendor and product.  d, serial and inq may each be NULL where
 * the device has no such page.
 *
 * Returns 0; -ENOENT if the device shows no usable identity; -EMSGSIZE if the
 * 83h page is truncated, or cut before any was found: then a better name may
 * be among what was not seen, ask with a larger allocation length.
 */
int identity_choose(struct identity *out, const struct vpd_designation *d,
		    const struct vpd_serial *serial, const struct inquiry *inq);

/*
 * The identity that an administrator has written: as the text above, hexadecimal
 * digits in either case, or as udev and dm-multipath name SCSI disks ("3" and
 * the NAA digits, "2" and those of an EUI-64).  -EINVAL for anything else.
 */
int identity_from_text(struct identity *out, const char *text);

/* Same kind and same text; IDENTITY_NONE equals nothing, not even itself. */
bool identity_equal(const struct identity *a, const struct identity *b);

#endif
