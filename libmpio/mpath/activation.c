// SPDX-License-Identifier: LGPL-2.1-or-later
#include "activation.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "device.h"
#include "path.h"
#include "status.h"
#include "transport.h"

#define SECOND UINT64_C(1000000)

#define SLOT_WAIT_US 1000
#define PAUSE_MIN_US (2 * SECOND)       /* after the first attempt, then doubling */
#define PAUSE_MAX_US (60 * SECOND)
#define QUIET_US (120 * SECOND)         /* after that the attempts count anew */
#define MAX_ATTENTIONS 16

static bool can_activate(const struct device *device)
{
	return device_is_ready(device) && device->dsm->activate &&
		 device->state != DEVICE_STOPPED;
}

/* By the array's and the module's word: the administrator's marks do not count. */
static bool is_active(const struct path *path)
{
	return path_is_usable(path) &&
		dsm_path_state(path, path->array_state) <= PATH_ACTIVE_UNOPTIMIZED;
}

static bool has_active_path(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (is_active(device->paths[i]))
			return true;
	return false;
}

static bool is_better(const struct path *a, const struct path *b)
{
	if (a->settings.is_preferred != b->settings.is_preferred)
		return a->settings.is_preferred;
	if (a->settings.is_standby != b->settings.is_standby)
		return b->settings.is_standby;
	return a->state < b->state;
}

static struct path *best_path(struct device *device)
{
	struct path *best = NULL;

	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];

		if (alua_is_live(path) && !(device->activation.tried & 1u << i) &&
		    (!best || is_better(path, best)))
			best = path;
	}
	return best;
}

static uint64_t next_attempt_us(const struct activation *a)
{
	uint64_t pause_us = PAUSE_MIN_US;

	if (!a->attempts)
		return 0;
	for (unsigned int i = 1; i < a->attempts && pause_us < PAUSE_MAX_US; i++)
		pause_us *= 2;
	return a->last_us + (pause_us < PAUSE_MAX_US ? pause_us : PAUSE_MAX_US);
}

static void look_again_at(struct device *device, uint64_t when_us)
{
	mpath_timer_arm(device->mpath, &device->activation.timer, when_us);
}

/* False: the module has nothing to send down PATH. */
static bool send(struct device *device, struct path *path, const char *why)
{
	struct activation *a = &device->activation;

	if (!transport_has_slot(path->transport)) {
		look_again_at(device, device->mpath->now_us + SLOT_WAIT_US);
		return true;
	}
	if (!dsm_has_activation(path, &a->command.cdb, a->data)) {
		a->tried |= 1u << path->index;
		return false;
	}
	mpath_emit(device->mpath, EVENT_ACTIVATION_SENT, device, path, NULL,
		   "path %s is to be active: %s", path->id, why);
	a->wish = NULL;
	a->attempts++;
	a->last_us = device->mpath->now_us;
	a->is_in_flight = true;
	a->command.data = a->data;
	a->command.path = path;
	transport_send(path->transport, path->lun, &a->command);
	return true;
}

void activation_run(struct device *device)
{
	struct activation *a = &device->activation;
	uint64_t now_us = device->mpath->now_us;
	struct path *path;

	if (!can_activate(device) || a->is_in_flight)
		return;
	if (a->wish && alua_is_live(a->wish) && send(device, a->wish, "the administrator says so"))
		return;
	a->wish = NULL;
	if (has_active_path(device) || device_is_checking(device))
		return;         /* what is being verified tells when it is done */
	if (a->last_us && now_us - a->last_us > QUIET_US) {
		a->attempts = 0;
		a->tried = 0;
	}
	if (now_us < next_attempt_us(a)) {
		look_again_at(device, next_attempt_us(a));
		return;
	}
	while ((path = best_path(device)))
		if (send(device, path, "no path is active"))
			return;
	if (!a->tried)
		return;
	/* All have refused: from the beginning, at leisure. */
	a->tried = 0;
	look_again_at(device, now_us + PAUSE_MAX_US);
}

static void failed(struct device *device, struct path *path, const char *text)
{
	device->activation.tried |= 1u << path->index;
	device->activation.attentions = 0;
	path_note_error(path, "activation: %s", text);
	mpath_emit(device->mpath, EVENT_ACTIVATION_FAILED, device, path, NULL, "%s", text);
}

static void was_answered(struct device *device, struct path *path, struct outcome *outcome)
{
	struct activation *a = &device->activation;
	struct verdict verdict;
	char text[128];

	if (outcome->status == SAM_STATUS_GOOD) {
		a->tried = 0;
		for (unsigned int i = 0; i < device->npaths; i++)
			path_recheck(device->paths[i]);
		return;
	}
	device_heed_loss(device, outcome);
	verdict = dsm_judge(device, path, outcome);
	if (verdict.recheck_identity)
		path_doubt(path, verdict.reason);
	if (outcome->sense.valid && outcome->sense.key == SENSE_KEY_UNIT_ATTENTION &&
	    ++a->attentions <= MAX_ATTENTIONS) {
		a->attempts--;          /* not carried out */
		return;
	}
	if (outcome->sense.valid)
		sense_format(&outcome->sense, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s", scsi_status_name(outcome->status));
	failed(device, path, text);
}

static void answered(struct command *command)
{
	struct device *device = command->path->device;
	struct activation *a = &device->activation;
	struct path *path = command->path;
	struct outcome outcome = {
		.delivery = command->delivery,
		.status = command->status,
		.opcode = command->cdb.bytes[0],
		.sense_len = command->sense_len,
		.sense_bytes = command->sense,
	};

	a->is_in_flight = false;
	if (device->state == DEVICE_STOPPED)
		return;
	if (command->sense_len)
		sense_parse(command->sense, command->sense_len, &outcome.sense);
	if (command->delivery == DELIVERY_ANSWERED)
		was_answered(device, path, &outcome);
	else
		a->attempts--;          /* the next path may have it at once */
	if (outcome.sense.key != SENSE_KEY_UNIT_ATTENTION)
		a->attentions = 0;
	/* If it has not helped by then. */
	look_again_at(device, next_attempt_us(a) > device->mpath->now_us ?
		      next_attempt_us(a) : device->mpath->now_us);
}

static void timer_fired(struct mpath_timer *timer)
{
	activation_run(list_entry(timer, struct device, activation.timer));
}

void activation_init(struct device *device)
{
	device->activation.command.answered = answered;
	mpath_timer_init(&device->activation.timer, timer_fired);
}

void activation_done(struct device *device)
{
	assert(!device->activation.is_in_flight);
	mpath_timer_disarm(&device->activation.timer);
}

int activation_start(struct device *device, struct path *path)
{
	if (!can_activate(device))
		return -EOPNOTSUPP;
	if (!alua_is_live(path))
		return -ENOTCONN;
	if (device->activation.is_in_flight)
		return -EBUSY;
	if (is_active(path))
		return 0;
	device->activation.wish = path;
	look_again_at(device, device->mpath->now_us);
	return 0;
}
