// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lba_status.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define HEADER_LEN 8
#define DESCRIPTOR_LEN 16

int lba_status_init(struct lba_status *it, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t promised, list;

	memset(it, 0, sizeof(*it));
	if (len < HEADER_LEN)
		return -EMSGSIZE;

	/* PARAMETER DATA LENGTH does not count its own four bytes. */
	promised = get_be32(p);
	if (promised < HEADER_LEN - 4)
		return -EPROTO;
	promised -= HEADER_LEN - 4;
	list = len - HEADER_LEN;
	if (promised < list)
		list = promised;
	if (promised >= DESCRIPTOR_LEN && list < DESCRIPTOR_LEN)
		return -EMSGSIZE;

	it->next = p + HEADER_LEN;
	it->end = it->next + list / DESCRIPTOR_LEN * DESCRIPTOR_LEN;
	return 0;
}

int lba_status_next(struct lba_status *it, struct lba_status_extent *out)
{
	const uint8_t *p = it->next;
	struct lba_status_extent e;

	memset(out, 0, sizeof(*out));
	if (p == it->end)
		return 0;

	e.lba = get_be64(&p[0]);
	e.nblocks = get_be32(&p[8]);
	e.provisioning = p[12] & 0x0f;
	if (e.nblocks == 0 || e.lba < it->least_lba || e.lba > UINT64_MAX - e.nblocks) {
		it->next = it->end;
		return -EPROTO;
	}
	it->least_lba = e.lba + e.nblocks;
	it->next = p + DESCRIPTOR_LEN;
	*out = e;
	return 1;
}
