// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PARAMETERS_H
#define MPIO_PARAMETERS_H

/*
 * What stands on nbdkit's command line, and in the configuration file that it
 * names. Either the paths are listed (path=URL, or the file's), or they are
 * discovered (portal= or the file's portals): by target= and a LUN's number, or
 * by the unit's WWID on all targets.
 *
 * Functions return nbdkit's 0 or -1, and have called nbdkit_error() then.
 * nbdkit's main thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "resolve.h"
#include "settings.h"
#include "url.h"

struct modules;

struct parameters {
	struct settings settings;       /* from parameters_check() on: while the unit is not
					 * known, what follows from all but its hardware */
	struct layer given;             /* options on the command line */
	char *config_file;              /* absolute; NULL: none given */
	struct config *config;          /* from parameters_check() on; NULL: none */
	struct resolver resolver;
	struct iscsi_url_parts paths[MPIO_MAX_PATHS];
	size_t npaths;
	struct portal portals[MPIO_MAX_PATHS];
	size_t nportals;
	char target[224];               /* empty: none given */
	int lun;                        /* -1: no number given */
	char *lun_name;                 /* lun= with a name or WWID; NULL: none given */
	const struct config_lun *entry; /* of the file, for lun_name; NULL: none */
	struct identity wwid;           /* the unit has to be this; IDENTITY_NONE: any */
	char initiator[224];            /* empty: none given */
	char *user, *password;          /* NULL: none given */
	char *target_user, *target_password;
	char *runtime_dir;              /* absolute; NULL: there is no place for one */
	bool control;
	char *dsm_path;                 /* "DIR[:DIR...]"; NULL: the default */
	struct modules *modules;        /* from parameters_check() on */
};

/* Everything to its default. */
void parameters_init(struct parameters *parameters);

/* One key=value. */
int parameters_set(struct parameters *parameters, const char *key, const char *value);

/* All were given: checks them against each other, fills in what depends on
 * the environment, loads modules. */
int parameters_check(struct parameters *parameters);

/* The export's name, before it is made unique, in NAME (size LEN). The paths
 * are known. */
void parameters_export_name(const struct parameters *parameters, char *name, size_t len);

/* Who we are at PORTAL, when logging in to TARGET (NULL: for discovery). What
 * it points to is PARAMETERS'. */
struct config_chap parameters_chap(const struct parameters *parameters,
				   const struct portal *portal, const char *target);

/* What the file wants of a path that is discovered. */
struct path_settings parameters_path_settings(const struct parameters *parameters,
					      const struct portal *portal, const char *target);

/* Adds a path, given or discovered. One that is there already, or one too
 * many, is an error. */
int parameters_add_path(struct parameters *parameters, const struct iscsi_url_parts *path);

/* That portal, target and LUN are there. */
bool parameters_have_path(const struct parameters *parameters, const struct iscsi_url_parts *path);

/* Wipes passwords. */
void parameters_done(struct parameters *parameters);

/* Loads the modules of DSM_PATH, NULL for the default, whose directory need not
 * be there. Those that are refused are logged. NULL: nbdkit_error() was called. */
struct modules *parameters_load_modules(const char *dsm_path);

/* The parameters and their defaults, for nbdkit --help, in TEXT (size LEN). */
void parameters_help(char *text, size_t len);

#endif
