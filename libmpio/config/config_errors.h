// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CONFIG_ERRORS_H
#define MPIO_CONFIG_ERRORS_H

/*
 * What is wrong with a configuration file: every complaint with its place, so
 * that one look mends them all. Any thread.
 */

#include <stdarg.h>
#include <stddef.h>

struct config_error {
	char *file;                     /* as it was opened; "-" for a text */
	unsigned int line;              /* 0: the whole file */
	char *message;
};

struct config_errors {
	struct config_error *list;
	size_t count;
	int is_short_of_memory;         /* at least one could not be kept */
};

/* Past this many it is probably the wrong file: the rest is dropped. */
#define CONFIG_ERRORS_MAX 64

__attribute__((format(printf, 4, 5)))
void config_errors_add(struct config_errors *errors, const char *file, unsigned int line,
		       const char *format, ...);
void config_errors_addv(struct config_errors *errors, const char *file, unsigned int line,
			const char *format, va_list args);

/* "FILE:LINE: MESSAGE" in TEXT (size LEN). */
void config_error_format(const struct config_error *error, char *text, size_t len);

/* Frees the list, not the struct. */
void config_errors_done(struct config_errors *errors);

#endif
