// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands of the ALUA machine down one path, and what their answers are.
 */
#include "alua.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "classify.h"
#include "device.h"
#include "path.h"
#include "status.h"
#include "transport.h"

static void describe(const struct outcome *outcome, char *text, size_t len)
{
	if (outcome->status == SAM_STATUS_CHECK_CONDITION && outcome->sense.valid)
		sense_format(&outcome->sense, text, len);
	else
		snprintf(text, len, "%s", scsi_status_name(outcome->status));
}

/* A unit attention that came with the answer is taken: what it says of the
 * unit must not be lost with it. */
static enum alua_result judge(struct path *path, const struct outcome *outcome)
{
	struct verdict verdict = classify(outcome);

	device_heed_loss(path->device, outcome);
	if (outcome->sense.valid && outcome->sense.key == SENSE_KEY_UNIT_ATTENTION) {
		if (!verdict.recheck_identity)
			return ALUA_AGAIN;
		path_doubt(path, verdict.reason);
		return ALUA_ELSEWHERE;
	}
	if (verdict.fail_path && verdict.recheck_identity) {
		path_fail(path, verdict.reason);
		return ALUA_ELSEWHERE;
	}
	if (verdict.action == VERDICT_RETURN || verdict.fail_path)
		return ALUA_REFUSED;
	return ALUA_LATER;
}

static void answered(struct command *command)
{
	struct path *path = command->path;
	struct alua_query *query = &path->query;
	struct outcome outcome = {
		.delivery = command->delivery,
		.status = command->status,
	};
	enum alua_result result = ALUA_ELSEWHERE;
	char text[160] = "session lost";

	query->is_in_flight = false;
	query->sense = (struct sense) { 0 };
	if (path->transport->state == TRANSPORT_UP &&
	    command->delivery == DELIVERY_ANSWERED) {
		result = ALUA_DONE;
		if (command->status != SAM_STATUS_GOOD) {
			if (command->sense_len)
				sense_parse(command->sense, command->sense_len,
					    &outcome.sense);
			query->sense = outcome.sense;
			describe(&outcome, text, sizeof text);
			result = judge(path, &outcome);
		}
	}
	if (!query->is_given_up) {
		alua_answered(path, result, text);
		return;
	}
	query->is_given_up = false;
	if (result == ALUA_DONE)
		alua_recheck(path->device, "a path answers again");
}

static void send(struct path *path)
{
	struct alua_query *query = &path->query;

	assert(!query->is_in_flight);
	query->command.data = query->buffer;
	query->command.path = path;
	query->is_in_flight = true;
	query->is_given_up = false;
	transport_send(path->transport, path->lun, &query->command);
}

void alua_query_report(struct path *path, bool extended)
{
	cdb_report_port_groups(&path->query.command.cdb, extended, ALUA_BUFFER);
	send(path);
}

void alua_query_set(struct path *path, uint16_t id)
{
	struct alua_query *query = &path->query;

	cdb_set_port_groups(&query->command.cdb,
			    (uint32_t)set_port_groups_build(query->buffer, id,
							    PORT_GROUP_OPTIMIZED));
	send(path);
}

int alua_path_init(struct path *path)
{
	path->query.command.answered = answered;
	path->query.buffer = calloc(1, ALUA_BUFFER);
	return path->query.buffer ? 0 : -ENOMEM;
}

void alua_path_done(struct path *path)
{
	assert(!path->query.is_in_flight);
	free(path->query.buffer);
}
