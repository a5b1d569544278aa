// SPDX-License-Identifier: LGPL-2.1-or-later
#include "parameters.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "log.h"
#include "luns.h"
#include "modules.h"
#include "options.h"

void parameters_init(struct parameters *parameters)
{
	memset(parameters, 0, sizeof(*parameters));
	settings_init(&parameters->settings);
	layer_init(&parameters->given);
	parameters->lun = -1;
	parameters->control = true;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void parameters_done(struct parameters *parameters)
{
	wipe(&parameters->password);
	wipe(&parameters->target_password);
	free(parameters->user);
	free(parameters->target_user);
	free(parameters->runtime_dir);
	free(parameters->dsm_path);
	modules_free(parameters->modules);
	free(parameters->config_file);
	free(parameters->lun_name);
	config_free(parameters->config);
	parameters->config_file = parameters->lun_name = NULL;
	parameters->config = NULL;
	parameters->entry = NULL;
	parameters->user = parameters->target_user = parameters->runtime_dir = NULL;
	parameters->dsm_path = NULL;
	parameters->modules = NULL;
	explicit_bzero(parameters->paths, sizeof(parameters->paths));
	parameters->npaths = 0;
}

static bool is_same_path(const struct iscsi_url_parts *a, const struct iscsi_url_parts *b)
{
	return !strcasecmp(a->portal.host, b->portal.host) && a->portal.port == b->portal.port &&
	       !strcasecmp(a->target, b->target) && a->lun == b->lun;
}

bool parameters_have_path(const struct parameters *parameters, const struct iscsi_url_parts *path)
{
	for (size_t i = 0; i < parameters->npaths; i++)
		if (is_same_path(&parameters->paths[i], path))
			return true;
	return false;
}

int parameters_add_path(struct parameters *parameters, const struct iscsi_url_parts *path)
{
	if (parameters_have_path(parameters, path)) {
		char portal[96];

		portal_format(&path->portal, portal, sizeof(portal));
		nbdkit_error("path given twice: LUN %u of %s through %s", path->lun, path->target,
			     portal);
		return -1;
	}
	if (parameters->npaths == MPIO_MAX_PATHS) {
		nbdkit_error("more than %d paths", MPIO_MAX_PATHS);
		return -1;
	}
	parameters->paths[parameters->npaths++] = *path;
	return 0;
}

static int set_path(struct parameters *parameters, const char *value)
{
	struct iscsi_url_parts path;
	char error[256];
	int result;

	if (iscsi_url_parse(value, &path, error, sizeof(error)) < 0) {
		nbdkit_error("path=: %s", error);
		return -1;
	}
	if (path.has_password)
		log_warning("a password in a URL can be read by every user of this host; use "
			    "user= and password=+FILE");
	result = parameters_add_path(parameters, &path);
	explicit_bzero(&path, sizeof(path));
	return result;
}

static int set_portal(struct parameters *parameters, const char *value)
{
	char error[256];
	struct portal portal;

	if (portal_parse(value, &portal, error, sizeof(error)) < 0) {
		nbdkit_error("portal=: %s", error);
		return -1;
	}
	for (size_t i = 0; i < parameters->nportals; i++) {
		if (!strcasecmp(parameters->portals[i].host, portal.host) &&
		    parameters->portals[i].port == portal.port) {
			nbdkit_error("portal=%s is given twice", value);
			return -1;
		}
	}
	if (parameters->nportals == MPIO_MAX_PATHS) {
		nbdkit_error("portal=%s: more than %d portals", value, MPIO_MAX_PATHS);
		return -1;
	}
	parameters->portals[parameters->nportals++] = portal;
	return 0;
}

static int set_name(char *name, size_t size, const char *key, const char *value)
{
	if (!iscsi_name_is_valid(value) || strlen(value) >= size) {
		nbdkit_error("%s=%s is not an iSCSI name (iqn.YYYY-MM.DOMAIN[:TEXT], eui.HEX, "
			     "naa.HEX; at most 223 bytes)", key, value);
		return -1;
	}
	snprintf(name, size, "%s", value);
	return 0;
}

/* A number, as the target counts its units, or a name. */
static int set_lun(struct parameters *parameters, const char *value)
{
	bool is_number = !value[strspn(value, "0123456789")];
	struct identity wwid;
	uint16_t lun;

	free(parameters->lun_name);
	parameters->lun_name = NULL;
	parameters->lun = -1;
	/* One without letters, as udev writes it, is longer than any number. */
	if (is_number && identity_from_text(&wwid, value) < 0) {
		if (nbdkit_parse_uint16_t("lun", value, &lun) < 0)
			return -1;
		if (lun > LUN_NUMBER_MAX) {
			nbdkit_error("lun=%s: a LUN is 0 to %d", value, LUN_NUMBER_MAX);
			return -1;
		}
		parameters->lun = lun;
		return 0;
	}
	parameters->lun_name = strdup(value);
	if (!parameters->lun_name) {
		nbdkit_error("strdup: %m");
		return -1;
	}
	return 0;
}

static int set_config(struct parameters *parameters, const char *value)
{
	free(parameters->config_file);
	/* nbdkit goes to / when it daemonizes. */
	parameters->config_file = nbdkit_absolute_path(value);
	return parameters->config_file ? 0 : -1;
}

static int set_user(char **user, const char *key, const char *value)
{
	if (!*value || strlen(value) > 255) {
		nbdkit_error("%s= takes a name of 1 to 255 bytes", key);
		return -1;
	}
	free(*user);
	*user = strdup(value);
	if (!*user) {
		nbdkit_error("strdup: %m");
		return -1;
	}
	return 0;
}

static int set_password(char **password, const char *key, const char *value)
{
	wipe(password);
	if (nbdkit_read_password(value, password) < 0)
		return -1;
	if (!**password || strlen(*password) > 255) {
		nbdkit_error("%s= takes a secret of 1 to 255 bytes", key);
		return -1;
	}
	return 0;
}

static int set_runtime_dir(struct parameters *parameters, const char *value)
{
	free(parameters->runtime_dir);
	/* nbdkit goes to / when it daemonizes. */
	parameters->runtime_dir = nbdkit_absolute_path(value);
	return parameters->runtime_dir ? 0 : -1;
}

static int set_control(struct parameters *parameters, const char *value)
{
	int is_on = nbdkit_parse_bool(value);

	if (is_on < 0) {
		nbdkit_error("control=%s: yes or no", value);
		return -1;
	}
	parameters->control = is_on;
	return 0;
}

static int set_dsm_path(struct parameters *parameters, const char *value)
{
	free(parameters->dsm_path);
	parameters->dsm_path = strdup(value);
	if (!parameters->dsm_path) {
		nbdkit_error("strdup: %m");
		return -1;
	}
	return 0;
}

static int set_option(struct parameters *parameters, const char *key, const char *value)
{
	const struct option *option = strchr(key, '_') ? NULL : option_find(key);
	char error[512];

	if (!option) {
		nbdkit_error("unknown parameter \"%s\"; see nbdkit-mpio-plugin(1)", key);
		return -1;
	}
	if (layer_set(&parameters->given, option, value, error, sizeof(error)) < 0) {
		/* With the name as it is spelt here. */
		nbdkit_error("%s%s", key, error + strlen(option->name));
		return -1;
	}
	return 0;
}

int parameters_set(struct parameters *parameters, const char *key, const char *value)
{
	if (!strcmp(key, "path"))
		return set_path(parameters, value);
	if (!strcmp(key, "config"))
		return set_config(parameters, value);
	if (!strcmp(key, "portal"))
		return set_portal(parameters, value);
	if (!strcmp(key, "target"))
		return set_name(parameters->target, sizeof(parameters->target), key, value);
	if (!strcmp(key, "lun"))
		return set_lun(parameters, value);
	if (!strcmp(key, "initiator"))
		return set_name(parameters->initiator, sizeof(parameters->initiator), key, value);
	if (!strcmp(key, "user"))
		return set_user(&parameters->user, key, value);
	if (!strcmp(key, "password"))
		return set_password(&parameters->password, key, value);
	if (!strcmp(key, "target-user"))
		return set_user(&parameters->target_user, key, value);
	if (!strcmp(key, "target-password"))
		return set_password(&parameters->target_password, key, value);
	if (!strcmp(key, "runtime-dir"))
		return set_runtime_dir(parameters, value);
	if (!strcmp(key, "control"))
		return set_control(parameters, value);
	if (!strcmp(key, "dsm-path"))
		return set_dsm_path(parameters, value);
	return set_option(parameters, key, value);
}

void parameters_help(char *text, size_t len)
{
	size_t count;
	const struct option *options = options_all(&count);
	FILE *f = fmemopen(text, len, "w");

	if (!f)
		return;
	fputs("[path=]iscsi://HOST[:PORT]/TARGET/LUN  (required, once for each path; or)\n"
	      "portal=HOST[:PORT] target=IQN lun=N    (paths are discovered; or)\n"
	      "portal=HOST[:PORT] lun=WWID            (the same, on all targets; or)\n"
	      "config=FILE lun=ALIAS|WWID             (see mpio.conf(5))\n"
	      "initiator=IQN            our iSCSI name\n"
	      "user=NAME password=SECRET\n"
	      "                         CHAP; for SECRET also +FILE, -FD, - (ask)\n"
	      "target-user=NAME target-password=SECRET\n"
	      "                         mutual CHAP\n"
	      "runtime-dir=DIR          control sockets are made in DIR/exports\n"
	      "control=yes|no           serve a control socket for pathctl(1) (yes)\n"
	      "dsm-path=DIR[:DIR...]    modules for arrays are loaded from there\n"
	      "                         (" DSM_PATH ")\n", f);
	for (size_t i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s=", options[i].name);
		for (char *c = name; *c; c++)
			*c = *c == '_' ? '-' : *c;
		fprintf(f, "%-24s %s%s%s%s\n", name, options[i].help,
			*options[i].default_text ? " (" : "", options[i].default_text,
			*options[i].default_text ? ")" : "");
	}
	fclose(f);
}
