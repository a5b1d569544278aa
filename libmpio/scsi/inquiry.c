// SPDX-License-Identifier: LGPL-2.1-or-later
#include "inquiry.h"

#include <errno.h>
#include <string.h>

/* Copies a padded field of n bytes and terminates it. */
static void take_text(char *to, const uint8_t *from, size_t n)
{
	while (n > 0 && (from[n - 1] == ' ' || from[n - 1] == 0))
		n--;
	while (n > 0 && (*from == ' ' || *from == 0)) {
		from++;
		n--;
	}
	for (size_t i = 0; i < n; i++)
		*to++ = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
	*to = '\0';
}

int inquiry_parse(const void *buf, size_t len, struct inquiry *out)
{
	const uint8_t *p = buf;

	memset(out, 0, sizeof(*out));
	/* ADDITIONAL LENGTH may end the data before the buffer does. */
	if (len >= 5 && len > 5u + p[4])
		len = 5u + p[4];
	if (len < 36)
		return -EMSGSIZE;

	out->peripheral_qualifier = p[0] >> 5;
	out->device_type = p[0] & 0x1f;
	out->version = p[2];
	out->tpgs = p[5] >> 4 & 0x3;
	out->protect = p[5] & 0x01;
	out->cmdque = p[7] & 0x02;
	take_text(out->vendor, &p[8], 8);
	take_text(out->product, &p[16], 16);
	take_text(out->revision, &p[32], 4);
	return 0;
}

bool inquiry_is_disk(const struct inquiry *inq)
{
	return inq->peripheral_qualifier == INQUIRY_QUALIFIER_CONNECTED &&
	       inq->device_type == INQUIRY_TYPE_DISK;
}
