// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CTL_RPC_H
#define MPIO_CTL_RPC_H

/*
 * JSON-RPC 2.0 messages: a line in, a line out, no I/O. Parameters go by name
 * only. Any thread, as far as the methods allow it.
 */

#include <jansson.h>
#include <stddef.h>

/* Codes of JSON-RPC 2.0, section 5.1. */
#define RPC_PARSE_ERROR (-32700)
#define RPC_INVALID_REQUEST (-32600)
#define RPC_METHOD_NOT_FOUND (-32601)
#define RPC_INVALID_PARAMS (-32602)
#define RPC_INTERNAL_ERROR (-32603)
#define RPC_FAILED (-32000)             /* the method ran and says no */

/* Longest line a server takes, newline excluded. */
#define RPC_MAX_REQUEST 65536

/* Most requests in a batch: I/O waits while they are answered. */
#define RPC_MAX_BATCH 16

/* A method: PARAMS is an object or NULL, borrowed. The result is a new
 * reference; on NULL, ERROR (size LEN) holds the message and *CODE the
 * JSON-RPC error code (preset to RPC_FAILED). */
struct ctl_method {
	const char *name;
	const char *help;
	json_t *(*call)(void *opaque, const json_t *params, int *code, char *error, size_t len);
};

/*
 * Runs the request (or batch, section 6) in LINE through METHODS, which end
 * with a NULL name. The answer is a line with its newline, *ANSWER_LEN bytes,
 * to be freed; NULL where none is due (notifications) or memory is short.
 * Calls in a batch run in order.
 */
char *rpc_serve(const struct ctl_method *methods, void *opaque, const char *line, size_t len,
		size_t *answer_len);

/* A request's line, to be freed; takes PARAMS (may be NULL). NULL: no memory. */
char *rpc_request(const char *method, json_t *params, int id, size_t *len);

/* The result in an answer's line, a new reference; on NULL, ERROR (size
 * ERROR_LEN) holds the server's message, or what is wrong with the line. */
json_t *rpc_result(const char *line, size_t len, int id, char *error, size_t error_len);

#endif
