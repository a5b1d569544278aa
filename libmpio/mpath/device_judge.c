// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A command came back: what it means is the DSM's to say (a pure function),
 * acting on it is done here.
 */
#include "device.h"

#include <errno.h>
#include <stdio.h>

#include "sense.h"
#include "status.h"
#include "transport.h"

/* Free retries (unit attentions) on the spot before they are slowed down. */
#define FREE_TRIES 32

/*
 * Where the answer's length is exact, so that a residual is an error: where
 * blocks are moved. Targets (tgt is one) report the parameter list of an UNMAP
 * as a residual though they have read it.
 */
static bool has_exact_length(const struct command *command)
{
	uint8_t opcode = command->cdb.bytes[0];

	return opcode == CDB_READ_16 || opcode == CDB_WRITE_16;
}

static bool is_write(const struct command *command)
{
	return command->request->op != REQUEST_READ &&
		command->request->op != REQUEST_LBA_STATUS &&
		command->request->op != REQUEST_PREFETCH;
}

static struct outcome outcome_of(const struct command *command)
{
	struct outcome outcome = {
		.delivery = command->delivery,
		.status = command->status,
		.is_write = is_write(command),
		.is_flush = command->request->is_syncing ||
			command->request->op == REQUEST_FLUSH,
		.is_prefetch = command->request->op == REQUEST_PREFETCH,
		.opcode = command->cdb.bytes[0],
		.sense_len = command->sense_len,
		.sense_bytes = command->sense,
	};

	if (has_exact_length(command)) {
		outcome.residual = command->residual;
		outcome.overflow = command->overflow;
	}
	if (command->sense_len)
		sense_parse(command->sense, command->sense_len, &outcome.sense);
	return outcome;
}

static void note_error(struct path *path, const struct command *command,
		       const struct outcome *outcome, const struct verdict *verdict)
{
	char text[128];

	if (outcome->delivery != DELIVERY_ANSWERED)
		return;         /* the session's end says more */
	if (outcome->sense.valid)
		sense_format(&outcome->sense, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s", scsi_status_name(outcome->status));
	path_note_error(path, "%s at block %llu: %s: %s", cdb_name(&command->cdb),
			(unsigned long long)command->lba, text, verdict->reason);
}

static void note_loss(struct device *device)
{
	device->has_lost_write = true;
	device->lost_write_us = device->mpath->now_us;
}

void device_heed_loss(struct device *device, const struct outcome *outcome)
{
	if (device->dsm && classify(outcome).earlier_write_lost)
		note_loss(device);
}

static void act_on_path(struct device *device, struct path *path,
			const struct command *command, const struct outcome *outcome,
			const struct verdict *verdict)
{
	/* This one was in flight, too. */
	if (verdict->lower_depth)
		depth_lower(&path->depth, path->in_flight + 1, command->sent_us,
			    device->mpath->now_us);
	if (verdict->earlier_write_lost)
		note_loss(device);
	if (path->transport->state != TRANSPORT_UP)
		return;
	if (verdict->error == -EROFS && !device->is_read_only)
		path_recheck(path);     /* so that the device, or the path, is known to be */
	if (verdict->fail_path)
		path_fail(path, verdict->reason);
	else if (verdict->recheck_identity)
		path_doubt(path, verdict->reason);
	if (verdict->recheck_alua)
		alua_judge(path, &outcome->sense, verdict->reason);
}

/* Zeroes that WRITE SAME could not write: the next piece by WRITE. */
static void write_zeroes(struct device *device, struct command *command)
{
	uint32_t nblocks = command->rest;

	if (nblocks > device_zeroes_at_once(device))
		nblocks = device_zeroes_at_once(device);
	command->nblocks = nblocks;
	command->data = device->zeroes;
	command->tries = command->free_tries = 0;
	cdb_write16(&command->cdb, command->lba, nblocks, device->block_size, false);
	device_dispatch(device, command);
}

static void was_done(struct device *device, struct command *command)
{
	struct request *request = command->request;

	if (request->op == REQUEST_LBA_STATUS) {
		uint32_t got = command->cdb.data_len;

		if (!command->overflow)
			got -= command->residual < got ? command->residual : got;
		request->data_got = got;
	}
	if (command->rest && !request->is_aborted) {
		command->rest -= command->nblocks;
		command->lba += command->nblocks;
		if (command->rest) {
			write_zeroes(device, command);
			return;
		}
	}
	device_settle(device, command, 0);
}

/* The unit does not know the command, or not in this form: do without. */
static void do_without(struct device *device, struct command *command, int error)
{
	struct request *request = command->request;

	if (request->is_syncing || request->op == REQUEST_FLUSH) {
		/* Without a volatile cache there is nothing to synchronize. */
		device_settle(device, command, device->unit.write_cache ? -EIO : 0);
		return;
	}
	switch (request->op) {
	case REQUEST_PREFETCH:
		device->has_prefetch = false;
		device_settle(device, command, 0);
		return;
	case REQUEST_WRITE_SAME:
		if (command->rest)
			break;          /* it was a WRITE */
		device->has_write_same = false;
		if (request->is_fast) {
			error = -EOPNOTSUPP;
			break;
		}
		command->rest = command->nblocks;
		write_zeroes(device, command);
		return;
	case REQUEST_READ:
	case REQUEST_WRITE:
		error = -EIO;
		break;
	case REQUEST_UNMAP:
	case REQUEST_LBA_STATUS:
	case REQUEST_FLUSH:
		break;
	}
	device_settle(device, command, error);
}

static void return_error(struct device *device, struct command *command, int error)
{
	if (error == -EOPNOTSUPP || error == -EINVAL)
		do_without(device, command, error);
	else
		device_settle(device, command, error);
}

static size_t count_others(const struct candidates *candidates, const struct path *path)
{
	size_t others = candidates->count;

	for (size_t i = 0; i < candidates->count; i++)
		others -= candidates->paths[i] == path;
	return others;
}

/* The delay doubles while a unit is busy, so that many commands that wait for
 * it do not keep it so; a quarter of jitter either way parts them. */
static uint64_t grown_us(struct device *device, uint64_t delay_us, unsigned int tries)
{
	uint64_t most_us = device->settings.retry_interval_ms * 1000;

	for (unsigned int i = 1; i < tries && delay_us * 2 <= most_us; i++)
		delay_us *= 2;
	return delay_us * 3 / 4 + mpath_random(device->mpath, delay_us / 2 + 1);
}

/* How long COMMAND waits before it is sent again, in microseconds. */
static uint64_t retry_delay_us(struct device *device, struct command *command,
			       const struct path *path, const struct verdict *verdict)
{
	size_t others = count_others(&device->candidates, path);
	uint64_t delay_us = (uint64_t)verdict->delay_ms * 1000;

	/* Another path may take it at once; when all have been asked, it waits. */
	if (!command->stay && others && (!delay_us || ++command->free_tries <= others))
		return 0;
	if (delay_us && command->stay)
		return grown_us(device, delay_us, ++command->free_tries);
	if (delay_us)
		return delay_us;
	if (verdict->counted ? command->tries > 1 : ++command->free_tries > FREE_TRIES)
		return device->settings.retry_interval_ms * 1000;
	return 0;               /* the first at once */
}

static void retry(struct device *device, struct command *command, struct path *path,
		  const struct verdict *verdict)
{
	const struct settings *settings = &device->settings;
	uint64_t now_us = device->mpath->now_us;
	uint64_t delay_us, budget_us = 0;

	path->counters.retries++;
	if (verdict->counted && ++command->tries > settings->retry_count) {
		return_error(device, command, verdict->error ? verdict->error : -EIO);
		return;
	}
	command->stay = verdict->action == VERDICT_RETRY_SAME;
	command->avoid = command->stay ? NULL : path;
	delay_us = retry_delay_us(device, command, path, verdict);
	/* What a failed path carried goes on at once. */
	if (!verdict->fail_path)
		budget_us = retry_budget_take(&device->mpath->retry_budget, now_us);
	if (delay_us < budget_us)
		delay_us = budget_us;
	if (delay_us && device->candidates.count)
		hold_wait_until(device, command, now_us + delay_us);
	else
		device_dispatch(device, command);
}

/* Apart from the rest, so that a good answer does not pay for its frame. */
__attribute__((noinline))
static void judge(struct device *device, struct path *path, struct command *command)
{
	struct request *request = command->request;
	struct outcome outcome = outcome_of(command);
	struct verdict verdict = dsm_judge(device, path, &outcome);

	if (verdict.action != VERDICT_DONE)
		note_error(path, command, &outcome, &verdict);
	act_on_path(device, path, command, &outcome, &verdict);
	if (verdict.action == VERDICT_DONE)
		was_done(device, command);
	else if (request->is_aborted || request->error)
		device_settle(device, command, request->error ? request->error : -EIO);
	else if (verdict.action == VERDICT_RETURN)
		return_error(device, command, verdict.error);
	else
		retry(device, command, path, &verdict);
}

void device_answered(struct device *device, struct command *command)
{
	struct path *path = command->path;

	path_settle(path, command);
	if (command->delivery == DELIVERY_ANSWERED && command->status == SAM_STATUS_GOOD &&
	    !(command->residual && has_exact_length(command)))
		was_done(device, command);
	else
		judge(device, path, command);
}
