// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEXTFILE_H
#define MPIO_TEXTFILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads a small regular file whole. TEXT is the caller's, with a NUL behind
 * its LEN bytes; MODE (may be NULL) is that of the very file that was read.
 * 0 or -errno: -EFBIG beyond MAX bytes, -EISDIR for a directory, -ENOTSUP for
 * what is no file (a pipe would be waited for, a device touched). Any thread.
 */
int textfile_read(const char *path, size_t max, char **text, size_t *len, mode_t *mode);

#endif
