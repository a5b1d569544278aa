// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_RESOLVE_H
#define MPIO_RESOLVE_H

/*
 * Which value of an option counts: the LUN's (the command line, then its entry
 * in luns), else its hardware ID's (the file's hardware section, row by row,
 * then the built-in table), else the global one (timers and defaults), else the
 * option's own default. Each option is decided by itself. Any thread.
 */

#include <stdbool.h>

#include "hardware.h"
#include "layer.h"

struct config;
struct config_lun;
struct device_settings;
struct unit;

enum option_source {
	SOURCE_DEFAULT,
	SOURCE_GLOBAL,
	SOURCE_HARDWARE,
	SOURCE_LUN,
};

/* Where to look; all borrowed, each may be NULL. */
struct resolver {
	const struct layer *command_line;
	const struct config *config;
	const struct config_lun *lun;   /* NULL: found by the unit's WWID */
};

/* "default", "global", "hardware", "lun" */
const char *option_source_name(enum option_source source);

/* OPTION's value for UNIT (NULL while it is not known) goes into SETTINGS. */
enum option_source resolve_option(const struct resolver *resolver, const struct unit *unit,
				  const struct option *option, struct settings *settings);

/* All of them. */
void resolve_settings(const struct resolver *resolver, const struct unit *unit,
		      struct settings *settings);

/* The module that the file's hardware section names for UNIT, borrowed; NULL:
 * none. For mpath_set_dsm_choice(); OPAQUE is a struct resolver. */
const char *resolve_dsm(void *opaque, const struct unit *unit);

/* A device_resolve; OPAQUE is a struct resolver. */
void resolve_device(void *opaque, const struct unit *unit, struct device_settings *settings);

#endif
