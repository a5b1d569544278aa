// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vpd.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define HEADER_LEN 4
#define DESIGNATOR_HEADER_LEN 4

/*
 * Checks the header every page has (SPC-4 7.8) and gives the number of bytes
 * of the page that are there, header included.
 */
static int open_page(const uint8_t *p, size_t len, uint8_t page, size_t *page_len,
		     bool *truncated)
{
	size_t promised;

	if (len < HEADER_LEN)
		return -EMSGSIZE;
	if (p[1] != page)
		return -EPROTO;
	promised = HEADER_LEN + (size_t)get_be16(&p[2]);
	*truncated = promised > len;
	*page_len = *truncated ? len : promised;
	return 0;
}

/* The same for a page of fixed layout whose first "need" bytes we cannot do without. */
static int open_fixed_page(const uint8_t *p, size_t len, uint8_t page, size_t need,
			   size_t *page_len)
{
	bool truncated;
	int r = open_page(p, len, page, page_len, &truncated);

	if (r < 0)
		return r;
	return *page_len < need ? -EMSGSIZE : 0;
}

int vpd_pages_parse(const void *buf, size_t len, struct vpd_pages *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	bool truncated;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_page(p, len, VPD_SUPPORTED_PAGES, &page_len, &truncated);
	if (r < 0)
		return r;
	for (size_t i = HEADER_LEN; i < page_len; i++)
		out->bitmap[p[i] / 8] |= (uint8_t)(1 << p[i] % 8);
	return 0;
}

bool vpd_pages_has(const struct vpd_pages *pages, uint8_t page)
{
	return pages->bitmap[page / 8] >> page % 8 & 1;
}

static bool is_padding(uint8_t c)
{
	return c == ' ' || c == 0;
}

int vpd_serial_parse(const void *buf, size_t len, struct vpd_serial *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	bool truncated;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_page(p, len, VPD_UNIT_SERIAL_NUMBER, &page_len, &truncated);
	if (r < 0)
		return r;
	/* Half a serial number may be that of another unit. */
	if (truncated)
		return -EMSGSIZE;

	p += HEADER_LEN;
	len = page_len - HEADER_LEN;
	while (len > 0 && is_padding(p[len - 1]))
		len--;
	while (len > 0 && is_padding(p[0])) {
		p++;
		len--;
	}
	if (len >= sizeof(out->text))
		return -EPROTO;
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return -EPROTO;
	memcpy(out->text, p, len);
	out->len = (uint8_t)len;
	return 0;
}

static void take_designator(const uint8_t *p, struct vpd_designator *out)
{
	out->code_set = p[0] & 0x0f;
	out->association = p[1] >> 4 & 0x3;
	/* PIV counts for designators of ports and targets only (SPC-4 7.8.6). */
	out->protocol_valid = (p[1] & 0x80) && out->association != VPD_ASSOCIATION_LU;
	out->protocol = out->protocol_valid ? p[0] >> 4 : 0;
	out->type = p[1] & 0x0f;
	out->len = p[3];
	memcpy(out->bytes, p + DESIGNATOR_HEADER_LEN, out->len);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static int walk_designators(const uint8_t *p, size_t len, struct vpd_designation *out)
{
	while (len > 0) {
		size_t size;

		if (len < DESIGNATOR_HEADER_LEN ||
		    len < DESIGNATOR_HEADER_LEN + (size_t)p[3]) {
			/* Some devices pad the page with zeros to a round length. */
			if (out->truncated || is_zero(p, len))
				return 0;
			return -EPROTO;
		}
		if (out->count == VPD_DESIGNATORS) {
			out->cut = true;
			return 0;
		}
		take_designator(p, &out->list[out->count++]);
		size = DESIGNATOR_HEADER_LEN + (size_t)p[3];
		p += size;
		len -= size;
	}
	return 0;
}

int vpd_designation_parse(const void *buf, size_t len, struct vpd_designation *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_page(p, len, VPD_DEVICE_IDENTIFICATION, &page_len, &out->truncated);
	if (r == 0)
		r = walk_designators(p + HEADER_LEN, page_len - HEADER_LEN, out);
	if (r < 0)
		memset(out, 0, sizeof(*out));
	return r;
}

const struct vpd_designator *vpd_designation_next(const struct vpd_designation *d,
						  const struct vpd_designator *after,
						  int association, int type)
{
	const struct vpd_designator *it = after ? after + 1 : d->list;

	for (; it < d->list + d->count; it++)
		if ((association < 0 || it->association == association) &&
		    (type < 0 || it->type == type))
			return it;
	return NULL;
}

/* Both kinds of port designator hold a 16-bit number in the last of 4 bytes. */
static int port_number(const struct vpd_designation *d, int type)
{
	const struct vpd_designator *it;

	it = vpd_designation_next(d, NULL, VPD_ASSOCIATION_PORT, type);
	if (!it || it->len != 4 || it->code_set != VPD_CODE_SET_BINARY)
		return -ENOENT;
	return get_be16(&it->bytes[2]);
}

int vpd_relative_port(const struct vpd_designation *d)
{
	return port_number(d, VPD_DESIGNATOR_RELATIVE_PORT);
}

int vpd_port_group(const struct vpd_designation *d)
{
	return port_number(d, VPD_DESIGNATOR_PORT_GROUP);
}

int vpd_block_limits_parse(const void *buf, size_t len, struct vpd_block_limits *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_fixed_page(p, len, VPD_BLOCK_LIMITS, 16, &page_len);
	if (r < 0)
		return r;

	out->wsnz = p[4] & 0x01;
	out->max_compare_and_write = p[5];
	out->granularity = get_be16(&p[6]);
	out->max_transfer = get_be32(&p[8]);
	out->optimal_transfer = get_be32(&p[12]);
	if (page_len >= 20)
		out->max_prefetch = get_be32(&p[16]);
	if (page_len >= 28) {
		out->max_unmap_lba_count = get_be32(&p[20]);
		out->max_unmap_descriptors = get_be32(&p[24]);
	}
	if (page_len >= 36) {
		out->unmap_granularity = get_be32(&p[28]);
		out->unmap_alignment_valid = p[32] & 0x80;
		out->unmap_alignment = get_be32(&p[32]) & 0x7fffffff;
	}
	if (page_len >= 44)
		out->max_write_same = get_be64(&p[36]);
	return 0;
}

uint32_t vpd_max_transfer(const struct vpd_block_limits *bl)
{
	return bl->max_transfer ? bl->max_transfer : UINT32_MAX;
}

uint32_t vpd_optimal_transfer(const struct vpd_block_limits *bl)
{
	return bl->optimal_transfer <= vpd_max_transfer(bl) ? bl->optimal_transfer : 0;
}

uint32_t vpd_transfer_granularity(const struct vpd_block_limits *bl)
{
	if (bl->granularity == 0 || bl->granularity > vpd_max_transfer(bl))
		return 1;
	return bl->granularity;
}

uint32_t vpd_max_unmap(const struct vpd_block_limits *bl)
{
	return bl->max_unmap_descriptors ? bl->max_unmap_lba_count : 0;
}

uint32_t vpd_max_write_same(const struct vpd_block_limits *bl)
{
	if (bl->max_write_same == 0 || bl->max_write_same > UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)bl->max_write_same;
}

uint32_t vpd_unmap_granularity(const struct vpd_block_limits *bl, uint32_t *alignment)
{
	*alignment = 0;
	if (bl->unmap_granularity == 0)
		return 1;
	if (bl->unmap_alignment_valid)
		*alignment = bl->unmap_alignment % bl->unmap_granularity;
	return bl->unmap_granularity;
}

int vpd_block_characteristics_parse(const void *buf, size_t len,
				    struct vpd_block_characteristics *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_fixed_page(p, len, VPD_BLOCK_CHARACTERISTICS, 6, &page_len);
	if (r < 0)
		return r;

	out->rotation_rate = get_be16(&p[4]);
	if (page_len >= 8)
		out->form_factor = p[7] & 0x0f;
	return 0;
}

int vpd_provisioning_parse(const void *buf, size_t len, struct vpd_provisioning *out)
{
	const uint8_t *p = buf;
	size_t page_len;
	int r;

	memset(out, 0, sizeof(*out));
	r = open_fixed_page(p, len, VPD_LOGICAL_BLOCK_PROVISIONING, 7, &page_len);
	if (r < 0)
		return r;

	out->threshold_exponent = p[4];
	out->lbpu = p[5] & 0x80;
	out->lbpws = p[5] & 0x40;
	out->lbpws10 = p[5] & 0x20;
	/* SBC-4 widens LBPRZ to three bits; zeros are still the lowest of them. */
	out->lbprz = p[5] & 0x04;
	out->type = p[6] & 0x07;
	return 0;
}
