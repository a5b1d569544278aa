// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of the control protocol, as a client may send them and as a server may
 * answer.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rpc.h"

/* Parameters are of the types that the table says, whatever was sent. */
static json_t *echo(struct rpc_call *call)
{
	MUST(!call->params || json_is_object(call->params));
	MUST(!rpc_is_given(call, "text") || rpc_text(call, "text"));
	MUST(!rpc_is_given(call, "number") ||
	     json_is_integer(json_object_get(call->params, "number")));
	MUST(!rpc_is_given(call, "bool") ||
	     json_is_boolean(json_object_get(call->params, "bool")));
	MUST(!rpc_is_given(call, "object") || json_is_object(rpc_object(call, "object")));
	MUST(!rpc_is_given(call, "change") || call->peer->may_change);
	return call->params ? json_deep_copy(call->params) : json_null();
}

static json_t *show(struct rpc_call *call)
{
	MUST(rpc_text(call, "lun"));
	return rpc_refuse(call, RPC_INVALID_PARAMS, "no LUN \"%.7s\"", rpc_text(call, "lun"));
}

static void forget(void *opaque)
{
	(void)opaque;
}

static json_t *wait_for_it(struct rpc_call *call)
{
	if (!call->later)
		return NULL;
	rpc_promise(call, forget, NULL);
	return NULL;
}

static const struct rpc_param echo_params[] = {
	{ "text", RPC_TEXT, false, false, "a text" },
	{ "number", RPC_NUMBER, false, false, "a number" },
	{ "bool", RPC_BOOL, false, false, "a truth" },
	{ "object", RPC_OBJECT, false, false, "an object" },
	{ "change", RPC_TEXT, false, true, "a change" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct rpc_param show_params[] = {
	{ "lun", RPC_TEXT, true, false, "a name" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct ctl_method methods[] = {
	{ "echo", "its parameters", echo, echo_params },
	{ "show", "never finds it", show, show_params },
	{ "wait", "answered later", wait_for_it, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* Either a result or an error, never both (JSON-RPC 2.0, section 5). */
static void check_answer(const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	MUST(!strcmp(json_string_value(json_object_get(answer, "jsonrpc")), "2.0"));
	MUST(json_object_get(answer, "id"));
	MUST(!error != !json_object_get(answer, "result"));
	if (error) {
		MUST(json_is_integer(json_object_get(error, "code")));
		MUST(json_is_string(json_object_get(error, "message")));
	}
}

static void check_line(const char *line, size_t len)
{
	json_t *message;

	MUST(len > 1 && line[len - 1] == '\n');
	MUST(!memchr(line, '\n', len - 1));
	MUST(strlen(line) == len);
	message = json_loadb(line, len, 0, NULL);
	MUST(message);
	if (json_is_array(message)) {
		MUST(json_array_size(message) > 0);
		MUST(json_array_size(message) <= RPC_MAX_BATCH);
		for (size_t i = 0; i < json_array_size(message); i++)
			check_answer(json_array_get(message, i));
	} else {
		check_answer(message);
	}
	json_decref(message);
}

static void check_late(struct rpc_later *later, char *line, size_t len)
{
	MUST(!later->is_promised);
	check_line(line, len);
	free(line);
}

static void serve(const char *line, size_t len, bool may_change)
{
	const struct peer peer = { .uid = 65534, .may_change = may_change };
	struct rpc_later later = { .ready = check_late };
	size_t answer_len = 0;
	char *answer = rpc_serve(methods, NULL, &peer, &later, line, len, &answer_len);

	if (answer)
		check_line(answer, answer_len);
	free(answer);
	if (!later.is_promised)
		return;
	MUST(!answer);
	if (len % 2)
		rpc_answer(&later, json_null(), 0, NULL);
	else
		rpc_cancel(&later);
	MUST(!later.id);
}

static void read_answer(const char *line, size_t len)
{
	char error[64];
	json_t *result;

	memset(error, 0x5a, sizeof(error));
	result = rpc_result(line, len, 1, error, sizeof(error));
	MUST(result || memchr(error, '\0', sizeof(error)));
	json_decref(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* As the server splits what it receives; each line in memory of its
	 * exact size, so that overreads are seen. */
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		char *line = malloc(len ? len : 1);

		if (!line)
			return 0;
		memcpy(line, data, len);
		serve(line, len, true);
		serve(line, len, false);
		read_answer(line, len);
		free(line);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	return 0;
}
