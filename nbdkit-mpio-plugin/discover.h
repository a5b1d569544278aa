// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DISCOVER_H
#define MPIO_DISCOVER_H

struct parameters;

/*
 * Asks every portal of PARAMETERS for the portals of its target and adds a
 * path for each. A portal that fails is a warning while another one answers.
 * 0 or -1, then nbdkit_error() was called. nbdkit's main thread; takes at most
 * connect_timeout + login_timeout.
 */
int discover_paths(struct parameters *parameters);

#endif
