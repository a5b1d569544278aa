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
static struct rpc_later *promised;
static unsigned int cancellations;
static char *late_line;

static json_t *echo(struct rpc_call *call)
{
	calls++;
	return call->params ? json_deep_copy(call->params) : json_null();
}

static json_t *refuse(struct rpc_call *call)
{
	calls++;
	if (rpc_is_given(call, "why"))
		return rpc_refuse(call, RPC_INVALID_PARAMS, "%s", rpc_text(call, "why"));
	return NULL;
}

static void cancelled(void *opaque)
{
	assert_ptr_equal(opaque, &promised);
	cancellations++;
}

static json_t *wait_for_it(struct rpc_call *call)
{
	calls++;
	promised = call->later;
	if (!call->later)
		return rpc_refuse(call, RPC_FAILED, "not now, not ever");
	rpc_promise(call, cancelled, &promised);
	return NULL;
}

static const struct rpc_param echo_params[] = {
	{ "a", RPC_TEXT, false, false, "a text" },
	{ "n", RPC_NUMBER, false, false, "a number" },
	{ "b", RPC_BOOL, false, false, "a truth" },
	{ "o", RPC_OBJECT, false, false, "an object" },
	{ "set", RPC_TEXT, false, true, "a change" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct rpc_param refuse_params[] = {
	{ "why", RPC_TEXT, false, false, "a reason" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct rpc_param must_params[] = {
	{ "this", RPC_TEXT, true, false, "what has to be said" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct ctl_method methods[] = {
	{ "echo", "its parameters", echo, echo_params },
	{ "refuse", "always an error", refuse, refuse_params },
	{ "must", "wants one", echo, must_params },
	{ "none", "takes none", echo, NULL },
	{ "wait", "is answered later", wait_for_it, NULL },
	{ NULL, NULL, NULL, NULL }
};

static const struct peer master = { .uid = 0, .pid = 1, .may_change = true };
static const struct peer guest = { .uid = 65534, .pid = 2, .may_change = false };

/* The answer of LINE's bytes, freed; NULL for none. */
static json_t *parsed(char *answer, size_t len)
{
	json_t *value;

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

static json_t *serve_to(const struct peer *peer, const char *line)
{
	size_t len = 0;
	char *answer;

	calls = 0;
	answer = rpc_serve(methods, NULL, peer, NULL, line, strlen(line), &len);
	return parsed(answer, len);
}

/* The answer to LINE; NULL for none. */
static json_t *serve(const char *line)
{
	return serve_to(&master, line);
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
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"a\":\"1\"},\"id\":7}",
		      "{\"jsonrpc\":\"2.0\",\"result\":{\"a\":\"1\"},\"id\":7}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":\"x\"}\r",
		      "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":\"x\"}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":null}",
		      "{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":null}");
}

static void a_methods_error_reaches_the_caller(void **state)
{
	(void)state;
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"refuse\",\"params\":"
		      "{\"why\":\"no parameters, please\"},\"id\":1}",
		      "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,"
		      "\"message\":\"no parameters, please\"},\"id\":1}");
	assert_answer("{\"jsonrpc\":\"2.0\",\"method\":\"refuse\",\"id\":1}",
		      "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,"
		      "\"message\":\"refuse failed\"},\"id\":1}");
}

/* LINE is refused with CODE, and the message has WORDS. */
static void assert_refused(const struct peer *peer, const char *line, int code,
			   const char *words)
{
	json_t *answer = serve_to(peer, line);
	const json_t *error = json_object_get(answer, "error");
	const char *message = json_string_value(json_object_get(error, "message"));

	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_non_null(message);
	if (!strstr(message, words))
		fail_msg("\"%s\" does not say \"%s\"", message, words);
	assert_int_equal(calls, 0);
	json_decref(answer);
}

#define CALL(method, params) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":{" params "},\"id\":1}"

static void parameters_are_checked_before_the_method_runs(void **state)
{
	(void)state;
	assert_refused(&master, CALL("echo", "\"b1\":true"), RPC_INVALID_PARAMS,
		       "echo: unknown parameter \"b1\"; it takes a, n, b, o, set");
	assert_refused(&master, CALL("none", "\"a\":\"x\""), RPC_INVALID_PARAMS,
		       "none: unknown parameter \"a\"; it takes no parameters");
	assert_refused(&master, CALL("echo", "\"a\":7"), RPC_INVALID_PARAMS,
		       "echo: \"a\" is a text (a text), not 7");
	assert_refused(&master, CALL("echo", "\"a\":null"), RPC_INVALID_PARAMS, "not null");
	assert_refused(&master, CALL("echo", "\"n\":\"7\""), RPC_INVALID_PARAMS, "is a number");
	assert_refused(&master, CALL("echo", "\"n\":7.5"), RPC_INVALID_PARAMS, "not 7.5");
	assert_refused(&master, CALL("echo", "\"b\":1"), RPC_INVALID_PARAMS, "is a bool");
	assert_refused(&master, CALL("echo", "\"o\":[]"), RPC_INVALID_PARAMS, "is a object");
	assert_refused(&master, CALL("must", ""), RPC_INVALID_PARAMS,
		       "must: parameter \"this\" is missing: what has to be said");
	assert_refused(&master, "{\"jsonrpc\":\"2.0\",\"method\":\"must\",\"id\":1}",
		       RPC_INVALID_PARAMS, "is missing");
	json_decref(serve(CALL("echo", "\"a\":\"\",\"n\":-7,\"b\":false,\"o\":{}")));
	assert_int_equal(calls, 1);
}

static void who_may_only_look_cannot_change(void **state)
{
	(void)state;
	assert_refused(&guest, CALL("echo", "\"set\":\"x\""), RPC_DENIED, "user 65534");
	assert_refused(&guest, CALL("echo", "\"a\":\"1\",\"set\":\"x\""), RPC_DENIED,
		       "ask for \"set\"");
	/* Neither in a batch, nor in silence. */
	json_decref(serve_to(&guest, "[" CALL("echo", "\"set\":\"x\"") "]"));
	assert_int_equal(calls, 0);
	assert_null(serve_to(&guest, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\","
			     "\"params\":{\"set\":\"x\"}}"));
	assert_int_equal(calls, 0);
	json_decref(serve_to(&guest, CALL("echo", "\"a\":\"1\"")));
	assert_int_equal(calls, 1);
	json_decref(serve(CALL("echo", "\"set\":\"x\"")));
	assert_int_equal(calls, 1);
}

static void take_line(struct rpc_later *later, char *line, size_t len)
{
	assert_false(later->is_promised);
	assert_int_equal(strlen(line), len);
	late_line = line;
}

static char *serve_later(struct rpc_later *later, const char *line)
{
	size_t len = 0;

	promised = NULL;
	late_line = NULL;
	cancellations = 0;
	*later = (struct rpc_later) { .ready = take_line };
	return rpc_serve(methods, NULL, &master, later, line, strlen(line), &len);
}

static void answers_that_come_later_keep_their_id(void **state)
{
	struct rpc_later later;
	json_t *answer;

	(void)state;
	assert_null(serve_later(&later, "{\"jsonrpc\":\"2.0\",\"method\":\"wait\",\"id\":\"x\"}"));
	assert_true(later.is_promised);
	assert_ptr_equal(promised, &later);
	rpc_answer(&later, json_integer(5), 0, NULL);
	answer = parsed(late_line, strlen(late_line));
	assert_int_equal(json_integer_value(json_object_get(answer, "result")), 5);
	assert_string_equal(json_string_value(json_object_get(answer, "id")), "x");
	json_decref(answer);

	assert_null(serve_later(&later, CALL("wait", "")));
	rpc_answer(&later, NULL, RPC_FAILED, "gone");
	assert_non_null(strstr(late_line, "\"message\":\"gone\""));
	free(late_line);
	rpc_cancel(&later);
	assert_int_equal(cancellations, 0);
}

static void a_promise_is_cancelled_once(void **state)
{
	struct rpc_later later;

	(void)state;
	assert_null(serve_later(&later, CALL("wait", "")));
	rpc_cancel(&later);
	rpc_cancel(&later);
	assert_int_equal(cancellations, 1);
	assert_null(late_line);
}

static void what_cannot_be_answered_later_is_told_at_once(void **state)
{
	struct rpc_later later;
	char *answer;

	(void)state;
	assert_null(serve_later(&later, "{\"jsonrpc\":\"2.0\",\"method\":\"wait\"}"));
	assert_false(later.is_promised);
	answer = serve_later(&later, "[" CALL("wait", "") "]");
	assert_false(later.is_promised);
	assert_non_null(strstr(answer, "not now"));
	free(answer);
}

static void texts_that_are_cut_or_foreign_do_not_cost_the_answer(void **state)
{
	char line[512] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x";

	(void)state;
	/* 64 bytes end in the middle of one. */
	for (int i = 0; i < 60; i++)
		strcat(line, "\303\274");
	strcat(line, "\"}");
	assert_refused(&master, line, RPC_METHOD_NOT_FOUND, "there is no method");
}

static void the_table_describes_itself(void **state)
{
	json_t *all = rpc_describe(methods);
	const json_t *params = json_object_get(json_object_get(all, "echo"), "params");
	const json_t *set = json_array_get(params, 4);

	(void)state;
	assert_int_equal(json_object_size(all), 5);
	assert_int_equal(json_array_size(params), 5);
	assert_string_equal(json_string_value(json_object_get(set, "name")), "set");
	assert_string_equal(json_string_value(json_object_get(set, "type")), "text");
	assert_true(json_is_true(json_object_get(set, "changes")));
	assert_true(json_is_false(json_object_get(set, "required")));
	json_decref(all);
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
	char *request = rpc_request("echo", json_pack("{s:s}", "a", "db01"), 5, &len);
	char *answer = rpc_serve(methods, NULL, &master, NULL, request, len, &answer_len);
	json_t *result = rpc_result(answer, answer_len, 5, error, sizeof(error));

	(void)state;
	assert_string_equal(json_string_value(json_object_get(result, "a")), "db01");
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
		cmocka_unit_test(parameters_are_checked_before_the_method_runs),
		cmocka_unit_test(who_may_only_look_cannot_change),
		cmocka_unit_test(answers_that_come_later_keep_their_id),
		cmocka_unit_test(a_promise_is_cancelled_once),
		cmocka_unit_test(what_cannot_be_answered_later_is_told_at_once),
		cmocka_unit_test(texts_that_are_cut_or_foreign_do_not_cost_the_answer),
		cmocka_unit_test(the_table_describes_itself),
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
