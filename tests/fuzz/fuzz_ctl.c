// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lines of the control protocol, as a client may send them and as a server may
 * answer.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rpc.h"

static json_t *echo(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	(void)opaque;
	(void)code;
	(void)error;
	MUST(len > 0);
	MUST(!params || json_is_object(params));
	return params ? json_deep_copy(params) : json_null();
}

static json_t *show(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	const char *lun = json_string_value(json_object_get(params, "lun"));

	(void)opaque;
	if (!lun) {
		*code = RPC_INVALID_PARAMS;
		return NULL;
	}
	MUST(len > strlen("no LUN"));
	memcpy(error, "no LUN", sizeof("no LUN"));
	return NULL;
}

static const struct ctl_method methods[] = {
	{ "echo", "its parameters", echo },
	{ "show", "never finds it", show },
	{ NULL, NULL, NULL }
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

static void serve(const char *line, size_t len)
{
	size_t answer_len = 0;
	char *answer = rpc_serve(methods, NULL, line, len, &answer_len);

	if (answer)
		check_line(answer, answer_len);
	free(answer);
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
		serve(line, len);
		read_answer(line, len);
		free(line);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	return 0;
}
