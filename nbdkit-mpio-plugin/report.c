// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "device.h"
#include "engine.h"
#include "mpath.h"
#include "path.h"
#include "transport.h"

/* A daemonized nbdkit has put /dev/null there. */
static bool stderr_is_null(void)
{
	struct stat st;

	return fstat(2, &st) < 0 || (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

void report_message(enum log_level level, const char *message)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	static const char *const words[] = { "error: ", "warning: ", "", "" };

	/* nbdkit has only errors and debug messages. */
	if (level == LOG_LEVEL_DEBUG)
		nbdkit_debug("%s", message);
	else if (stderr_is_null())
		syslog(LOG_DAEMON | priorities[level], "nbdkit: mpio: %s%s", words[level],
		       message);
	else
		fprintf(stderr, "nbdkit: mpio: %s%s\n", words[level], message);
}

/* What is worth a line though nothing is wrong. */
static bool is_good_news(enum event_kind kind)
{
	switch (kind) {
	case EVENT_PATH_UP:
	case EVENT_PATHS_RETURNED:
	case EVENT_SIZE_CHANGED:
	case EVENT_ADMIN_CHANGE:
		return true;
	default:
		return false;
	}
}

/* A portal that is gone for a week is tried every few seconds: that is said
 * once, and again when the reason changes. */
static bool is_repetition(struct engine *engine, const struct event *event)
{
	for (size_t i = 0; i < engine->nnexuses; i++) {
		char *last = engine->login_failures[i];
		bool is_same;

		if (engine->nexuses[i] != event->transport)
			continue;
		if (event->kind != EVENT_LOGIN_FAILED) {
			*last = '\0';
			return false;
		}
		is_same = !strncmp(last, event->reason, sizeof(engine->login_failures[i]) - 1);
		snprintf(last, sizeof(engine->login_failures[i]), "%s", event->reason);
		return is_same;
	}
	return false;
}

static enum log_level level_of(struct engine *engine, const struct event *event)
{
	/* That paths go down when we end them is no news. */
	if (engine->is_stopping)
		return LOG_LEVEL_DEBUG;
	/* Its paths' events say it again. */
	if (event->kind == EVENT_SESSION_DOWN)
		return LOG_LEVEL_DEBUG;
	if (event->kind == EVENT_SESSION_UP || event->kind == EVENT_LOGIN_FAILED)
		if (is_repetition(engine, event))
			return LOG_LEVEL_DEBUG;
	switch (event->severity) {
	case EVENT_ERROR:
		return LOG_LEVEL_ERROR;
	case EVENT_WARNING:
		return LOG_LEVEL_WARNING;
	default:
		return engine->is_announced && is_good_news(event->kind) ?
			LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	}
}

void report_event(void *opaque, const struct event *event)
{
	struct engine *engine = opaque;
	const struct transport *transport = event->transport;
	const char *name = event->device ? event->device->name : engine->device->name;
	char where[160] = "";

	if (event->path) {
		transport = event->path->transport;
		snprintf(where, sizeof(where), "path %s (%s): ", event->path->id,
			 transport->portal);
	} else if (transport) {
		snprintf(where, sizeof(where), "portal %s: ", transport->portal);
	}
	log_message(level_of(engine, event), "export %s: %s%s: %s", name, where, event->name,
		    event->reason);
}
