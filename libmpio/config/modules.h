// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_MODULES_H
#define MPIO_MODULES_H

/*
 * The loadable DSMs of a process: every NAME.so of some directories, in the
 * order in which they are asked: directories as given, files by name (in bytes,
 * not by locale). Loaded and freed on the main thread.
 */

#include <stddef.h>

struct dsm_ops;
struct modules;

/* FILE was not taken, for REASON; both are the caller's to read meanwhile. */
typedef void modules_refused(void *opaque, const char *file, const char *reason);

/* NULL on lack of memory. There are none yet. */
struct modules *modules_new(void);

/*
 * Loads what is in PATH, "DIR[:DIR...]" or empty. Each file that is no module,
 * one of another API version, of a name that is there already, or, when we are
 * root, one that others than root may change, is told to REFUSED and left out.
 * 0, or -errno with ERROR (size LEN) where a directory cannot be read.
 */
int modules_load(struct modules *modules, const char *path, modules_refused *refused,
		 void *opaque, char *error, size_t len);

/* For mpath_set_dsms(); valid until more are loaded or freed. */
const struct dsm_ops *const *modules_dsms(const struct modules *modules, size_t *count);

/* No device may have one of their DSMs any more. NULL is fine. */
void modules_free(struct modules *modules);

#endif
