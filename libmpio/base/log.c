// SPDX-License-Identifier: LGPL-2.1-or-later
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_MAX 1024

static void write_to_stderr(enum log_level level, const char *message);

static log_sink sink = write_to_stderr;
static enum log_level threshold = LOG_LEVEL_INFO;

static void write_to_stderr(enum log_level level, const char *message)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};

	fprintf(stderr, "mpio: %s: %s\n", names[level], message);
}

void log_set_sink(log_sink new_sink, enum log_level level)
{
	sink = new_sink ? new_sink : write_to_stderr;
	threshold = level;
}

void log_message(enum log_level level, const char *format, ...)
{
	char message[MESSAGE_MAX];
	int saved_errno = errno;
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	if (vsnprintf(message, sizeof message, format, args) >= 0)
		sink(level, message);
	va_end(args);
	errno = saved_errno;
}
