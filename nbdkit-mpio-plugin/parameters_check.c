// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All parameters were given: the configuration file is read, and what is meant
 * by them together is found out.
 */
#include "parameters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "dsm.h"
#include "initiator.h"
#include "log.h"
#include "modules.h"
#include "seat.h"

/*
 * The configuration file
 */

/* As many errors as the file has. */
static int load_config(struct parameters *parameters)
{
	struct config_errors errors = { 0 };
	int result;

	if (!parameters->config_file)
		return 0;
	result = config_load(parameters->config_file, &parameters->config, &errors);
	for (size_t i = 0; i < errors.count; i++) {
		char text[4096];

		config_error_format(&errors.list[i], text, sizeof(text));
		nbdkit_error("%s", text);
	}
	if (result < 0 && !errors.count)
		nbdkit_error("config=%s: %s", parameters->config_file, strerror(-result));
	config_errors_done(&errors);
	return result < 0 ? -1 : 0;
}

/* "db01, db02", for an error message. */
static void list_luns(const struct config *config, char *text, size_t len)
{
	size_t used = 0;

	snprintf(text, len, "none");
	for (size_t i = 0; i < config->nluns && used + 1 < len; i++) {
		const struct config_lun *lun = &config->luns[i];
		int n = snprintf(text + used, len - used, "%s%s", used ? ", " : "",
				 lun->alias ? lun->alias : lun->wwid.text);

		used += n > 0 ? (size_t)n : 0;
	}
}

/* Which LUN is meant by lun=NAME. */
static int choose_lun(struct parameters *parameters)
{
	const char *name = parameters->lun_name;
	char known[512];

	if (!name)
		return 0;
	if (parameters->config)
		parameters->entry = config_find_lun(parameters->config, name);
	if (parameters->entry) {
		parameters->wwid = parameters->entry->wwid;
		return 0;
	}
	if (identity_from_text(&parameters->wwid, name) == 0)
		return 0;
	if (!parameters->config) {
		nbdkit_error("lun=%s is neither a number from 0 to 16383 nor a WWID; for an alias, "
			     "give config= as well", name);
		return -1;
	}
	list_luns(parameters->config, known, sizeof(known));
	nbdkit_error("lun=%s: %s has no LUN of that name; there: %s", name,
		     parameters->config_file, known);
	return -1;
}

static bool file_has_portals(const struct config *config)
{
	if (!config)
		return false;
	for (size_t i = 0; i < config->ntargets; i++)
		if (config->targets[i].nportals)
			return true;
	return config->nportals > 0;
}

/*
 * Where the paths come from
 */

/* path=URL */
static int check_listed(const struct parameters *parameters)
{
	if (parameters->nportals) {
		nbdkit_error("either paths are listed (path=, or bare URLs) or discovered "
			     "(portal=), not both");
		return -1;
	}
	if (*parameters->target || parameters->lun >= 0 || parameters->lun_name) {
		nbdkit_error("%s= goes with portal=; a URL holds its own target and LUN",
			     *parameters->target ? "target" : "lun");
		return -1;
	}
	return 0;
}

/* lun=NAME */
static int check_named(struct parameters *parameters)
{
	const struct config_lun *entry = parameters->entry;
	bool has_paths = entry && entry->npaths && entry->paths->is_listed;

	if (has_paths && !parameters->nportals && !*parameters->target) {
		for (size_t i = 0; i < entry->npaths; i++)
			if (parameters_add_path(parameters, &entry->paths[i].url) < 0)
				return -1;
		return 0;
	}
	if (parameters->wwid.kind == IDENTITY_NONE) {
		nbdkit_error("lun=%s has its paths listed in %s, and no wwid by which it could be "
			     "found on %s=", parameters->lun_name, parameters->config_file,
			     parameters->nportals ? "portal" : "target");
		return -1;
	}
	if (!parameters->nportals && !file_has_portals(parameters->config)) {
		nbdkit_error("lun=%s: there is no portal on which to look for it: give portal=, or "
			     "portals in the configuration file", parameters->lun_name);
		return -1;
	}
	return 0;
}

/* Nothing says where the paths are. */
static int refuse_nothing(const struct parameters *parameters)
{
	char known[512];

	if (*parameters->target || parameters->lun >= 0) {
		nbdkit_error("%s= goes with portal=; a URL holds its own target and LUN",
			     *parameters->target ? "target" : "lun");
	} else if (parameters->config) {
		list_luns(parameters->config, known, sizeof(known));
		nbdkit_error("config= needs lun=NAME as well; %s has: %s",
			     parameters->config_file, known);
	} else {
		nbdkit_error("no path: give iscsi://HOST[:PORT]/TARGET/LUN once for each path, or "
			     "portal=, target= and lun=, or config= and lun=");
	}
	return -1;
}

/* lun=N, or none */
static int check_numbered(const struct parameters *parameters)
{
	bool has_target = *parameters->target, has_lun = parameters->lun >= 0;

	if (!parameters->nportals && (!file_has_portals(parameters->config) ||
				      (!has_target && !has_lun)))
		return refuse_nothing(parameters);
	if (has_target && has_lun)
		return 0;
	nbdkit_error("portal= needs %s= as well%s", has_target ? "lun" : "target",
		     has_target ? "" : "; a unit on any target is found by lun=WWID");
	return -1;
}

static int check_paths(struct parameters *parameters)
{
	if (parameters->npaths)
		return check_listed(parameters);
	if (parameters->lun_name)
		return check_named(parameters);
	return check_numbered(parameters);
}

/* CHAP names and secrets come in pairs; mutual CHAP needs ours first
 * (RFC 7143 12.1.3: the target authenticates only after the initiator). */
static int check_secrets(const struct parameters *parameters)
{
	if (!parameters->user != !parameters->password) {
		nbdkit_error("user= and password= go together");
		return -1;
	}
	if (!parameters->target_user != !parameters->target_password) {
		nbdkit_error("target-user= and target-password= go together");
		return -1;
	}
	if (parameters->target_user && !parameters->user) {
		nbdkit_error("target-user= needs user= and password= as well: a target proves "
			     "itself only to an initiator that does");
		return -1;
	}
	for (size_t i = 0; i < parameters->npaths; i++) {
		if (*parameters->paths[i].user && !parameters->paths[i].has_password) {
			nbdkit_error("the URL of path %zu names a user but no password: use user= "
				     "and password=", i);
			return -1;
		}
	}
	return 0;
}

static int find_runtime_dir(struct parameters *parameters)
{
	const char *user_dir = getenv("XDG_RUNTIME_DIR");
	const struct config *config = parameters->config;

	if (parameters->runtime_dir)
		return 0;
	if (config && config->runtime_dir) {
		parameters->runtime_dir = strdup(config->runtime_dir);
	} else if (geteuid() == 0) {
		parameters->runtime_dir = strdup("/run/mpio");
	} else if (user_dir && *user_dir == '/') {
		if (asprintf(&parameters->runtime_dir, "%s/mpio", user_dir) < 0)
			parameters->runtime_dir = NULL;
	} else {
		return 0;
	}
	if (!parameters->runtime_dir) {
		nbdkit_error("malloc: %m");
		return -1;
	}
	return 0;
}

static void refused(void *opaque, const char *file, const char *reason)
{
	(void)opaque;
	log_error("DSM %s is not used: %s", file, reason);
}

struct modules *parameters_load_modules(const char *dsm_path)
{
	struct modules *modules = modules_new();
	char error[512];
	int err;

	if (!modules) {
		nbdkit_error("malloc: %m");
		return NULL;
	}
	err = modules_load(modules, dsm_path ? dsm_path : DSM_PATH, refused, NULL, error,
			   sizeof(error));
	if (err < 0 && (dsm_path || err != -ENOENT)) {
		nbdkit_error("dsm-path=%s: %s", dsm_path ? dsm_path : DSM_PATH, error);
		modules_free(modules);
		return NULL;
	}
	return modules;
}

/* A module that the file names is there, or its units would have none. */
static int check_modules(const struct parameters *parameters)
{
	const struct config *config = parameters->config;
	size_t count;
	const struct dsm_ops *const *dsms = modules_dsms(parameters->modules, &count);

	for (size_t i = 0; config && i < config->nhardware; i++) {
		const char *name = config->hardware[i].dsm;
		bool is_there = !name || !strcmp(name, dsm_generic.name);

		for (size_t j = 0; j < count && !is_there; j++)
			is_there = !strcmp(name, dsms[j]->name);
		if (!is_there) {
			nbdkit_error("%s:%u: no module of dsm_path is called \"%s\"",
				     config->file, config->hardware[i].line, name);
			return -1;
		}
	}
	return 0;
}

static void find_initiator(struct parameters *parameters)
{
	const struct config *config = parameters->config;

	if (*parameters->initiator)
		return;
	if (config && config->initiator)
		snprintf(parameters->initiator, sizeof(parameters->initiator), "%s",
			 config->initiator);
	else
		initiator_default_name(parameters->initiator, sizeof(parameters->initiator));
}

int parameters_check(struct parameters *parameters)
{
	if (load_config(parameters) < 0 || choose_lun(parameters) < 0 ||
	    check_paths(parameters) < 0 || check_secrets(parameters) < 0)
		return -1;
	parameters->resolver = (struct resolver) {
		.command_line = &parameters->given,
		.config = parameters->config,
		.lun = parameters->entry,
	};
	resolve_settings(&parameters->resolver, NULL, &parameters->settings);
	find_initiator(parameters);
	if (find_runtime_dir(parameters) < 0)
		return -1;
	parameters->modules = parameters_load_modules(
		parameters->dsm_path || !parameters->config ? parameters->dsm_path :
		parameters->config->dsm_path);
	return parameters->modules ? check_modules(parameters) : -1;
}

/*
 * What follows
 */

/* "iqn.2026-11.org.example:array", LUN 1: "array-1". */
void parameters_export_name(const struct parameters *parameters, char *name, size_t len)
{
	const struct iscsi_url_parts *path = &parameters->paths[0];
	const char *colon = strrchr(path->target, ':');

	if (parameters->entry && parameters->entry->alias)
		snprintf(name, len, "%s", parameters->entry->alias);
	else if (parameters->lun_name && strlen(parameters->wwid.text) <= SEAT_NAME_MAX &&
		 *parameters->wwid.text)
		snprintf(name, len, "%s", parameters->wwid.text);
	else
		snprintf(name, len, "%s-%u", colon && colon[1] ? colon + 1 : path->target,
			 path->lun);
}

static bool is_same_portal(const struct portal *a, const struct portal *b)
{
	return !strcasecmp(a->host, b->host) && a->port == b->port;
}

struct config_chap parameters_chap(const struct parameters *parameters,
				   const struct portal *portal, const char *target)
{
	const struct config *config = parameters->config;
	const struct config_target *entry = NULL;

	if (parameters->user)
		return (struct config_chap) {
			.user = parameters->user,
			.password = parameters->password,
			.target_user = parameters->target_user,
			.target_password = parameters->target_password,
		};
	if (config && target)
		entry = config_find_target(config, target);
	if (entry && entry->chap.user)
		return entry->chap;
	for (size_t i = 0; config && i < config->nportals; i++)
		if (is_same_portal(&config->portals[i].portal, portal))
			return config->portals[i].chap;
	return (struct config_chap) { 0 };
}

struct path_settings parameters_path_settings(const struct parameters *parameters,
					      const struct portal *portal, const char *target)
{
	const struct config_lun *entry = parameters->entry;

	for (size_t i = 0; entry && i < entry->npaths; i++) {
		const struct iscsi_url_parts *wanted = &entry->paths[i].url;

		if (is_same_portal(&wanted->portal, portal) &&
		    (!*wanted->target || !strcasecmp(wanted->target, target)))
			return wanted->path;
	}
	return (struct path_settings) { 0 };
}
