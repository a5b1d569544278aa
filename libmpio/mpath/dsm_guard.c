// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A module is foreign code in the path of every I/O: what it answers counts
 * only where it can be true. Beyond that, what it cannot know stands whatever
 * it says: that an acknowledged write was lost, that a unit's identity is in
 * doubt, and that a command which failed has not been done.
 */
#include "dsm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "device.h"
#include "path.h"
#include "status.h"
#include "transport.h"

#define MAX_DELAY_MS 60000

static const enum event_kind fault_events[DSM_FAULTS] = {
	[DSM_FAULT_NO_PATH] = EVENT_NO_PATH,
	[DSM_FAULT_BOGUS_PATH] = EVENT_BOGUS_PATH,
	[DSM_FAULT_VERDICT] = EVENT_DSM_FAULT,
	[DSM_FAULT_STATE] = EVENT_DSM_FAULT,
	[DSM_FAULT_COMMAND] = EVENT_DSM_FAULT,
	[DSM_FAULT_FENCE] = EVENT_DSM_FAULT,
};

/* 1, 10, 100 ...: who is at fault once is so on every I/O. */
static bool is_worth_telling(uint64_t count)
{
	while (count % 10 == 0)
		count /= 10;
	return count == 1;
}

__attribute__((format(printf, 4, 5)))
static void tell_fault(struct device *device, const struct path *path, enum dsm_fault fault,
		       const char *format, ...)
{
	uint64_t count = ++device->dsm_faults[fault];
	char what[256], times[48] = "";
	va_list args;

	if (!is_worth_telling(count))
		return;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (count > 1)
		snprintf(times, sizeof times, " (%" PRIu64 " times so far)", count);
	mpath_emit(device->mpath, fault_events[fault], device, path, NULL, "DSM %s %s%s",
		   device->dsm->name, what, times);
}

/*
 * Picks
 */

static size_t free_candidates(const struct candidates *candidates)
{
	size_t count = 0;

	for (size_t i = 0; i < candidates->count; i++)
		count += path_has_slot(candidates->paths[i]);
	return count;
}

bool dsm_pick(struct device *device, const struct command *command, struct path **path)
{
	const struct candidates *candidates = &device->candidates;
	int index = device->dsm->pick(device->dsm, candidates, command);

	if (index >= 0 && (size_t)index < candidates->count) {
		*path = candidates->paths[index];
		if (path_has_slot(*path))
			return true;
		tell_fault(device, *path, DSM_FAULT_BOGUS_PATH,
			   "gave path %s, which has no free slot", (*path)->id);
		return false;
	}
	if (index != DSM_WAIT) {
		tell_fault(device, NULL, DSM_FAULT_BOGUS_PATH, "gave path number %d of %zu",
			   index, candidates->count);
		return false;
	}
	/* Somebody's answer must be due, or nothing would end the wait. */
	if (free_candidates(candidates) < candidates->count) {
		*path = NULL;
		return true;
	}
	tell_fault(device, NULL, DSM_FAULT_NO_PATH, "gave no path of %zu that are free",
		   candidates->count);
	return false;
}

/*
 * Verdicts
 */

/* Nothing says that the command was not done, and all bytes were moved. */
static bool may_be_done(const struct outcome *outcome)
{
	if (outcome->delivery != DELIVERY_ANSWERED || outcome->residual || outcome->overflow)
		return false;
	if (outcome->status != SAM_STATUS_CHECK_CONDITION)
		return outcome->status == SAM_STATUS_GOOD ||
			(outcome->status == SAM_STATUS_CONDITION_MET && outcome->is_prefetch);
	if (!outcome->sense.valid || outcome->sense.deferred)
		return false;
	return outcome->sense.key == SENSE_KEY_RECOVERED_ERROR ||
		outcome->sense.key == SENSE_KEY_COMPLETED ||
		outcome->sense.key == SENSE_KEY_VENDOR_SPECIFIC;
}

static bool is_error_for_clients(int error)
{
	return error == -EIO || error == -ENOSPC || error == -EROFS ||
		error == -EOPNOTSUPP || error == -EINVAL;
}

/* What is wrong with VERDICT on OUTCOME; NULL: nothing. */
static const char *flaw_of(const struct verdict *verdict, const struct outcome *outcome)
{
	if (verdict->delay_ms > MAX_DELAY_MS)
		return "a delay of more than a minute";
	if (!verdict->reason)
		return "no reason";
	switch (verdict->action) {
	case VERDICT_DONE:
		return may_be_done(outcome) ? NULL : "success for what was not done";
	case VERDICT_RETURN:
		return is_error_for_clients(verdict->error) ? NULL : "no such error";
	case VERDICT_RETRY_SAME:
	case VERDICT_RETRY_OTHER:
		return !verdict->error || is_error_for_clients(verdict->error) ?
			NULL : "no such error";
	}
	return "no such action";
}

struct verdict dsm_judge(struct device *device, const struct path *path,
			 const struct outcome *outcome)
{
	const struct dsm_ops *dsm = device->dsm;
	struct verdict generic = dsm_generic.interpret_error(&dsm_generic, outcome);
	struct verdict verdict;
	const char *flaw;

	if (dsm == &dsm_generic)
		return generic;
	/* The same flush again would find nothing left to do. */
	if (outcome->is_flush && generic.action == VERDICT_RETURN)
		return generic;
	verdict = dsm->interpret_error(dsm, outcome);
	flaw = flaw_of(&verdict, outcome);
	if (flaw) {
		tell_fault(device, path, DSM_FAULT_VERDICT,
			   "gave a verdict that cannot be (%s): action %d, error %d, delay %u ms",
			   flaw, (int)verdict.action, verdict.error, verdict.delay_ms);
		return generic;
	}
	verdict.earlier_write_lost |= generic.earlier_write_lost;
	verdict.recheck_identity |= generic.recheck_identity;
	return verdict;
}

/*
 * States, questions, fences
 */

static bool is_access_state(int state)
{
	return state >= PATH_ACTIVE_OPTIMIZED && state <= PATH_TRANSITIONING;
}

int dsm_path_state(const struct path *path, int array_state)
{
	struct device *device = path->device;
	const struct dsm_ops *dsm = device->dsm;
	int state;

	if (path->dsm_state != DSM_STATE_KEEP)
		array_state = path->dsm_state;
	if (!dsm || !dsm->path_state)
		return array_state;
	state = dsm->path_state(dsm, path, array_state);
	if (state == DSM_STATE_KEEP || is_access_state(state))
		return state == DSM_STATE_KEEP ? array_state : state;
	tell_fault(device, path, DSM_FAULT_STATE, "says path %s is in state %d, which is none",
		   path->id, state);
	return array_state;
}

/* Before a device has its module, the one that would claim UNIT. */
static const struct dsm_ops *module_of(const struct path *path, const struct unit *unit)
{
	char reason[256];

	if (path->device->dsm)
		return path->device->dsm;
	return dsm_claim(path->device->mpath, unit, reason, sizeof reason);
}

/* What is wrong with a command that a module wants to be sent. */
static const char *flaw_of_command(const struct scsi_cdb *cdb, bool may_send, uint32_t max)
{
	if (cdb->len != 6 && cdb->len != 10 && cdb->len != 12 && cdb->len != 16)
		return "a CDB that is not 6, 10, 12 or 16 bytes long";
	if (cdb->dir > SCSI_DIR_OUT || (cdb->dir == SCSI_DIR_OUT && !may_send))
		return "a command that sends data, or no known direction";
	if (cdb->data_len > max || (cdb->dir == SCSI_DIR_NONE && cdb->data_len))
		return "a length that cannot be";
	return NULL;
}

bool dsm_has_question(const struct path *path, const struct unit *unit, struct scsi_cdb *cdb)
{
	const struct dsm_ops *dsm = module_of(path, unit);
	const char *flaw;

	if (!dsm || !dsm->verify || !dsm->verify(dsm, path, unit, cdb))
		return false;
	flaw = flaw_of_command(cdb, false, DSM_ANSWER_MAX);
	/* A device without its module yet has nobody to blame. */
	if (flaw && path->device->dsm)
		tell_fault(path->device, path, DSM_FAULT_COMMAND, "asks for %s", flaw);
	return !flaw;
}

void dsm_judge_answer(const struct path *path, const struct unit *unit,
		      const struct outcome *outcome, const uint8_t *bytes, size_t len,
		      struct dsm_check *check)
{
	const struct dsm_ops *dsm = module_of(path, unit);

	*check = (struct dsm_check) { DSM_PASS, DSM_STATE_KEEP, "" };
	if (!dsm || !dsm->verify_answer)
		return;
	dsm->verify_answer(dsm, path, unit, outcome, bytes, len, check);
	check->reason[sizeof check->reason - 1] = '\0';
	if (check->state == DSM_STATE_KEEP || is_access_state(check->state))
		return;
	if (path->device->dsm)
		tell_fault(path->device, path, DSM_FAULT_STATE,
			   "says path %s is in state %d, which is none", path->id, check->state);
	check->state = DSM_STATE_KEEP;
}

bool dsm_has_activation(const struct path *path, struct scsi_cdb *cdb, uint8_t *data)
{
	const struct dsm_ops *dsm = path->device->dsm;
	const char *flaw;

	if (!dsm->activate(dsm, path, cdb, data))
		return false;
	flaw = flaw_of_command(cdb, true, DSM_DATA_MAX);
	if (flaw)
		tell_fault(path->device, path, DSM_FAULT_COMMAND, "asks for %s", flaw);
	return !flaw;
}

const char *fence_strength_name(enum fence_strength strength)
{
	static const char *const names[] = {
		[FENCE_UNKNOWN] = "unknown",
		[FENCE_NONE] = "none",
		[FENCE_ASSUMED] = "assumed",
		[FENCE_VERIFIED] = "verified",
	};

	return names[strength];
}

enum fence_strength dsm_fence_strength(struct device *device)
{
	const struct dsm_ops *dsm = device->dsm;
	int strength;

	if (!dsm->fence_strength)
		return FENCE_UNKNOWN;
	strength = dsm->fence_strength(dsm, &device->unit);
	if (strength >= FENCE_UNKNOWN && strength <= FENCE_VERIFIED)
		return (enum fence_strength)strength;
	tell_fault(device, NULL, DSM_FAULT_FENCE, "knows a fence of strength %d, which is none",
		   strength);
	return FENCE_UNKNOWN;
}
