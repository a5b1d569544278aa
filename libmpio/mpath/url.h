// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_URL_H
#define MPIO_URL_H

/*
 * iSCSI URLs and portals as users write them:
 *   iscsi://[user[%password]@]host[:port]/target-iqn/lun[,weight=N][,standby][,preferred]
 *   host, host:port, 192.0.2.1:3260, [2001:db8::1]:3260
 * (RFC 7143 has no URL form; libiscsi's and qemu's is followed.) Here, where
 * both the sessions and the configuration can use it. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

struct portal {
	char host[254];                 /* numeric address or name, no brackets */
	uint16_t port;                  /* 3260 unless given */
};

struct iscsi_url_parts {
	struct portal portal;
	char target[224];               /* RFC 7143 4.2.7.1: at most 223 bytes */
	uint16_t lun;                   /* 0..16383 */
	char user[256];                 /* empty: none given */
	char password[256];
	bool has_password;
	struct path_settings path;
};

/* 0 or -EINVAL; then ERROR (size LEN) names what is wrong, without any
 * password. */
int iscsi_url_parse(const char *text, struct iscsi_url_parts *parts, char *error, size_t len);
int portal_parse(const char *text, struct portal *portal, char *error, size_t len);

/* "host:port", brackets around an IPv6 address. */
void portal_format(const struct portal *portal, char *text, size_t len);

/* An iSCSI name: iqn., eui. or naa. form (RFC 7143 4.2.7). */
bool iscsi_name_is_valid(const char *name);

#endif
