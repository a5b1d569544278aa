// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The session's states:
 *
 *   idle --start--> connecting --connected--> logging in --up--> up
 *                       ^   \___________ ________/              |
 *                       |               v  failed               | down
 *                       '--due-- back-off <---------------------'
 *
 * One timer serves the state it is in: back-off, login time-outs, or, while
 * up, the watchdogs for silence and for unanswered commands.
 */
#include "transport.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "command.h"
#include "device.h"
#include "path.h"
#include "settings.h"

/* The first login after a loss comes at once; then the pauses double. */
#define BACKOFF_MIN_US 100000

const char *transport_state_name(enum transport_state state)
{
	static const char *const names[] = {
		[TRANSPORT_IDLE] = "idle",
		[TRANSPORT_BACKOFF] = "back-off",
		[TRANSPORT_CONNECTING] = "connecting",
		[TRANSPORT_LOGGING_IN] = "logging-in",
		[TRANSPORT_UP] = "up",
	};

	return names[state];
}

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_us(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When the watchdogs of a live session have to look next. Answers do not move
 * the timer: it fires, finds that there was one, and is set anew. */
static uint64_t watchdog_due_us(const struct transport *t)
{
	uint64_t due = t->probed_us
		? max_us(t->probed_us, t->last_answer_us) + t->timers.probe_timeout_us
		: t->last_answer_us + t->timers.probe_interval_us;

	if (!list_is_empty(&t->in_flight)) {
		const struct command *oldest =
			list_entry(t->in_flight.next, struct command, node);

		return min_us(due, oldest->sent_us + t->timers.io_timeout_us);
	}
	return min_us(due, t->mpath->now_us + t->timers.io_timeout_us);
}

static void enter(struct transport *t, enum transport_state state)
{
	uint64_t now = t->mpath->now_us;

	t->state = state;
	t->since_us = now;
	switch (state) {
	case TRANSPORT_IDLE:
		mpath_timer_disarm(&t->timer);
		break;
	case TRANSPORT_BACKOFF:         /* armed by go_down() */
		break;
	case TRANSPORT_CONNECTING:
		mpath_timer_arm(t->mpath, &t->timer, now + t->timers.connect_timeout_us);
		break;
	case TRANSPORT_LOGGING_IN:
		mpath_timer_arm(t->mpath, &t->timer, now + t->timers.login_timeout_us);
		break;
	case TRANSPORT_UP:
		t->last_answer_us = now;
		t->probed_us = 0;
		mpath_timer_arm(t->mpath, &t->timer, watchdog_due_us(t));
		break;
	}
}

/* The counts of what is in flight are new. */
static void publish(struct transport *t)
{
	if (t->load)
		t->mpath->load_ops->publish(t);
}

static void note_change(struct transport *t)
{
	if (list_is_empty(&t->on_changed))
		list_append(&t->mpath->changed, &t->on_changed);
}

/* The next login's delay: at once after a session that had lasted, doubling
 * from backoff_min to backoff_max otherwise, with a quarter of jitter either
 * way so that many paths do not knock in step. */
static uint64_t next_backoff_us(struct transport *t, bool lasted)
{
	uint64_t delay;

	if (lasted)
		t->backoff_us = 0;
	delay = t->backoff_us;
	t->backoff_us = min_us(max_us(2 * delay, t->timers.backoff_min_us),
			       t->timers.backoff_max_us);
	if (!delay)
		return mpath_random(t->mpath, t->timers.backoff_min_us / 8 + 1);
	return delay * 3 / 4 + mpath_random(t->mpath, delay / 2 + 1);
}

/* The session or the attempt is gone. What was in flight is lost. */
static void go_down(struct transport *t, bool stay_down, const char *reason)
{
	bool lasted = t->state == TRANSPORT_UP &&
		t->mpath->now_us - t->since_us >= t->timers.backoff_max_us;
	enum transport_state from = t->state;
	struct list *node;

	while ((node = list_pop(&t->in_flight))) {
		struct command *command = list_entry(node, struct command, node);

		command->delivery = DELIVERY_LOST;
		command->stage = COMMAND_ANSWERED;
		list_append(&t->mpath->answered, node);
	}
	t->in_flight_count = 0;
	t->in_flight_bytes = 0;
	publish(t);
	snprintf(t->reason, sizeof t->reason, "%s", reason);
	if (from == TRANSPORT_UP)
		t->losses++;
	t->is_lost = true;
	note_change(t);
	if (stay_down) {
		enter(t, TRANSPORT_IDLE);
		return;
	}
	mpath_emit(t->mpath, from == TRANSPORT_UP ? EVENT_SESSION_DOWN : EVENT_LOGIN_FAILED,
		   NULL, NULL, t, "%s", t->reason);
	enter(t, TRANSPORT_BACKOFF);
	mpath_timer_arm(t->mpath, &t->timer, t->mpath->now_us + next_backoff_us(t, lasted));
}

/* There may be a slot for those that wait for one. */
static void tell_starved(struct transport *t)
{
	if (!t->is_starved)
		return;
	t->is_starved = false;
	list_for_each(node, &t->paths)
		device_stir(list_entry(node, struct path, on_transport)->device);
}

static bool has_session(const struct transport *t)
{
	return t->state >= TRANSPORT_CONNECTING;
}

__attribute__((format(printf, 2, 3)))
static void fail(struct transport *t, const char *format, ...)
{
	char reason[sizeof t->reason];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	transport_fail(t, reason);
}

static void watch(struct transport *t)
{
	uint64_t now = t->mpath->now_us;

	if (t->probed_us && t->last_answer_us > t->probed_us)
		t->probed_us = 0;
	if (!list_is_empty(&t->in_flight)) {
		struct command *oldest = list_entry(t->in_flight.next, struct command, node);
		uint64_t age_us = now - oldest->sent_us;

		if (age_us >= t->timers.io_timeout_us) {
			fail(t, "%s unanswered for %.1f s", cdb_name(&oldest->cdb),
			     (double)age_us / 1e6);
			return;
		}
	}
	if (t->probed_us && now - t->probed_us >= t->timers.probe_timeout_us) {
		fail(t, "no answer to NOP-Out for %.1f s", (double)(now - t->probed_us) / 1e6);
		return;
	}
	if (!t->probed_us && now - t->last_answer_us >= t->timers.probe_interval_us) {
		t->probed_us = now;
		t->ops->probe(t);
	}
	mpath_timer_arm(t->mpath, &t->timer, watchdog_due_us(t));
}

static void timer_fired(struct mpath_timer *timer)
{
	struct transport *t = list_entry(timer, struct transport, timer);
	double seconds = (double)(t->mpath->now_us - t->since_us) / 1e6;

	switch (t->state) {
	case TRANSPORT_IDLE:
		break;
	case TRANSPORT_BACKOFF:
		t->logins++;
		enter(t, TRANSPORT_CONNECTING);
		t->ops->login(t);
		break;
	case TRANSPORT_CONNECTING:
		fail(t, "no connection within %.1f s", seconds);
		break;
	case TRANSPORT_LOGGING_IN:
		fail(t, "login not answered within %.1f s", seconds);
		break;
	case TRANSPORT_UP:
		watch(t);
		break;
	}
}

void transport_init(struct transport *t, struct mpath *mpath,
		    const struct transport_ops *ops, const char *portal, const char *target,
		    const struct transport_timers *timers, unsigned int queue_depth)
{
	assert(queue_depth > 0);
	*t = (struct transport) {
		.ops = ops,
		.mpath = mpath,
		.timers = *timers,
		.queue_depth = queue_depth,
	};
	snprintf(t->portal, sizeof t->portal, "%s", portal);
	snprintf(t->target, sizeof t->target, "%s", target);
	list_init(&t->paths);
	list_init(&t->in_flight);
	list_init(&t->on_changed);
	mpath_timer_init(&t->timer, timer_fired);
	list_append(&mpath->transports, &t->on_mpath);
}

struct transport_timers transport_timers_of(const struct settings *settings)
{
	return (struct transport_timers) {
		.connect_timeout_us = settings->connect_timeout_ms * 1000,
		.login_timeout_us = settings->login_timeout_ms * 1000,
		.probe_interval_us = settings->nop_interval_ms * 1000,
		.probe_timeout_us = settings->nop_timeout_ms * 1000,
		.io_timeout_us = settings->io_timeout_ms * 1000,
		.backoff_min_us = BACKOFF_MIN_US,
		.backoff_max_us = settings->path_recovery_interval_ms * 1000,
	};
}

void transport_set_timers(struct transport *t, const struct transport_timers *timers)
{
	uint64_t now = t->mpath->now_us;

	t->timers = *timers;
	t->backoff_us = min_us(t->backoff_us, timers->backoff_max_us);
	switch (t->state) {
	case TRANSPORT_IDLE:
		break;
	case TRANSPORT_BACKOFF:
		mpath_timer_arm(t->mpath, &t->timer,
				min_us(t->timer.due_us, now + timers->backoff_max_us));
		break;
	case TRANSPORT_CONNECTING:
		mpath_timer_arm(t->mpath, &t->timer, t->since_us + timers->connect_timeout_us);
		break;
	case TRANSPORT_LOGGING_IN:
		mpath_timer_arm(t->mpath, &t->timer, t->since_us + timers->login_timeout_us);
		break;
	case TRANSPORT_UP:
		mpath_timer_arm(t->mpath, &t->timer, watchdog_due_us(t));
		break;
	}
}

void transport_set_queue_depth(struct transport *t, unsigned int queue_depth)
{
	assert(queue_depth > 0);
	t->queue_depth = queue_depth;
	tell_starved(t);
}

void transport_done(struct transport *t)
{
	assert(list_is_empty(&t->paths));
	if (has_session(t))
		t->ops->drop(t, "closed");
	mpath_timer_disarm(&t->timer);
	list_remove(&t->on_changed);
	list_remove(&t->on_mpath);
}

void transport_start(struct transport *t)
{
	if (t->state != TRANSPORT_IDLE)
		return;
	t->backoff_us = 0;
	enter(t, TRANSPORT_BACKOFF);
	mpath_timer_arm(t->mpath, &t->timer, t->mpath->now_us);
}

void transport_stop(struct transport *t, const char *reason)
{
	if (t->state == TRANSPORT_IDLE)
		return;
	if (has_session(t))
		t->ops->drop(t, reason);
	go_down(t, true, reason);
}

void transport_fail(struct transport *t, const char *reason)
{
	if (!has_session(t))
		return;
	t->ops->drop(t, reason);
	go_down(t, false, reason);
}

void transport_send(struct transport *t, uint64_t lun, struct command *command)
{
	assert(t->state == TRANSPORT_UP && transport_has_slot(t));
	command->sent_us = t->mpath->now_us;
	command->stage = COMMAND_IN_FLIGHT;
	command->status = 0;
	command->residual = 0;
	command->overflow = false;
	command->sense_len = 0;
	list_append(&t->in_flight, &command->node);
	t->in_flight_count++;
	t->in_flight_bytes += command->cdb.data_len;
	command->queued_bytes = t->in_flight_bytes;
	if (t->load) {
		t->mpath->load_ops->publish(t);
		command->queued_bytes += 2 * t->mpath->load_ops->others(t).bytes;
	}
	t->ops->send(t, lun, command);
}

void transport_connected(struct transport *t)
{
	if (t->state == TRANSPORT_CONNECTING)
		enter(t, TRANSPORT_LOGGING_IN);
}

void transport_up(struct transport *t)
{
	if (t->state != TRANSPORT_CONNECTING && t->state != TRANSPORT_LOGGING_IN)
		return;
	enter(t, TRANSPORT_UP);
	note_change(t);
	mpath_emit(t->mpath, EVENT_SESSION_UP, NULL, NULL, t, "logged in");
}

void transport_down(struct transport *t, const char *reason)
{
	if (has_session(t))
		go_down(t, false, reason);
}

void transport_answered(struct transport *t, struct command *command)
{
	assert(command->stage == COMMAND_IN_FLIGHT);
	t->last_answer_us = t->mpath->now_us;
	t->in_flight_count--;
	command->queued_bytes += t->in_flight_bytes;
	t->in_flight_bytes -= command->cdb.data_len;
	publish(t);
	command->stage = COMMAND_ANSWERED;
	list_move(&t->mpath->answered, &command->node);
	tell_starved(t);
}

void transport_probed(struct transport *t)
{
	t->last_answer_us = t->mpath->now_us;
	t->probed_us = 0;
}

void transport_run(struct transport *t)
{
	bool is_lost = t->is_lost;

	t->is_lost = false;
	list_for_each(node, &t->paths) {
		struct path *path = list_entry(node, struct path, on_transport);

		if (is_lost)
			path_session_down(path, t->reason);
		if (t->state == TRANSPORT_UP)
			path_session_up(path);
	}
	if (t->watch)
		t->watch(t, t->watch_opaque);
}
