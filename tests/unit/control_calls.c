// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "options.h"

struct fake fake;
struct fake_unit *unit;
uint8_t block[512];
struct control control;
struct peer peer = { .uid = 0, .pid = 4711, .may_change = true };
char failure[600];               /* of the last call */
int failure_code;
struct rpc_later later;
json_t *late_answer;

static uint64_t now_us(void)
{
	return fake.mpath.now_us;
}

static int begin(void)
{
	control = (struct control) { .device = fake.device, .now_us = now_us };
	peer.may_change = true;
	return 0;
}

int calls_begin(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, PATHS, true, settings_init);
	return begin();
}

static int begin_with_groups(uint8_t tpgs)
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, PATHS, false, settings_init);
	fake_alua_init(&fake, unit, tpgs, 2, 1);
	for (unsigned int i = 0; i < PATHS; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
	return begin();
}

int calls_begin_with_groups(void **state)
{
	(void)state;
	return begin_with_groups(1);
}

int calls_begin_with_explicit_groups(void **state)
{
	(void)state;
	return begin_with_groups(2);
}

int calls_end(void **state)
{
	(void)state;
	rpc_cancel(&later);
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

/* The result in ANSWER's line (freed), or NULL and failure. */
static json_t *result_of(char *answer, size_t len)
{
	json_t *message = json_loadb(answer, len, 0, NULL);
	const json_t *error = json_object_get(message, "error");
	json_t *result = json_incref(json_object_get(message, "result"));

	*failure = '\0';
	failure_code = (int)json_integer_value(json_object_get(error, "code"));
	if (error)
		snprintf(failure, sizeof(failure), "%s",
			 json_string_value(json_object_get(error, "message")));
	free(answer);
	json_decref(message);
	return result;
}

void take_late(struct rpc_later *promise, char *line, size_t len)
{
	(void)promise;
	late_answer = result_of(line, len);
}

json_t *ask(const char *method, json_t *params)
{
	size_t len = 0, answer_len = 0;
	char *line = rpc_request(method, params, 1, &len);
	char *answer;

	later = (struct rpc_later) { .ready = take_late };
	late_answer = NULL;
	answer = rpc_serve(control_methods, &control, &peer, &later, line, len, &answer_len);
	free(line);
	return answer ? result_of(answer, answer_len) : NULL;
}

void assert_changes(const char *method, json_t *params, size_t count)
{
	json_t *result = ask(method, params);

	if (!result)
		fail_msg("%s: %s", method, failure);
	assert_int_equal(json_array_size(json_object_get(result, "changes")), count);
	json_decref(result);
	mpath_run(&fake.mpath);
}

void assert_refused(const char *method, json_t *params, const char *words)
{
	struct device_settings before, after;
	json_t *result;

	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	device_get_settings(fake.device, &before);
	result = ask(method, params);
	device_get_settings(fake.device, &after);
	assert_null(result);
	assert_null(late_answer);
	if (!strstr(failure, words))
		fail_msg("%s: \"%s\" does not say \"%s\"", method, failure, words);
	assert_string_equal(before.settings.policy, after.settings.policy);
	for (unsigned int i = 0; i < PATHS; i++)
		assert_memory_equal(&before.paths[i], &after.paths[i], sizeof(before.paths[i]));
}

const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

json_t *action(const char *path, const char *name)
{
	return json_pack("{s:s, s:s}", "path", path, "action", name);
}

const struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

struct path_settings settings_of(unsigned int i)
{
	struct device_settings settings;

	device_get_settings(fake.device, &settings);
	return settings.paths[i];
}

unsigned int share_of(unsigned int i, unsigned int count)
{
	uint64_t before = fake.nexuses[i].served;

	for (unsigned int n = 0; n < count; n++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, n, 1, block), 0);
	return (unsigned int)(fake.nexuses[i].served - before);
}
