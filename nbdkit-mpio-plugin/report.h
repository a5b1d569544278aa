// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_REPORT_H
#define MPIO_REPORT_H

/*
 * Where messages that answer no request go: events, and libmpio's own. Into
 * the system log where nbdkit is in the background, else on standard error.
 */

#include "log.h"

struct event;

/* A log_sink. Any thread. */
void report_message(enum log_level level, const char *message);

/* The core's listener; OPAQUE is the struct engine. Bad news are logged, and
 * once the export is in service also that things are well again; the rest
 * shows up with nbdkit -v. Loop's thread. */
void report_event(void *opaque, const struct event *event);

#endif
