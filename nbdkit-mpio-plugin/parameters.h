// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PARAMETERS_H
#define MPIO_PARAMETERS_H

/*
 * What stands on nbdkit's command line. Either the paths are listed
 * (path=URL), or they are discovered (portal=, target=, lun=).
 *
 * Functions return nbdkit's 0 or -1, and have called nbdkit_error() then.
 * nbdkit's main thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"
#include "url.h"

struct modules;

struct parameters {
	struct settings settings;
	struct iscsi_url_parts paths[MPIO_MAX_PATHS];
	size_t npaths;
	struct portal portals[MPIO_MAX_PATHS];
	size_t nportals;
	char target[224];               /* empty: none given */
	int lun;                        /* -1: none given */
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
