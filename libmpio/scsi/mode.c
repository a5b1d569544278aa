// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mode.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define HEADER_LEN 8

static void take_header(const uint8_t *p, struct mode_header *out)
{
	out->data_len = get_be16(&p[0]);
	out->medium_type = p[2];
	out->write_protected = p[3] & 0x80;
	out->dpofua = p[3] & 0x10;
	out->longlba = p[4] & 0x01;
	out->block_descriptors_len = get_be16(&p[6]);
}

static bool take_caching(const uint8_t *p, size_t len, struct mode_caching *out)
{
	if (len < 3)
		return false;
	out->wce = p[2] & 0x04;
	out->rcd = p[2] & 0x01;
	if (len >= 13) {
		out->dra = p[12] & 0x20;
		out->nv_dis = p[12] & 0x01;
	}
	return true;
}

static bool take_control(const uint8_t *p, size_t len, struct mode_control *out)
{
	if (len < 6)
		return false;
	out->tst = p[2] >> 5;
	out->d_sense = p[2] & 0x04;
	out->queue_algorithm = p[3] >> 4;
	out->qerr = p[3] >> 1 & 0x3;
	out->ua_intlck = p[4] >> 4 & 0x3;
	out->swp = p[4] & 0x08;
	out->tas = p[5] & 0x40;
	if (len >= 10)
		out->busy_timeout = get_be16(&p[8]);
	return true;
}

static void take_page(const uint8_t *p, size_t len, struct mode_data *out)
{
	/* Bit 6, SPF, is part of the comparison: subpages are others' business. */
	switch (p[0] & 0x7f) {
	case MODE_PAGE_CACHING:
		if (!out->has_caching)
			out->has_caching = take_caching(p, len, &out->caching);
		break;
	case MODE_PAGE_CONTROL:
		if (!out->has_control)
			out->has_control = take_control(p, len, &out->control);
		break;
	}
}

/* The length of the page at p, 0 if its header is cut (SPC-4 7.5: two formats). */
static size_t page_size(const uint8_t *p, size_t len)
{
	if (p[0] & 0x40)
		return len < 4 ? 0 : 4u + get_be16(&p[2]);
	return len < 2 ? 0 : 2u + p[1];
}

/*
 * Page 00h needs no format and should be the last, but some targets send it
 * first, in page_0 format.  So what follows it counts if it adds up to the end,
 * and is dropped otherwise.
 */
static int walk_pages(const uint8_t *p, size_t len, struct mode_data *out)
{
	struct mode_data before_page_00 = *out;
	bool is_sure = true;

	while (len > 0) {
		size_t size = page_size(p, len);

		if (is_sure && (p[0] & 0x3f) == 0) {
			is_sure = false;
			before_page_00 = *out;
		}
		if (size == 0 || size > len) {
			if (!is_sure)
				*out = before_page_00;
			else if (!out->truncated)
				return -EPROTO;
			else if (size)
				take_page(p, len, out);
			return 0;
		}
		take_page(p, size, out);
		p += size;
		len -= size;
	}
	return 0;
}

int mode_sense10_parse(const void *buf, size_t len, struct mode_data *out)
{
	const uint8_t *p = buf;
	size_t promised, pages;
	int r = -EPROTO;

	memset(out, 0, sizeof(*out));
	if (len < HEADER_LEN)
		return -EMSGSIZE;

	take_header(p, &out->header);
	promised = 2u + out->header.data_len;
	pages = HEADER_LEN + (size_t)out->header.block_descriptors_len;
	if (promised < pages)
		goto fail;
	out->truncated = promised > len;
	if (!out->truncated)
		len = promised;
	if (pages > len)
		return 0;	/* cut inside the block descriptors: only the header is known */

	r = walk_pages(p + pages, len - pages, out);
	if (r < 0)
		goto fail;
	return 0;
fail:
	memset(out, 0, sizeof(*out));
	return r;
}
