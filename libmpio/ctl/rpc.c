// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rpc.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MESSAGE as one line with its newline; takes it. */
static char *to_line(json_t *message, size_t *len)
{
	char *text = message ? json_dumps(message, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	char *line = NULL;

	json_decref(message);
	if (!text)
		return NULL;
	*len = strlen(text) + 1;
	line = realloc(text, *len + 1);
	if (!line) {
		free(text);
		return NULL;
	}
	line[*len - 1] = '\n';
	line[*len] = '\0';
	return line;
}

/* Both take what they are given; ID NULL is JSON's null. */
static json_t *answer_error(json_t *id, int code, const char *message)
{
	return json_pack("{s:s, s:{s:i, s:s}, s:o}", "jsonrpc", "2.0", "error", "code", code,
			 "message", message, "id", id ? id : json_null());
}

static json_t *answer_result(json_t *id, json_t *result)
{
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "result", result, "id", id);
}

static const struct ctl_method *find(const struct ctl_method *methods, const char *name)
{
	for (; methods->name; methods++)
		if (!strcmp(methods->name, name))
			return methods;
	return NULL;
}

static json_t *call(const struct ctl_method *methods, void *opaque, const char *name,
		    const json_t *params, int *code, char *error, size_t len)
{
	const struct ctl_method *method = find(methods, name);
	json_t *result;

	if (!method) {
		*code = RPC_METHOD_NOT_FOUND;
		snprintf(error, len, "there is no method \"%.64s\"", name);
		return NULL;
	}
	if (params && !json_is_object(params)) {
		*code = RPC_INVALID_PARAMS;
		snprintf(error, len, "parameters are given by name, in an object");
		return NULL;
	}

	*code = RPC_FAILED;
	snprintf(error, len, "%s failed", method->name);
	result = method->call(opaque, params, code, error, len);
	return result;
}

/* What is not a request has no id that could be trusted. */
static bool is_request(const json_t *message)
{
	const json_t *version = json_object_get(message, "jsonrpc");
	const json_t *id = json_object_get(message, "id");

	return json_is_string(version) && !strcmp(json_string_value(version), "2.0") &&
	       json_is_string(json_object_get(message, "method")) &&
	       (!id || json_is_string(id) || json_is_number(id) || json_is_null(id));
}

/* NULL for a notification, or on lack of memory. */
static json_t *serve_one(const struct ctl_method *methods, void *opaque, const json_t *message)
{
	char error[512];
	int code;
	json_t *id, *result;

	if (!is_request(message))
		return answer_error(NULL, RPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request");

	id = json_object_get(message, "id");
	result = call(methods, opaque, json_string_value(json_object_get(message, "method")),
		      json_object_get(message, "params"), &code, error, sizeof(error));
	if (!id) {
		json_decref(result);
		return NULL;
	}
	if (!result)
		return answer_error(json_incref(id), code, error);
	return answer_result(json_incref(id), result);
}

static json_t *serve_batch(const struct ctl_method *methods, void *opaque, const json_t *batch)
{
	json_t *answers, *message;
	size_t i;

	if (json_array_size(batch) == 0 || json_array_size(batch) > RPC_MAX_BATCH)
		return answer_error(NULL, RPC_INVALID_REQUEST, "a batch holds 1 to 16 requests");
	answers = json_array();
	if (!answers)
		return NULL;
	json_array_foreach(batch, i, message) {
		json_t *answer = serve_one(methods, opaque, message);

		if (answer)
			json_array_append_new(answers, answer);
	}
	if (json_array_size(answers) > 0)
		return answers;
	json_decref(answers);
	return NULL;
}

char *rpc_serve(const struct ctl_method *methods, void *opaque, const char *line, size_t len,
		size_t *answer_len)
{
	json_error_t where;
	json_t *message = json_loadb(line, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
	json_t *answer;

	if (!message)
		return to_line(answer_error(NULL, RPC_PARSE_ERROR, where.text), answer_len);
	if (json_is_array(message))
		answer = serve_batch(methods, opaque, message);
	else
		answer = serve_one(methods, opaque, message);
	json_decref(message);
	return answer ? to_line(answer, answer_len) : NULL;
}

char *rpc_request(const char *method, json_t *params, int id, size_t *len)
{
	json_t *message = json_pack("{s:s, s:s, s:i}", "jsonrpc", "2.0", "method", method,
				    "id", id);

	if (message && params)
		json_object_set(message, "params", params);
	json_decref(params);
	return to_line(message, len);
}

/* MESSAGE's result, borrowed, or NULL with the reason in ERROR. */
static json_t *find_result(const json_t *message, int id, char *error, size_t len)
{
	const json_t *failure = json_object_get(message, "error");
	json_t *result = json_object_get(message, "result");
	const char *text = json_string_value(json_object_get(failure, "message"));

	if (failure) {
		snprintf(error, len, "%s", text ? text : "error without a message");
		return NULL;
	}
	if (!result || json_integer_value(json_object_get(message, "id")) != id) {
		snprintf(error, len, "the answer is not one to the request");
		return NULL;
	}
	return result;
}

json_t *rpc_result(const char *line, size_t len, int id, char *error, size_t error_len)
{
	json_error_t where;
	json_t *message = json_loadb(line, len, JSON_DECODE_ANY, &where);
	json_t *result;

	if (!message) {
		snprintf(error, error_len, "the answer is not JSON: %s", where.text);
		return NULL;
	}
	result = json_incref(find_result(message, id, error, error_len));
	json_decref(message);
	return result;
}
