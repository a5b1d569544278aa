// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which target port group is to be active, where the array leaves that to its
 * hosts (explicit ALUA), and when it is told so.
 *
 * Where no path is optimized a group is made so: at once if nothing else
 * carries I/O, after a moment's patience if another group does. Other hosts may
 * want another group: attempts that do not last follow each other ever more
 * slowly, and end while anything else works. The group that is left for want of
 * paths is returned to, as failback says, where it is the preferred one: that
 * of the administrator's preferred path, else the array's (PREF).
 */
#include "alua.h"

#include <errno.h>
#include <stdio.h>

#include "device.h"
#include "device_settings.h"
#include "path.h"
#include "transport.h"

#define MS 1000
#define SECOND (1000 * MS)

#define SETTLE_US SECOND                /* sessions that come and go, AU carries on */
#define LASTING_US (60 * SECOND)        /* an optimized path for so long is no ping-pong */
#define BACKOFF_US SECOND               /* after the first attempt, then doubling */
#define BACKOFF_MAX_US (30 * SECOND)
#define MAX_ATTEMPTS 5                  /* in a row, while other paths work */
#define MAX_FREE_ATTEMPTS 16            /* unit attentions, busy, sessions lost */
#define RETRY_US (500 * MS)             /* busy, or another change in progress */
#define ASK_WAIT_US (100 * MS)
#define SLOT_WAIT_US MS

static uint64_t max_us(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool is_optimized(const struct path *path)
{
	return path->array_state == PATH_ACTIVE_OPTIMIZED;
}

/* One that is being verified counts: it was, and most likely will be. */
static bool has_optimized_path(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];

		if (path->has_tpg && is_optimized(path) &&
		    path->transport->state == TRANSPORT_UP && !path->is_refused &&
		    (path->state <= PATH_STANDBY || path->state == PATH_CHECKING))
			return true;
	}
	return false;
}

static bool carries_io(const struct device *device)
{
	return device->candidates.count &&
		device->candidates.paths[0]->array_state <= PATH_ACTIVE_UNOPTIMIZED;
}

/*
 * Choice
 */

static bool is_of(const struct path *path, const struct alua_group *group)
{
	return path->has_tpg && path->tpg == group->id;
}

/* Paths that the group brings, those that the administrator has set aside last. */
static unsigned int worth(const struct device *device, const struct alua_group *group)
{
	unsigned int worth = 0;

	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];

		if (is_of(path, group) && alua_is_live(path))
			worth += path->settings.is_standby ? 1 : MPIO_MAX_PATHS;
	}
	return worth;
}

static bool has_administrators_preference(const struct device *device,
					  const struct alua_group *group)
{
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];

		if (path->settings.is_preferred && path->has_tpg &&
		    (!group || is_of(path, group)))
			return true;
	}
	return false;
}

static bool is_preferred(const struct device *device, const struct alua_group *group)
{
	if (has_administrators_preference(device, NULL))
		return has_administrators_preference(device, group);
	return group->is_preferred;
}

static bool can_be_optimized(const struct alua_group *group)
{
	return group->state != PORT_GROUP_OFFLINE &&
		(!group->can_be || group->can_be & PORT_GROUP_CAN_BE_OPTIMIZED);
}

/* A is the better group: the one that has not refused, then the preferred one,
 * then the one with more paths, then the one nearer to being active. */
static bool is_better(const struct device *device, const struct alua_group *a,
		      const struct alua_group *b)
{
	if (a->failures != b->failures)
		return a->failures < b->failures;
	if (is_preferred(device, a) != is_preferred(device, b))
		return is_preferred(device, a);
	if (worth(device, a) != worth(device, b))
		return worth(device, a) > worth(device, b);
	return a->state < b->state;
}

static struct alua_group *best_group(struct device *device)
{
	struct alua_group *best = NULL;

	for (unsigned int i = 0; i < device->alua.ngroups; i++) {
		struct alua_group *group = &device->alua.groups[i];

		if (can_be_optimized(group) && worth(device, group) &&
		    (!best || is_better(device, group, best)))
			best = group;
	}
	return best;
}

/* The preferred group, where we have left it and could return. */
static struct alua_group *home_group(struct device *device)
{
	if (!device->alua.is_moved || device->settings.failback == FAILBACK_MANUAL)
		return NULL;
	for (unsigned int i = 0; i < device->alua.ngroups; i++) {
		struct alua_group *group = &device->alua.groups[i];

		if (is_preferred(device, group) && can_be_optimized(group) &&
		    group->state != PORT_GROUP_OPTIMIZED && worth(device, group))
			return group;
	}
	return NULL;
}

static bool is_at_home(const struct device *device)
{
	for (unsigned int i = 0; i < device->alua.ngroups; i++)
		if (device->alua.groups[i].state == PORT_GROUP_OPTIMIZED &&
		    is_preferred(device, &device->alua.groups[i]))
			return true;
	return false;
}

/*
 * Doing it
 */

/* A path of the group, else any: arrays may take the command anywhere. */
static struct path *pick_carrier(const struct device *device, const struct alua_group *group,
				 bool *is_full)
{
	struct path *other = NULL;

	*is_full = false;
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (!alua_is_live(path) || path->query.is_in_flight)
			continue;
		if (!transport_has_slot(path->transport))
			*is_full = true;
		else if (is_of(path, group))
			return path;
		else if (!other)
			other = path;
	}
	return other;
}

static uint64_t backoff_us(const struct alua *alua)
{
	uint64_t pause_us = BACKOFF_US;

	for (unsigned int i = 1; i < alua->attempts && pause_us < BACKOFF_MAX_US; i++)
		pause_us *= 2;
	return pause_us < BACKOFF_MAX_US ? pause_us : BACKOFF_MAX_US;
}

static void start(struct device *device, struct alua_group *group, const char *why)
{
	struct alua *alua = &device->alua;
	uint64_t now_us = device->mpath->now_us;
	bool is_full;
	struct path *path = pick_carrier(device, group, &is_full);

	alua->activate_us = is_full && !path ? now_us + SLOT_WAIT_US : MPATH_NEVER;
	if (!path)
		return;
	alua->is_by_hand = alua->has_wish;
	alua->has_wish = false;
	if (alua->is_by_hand) {
		alua->is_moved = false; /* the administrator's word stands */
	} else {
		alua->attempts++;
		alua->not_before_us = now_us + backoff_us(alua);
		alua->is_moved = !is_preferred(device, group);
	}
	alua->has_goal = true;
	alua->goal = group->id;
	alua->stage = ALUA_SETTING;
	alua->carrier = path;
	alua->sent_us = now_us;
	alua->ask_us = MPATH_NEVER;
	mpath_emit(device->mpath, EVENT_ACTIVATION_SENT, device, path, NULL,
		   "target port group %u is to be active/optimized: %s", group->id, why);
	alua_query_set(path, group->id);
}

void alua_note_states(struct device *device)
{
	struct alua *alua = &device->alua;
	uint64_t now_us = device->mpath->now_us;

	if (!has_optimized_path(device)) {
		if (alua->optimized_us && now_us - alua->optimized_us >= LASTING_US) {
			alua->attempts = 0;
			alua->is_content = false;
		}
		alua->optimized_us = 0;
		if (!alua->unoptimized_us)
			alua->unoptimized_us = now_us;
		alua->home_us = 0;
		return;
	}
	alua->unoptimized_us = 0;
	if (!alua->optimized_us)
		alua->optimized_us = now_us;
	if (is_at_home(device))
		alua->is_moved = false;
	if (!home_group(device))
		alua->home_us = 0;
	else if (!alua->home_us)
		alua->home_us = now_us;
}

static void be_content(struct device *device)
{
	if (device->alua.is_content)
		return;
	device->alua.is_content = true;
	mpath_emit(device->mpath, EVENT_ACTIVATION_FAILED, device,
		   device->candidates.paths[0], NULL,
		   "%u attempts did not last; I/O stays where it is", device->alua.attempts);
}

/* The group to activate by ourselves, NULL for none; *SINCE_US when it became
 * desirable, *DUE_US when it may be told. */
static struct alua_group *desired(struct device *device, uint64_t *since_us,
				  uint64_t *due_us, const char **why)
{
	struct alua *alua = &device->alua;
	struct alua_group *group;

	if (alua->optimized_us) {
		group = home_group(device);
		*since_us = alua->home_us;
		*due_us = *since_us + SETTLE_US + device->settings.failback_ms * MS;
		*why = "the preferred group is back";
	} else {
		group = best_group(device);
		*since_us = alua->unoptimized_us;
		*due_us = *since_us;
		/* Nothing is lost by waiting, or paths have yet to show up. */
		if (carries_io(device) || !device_is_settled(device))
			*due_us += SETTLE_US;
		*why = "no path is optimized";
	}
	*due_us = max_us(*due_us, alua->not_before_us);
	return group;
}

/* The administrator's I/O follows its group, once its path is verified there. */
static void move(struct device *device)
{
	struct alua *alua = &device->alua;

	if (alua->mover && path_is_usable(alua->mover)) {
		device_move_to(device, alua->mover);
		alua->mover = NULL;
	} else if (alua->mover && !is_optimized(alua->mover)) {
		alua->mover = NULL;
	}
}

/* False: the administrator wants nothing, or has it. */
static bool heed_wish(struct device *device)
{
	struct alua *alua = &device->alua;
	struct alua_group *group;

	if (!alua->has_wish)
		return false;
	group = alua->wish->has_tpg ? alua_find(device, alua->wish->tpg) : NULL;
	alua->has_wish = group && group->state != PORT_GROUP_OPTIMIZED;
	if (!alua->has_wish)
		return false;
	if (device->mpath->now_us < alua->not_before_us)
		alua->activate_us = alua->not_before_us;
	else
		start(device, group, "the administrator says so");
	return true;
}

void alua_activation_run(struct device *device)
{
	struct alua *alua = &device->alua;
	uint64_t now_us = device->mpath->now_us, since_us, due_us;
	struct alua_group *group;
	const char *why;

	alua->activate_us = MPATH_NEVER;
	alua_note_states(device);
	move(device);
	if (!alua_is_explicit(device))
		return;
	if (heed_wish(device))
		return;
	if (alua_is_any_in_transition(device))
		return;                 /* it ends in something, and is polled */
	group = desired(device, &since_us, &due_us, &why);
	if (!group)
		return;
	if (alua->attempts >= MAX_ATTEMPTS && carries_io(device)) {
		be_content(device);
		return;
	}
	if (now_us < due_us) {
		alua->activate_us = due_us;
		return;
	}
	/* What was told before paths went may be out of date: another host, or
	 * the array itself, may have seen to it. */
	if (alua->told_us >= since_us)
		start(device, group, why);
	else if (alua->ask_us == MPATH_NEVER)   /* nobody could be asked just now */
		alua->ask_us = now_us + ASK_WAIT_US;
}

static void failed(struct device *device, const struct path *path, const char *text)
{
	struct alua *alua = &device->alua;
	struct alua_group *group = alua_find(device, alua->goal);

	alua->has_goal = false;
	if (group)
		group->failures++;
	mpath_emit(device->mpath, EVENT_ACTIVATION_FAILED, device, path, NULL,
		   "target port group %u: %s", alua->goal, text);
}

void alua_activation_answered(struct device *device, struct path *path,
			      enum alua_result result, const char *text)
{
	struct alua *alua = &device->alua;

	alua->reason = "SET TARGET PORT GROUPS";
	alua->ask_us = device->mpath->now_us;
	switch (result) {
	case ALUA_DONE:
		alua->free_attempts = 0;
		return;
	case ALUA_REFUSED:
		alua->free_attempts = 0;
		failed(device, path, text);
		return;
	case ALUA_AGAIN:
	case ALUA_LATER:
	case ALUA_ELSEWHERE:
		break;
	}
	if (++alua->free_attempts > MAX_FREE_ATTEMPTS) {
		failed(device, path, text);
		return;
	}
	/* Not carried out, or who knows: what the array tells now decides whether
	 * it is sent again. */
	alua->has_goal = false;
	alua->has_wish = alua->is_by_hand;
	if (!alua->is_by_hand)
		alua->attempts--;
	alua->not_before_us = device->mpath->now_us + (result == ALUA_LATER ? RETRY_US : 0);
}

void alua_activation_told(struct device *device)
{
	struct alua *alua = &device->alua;
	struct alua_group *group = alua->has_goal ? alua_find(device, alua->goal) : NULL;

	if (!group) {
		alua->has_goal = false;
		return;
	}
	switch (group->state) {
	case PORT_GROUP_OPTIMIZED:
		alua->has_goal = false;
		group->failures = 0;
		if (alua->is_by_hand)
			alua->mover = alua->wish;
		return;
	case PORT_GROUP_TRANSITIONING:
		return;                 /* on its way */
	default:
		failed(device, NULL, "SET TARGET PORT GROUPS was taken, and changed nothing");
	}
}

int alua_activate(struct device *device, struct path *path)
{
	struct alua *alua = &device->alua;

	if (!alua_is_explicit(device))
		return -EOPNOTSUPP;
	if (!alua_is_live(path) || !path->has_tpg)
		return -ENOTCONN;
	if (is_optimized(path))
		return 0;
	alua->has_wish = true;
	alua->wish = path;
	alua->mover = NULL;
	alua->attempts = 0;
	alua->is_content = false;
	alua->not_before_us = 0;
	alua_kick(device);
	return 0;
}
