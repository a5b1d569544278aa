// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "status.h"

/*
 * The unit
 */

struct fake_unit *fake_unit_new(uint8_t id, uint64_t nblocks, uint32_t block_size)
{
	struct fake_unit *unit = calloc(1, sizeof *unit);

	*unit = (struct fake_unit) {
		.vendor = "ACME", .product = "ARRAY", .serial = "SN1",
		.naa = { 0x60, 0x01, 0x40, 0x50, [15] = id },
		.nblocks = nblocks, .block_size = block_size, .version = 6,
		.dpofua = true, .wce = true, .thin = true,
		.medium = calloc(nblocks, block_size),
		.unmapped = calloc(nblocks, sizeof(bool)),
	};
	return unit;
}

void fake_unit_free(struct fake_unit *unit)
{
	free(unit->medium);
	free(unit->unmapped);
	free(unit);
}

static void pad(uint8_t *to, const char *text, size_t len)
{
	memset(to, ' ', len);
	memcpy(to, text, strnlen(text, len));
}

static size_t vpd_page(const struct fake_unit *unit, uint8_t page, uint8_t *buf)
{
	static const uint8_t pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb2 };

	buf[1] = page;
	switch (page) {
	case 0x00:
		buf[3] = sizeof pages;
		memcpy(buf + 4, pages, sizeof pages);
		return 4 + sizeof pages;
	case 0x80:
		buf[3] = (uint8_t)strlen(unit->serial);
		memcpy(buf + 4, unit->serial, buf[3]);
		return 4u + buf[3];
	case 0x83:
		buf[3] = 20;
		buf[4] = 0x01;                  /* binary */
		buf[5] = 0x03;                  /* LU, NAA */
		buf[7] = 16;
		memcpy(buf + 8, unit->naa, 16);
		return 24;
	case 0xb0:
		buf[3] = 0x3c;
		put_be32(buf + 8, unit->max_transfer);
		put_be32(buf + 20, unit->max_unmap ? unit->max_unmap : UINT32_MAX);
		put_be32(buf + 24, 1);
		put_be64(buf + 36, unit->max_write_same);
		return 64;
	case 0xb2:
		buf[3] = 4;
		buf[5] = unit->thin ? 0xe4 : 0;
		buf[6] = unit->thin ? 2 : 0;
		return 8;
	case 0xc0:
		if (!unit->vendor_page)
			return 0;
		memcpy(buf, unit->vendor_page, FAKE_VENDOR_PAGE_LEN);
		return FAKE_VENDOR_PAGE_LEN;
	}
	return 0;
}

static size_t inquiry(const struct fake_unit *unit, const uint8_t *cdb, uint8_t *buf)
{
	if (cdb[1] & 1)
		return vpd_page(unit, cdb[2], buf);
	buf[2] = unit->version;
	buf[3] = 2;
	buf[4] = 91;
	buf[7] = 2;
	pad(buf + 8, unit->vendor, 8);
	pad(buf + 16, unit->product, 16);
	pad(buf + 32, "1", 4);
	return 96;
}

static size_t capacity(const struct fake_unit *unit, uint8_t *buf)
{
	put_be64(buf, unit->nblocks - 1);
	put_be32(buf + 8, unit->block_size);
	buf[14] = unit->thin ? 0xc0 : 0;
	return 32;
}

static size_t mode_sense(const struct fake_unit *unit, const uint8_t *cdb, uint8_t *buf)
{
	uint8_t page = cdb[2] & 0x3f;
	size_t len = page == 0x08 ? 20 : 12;

	buf[3] = (unit->write_protected ? 0x80 : 0) | (unit->dpofua ? 0x10 : 0);
	buf[8] = page;
	buf[9] = (uint8_t)(len - 2);
	if (page == 0x08 && unit->wce)
		buf[10] = 4;
	put_be16(buf, (uint16_t)(8 + len - 2));
	return 8 + len;
}

/*
 * Answers
 */

static void answer_sense(struct command *command, uint8_t code, uint8_t key, uint8_t asc,
			 uint8_t ascq)
{
	command->delivery = DELIVERY_ANSWERED;
	command->status = SAM_STATUS_CHECK_CONDITION;
	command->sense_len = 18;
	memset(command->sense, 0, 18);
	command->sense[0] = code ? code : 0x70;
	command->sense[2] = key;
	command->sense[7] = 10;
	command->sense[12] = asc;
	command->sense[13] = ascq;
}

void fake_answer_sense(struct command *command, uint8_t key, uint8_t asc, uint8_t ascq)
{
	answer_sense(command, 0, key, asc, ascq);
}

static void answer_data(struct command *command, const uint8_t *buf, size_t len)
{
	if (!len) {
		answer_sense(command, 0, 5, 0x24, 0);
		return;
	}
	if (len > command->cdb.data_len)
		len = command->cdb.data_len;
	memcpy(command->data, buf, len);
	command->residual = command->cdb.data_len - (uint32_t)len;
}

static bool illegal(const struct fake_unit *unit, uint8_t opcode)
{
	return (opcode == 0x93 && unit->no_write_same) ||
		(opcode == 0x91 && unit->no_sync_cache) ||
		(opcode == 0x90 && unit->no_prefetch);
}

static void set_unmapped(struct fake_unit *unit, uint64_t lba, uint32_t nblocks, bool unmapped)
{
	for (uint32_t i = 0; i < nblocks; i++) {
		unit->unmapped[lba + i] = unmapped;
		if (unmapped)
			memset(unit->medium + (lba + i) * unit->block_size, 0, unit->block_size);
	}
}

static void medium_command(struct fake_unit *unit, struct command *command)
{
	const uint8_t *cdb = command->cdb.bytes;
	uint64_t lba = get_be64(cdb + 2);
	uint32_t nblocks = get_be32(cdb + 10);
	uint8_t *place = unit->medium + lba * unit->block_size;

	if (cdb[0] == 0x42) {
		lba = get_be64((const uint8_t *)command->data + 8);
		nblocks = get_be32((const uint8_t *)command->data + 16);
		set_unmapped(unit, lba, nblocks, true);
		return;
	}
	if (cdb[0] == 0x91)
		return;
	if (lba + nblocks > unit->nblocks) {
		answer_sense(command, 0, 5, 0x21, 0);
		return;
	}
	if ((cdb[0] == 0x88 || cdb[0] == 0x8a) && nblocks > unit->largest)
		unit->largest = nblocks;
	switch (cdb[0]) {
	case 0x88:
		memcpy(command->data, place, (size_t)nblocks * unit->block_size);
		break;
	case 0x8a:
		if (unit->write_protected) {
			answer_sense(command, 0, 7, 0x27, 0);
			break;
		}
		unit->fua_writes += (cdb[1] & 8) != 0;
		set_unmapped(unit, lba, nblocks, false);
		memcpy(place, command->data, (size_t)nblocks * unit->block_size);
		break;
	case 0x93:
		for (uint32_t i = 0; i < nblocks; i++)
			memcpy(place + (size_t)i * unit->block_size, command->data,
			       unit->block_size);
		set_unmapped(unit, lba, nblocks, cdb[1] & 8);
		break;
	case 0x90:
		command->status = SAM_STATUS_CONDITION_MET;
		break;
	}
}

static void lba_status(const struct fake_unit *unit, struct command *command)
{
	uint8_t buf[24] = { 0 };
	uint64_t lba = get_be64(command->cdb.bytes + 2), end = lba;

	while (end < unit->nblocks && unit->unmapped[end] == unit->unmapped[lba])
		end++;
	put_be32(buf, 20);
	put_be64(buf + 8, lba);
	put_be32(buf + 16, (uint32_t)(end - lba));
	buf[20] = unit->unmapped[lba];
	answer_data(command, buf, sizeof buf);
}

static void serve_unit(struct fake_unit *unit, struct command *command)
{
	const uint8_t *cdb = command->cdb.bytes;
	uint8_t buf[512] = { 0 };

	unit->count[cdb[0]]++;
	if (illegal(unit, cdb[0])) {
		answer_sense(command, 0, 5, 0x20, 0);
		return;
	}
	switch (cdb[0]) {
	case 0x00:
		break;
	case 0x12:
		answer_data(command, buf, inquiry(unit, cdb, buf));
		break;
	case 0x5a:
		answer_data(command, buf, mode_sense(unit, cdb, buf));
		break;
	case 0x9e:
		if ((cdb[1] & 0x1f) == 0x10)
			answer_data(command, buf, capacity(unit, buf));
		else
			lba_status(unit, command);
		break;
	default:
		medium_command(unit, command);
	}
}

static bool is_medium(uint8_t opcode)
{
	return opcode == 0x88 || opcode == 0x8a;
}

static const struct fake_answer *scripted(struct fake_nexus *nexus, uint8_t opcode)
{
	const struct fake_answer *answer = &nexus->script[nexus->script_done];

	if (nexus->script_done == nexus->script_len)
		return NULL;
	if (answer->opcode ? answer->opcode != opcode : !is_medium(opcode))
		return NULL;
	nexus->script_done++;
	return answer;
}

#define SECOND_LUN 0x0001000000000000u

static void report_luns(const struct fake_nexus *nexus, struct command *command)
{
	uint8_t buf[24] = { 0 };
	size_t len = 8;

	if (nexus->unit)
		len += 8;
	if (nexus->second) {
		put_be64(buf + len, SECOND_LUN);
		len += 8;
	}
	put_be32(buf, (uint32_t)len - 8);
	answer_data(command, buf, len);
}

static struct fake_unit *unit_at(const struct fake_nexus *nexus, const struct command *command)
{
	uint64_t lun = (uint64_t)(uintptr_t)command->transport_private;

	return lun == SECOND_LUN ? nexus->second : lun == 0 ? nexus->unit : NULL;
}

static void serve_command(struct fake_nexus *nexus, struct command *command)
{
	struct fake_unit *unit = unit_at(nexus, command);
	uint8_t opcode = command->cdb.bytes[0];
	const struct fake_answer *answer = scripted(nexus, opcode);

	command->delivery = DELIVERY_ANSWERED;
	command->status = SAM_STATUS_GOOD;
	nexus->served += is_medium(opcode);
	if (answer) {
		if (!answer->status && !answer->residual)
			serve_unit(nexus->unit, command);
		command->status = answer->status;
		command->residual = answer->residual;
		command->overflow = answer->overflow;
		if (answer->status == SAM_STATUS_CHECK_CONDITION)
			answer_sense(command, answer->response_code, answer->key,
				     answer->asc, answer->ascq);
	} else if (nexus->has_attention && opcode != 0x12 && opcode != 0xa0) {
		nexus->has_attention = false;
		answer_sense(command, 0, 6, 0x29, 0);
	} else if (nexus->has_changed && opcode != 0x12 && opcode != 0xa0) {
		nexus->has_changed = false;
		answer_sense(command, 0, 6, 0x2a, 0x09);
	} else if (nexus->has_state_changed && opcode != 0x12 && opcode != 0xa0) {
		nexus->has_state_changed = false;
		answer_sense(command, 0, 6, 0x2a, 0x06);
	} else if (opcode == 0xa0) {
		report_luns(nexus, command);
	} else if (!unit) {
		answer_sense(command, 0, 5, 0x25, 0);
	} else if (!unit->tpgs || !fake_alua_serve(nexus, unit, command)) {
		serve_unit(unit, command);
		if (opcode == 0x12 && unit->tpgs)
			fake_alua_amend(nexus, unit, command);
	}
	transport_answered(&nexus->transport, command);
}

/*
 * transport_ops
 */

static struct fake_nexus *of(struct transport *transport)
{
	return (struct fake_nexus *)transport;
}

static void fake_login(struct transport *transport)
{
	of(transport)->is_logging_in = true;
	of(transport)->logins++;
}

static void fake_send(struct transport *transport, uint64_t lun, struct command *command)
{
	struct fake *fake = of(transport)->fake;
	unsigned int reports = 0;

	command->transport_private = (void *)(uintptr_t)lun;
	of(transport)->sends++;
	if (command->cdb.bytes[0] != 0xa3)
		return;
	for (unsigned int i = 0; i < fake->count; i++)
		list_for_each(node, &fake->nexuses[i].transport.in_flight)
			reports += list_entry(node, struct command, node)->cdb.bytes[0] == 0xa3;
	if (reports > fake->most_reports)
		fake->most_reports = reports;
}

static void fake_probe(struct transport *transport)
{
	of(transport)->is_probed = true;
	of(transport)->probes++;
}

static void fake_drop(struct transport *transport, const char *reason)
{
	(void)reason;
	of(transport)->is_logging_in = of(transport)->is_probed = false;
	of(transport)->drops++;
}

static const struct transport_ops fake_ops = {
	.login = fake_login,
	.send = fake_send,
	.probe = fake_probe,
	.drop = fake_drop,
};

/*
 * The whole
 */

struct settings fake_settings(void)
{
	return (struct settings) {
		.no_path_timeout_ms = 20000, .command_timeout_ms = 120000,
		.io_timeout_ms = 30000, .retry_count = 3, .retry_interval_ms = 1000,
		.transition_timeout_ms = 60000,
		.path_verify = true, .path_verify_interval_ms = 30000,
		.path_recovery_interval_ms = 5000, .queue_depth = 64,
		.connect_timeout_ms = 3000, .login_timeout_ms = 15000,
		.nop_interval_ms = 5000, .nop_timeout_ms = 5000,
		.max_transfer = 1 << 20, .path_burst = 1,
	};
}

static void listen_events(void *opaque, const struct event *event)
{
	struct fake *fake = opaque;
	size_t len = strlen(fake->events);

	snprintf(fake->events + len, sizeof fake->events - len, "%s ", event->name);
	snprintf(fake->last_reason, sizeof fake->last_reason, "%s", event->reason);
}

void fake_add_paths(struct fake *fake, const char *name, const struct settings *settings)
{
	static const struct path_settings plain;

	fake->device = device_new(&fake->mpath, name, settings);
	assert(fake->device);
	for (unsigned int i = 0; i < fake->count; i++) {
		int err = device_add_path(fake->device, &fake->nexuses[i].transport, 0, &plain,
					  NULL);

		assert(!err);
		(void)err;
	}
}

void fake_init(struct fake *fake, struct fake_unit *unit, unsigned int count, bool start,
	       void (*tune)(struct settings *settings))
{
	static const struct transport_timers timers = {
		.connect_timeout_us = 3000000, .login_timeout_us = 15000000,
		.probe_interval_us = 5000000, .probe_timeout_us = 5000000,
		.io_timeout_us = 30000000, .backoff_min_us = 200000,
		.backoff_max_us = 5000000,
	};
	struct settings settings = fake_settings();

	memset(fake, 0, sizeof *fake);
	if (tune)
		tune(&settings);
	mpath_init(&fake->mpath, 1000000, 42);
	mpath_set_listener(&fake->mpath, listen_events, fake);
	fake->count = count;
	for (unsigned int i = 0; i < count; i++) {
		char portal[32];

		snprintf(portal, sizeof portal, "192.0.2.%u:3260", i + 1);
		fake->nexuses[i].fake = fake;
		fake->nexuses[i].unit = unit;
		fake->nexuses[i].has_attention = true;
		transport_init(&fake->nexuses[i].transport, &fake->mpath, &fake_ops, portal,
			       "iqn.2026-11.org.example:array", &timers,
			       (unsigned int)settings.queue_depth);
	}
	fake_add_paths(fake, "test", &settings);
	if (!start)
		return;
	for (unsigned int i = 0; i < count; i++)
		transport_start(&fake->nexuses[i].transport);
	fake_advance(fake, 100);
}

void fake_done(struct fake *fake)
{
	device_free(fake->device);
	for (unsigned int i = 0; i < fake->count; i++)
		transport_done(&fake->nexuses[i].transport);
	mpath_done(&fake->mpath);
}

static bool serve_session(struct fake_nexus *nexus)
{
	if (nexus->is_mute)
		return false;
	if (nexus->is_logging_in) {
		nexus->is_logging_in = false;
		if (nexus->refuses) {
			transport_down(&nexus->transport, "connection refused");
		} else {
			transport_connected(&nexus->transport);
			nexus->has_attention = true;
			transport_up(&nexus->transport);
		}
		return true;
	}
	if (nexus->is_probed) {
		nexus->is_probed = false;
		transport_probed(&nexus->transport);
		return true;
	}
	return false;
}

static bool serve_command_of(struct fake_nexus *nexus)
{
	if (nexus->is_mute)
		return false;
	list_for_each(node, &nexus->transport.in_flight) {
		struct command *command = list_entry(node, struct command, node);

		if (nexus->ignores && command->cdb.bytes[0] == nexus->ignores)
			continue;
		serve_command(nexus, command);
		return true;
	}
	return false;
}

static struct command *nth_in_flight(struct fake_nexus *nexus, unsigned int nth)
{
	list_for_each(node, &nexus->transport.in_flight)
		if (!nth--)
			return list_entry(node, struct command, node);
	return NULL;
}

bool fake_answer_session(struct fake_nexus *nexus)
{
	return serve_session(nexus);
}

bool fake_answer_command(struct fake_nexus *nexus, unsigned int nth)
{
	struct command *command = nexus->is_mute ? NULL : nth_in_flight(nexus, nth);

	if (command)
		serve_command(nexus, command);
	return command != NULL;
}

bool fake_carry_out(struct fake_nexus *nexus, unsigned int nth)
{
	struct command *command = nth_in_flight(nexus, nth);

	if (command && nexus->unit)
		serve_unit(nexus->unit, command);
	return command != NULL;
}

bool fake_serve_one(struct fake *fake, struct fake_nexus *nexus)
{
	bool served = serve_command_of(nexus);

	mpath_run(&fake->mpath);
	return served;
}

void fake_serve(struct fake *fake)
{
	bool moved = true;

	mpath_run(&fake->mpath);
	for (unsigned int turn = 0; moved; turn++) {
		assert(turn < 1000000);
		moved = false;
		for (unsigned int i = 0; i < fake->count; i++) {
			moved |= serve_session(&fake->nexuses[i]);
			moved |= serve_command_of(&fake->nexuses[i]);
		}
		mpath_run(&fake->mpath);
	}
}

void fake_advance(struct fake *fake, uint64_t ms)
{
	uint64_t end_us = fake->mpath.now_us + ms * 1000;

	fake_serve(fake);
	while (mpath_next_due_us(&fake->mpath) <= end_us) {
		mpath_set_now(&fake->mpath, mpath_next_due_us(&fake->mpath));
		fake_serve(fake);
	}
	mpath_set_now(&fake->mpath, end_us);
	fake_serve(fake);
}

void fake_break(struct fake *fake, unsigned int nexus, const char *reason)
{
	transport_down(&fake->nexuses[nexus].transport, reason);
	mpath_run(&fake->mpath);
}

void fake_script(struct fake_nexus *nexus, struct fake_answer answer)
{
	if (nexus->script_done == nexus->script_len)
		nexus->script_done = nexus->script_len = 0;
	assert(nexus->script_len < FAKE_SCRIPT);
	nexus->script[nexus->script_len++] = answer;
}

static void request_done(struct request *request)
{
	list_entry(request, struct fake_request, request)->completions++;
}

void fake_submit(struct fake *fake, struct fake_request *fr, enum request_op op,
		 uint64_t lba, uint64_t nblocks, void *data)
{
	memset(fr, 0, sizeof *fr);
	fr->request.op = op;
	fr->request.lba = lba;
	fr->request.nblocks = nblocks;
	fr->request.data = data;
	fr->request.done = request_done;
	device_submit(fake->device, &fr->request);
}

int fake_io(struct fake *fake, enum request_op op, uint64_t lba, uint64_t nblocks, void *data)
{
	struct fake_request fr;

	fake_submit(fake, &fr, op, lba, nblocks, data);
	for (unsigned int i = 0; i < 400 && !fr.completions; i++)
		fake_advance(fake, 1000);
	assert(fr.completions == 1);
	return fr.request.error;
}

bool fake_saw(const struct fake *fake, const char *event)
{
	char word[64];

	snprintf(word, sizeof word, "%s ", event);
	return strstr(fake->events, word) != NULL;
}
