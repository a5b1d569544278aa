// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for access states: what may still make a path usable, and until when
 * that is worth waiting.
 */
#include "alua.h"

#include <stdio.h>

#include "device.h"
#include "path.h"

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t alua_transition_limit_us(const struct device *device)
{
	uint64_t limit_us = device->settings.transition_timeout_ms * 1000;
	uint64_t stated_us = (uint64_t)device->alua.transition_time_s * 1000000;

	if (!device->dsm || !device->unit.inquiry.tpgs)
		return 0;
	return stated_us > limit_us ? stated_us : limit_us;
}

bool alua_has_expired(const struct path *path)
{
	return path->array_state == PATH_TRANSITIONING && path->transition_due_us &&
		path->transition_due_us <= path->device->mpath->now_us;
}

bool alua_is_in_transition(const struct path *path)
{
	return path->state == PATH_TRANSITIONING && path->transition_due_us;
}

bool alua_is_any_in_transition(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (alua_is_in_transition(device->paths[i]))
			return true;
	return false;
}

/* A transition that does not end is a failure: the path is verified again from
 * time to time, and is back when its group is. */
void alua_expire(struct device *device)
{
	char reason[96];

	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (path->state != PATH_TRANSITIONING || !alua_has_expired(path))
			continue;
		snprintf(reason, sizeof reason, "target port group %u in transition for %.1f s",
			 path->tpg, (double)alua_transition_limit_us(device) / 1e6);
		path_fail(path, reason);
	}
}

bool alua_withholds(const struct path *path)
{
	return path->array_state == PATH_STANDBY && path->device->alua.is_withholding;
}

bool alua_is_waiting(const struct device *device)
{
	return device->alua.is_withholding || alua_is_any_in_transition(device);
}

uint64_t alua_waited_until_us(const struct device *device)
{
	const struct alua *alua = &device->alua;
	uint64_t until_us = alua->waited_us;

	if (alua->stage == ALUA_SETTING)
		until_us = later(until_us, alua->sent_us + alua_transition_limit_us(device));
	for (unsigned int i = 0; i < device->npaths; i++)
		if (alua_is_in_transition(device->paths[i]))
			until_us = later(until_us, device->paths[i]->transition_due_us);
	return until_us;
}
