// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CONFIG_H
#define MPIO_CONFIG_H

/*
 * mpio.conf(5), read and checked: either all of it is right, or there is no
 * struct config. Nothing changes after it was read, so it may be used on any
 * thread. Text fields that may be NULL were not given.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config_errors.h"
#include "identity.h"
#include "layer.h"
#include "url.h"

/* An alias names an export's socket: RUNTIME_DIR/exports/ALIAS.sock. */
#define CONFIG_ALIAS_MAX 48

struct config_chap {
	char *user, *password;          /* both or none */
	char *target_user, *target_password;
};

/* A portal to ask which targets there are. */
struct config_portal {
	struct portal portal;
	struct config_chap chap;
	unsigned int line;
};

/* What a target needs, by its name. */
struct config_target {
	char *name;
	struct portal *portals;         /* known without discovery */
	size_t nportals;
	struct config_chap chap;
	unsigned int line;
};

struct config_hardware {
	char *vendor, *product;         /* patterns, see hardware.h */
	char *dsm;
	struct layer options;
	unsigned int line;
};

/* Listed: URL is whole. Else only its portal counts, and its target if that is
 * not empty: it says what is wanted of the paths found there. */
struct config_path {
	struct iscsi_url_parts url;
	bool is_listed;
};

struct config_lun {
	char *alias;                    /* this or the WWID may be missing, not both */
	struct identity wwid;           /* IDENTITY_NONE: not given */
	struct layer options;
	struct config_path *paths;      /* all listed, or none of them */
	size_t npaths;
	unsigned int line;
};

/* Units that pathd serves, or leaves alone: all that are given must match. */
struct config_claim {
	char *vendor, *product;         /* patterns */
	struct identity wwid;
};

struct config {
	char *file;                     /* as it was opened */
	char *initiator;
	char *runtime_dir;
	char *dsm_path;                 /* directories, separated by colons */
	struct config_portal *portals;
	size_t nportals;
	struct config_target *targets;
	size_t ntargets;
	struct layer defaults;          /* timers and defaults */
	struct config_hardware *hardware;
	size_t nhardware;
	struct config_lun *luns;
	size_t nluns;
	struct {
		bool is_automatic;
		struct config_claim *include, *exclude;
		size_t ninclude, nexclude;
	} claims;
	struct {
		char *listen;           /* "HOST:PORT" */
	} metrics;
};

/*
 * Reads FILE and what it includes. 0; -EINVAL, then ERRORS (all zero before)
 * says everything that is wrong; -ENOMEM. ERRORS is the caller's to free.
 */
int config_load(const char *file, struct config **config, struct config_errors *errors);

/* The same for a TEXT of LEN bytes, NUL behind them, that may name no other
 * file. */
int config_parse(const char *text, size_t len, struct config **config,
		 struct config_errors *errors);

/* Wipes the secrets. NULL is fine. */
void config_free(struct config *config);

/* The LUN with that alias or WWID (in any spelling), or NULL. */
const struct config_lun *config_find_lun(const struct config *config, const char *name);

/* The LUN with that WWID, or NULL. */
const struct config_lun *config_find_wwid(const struct config *config,
					  const struct identity *wwid);

/* What is said of the target NAME, or NULL. */
const struct config_target *config_find_target(const struct config *config, const char *name);

#endif
