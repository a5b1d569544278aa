// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the array says of its target port groups, and what that means for the
 * paths: which group a path is in, its state, and whether it may enter service.
 */
#include "alua.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "device_settings.h"
#include "path.h"
#include "transport.h"

/*
 * A logical block dependent group takes every command, some of them slowly; an
 * offline one takes none, like an unavailable one.
 */
static enum path_state state_of(uint8_t state)
{
	switch (state) {
	case PORT_GROUP_OPTIMIZED:
		return PATH_ACTIVE_OPTIMIZED;
	case PORT_GROUP_UNOPTIMIZED:
	case PORT_GROUP_LBA_DEPENDENT:
		return PATH_ACTIVE_UNOPTIMIZED;
	case PORT_GROUP_STANDBY:
		return PATH_STANDBY;
	case PORT_GROUP_TRANSITIONING:
		return PATH_TRANSITIONING;
	}
	return PATH_UNAVAILABLE;
}

struct alua_group *alua_find(struct device *device, uint16_t id)
{
	for (unsigned int i = 0; i < device->alua.ngroups; i++)
		if (device->alua.groups[i].id == id)
			return &device->alua.groups[i];
	return NULL;
}

bool alua_is_live(const struct path *path)
{
	return path->transport->state == TRANSPORT_UP && !path->is_refused &&
		path->state <= PATH_TRANSITIONING;
}

/*
 * Access modes
 */

static uint8_t mode_of(const struct unit *unit)
{
	return unit->inquiry.tpgs;
}

bool alua_is_explicit(const struct device *device)
{
	/* A module that has a command of its own knows better. */
	return device->dsm && !device->dsm->activate &&
		(mode_of(&device->unit) & INQUIRY_TPGS_EXPLICIT);
}

static const char *mode_name(uint8_t tpgs)
{
	switch (tpgs) {
	case INQUIRY_TPGS_IMPLICIT:
		return "alua-implicit";
	case INQUIRY_TPGS_EXPLICIT:
		return "alua-explicit";
	case INQUIRY_TPGS_IMPLICIT | INQUIRY_TPGS_EXPLICIT:
		return "alua-both";
	}
	return "symmetric";
}

const char *alua_access_name(const struct device *device)
{
	return mode_name(device->dsm ? mode_of(&device->unit) : 0);
}

bool alua_is_asymmetric(const struct device *device)
{
	return device->alua.was_asymmetric;
}

/*
 * States
 */

static void enter_state(struct path *path, enum path_state state, const char *reason)
{
	bool had_expired = alua_has_expired(path);

	path->array_state = state;
	if (state != PATH_TRANSITIONING)
		path->transition_due_us = 0;
	else if (!path->transition_due_us)
		path->transition_due_us = path->device->mpath->now_us +
			alua_transition_limit_us(path->device);
	if (had_expired && !alua_has_expired(path) && path->state == PATH_FAILED)
		path_recheck(path);     /* it failed for nothing else */
	else
		path_reconsider(path, reason);
}

static const struct path *path_in(const struct device *device, uint16_t id)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->has_tpg && device->paths[i]->tpg == id)
			return device->paths[i];
	return NULL;
}

static void emit_state(struct device *device, const struct alua_group *group,
		       uint8_t from, const char *reason)
{
	mpath_emit(device->mpath, EVENT_ACCESS_STATE_CHANGED, device,
		   path_in(device, group->id), NULL,
		   "target port group %u is %s, before %s: %s", group->id,
		   port_group_state_name(group->state), port_group_state_name(from), reason);
}

void alua_set_state(struct device *device, uint16_t id, enum port_group_state state,
		    const char *reason)
{
	struct alua_group *group = alua_find(device, id);
	uint8_t from;

	if (!group || group->state == state)
		return;
	from = group->state;
	group->state = (uint8_t)state;
	if (state == PORT_GROUP_TRANSITIONING)
		device->alua.poll_us = 0;       /* it may be over soon */
	emit_state(device, group, from, reason);
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (path->has_tpg && path->tpg == id)
			enter_state(path, state_of(group->state), reason);
	}
}

/*
 * An answer
 */

static bool is_in(const struct path *path, const struct port_group *group)
{
	if (path->unit.port_group >= 0)
		return path->unit.port_group == group->id;
	return path->unit.relative_port >= 0 &&
		port_group_has_port(group, (uint16_t)path->unit.relative_port);
}

/* Goes through all of it before any of it counts. */
static int check(struct device *device, const uint8_t *bytes, size_t len,
		 struct port_groups *it)
{
	struct port_group group;
	unsigned int ngroups = 0;
	bool is_asymmetric = false;
	int state = -1, err = port_groups_init(it, bytes, len);

	while (!err && (err = port_groups_next(it, &group)) == 1) {
		ngroups++;
		err = 0;
		/* A transition says nothing yet. */
		if (group.state == PORT_GROUP_TRANSITIONING)
			continue;
		is_asymmetric |= state >= 0 && state != group.state;
		state = group.state;
	}
	if (err)
		return err;
	if (!ngroups && !it->truncated)
		return -EPROTO;
	if (it->extended)
		device->alua.transition_time_s = it->transition_time_s;
	if (it->extended && it->truncated) {
		device->alua.is_plain = true;
		return -EAGAIN;
	}
	if (is_asymmetric && !device->alua.was_asymmetric) {
		device->alua.was_asymmetric = true;
		device_choose_policy(device);
	}
	return 0;
}

/* PATH is in GROUP, by this answer. */
static void assign(struct path *path, const struct port_group *group)
{
	struct device *device = path->device;
	struct alua_group *known = alua_find(device, group->id);

	path->has_tpg = true;
	path->tpg = group->id;
	path->array_preferred = group->preferred;
	if (!known) {
		known = &device->alua.groups[device->alua.ngroups++];
		*known = (struct alua_group) { .id = group->id, .state = group->state };
	}
	known->can_be = group->can_be;
	known->is_preferred = group->preferred;
}

/* Groups without paths: none asks for them any more. */
static void forget_groups(struct device *device)
{
	struct alua *alua = &device->alua;
	unsigned int kept = 0;

	for (unsigned int i = 0; i < alua->ngroups; i++)
		if (path_in(device, alua->groups[i].id))
			alua->groups[kept++] = alua->groups[i];
	alua->ngroups = kept;
}

static void list_groups(const uint8_t *bytes, size_t len, char *text, size_t text_len)
{
	struct port_groups it;
	struct port_group group;
	size_t used = 0;
	int r = port_groups_init(&it, bytes, len);

	*text = '\0';
	while (r == 0 && (r = port_groups_next(&it, &group)) == 1) {
		int n = snprintf(text + used, text_len - used, "%s%u", used ? ", " : "",
				 group.id);

		if (n < 0 || (size_t)n >= text_len - used)
			return;
		used += (size_t)n;
		r = 0;
	}
}

/* Windows' generic DSM refuses the same: where a path belongs must be sure. */
static void miss(struct path *path, const char *groups)
{
	char text[200];

	if (path->unit.port_group >= 0)
		snprintf(text, sizeof text, "VPD 83h names target port group %d, "
			 "REPORT TARGET PORT GROUPS lists %s", path->unit.port_group, groups);
	else
		snprintf(text, sizeof text, "VPD 83h names relative target port %d, which is "
			 "in none of the target port groups %s", path->unit.relative_port,
			 groups);
	if (path->access == ALUA_ASKED)
		alua_refuse(path, text);
	else if (alua_is_live(path))
		path_doubt(path, "its target port group is not reported any more");
}

static bool find_group(const struct path *path, const uint8_t *bytes, size_t len,
		       struct port_group *group)
{
	struct port_groups it;
	int r = port_groups_init(&it, bytes, len);

	while (r == 0 && (r = port_groups_next(&it, group)) == 1) {
		if (is_in(path, group))
			return true;
		r = 0;
	}
	return false;
}

static void apply_states(struct device *device, const uint8_t *bytes, size_t len)
{
	struct port_groups it;
	struct port_group group;
	int r = port_groups_init(&it, bytes, len);

	while (r == 0 && (r = port_groups_next(&it, &group)) == 1) {
		alua_set_state(device, group.id, group.state, device->alua.reason);
		r = 0;
	}
}

int alua_take(struct device *device, const uint8_t *bytes, size_t len,
	      char *text, size_t text_len)
{
	struct port_groups it;
	struct port_group group;
	char groups[96];
	int err = check(device, bytes, len, &it);

	snprintf(text, text_len, "%zu bytes that make no sense", len);
	if (err)
		return err;
	list_groups(bytes, len, groups, sizeof groups);
	for (unsigned int i = 0; i < device->npaths; i++)
		device->paths[i]->has_tpg = false;
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (find_group(path, bytes, len, &group))
			assign(path, &group);
	}
	forget_groups(device);
	apply_states(device, bytes, len);
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (path->has_tpg)
			enter_state(path, state_of(alua_find(device, path->tpg)->state),
				    device->alua.reason);
		else if (path->access == ALUA_ASKED || alua_is_live(path))
			miss(path, groups);
	}
	return 0;
}

/*
 * Admission
 */

void alua_refuse(struct path *path, const char *text)
{
	char reason[sizeof path->last_error];

	snprintf(reason, sizeof reason, "INQUIRY says TPGS %u (%s), but %s",
		 mode_of(&path->unit), mode_name(mode_of(&path->unit)), text);
	path->access = ALUA_UNKNOWN;
	path_refuse(path, reason);
}

bool alua_is_pending(const struct path *path)
{
	return !alua_is_live(path) &&
		(path->access == ALUA_WANTED || path->access == ALUA_ASKED);
}

/* All paths must work alike. Where the array was set up anew, the first path
 * to tell finds no other in service that shows the old mode. */
static bool agrees_on_mode(struct device *device, struct path *path)
{
	uint8_t mode = mode_of(&path->unit), known = mode_of(&device->unit);
	char reason[160];

	if (mode == known)
		return true;
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *other = device->paths[i];

		if (other == path || mode_of(&other->unit) != known ||
		    !(alua_is_live(other) || alua_is_pending(other)))
			continue;
		snprintf(reason, sizeof reason,
			 "INQUIRY says TPGS %u (%s) where path %s says %u (%s)", mode,
			 mode_name(mode), other->id, known, mode_name(known));
		path_refuse(path, reason);
		return false;
	}
	device->unit.inquiry.tpgs = mode;
	return true;
}

bool alua_admit(struct path *path)
{
	struct device *device = path->device;

	if (!agrees_on_mode(device, path))
		return false;
	if (!mode_of(&path->unit)) {
		path->has_tpg = false;
		path->array_state = PATH_ACTIVE_OPTIMIZED;
		return true;
	}
	if (path->access == ALUA_KNOWN)
		return true;
	if (path->unit.port_group < 0 && path->unit.relative_port < 0) {
		alua_refuse(path, "VPD 83h names no target port group");
		return false;
	}
	if (path->access != ALUA_UNKNOWN)
		return false;           /* and is waiting already */
	path->access = ALUA_WANTED;
	device->alua.ask_us = device->mpath->now_us;
	device->alua.reason = "path verified";
	alua_kick(device);
	return false;
}

void alua_admit_asked(struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (path->access != ALUA_ASKED)
			continue;
		path->access = ALUA_KNOWN;
		path_accept(path);
	}
}
