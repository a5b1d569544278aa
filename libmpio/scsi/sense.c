// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sense.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define RESPONSE_FIXED_CURRENT 0x70
#define RESPONSE_FIXED_DEFERRED 0x71
#define RESPONSE_DESCRIPTOR_CURRENT 0x72
#define RESPONSE_DESCRIPTOR_DEFERRED 0x73

#define DESCRIPTOR_INFORMATION 0x00	/* SPC-4 4.5.2, information */
#define DESCRIPTOR_SENSE_KEY_SPECIFIC 0x02	/* SPC-4 4.5.2, sense key specific */

static void take_sks(const uint8_t *p, struct sense *out)
{
	if (!(p[0] & 0x80))
		return;
	out->sks_valid = true;
	memcpy(out->sks, p, sizeof(out->sks));
}

static void parse_fixed(const uint8_t *p, size_t len, struct sense *out)
{
	/* ADDITIONAL SENSE LENGTH may end the data before the buffer does. */
	if (len >= 8 && len > 8u + p[7])
		len = 8u + p[7];

	out->key = p[2] & 0x0f;
	if (len >= 7 && (p[0] & 0x80)) {
		out->information_valid = true;
		out->information = get_be32(&p[3]);
	}
	if (len >= 13)
		out->asc = p[12];
	if (len >= 14)
		out->ascq = p[13];
	if (len >= 18)
		take_sks(&p[15], out);
}

static void parse_descriptors(const uint8_t *p, size_t len, struct sense *out)
{
	while (len >= 2) {
		size_t size = 2u + p[1];

		/* The key is known: a list that makes no sense just ends here. */
		if (size > len)
			return;
		if (p[0] == DESCRIPTOR_INFORMATION && size >= 12 && (p[2] & 0x80)) {
			out->information_valid = true;
			out->information = get_be64(&p[4]);
		} else if (p[0] == DESCRIPTOR_SENSE_KEY_SPECIFIC && size >= 8) {
			take_sks(&p[4], out);
		}
		p += size;
		len -= size;
	}
}

static void parse_descriptor_format(const uint8_t *p, size_t len, struct sense *out)
{
	out->key = p[1] & 0x0f;
	if (len >= 3)
		out->asc = p[2];
	if (len >= 4)
		out->ascq = p[3];
	if (len < 8)
		return;
	if (len > 8u + p[7])
		len = 8u + p[7];
	parse_descriptors(p + 8, len - 8, out);
}

int sense_parse(const void *buf, size_t len, struct sense *out)
{
	const uint8_t *p = buf;
	uint8_t response;

	memset(out, 0, sizeof(*out));
	if (len < 1)
		return -EMSGSIZE;

	response = p[0] & 0x7f;
	switch (response) {
	case RESPONSE_FIXED_CURRENT:
	case RESPONSE_FIXED_DEFERRED:
		if (len < 3)
			return -EMSGSIZE;
		parse_fixed(p, len, out);
		break;
	case RESPONSE_DESCRIPTOR_CURRENT:
	case RESPONSE_DESCRIPTOR_DEFERRED:
		if (len < 2)
			return -EMSGSIZE;
		parse_descriptor_format(p, len, out);
		break;
	default:
		return -EPROTO;
	}
	out->valid = true;
	out->deferred = response == RESPONSE_FIXED_DEFERRED ||
			response == RESPONSE_DESCRIPTOR_DEFERRED;
	return 0;
}

int sense_parse_segment(const void *segment, size_t len, struct sense *out)
{
	const uint8_t *p = segment;
	size_t sense_len;

	if (len < 2) {
		memset(out, 0, sizeof(*out));
		return -EMSGSIZE;
	}
	sense_len = get_be16(p);
	if (sense_len > len - 2)
		sense_len = len - 2;
	return sense_parse(p + 2, sense_len, out);
}

void sense_format(const struct sense *s, char *buf, size_t len)
{
	const char *name;
	char meaning[96] = "", where[32] = "";

	if (!s->valid) {
		snprintf(buf, len, "no sense data");
		return;
	}
	name = sense_asc_name(s->asc, s->ascq);
	if (name)
		snprintf(meaning, sizeof(meaning), " (%s)", name);
	if (s->information_valid)
		snprintf(where, sizeof(where), ", LBA %" PRIu64, s->information);
	snprintf(buf, len, "%s%s %02Xh/%02Xh%s%s", s->deferred ? "deferred " : "",
		 sense_key_name(s->key), s->asc, s->ascq, meaning, where);
}
