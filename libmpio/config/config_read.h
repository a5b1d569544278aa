// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CONFIG_READ_H
#define MPIO_CONFIG_READ_H

#include "config.h"
#include "reader.h"

/*
 * The sections of the file, each into its part of a struct config. Private to
 * libmpio/config. config_read.c: portals, targets, secrets. config_luns.c:
 * hardware, luns, claims.
 */

reader_fn read_portals, read_targets, read_hardware, read_luns, read_claims;

/* Everybody can read the file in which SETTING stands. */
bool setting_is_exposed(const struct reader *reader, const config_setting_t *setting);

/* An iSCSI name into a char *. */
reader_fn read_iscsi_name;

/* HOST[:PORT] into a struct portal. False: refused. */
bool read_portal_text(struct reader *reader, const config_setting_t *setting,
		      struct portal *portal);

/* "user", "password", "password_file" and the target's, at OFFSET of a struct
 * config_chap in the object that the keys are read into. */
#define CHAP_KEYS(offset) \
	{ "user", reader_string, (offset) + offsetof(struct config_chap, user) }, \
	{ "password", read_password, (offset) + offsetof(struct config_chap, password) }, \
	{ "password_file", read_password_file, \
	  (offset) + offsetof(struct config_chap, password) }, \
	{ "target_user", reader_string, \
	  (offset) + offsetof(struct config_chap, target_user) }, \
	{ "target_password", read_password, \
	  (offset) + offsetof(struct config_chap, target_password) }, \
	{ "target_password_file", read_password_file, \
	  (offset) + offsetof(struct config_chap, target_password) }

reader_fn read_password, read_password_file;

#endif
