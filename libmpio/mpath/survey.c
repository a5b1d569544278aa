// SPDX-License-Identifier: LGPL-2.1-or-later
#include "survey.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "luns.h"
#include "sense.h"
#include "status.h"
#include "transport.h"

#define BUFFER (REPORT_LUNS_HEADER_LEN + 8 * SURVEY_LUNS_MAX)
#define TRIES 8                         /* of one command */
#define RETRY_US 200000

static_assert(BUFFER >= VPD_DESIGNATION_ALLOC_LEN, "one buffer for all answers");

enum { STEP_LUNS, STEP_INQUIRY, STEP_DESIGNATION, STEP_SERIAL };

static void build(struct survey *survey)
{
	struct scsi_cdb *cdb = &survey->command.cdb;

	switch (survey->step) {
	case STEP_LUNS:
		cdb_report_luns(cdb, BUFFER);
		break;
	case STEP_INQUIRY:
		cdb_inquiry(cdb, false, 0, INQUIRY_ALLOC_LEN);
		break;
	case STEP_DESIGNATION:
		cdb_inquiry(cdb, true, VPD_DEVICE_IDENTIFICATION, VPD_DESIGNATION_ALLOC_LEN);
		break;
	case STEP_SERIAL:
		cdb_inquiry(cdb, true, VPD_UNIT_SERIAL_NUMBER, VPD_ALLOC_LEN);
		break;
	}
}

static void ask(struct survey *survey)
{
	struct transport *transport = survey->transport;

	build(survey);
	survey->command.data = survey->buffer;
	survey->is_in_flight = true;
	/* REPORT LUNS is every target's at LUN 0 (SPC-4 6.33). */
	transport_send(transport, survey->step == STEP_LUNS ? 0 : survey->luns[survey->next],
		       &survey->command);
}

static void step(struct survey *survey, unsigned int to)
{
	survey->step = to;
	survey->tries = 0;
	ask(survey);
}

static void finish(struct survey *survey, const char *reason)
{
	survey->is_running = false;
	survey->is_over = true;
	snprintf(survey->reason, sizeof survey->reason, "%s", reason);
}

/* On to the next unit, or it was the last. */
static void next_unit(struct survey *survey)
{
	survey->designation.count = 0;
	survey->designation.truncated = survey->designation.cut = false;
	survey->serial = (struct vpd_serial) { 0 };
	if (++survey->next < survey->nluns)
		step(survey, STEP_INQUIRY);
	else
		finish(survey, "");
}

static void keep_unit(struct survey *survey)
{
	struct survey_unit unit = {
		.lun = survey->luns[survey->next],
		.inquiry = survey->inquiry,
	};
	struct survey_unit *larger;

	if (identity_choose(&unit.identity, &survey->designation, &survey->serial,
			    &survey->inquiry)) {
		next_unit(survey);
		return;
	}
	larger = realloc(survey->units, (survey->count + 1) * sizeof *larger);
	if (!larger) {
		finish(survey, "out of memory");
		return;
	}
	survey->units = larger;
	survey->units[survey->count++] = unit;
	next_unit(survey);
}

/* Of LEN bytes, or of none where the unit does not answer this. */
static void take(struct survey *survey, const uint8_t *buffer, size_t len)
{
	struct identity identity;
	size_t total;
	int count;

	switch (survey->step) {
	case STEP_LUNS:
		count = report_luns_parse(buffer, len, survey->luns, SURVEY_LUNS_MAX, &total);
		if (count < 0) {
			finish(survey, "REPORT LUNS is answered with what makes no sense");
			return;
		}
		survey->nluns = (size_t)count;
		survey->next = (size_t)-1;
		next_unit(survey);
		return;
	case STEP_INQUIRY:
		if (inquiry_parse(buffer, len, &survey->inquiry) || !inquiry_is_disk(&survey->inquiry))
			next_unit(survey);
		else
			step(survey, STEP_DESIGNATION);
		return;
	case STEP_DESIGNATION:
		if (vpd_designation_parse(buffer, len, &survey->designation))
			survey->designation.count = 0;
		if (identity_choose(&identity, &survey->designation, NULL, NULL) == -ENOENT)
			step(survey, STEP_SERIAL);
		else
			keep_unit(survey);
		return;
	case STEP_SERIAL:
		if (vpd_serial_parse(buffer, len, &survey->serial))
			survey->serial = (struct vpd_serial) { 0 };
		keep_unit(survey);
		return;
	}
}

/* Unit attentions pass, busy units too; anything else is the answer. */
static void judge(struct survey *survey)
{
	const struct command *command = &survey->command;
	struct sense sense = { 0 };
	char reason[96];

	if (command->sense_len)
		sense_parse(command->sense, command->sense_len, &sense);
	if (++survey->tries < TRIES && sense.valid && sense.key == SENSE_KEY_UNIT_ATTENTION) {
		ask(survey);
	} else if (survey->tries < TRIES && (command->status == SAM_STATUS_BUSY ||
					     command->status == SAM_STATUS_TASK_SET_FULL)) {
		mpath_timer_arm(survey->transport->mpath, &survey->retry,
				survey->transport->mpath->now_us + RETRY_US);
	} else if (survey->step == STEP_LUNS) {
		snprintf(reason, sizeof reason, "REPORT LUNS is refused: %s",
			 scsi_status_name(command->status));
		finish(survey, reason);
	} else {
		take(survey, survey->buffer, 0);
	}
}

static void answered(struct command *command)
{
	struct survey *survey = list_entry(command, struct survey, command);
	size_t len = command->cdb.data_len;

	survey->is_in_flight = false;
	if (!survey->is_running)
		return;
	if (command->delivery != DELIVERY_ANSWERED) {
		return;                 /* that the session went is told by watch() */
	} else if (command->status != SAM_STATUS_GOOD) {
		judge(survey);
	} else {
		if (!command->overflow)
			len -= command->residual < len ? command->residual : len;
		take(survey, survey->buffer, len);
	}
}

static void retry_fired(struct mpath_timer *timer)
{
	struct survey *survey = list_entry(timer, struct survey, retry);

	if (survey->is_running && !survey->is_in_flight &&
	    survey->transport->state == TRANSPORT_UP)
		ask(survey);
}

static void begin(struct survey *survey)
{
	/* What was lost with the session before came back in the same run. */
	assert(!survey->is_in_flight);
	survey->is_running = true;
	survey->count = 0;
	step(survey, STEP_LUNS);
}

static void watch(struct transport *transport, void *opaque)
{
	struct survey *survey = opaque;

	if (survey->is_over)
		return;
	mpath_timer_disarm(&survey->retry);
	survey->is_running = false;
	if (transport->state == TRANSPORT_UP)
		begin(survey);
	else
		snprintf(survey->reason, sizeof survey->reason, "%s", transport->reason);
}

int survey_init(struct survey *survey, struct transport *transport)
{
	*survey = (struct survey) { .transport = transport };
	survey->command.answered = answered;
	mpath_timer_init(&survey->retry, retry_fired);
	survey->buffer = calloc(1, BUFFER);
	if (!survey->buffer)
		return -ENOMEM;
	transport->watch = watch;
	transport->watch_opaque = survey;
	return 0;
}

void survey_done(struct survey *survey)
{
	if (survey->buffer) {
		survey->is_over = true;
		survey->is_running = false;
		survey->transport->watch = NULL;
		mpath_timer_disarm(&survey->retry);
		transport_stop(survey->transport, "closed");
		mpath_run(survey->transport->mpath);    /* the command comes back */
	}
	assert(!survey->is_in_flight);
	free(survey->buffer);
	free(survey->units);
}

const struct survey_unit *survey_find(const struct survey *survey,
				      const struct identity *identity)
{
	for (size_t i = 0; i < survey->count; i++)
		if (identity_equal(&survey->units[i].identity, identity))
			return &survey->units[i];
	return NULL;
}
