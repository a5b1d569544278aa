// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A pseudo-LUN's life: its paths, which of them are candidates, and the state
 * that follows from that. Which unit it serves is settled in device_unit.c.
 */
#include "device.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "transport.h"

const char *device_state_name(enum device_state state)
{
	static const char *const names[] = {
		[DEVICE_STARTING] = "starting",
		[DEVICE_NORMAL] = "normal",
		[DEVICE_DEGRADED] = "degraded",
		[DEVICE_LAST_PATH] = "last-path",
		[DEVICE_NO_PATH] = "no-path",
		[DEVICE_STOPPED] = "stopped",
	};

	return names[state];
}

static void policy_due(struct mpath_timer *timer);

/*
 * Making and freeing
 */

static int init_pool(struct device *device)
{
	device->pool_memory = calloc(DEVICE_POOL_COMMANDS, sizeof *device->pool_memory);
	if (!device->pool_memory)
		return -ENOMEM;
	for (size_t i = 0; i < DEVICE_POOL_COMMANDS; i++)
		list_append(&device->pool, &device->pool_memory[i].node);
	return 0;
}

static int init_policy(struct device *device)
{
	const char *name = device->settings.policy;

	device->policy_source = *name ? "lun" : "default";
	device->policy = policy_find(*name ? name : "round-robin");
	if (!device->policy)
		return -EINVAL;
	device->policy_context = device->policy->create(&device->settings);
	return device->policy_context ? 0 : -ENOMEM;
}

struct device *device_new(struct mpath *mpath, const char *name, const struct settings *settings)
{
	struct device *device = calloc(1, sizeof *device);
	int err;

	if (!device) {
		errno = ENOMEM;
		return NULL;
	}
	device->mpath = mpath;
	device->settings = *settings;
	device->no_path_since_us = device->counted_since_us = mpath->now_us;
	device->has_write_same = device->has_prefetch = true;
	snprintf(device->name, sizeof device->name, "%s", name);
	list_init(&device->on_stirred);
	list_init(&device->active);
	list_init(&device->hungry);
	list_init(&device->pool);
	mpath_timer_init(&device->policy_timer, policy_due);
	device_unit_init(device);
	device_deadline_init(device);
	alua_init(device);
	activation_init(device);
	hold_init(device);
	range_init(device);
	list_append(&mpath->devices, &device->on_mpath);

	err = init_pool(device);
	if (!err)
		err = init_policy(device);
	if (err) {
		device_free(device);
		errno = -err;
		return NULL;
	}
	return device;
}

void device_free(struct device *device)
{
	if (!device)
		return;
	device_stop(device);
	mpath_run(device->mpath);
	assert(list_is_empty(&device->active));
	for (unsigned int i = 0; i < device->npaths; i++) {
		path_done(device->paths[i]);
		free(device->paths[i]);
	}
	alua_done(device);
	activation_done(device);
	mpath_timer_disarm(&device->deadline_timer);
	mpath_timer_disarm(&device->range_timer);
	mpath_timer_disarm(&device->hold_timer);
	mpath_timer_disarm(&device->retry_timer);
	mpath_timer_disarm(&device->policy_timer);
	mpath_timer_disarm(&device->election_timer);
	mpath_timer_disarm(&device->size_timer);
	if (device->policy_context)
		device->policy->destroy(device->policy_context);
	list_remove(&device->on_stirred);
	list_remove(&device->on_mpath);
	free(device->pool_memory);
	free(device->zeroes);
	free(device);
}

int device_add_path(struct device *device, struct transport *transport, uint64_t lun,
		    const struct path_settings *settings, struct path **result)
{
	struct path *path;
	int err;

	if (device->npaths == MPIO_MAX_PATHS)
		return -E2BIG;
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->transport == transport && device->paths[i]->lun == lun)
			return -EEXIST;
	path = malloc(sizeof *path);
	if (!path)
		return -ENOMEM;
	err = path_init(path, device, device->npaths, transport, lun, settings);
	if (err) {
		path_done(path);
		free(path);
		return err;
	}
	device->paths[device->npaths++] = path;
	mpath_emit(device->mpath, EVENT_PATH_ADDED, device, path, NULL, "path %s", path->id);
	if (transport->state == TRANSPORT_UP)
		path_session_up(path);
	if (result)
		*result = path;
	return 0;
}

/*
 * What is known of it
 */

bool device_is_settled(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (!device->paths[i]->was_checked || alua_is_pending(device->paths[i]))
			return false;
	return true;
}

unsigned int device_usable_paths(const struct device *device)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < device->npaths; i++)
		count += path_is_usable(device->paths[i]);
	return count;
}

void device_reset_counters(struct device *device)
{
	device->failovers = 0;
	device->counted_since_us = device->mpath->now_us;
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		path->counters = (struct path_counters) { 0 };
		for (enum path_op op = 0; op < PATH_OPS; op++)
			histogram_reset(&path->latency[op]);
	}
}

__attribute__((format(printf, 3, 4)))
static void add_text(char **text, size_t *len, const char *format, ...)
{
	va_list args;
	int written;

	va_start(args, format);
	written = vsnprintf(*text, *len, format, args);
	va_end(args);
	if (written < 0)
		return;
	if ((size_t)written >= *len)
		written = *len ? (int)*len - 1 : 0;
	*text += written;
	*len -= (size_t)written;
}

static bool awaits_its_group(const struct path *path)
{
	return path->has_tpg && path->state >= PATH_STANDBY &&
		path->state <= PATH_TRANSITIONING && path->array_state >= PATH_STANDBY;
}

void device_explain_paths(const struct device *device, char *text, size_t len)
{
	if (len)
		*text = '\0';
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];
		const char *why = *path->last_error ? path->last_error
			: *path->transport->reason ? path->transport->reason
			: transport_state_name(path->transport->state);

		add_text(&text, &len, "%spath %s (%s, %s): %s: ", i ? "; " : "", path->id,
			 path->transport->portal, path->transport->target,
			 path_state_name(path->state));
		if (awaits_its_group(path))
			add_text(&text, &len, "target port group %u is %s (%s)", path->tpg,
				 path_state_name(path->array_state),
				 alua_access_name(device));
		else
			add_text(&text, &len, "%s", why);
	}
}

/*
 * Candidates and state
 */

/* The less the better. Of two standby paths one that the administrator has set
 * aside takes I/O, one that the array keeps so most likely does not. */
static unsigned int rank(const struct path *path)
{
	unsigned int rank = (unsigned int)path->state * PATH_STATES;

	return path->state == PATH_STANDBY ? rank + (unsigned int)path->array_state : rank;
}

static void rebuild_candidates(struct device *device)
{
	struct candidates *candidates = &device->candidates;
	unsigned int best = UINT_MAX;

	candidates->count = 0;
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (!path_is_usable(path) || alua_withholds(path) || rank(path) > best)
			continue;
		if (rank(path) < best) {
			best = rank(path);
			candidates->count = 0;
		}
		candidates->paths[candidates->count++] = path;
	}
}

void device_tell_policy(struct device *device)
{
	uint64_t due_us = MPATH_NEVER;

	device->policy->changed(device->policy_context, &device->candidates,
				device->mpath->now_us);
	if (device->policy->next_change_us)
		due_us = device->policy->next_change_us(device->policy_context);
	/* A time that has come already is the policy's mistake: it was asked just
	 * now, and asking again at once would never end. */
	if (due_us == MPATH_NEVER || due_us <= device->mpath->now_us)
		mpath_timer_disarm(&device->policy_timer);
	else
		mpath_timer_arm(device->mpath, &device->policy_timer, due_us);
}

static void policy_due(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, policy_timer);

	device_tell_policy(device);
	device_stir(device);
}

static enum device_state state_by_paths(const struct device *device)
{
	unsigned int usable = device_usable_paths(device), wanted = 0;

	for (unsigned int i = 0; i < device->npaths; i++)
		wanted += !device->paths[i]->settings.is_disabled;
	if (!device_is_ready(device))
		return DEVICE_STARTING;
	if (!device->candidates.count)
		return DEVICE_NO_PATH;
	/* With one path of several there is no redundancy, whoever wanted it so. */
	if (usable == 1 && device->npaths > 1)
		return DEVICE_LAST_PATH;
	return usable == wanted ? DEVICE_NORMAL : DEVICE_DEGRADED;
}

bool device_is_checking(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (path_is_held_back(device->paths[i]) ||
		    (device->paths[i]->state == PATH_CHECKING &&
		     device->paths[i]->transport->state == TRANSPORT_UP))
			return true;
	return false;
}

/* An outage is told when neither a verification nor a change of access states
 * can end it any more. */
static void tell_outage(struct device *device, const struct path *path, const char *reason)
{
	if (device->state != DEVICE_NO_PATH || device->is_outage_told ||
	    device_is_checking(device) || alua_is_waiting(device))
		return;
	device->is_outage_told = true;
	hold_no_path(device);           /* the patience is over */
	mpath_emit(device->mpath, EVENT_ALL_PATHS_DOWN, device, path, NULL,
		   "I/O waits for %.1f s at most; the last one: %s",
		   (double)device->settings.no_path_timeout_ms / 1e3, reason);
}

static void enter(struct device *device, enum device_state state, const struct path *path)
{
	enum device_state from = device->state;
	struct mpath *mpath = device->mpath;

	if (state == from)
		return;
	device->state = state;
	if (state == DEVICE_NO_PATH) {
		device->no_path_since_us = mpath->now_us;
		hold_no_path(device);
	}
	if (from == DEVICE_NO_PATH)
		device_extend_deadlines(device);
	if (from == DEVICE_NO_PATH && device->is_outage_told) {
		device->is_outage_told = false;
		mpath_emit(mpath, EVENT_PATHS_RETURNED, device, path, NULL, "after %.1f s",
			   (double)(mpath->now_us - device->no_path_since_us) / 1e6);
	}
	if (state == DEVICE_LAST_PATH && from != DEVICE_NO_PATH && from != DEVICE_STARTING)
		mpath_emit(mpath, EVENT_LAST_PATH, device, device->candidates.paths[0], NULL,
			   "one path of %u is left", device->npaths);
}

/* PATH's, or none's, change may have made it another state. */
static void follow(struct device *device, const struct path *path, const char *reason)
{
	enter(device, state_by_paths(device), path);
	tell_outage(device, path, reason);
	if (device->candidates.count) {
		hold_paths_returned(device);
	} else {
		hold_no_path(device);
		device_stir(device);    /* for device_release_paths() */
	}
	activation_run(device);
}

void device_access_changed(struct device *device, const char *reason)
{
	if (device->state == DEVICE_STOPPED)
		return;
	rebuild_candidates(device);
	device_tell_policy(device);
	follow(device, NULL, reason);
}

void device_path_changed(struct device *device, struct path *path,
			 enum path_state from, const char *reason)
{
	struct mpath *mpath = device->mpath;

	if (device->state == DEVICE_STOPPED)
		return;
	alua_path_changed(path, from);
	rebuild_candidates(device);
	device_tell_policy(device);
	if (path_is_usable(path) && from > PATH_STANDBY)
		mpath_emit(mpath, EVENT_PATH_UP, device, path, NULL, "%s", reason);
	if (path->state == PATH_DISABLED)
		mpath_emit(mpath, EVENT_PATH_DISABLED, device, path, NULL, "%s", reason);
	if (path->state == PATH_FAILED && !path->is_refused && !path_is_held_back(path))
		mpath_emit(mpath, EVENT_PATH_FAILED, device, path, NULL, "%s", reason);
	if (path->state == PATH_FAILED && from <= PATH_STANDBY && device->candidates.count) {
		device->failovers++;
		mpath_emit(mpath, EVENT_FAILOVER, device, path, NULL,
			   "I/O goes on over %u of %u paths: %s",
			   device_usable_paths(device), device->npaths, reason);
	}
	follow(device, path, reason);
}

void device_release_paths(struct device *device)
{
	if (device->candidates.count || !device->dsm || device->state == DEVICE_STOPPED)
		return;
	for (unsigned int i = 0; i < device->npaths; i++)
		if (path_is_held_back(device->paths[i]))
			path_release(device->paths[i]);
}

void device_stop(struct device *device)
{
	if (device->state == DEVICE_STOPPED)
		return;
	device->state = DEVICE_STOPPED;
	device->candidates.count = 0;
	/* Ended sessions touch no buffer any more; only then may the clients'
	 * requests be completed. */
	for (unsigned int i = 0; i < device->npaths; i++)
		transport_stop(device->paths[i]->transport, "shutting down");
	list_for_each(node, &device->active)
		device_abort(device, list_entry(node, struct request, node), -ESHUTDOWN);
	device_stir(device);
}
