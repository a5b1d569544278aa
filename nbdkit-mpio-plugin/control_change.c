// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "options.h"
#include "resolve.h"

#define VALUE_MAX 96

/*
 * Telling what is another now: to the caller, and as events that name him.
 */

struct change {
	struct rpc_call *call;
	struct device *device;
	json_t *changes;
};

static void tell(struct change *change, const struct path *path, const char *what,
		 const char *from, const char *to)
{
	const struct peer *peer = change->call->peer;
	json_t *entry;

	if (!strcmp(from, to))
		return;
	mpath_emit(change->device->mpath, EVENT_ADMIN_CHANGE, change->device, path, NULL,
		   "%s: %s, before %s, by user %u (process %d)", what, to, from,
		   (unsigned int)peer->uid, (int)peer->pid);
	entry = json_pack("{s:s, s:s, s:s}", "what", what, "from", from, "to", to);
	json_object_set_new(entry, "path", path ? json_string(path->id) : json_null());
	json_array_append_new(change->changes, entry);
}

static void policy_text(const struct device *device, char *text, size_t len)
{
	snprintf(text, len, "%s (%s)", device->policy->name, device->policy_source);
}

static void tell_options(struct change *change, const struct settings *from,
			 const struct settings *to)
{
	size_t count;
	const struct option *options = options_all(&count);

	for (size_t i = 0; i < count; i++) {
		char old[VALUE_MAX], new[VALUE_MAX];

		if (options[i].type == OPTION_POLICY)
			continue;
		option_format(from, &options[i], old, sizeof(old));
		option_format(to, &options[i], new, sizeof(new));
		tell(change, NULL, options[i].name, old, new);
	}
}

static void tell_path(struct change *change, const struct path *path,
		      const struct path_settings *from, const struct path_settings *to)
{
	static const char *const words[] = { "no", "yes" };
	char old[32], new[32];

	snprintf(old, sizeof(old), "%" PRIu32, from->weight);
	snprintf(new, sizeof(new), "%" PRIu32, to->weight);
	tell(change, path, "weight", old, new);
	tell(change, path, "preferred", words[from->is_preferred], words[to->is_preferred]);
	tell(change, path, "standby", words[from->is_standby], words[to->is_standby]);
	tell(change, path, "disabled", words[from->is_disabled], words[to->is_disabled]);
}

static json_t *result_of(struct change *change)
{
	return json_pack("{s:s, s:o}", "name", change->device->name, "changes",
			 change->changes);
}

json_t *control_apply(struct rpc_call *call, struct device *device,
		      const struct device_settings *wanted)
{
	struct change change = { .call = call, .device = device };
	char old_policy[VALUE_MAX], new_policy[VALUE_MAX], error[256];
	struct device_settings from, to;
	int failed;

	device_get_settings(device, &from);
	policy_text(device, old_policy, sizeof(old_policy));
	failed = device_apply(device, wanted, error, sizeof(error));
	if (failed)
		return rpc_refuse(call, failed == -EINVAL ? RPC_INVALID_PARAMS : RPC_FAILED,
				  "%s: nothing was changed: %s", device->name, error);

	device_get_settings(device, &to);
	policy_text(device, new_policy, sizeof(new_policy));
	change.changes = json_array();
	tell(&change, NULL, "policy", old_policy, new_policy);
	tell_options(&change, &from.settings, &to.settings);
	for (unsigned int i = 0; i < to.npaths; i++)
		tell_path(&change, device->paths[i], &from.paths[i], &to.paths[i]);
	return result_of(&change);
}

/*
 * What applies where nothing was set here
 */

/* OPTION's value goes into SETTINGS. */
static enum option_source resolve(const struct control *control, const struct device *device,
				  const struct option *option, struct settings *settings)
{
	static const struct resolver nothing;

	return resolve_option(control->resolver ? control->resolver : &nothing,
			      device->dsm ? &device->unit : NULL, option, settings);
}

void control_default_policy(const struct control *control, const struct device *device,
			    struct device_settings *wanted)
{
	enum option_source source = resolve(control, device, option_find("policy"),
					    &wanted->settings);

	wanted->policy_source = option_source_name(source);
}

/*
 * The policy
 */

static json_t *list_policies(void)
{
	json_t *list = json_array();

	for (const struct policy_ops *const *policy = policy_all(); *policy; policy++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", (*policy)->name,
						      "rule", (*policy)->rule));
	return list;
}

static json_t *show_policy(const struct device *device)
{
	char failback[VALUE_MAX];

	option_format(&device->settings, option_find("failback"), failback, sizeof(failback));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", device->name, "policy",
			 device->policy->name, "policy_source", device->policy_source,
			 "failback", failback, "policies", list_policies());
}

/* VALUE for OPTION, if it is given. False: refused. */
static bool set_option(struct rpc_call *call, const struct device *device,
		       struct device_settings *wanted, const struct option *option,
		       const char *value)
{
	char error[320];

	if (!value)
		return true;
	if (option->type == OPTION_POLICY && !strcmp(value, "default")) {
		control_default_policy(call->opaque, device, wanted);
		return true;
	}
	if (option_set(&wanted->settings, option, value, error, sizeof(error))) {
		rpc_refuse(call, RPC_INVALID_PARAMS, "%s", error);
		return false;
	}
	if (option->type == OPTION_POLICY)
		wanted->policy_source = "lun";
	return true;
}

json_t *control_policy(struct rpc_call *call)
{
	struct device *device = control_device(call);
	struct device_settings wanted;

	if (!device)
		return NULL;
	if (!rpc_is_given(call, "policy") && !rpc_is_given(call, "failback"))
		return show_policy(device);
	device_get_settings(device, &wanted);
	if (!set_option(call, device, &wanted, option_find("policy"),
			rpc_text(call, "policy")) ||
	    !set_option(call, device, &wanted, option_find("failback"),
			rpc_text(call, "failback")))
		return NULL;
	return control_apply(call, device, &wanted);
}

/*
 * One path
 */

static void set_standby(struct path_settings *settings)
{
	settings->is_standby = true;
}

static void set_disabled(struct path_settings *settings)
{
	settings->is_disabled = true;
}

/* Whatever kept it from carrying I/O. */
static void set_enabled(struct path_settings *settings)
{
	settings->is_disabled = false;
	settings->is_standby = false;
}

static void set_preferred(struct path_settings *settings)
{
	settings->is_preferred = true;
}

static void set_not_preferred(struct path_settings *settings)
{
	settings->is_preferred = false;
}

static const struct {
	const char *name;
	/* What it does to the settings, or to the path as it is. */
	void (*set)(struct path_settings *settings);
	int (*act)(struct device *device, struct path *path, char *error, size_t len);
} actions[] = {
	{ "standby", set_standby, NULL },
	{ "disable", set_disabled, NULL },
	{ "enable", set_enabled, NULL },
	{ "preferred", set_preferred, NULL },
	{ "not-preferred", set_not_preferred, NULL },
	{ "activate", NULL, device_activate_path },
	{ "fail", NULL, device_fail_path },
};

static void active_text(const struct device *device, char *text, size_t len)
{
	const struct path *active = device->policy->active ?
		device->policy->active(device->policy_context) : NULL;

	snprintf(text, len, "%s", active ? active->id : "all");
}

/* An array that is told to activate a path's group does so in its own time. */
static void tell_request(struct change *change, const struct path *path)
{
	const struct device *device = change->device;

	if (device->alua.has_wish && device->alua.wish == path &&
	    path->array_state != PATH_ACTIVE_OPTIMIZED)
		tell(change, path, "access state", path_state_name(path->array_state),
		     "active-optimized, asked for");
}

static json_t *act(struct rpc_call *call, struct device *device, struct path *path,
		   int (*action)(struct device *, struct path *, char *, size_t))
{
	struct change change = { .call = call, .device = device };
	char old_active[16], new_active[16], error[256];
	enum path_state from = path->state;
	int failed;

	active_text(device, old_active, sizeof(old_active));
	failed = action(device, path, error, sizeof(error));
	if (failed)
		return rpc_refuse(call, failed == -EINVAL ? RPC_INVALID_PARAMS : RPC_FAILED,
				  "%s: path %s: %s", device->name, path->id, error);
	active_text(device, new_active, sizeof(new_active));
	change.changes = json_array();
	tell(&change, path, "state", path_state_name(from), path_state_name(path->state));
	tell(&change, NULL, "active path", old_active, new_active);
	tell_request(&change, path);
	return result_of(&change);
}

static json_t *set_weight(struct rpc_call *call, struct device *device, struct path *path)
{
	struct device_settings wanted;
	json_int_t weight = rpc_number(call, "weight");

	if (!rpc_is_given(call, "weight"))
		return rpc_refuse(call, RPC_INVALID_PARAMS,
				  "path: the action \"weight\" needs a weight");
	if (weight < 0 || weight > UINT32_MAX)
		return rpc_refuse(call, RPC_INVALID_PARAMS, "path: weight %" JSON_INTEGER_FORMAT
				  " is not in the range 0 to %" PRIu32, weight, UINT32_MAX);
	device_get_settings(device, &wanted);
	wanted.paths[path->index].weight = (uint32_t)weight;
	return control_apply(call, device, &wanted);
}

static json_t *set_path(struct rpc_call *call, struct device *device, struct path *path,
			void (*set)(struct path_settings *settings))
{
	struct device_settings wanted;

	device_get_settings(device, &wanted);
	/* The one before is so no longer. */
	for (unsigned int i = 0; set == set_preferred && i < wanted.npaths; i++)
		wanted.paths[i].is_preferred = false;
	set(&wanted.paths[path->index]);
	return control_apply(call, device, &wanted);
}

json_t *control_path_action(struct rpc_call *call)
{
	struct device *device = control_device(call);
	struct path *path = device ? control_path(call, device) : NULL;
	const char *name = rpc_text(call, "action");

	if (!path)
		return NULL;
	if (!strcmp(name, "weight"))
		return set_weight(call, device, path);
	if (rpc_is_given(call, "weight"))
		return rpc_refuse(call, RPC_INVALID_PARAMS,
				  "path: a weight goes with the action \"weight\", not \"%.32s\"",
				  name);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		if (actions[i].set)
			return set_path(call, device, path, actions[i].set);
		return act(call, device, path, actions[i].act);
	}
	return rpc_refuse(call, RPC_INVALID_PARAMS, "path: unknown action \"%.32s\"; there are "
			  "activate, standby, disable, enable, fail, preferred, not-preferred, "
			  "weight", name);
}

/*
 * Timers: every option but the policy
 */

static json_t *show_timer(const struct control *control, const struct option *option)
{
	const struct device *device = control->device;
	char value[VALUE_MAX], configured[VALUE_MAX], range[VALUE_MAX];
	struct settings settings;
	enum option_source source;

	settings_init(&settings);
	source = resolve(control, device, option, &settings);
	option_format(&settings, option, configured, sizeof(configured));
	option_format(&device->settings, option, value, sizeof(value));
	option_format_range(option, range, sizeof(range));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", option->name, "value", value,
			 "default", option->default_text, "range", range, "source",
			 strcmp(value, configured) ? "changed" : option_source_name(source),
			 "help", option->help);
}

static json_t *show_timers(const struct control *control, const struct option *only)
{
	size_t count;
	const struct option *options = options_all(&count);
	json_t *timers = json_array();

	for (size_t i = 0; i < count; i++)
		if (options[i].type != OPTION_POLICY && (!only || only == &options[i]))
			json_array_append_new(timers, show_timer(control, &options[i]));
	return json_pack("{s:s, s:o}", "name", control->device->name, "timers", timers);
}

json_t *control_timers(struct rpc_call *call)
{
	struct device *device = control_device(call);
	const char *key = rpc_text(call, "key"), *value = rpc_text(call, "value");
	const struct option *option = key ? option_find(key) : NULL;
	struct device_settings wanted;

	if (!device)
		return NULL;
	if (key && !option)
		return rpc_refuse(call, RPC_INVALID_PARAMS, "timers: there is no option "
				  "\"%.64s\"; without a key all are shown", key);
	if (option && option->type == OPTION_POLICY)
		return rpc_refuse(call, RPC_INVALID_PARAMS,
				  "timers: \"%s\" has a method of its own", option->name);
	if (!value)
		return show_timers(call->opaque, option);
	if (!option)
		return rpc_refuse(call, RPC_INVALID_PARAMS,
				  "timers: the value \"%.64s\" needs a key", value);
	device_get_settings(device, &wanted);
	if (!set_option(call, device, &wanted, option, value))
		return NULL;
	return control_apply(call, device, &wanted);
}

json_t *control_settings_call(struct rpc_call *call)
{
	struct device *device = control_device(call);
	struct device_settings wanted;

	if (!device)
		return NULL;
	if (!rpc_is_given(call, "settings"))
		return control_settings(device);
	device_get_settings(device, &wanted);
	if (!control_settings_read(call, device, rpc_object(call, "settings"), &wanted))
		return NULL;
	return control_apply(call, device, &wanted);
}
