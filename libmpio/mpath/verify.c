// SPDX-License-Identifier: LGPL-2.1-or-later
#include "verify.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "mode.h"
#include "path.h"
#include "sense.h"
#include "status.h"
#include "transport.h"

#define STEP_TRIES 16                   /* unit attentions come in a queue */
#define STEP_FAILURES 4                 /* other answers that may pass */

_Static_assert(DSM_ANSWER_MAX <= VERIFY_BUFFER, "a module's answer has no room");

/*
 * The steps
 */

struct step {
	const char *name;
	void (*build)(struct scsi_cdb *cdb);
	/* BUFFER holds LEN bytes of the answer. -errno where they make no sense. */
	int (*read)(struct verify *verify, const uint8_t *buffer, size_t len);
	uint8_t vpd_page;               /* asked only where VPD 00h lists it; 0: always */
	bool may_fail;                  /* the unit does not have to know it */
	bool is_routine;                /* asked by the short form, too */
};

static void build_supported_pages(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_SUPPORTED_PAGES, VPD_ALLOC_LEN);
}

static void build_designation(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_DEVICE_IDENTIFICATION, VERIFY_BUFFER);
}

static void build_serial(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_UNIT_SERIAL_NUMBER, VPD_ALLOC_LEN);
}

static void build_block_limits(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_BLOCK_LIMITS, VPD_ALLOC_LEN);
}

static void build_characteristics(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_BLOCK_CHARACTERISTICS, VPD_ALLOC_LEN);
}

static void build_provisioning(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, true, VPD_LOGICAL_BLOCK_PROVISIONING, VPD_ALLOC_LEN);
}

static void build_inquiry(struct scsi_cdb *cdb)
{
	cdb_inquiry(cdb, false, 0, INQUIRY_ALLOC_LEN);
}

static void build_capacity(struct scsi_cdb *cdb)
{
	cdb_read_capacity16(cdb, CAPACITY16_ALLOC_LEN);
}

static void build_caching(struct scsi_cdb *cdb)
{
	cdb_mode_sense10(cdb, MODE_PAGE_CACHING, MODE_ALLOC_LEN);
}

static void build_control(struct scsi_cdb *cdb)
{
	cdb_mode_sense10(cdb, MODE_PAGE_CONTROL, MODE_ALLOC_LEN);
}

static int read_inquiry(struct verify *v, const uint8_t *buffer, size_t len)
{
	struct unit *unit = &v->unit;

	unit->inquiry_len = (uint8_t)(len < sizeof unit->inquiry_bytes ?
				      len : sizeof unit->inquiry_bytes);
	memcpy(unit->inquiry_bytes, buffer, unit->inquiry_len);
	return inquiry_parse(buffer, len, &v->unit.inquiry);
}

static int read_supported_pages(struct verify *v, const uint8_t *buffer, size_t len)
{
	return vpd_pages_parse(buffer, len, &v->pages);
}

static int read_serial(struct verify *v, const uint8_t *buffer, size_t len)
{
	return vpd_serial_parse(buffer, len, &v->unit.serial);
}

static int read_designation(struct verify *v, const uint8_t *buffer, size_t len)
{
	int err = vpd_designation_parse(buffer, len, &v->designation);

	v->unit.port_group = vpd_port_group(&v->designation);
	v->unit.relative_port = vpd_relative_port(&v->designation);
	return err;
}

static int read_block_limits(struct verify *v, const uint8_t *buffer, size_t len)
{
	int err = vpd_block_limits_parse(buffer, len, &v->unit.limits);

	v->unit.has_block_limits = !err;
	return err;
}

static int read_characteristics(struct verify *v, const uint8_t *buffer, size_t len)
{
	struct vpd_block_characteristics characteristics;
	int err = vpd_block_characteristics_parse(buffer, len, &characteristics);

	if (err)
		return err;
	v->unit.is_rotational_known = characteristics.rotation_rate != 0;
	v->unit.is_rotational = characteristics.rotation_rate > 1;
	return 0;
}

static int read_provisioning(struct verify *v, const uint8_t *buffer, size_t len)
{
	int err = vpd_provisioning_parse(buffer, len, &v->unit.provisioning);

	v->unit.has_provisioning = !err;
	return err;
}

static int read_capacity(struct verify *v, const uint8_t *buffer, size_t len)
{
	return capacity16_parse(buffer, len, &v->unit.capacity);
}

static int read_mode(struct verify *v, const uint8_t *buffer, size_t len)
{
	struct mode_data mode;
	int err = mode_sense10_parse(buffer, len, &mode);

	if (err)
		return err;
	v->unit.write_protected |= mode.header.write_protected;
	v->unit.dpofua |= mode.header.dpofua;
	if (mode.has_caching)
		v->unit.write_cache = mode.caching.wce;
	if (mode.has_control)
		v->unit.write_protected |= mode.control.swp;
	return 0;
}

/* TEST UNIT READY comes first and takes the unit attentions of a new session. */
static const struct step steps[] = {
	{ "TEST UNIT READY", cdb_test_unit_ready, NULL, 0, false, true },
	{ "INQUIRY", build_inquiry, read_inquiry, 0, false, false },
	{ "VPD 00h", build_supported_pages, read_supported_pages, 0, true, false },
	{ "VPD 80h", build_serial, read_serial, VPD_UNIT_SERIAL_NUMBER, true, true },
	{ "VPD 83h", build_designation, read_designation,
	  VPD_DEVICE_IDENTIFICATION, true, true },
	{ "VPD B0h", build_block_limits, read_block_limits, VPD_BLOCK_LIMITS, true, false },
	{ "VPD B1h", build_characteristics, read_characteristics,
	  VPD_BLOCK_CHARACTERISTICS, true, false },
	{ "VPD B2h", build_provisioning, read_provisioning,
	  VPD_LOGICAL_BLOCK_PROVISIONING, true, false },
	{ "READ CAPACITY(16)", build_capacity, read_capacity, 0, false, true },
	{ "MODE SENSE caching page", build_caching, read_mode, 0, true, true },
	{ "MODE SENSE control page", build_control, read_mode, 0, true, false },
};
#define STEPS (sizeof steps / sizeof steps[0])

/* What comes behind them, where the unit's module has a question of its own. */
static const struct step dsm_step = { "the module's question", NULL, NULL, 0, false, true };

static const struct step *step_of(const struct verify *v)
{
	return v->step < STEPS ? &steps[v->step] : &dsm_step;
}

/*
 * Going through them
 */

static struct path *path_of(struct verify *verify)
{
	return list_entry(verify, struct path, verify);
}

static void finish(struct verify *v, const char *reason)
{
	v->is_running = false;
	mpath_timer_disarm(&v->retry);
	path_verified(path_of(v), &v->unit, reason);
}

/* Forgets what was read: everything is asked. */
static void restart(struct verify *v)
{
	v->is_short = false;
	v->step = 0;
	v->unit = (struct unit) {
		.write_cache = true, .port_group = -1, .relative_port = -1,
	};
	v->pages = (struct vpd_pages) { 0 };
	v->designation.count = 0;
}

static void begin(struct verify *v, bool is_short)
{
	restart(v);
	v->tries = v->failures = v->restarts = 0;
	v->is_stale = false;
	v->is_short = is_short;
	if (!is_short)
		return;
	v->unit = path_of(v)->unit;
	v->unit.write_protected = false;
	v->pages = v->known_pages;
}

/* The short form has seen something new. */
static bool has_changed(struct verify *v)
{
	const struct unit *known = &path_of(v)->unit;

	return !identity_equal(&v->unit.identity, &known->identity) ||
		!capacity_equal(&v->unit.capacity, &known->capacity) ||
		v->unit.write_protected != known->write_protected ||
		v->unit.write_cache != known->write_cache;
}

static bool is_skipped(const struct verify *v, const struct step *step)
{
	return (step->vpd_page && !vpd_pages_has(&v->pages, step->vpd_page)) ||
		(v->is_short && !step->is_routine);
}

/* False where there is more to ask, the command being built: everything, or
 * what the module wants to know. */
static bool is_whole(struct verify *v)
{
	if (identity_choose(&v->unit.identity, &v->designation, &v->unit.serial,
			    &v->unit.inquiry)) {
		finish(v, "the unit has no usable identity in VPD 83h or 80h");
		return true;
	}
	if (v->is_short && !v->unit.is_incomplete && has_changed(v)) {
		restart(v);
		steps[0].build(&v->command.cdb);
		return false;
	}
	v->known_pages = v->pages;
	/* One that is not active is asked again when it is. */
	if (!v->unit.is_incomplete &&
	    dsm_has_question(path_of(v), &v->unit, &v->command.cdb))
		return false;
	path_of(v)->dsm_state = DSM_STATE_KEEP;
	finish(v, NULL);
	return true;
}

/* Sends the step's command when the session has a slot; else soon. */
static void ask(struct verify *v)
{
	struct path *path = path_of(v);
	struct command *command = &v->command;

	while (v->step < STEPS && is_skipped(v, &steps[v->step]))
		v->step++;
	if (v->step < STEPS)
		steps[v->step].build(&command->cdb);
	else if (is_whole(v))
		return;
	if (!transport_has_slot(path->transport)) {
		mpath_timer_arm(path->transport->mpath, &v->retry,
				path->transport->mpath->now_us + 1000);
		return;
	}
	command->data = v->buffer;
	command->path = path;
	v->is_in_flight = true;
	transport_send(path->transport, path->lun, command);
}

static void retry_fired(struct mpath_timer *timer)
{
	struct verify *v = list_entry(timer, struct verify, retry);

	/* The session may have ended in this very run, and not been told yet. */
	if (v->is_running && !v->is_in_flight &&
	    path_of(v)->transport->state == TRANSPORT_UP)
		ask(v);
}

static void next_step(struct verify *v)
{
	v->step++;
	v->tries = 0;
	v->failures = 0;
	ask(v);
}

__attribute__((format(printf, 2, 3)))
static void fail(struct verify *v, const char *format, ...)
{
	char reason[192];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	finish(v, reason);
}

/* Of the access states only the active ones take all commands (SPC-4 5.15.2):
 * what the others do not tell is asked when the path is active. */
static bool is_access_state(const struct sense *sense)
{
	return sense->valid && !sense->deferred && sense->key == SENSE_KEY_NOT_READY &&
		sense->asc == 0x04 && sense->ascq >= 0x0a && sense->ascq <= 0x0c;
}

/* The step was not answered with GOOD: go on, ask again, or give up. */
static void judge(struct verify *v, const struct outcome *outcome)
{
	const struct step *step = step_of(v);
	struct path *path = path_of(v);
	struct verdict verdict = classify(outcome);
	char text[128];

	if (outcome->status == SAM_STATUS_CHECK_CONDITION && outcome->sense.valid)
		sense_format(&outcome->sense, text, sizeof text);
	else
		snprintf(text, sizeof text, "%s", scsi_status_name(outcome->status));

	if (outcome->sense.valid && outcome->sense.key == SENSE_KEY_UNIT_ATTENTION) {
		if (++v->tries > STEP_TRIES || v->restarts > STEP_TRIES) {
			fail(v, "%s: unit attentions without end, the last %s",
			     step->name, text);
			return;
		}
		if (verdict.recheck_identity) {
			restart(v);     /* what was read may be out of date */
			v->restarts++;
		}
		ask(v);
		return;
	}
	if (is_access_state(&outcome->sense)) {
		if (v->step == 0) {
			next_step(v);   /* INQUIRY tells whether it can have them */
			return;
		}
		if (v->step < STEPS && v->unit.inquiry.tpgs) {
			v->unit.is_incomplete = true;
			is_whole(v);
			return;
		}
	}
	if (verdict.action == VERDICT_RETURN || verdict.fail_path) {
		if (step->may_fail)
			next_step(v);
		else
			fail(v, "%s: %s", step->name, text);
		return;
	}
	/* A busy unit is none that fails: the path stays what it is. */
	if (!(path_is_usable(path) && !verdict.counted && verdict.delay_ms) &&
	    ++v->failures > STEP_FAILURES) {
		fail(v, "%s: %s", step->name, text);
		return;
	}
	mpath_timer_arm(path->transport->mpath, &v->retry, path->transport->mpath->now_us +
			path->device->settings.retry_interval_ms * 1000);
}

/* Sense data, unit attentions aside, are for the module as well as an answer. */
static bool is_for_module(const struct verify *v, const struct outcome *outcome)
{
	if (v->step < STEPS)
		return false;
	return outcome->status == SAM_STATUS_GOOD ||
		(outcome->status == SAM_STATUS_CHECK_CONDITION && outcome->sense.valid &&
		 outcome->sense.key != SENSE_KEY_UNIT_ATTENTION);
}

static void ask_module(struct verify *v, const struct outcome *outcome, size_t len)
{
	struct path *path = path_of(v);
	struct dsm_check check = { DSM_PASS, DSM_STATE_KEEP, "" };

	dsm_judge_answer(path, &v->unit, outcome, v->buffer, len, &check);
	switch (check.result) {
	case DSM_PASS:
		path->dsm_state = check.state;
		finish(v, NULL);
		return;
	case DSM_RETRY:
		if (++v->failures <= STEP_FAILURES) {
			mpath_timer_arm(path->transport->mpath, &v->retry,
					path->transport->mpath->now_us +
					path->device->settings.retry_interval_ms * 1000);
			return;
		}
		break;
	case DSM_FAIL:
		break;
	}
	fail(v, "%s: %s", dsm_step.name, check.reason);
}

static void answered(struct command *command)
{
	struct verify *v = list_entry(command, struct verify, command);
	const struct step *step = step_of(v);
	struct outcome outcome = {
		.delivery = command->delivery,
		.status = command->status,
	};
	size_t len;

	v->is_in_flight = false;
	if (!v->is_running)
		return;
	if (v->is_stale) {
		v->is_stale = false;    /* verify_start() has begun anew */
		ask(v);
		return;
	}
	if (command->delivery != DELIVERY_ANSWERED)
		return;         /* path_session_down() is on its way */
	if (command->sense_len)
		sense_parse(command->sense, command->sense_len, &outcome.sense);
	if (command->status != SAM_STATUS_GOOD)
		device_heed_loss(path_of(v)->device, &outcome);
	len = command->cdb.data_len;
	if (!command->overflow)
		len -= command->residual < len ? command->residual : len;
	if (is_for_module(v, &outcome)) {
		outcome.opcode = command->cdb.bytes[0];
		outcome.sense_bytes = command->sense;
		outcome.sense_len = command->sense_len;
		ask_module(v, &outcome, outcome.status == SAM_STATUS_GOOD ? len : 0);
		return;
	}
	if (command->status != SAM_STATUS_GOOD) {
		judge(v, &outcome);
		return;
	}
	if (step->read && step->read(v, v->buffer, len) && !step->may_fail) {
		fail(v, "%s: %zu bytes that make no sense", step->name, len);
		return;
	}
	next_step(v);
}

int verify_init(struct verify *v)
{
	*v = (struct verify) { 0 };
	v->command.answered = answered;
	mpath_timer_init(&v->retry, retry_fired);
	v->buffer = calloc(1, VERIFY_BUFFER);
	return v->buffer ? 0 : -ENOMEM;
}

void verify_done(struct verify *v)
{
	assert(!v->is_in_flight);
	mpath_timer_disarm(&v->retry);
	free(v->buffer);
}

void verify_start(struct verify *v, bool is_short)
{
	v->is_running = true;
	begin(v, is_short);
	/* An answer on its way, perhaps of the session before, comes first. */
	if (v->is_in_flight)
		v->is_stale = true;
	else
		ask(v);
}

void verify_abort(struct verify *v)
{
	v->is_running = false;
	v->is_stale = false;
	mpath_timer_disarm(&v->retry);
}
