// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CTL_SERVER_H
#define MPIO_CTL_SERVER_H

/*
 * JSON-RPC 2.0 over a Unix stream socket, one request a line, one answer a
 * line. Requests larger than 64 KiB, clients past 64, and clients that do not
 * read their answers are cut off; each harms only itself.
 */

#include <jansson.h>

#include "loop.h"

struct ctl_server;

/* A method: PARAMS is an object or NULL, borrowed. The result is a new
 * reference; on NULL, ERROR (size LEN) holds the message and *CODE the
 * JSON-RPC error code (preset to -32000). */
struct ctl_method {
	const char *name;
	const char *help;
	json_t *(*call)(void *opaque, const json_t *params, int *code, char *error, size_t len);
};

/* METHODS end with a NULL name and are borrowed; OPAQUE goes to each call.
 * An existing socket nobody listens on is replaced. Before the loop runs, or
 * on its thread. NULL: errno. */
struct ctl_server *ctl_server_new(struct loop *loop, const char *socket_path,
				  const struct ctl_method *methods, void *opaque);

/* Closes all connections and removes the socket. NULL is fine. */
void ctl_server_free(struct ctl_server *server);

#endif
