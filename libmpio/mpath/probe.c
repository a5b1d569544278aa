// SPDX-License-Identifier: LGPL-2.1-or-later
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "path.h"
#include "sense.h"
#include "status.h"
#include "transport.h"

#define SLOT_RETRY_US 1000

/*
 * The steps: what not every unit is asked comes last.
 */

struct step {
	const char *name;
	void (*build)(struct scsi_cdb *cdb);
	/* Puts what BUFFER's LEN bytes say into TEXT. -errno where they make no
	 * sense. */
	int (*read)(struct probe *probe, const uint8_t *buffer, size_t len, char *text,
		    size_t text_len);
	/* Whether to send it to the unit that INQUIRY has shown; NULL: always. */
	bool (*is_due)(const struct probe *probe);
};

static void build_inquiry(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, false, 0, INQUIRY_ALLOC_LEN);
}

static int read_inquiry(struct probe *probe, const uint8_t *buffer, size_t len, char *text,
			size_t text_len)
{
	int err = inquiry_parse(buffer, len, &probe->inquiry);

	if (!err)
		snprintf(text, text_len, "%s %s %s", probe->inquiry.vendor,
			 probe->inquiry.product, probe->inquiry.revision);
	return err;
}

static void build_designation(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_DEVICE_IDENTIFICATION, PROBE_BUFFER);
}

static int read_designation(struct probe *probe, const uint8_t *buffer, size_t len, char *text,
			    size_t text_len)
{
	struct vpd_designation designation;
	int err = vpd_designation_parse(buffer, len, &designation);

	/* Without a serial number: a unit that is known by that alone shows no
	 * identity here, which is no reason to doubt it. */
	if (err || identity_choose(&probe->identity, &designation, NULL, NULL))
		return err;
	probe->has_identity = true;
	snprintf(text, text_len, "%.*s", (int)text_len - 1, probe->identity.text);
	return 0;
}

static void build_capacity(struct scsi_cdb *cdb)
{
	cdb_read_capacity16(cdb, CAPACITY16_ALLOC_LEN);
}

static int read_capacity(struct probe *probe, const uint8_t *buffer, size_t len, char *text,
			 size_t text_len)
{
	int err = capacity16_parse(buffer, len, &probe->capacity);

	probe->has_capacity = !err;
	if (!err)
		snprintf(text, text_len, "%llu blocks of %u bytes",
			 (unsigned long long)probe->capacity.nblocks,
			 probe->capacity.block_size);
	return err;
}

static bool has_port_groups(const struct probe *probe)
{
	return probe->inquiry.tpgs != 0;
}

static void build_port_groups(struct scsi_cdb *cdb)
{
	cdb_report_port_groups(cdb, false, PROBE_BUFFER);
}

/* The device is to know what the probe knows. */
static void heed_group(struct path *path, const struct port_group *group)
{
	const struct alua_group *known = alua_find(path->device, group->id);

	if (known && known->state != group->state)
		alua_recheck(path->device, "a probe was told of other access states");
}

static int read_port_groups(struct probe *probe, const uint8_t *buffer, size_t len, char *text,
			    size_t text_len)
{
	struct path *path = probe->path;
	struct port_groups groups;
	struct port_group group;
	size_t used = 0;
	int result = port_groups_init(&groups, buffer, len);

	while (!result && (result = port_groups_next(&groups, &group)) == 1) {
		bool is_own = path->has_tpg && path->tpg == group.id;
		int n = snprintf(text + used, text_len - used, "%s%sgroup %u %s%s",
				 used ? ", " : "", is_own ? "its own " : "", group.id,
				 port_group_state_name(group.state),
				 group.preferred ? " preferred" : "");

		used += n > 0 && (size_t)n < text_len - used ? (size_t)n : 0;
		heed_group(path, &group);
		result = 0;
	}
	return result;
}

static const struct step steps[PROBE_STEPS] = {
	{ "TEST UNIT READY", cdb_test_unit_ready, NULL, NULL },
	{ "INQUIRY", build_inquiry, read_inquiry, NULL },
	{ "VPD 83h", build_designation, read_designation, NULL },
	{ "READ CAPACITY(16)", build_capacity, read_capacity, NULL },
	{ "REPORT TARGET PORT GROUPS", build_port_groups, read_port_groups, has_port_groups },
};

/*
 * Going through them
 */

static struct mpath *mpath_of(const struct probe *probe)
{
	return probe->path->device->mpath;
}

static void finish(struct probe *probe)
{
	mpath_timer_disarm(&probe->patience);
	mpath_timer_disarm(&probe->retry);
	probe->is_over = true;
	probe->done(probe, probe->opaque);
}

static void give_up(struct probe *probe, const char *reason)
{
	struct probe_answer *answer = &probe->answers[probe->count];

	answer->command = steps[probe->count].name;
	probe->count++;
	snprintf(answer->text, sizeof answer->text, "%s", reason);
	probe->is_good = false;
	finish(probe);
}

static void ask(struct probe *probe)
{
	struct transport *transport = probe->path->transport;
	struct command *command = &probe->command;

	if (probe->count == PROBE_STEPS ||
	    (steps[probe->count].is_due && !steps[probe->count].is_due(probe))) {
		finish(probe);
		return;
	}
	if (transport->state != TRANSPORT_UP) {
		give_up(probe, "the session is gone");
		return;
	}
	if (!transport_has_slot(transport)) {
		mpath_timer_arm(transport->mpath, &probe->retry,
				transport->mpath->now_us + SLOT_RETRY_US);
		return;
	}
	probe->step = probe->count;
	steps[probe->step].build(&command->cdb);
	command->data = probe->buffer;
	command->path = probe->path;
	probe->is_in_flight = true;
	transport_send(transport, probe->path->lun, command);
}

/* What concerns more than this probe. */
static void heed(struct path *path, const struct outcome *outcome)
{
	struct device *device = path->device;
	struct verdict verdict = device->dsm ? dsm_judge(device, path, outcome) :
		dsm_generic.interpret_error(&dsm_generic, outcome);

	device_heed_loss(device, outcome);
	if (verdict.recheck_alua)
		alua_judge(path, &outcome->sense, verdict.reason);
	if (verdict.recheck_identity)
		path_doubt(path, verdict.reason);
}

/* The same for what was read: late, or unwanted, it is true nevertheless. */
static void heed_unit(struct probe *probe)
{
	struct path *path = probe->path;

	if (probe->has_identity && path->is_verified &&
	    !identity_equal(&probe->identity, &path->unit.identity))
		path_doubt(path, "a probe was shown another identity");
	else if (probe->has_capacity && path->is_verified &&
		 !capacity_equal(&probe->capacity, &path->unit.capacity))
		path_recheck(path);
}

static void read_good(struct probe *probe, struct probe_answer *answer)
{
	const struct step *step = &steps[probe->step];
	const struct command *command = &probe->command;
	size_t len = command->cdb.data_len;

	if (!command->overflow)
		len -= command->residual < len ? command->residual : len;
	if (!step->read)
		return;
	if (step->read(probe, probe->buffer, len, answer->text, sizeof answer->text)) {
		probe->is_good = false;
		snprintf(answer->text, sizeof answer->text, "%zu bytes that make no sense", len);
	}
	heed_unit(probe);
}

static void read_error(struct probe *probe, struct probe_answer *answer)
{
	const struct command *command = &probe->command;
	struct outcome outcome = { .delivery = DELIVERY_ANSWERED, .status = command->status };

	probe->is_good = false;
	if (command->sense_len)
		sense_parse(command->sense, command->sense_len, &outcome.sense);
	if (outcome.sense.valid)
		sense_format(&outcome.sense, answer->text, sizeof answer->text);
	heed(probe->path, &outcome);
}

static void read_answer(struct probe *probe, struct probe_answer *answer)
{
	const struct command *command = &probe->command;

	*answer = (struct probe_answer) {
		.command = steps[probe->step].name,
		.status = scsi_status_name(command->status),
		.latency_us = mpath_of(probe)->now_us - command->sent_us,
	};
	if (command->status == SAM_STATUS_GOOD)
		read_good(probe, answer);
	else
		read_error(probe, answer);
}

/* After done() the answers are the caller's, and complete. */
static void answered_late(struct probe *probe)
{
	struct probe_answer answer;
	bool is_good = probe->is_good;

	if (probe->command.delivery == DELIVERY_ANSWERED)
		read_answer(probe, &answer);
	probe->is_good = is_good;
	if (probe->is_unwanted)
		free(probe);
}

static void answered(struct command *command)
{
	struct probe *probe = list_entry(command, struct probe, command);

	probe->is_in_flight = false;
	if (probe->is_over || probe->is_unwanted) {
		answered_late(probe);
		return;
	}
	if (command->delivery != DELIVERY_ANSWERED) {
		give_up(probe, "the session went before the answer came");
		return;
	}
	read_answer(probe, &probe->answers[probe->count]);
	probe->count++;
	ask(probe);
}

static void retry_fired(struct mpath_timer *timer)
{
	ask(list_entry(timer, struct probe, retry));
}

static void patience_over(struct mpath_timer *timer)
{
	struct probe *probe = list_entry(timer, struct probe, patience);

	give_up(probe, probe->is_in_flight ? "no answer yet" : "no slot was free on the session");
}

struct probe *probe_new(struct path *path, uint64_t timeout_ms,
			void (*done)(struct probe *probe, void *opaque), void *opaque)
{
	struct probe *probe = calloc(1, sizeof *probe);

	if (!probe)
		return NULL;
	probe->path = path;
	probe->done = done;
	probe->opaque = opaque;
	probe->is_good = true;
	probe->command.answered = answered;
	mpath_timer_init(&probe->patience, patience_over);
	mpath_timer_init(&probe->retry, retry_fired);
	mpath_timer_arm(path->device->mpath, &probe->patience,
			path->device->mpath->now_us + timeout_ms * 1000);
	/* Not from in here, so that done() is not, either. */
	mpath_timer_arm(path->device->mpath, &probe->retry, path->device->mpath->now_us);
	return probe;
}

void probe_free(struct probe *probe)
{
	if (!probe)
		return;
	mpath_timer_disarm(&probe->patience);
	mpath_timer_disarm(&probe->retry);
	if (probe->is_in_flight)
		probe->is_unwanted = true;
	else
		free(probe);
}
