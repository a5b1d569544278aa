// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_ENGINE_H
#define MPIO_ENGINE_H

/*
 * Everything of one export that lives only as long as its sockets: loop, pump,
 * sessions, device, control server.
 *
 * Built, waited for and freed on nbdkit's main thread; from engine_start() to
 * engine_free() everything in it belongs to the loop's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "loop.h"
#include "settings.h"

struct ctl_server;
struct device;
struct parameters;
struct pump;
struct seat;
struct transport;

struct engine {
	const struct parameters *parameters;
	struct loop *loop;
	struct pump *pump;
	struct device *device;
	struct transport *nexuses[MPIO_MAX_PATHS];
	/* What was last said of each one's failed logins, by report.c. */
	char login_failures[MPIO_MAX_PATHS][160];
	size_t nnexuses;
	struct control control;
	struct ctl_server *server;
	struct loop_message stop;
	bool is_started;                /* the loop has its thread */
	bool is_stopping;               /* loop's thread */
	bool is_announced;              /* came up: good news are logged from now on */
};

/* Borrows both. NULL: nbdkit_error() was called. Nothing is sent yet. */
struct engine *engine_new(const struct parameters *parameters, const struct seat *seat);

/* Stops the thread if there is one, ends the sessions. NULL is fine. */
void engine_free(struct engine *engine);

/*
 * Logs in and runs the loop on this thread until a path is usable, then a
 * little longer for the others. False where none is within no_path_timeout
 * (connect_timeout where that is 0), or after engine_post_stop().
 */
bool engine_wait(struct engine *engine);

/* Why no path is usable, path by path. Not while the loop's thread runs. */
void engine_explain(const struct engine *engine, char *text, size_t len);

/* Serves control requests; a failure is a warning. Before engine_start(). */
void engine_serve_control(struct engine *engine, const struct seat *seat);

/* The loop gets a thread of its own. 0 or -errno. */
int engine_start(struct engine *engine);

/* Has every request, waiting or to come, end with ESHUTDOWN. Any thread, once. */
void engine_post_stop(struct engine *engine);

#endif
