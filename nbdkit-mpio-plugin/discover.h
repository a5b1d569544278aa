// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DISCOVER_H
#define MPIO_DISCOVER_H

#include <stddef.h>

#include "discovery.h"

struct parameters;

/* Targets at portals: each is an I_T nexus that there could be. */
struct places {
	struct discovered_portal *list;
	size_t count;
};

/* Past this many it is not a search any more. */
#define PLACES_MAX 256

/*
 * Finds the paths of PARAMETERS and adds them. Every portal is asked for its
 * targets; one that fails is a warning while another one answers. By target=
 * and the LUN's number, each portal of that target is a path; by the WWID, see
 * find.h. 0 or -1, then nbdkit_error() was called. nbdkit's main thread; takes
 * at most no_path_timeout, or connect_timeout + login_timeout if that is longer,
 * and the time that find.h takes.
 */
int discover_paths(struct parameters *parameters);

#endif
