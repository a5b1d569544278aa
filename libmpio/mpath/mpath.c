// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mpath.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "command.h"
#include "device.h"
#include "path.h"
#include "request.h"
#include "transport.h"

static const struct {
	const char *name;
	enum event_severity severity;
	unsigned int windows_id;
} event_table[EVENT_KINDS] = {
	[EVENT_DEVICE_CREATED]  = { "device-created", EVENT_INFO, 1 },
	[EVENT_PATH_ADDED]      = { "path-added", EVENT_INFO, 2 },
	[EVENT_PATH_UP]         = { "path-up", EVENT_INFO, 0 },
	[EVENT_PATH_FAILED]     = { "path-failed", EVENT_WARNING, 0 },
	[EVENT_PATH_REFUSED]    = { "path-refused", EVENT_ERROR, 20 },
	[EVENT_PATH_DISABLED]   = { "path-disabled", EVENT_WARNING, 0 },
	[EVENT_PATH_HELD_BACK]  = { "path-held-back", EVENT_WARNING, 0 },
	[EVENT_FAILOVER]        = { "failover", EVENT_WARNING, 16 },
	[EVENT_LAST_PATH]       = { "last-path", EVENT_WARNING, 18 },
	[EVENT_ALL_PATHS_DOWN]  = { "all-paths-down", EVENT_ERROR, 23 },
	[EVENT_PATHS_RETURNED]  = { "paths-returned", EVENT_INFO, 0 },
	[EVENT_HELD_IO_FAILED]  = { "held-io-failed", EVENT_ERROR, 22 },
	[EVENT_SESSION_UP]      = { "session-up", EVENT_INFO, 0 },
	[EVENT_SESSION_DOWN]    = { "session-down", EVENT_WARNING, 0 },
	[EVENT_LOGIN_FAILED]    = { "login-failed", EVENT_WARNING, 0 },
	[EVENT_SIZE_CHANGED]    = { "size-changed", EVENT_WARNING, 0 },
	[EVENT_ACCESS_CHANGED]  = { "access-changed", EVENT_WARNING, 0 },
	[EVENT_ADMIN_CHANGE]    = { "admin-change", EVENT_INFO, 0 },
	[EVENT_NO_PATH]         = { "no-path", EVENT_ERROR, 32 },
	[EVENT_ACCESS_STATE_CHANGED] = { "access-state-changed", EVENT_WARNING, 0 },
	[EVENT_ACTIVATION_SENT] = { "activation-sent", EVENT_WARNING, 0 },
	[EVENT_ACTIVATION_FAILED] = { "activation-failed", EVENT_ERROR, 0 },
	[EVENT_BOGUS_PATH]      = { "bogus-path", EVENT_ERROR, 33 },
	[EVENT_DSM_FAULT]       = { "dsm-fault", EVENT_ERROR, 0 },
	[EVENT_NOT_CLAIMED]     = { "not-claimed", EVENT_ERROR, 47 },
	[EVENT_COMMAND_TIMEOUT] = { "command-timeout", EVENT_ERROR, 25 },
	[EVENT_POLICY_CHANGED]  = { "policy-changed", EVENT_INFO, 0 },
	[EVENT_SETTINGS_REFUSED] = { "settings-refused", EVENT_ERROR, 0 },
};

void mpath_init(struct mpath *mpath, uint64_t now_us, uint64_t seed)
{
	*mpath = (struct mpath) { .now_us = now_us, .random = seed };
	list_init(&mpath->timers);
	list_init(&mpath->devices);
	list_init(&mpath->transports);
	list_init(&mpath->changed);
	list_init(&mpath->answered);
	list_init(&mpath->stirred);
	list_init(&mpath->finished);
}

void mpath_done(struct mpath *mpath)
{
	assert(list_is_empty(&mpath->devices));
	assert(list_is_empty(&mpath->transports));
	assert(list_is_empty(&mpath->timers));
}

void mpath_set_listener(struct mpath *mpath,
			void (*listener)(void *opaque, const struct event *event),
			void *opaque)
{
	mpath->listener = listener;
	mpath->listener_opaque = opaque;
}

void mpath_set_dsms(struct mpath *mpath, const struct dsm_ops *const *dsms, size_t count)
{
	mpath->dsms = dsms;
	mpath->ndsms = count;
}

void mpath_set_dsm_choice(struct mpath *mpath,
			  const char *(*choose)(void *opaque, const struct unit *unit),
			  void *opaque)
{
	mpath->choose_dsm = choose;
	mpath->choose_dsm_opaque = opaque;
}

void mpath_set_now(struct mpath *mpath, uint64_t now_us)
{
	if (now_us > mpath->now_us)
		mpath->now_us = now_us;
}

/*
 * Timers: a sorted list. There are a few per path and device and they are
 * armed once per event, never per I/O.
 */

void mpath_timer_init(struct mpath_timer *timer, void (*fired)(struct mpath_timer *))
{
	list_init(&timer->node);
	timer->due_us = MPATH_NEVER;
	timer->fired = fired;
}

bool mpath_timer_is_armed(const struct mpath_timer *timer)
{
	return !list_is_empty(&timer->node);
}

void mpath_timer_disarm(struct mpath_timer *timer)
{
	list_remove(&timer->node);
}

void mpath_timer_arm(struct mpath *mpath, struct mpath_timer *timer, uint64_t due_us)
{
	struct list *where;

	list_remove(&timer->node);
	timer->due_us = due_us;
	where = mpath->timers.prev;
	while (where != &mpath->timers &&
	       list_entry(where, struct mpath_timer, node)->due_us > due_us)
		where = where->prev;
	list_insert_before(where->next, &timer->node);
}

uint64_t mpath_next_due_us(const struct mpath *mpath)
{
	if (list_is_empty(&mpath->timers))
		return MPATH_NEVER;
	return list_entry(mpath->timers.next, struct mpath_timer, node)->due_us;
}

static bool fire_timers(struct mpath *mpath)
{
	bool fired = false;

	while (mpath_next_due_us(mpath) <= mpath->now_us) {
		struct mpath_timer *timer =
			list_entry(list_pop(&mpath->timers), struct mpath_timer, node);

		timer->fired(timer);
		fired = true;
	}
	return fired;
}

/*
 * One run
 */

static bool tell_paths(struct mpath *mpath)
{
	struct list *node = list_pop(&mpath->changed);

	if (!node)
		return false;
	for (; node; node = list_pop(&mpath->changed))
		transport_run(list_entry(node, struct transport, on_changed));
	return true;
}

static bool judge_answers(struct mpath *mpath)
{
	struct list batch = LIST_INIT(batch);

	if (list_is_empty(&mpath->answered))
		return false;
	list_splice(&batch, &mpath->answered);
	while (!list_is_empty(&batch)) {
		struct command *command = list_entry(batch.next, struct command, node);

		list_unlink(&command->node);
		if (command->request)
			device_answered(command->path->device, command);
		else
			command->answered(command);
	}
	return true;
}

static bool run_devices(struct mpath *mpath)
{
	struct list batch = LIST_INIT(batch);
	struct list *node;

	if (list_is_empty(&mpath->stirred))
		return false;
	list_splice(&batch, &mpath->stirred);
	while ((node = list_pop(&batch)))
		device_run(list_entry(node, struct device, on_stirred));
	return true;
}

static bool finish_requests(struct mpath *mpath)
{
	if (list_is_empty(&mpath->finished))
		return false;
	while (!list_is_empty(&mpath->finished)) {
		struct request *request = list_entry(mpath->finished.next, struct request, node);

		list_unlink(&request->node);
		request->done(request);
	}
	return true;
}

void mpath_run(struct mpath *mpath)
{
	bool worked;

	if (mpath->is_running)
		return;
	mpath->is_running = true;
	do {
		worked = fire_timers(mpath);
		/* Before the answers: what was lost must not be sent down a
		 * path of the session that just went. */
		worked |= tell_paths(mpath);
		worked |= judge_answers(mpath);
		worked |= run_devices(mpath);
		worked |= finish_requests(mpath);
	} while (worked);
	mpath->is_running = false;
}

/* SplitMix64: jitter needs no more. */
uint64_t mpath_random(struct mpath *mpath, uint64_t bound)
{
	uint64_t z = mpath->random += 0x9e3779b97f4a7c15;

	assert(bound > 0);
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % bound;
}

void mpath_emit(struct mpath *mpath, enum event_kind kind, const struct device *device,
		const struct path *path, const struct transport *transport,
		const char *format, ...)
{
	char reason[512];
	va_list args;

	if (!mpath->listener)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	mpath->listener(mpath->listener_opaque, &(struct event) {
		.kind = kind,
		.name = event_table[kind].name,
		.severity = event_table[kind].severity,
		.windows_id = event_table[kind].windows_id,
		.device = device,
		.path = path,
		.transport = path ? path->transport : transport,
		.reason = reason,
	});
}
