// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "precheck.h"
#include "textfile.h"

#define SECRET_MAX 255

/*
 * Secrets
 */

static bool others_can_read(mode_t mode)
{
	return mode & (S_IROTH | S_IWOTH);
}

/* Which may be an included one. */
bool setting_is_exposed(const struct reader *reader, const config_setting_t *setting)
{
	char *file = reader_included_file(reader, setting);
	bool is_exposed = reader->is_exposed;
	struct stat st;

	if (file)
		is_exposed = stat(file, &st) < 0 || others_can_read(st.st_mode);
	free(file);
	return is_exposed;
}

static void keep_secret(struct reader *reader, const config_setting_t *setting,
			const char *secret, char **field)
{
	size_t len = strlen(secret);

	if (*field)
		reader_refuse(reader, setting, "the password is given twice");
	else if (!len || len > SECRET_MAX)
		reader_refuse(reader, setting, "a password has 1 to %d bytes", SECRET_MAX);
	else if (!(*field = strdup(secret)))
		reader_refuse(reader, setting, "out of memory");
}

void read_password(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *secret = reader_text(reader, setting);

	if (!secret)
		return;
	if (setting_is_exposed(reader, setting))
		reader_refuse(reader, setting, "there is a password in this file, and everybody "
			      "can read it: chmod o= it");
	keep_secret(reader, setting, secret, field);
}

static void read_secret_file(struct reader *reader, const config_setting_t *setting,
			     const char *path, char **field)
{
	char *text;
	mode_t mode;
	size_t len;
	int error = textfile_read(path, SECRET_MAX + 2, &text, &len, &mode);

	if (error) {
		reader_refuse(reader, setting, "%s: %s", path,
			      error == -EFBIG ? "too long for a password" :
			      error == -ENOTSUP ? "not a file" : strerror(-error));
		return;
	}
	if (others_can_read(mode))
		reader_refuse(reader, setting, "everybody can read %s: chmod o= it", path);
	/* One line, as nbdkit's password=+FILE has it. */
	text[strcspn(text, "\r\n")] = '\0';
	keep_secret(reader, setting, text, field);
	explicit_bzero(text, len);
	free(text);
}

void read_password_file(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *name = reader_text(reader, setting);
	char *path;

	if (!name)
		return;
	if (!reader->directory) {
		reader_refuse(reader, setting, "other files cannot be read from here");
		return;
	}
	path = precheck_join(reader->directory, name);
	if (path)
		read_secret_file(reader, setting, path, field);
	else
		reader_refuse(reader, setting, "out of memory");
	free(path);
}

/* RFC 7143 12.1.3: a target proves itself only to an initiator that does. */
static void check_chap(struct reader *reader, const config_setting_t *group,
		       const struct config_chap *chap)
{
	if (!chap->user != !chap->password)
		reader_refuse(reader, group, "user and password (or password_file) go together");
	else if (!chap->target_user != !chap->target_password)
		reader_refuse(reader, group, "target_user and target_password (or "
			      "target_password_file) go together");
	else if (chap->target_user && !chap->user)
		reader_refuse(reader, group, "target_user needs user and password as well: a "
			      "target proves itself only to an initiator that does");
	if ((chap->user && strlen(chap->user) > SECRET_MAX) ||
	    (chap->target_user && strlen(chap->target_user) > SECRET_MAX))
		reader_refuse(reader, group, "a user's name has 1 to %d bytes", SECRET_MAX);
}

/*
 * Portals
 */

bool read_portal_text(struct reader *reader, const config_setting_t *setting,
		      struct portal *portal)
{
	const char *text = reader_text(reader, setting);
	char error[320];

	if (!text)
		return false;
	if (portal_parse(text, portal, error, sizeof(error)) == 0)
		return true;
	reader_refuse(reader, setting, "%s", error);
	return false;
}

static void read_portal(struct reader *reader, const config_setting_t *setting, void *field)
{
	struct portal *portal = field;

	if (!read_portal_text(reader, setting, portal))
		portal->port = 0;
}

static bool portals_are_equal(const struct portal *a, const struct portal *b)
{
	return !strcasecmp(a->host, b->host) && a->port == b->port;
}

static const struct reader_key portal_keys[] = {
	{ "portal", read_portal, offsetof(struct config_portal, portal) },
	CHAP_KEYS(offsetof(struct config_portal, chap)),
	{ NULL, NULL, 0 }
};

/* "HOST:PORT", or a group with a name and a password. */
static void read_one_portal(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config *config = object;
	struct config_portal *portals =
		reader_grow(reader, setting, config->portals, config->nportals, sizeof(*portals));
	struct config_portal *portal;

	if (!portals)
		return;
	config->portals = portals;
	portal = &portals[config->nportals++];
	portal->line = reader_line(setting);
	if (!config_setting_is_group(setting)) {
		read_portal(reader, setting, &portal->portal);
	} else {
		reader_group(reader, setting, portal_keys, NULL, portal);
		check_chap(reader, setting, &portal->chap);
		if (!config_setting_get_member(setting, "portal"))
			reader_refuse(reader, setting, "portal is missing here");
	}
	for (const struct config_portal *other = portals; other < portal; other++)
		if (portal->portal.port && portals_are_equal(&portal->portal, &other->portal))
			reader_refuse(reader, setting, "this portal is there already, in line %u",
				      other->line);
}

void read_portals(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_list(reader, setting, read_one_portal, field);
}

/*
 * Targets
 */

void read_iscsi_name(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *name = reader_text(reader, setting);

	if (!name)
		return;
	if (iscsi_name_is_valid(name))
		reader_string(reader, setting, field);
	else
		reader_refuse(reader, setting, "\"%.64s\" is not an iSCSI name (iqn.YYYY-MM.DOMAIN"
			      "[:TEXT], eui.HEX, naa.HEX; at most 223 bytes)", name);
}

static void read_target_portal(struct reader *reader, const config_setting_t *setting,
			       void *object)
{
	struct config_target *target = object;
	struct portal *portals = reader_grow(reader, setting, target->portals, target->nportals,
					     sizeof(*portals));
	struct portal *portal;

	if (!portals)
		return;
	target->portals = portals;
	portal = &portals[target->nportals];
	if (!read_portal_text(reader, setting, portal))
		return;
	target->nportals++;
	for (const struct portal *other = portals; other < portal; other++)
		if (portals_are_equal(portal, other))
			reader_refuse(reader, setting, "this portal is there already");
}

static void read_target_portals(struct reader *reader, const config_setting_t *setting,
				void *object)
{
	reader_list(reader, setting, read_target_portal, object);
}

static const struct reader_key target_keys[] = {
	{ "target", read_iscsi_name, offsetof(struct config_target, name) },
	{ "portals", read_target_portals, 0 },
	CHAP_KEYS(offsetof(struct config_target, chap)),
	{ NULL, NULL, 0 }
};

static void read_target(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config *config = object;
	struct config_target *targets =
		reader_grow(reader, setting, config->targets, config->ntargets, sizeof(*targets));
	struct config_target *target;

	if (!targets)
		return;
	config->targets = targets;
	target = &targets[config->ntargets++];
	target->line = reader_line(setting);
	if (!reader_group(reader, setting, target_keys, NULL, target))
		return;
	check_chap(reader, setting, &target->chap);
	if (!config_setting_get_member(setting, "target"))
		reader_refuse(reader, setting, "target is missing here");
	for (const struct config_target *other = targets; other < target; other++)
		if (target->name && other->name && !strcasecmp(target->name, other->name))
			reader_refuse(reader, setting, "target %s is there already, in line %u",
				      target->name, other->line);
}

void read_targets(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_list(reader, setting, read_target, field);
}
