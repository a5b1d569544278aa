// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CTL_CLIENT_H
#define MPIO_CTL_CLIENT_H

/*
 * A blocking JSON-RPC client for the command line. Any thread.
 */

#include <jansson.h>
#include <stddef.h>

/* Calls METHOD (JSON-RPC 2.0) on the server at SOCKET_PATH. PARAMS (may be NULL) is taken.
 * The result is a new reference; on NULL, ERROR (size LEN) says why, naming
 * the socket. */
json_t *ctl_call(const char *socket_path, const char *method, json_t *params,
		 unsigned int timeout_ms, char *error, size_t len);

#endif
