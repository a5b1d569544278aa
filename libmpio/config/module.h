// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_MODULE_H
#define MPIO_MODULE_H

/*
 * One loaded DSM: a shared object with the API of mpio-dsm.h, seen by the core
 * as a struct dsm_ops. Translates between the two, nothing else: whether the
 * answers make sense is for dsm_guard.c. Loaded and freed on the main thread.
 */

#include <stddef.h>

struct dsm_ops;
struct module;

/* Loads FILE, a path with a slash in it. NULL: ERROR (size LEN) says why not. */
struct module *module_open(const char *file, char *error, size_t len);

/* Unloads it: no device may have its DSM any more. NULL is fine. */
void module_close(struct module *module);

/* Valid as long as the module. */
const struct dsm_ops *module_dsm(const struct module *module);
const char *module_file(const struct module *module);

#endif
