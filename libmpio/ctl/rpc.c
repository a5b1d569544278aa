// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rpc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "put.h"

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
	return json_pack("{s:s, s:{s:i, s:o}, s:o}", "jsonrpc", "2.0", "error", "code", code,
			 "message", put_clean(message), "id", id ? id : json_null());
}

static json_t *answer_result(json_t *id, json_t *result)
{
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "result", result, "id", id);
}

/*
 * Parameters
 */

static const json_t *param_of(const struct rpc_call *call, const char *name)
{
	return json_object_get(call->params, name);
}

const char *rpc_text(const struct rpc_call *call, const char *name)
{
	return json_string_value(param_of(call, name));
}

json_int_t rpc_number(const struct rpc_call *call, const char *name)
{
	return json_integer_value(param_of(call, name));
}

bool rpc_bool(const struct rpc_call *call, const char *name)
{
	return json_is_true(param_of(call, name));
}

const json_t *rpc_object(const struct rpc_call *call, const char *name)
{
	return param_of(call, name);
}

bool rpc_is_given(const struct rpc_call *call, const char *name)
{
	return param_of(call, name) != NULL;
}

json_t *rpc_refuse(struct rpc_call *call, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(call->error, sizeof(call->error), format, args);
	va_end(args);
	call->code = code;
	return NULL;
}

static const char *type_name(enum rpc_type type)
{
	static const char *const names[] = {
		[RPC_TEXT] = "text",
		[RPC_NUMBER] = "number",
		[RPC_BOOL] = "bool",
		[RPC_OBJECT] = "object",
	};

	return names[type];
}

static bool is_of_type(const json_t *value, enum rpc_type type)
{
	switch (type) {
	case RPC_TEXT:
		return json_is_string(value);
	case RPC_NUMBER:
		return json_is_integer(value);
	case RPC_BOOL:
		return json_is_boolean(value);
	case RPC_OBJECT:
		return json_is_object(value);
	}
	return false;
}

static const struct rpc_param *find_param(const struct ctl_method *method, const char *name)
{
	for (const struct rpc_param *param = method->params; param && param->name; param++)
		if (!strcmp(param->name, name))
			return param;
	return NULL;
}

static void list_params(const struct ctl_method *method, char *text, size_t len)
{
	size_t used = 0;

	snprintf(text, len, "no parameters");
	for (const struct rpc_param *param = method->params; param && param->name; param++) {
		int n = snprintf(text + used, len - used, "%s%s", used ? ", " : "", param->name);

		if (n < 0 || (size_t)n >= len - used)
			return;
		used += (size_t)n;
	}
}

static bool check_one(const struct ctl_method *method, struct rpc_call *call, const char *name,
		      const json_t *value)
{
	const struct rpc_param *param = find_param(method, name);
	char *text, list[160];

	if (!param) {
		list_params(method, list, sizeof(list));
		rpc_refuse(call, RPC_INVALID_PARAMS, "%s: unknown parameter \"%.64s\"; it takes %s",
			   method->name, name, list);
		return false;
	}
	if (!is_of_type(value, param->type)) {
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		rpc_refuse(call, RPC_INVALID_PARAMS, "%s: \"%s\" is a %s (%s), not %.64s",
			   method->name, name, type_name(param->type), param->help,
			   text ? text : "that");
		free(text);
		return false;
	}
	if (param->is_change && !call->peer->may_change) {
		rpc_refuse(call, RPC_DENIED, "%s: only root, the user the export runs as, and "
			   "members of the group mpio may change anything, or ask for \"%s\"; "
			   "this is user %u", method->name, name, (unsigned int)call->peer->uid);
		return false;
	}
	return true;
}

static bool check_params(const struct ctl_method *method, struct rpc_call *call)
{
	void *it = json_object_iter((json_t *)call->params);

	for (; it; it = json_object_iter_next((json_t *)call->params, it))
		if (!check_one(method, call, json_object_iter_key(it),
			       json_object_iter_value(it)))
			return false;
	for (const struct rpc_param *param = method->params; param && param->name; param++) {
		if (!param->is_required || rpc_is_given(call, param->name))
			continue;
		rpc_refuse(call, RPC_INVALID_PARAMS, "%s: parameter \"%s\" is missing: %s",
			   method->name, param->name, param->help);
		return false;
	}
	return true;
}

/*
 * Calls
 */

static const struct ctl_method *find(const struct ctl_method *methods, const char *name)
{
	for (; methods->name; methods++)
		if (!strcmp(methods->name, name))
			return methods;
	return NULL;
}

static json_t *run(const struct ctl_method *methods, const char *name, struct rpc_call *call)
{
	const struct ctl_method *method = find(methods, name);

	if (!method)
		return rpc_refuse(call, RPC_METHOD_NOT_FOUND, "there is no method \"%.64s\"",
				  name);
	if (call->params && !json_is_object(call->params))
		return rpc_refuse(call, RPC_INVALID_PARAMS,
				  "parameters are given by name, in an object");
	if (!check_params(method, call))
		return NULL;
	rpc_refuse(call, RPC_FAILED, "%s failed", method->name);
	return method->call(call);
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

/* Who calls what, the same for all requests in a batch. */
struct context {
	const struct ctl_method *methods;
	void *opaque;
	const struct peer *peer;
	struct rpc_later *later;
};

/* NULL for a notification, for a promise, or on lack of memory. */
static json_t *serve_one(const struct context *context, const json_t *message)
{
	struct rpc_call call = { .opaque = context->opaque, .peer = context->peer };
	json_t *id, *result;

	if (!is_request(message))
		return answer_error(NULL, RPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request");

	id = json_object_get(message, "id");
	call.params = json_object_get(message, "params");
	call.later = id ? context->later : NULL;
	result = run(context->methods, json_string_value(json_object_get(message, "method")),
		     &call);
	if (!id) {
		json_decref(result);
		return NULL;
	}
	if (call.later && call.later->is_promised) {
		call.later->id = json_incref(id);
		return NULL;
	}
	if (!result)
		return answer_error(json_incref(id), call.code, call.error);
	return answer_result(json_incref(id), result);
}

static json_t *serve_batch(const struct context *context, const json_t *batch)
{
	struct context at_once = *context;
	json_t *answers, *message;
	size_t i;

	if (json_array_size(batch) == 0 || json_array_size(batch) > RPC_MAX_BATCH)
		return answer_error(NULL, RPC_INVALID_REQUEST, "a batch holds 1 to 16 requests");
	answers = json_array();
	if (!answers)
		return NULL;
	at_once.later = NULL;
	json_array_foreach(batch, i, message) {
		json_t *answer = serve_one(&at_once, message);

		if (answer)
			json_array_append_new(answers, answer);
	}
	if (json_array_size(answers) > 0)
		return answers;
	json_decref(answers);
	return NULL;
}

char *rpc_serve(const struct ctl_method *methods, void *opaque, const struct peer *peer,
		struct rpc_later *later, const char *line, size_t len, size_t *answer_len)
{
	const struct context context = { methods, opaque, peer, later };
	json_error_t where;
	json_t *message = json_loadb(line, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
	json_t *answer;

	if (!message)
		return to_line(answer_error(NULL, RPC_PARSE_ERROR, where.text), answer_len);
	if (json_is_array(message))
		answer = serve_batch(&context, message);
	else
		answer = serve_one(&context, message);
	json_decref(message);
	return answer ? to_line(answer, answer_len) : NULL;
}

void rpc_promise(struct rpc_call *call, void (*cancelled)(void *opaque), void *opaque)
{
	assert(!call->later->is_promised);
	call->later->is_promised = true;
	call->later->cancelled = cancelled;
	call->later->opaque = opaque;
}

void rpc_answer(struct rpc_later *later, json_t *result, int code, const char *error)
{
	json_t *answer = result ? answer_result(later->id, result)
				: answer_error(later->id, code, error);
	size_t len = 0;
	char *line = to_line(answer, &len);

	later->is_promised = false;
	later->id = NULL;
	later->ready(later, line, len);
}

void rpc_cancel(struct rpc_later *later)
{
	if (!later->is_promised)
		return;
	later->is_promised = false;
	json_decref(later->id);
	later->id = NULL;
	later->cancelled(later->opaque);
}

static json_t *describe_params(const struct rpc_param *param)
{
	json_t *params = json_array();

	for (; param && param->name; param++)
		json_array_append_new(params, json_pack(
			"{s:s, s:s, s:b, s:b, s:s}", "name", param->name, "type",
			type_name(param->type), "required", param->is_required, "changes",
			param->is_change, "help", param->help));
	return params;
}

json_t *rpc_describe(const struct ctl_method *methods)
{
	json_t *all = json_object();

	for (; methods->name; methods++)
		json_object_set_new(all, methods->name, json_pack(
			"{s:s, s:o}", "help", methods->help, "params",
			describe_params(methods->params)));
	return all;
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
