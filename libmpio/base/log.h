// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LOG_H
#define MPIO_LOG_H

/*
 * Where libmpio's few own messages go. libmpio returns errors and raises
 * events; only what has no caller to return to is logged here. The program
 * sets the sink once, before it starts threads.
 */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Called on any thread; MESSAGE has no newline and is the sink's to read
 * until it returns. */
typedef void (*log_sink)(enum log_level level, const char *message);

/* Messages above LEVEL are not formatted. NULL restores the default: stderr. */
void log_set_sink(log_sink sink, enum log_level level);

/* Keeps errno. Messages longer than 1 KiB are cut. Any thread. */
__attribute__((format(printf, 2, 3)))
void log_message(enum log_level level, const char *format, ...);

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
