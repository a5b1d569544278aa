// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_RPC_H
#define MPIO_RPC_H

/*
 * JSON-RPC 2.0 messages: a line in, a line out, no I/O. Parameters go by name
 * only. A table says what a method is called, which parameters of which type it
 * takes, and which of them change something; calls that do not fit are refused
 * before the method sees them. Any thread, as far as the methods allow it.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "peer.h"

/* Codes of JSON-RPC 2.0, section 5.1. */
#define RPC_PARSE_ERROR (-32700)
#define RPC_INVALID_REQUEST (-32600)
#define RPC_METHOD_NOT_FOUND (-32601)
#define RPC_INVALID_PARAMS (-32602)
#define RPC_INTERNAL_ERROR (-32603)
#define RPC_FAILED (-32000)             /* the method ran and says no */
#define RPC_DENIED (-32001)             /* the caller may look, but not change */

/* Longest line a server takes, newline excluded. */
#define RPC_MAX_REQUEST 65536

/* Most requests in a batch: I/O waits while they are answered. */
#define RPC_MAX_BATCH 16

enum rpc_type { RPC_TEXT, RPC_NUMBER, RPC_BOOL, RPC_OBJECT };

struct rpc_param {
	const char *name;
	enum rpc_type type;
	bool is_required;
	bool is_change;                 /* to give it is to change something */
	const char *help;
};

/*
 * An answer that comes later. The server embeds one for each client, as each
 * waits for one answer at a time, and sets ready(); the method that is called
 * with one may take it by rpc_promise().
 */
struct rpc_later {
	bool is_promised;
	json_t *id;
	/* The server's: takes LINE (LEN bytes), NULL on lack of memory. */
	void (*ready)(struct rpc_later *later, char *line, size_t len);
	/* The method's. */
	void (*cancelled)(void *opaque);
	void *opaque;
};

struct rpc_call {
	void *opaque;                   /* as given to rpc_serve() */
	const struct peer *peer;
	const json_t *params;           /* as the table wants them; NULL for none */
	struct rpc_later *later;        /* NULL: to be answered at once */
	int code;                       /* of the error, preset to RPC_FAILED */
	char error[512];
};

/* A method: the result is a new reference; NULL with code and error set, or
 * after rpc_promise(). */
struct ctl_method {
	const char *name;
	const char *help;
	json_t *(*call)(struct rpc_call *call);
	const struct rpc_param *params; /* up to a NULL name; NULL: none */
};

/* A parameter of that type; NULL or 0 where it was not given. Borrowed. */
const char *rpc_text(const struct rpc_call *call, const char *name);
json_int_t rpc_number(const struct rpc_call *call, const char *name);
bool rpc_bool(const struct rpc_call *call, const char *name);
const json_t *rpc_object(const struct rpc_call *call, const char *name);
bool rpc_is_given(const struct rpc_call *call, const char *name);

/* NULL, to return, with the error set. */
__attribute__((format(printf, 3, 4)))
json_t *rpc_refuse(struct rpc_call *call, int code, const char *format, ...);

/* The method will answer CALL, whose LATER is not NULL, by rpc_answer();
 * unless CANCELLED(OPAQUE) is called first, as nobody waits any more. */
void rpc_promise(struct rpc_call *call, void (*cancelled)(void *opaque), void *opaque);

/* Keeps a promise: RESULT (taken), or where it is NULL the error. */
void rpc_answer(struct rpc_later *later, json_t *result, int code, const char *error);

/* The server's: nobody waits any more. Does nothing where nothing is promised. */
void rpc_cancel(struct rpc_later *later);

/*
 * Runs the request (or batch, section 6) in LINE, from PEER, through METHODS,
 * which end with a NULL name. The answer is a line with its newline,
 * *ANSWER_LEN bytes, to be freed; NULL where none is due (notifications), where
 * LATER (may be NULL) is promised, or memory is short. Calls in a batch run in
 * order.
 */
char *rpc_serve(const struct ctl_method *methods, void *opaque, const struct peer *peer,
		struct rpc_later *later, const char *line, size_t len, size_t *answer_len);

/* METHODS with their parameters, for a method `help`: a new reference. */
json_t *rpc_describe(const struct ctl_method *methods);

/* A request's line, to be freed; takes PARAMS (may be NULL). NULL: no memory. */
char *rpc_request(const char *method, json_t *params, int id, size_t *len);

/* The result in an answer's line, a new reference; on NULL, ERROR (size
 * ERROR_LEN) holds the server's message, or what is wrong with the line. */
json_t *rpc_result(const char *line, size_t len, int id, char *error, size_t error_len);

#endif
