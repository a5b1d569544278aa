// SPDX-License-Identifier: LGPL-2.1-or-later
#include "url.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME "iscsi://"
#define DEFAULT_PORT 3260
#define LUN_MAX 16383                   /* SAM-5 4.7.7.3, flat space addressing */

/* Messages name parts only, never the whole text: it may hold a password. */
__attribute__((format(printf, 3, 4)))
static int refuse(char *error, size_t len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, len, format, args);
	va_end(args);
	return -EINVAL;
}

/* Copies the LEN bytes at TEXT and a NUL; false if they do not fit. */
static bool copy_part(char *to, size_t size, const char *text, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, text, len);
	to[len] = '\0';
	return true;
}

static bool parse_number(const char *text, size_t len, unsigned long max, unsigned long *number)
{
	unsigned long value = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		value = value * 10 + (unsigned long)(text[i] - '0');
	}
	if (value > max)
		return false;
	*number = value;
	return true;
}

/*
 * Portals
 */

/* A name, an IPv4 address, or an IPv6 address with its scope ("%eth0"). */
static bool host_is_valid(const char *host)
{
	if (!*host)
		return false;
	for (; *host; host++)
		if (!isalnum((unsigned char)*host) && !strchr("-._:%", *host))
			return false;
	return true;
}

int portal_parse(const char *text, struct portal *portal, char *error, size_t len)
{
	const char *host = text, *end, *port = NULL;
	unsigned long number = DEFAULT_PORT;
	bool copied;

	if (*text == '[') {
		host++;
		end = strchr(host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return refuse(error, len, "portal: \"]\" or \"]:port\" is missing");
		if (end[1])
			port = end + 2;
	} else {
		const char *colon = strchr(text, ':');

		/* With two colons and no brackets it is a bare IPv6 address. */
		if (colon && !strchr(colon + 1, ':'))
			port = colon + 1;
		end = port ? colon : text + strlen(text);
	}
	copied = copy_part(portal->host, sizeof portal->host, host, (size_t)(end - host));
	if (!copied)
		return refuse(error, len, "portal: the host's name is too long");
	/* Not shown: it may be a password whose "@host" is missing. */
	if (strchr(portal->host, '%') && !strchr(portal->host, ':'))
		return refuse(error, len, "portal: \"%%\" stands in IPv6 addresses only");
	if (!host_is_valid(portal->host))
		return refuse(error, len, "portal: \"%s\" is no host name or address",
			      portal->host);
	if (port && (!parse_number(port, strlen(port), UINT16_MAX, &number) || !number))
		return refuse(error, len, "portal: the port is not a number from 1 to 65535");
	portal->port = (uint16_t)number;
	return 0;
}

void portal_format(const struct portal *portal, char *text, size_t len)
{
	const char *format = strchr(portal->host, ':') ? "[%s]:%u" : "%s:%u";

	snprintf(text, len, format, portal->host, portal->port);
}

/*
 * iSCSI names
 */

static bool all_hex(const char *text)
{
	return *text && text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

bool iscsi_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len > 223)
		return false;
	if (!strncasecmp(name, "eui.", 4))
		return len == 4 + 16 && all_hex(name + 4);
	if (!strncasecmp(name, "naa.", 4))
		return (len == 4 + 16 || len == 4 + 32) && all_hex(name + 4);
	if (strncasecmp(name, "iqn.", 4) || len == 4)
		return false;
	/* RFC 7143 4.2.7.2 after stringprep: what is not ASCII is UTF-8, and
	 * is left to the target to judge; underscores are common in the field. */
	for (const char *p = name + 4; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-._:", *p) &&
		    !((unsigned char)*p & 0x80))
			return false;
	return true;
}

/*
 * URLs
 */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Replaces %3A and the like. False for a "%" that starts none, and for NUL. */
static bool decode_percent(char *text)
{
	char *to = text;

	while (*text) {
		if (*text != '%') {
			*to++ = *text++;
			continue;
		}
		int high = hex_digit(text[1]);
		int low = high < 0 ? -1 : hex_digit(text[2]);

		if (low < 0 || !(high << 4 | low))
			return false;
		*to++ = (char)(high << 4 | low);
		text += 3;
	}
	*to = '\0';
	return true;
}

/* "user%password@host:port" */
static int parse_authority(const char *text, size_t text_len, struct iscsi_url_parts *parts,
			   char *error, size_t len)
{
	char host[sizeof parts->portal.host + 16];
	const char *at = memrchr(text, '@', text_len);
	const char *percent;
	size_t user_len;

	if (at) {
		percent = memchr(text, '%', (size_t)(at - text));
		user_len = (size_t)((percent ? percent : at) - text);
		if (!user_len || !copy_part(parts->user, sizeof parts->user, text, user_len))
			return refuse(error, len, "URL: the user name is empty or too long");
		parts->has_password = percent != NULL;
		if (percent && !copy_part(parts->password, sizeof parts->password, percent + 1,
					  (size_t)(at - percent - 1)))
			return refuse(error, len, "URL: the password is too long");
		text_len -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	if (!copy_part(host, sizeof host, text, text_len))
		return refuse(error, len, "URL: the host's name is too long");
	return portal_parse(host, &parts->portal, error, len);
}

static int parse_option(const char *text, size_t text_len, struct path_settings *path,
			char *error, size_t len)
{
	unsigned long number;

	if (text_len == strlen("standby") && !memcmp(text, "standby", text_len)) {
		path->is_standby = true;
		return 0;
	}
	if (text_len == strlen("preferred") && !memcmp(text, "preferred", text_len)) {
		path->is_preferred = true;
		return 0;
	}
	if (text_len > strlen("weight=") && !memcmp(text, "weight=", strlen("weight="))) {
		if (!parse_number(text + strlen("weight="), text_len - strlen("weight="),
				  UINT32_MAX, &number))
			return refuse(error, len, "URL: the weight is not a number up to %u",
				      UINT32_MAX);
		path->weight = (uint32_t)number;
		return 0;
	}
	return refuse(error, len, "URL: \"%.*s\" is none of weight=N, standby, preferred",
		      text_len < 64 ? (int)text_len : 64, text);
}

/* "1,weight=10,preferred" */
static int parse_lun(const char *text, struct iscsi_url_parts *parts, char *error, size_t len)
{
	size_t part_len = strcspn(text, ",");
	unsigned long lun;

	if (!parse_number(text, part_len, LUN_MAX, &lun))
		return refuse(error, len, "URL: the LUN is not a number from 0 to %d", LUN_MAX);
	parts->lun = (uint16_t)lun;
	text += part_len;
	while (*text == ',') {
		int result;

		text++;
		part_len = strcspn(text, ",");
		result = parse_option(text, part_len, &parts->path, error, len);
		if (result)
			return result;
		text += part_len;
	}
	return 0;
}

int iscsi_url_parse(const char *text, struct iscsi_url_parts *parts, char *error, size_t len)
{
	const char *authority, *target, *lun;
	int result;

	memset(parts, 0, sizeof *parts);
	if (strncmp(text, SCHEME, strlen(SCHEME)))
		return refuse(error, len, "URL: it does not start with " SCHEME);
	authority = text + strlen(SCHEME);
	target = strchr(authority, '/');
	lun = target ? strchr(target + 1, '/') : NULL;
	if (!lun)
		return refuse(error, len, "URL: it is not of the form "
			      SCHEME "[user[%%password]@]host[:port]/target/lun");
	result = parse_authority(authority, (size_t)(target - authority), parts, error, len);
	if (result)
		return result;
	target++;
	if (!copy_part(parts->target, sizeof parts->target, target, (size_t)(lun - target)))
		return refuse(error, len, "URL: the target's name is too long");
	if (!decode_percent(parts->target) || !iscsi_name_is_valid(parts->target))
		return refuse(error, len, "URL: \"%s\" is no iSCSI name", parts->target);
	return parse_lun(lun + 1, parts, error, len);
}
