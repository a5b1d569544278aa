// SPDX-License-Identifier: LGPL-2.1-or-later
#include "path.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "command.h"
#include "device.h"
#include "request.h"
#include "transport.h"

/* What a path did longer ago says little of what it does now. */
#define SPEED_STALE_US 50000
/* Slower than this is just slow: products with bytes in flight fit 64 bits. */
#define SPEED_SLOWEST_US (1 << 26)

const char *path_state_name(enum path_state state)
{
	static const char *const names[PATH_STATES] = {
		[PATH_ACTIVE_OPTIMIZED] = "active-optimized",
		[PATH_ACTIVE_UNOPTIMIZED] = "active-unoptimized",
		[PATH_STANDBY] = "standby",
		[PATH_UNAVAILABLE] = "unavailable",
		[PATH_TRANSITIONING] = "transitioning",
		[PATH_FAILED] = "failed",
		[PATH_EJECTED] = "ejected",
		[PATH_DISABLED] = "disabled",
		[PATH_CHECKING] = "checking",
	};

	return names[state];
}

bool path_is_held_back(const struct path *path)
{
	return path->state == PATH_FAILED && path->is_verified && !alua_is_pending(path);
}

bool path_is_preferred(const struct path *path)
{
	const struct device *device = path->device;

	if (path->settings.is_preferred || !path->has_tpg || !path->array_preferred)
		return path->settings.is_preferred;
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->settings.is_preferred)
			return false;
	return true;
}

static uint64_t jittered(struct mpath *mpath, uint64_t interval_us)
{
	return mpath->now_us + interval_us * 3 / 4 + mpath_random(mpath, interval_us / 2 + 1);
}

/* The next verification: in service it is routine (a group that takes no I/O is
 * asked for its state by alua.c), else the way back. */
static void schedule(struct path *path)
{
	const struct settings *settings = &path->device->settings;
	struct mpath *mpath = path->device->mpath;
	uint64_t due_us;

	mpath_timer_disarm(&path->timer);
	if (path->transport->state != TRANSPORT_UP)
		return;
	if (path_is_usable(path) || (path->has_tpg && path->state <= PATH_TRANSITIONING)) {
		due_us = jittered(mpath, settings->path_verify_interval_ms * 1000);
		if (settings->path_verify)
			mpath_timer_arm(mpath, &path->timer, due_us);
		return;
	}
	due_us = jittered(mpath, settings->path_recovery_interval_ms * 1000);
	if (flap_holds(&path->flap, mpath->now_us) && path->flap.until_us < due_us)
		due_us = path->flap.until_us;
	mpath_timer_arm(mpath, &path->timer, due_us);
}

static void timer_fired(struct mpath_timer *timer)
{
	struct path *path = list_entry(timer, struct path, timer);

	path_recheck(path);
}

int path_init(struct path *path, struct device *device, unsigned int index,
	      struct transport *transport, uint64_t lun, const struct path_settings *settings)
{
	*path = (struct path) {
		.device = device,
		.transport = transport,
		.index = index,
		.lun = lun,
		.settings = *settings,
		.state = PATH_CHECKING,
		.array_state = PATH_ACTIVE_OPTIMIZED,
		.dsm_state = DSM_STATE_KEEP,
		.unit = { .port_group = -1, .relative_port = -1 },
		.since_us = device->mpath->now_us,
	};
	if (settings->is_disabled) {
		path->state = PATH_DISABLED;
		path->was_checked = true;
	}
	depth_init(&path->depth);
	snprintf(path->id, sizeof path->id, "%u", index);
	list_append(&transport->paths, &path->on_transport);
	mpath_timer_init(&path->timer, timer_fired);
	if (alua_path_init(path))
		return -ENOMEM;
	return verify_init(&path->verify);
}

void path_done(struct path *path)
{
	list_remove(&path->on_transport);
	mpath_timer_disarm(&path->timer);
	verify_done(&path->verify);
	alua_path_done(path);
}

void path_note_error(struct path *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path->last_error, sizeof path->last_error, format, args);
	va_end(args);
	path->last_error_us = path->device->mpath->now_us;
}

static uint64_t carried(const struct path *path)
{
	return path->counters.ops[PATH_OP_READ] + path->counters.ops[PATH_OP_WRITE];
}

/* It was in service. */
static void count_failure(struct path *path)
{
	const struct settings *settings = &path->device->settings;
	struct mpath *mpath = path->device->mpath;
	struct flap_limits limits = {
		.window_us = settings->flap_window_ms * 1000,
		.first_us = settings->path_recovery_interval_ms * 1000,
		.most_us = settings->flap_backoff_max_ms * 1000,
	};

	path->counters.failures++;
	flap_failed(&path->flap, &limits, mpath->now_us, carried(path),
		    (unsigned int)mpath_random(mpath, 1024));
}

void path_enter(struct path *path, enum path_state state, const char *format, ...)
{
	enum path_state from = path->state;
	char reason[sizeof path->last_error];
	va_list args;

	if (state == from)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);

	path->state = state;
	path->since_us = path->device->mpath->now_us;
	snprintf(path->why, sizeof path->why, "%s", reason);
	if (state == PATH_FAILED) {
		if (from <= PATH_STANDBY)
			count_failure(path);
		path_note_error(path, "%s", reason);
	}
	device_path_changed(path->device, path, from, reason);
}

/*
 * I/O
 */

/* What the figures count: commands that move blocks. PATH_OPS for others. */
static enum path_op op_of(const struct command *command)
{
	const struct request *request = command->request;

	_Static_assert((int)REQUEST_READ == (int)PATH_OP_READ &&
		       (int)REQUEST_WRITE == (int)PATH_OP_WRITE, "the first two are the same");
	if (request->op > REQUEST_WRITE || request->is_syncing)
		return PATH_OPS;
	return (enum path_op)request->op;
}

__attribute__((noinline))     /* most commands are no samples */
static void measure(struct path_speed *speed, const struct command *command, uint64_t now_us)
{
	uint64_t silence_us = now_us - speed->tried_us;
	uint64_t latency_us = now_us - command->sent_us;
	uint64_t queued_bytes = command->queued_bytes / 2;

	speed->tried_us = now_us;
	if (command->residual)
		return;
	latency_us += !latency_us;      /* known from now on */
	if (latency_us > SPEED_SLOWEST_US)
		latency_us = SPEED_SLOWEST_US;
	if (!speed->latency8_us) {
		speed->latency8_us = latency_us * 8;
		speed->queued8_bytes = queued_bytes * 8;
	} else if (silence_us > SPEED_STALE_US) {
		speed->latency8_us = speed->latency8_us / 2 + latency_us * 4;
		speed->queued8_bytes = speed->queued8_bytes / 2 + queued_bytes * 4;
	} else {
		speed->latency8_us += latency_us - speed->latency8_us / 8;
		speed->queued8_bytes += queued_bytes - speed->queued8_bytes / 8;
	}
}

/* One sample in eight is enough, but for those that are rare. */
static bool is_sample(const struct path *path, enum path_op op, uint64_t now_us)
{
	return path->counters.ops[op] % 8 == 0 ||
		now_us - path->speed[op].tried_us > SPEED_STALE_US;
}

void path_send(struct path *path, struct command *command)
{
	command->path = path;
	path->in_flight++;
	path->in_flight_bytes += command->cdb.data_len;
	transport_send(path->transport, path->lun, command);
}

void path_settle(struct path *path, const struct command *command)
{
	enum path_op op = op_of(command);
	uint64_t now_us = path->device->mpath->now_us;

	assert(path->in_flight > 0);
	path->in_flight--;
	path->in_flight_bytes -= command->cdb.data_len;
	/* The nexus tells of its slots alone, and has told of this one already. */
	if (path->depth.limit != DEPTH_UNLIMITED)
		device_stir(path->device);
	if (command->delivery != DELIVERY_ANSWERED || command->status) {
		path->counters.errors += command->delivery == DELIVERY_ANSWERED;
		/* Errors come quickly, and say nothing of how fast a path is. */
		if (op < PATH_OPS)
			path->speed[op].tried_us = now_us;
		return;
	}
	if (path->depth.limit != DEPTH_UNLIMITED)
		depth_raise(&path->depth, path->transport->queue_depth, now_us);
	if (op == PATH_OPS)
		return;
	path->counters.ops[op]++;
	path->counters.bytes[op] += command->cdb.data_len;
	histogram_record(&path->latency[op], now_us - command->sent_us);
	if (is_sample(path, op, now_us))
		measure(&path->speed[op], command, now_us);
}

/*
 * Verification
 */

static bool may_be_asked(const struct path *path)
{
	return path->transport->state == TRANSPORT_UP && !path->settings.is_disabled;
}

void path_recheck(struct path *path)
{
	mpath_timer_disarm(&path->timer);
	if (may_be_asked(path) && !path->verify.is_running)
		verify_start(&path->verify, path->is_verified);
}

void path_doubt(struct path *path, const char *reason)
{
	path->is_identified = path->is_verified = false;
	alua_forget(path);
	if (!may_be_asked(path))
		return;
	path_enter(path, PATH_CHECKING, "%s", reason);
	mpath_timer_disarm(&path->timer);
	verify_start(&path->verify, false);
}

void path_fail(struct path *path, const char *reason)
{
	path->is_identified = path->is_verified = false;
	alua_forget(path);
	if (path->settings.is_disabled)
		return;
	path_enter(path, PATH_FAILED, "%s", reason);
	/* What one under way has read may not be so any more. */
	if (path->verify.is_running && may_be_asked(path))
		verify_start(&path->verify, false);
	else
		schedule(path);
}

void path_session_up(struct path *path)
{
	path_doubt(path, "logged in");
}

void path_session_down(struct path *path, const char *reason)
{
	verify_abort(&path->verify);
	alua_forget(path);
	mpath_timer_disarm(&path->timer);
	path->is_identified = path->is_verified = false;
	path->is_size_pending = false;
	path->was_checked = true;
	depth_init(&path->depth);
	if (path->settings.is_disabled)
		return;
	if (path->state == PATH_FAILED)
		path_note_error(path, "%s", reason);
	path_enter(path, PATH_FAILED, "%s", reason);
	device_stir(path->device);
}

/* What cannot be asked in the access state it is in was asked before, or is
 * asked later. */
static void take_unit(struct path *path, const struct unit *unit)
{
	if (unit->is_incomplete && path->is_verified &&
	    identity_equal(&unit->identity, &path->unit.identity)) {
		path->unit.port_group = unit->port_group;
		path->unit.relative_port = unit->relative_port;
		path->unit.inquiry = unit->inquiry;
		return;
	}
	path->unit = *unit;
	path->is_identified = true;
	path->is_verified = !unit->is_incomplete;
}

void path_verified(struct path *path, const struct unit *unit, const char *reason)
{
	path->was_checked = true;
	if (reason) {
		path->is_size_pending = false;
		path_note_error(path, "%s", reason);
		path_fail(path, reason);
		device_stir(path->device);
		return;
	}
	take_unit(path, unit);
	path->access = ALUA_UNKNOWN;
	device_path_verified(path->device, path);
	if (!path->verify.is_running)
		schedule(path);
}

/* The worse of what the array says and what the administrator wants. A path
 * whose size is not known takes no I/O in any state. */
static enum path_state resulting_state(const struct path *path)
{
	enum path_state state = (enum path_state)dsm_path_state(path, path->array_state);

	if (path->settings.is_standby && state < PATH_STANDBY)
		state = PATH_STANDBY;
	if (!path->is_verified && state < PATH_UNAVAILABLE)
		state = PATH_UNAVAILABLE;
	return state;
}

/* Back from verification, but not in service: it has failed too often of late.
 * It is verified on, so that it can stand in at once for the last other path. */
static void hold_back(struct path *path)
{
	struct mpath *mpath = path->device->mpath;
	const struct flap *flap = &path->flap;
	char reason[96];

	snprintf(reason, sizeof reason, "held back %.1f s: failed %u times in %.1f s",
		 (double)(flap->until_us - mpath->now_us) / 1e6, flap->failures,
		 (double)(mpath->now_us - flap->first_us) / 1e6);
	path_note_error(path, "%s", reason);
	if (!path->flap.is_told)
		mpath_emit(mpath, EVENT_PATH_HELD_BACK, path->device, path, NULL, "%s", reason);
	path->flap.is_told = true;
	path_enter(path, PATH_FAILED, "%s", reason);
	schedule(path);
}

void path_accept(struct path *path)
{
	uint64_t now_us = path->device->mpath->now_us;

	path->is_refused = false;
	path->is_size_pending = false;
	if (!alua_admit(path))
		return;                 /* once its access state is known, or never */
	if (alua_has_expired(path)) {
		path_fail(path, "its target port group is still in transition");
		return;
	}
	if (flap_holds(&path->flap, now_us) && !path_is_usable(path) &&
	    device_usable_paths(path->device)) {
		hold_back(path);
		return;
	}
	flap_returned(&path->flap, now_us, carried(path));
	path_enter(path, resulting_state(path), "verified: %s", path->unit.identity.text);
	schedule(path);
	/* Active by now, but it was not when it was asked for its size. */
	if (!path->is_verified && path->array_state < PATH_STANDBY)
		mpath_timer_arm(path->device->mpath, &path->timer, now_us +
				path->device->settings.retry_interval_ms * 1000);
}

void path_release(struct path *path)
{
	path->flap.until_us = 0;
	path_accept(path);
}

void path_reconsider(struct path *path, const char *reason)
{
	if (path->state > PATH_TRANSITIONING)
		return;                 /* when it enters service */
	if (!path->is_verified && path->array_state < PATH_STANDBY)
		path_doubt(path, reason);       /* its size can be read now */
	else
		path_enter(path, resulting_state(path), "%s", reason);
}

void path_reschedule(struct path *path)
{
	if (mpath_timer_is_armed(&path->timer))
		schedule(path);
}

static void disable(struct path *path)
{
	verify_abort(&path->verify);
	alua_forget(path);
	mpath_timer_disarm(&path->timer);
	path->is_identified = path->is_verified = false;
	path->is_refused = path->is_size_pending = false;
	path->was_checked = true;
	path_enter(path, PATH_DISABLED, "disabled by the administrator");
}

static void enable(struct path *path)
{
	path->flap = (struct flap) { 0 };
	if (may_be_asked(path))
		path_doubt(path, "enabled by the administrator");
	else
		path_enter(path, PATH_FAILED, "enabled, but there is no session: %s",
			   path->transport->reason);
}

void path_apply(struct path *path, const struct path_settings *settings)
{
	bool was_disabled = path->settings.is_disabled;

	path->settings = *settings;
	if (settings->is_disabled && !was_disabled)
		disable(path);
	else if (was_disabled && !settings->is_disabled)
		enable(path);
	else
		path_reconsider(path, settings->is_standby ? "standby by the administrator" :
				"active by the administrator");
}

void path_refuse(struct path *path, const char *reason)
{
	bool was_refused = path->is_refused;

	path->is_refused = true;
	path->is_identified = path->is_verified = false;
	path->is_size_pending = false;
	path_enter(path, PATH_FAILED, "%s", reason);
	path_note_error(path, "%s", reason);
	if (!was_refused)
		mpath_emit(path->device->mpath, EVENT_PATH_REFUSED, path->device, path, NULL,
			   "%s", reason);
	schedule(path);
}
