// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device_settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "transport.h"

__attribute__((format(printf, 3, 4)))
static int refuse(char *error, size_t len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, len, format, args);
	va_end(args);
	return -EINVAL;
}

/*
 * The check
 */

static int check_marks(const struct device *device, const struct device_settings *wanted,
		       char *error, size_t len)
{
	const struct path *preferred = NULL;
	bool has_active = !wanted->npaths;

	if (wanted->npaths != device->npaths)
		return refuse(error, len, "settings for %u paths, the device has %u",
			      wanted->npaths, device->npaths);
	for (unsigned int i = 0; i < wanted->npaths; i++) {
		const struct path_settings *marks = &wanted->paths[i];
		const struct path *path = device->paths[i];

		if (marks->is_preferred && preferred)
			return refuse(error, len, "paths %s and %s are both preferred",
				      preferred->id, path->id);
		if (marks->is_preferred)
			preferred = path;
		has_active |= !marks->is_standby && !marks->is_disabled;
	}
	if (!has_active)
		return refuse(error, len, "every path is standby or disabled: one must be active");
	return 0;
}

/* Windows refuses it, too: whoever means it stops the export. */
static int check_last(const struct device *device, const struct device_settings *wanted,
		      char *error, size_t len)
{
	const struct path *last = NULL;

	for (unsigned int i = 0; i < device->npaths; i++) {
		if (!path_is_usable(device->paths[i]))
			continue;
		if (!wanted->paths[i].is_disabled)
			return 0;
		last = device->paths[i];
	}
	if (!last)
		return 0;
	return refuse(error, len, "path %s is the last one that works: it cannot be disabled",
		      last->id);
}

static int check(const struct device *device, const struct device_settings *wanted,
		 char *error, size_t len)
{
	const char *policy = wanted->settings.policy;
	int err;

	if (device->state == DEVICE_STOPPED) {
		refuse(error, len, "the device is stopped");
		return -ESHUTDOWN;
	}
	if (*policy && !policy_find(policy))
		return refuse(error, len, "no policy is called \"%s\"", policy);
	if (!wanted->settings.queue_depth ||
	    wanted->settings.queue_depth > MPIO_MAX_QUEUE_DEPTH)
		return refuse(error, len, "queue_depth is not 1 to %u", MPIO_MAX_QUEUE_DEPTH);
	if (!wanted->settings.max_transfer)
		return refuse(error, len, "max_transfer must not be 0");
	err = check_marks(device, wanted, error, len);
	return err ? err : check_last(device, wanted, error, len);
}

/*
 * The policy
 */

static const struct policy_ops *policy_for(const struct device *device)
{
	const char *name = device->settings.policy;

	if (*name)
		return policy_find(name);
	return alua_is_asymmetric(device) ? &policy_round_robin_subset : &policy_round_robin;
}

/* Nothing in flight refers to a policy: only the next pick is another's. */
static int replace_policy(struct device *device, const char *source)
{
	const struct policy_ops *policy = policy_for(device), *before = device->policy;
	void *context;

	if (policy != before) {
		context = policy->create(&device->settings);
		if (!context)
			return -ENOMEM;
		before->destroy(device->policy_context);
		device->policy = policy;
		device->policy_context = context;
		mpath_emit(device->mpath, EVENT_POLICY_CHANGED, device, NULL, NULL,
			   "%s, before %s (%s)", policy->name, before->name, source);
	}
	device->policy_source = source;
	return 0;
}

void device_choose_policy(struct device *device)
{
	if (*device->settings.policy)
		return;
	/* For want of memory the old one goes on: it is as right, if slower. */
	if (!replace_policy(device, "default"))
		device_tell_policy(device);
}

/*
 * Taking and giving
 */

void device_get_settings(const struct device *device, struct device_settings *settings)
{
	*settings = (struct device_settings) {
		.settings = device->settings,
		.policy_source = device->policy_source,
		.npaths = device->npaths,
	};
	for (unsigned int i = 0; i < device->npaths; i++)
		settings->paths[i] = device->paths[i]->settings;
}

static void apply_to_sessions(struct device *device, const struct settings *before)
{
	const struct settings *settings = &device->settings;
	struct transport_timers timers = transport_timers_of(settings);
	struct transport_timers old = transport_timers_of(before);
	bool is_same = !memcmp(&timers, &old, sizeof timers);

	for (unsigned int i = 0; i < device->npaths; i++) {
		struct transport *transport = device->paths[i]->transport;

		if (!is_same)
			transport_set_timers(transport, &timers);
		if (settings->queue_depth != before->queue_depth)
			transport_set_queue_depth(transport,
						  (unsigned int)settings->queue_depth);
	}
}

int device_apply(struct device *device, const struct device_settings *wanted,
		 char *error, size_t len)
{
	const char *source = wanted->policy_source ? wanted->policy_source : "lun";
	struct settings before = device->settings;
	int err = check(device, wanted, error, len);

	if (err)
		return err;
	device->settings = wanted->settings;
	err = replace_policy(device, *wanted->settings.policy ? source : "default");
	if (err) {
		device->settings = before;
		snprintf(error, len, "out of memory");
		return err;
	}
	apply_to_sessions(device, &before);
	for (unsigned int i = 0; i < device->npaths; i++) {
		path_apply(device->paths[i], &wanted->paths[i]);
		path_reschedule(device->paths[i]);
	}
	device_limit_transfer(device);
	device_move_deadlines(device, &before);
	hold_set_limit(device);
	device_tell_policy(device);
	device_stir(device);
	return 0;
}

/*
 * Single paths
 */

/* Has the array make PATH active, by the module's command or by ALUA's. False:
 * it decides by itself, or PATH cannot be asked. */
static bool is_activated_by_array(struct device *device, struct path *path)
{
	int err = activation_start(device, path);

	if (err == -EOPNOTSUPP)
		err = alua_activate(device, path);
	return !err;
}

static bool is_candidate(const struct device *device, const struct path *path)
{
	for (size_t i = 0; i < device->candidates.count; i++)
		if (device->candidates.paths[i] == path)
			return true;
	return false;
}

/* Another path comes before PATH, and not for the administrator's mark. */
static bool is_behind(const struct device *device, const struct path *path)
{
	const struct candidates *candidates = &device->candidates;

	if (!path_is_usable(path) || !candidates->count)
		return true;
	if (!path->settings.is_standby)
		return !is_candidate(device, path);
	return path->array_state > candidates->paths[0]->array_state;
}

void device_move_to(struct device *device, struct path *path)
{
	struct path_settings marks = path->settings;

	marks.is_standby = false;
	path_apply(path, &marks);
	if (device->policy->activate && is_candidate(device, path))
		device->policy->activate(device->policy_context, path);
	device_tell_policy(device);
	device_stir(device);
}

int device_activate_path(struct device *device, struct path *path, char *error, size_t len)
{
	bool comes_last = is_behind(device, path);

	if (path->settings.is_disabled)
		return refuse(error, len, "path %s is disabled: enable it first", path->id);
	if (path->state > PATH_TRANSITIONING)
		return refuse(error, len, "path %s is %s: %s", path->id,
			      path_state_name(path->state),
			      *path->last_error ? path->last_error : path->transport->reason);
	if ((comes_last || path->array_state != PATH_ACTIVE_OPTIMIZED) &&
	    !is_activated_by_array(device, path) && comes_last)
		return refuse(error, len, "to the array path %s is %s, which it decides by itself",
			      path->id, path_state_name(path->array_state));
	device_move_to(device, path);
	return 0;
}

int device_fail_path(struct device *device, struct path *path, char *error, size_t len)
{
	struct flap flap = path->flap;

	if (!path_is_usable(path))
		return refuse(error, len, "path %s is %s already", path->id,
			      path_state_name(path->state));
	if (device_usable_paths(device) == 1)
		return refuse(error, len, "path %s is the last one that works", path->id);
	path_fail(path, "failed by the administrator");
	path->flap = flap;      /* no fault of its own */
	return 0;
}

/*
 * What comes from outside the LUN's own settings
 */

void device_set_resolver(struct device *device, device_resolve *resolve, void *opaque)
{
	device->resolve = resolve;
	device->resolve_opaque = opaque;
}

void device_settings_resolve(struct device *device)
{
	struct device_settings settings;
	char error[192];

	if (!device->resolve) {
		device_choose_policy(device);
		return;
	}
	device_get_settings(device, &settings);
	device->resolve(device->resolve_opaque, &device->unit, &settings);
	if (device_apply(device, &settings, error, sizeof error))
		mpath_emit(device->mpath, EVENT_SETTINGS_REFUSED, device, NULL, NULL,
			   "%s", error);
}
