// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine: one question or command at a time, who carries it, and when
 * the next one is due. Its timer stands for whatever comes first of the next
 * question, the next look at activation, the patience with the path that was
 * asked, and the end of the patience with a transition.
 */
#include "alua.h"

#include <errno.h>
#include <stdio.h>

#include "device.h"
#include "path.h"
#include "transport.h"

#define MS 1000
#define SECOND (1000 * MS)

#define SLOT_WAIT_US MS                 /* for a free slot on a session */
#define PATIENCE_US (3 * SECOND)        /* then another path is asked */
#define DAMP_MIN_US (10 * MS)           /* between questions that answers raise */
#define DAMP_MAX_US (500 * MS)
#define QUIET_US SECOND                 /* a question after that comes at once */
#define POLL_MIN_US (100 * MS)          /* while a group is in transition */
#define POLL_MAX_US SECOND
#define MAX_ATTENTIONS 64               /* in one round; they come in queues */

static uint64_t min_us(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_us(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool has_active_path(const struct device *device)
{
	const struct candidates *candidates = &device->candidates;

	return candidates->count &&
		candidates->paths[0]->array_state <= PATH_ACTIVE_UNOPTIMIZED;
}

/*
 * The timer
 */

static uint64_t next_due_us(const struct device *device)
{
	const struct alua *alua = &device->alua;
	uint64_t due_us = MPATH_NEVER;

	for (unsigned int i = 0; i < device->npaths; i++)
		if (alua_is_in_transition(device->paths[i]))
			due_us = min_us(due_us, device->paths[i]->transition_due_us);
	switch (alua->stage) {
	case ALUA_IDLE:
		return min_us(due_us, min_us(alua->ask_us, alua->activate_us));
	case ALUA_ASKING:
		return min_us(due_us, alua->sent_us + PATIENCE_US);
	case ALUA_SETTING:
		break;
	}
	return due_us;
}

static void rearm(struct device *device)
{
	uint64_t due_us = next_due_us(device);

	if (due_us == MPATH_NEVER)
		mpath_timer_disarm(&device->alua.timer);
	else
		mpath_timer_arm(device->mpath, &device->alua.timer, due_us);
}

void alua_kick(struct device *device)
{
	mpath_timer_arm(device->mpath, &device->alua.timer, device->mpath->now_us);
}

/* Ends whatever the machine did at this instant: I/O that waited for a command
 * goes on, or begins to wait, and the timer is set. */
static void rest(struct device *device)
{
	struct alua *alua = &device->alua;
	bool is_busy = alua->stage != ALUA_IDLE;

	if (alua->is_withholding != is_busy) {
		alua->is_withholding = is_busy;
		if (!has_active_path(device))
			device_access_changed(device, alua->reason);
	}
	rearm(device);
}

/*
 * Asking
 */

/* Paths in service first, the best of them; a path that waits to enter service
 * has shown that it leads to the unit, too. */
static unsigned int rank(const struct path *path)
{
	return alua_is_live(path) ? (unsigned int)path->array_state : PATH_STATES;
}

static bool may_carry(const struct path *path)
{
	if (path->transport->state != TRANSPORT_UP || path->is_refused ||
	    path->query.is_in_flight)
		return false;
	return alua_is_live(path) || alua_is_pending(path);
}

/* NULL where none is left that was not asked in vain; *IS_FULL: or none has
 * a free slot. */
static struct path *pick_carrier(const struct device *device, bool *is_full)
{
	struct path *best = NULL;

	*is_full = false;
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (!may_carry(path) || device->alua.tried & 1u << i)
			continue;
		if (!transport_has_slot(path->transport))
			*is_full = true;
		else if (!best || rank(path) < rank(best))
			best = path;
	}
	return best;
}

static void mark(struct device *device, enum alua_access from, enum alua_access to)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->access == from)
			device->paths[i]->access = to;
}

static bool is_anyone_waiting(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->access == ALUA_WANTED)
			return true;
	return false;
}

/* Between polls of an array that gives no reason to hurry. */
static uint64_t slow_poll_us(const struct device *device)
{
	return max_us(POLL_MAX_US, device->settings.path_recovery_interval_ms * MS);
}

/* Everybody was asked in vain. Without a path to ask, the next one to be
 * verified starts a new round. */
static void asked_in_vain(struct device *device)
{
	struct alua *alua = &device->alua;
	bool is_full;

	alua->tried = 0;
	alua->attentions = 0;
	mark(device, ALUA_ASKED, ALUA_WANTED);
	alua->poll_us = min_us(max_us(2 * alua->poll_us, POLL_MIN_US), slow_poll_us(device));
	alua->ask_us = MPATH_NEVER;
	if (pick_carrier(device, &is_full) || is_full)
		alua->ask_us = device->mpath->now_us + alua->poll_us;
}

/* A question soon after the last one makes the next one wait longer: answers
 * that contradict each other must not keep array and network busy. */
static void damp(struct alua *alua, uint64_t now_us)
{
	if (now_us - alua->sent_us > QUIET_US)
		alua->damp_us = 0;
	else
		alua->damp_us = min_us(max_us(2 * alua->damp_us, DAMP_MIN_US), DAMP_MAX_US);
}

static void ask(struct device *device)
{
	struct alua *alua = &device->alua;
	bool is_full;
	struct path *path = pick_carrier(device, &is_full);

	if (!path) {
		if (is_full)
			alua->ask_us = device->mpath->now_us + SLOT_WAIT_US;
		else
			asked_in_vain(device);
		return;
	}
	mark(device, ALUA_WANTED, ALUA_ASKED);
	damp(alua, device->mpath->now_us);
	alua->stage = ALUA_ASKING;
	alua->carrier = path;
	alua->sent_us = device->mpath->now_us;
	alua->ask_us = MPATH_NEVER;
	alua_query_report(path, !alua->is_plain);
}

/* The path that was asked keeps silent; its session's watchdogs see to it. */
static void ask_another(struct device *device)
{
	struct alua *alua = &device->alua;
	bool is_full;

	alua->tried |= 1u << alua->carrier->index;
	if (pick_carrier(device, &is_full)) {
		alua->carrier->query.is_given_up = true;
		alua->carrier = NULL;
		alua->stage = ALUA_IDLE;
		ask(device);
	} else {
		alua->tried &= ~(1u << alua->carrier->index);
		alua->sent_us = device->mpath->now_us;
	}
}

/*
 * Answers
 */

static bool is_any_unavailable(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->state == PATH_UNAVAILABLE)
			return true;
	return false;
}

/* When to ask again though nobody says so: a transition ends without notice,
 * and so does the wait for an array that decides alone which group is active;
 * a group that takes no I/O has none to answer with a unit attention. */
static void poll(struct device *device)
{
	struct alua *alua = &device->alua;
	uint64_t longest_us = POLL_MAX_US;
	bool is_full;

	if (!alua_is_any_in_transition(device)) {
		if (has_active_path(device) && !is_any_unavailable(device)) {
			alua->poll_us = 0;
			return;
		}
		longest_us = slow_poll_us(device);
	}
	alua->tried = 0;
	if (!pick_carrier(device, &is_full) && !is_full)
		return;
	alua->poll_us = min_us(max_us(2 * alua->poll_us, POLL_MIN_US), longest_us);
	alua->ask_us = min_us(alua->ask_us, device->mpath->now_us + alua->poll_us);
}

static size_t answer_len(const struct command *command)
{
	uint32_t len = command->cdb.data_len;

	if (!command->overflow)
		len -= command->residual < len ? command->residual : len;
	return len;
}

static void told(struct device *device)
{
	struct alua *alua = &device->alua;

	alua->tried = 0;
	alua->attentions = 0;
	alua->told_us = alua->sent_us;
	alua_admit_asked(device);
	if (is_anyone_waiting(device))
		alua->ask_us = device->mpath->now_us;
	alua_activation_told(device);
	poll(device);
	if (alua->stage == ALUA_IDLE && alua->ask_us > device->mpath->now_us)
		alua_activation_run(device);
}

/* PATH will not tell. One that is to enter service must. */
static void refused(struct device *device, struct path *path, const char *text)
{
	char reason[200];

	snprintf(reason, sizeof reason, "REPORT TARGET PORT GROUPS fails: %s", text);
	device->alua.tried |= 1u << path->index;
	if (path->access == ALUA_ASKED && !alua_is_live(path))
		alua_refuse(path, reason);
	else
		path_note_error(path, "%s", reason);
	ask(device);
}

static void asked(struct device *device, struct path *path, enum alua_result result,
		  const char *text)
{
	struct alua *alua = &device->alua;
	char problem[96];
	int err;

	switch (result) {
	case ALUA_DONE:
		err = alua_take(device, path->query.buffer, answer_len(&path->query.command),
				problem, sizeof problem);
		if (!err)
			told(device);
		else if (err == -EAGAIN)
			ask(device);
		else
			refused(device, path, problem);
		return;
	case ALUA_AGAIN:
		if (++alua->attentions > MAX_ATTENTIONS)
			asked_in_vain(device);
		else
			ask(device);
		return;
	case ALUA_REFUSED:
		if (!alua->is_plain && path->query.sense.key == SENSE_KEY_ILLEGAL_REQUEST) {
			alua->is_plain = true;  /* older than SPC-4 */
			ask(device);
			return;
		}
		refused(device, path, text);
		return;
	case ALUA_LATER:
	case ALUA_ELSEWHERE:
		alua->tried |= 1u << path->index;
		ask(device);
		return;
	}
}

void alua_answered(struct path *path, enum alua_result result, const char *text)
{
	struct device *device = path->device;
	struct alua *alua = &device->alua;
	enum alua_stage stage = alua->stage;

	if (device->state == DEVICE_STOPPED || alua->carrier != path)
		return;
	alua->carrier = NULL;
	alua->stage = ALUA_IDLE;
	if (stage == ALUA_ASKING) {
		asked(device, path, result, text);
	} else {
		alua->waited_us = device->mpath->now_us;
		alua_activation_answered(device, path, result, text);
	}
	/* Nothing but a question helps now: no I/O in between. */
	if (alua->stage == ALUA_IDLE && alua->ask_us <= device->mpath->now_us)
		ask(device);
	rest(device);
}

static void timer_fired(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, alua.timer);
	struct alua *alua = &device->alua;
	uint64_t now_us = device->mpath->now_us;

	if (device->state == DEVICE_STOPPED || !device->dsm)
		return;
	alua_expire(device);
	if (alua->told_us)
		alua_note_states(device);       /* before it is asked about them */
	if (alua->stage == ALUA_ASKING && now_us - alua->sent_us >= PATIENCE_US)
		ask_another(device);
	if (alua->stage == ALUA_IDLE && alua->ask_us <= now_us)
		ask(device);
	if (alua->stage == ALUA_IDLE && alua->ask_us > now_us && alua->told_us)
		alua_activation_run(device);
	rest(device);
}

/*
 * From others
 */

void alua_recheck(struct device *device, const char *reason)
{
	struct alua *alua = &device->alua;
	uint64_t now_us = device->mpath->now_us;
	uint64_t due_us = max_us(now_us, alua->sent_us + alua->damp_us);

	if (!alua_transition_limit_us(device) || device->state == DEVICE_STOPPED)
		return;
	alua->reason = reason;
	if (alua->stage == ALUA_SETTING)
		return;                 /* which ends with a question anyway */
	if (alua->stage == ALUA_ASKING)
		due_us = max_us(due_us, now_us + 1);    /* it may have been told before */
	if (due_us > now_us)
		alua->ask_us = min_us(alua->ask_us, due_us);
	else
		ask(device);
	rest(device);
}

static int state_by_sense(const struct sense *sense)
{
	if (!sense->valid || sense->deferred || sense->key != SENSE_KEY_NOT_READY ||
	    sense->asc != 0x04)
		return -1;
	switch (sense->ascq) {
	case 0x0a:
		return PORT_GROUP_TRANSITIONING;
	case 0x0b:
		return PORT_GROUP_STANDBY;
	case 0x0c:
		return PORT_GROUP_UNAVAILABLE;
	}
	return -1;
}

void alua_judge(struct path *path, const struct sense *sense, const char *reason)
{
	int state = state_by_sense(sense);

	if (!path->has_tpg)
		return;
	if (state >= 0)
		alua_set_state(path->device, path->tpg, (enum port_group_state)state, reason);
	alua_recheck(path->device, reason);
}

static bool is_any_active(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (path_is_usable(device->paths[i]) &&
		    device->paths[i]->array_state <= PATH_ACTIVE_UNOPTIMIZED)
			return true;
	return false;
}

void alua_path_changed(struct path *path, int from)
{
	struct device *device = path->device;
	struct alua *alua = &device->alua;

	if (from == PATH_TRANSITIONING)
		alua->waited_us = device->mpath->now_us;
	if (!alua->told_us)
		return;
	alua_kick(device);
	if (from > PATH_STANDBY || path_is_usable(path) || is_any_active(device))
		return;
	/* The last one that took I/O has gone: what the array has made of that is
	 * asked before I/O goes to those that most likely refuse it. */
	alua->reason = "no active path is left";
	alua->ask_us = device->mpath->now_us;
	alua->is_withholding = true;
}

void alua_forget(struct path *path)
{
	path->access = ALUA_UNKNOWN;
}

void alua_init(struct device *device)
{
	device->alua.ask_us = device->alua.activate_us = MPATH_NEVER;
	device->alua.reason = "";
	mpath_timer_init(&device->alua.timer, timer_fired);
}

void alua_done(struct device *device)
{
	mpath_timer_disarm(&device->alua.timer);
}
