// SPDX-License-Identifier: LGPL-2.1-or-later
/* JSON-RPC 2.0 messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rpc.h"

static unsigned int calls;

static json_t *echo(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	(void)opaque;
	(void)code;
	(void)error;
	(void)len;
	calls++;
	return params ? json_deep_copy(params) : json_null();
}

static json_t *refuse(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	(void)opaque;
	calls++;
	if (params) {
		*code = RPC_INVALID_PARAMS;
		snprintf(error, len, "no parameters, please");
	}
	return NULL;
}

static const struct ctl_method methods[] = {
	{ "echo", "its parameters", echo },
	{ "refuse", "always an error", refuse },
	{ NULL, NULL, NULL }
};

/* The answer to LINE; NULL for none. */
static json_t *serve(const char *line)
{
	size_t len;
	char *answer;
	json_t *value;

	calls = 0;
	answer = rpc_serve(methods, NULL, line, strlen(line), &len);
	if (!answer)
		return NULL;
	assert_int_equal(len, strlen(answer));
	assert_int_equal(answer[len - 1], '\n');
	assert_null(memchr(answer, '\n', len - 1));
	value = json_loadb(answer, len, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	free(answer);
	return value;
}

static void assert_answer(const char *line, const char *expected)
{
	json_t *answer = serve(line);
	json_t *wanted = json_loads(expected, JSON_DECODE_ANY, NULL);

	assert_non_null(wanted);
	assert_true(json_equal(answer, wanted));
	json_decref(answer);
	json_decref(wanted);
}

/* Just the code: the text of a parse error is the library's. */
static void assert_error(const char *line, int code)
{
	json_t *answer = serve(line);
	const json_t *error = json_object_get(answer, "error");

	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_true(json_is_string(json_object_get(error, "message")));
	assert_null(json_object_get(answer, "result"));
	assert_string_equal(json_string_value(json_object_get(answer, "jsonrpc")), "2.0");
	assert_non_null(json_object_get(answer, "id"));
	json_decref(answer);
}

static void calls_are_answered_under_their_id(void **state)
{
	(void)state;
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"a\":[1]},\"id\":7}",
		      "{\"jsonrpc\":\"2.0\",\"result\":{\"a\":[1]},\"id\":7}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":\"x\"}\r",
		      "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":\"x\"}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":null}",
		      "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":null}");
}

static void a_methods_error_reaches_the_caller(void **state)
{
	(void)state;
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"refuse\",\"params\":{},\"id\":1}",
		      "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,"
		      "\"message\":\"no parameters, please\"},\"id\":1}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"refuse\",\"id\":1}",
		      "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,"
		      "\"message\":\"refuse failed\"},\"id\":1}");
}

static void notifications_are_run_and_not_answered(void **state)
{
	(void)state;
	assert_null(serve("{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}"));
	assert_int_equal(calls, 1);
	assert_null(serve("{\"jsonrpc\":\"2.0\",\"method\":\"refuse\"}"));
	assert_null(serve("{\"jsonrpc\":\"2.0\",\"method\":\"no such\"}"));
}

static void what_is_not_json_is_a_parse_error(void **state)
{
	static const char *const lines[] = {
		"", " ", "{", "}", "{\"jsonrpc\":\"2.0\"", "hello", "[1,", "\xff\xfe",
		"{\"id\":1,\"id\":2}", "{} {}", "\"\\u0000\"", "1e999",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_error(lines[i], RPC_PARSE_ERROR);
}

static void what_is_not_a_request_is_refused(void **state)
{
	static const char *const lines[] = {
		"{}", "1", "null", "\"echo\"", "[]", "{\"method\":\"echo\",\"id\":1}",
		"{\"jsonrpc\":\"1.0\",\"method\":\"echo\",\"id\":1}",
		"{\"jsonrpc\":2.0,\"method\":\"echo\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"method\":1,\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":{}}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":true}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_error(lines[i], RPC_INVALID_REQUEST);
		assert_int_equal(calls, 0);
	}
}

static void unknown_methods_and_positions_are_refused(void **state)
{
	(void)state;
	assert_error("{\"jsonrpc\":\"2.0\",\"method\":\"ech\",\"id\":1}", RPC_METHOD_NOT_FOUND);
	assert_error("{\"jsonrpc\":\"2.0\",\"method\":\"\",\"id\":1}", RPC_METHOD_NOT_FOUND);
	assert_error("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":[1],\"id\":1}",
		     RPC_INVALID_PARAMS);
	assert_error("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":null,\"id\":1}",
		     RPC_INVALID_PARAMS);
	assert_int_equal(calls, 0);
}

static void batches_are_answered_together(void **state)
{
	(void)state;
	assert_answer("[{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1},"
		      "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"},1]",
		      "[{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":1},"
		      "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":"
		      "\"not a JSON-RPC 2.0 request\"},\"id\":null}]");
	assert_null(serve("[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]"));
}

static void batches_are_bounded(void **state)
{
	char line[64 * (RPC_MAX_BATCH + 2)] = "[";

	(void)state;
	for (int i = 0; i <= RPC_MAX_BATCH; i++)
		strcat(line, i ? ",{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}" :
		       "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":1}");
	strcat(line, "]");
	assert_error(line, RPC_INVALID_REQUEST);
	assert_int_equal(calls, 0);
}

static void requests_read_back_as_they_were_made(void **state)
{
	size_t len, answer_len;
	char error[128];
	char *request = rpc_request("echo", json_pack("{s:s}", "lun", "db01"), 5, &len);
	char *answer = rpc_serve(methods, NULL, request, len, &answer_len);
	json_t *result = rpc_result(answer, answer_len, 5, error, sizeof(error));

	(void)state;
	assert_string_equal(json_string_value(json_object_get(result, "lun")), "db01");
	json_decref(result);
	/* Somebody else's. */
	assert_null(rpc_result(answer, answer_len, 6, error, sizeof(error)));
	assert_non_null(strstr(error, "not one to the request"));
	free(answer);
	free(request);
}

static void bad_answers_say_why(void **state)
{
	static const struct { const char *line, *why; } bad[] = {
		{ "", "not JSON" }, { "nonsense", "not JSON" }, { "[]", "not one to" },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1}", "not one to" },
		{ "{\"error\":{\"code\":1,\"message\":\"too late\"},\"id\":1}", "too late" },
		{ "{\"error\":5,\"id\":1}", "without a message" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char error[128] = "";

		assert_null(rpc_result(bad[i].line, strlen(bad[i].line), 1, error,
				       sizeof(error)));
		assert_non_null(strstr(error, bad[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_answered_under_their_id),
		cmocka_unit_test(a_methods_error_reaches_the_caller),
		cmocka_unit_test(notifications_are_run_and_not_answered),
		cmocka_unit_test(what_is_not_json_is_a_parse_error),
		cmocka_unit_test(what_is_not_a_request_is_refused),
		cmocka_unit_test(unknown_methods_and_positions_are_refused),
		cmocka_unit_test(batches_are_answered_together),
		cmocka_unit_test(batches_are_bounded),
		cmocka_unit_test(requests_read_back_as_they_were_made),
		cmocka_unit_test(bad_answers_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
