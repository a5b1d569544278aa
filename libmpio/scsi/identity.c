// SPDX-License-Identifier: LGPL-2.1-or-later
#include "identity.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "inquiry.h"
#include "vpd.h"

#define NAA_EXTENDED 0x2		/* IEEE extended, 8 bytes */
#define NAA_LOCAL 0x3			/* locally assigned, 8 bytes */
#define NAA_REGISTERED 0x5		/* IEEE registered, 8 bytes */
#define NAA_REGISTERED_EXTENDED 0x6	/* 16 bytes */

#define T10_VENDOR_LEN 8

/* Text that grows inside an identity, which has room for the longest (see there). */
struct writer {
	char *to;
	char *end;		/* of the room, before the terminator */
};

static void put_char(struct writer *w, char c)
{
	if (w->to < w->end)
		*w->to++ = c;
}

static void put_text(struct writer *w, const char *text)
{
	while (*text)
		put_char(w, *text++);
}

static void put_hex(struct writer *w, uint8_t byte, const char *digits)
{
	put_char(w, digits[byte >> 4]);
	put_char(w, digits[byte & 0x0f]);
}

static void put_hex_bytes(struct writer *w, const uint8_t *p, size_t len)
{
	while (len--)
		put_hex(w, *p++, "0123456789abcdef");
}

/* Printable bytes as they are, all others and "also" as %XX, so that nothing is lost. */
static void put_escaped(struct writer *w, const uint8_t *p, size_t len, char also)
{
	for (; len--; p++) {
		if (*p >= 0x20 && *p < 0x7f && *p != '%' && *p != (uint8_t)also) {
			put_char(w, (char)*p);
		} else {
			put_char(w, '%');
			put_hex(w, *p, "0123456789ABCDEF");
		}
	}
}

static void start(struct identity *id, enum identity_kind kind, const char *prefix,
		  struct writer *w)
{
	memset(id, 0, sizeof(*id));
	id->kind = kind;
	w->to = id->text;
	w->end = id->text + sizeof(id->text) - 1;
	put_text(w, prefix);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

/* Blanks, NULs and digits 0 only: a field that somebody left unset. */
static bool names_nothing(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != ' ' && p[i] != 0 && p[i] != '0')
			return false;
	return true;
}

/* The length without padding at the end (SPC-4 4.4.1: NULs, or blanks in ASCII). */
static size_t trimmed_len(const uint8_t *p, size_t len)
{
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == 0))
		len--;
	return len;
}

/* Only text is padded: the last zero of a binary designator is part of it. */
static size_t text_len(const struct vpd_designator *d)
{
	if (d->code_set == VPD_CODE_SET_BINARY)
		return d->len;
	return trimmed_len(d->bytes, d->len);
}

/*
 * The ranks, higher is better, 0 is unusable.  Within NAA and EUI-64 the longer
 * is the better.
 */
enum {
	RANK_NONE = 0,
	RANK_NAA_LOCAL = 1,
	RANK_T10 = 2,
	RANK_NAME = 3,
	RANK_EUI64 = 4,			/* + 0, 1, 2 */
	RANK_NAA = 8,			/* + 0, 1, 2 */
};

/* SPC-4 7.8.6. */
static int rank_naa(const struct vpd_designator *d)
{
	uint8_t format = d->len ? d->bytes[0] >> 4 : 0;
	size_t want = format == NAA_REGISTERED_EXTENDED ? 16 : 8;

	if (d->code_set != VPD_CODE_SET_BINARY || d->len != want)
		return RANK_NONE;
	if ((d->bytes[0] & 0x0f) == 0 && is_zero(d->bytes + 1, d->len - 1u))
		return RANK_NONE;
	switch (format) {
	case NAA_REGISTERED_EXTENDED:
		return RANK_NAA + 2;
	case NAA_REGISTERED:
		return RANK_NAA + 1;
	case NAA_EXTENDED:
		return RANK_NAA;
	case NAA_LOCAL:
		return RANK_NAA_LOCAL;
	default:
		return RANK_NONE;
	}
}

/* SPC-4 7.8.6. */
static int rank_eui64(const struct vpd_designator *d)
{
	if (d->code_set != VPD_CODE_SET_BINARY || is_zero(d->bytes, d->len))
		return RANK_NONE;
	switch (d->len) {
	case 8:
		return RANK_EUI64;
	case 12:
		return RANK_EUI64 + 1;
	case 16:
		return RANK_EUI64 + 2;
	default:
		return RANK_NONE;
	}
}

/* SPC-4 7.8.6: UTF-8, padded with NULs, starting with the kind of name. */
static int rank_name(const struct vpd_designator *d)
{
	static const char *const prefixes[] = { "iqn.", "eui.", "naa.", "uuid." };
	size_t len = text_len(d);

	if (d->code_set != VPD_CODE_SET_UTF8)
		return RANK_NONE;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i]);

		if (len > n && memcmp(d->bytes, prefixes[i], n) == 0 &&
		    !names_nothing(d->bytes + n, len - n))
			return RANK_NAME;
	}
	return RANK_NONE;
}

/* SPC-4 7.8.6: the vendor's eight bytes alone name no unit. */
static int rank_t10(const struct vpd_designator *d)
{
	size_t len = text_len(d);

	if (len <= T10_VENDOR_LEN ||
	    names_nothing(d->bytes + T10_VENDOR_LEN, len - T10_VENDOR_LEN))
		return RANK_NONE;
	return RANK_T10;
}

static int rank(const struct vpd_designator *d)
{
	switch (d->type) {
	case VPD_DESIGNATOR_NAA:
		return rank_naa(d);
	case VPD_DESIGNATOR_EUI64:
		return rank_eui64(d);
	case VPD_DESIGNATOR_NAME:
		return rank_name(d);
	case VPD_DESIGNATOR_T10:
		return rank_t10(d);
	default:
		return RANK_NONE;
	}
}

static void from_designator(struct identity *id, const struct vpd_designator *d)
{
	struct writer w;

	switch (d->type) {
	case VPD_DESIGNATOR_NAA:
		start(id, IDENTITY_NAA, "naa.", &w);
		put_hex_bytes(&w, d->bytes, d->len);
		break;
	case VPD_DESIGNATOR_EUI64:
		start(id, IDENTITY_EUI64, "eui.", &w);
		put_hex_bytes(&w, d->bytes, d->len);
		break;
	case VPD_DESIGNATOR_NAME:
		start(id, IDENTITY_NAME, "name.", &w);
		put_escaped(&w, d->bytes, text_len(d), '%');
		break;
	case VPD_DESIGNATOR_T10:
		start(id, IDENTITY_T10, "t10.", &w);
		put_escaped(&w, d->bytes, text_len(d), '%');
		break;
	}
}

static int from_serial(struct identity *id, const struct vpd_serial *serial,
		       const struct inquiry *inq)
{
	const uint8_t *text = (const uint8_t *)serial->text;
	struct writer w;

	if (names_nothing(text, serial->len))
		return -ENOENT;

	start(id, IDENTITY_SERIAL, "serial.", &w);
	/* '-' separates: one inside the parts before the last must not look like it. */
	put_escaped(&w, (const uint8_t *)inq->vendor, strlen(inq->vendor), '-');
	put_char(&w, '-');
	put_escaped(&w, (const uint8_t *)inq->product, strlen(inq->product), '-');
	put_char(&w, '-');
	put_escaped(&w, text, serial->len, '%');
	return 0;
}

int identity_choose(struct identity *out, const struct vpd_designation *d,
		    const struct vpd_serial *serial, const struct inquiry *inq)
{
	const struct vpd_designator *it = NULL, *best = NULL;
	int best_rank = RANK_NONE;

	memset(out, 0, sizeof(*out));
	if (d && d->truncated)
		return -EMSGSIZE;

	while (d && (it = vpd_designation_next(d, it, VPD_ASSOCIATION_LU, -1))) {
		int r = rank(it);

		if (r > best_rank) {
			best_rank = r;
			best = it;
		}
	}
	if (best) {
		from_designator(out, best);
		return 0;
	}
	if (d && d->cut)
		return -EMSGSIZE;
	if (!serial || !inq)
		return -ENOENT;
	return from_serial(out, serial, inq);
}

/* LEN hexadecimal digits and nothing else. */
static bool is_digits(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdefABCDEF") == len;
}

static int from_digits(struct identity *out, enum identity_kind kind, const char *prefix,
		       const char *digits)
{
	struct writer w;

	start(out, kind, prefix, &w);
	for (; *digits; digits++)
		put_char(&w, *digits >= 'A' && *digits <= 'F' ? *digits + ('a' - 'A') : *digits);
	return 0;
}

/* NAA has 8 or 16 bytes (SPC-4 7.8.6.6), an EUI-64 8, 12 or 16 (7.8.6.5). */
static int from_hex(struct identity *out, const char *text, bool is_naa)
{
	if (is_digits(text, 16) || is_digits(text, 32) || (!is_naa && is_digits(text, 24)))
		return from_digits(out, is_naa ? IDENTITY_NAA : IDENTITY_EUI64,
				   is_naa ? "naa." : "eui.", text);
	return -EINVAL;
}

int identity_from_text(struct identity *out, const char *text)
{
	static const struct {
		const char *prefix;
		enum identity_kind kind;
	} others[] = {
		{ "name.", IDENTITY_NAME }, { "t10.", IDENTITY_T10 },
		{ "serial.", IDENTITY_SERIAL },
	};

	memset(out, 0, sizeof(*out));
	if (!strncasecmp(text, "naa.", 4))
		return from_hex(out, text + 4, true);
	if (!strncasecmp(text, "eui.", 4))
		return from_hex(out, text + 4, false);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		size_t len = strlen(others[i].prefix);

		if (strncmp(text, others[i].prefix, len) != 0)
			continue;
		if (!text[len] || strlen(text) >= sizeof(out->text))
			return -EINVAL;
		strcpy(out->text, text);
		out->kind = others[i].kind;
		return 0;
	}
	if (*text == '3' || *text == '2')
		return from_hex(out, text + 1, *text == '3');
	return -EINVAL;
}

bool identity_equal(const struct identity *a, const struct identity *b)
{
	return a->kind != IDENTITY_NONE && a->kind == b->kind && strcmp(a->text, b->text) == 0;
}
