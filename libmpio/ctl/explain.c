// SPDX-License-Identifier: LGPL-2.1-or-later
#include "explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "put.h"
#include "transport.h"

#define TEXT_MAX 512

static uint64_t in_ms(const struct mpath *mpath, uint64_t then_us)
{
	return then_us > mpath->now_us ? (then_us - mpath->now_us + 999) / 1000 : 0;
}

/* When TIMER fires; null where it does not. */
static void put_due(json_t *object, const char *key, const struct mpath *mpath,
		    const struct mpath_timer *timer)
{
	if (mpath_timer_is_armed(timer))
		put_number(object, key, in_ms(mpath, timer->due_us));
	else
		put(object, key, NULL);
}

static uint64_t length(const struct list *list)
{
	uint64_t count = 0;

	for (const struct list *node = list->next; node != list; node = node->next)
		count++;
	return count;
}

__attribute__((format(printf, 3, 4)))
static void add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

/*
 * Paths
 */

/* The module picks, whatever the policy: who it would take it alone knows. */
static bool is_picked_by_module(const struct device *device)
{
	return device->dsm && device->dsm->pick;
}

static const struct path *active_path(const struct device *device)
{
	if (is_picked_by_module(device))
		return NULL;
	return device->policy->active ? device->policy->active(device->policy_context) : NULL;
}

static bool is_candidate(const struct device *device, const struct path *path)
{
	for (size_t i = 0; i < device->candidates.count; i++)
		if (device->candidates.paths[i] == path)
			return true;
	return false;
}

static bool takes_io(const struct path *path)
{
	const struct path *active = active_path(path->device);

	return is_candidate(path->device, path) && (!active || active == path);
}

/* Whether it carries I/O now, and if not, what is in the way. */
static void say_role(const struct path *path, char *text, size_t size)
{
	const struct device *device = path->device;
	const struct path *active = active_path(device);

	*text = '\0';
	if (takes_io(path))
		add(text, size, "takes I/O");
	else if (is_candidate(device, path))
		add(text, size, "spare: %s sends I/O down path %s", device->policy->name,
		    active->id);
	else if (path_is_usable(path) && alua_withholds(path))
		add(text, size, "spare: the array is asked to activate a group first");
	else if (path_is_usable(path) && device->candidates.count &&
		 device->candidates.paths[0]->state == path->state)
		add(text, size, "spare: path %s goes first, to the array it is %s",
		    device->candidates.paths[0]->id,
		    path_state_name(device->candidates.paths[0]->array_state));
	else if (path_is_usable(path) && device->candidates.count)
		add(text, size, "spare: path %s is %s, and goes first",
		    device->candidates.paths[0]->id,
		    path_state_name(device->candidates.paths[0]->state));
	else if (path->state == PATH_CHECKING && path->transport->state == TRANSPORT_UP)
		add(text, size, "no I/O before its unit is verified");
	else if (alua_is_pending(path))
		add(text, size, "no I/O before its access state is told");
	else if (path->state == PATH_TRANSITIONING)
		add(text, size, "no I/O until its target port group has changed its state");
	else if (path_is_held_back(path))
		add(text, size, "no I/O while other paths work: it has failed too often of late");
	else if (path->state == PATH_DISABLED)
		add(text, size, "no I/O until the administrator enables it");
	else if (path->transport->state != TRANSPORT_UP)
		add(text, size, "no I/O without a session");
	else
		add(text, size, "no I/O until a verification ends well");
}

/* The reason for the state; the last error where that is newer. */
static const char *reason_of(const struct path *path)
{
	if (path->state == PATH_FAILED && path->last_error_us >= path->since_us)
		return path->last_error;
	if (*path->why)
		return path->why;
	return path->state == PATH_CHECKING ? "not verified since the start" : "";
}

static void say_settings(const struct path_settings *settings, char *text, size_t size)
{
	*text = '\0';
	if (settings->is_disabled)
		add(text, size, ", disabled");
	if (settings->is_standby)
		add(text, size, ", standby");
	if (settings->is_preferred)
		add(text, size, ", preferred");
	if (settings->weight)
		add(text, size, ", weight %u", settings->weight);
	if (*text)
		memmove(text, text + 2, strlen(text) - 1);
}

static json_t *explain_session(const struct transport *transport)
{
	json_t *object = json_object();
	uint64_t now_us = transport->mpath->now_us;
	struct nexus_load load = transport_load(transport);

	put_text(object, "state", transport_state_name(transport->state));
	put_time(object, "since", now_us, transport->since_us);
	put_text(object, "last_end", *transport->reason ? transport->reason : NULL);
	if (transport->state == TRANSPORT_BACKOFF)
		put_due(object, "next_login_ms", transport->mpath, &transport->timer);
	else
		put(object, "next_login_ms", NULL);
	put_number(object, "logins", transport->logins);
	put_number(object, "losses", transport->losses);
	put_number(object, "in_flight", transport->in_flight_count);
	put_number(object, "in_flight_bytes", transport->in_flight_bytes);
	put_number(object, "queue_depth", transport->queue_depth);
	/* Over all LUNs and processes that use it, as policies see it. */
	put_number(object, "load", load.commands);
	put_number(object, "load_bytes", load.bytes);
	return object;
}

static json_t *explain_path(const struct path *path)
{
	const struct mpath *mpath = path->device->mpath;
	json_t *object = json_object();
	char text[TEXT_MAX];

	put_text(object, "id", path->id);
	put_text(object, "portal", path->transport->portal);
	put_text(object, "target", path->transport->target);
	put_text(object, "state", path_state_name(path->state));
	put_time(object, "since", mpath->now_us, path->since_us);
	put_text(object, "why", reason_of(path));
	put_text(object, "array_state", path_state_name(path->array_state));
	put(object, "tpg", path->has_tpg ? json_integer(path->tpg) : NULL);
	put(object, "tpg_preferred", json_boolean(path->has_tpg && path->array_preferred));
	say_settings(&path->settings, text, sizeof(text));
	put_text(object, "settings", *text ? text : NULL);
	put(object, "takes_io", json_boolean(takes_io(path)));
	say_role(path, text, sizeof(text));
	put_text(object, "role", text);
	put(object, "verified", json_boolean(path->is_verified));
	put(object, "refused", json_boolean(path->is_refused));
	put(object, "verifying", json_boolean(path->verify.is_running));
	put_due(object, "next_check_ms", mpath, &path->timer);
	put(object, "held_back_ms", !flap_holds(&path->flap, mpath->now_us) ? NULL :
	    json_integer((json_int_t)in_ms(mpath, path->flap.until_us)));
	put_number(object, "recent_failures", path->flap.failures);
	put(object, "depth_limit", path->depth.limit == DEPTH_UNLIMITED ? NULL :
	    json_integer(path->depth.limit));
	put_text(object, "last_error", path->last_error_us ? path->last_error : NULL);
	put_time(object, "last_error_time", mpath->now_us, path->last_error_us);
	put(object, "session", explain_session(path->transport));
	return object;
}

/*
 * The device
 */

static void say_state(const struct device *device, char *text, size_t size)
{
	const struct mpath *mpath = device->mpath;

	snprintf(text, size, "%u of %u paths usable", device_usable_paths(device),
		 device->npaths);
	if (device->state == DEVICE_STARTING)
		add(text, size, ", no path was verified yet");
	if (device->state == DEVICE_NO_PATH)
		add(text, size, ", for %.1f s",
		    (double)(mpath->now_us - device->no_path_since_us) / 1e6);
}

static void say_next(const struct device *device, const struct path *path, char *text,
		     size_t size)
{
	*text = '\0';
	if (device->state == DEVICE_STOPPED)
		add(text, size, "nowhere: the export ends");
	else if (!device->candidates.count)
		add(text, size, "it waits: no path is usable");
	else if (is_picked_by_module(device))
		add(text, size, "where the DSM %s wants it", device->dsm->name);
	else if (!path)
		add(text, size, "it waits: no path that %s would take has a free slot",
		    device->policy->name);
	else
		add(text, size, "%s: %s", device->policy->name, device->policy->rule);
}

static json_t *explain_next(const struct device *device)
{
	const struct path *path = NULL;
	json_t *object = json_object();
	char text[TEXT_MAX];

	if (!is_picked_by_module(device))
		path = policy_peek(device->policy, device->policy_context, &device->candidates,
				   device->mpath->now_us);
	put_text(object, "path", path ? path->id : NULL);
	say_next(device, path, text, sizeof(text));
	put_text(object, "why", text);
	return object;
}

static void say_waiting(const struct device *device, char *text, size_t size)
{
	const struct mpath *mpath = device->mpath;

	*text = '\0';
	if (!list_is_empty(&device->held))
		add(text, size, "; %llu commands for a path, failing in %.1f s",
		    (unsigned long long)length(&device->held),
		    (double)in_ms(mpath, device->hold_timer.due_us) / 1e3);
	if (!list_is_empty(&device->waiting))
		add(text, size, "; %llu commands for a free slot on a session",
		    (unsigned long long)length(&device->waiting));
	if (!list_is_empty(&device->delayed))
		add(text, size, "; %llu commands for their retry, the next in %.1f s",
		    (unsigned long long)length(&device->delayed),
		    (double)in_ms(mpath, device->retry_timer.due_us) / 1e3);
	if (!list_is_empty(&device->blocked))
		add(text, size, "; %llu requests for older writes to the same blocks",
		    (unsigned long long)length(&device->blocked));
	if (!list_is_empty(&device->hungry))
		add(text, size, "; %llu large requests for commands to come back",
		    (unsigned long long)length(&device->hungry));
	if (*text)
		memmove(text, text + 2, strlen(text) - 1);
}

static json_t *explain_waiting(const struct device *device)
{
	json_t *object = json_object();
	char text[TEXT_MAX];

	put_number(object, "for_path", length(&device->held));
	put_due(object, "fails_ms", device->mpath, &device->hold_timer);
	put_number(object, "for_slot", length(&device->waiting));
	put_number(object, "for_retry", length(&device->delayed));
	put_number(object, "for_blocks", length(&device->blocked));
	put_number(object, "for_commands", length(&device->hungry));
	say_waiting(device, text, sizeof(text));
	put_text(object, "why", *text ? text : NULL);
	return object;
}

/* What the machine of alua.c is at; null where there are no port groups. */
static json_t *explain_access(const struct device *device)
{
	static const char *const stages[] = {
		[ALUA_IDLE] = "idle",
		[ALUA_ASKING] = "asking",
		[ALUA_SETTING] = "setting",
	};
	const struct alua *alua = &device->alua;
	json_t *object;

	if (!alua->ngroups)
		return NULL;
	object = json_object();
	put_text(object, "access", alua_access_name(device));
	put_text(object, "stage", stages[alua->stage]);
	put_text(object, "via", alua->carrier ? alua->carrier->id : NULL);
	put(object, "next_question_ms", alua->ask_us == MPATH_NEVER ? NULL :
	    json_integer((json_int_t)in_ms(device->mpath, alua->ask_us)));
	put_text(object, "why", alua->ask_us == MPATH_NEVER ? NULL : alua->reason);
	put(object, "goal", alua->has_goal ? json_integer(alua->goal) : NULL);
	put(object, "gave_up", json_boolean(alua->is_content));
	return object;
}

json_t *explain_device(const struct device *device, const struct path *only)
{
	json_t *object = json_object();
	json_t *paths = json_array();
	char text[TEXT_MAX];

	put_text(object, "name", device->name);
	put_text(object, "state", device_state_name(device->state));
	say_state(device, text, sizeof(text));
	put_text(object, "why", text);
	put_text(object, "policy", device->policy->name);
	put_text(object, "policy_source", device->policy_source);
	put_due(object, "failback_ms", device->mpath, &device->policy_timer);
	put_number(object, "requests", length(&device->active));
	put(object, "next", explain_next(device));
	put(object, "waiting", explain_waiting(device));
	put(object, "alua", explain_access(device));
	for (unsigned int i = 0; i < device->npaths; i++)
		if (!only || device->paths[i] == only)
			json_array_append_new(paths, explain_path(device->paths[i]));
	put(object, "paths", paths);
	return object;
}
