// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SERVE_H
#define MPIO_SERVE_H

/*
 * nbdkit's data callbacks, on its worker threads. HANDLE is a struct view.
 */

#include <stdint.h>

struct nbdkit_extents;

int serve_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags);
int serve_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset, uint32_t flags);
int serve_flush(void *handle, uint32_t flags);
int serve_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags);
int serve_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags);
int serve_cache(void *handle, uint32_t count, uint64_t offset, uint32_t flags);
int serve_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
	       struct nbdkit_extents *extents);

/* Tells nbdkit of ERROR (-errno) of the operation WHAT at OFFSET; 0 stays 0,
 * anything else is -1. */
int serve_result(int error, const char *what, uint64_t offset, uint32_t count);

#endif
