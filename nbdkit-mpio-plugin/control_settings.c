// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The settings of a device as one value: what somebody who is to restore them
 * has to keep. Options are texts, as in the configuration; a path is known by
 * portal, target and LUN, as its number may be another at the next start, or by
 * its number where those are not said. What a value does not mention stays.
 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "luns.h"
#include "options.h"
#include "transport.h"

#define FORMAT_VERSION 1

/*
 * Writing
 */

/* Which policy the LUN itself asks for; null where it does not. */
static json_t *own_policy(const struct device_settings *settings)
{
	bool is_own = settings->policy_source && !strcmp(settings->policy_source, "lun");

	return is_own ? json_string(settings->settings.policy) : json_null();
}

static json_t *write_options(const struct device_settings *settings)
{
	size_t count;
	const struct option *options = options_all(&count);
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		char value[96];

		option_format(&settings->settings, &options[i], value, sizeof(value));
		json_object_set_new(object, options[i].name,
				    options[i].type == OPTION_POLICY ? own_policy(settings)
								     : json_string(value));
	}
	return object;
}

static json_t *write_path(const struct path *path, const struct path_settings *settings)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:I, s:b, s:b, s:b}", "id", path->id, "portal",
			 path->transport->portal, "target", path->transport->target, "lun",
			 lun_to_number(path->lun), "weight", (json_int_t)settings->weight,
			 "standby", settings->is_standby, "preferred", settings->is_preferred,
			 "disabled", settings->is_disabled);
}

json_t *control_settings(const struct device *device)
{
	struct device_settings settings;
	json_t *paths = json_array();

	device_get_settings(device, &settings);
	for (unsigned int i = 0; i < device->npaths; i++)
		json_array_append_new(paths, write_path(device->paths[i], &settings.paths[i]));
	return json_pack("{s:i, s:s, s:s, s:o, s:o}", "version", FORMAT_VERSION, "name",
			 device->name, "wwid", device->dsm ? device->unit.identity.text : "",
			 "options", write_options(&settings), "paths", paths);
}

/*
 * Reading
 */

/* KEY's VALUE is not what it should be. */
static bool is_bad(struct rpc_call *call, const char *where, const char *key,
		   const json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	rpc_refuse(call, RPC_INVALID_PARAMS, "settings: %s\"%.64s\" is %s, not %.64s", where,
		   key, wanted, text ? text : "that");
	free(text);
	return false;
}

static bool read_option(struct rpc_call *call, const struct device *device, const char *key,
			const json_t *value, struct device_settings *wanted)
{
	const struct option *option = option_find(key);
	char error[320];

	if (!option) {
		rpc_refuse(call, RPC_INVALID_PARAMS, "settings: there is no option \"%.64s\"",
			   key);
		return false;
	}
	if (option->type == OPTION_POLICY && json_is_null(value)) {
		control_default_policy(call->opaque, device, wanted);
		return true;
	}
	if (!json_is_string(value))
		return is_bad(call, "option ", key, value, "a text, as in the configuration");
	if (option_set(&wanted->settings, option, json_string_value(value), error,
		       sizeof(error))) {
		rpc_refuse(call, RPC_INVALID_PARAMS, "settings: %s", error);
		return false;
	}
	if (option->type == OPTION_POLICY)
		wanted->policy_source = "lun";
	return true;
}

static bool read_options(struct rpc_call *call, const struct device *device,
			 const json_t *options, struct device_settings *wanted)
{
	void *it = json_object_iter((json_t *)options);

	for (; it; it = json_object_iter_next((json_t *)options, it))
		if (!read_option(call, device, json_object_iter_key(it),
				 json_object_iter_value(it), wanted))
			return false;
	return true;
}

static bool is_text(const json_t *value, const char *text)
{
	return json_is_string(value) && !strcmp(json_string_value(value), text);
}

/* ENTRY says nothing that PATH is not. */
static bool fits(const json_t *entry, const struct path *path)
{
	const json_t *portal = json_object_get(entry, "portal");
	const json_t *target = json_object_get(entry, "target");
	const json_t *lun = json_object_get(entry, "lun");

	if (!portal && !target && !lun)
		return is_text(json_object_get(entry, "id"), path->id);
	return (!portal || is_text(portal, path->transport->portal)) &&
	       (!target || is_text(target, path->transport->target)) &&
	       (!lun || (json_is_integer(lun) &&
			 json_integer_value(lun) == lun_to_number(path->lun)));
}

/* The one path that ENTRY means; NULL: refused. */
static const struct path *find_path(struct rpc_call *call, const struct device *device,
				    const json_t *entry)
{
	const struct path *found = NULL;
	unsigned int count = 0;
	char *text;

	for (unsigned int i = 0; i < device->npaths; i++) {
		if (!fits(entry, device->paths[i]))
			continue;
		found = device->paths[i];
		count++;
	}
	if (count == 1)
		return found;
	text = json_dumps(entry, JSON_COMPACT | JSON_ENCODE_ANY);
	rpc_refuse(call, RPC_INVALID_PARAMS, "settings: %s %.200s",
		   count ? "several paths are" : "there is no path", text ? text : "");
	free(text);
	return NULL;
}

static bool read_flag(struct rpc_call *call, const json_t *entry, const char *key, bool *flag)
{
	const json_t *value = json_object_get(entry, key);

	if (!value)
		return true;
	if (!json_is_boolean(value))
		return is_bad(call, "a path's ", key, value, "true or false");
	*flag = json_is_true(value);
	return true;
}

static bool read_weight(struct rpc_call *call, const json_t *entry, uint32_t *weight)
{
	const json_t *value = json_object_get(entry, "weight");

	if (!value)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > UINT32_MAX)
		return is_bad(call, "a path's ", "weight", value, "0 to 4294967295");
	*weight = (uint32_t)json_integer_value(value);
	return true;
}

/* KEYS are all there may be, up to NULL. */
static bool has_only(struct rpc_call *call, const char *where, const json_t *object,
		     const char *const *keys)
{
	void *it = json_object_iter((json_t *)object);

	for (; it; it = json_object_iter_next((json_t *)object, it)) {
		const char *key = json_object_iter_key(it);
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key) != 0)
			i++;
		if (keys[i])
			continue;
		rpc_refuse(call, RPC_INVALID_PARAMS, "settings: unknown member \"%.64s\"%s", key,
			   where);
		return false;
	}
	return true;
}

static bool read_path(struct rpc_call *call, const struct device *device, const json_t *entry,
		      struct device_settings *wanted, bool *is_read)
{
	static const char *const keys[] = {
		"id", "portal", "target", "lun", "weight", "standby", "preferred", "disabled",
		NULL
	};
	struct path_settings *settings;
	const struct path *path;

	if (!json_is_object(entry))
		return is_bad(call, "a member of ", "paths", entry, "an object");
	if (!has_only(call, " of a path", entry, keys))
		return false;
	path = find_path(call, device, entry);
	if (!path)
		return false;
	if (is_read[path->index]) {
		rpc_refuse(call, RPC_INVALID_PARAMS, "settings: path %s (%s) is there twice",
			   path->id, path->transport->portal);
		return false;
	}
	is_read[path->index] = true;
	settings = &wanted->paths[path->index];
	return read_weight(call, entry, &settings->weight) &&
	       read_flag(call, entry, "standby", &settings->is_standby) &&
	       read_flag(call, entry, "preferred", &settings->is_preferred) &&
	       read_flag(call, entry, "disabled", &settings->is_disabled);
}

static bool read_paths(struct rpc_call *call, const struct device *device,
		       const json_t *paths, struct device_settings *wanted)
{
	bool is_read[MPIO_MAX_PATHS] = { false };
	size_t i;
	json_t *entry;

	json_array_foreach(paths, i, entry)
		if (!read_path(call, device, entry, wanted, is_read))
			return false;
	return true;
}

bool control_settings_read(struct rpc_call *call, const struct device *device,
			   const json_t *value, struct device_settings *wanted)
{
	/* Name and WWID say where it came from. */
	static const char *const keys[] = {
		"version", "name", "wwid", "options", "paths", NULL
	};
	const json_t *version = json_object_get(value, "version");
	const json_t *options = json_object_get(value, "options");
	const json_t *paths = json_object_get(value, "paths");

	if (!has_only(call, "", value, keys))
		return false;
	if (version && (!json_is_integer(version) ||
			json_integer_value(version) != FORMAT_VERSION))
		return is_bad(call, "", "version", version, "1");
	if (options && !json_is_object(options))
		return is_bad(call, "", "options", options, "an object");
	if (paths && !json_is_array(paths))
		return is_bad(call, "", "paths", paths, "an array");
	return (!options || read_options(call, device, options, wanted)) &&
	       (!paths || read_paths(call, device, paths, wanted));
}
