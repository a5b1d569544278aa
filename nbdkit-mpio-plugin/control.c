// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "engine.h"
#include "pump.h"
#include "status.h"

/* PARAMS hold nothing but KEY, if that (KEY may be NULL). */
static bool check_params(const json_t *params, const char *key, int *code, char *error, size_t len)
{
	void *it = json_object_iter((json_t *)params);

	for (; it; it = json_object_iter_next((json_t *)params, it)) {
		const char *name = json_object_iter_key(it);

		if (!key || strcmp(name, key) != 0) {
			*code = RPC_INVALID_PARAMS;
			snprintf(error, len, "unknown parameter \"%.64s\"", name);
			return false;
		}
	}
	return true;
}

/* Control requests come in before the turn: the core's clock still stands
 * where the last one, maybe seconds ago, has left it. */
static void set_clock(const struct engine *engine)
{
	mpath_set_now(pump_mpath(engine->pump), uv_hrtime() / 1000);
}

static bool is_called(const struct device *device, const char *name)
{
	return !strcmp(device->name, name) ||
	       (device->dsm && !strcmp(device->unit.identity.text, name));
}

static json_t *list(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	const struct engine *engine = opaque;

	if (!check_params(params, NULL, code, error, len))
		return NULL;
	set_clock(engine);
	return json_pack("[o]", status_list(engine->device));
}

static json_t *show(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	const struct engine *engine = opaque;
	const json_t *lun = json_object_get(params, "lun");

	if (!check_params(params, "lun", code, error, len))
		return NULL;
	if (lun && !json_is_string(lun)) {
		*code = RPC_INVALID_PARAMS;
		snprintf(error, len, "\"lun\" is a name or a WWID, in a string");
		return NULL;
	}
	if (lun && !is_called(engine->device, json_string_value(lun))) {
		*code = RPC_INVALID_PARAMS;
		snprintf(error, len, "no LUN \"%.128s\" here; there is %s",
			 json_string_value(lun), engine->device->name);
		return NULL;
	}
	set_clock(engine);
	return status_show(engine->device);
}

static json_t *version(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	(void)opaque;
	if (!check_params(params, NULL, code, error, len))
		return NULL;
	return json_pack("{s:s, s:s, s:i}", "program", "nbdkit-mpio", "version", PACKAGE_VERSION,
			 "pid", (int)getpid());
}

static json_t *help(void *opaque, const json_t *params, int *code, char *error, size_t len)
{
	json_t *methods;

	(void)opaque;
	if (!check_params(params, NULL, code, error, len))
		return NULL;
	methods = json_object();
	for (const struct ctl_method *method = control_methods; method->name; method++)
		json_object_set_new(methods, method->name, json_string(method->help));
	return methods;
}

const struct ctl_method control_methods[] = {
	{ "list", "every LUN served here, with its paths' states", list },
	{ "show", "one LUN in full; \"lun\": its name or WWID", show },
	{ "version", "program, version and process ID", version },
	{ "help", "this list", help },
	{ NULL, NULL, NULL }
};
