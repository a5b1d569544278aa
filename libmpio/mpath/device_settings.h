// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DEVICE_SETTINGS_H
#define MPIO_DEVICE_SETTINGS_H

/*
 * All that an administrator can say about a pseudo-LUN and its paths, taken
 * and given as one value: it is checked as a whole, and applied as a whole or
 * not at all, while I/O goes on. Sessions are shared by the LUNs behind them:
 * of their timers and depth, what was applied last holds.
 */

#include <stddef.h>

#include "settings.h"

struct device;
struct path;
struct unit;

struct device_settings {
	struct settings settings;       /* an empty policy: chosen by symmetry */
	const char *policy_source;      /* "lun", "hardware", "global"; "default" by
					 * symmetry. A constant, never freed. */
	unsigned int npaths;
	struct path_settings paths[MPIO_MAX_PATHS];     /* by struct path's index */
};

/* What DEVICE has now; applying it again changes nothing. */
void device_get_settings(const struct device *device, struct device_settings *settings);

/*
 * Makes SETTINGS (borrowed for the call) DEVICE's, at once: timers, policy,
 * marks of paths. The policy is replaced without touching what is in flight;
 * one that stays keeps its memory. A path that is disabled carries nothing new
 * and ends what it carries.
 *
 * -EINVAL, with the culprit in ERROR (size LEN) and nothing changed: not every
 * path once, more than one preferred, none that is neither standby nor
 * disabled, no such policy, or the last path that works would be disabled.
 * -ENOMEM, -ESHUTDOWN likewise.
 */
int device_apply(struct device *device, const struct device_settings *settings,
		 char *error, size_t len);

/*
 * I/O goes to PATH from now on (MPIOMoveDevice): a standby mark of the
 * administrator's is taken off it, and a policy with one active path makes it
 * that, until it fails or is told otherwise, whatever failback says. Where the
 * array has it otherwise and takes SET TARGET PORT GROUPS, it is told to make
 * PATH's group active/optimized; what becomes of that is an event.
 * -EINVAL and ERROR where it cannot carry I/O.
 */
int device_activate_path(struct device *device, struct path *path, char *error, size_t len);

/* PATH fails as if it had by itself, and comes back by verification. -EINVAL
 * and ERROR where it carries no I/O anyway, or is the only one that does. */
int device_fail_path(struct device *device, struct path *path, char *error, size_t len);

/*
 * Asked once, when DEVICE knows its UNIT and has sent no client's I/O yet:
 * RESOLVE changes SETTINGS, which are the LUN's own, to what applies to that
 * kind of unit. What comes of it is applied as above; where it is refused, an
 * event says so and the LUN's own settings stay.
 */
typedef void device_resolve(void *opaque, const struct unit *unit,
			    struct device_settings *settings);
void device_set_resolver(struct device *device, device_resolve *resolve, void *opaque);

/*
 * For the core.
 */

/* Asks the resolver, once the unit is known. */
void device_settings_resolve(struct device *device);

/* What device_activate_path() comes to where the array has nothing against it,
 * and again when it has made PATH active. */
void device_move_to(struct device *device, struct path *path);

/* The access states changed: where no policy is set, one is chosen anew. */
void device_choose_policy(struct device *device);

#endif
