// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_FIND_H
#define MPIO_FIND_H

struct parameters;
struct places;

/*
 * Logs in to every place and looks for the unit with PARAMETERS' WWID; each
 * LUN that is it becomes a path. A place that does not answer while others do
 * is a path, too, if its target has the unit elsewhere: the same number is
 * supposed there, and no I/O goes over it before it has shown the unit. 0 or
 * -1, then nbdkit_error() was called. nbdkit's main thread; takes at most
 * no_path_timeout and connect_timeout.
 */
int find_paths(struct parameters *parameters, const struct places *places);

#endif
