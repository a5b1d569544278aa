// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PRECHECK_H
#define MPIO_PRECHECK_H

#include <stddef.h>

struct config_errors;

/* Most bytes of one file. */
#define PRECHECK_FILE_MAX (1 << 20)

/*
 * Looks for what libconfig takes without a word, or ends the process for,
 * before it gets to read TEXT (LEN bytes and a NUL): numbers that overflow or
 * that it reads as octal, a NUL byte, a string or comment without end, and
 * @include of what is no file. Included files are looked at, too; names are
 * relative to DIRECTORY, and where that is NULL nothing may be included. FILE
 * is what TEXT is called in ERRORS. Any thread.
 */
void precheck_text(const char *file, const char *directory, const char *text, size_t len,
		   struct config_errors *errors);

/* NAME, relative to DIRECTORY unless it is absolute; to be freed, NULL on lack
 * of memory. */
char *precheck_join(const char *directory, const char *name);

#endif
