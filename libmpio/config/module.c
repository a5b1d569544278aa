// SPDX-License-Identifier: LGPL-2.1-or-later
#include "module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "dsm.h"
#include "mpio-dsm.h"
#include "path.h"
#include "transport.h"
#include "unit.h"

#define NAME_MAX_LEN 31
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789-_."

struct module {
	struct dsm_ops ops;             /* first: the core hands it back to us */
	struct mpio_dsm api;
	char name[NAME_MAX_LEN + 1];
	char *file;
	void *handle;
};

/* What modules were compiled against may not change. */
#if defined(__LP64__)
_Static_assert(sizeof(struct mpio_dsm_unit) == 128, "API: unit");
_Static_assert(offsetof(struct mpio_dsm_unit, device_type) == 64, "API: unit");
_Static_assert(sizeof(struct mpio_dsm_path) == 128, "API: path");
_Static_assert(offsetof(struct mpio_dsm_path, nexus_in_flight_bytes) == 56, "API: path");
_Static_assert(sizeof(struct mpio_dsm_io) == 64, "API: io");
_Static_assert(offsetof(struct mpio_dsm_io, tries) == 20, "API: io");
_Static_assert(sizeof(struct mpio_dsm_outcome) == 64, "API: outcome");
_Static_assert(offsetof(struct mpio_dsm_outcome, is_overflow) == 25, "API: outcome");
_Static_assert(sizeof(struct mpio_dsm_verdict) == 64, "API: verdict");
_Static_assert(offsetof(struct mpio_dsm_verdict, lowers_depth) == 24, "API: verdict");
_Static_assert(sizeof(struct mpio_dsm_command) == 568, "API: command");
_Static_assert(offsetof(struct mpio_dsm_command, data) == 56, "API: command");
_Static_assert(sizeof(struct mpio_dsm_check) == 168, "API: check");
_Static_assert(sizeof(struct mpio_dsm_memory) == 64, "API: memory");
_Static_assert(sizeof(struct mpio_dsm) == 88, "API: module");
_Static_assert(offsetof(struct mpio_dsm, pick) == 64, "API: module");
#endif

/* Both sides count alike. */
_Static_assert((int)MPIO_DSM_ACTIVE_OPTIMIZED == (int)PATH_ACTIVE_OPTIMIZED &&
	       (int)MPIO_DSM_ACTIVE_UNOPTIMIZED == (int)PATH_ACTIVE_UNOPTIMIZED &&
	       (int)MPIO_DSM_STANDBY == (int)PATH_STANDBY &&
	       (int)MPIO_DSM_UNAVAILABLE == (int)PATH_UNAVAILABLE &&
	       (int)MPIO_DSM_TRANSITIONING == (int)PATH_TRANSITIONING &&
	       MPIO_DSM_STATE_KEEP == DSM_STATE_KEEP, "states");
_Static_assert((int)MPIO_DSM_ANSWERED == (int)DELIVERY_ANSWERED &&
	       (int)MPIO_DSM_LOST == (int)DELIVERY_LOST &&
	       (int)MPIO_DSM_REFUSED == (int)DELIVERY_REFUSED, "deliveries");
_Static_assert((int)MPIO_DSM_NO_DATA == (int)SCSI_DIR_NONE &&
	       (int)MPIO_DSM_DATA_IN == (int)SCSI_DIR_IN &&
	       (int)MPIO_DSM_DATA_OUT == (int)SCSI_DIR_OUT, "directions");
_Static_assert((int)MPIO_DSM_FENCE_NONE == (int)FENCE_NONE &&
	       (int)MPIO_DSM_FENCE_ASSUMED == (int)FENCE_ASSUMED &&
	       (int)MPIO_DSM_FENCE_VERIFIED == (int)FENCE_VERIFIED, "fences");
_Static_assert(MPIO_DSM_IN_MAX == DSM_ANSWER_MAX && MPIO_DSM_OUT_MAX == DSM_DATA_MAX &&
	       MPIO_DSM_WAIT == DSM_WAIT &&
	       sizeof(struct mpio_dsm_memory) == DSM_MEMORY_WORDS * sizeof(uint64_t), "limits");

static const struct mpio_dsm *api_of(const struct dsm_ops *dsm)
{
	return &((const struct module *)dsm)->api;
}

/*
 * Values on their way in
 */

static struct mpio_dsm_unit unit_of(const struct unit *unit)
{
	return (struct mpio_dsm_unit) {
		.vendor = unit->inquiry.vendor,
		.product = unit->inquiry.product,
		.revision = unit->inquiry.revision,
		.serial = unit->serial.text,
		.identity = unit->identity.text,
		.inquiry = unit->inquiry_bytes,
		.inquiry_len = unit->inquiry_len,
		.block_size = unit->capacity.block_size,
		.nblocks = unit->capacity.nblocks,
		.device_type = unit->inquiry.device_type,
		.peripheral_qualifier = unit->inquiry.peripheral_qualifier,
		.version = unit->inquiry.version,
		.tpgs = unit->inquiry.tpgs,
		.is_write_protected = unit->write_protected,
		.has_write_cache = unit->write_cache,
	};
}

static void describe(const struct path *path, int state, struct mpio_dsm_path *out)
{
	const struct transport *transport = path->transport;
	struct nexus_load load = transport_load(transport);

	*out = (struct mpio_dsm_path) {
		.portal = transport->portal,
		.target = transport->target,
		.lun = path->lun,
		.number = path->index,
		.state = state,
		.weight = path->settings.weight,
		.is_preferred = path->settings.is_preferred,
		.is_standby = path->settings.is_standby,
		.has_free_slot = path_has_slot(path),
		.in_flight = path->in_flight,
		.nexus_in_flight = (uint32_t)load.commands,
		.in_flight_bytes = path->in_flight_bytes,
		.nexus_in_flight_bytes = load.bytes,
	};
}

/* A path that is failed or being checked is in none of the array's states. */
static struct mpio_dsm_path path_of(const struct path *path)
{
	struct mpio_dsm_path out;

	describe(path, path->state <= PATH_TRANSITIONING ? (int)path->state :
		 MPIO_DSM_STATE_KEEP, &out);
	return out;
}

static struct mpio_dsm_outcome outcome_of(const struct outcome *outcome)
{
	return (struct mpio_dsm_outcome) {
		.sense = outcome->sense_bytes,
		.sense_len = outcome->sense_len,
		.residual = outcome->residual,
		.delivery = (uint8_t)outcome->delivery,
		.status = outcome->status,
		.opcode = outcome->opcode,
		.is_write = outcome->is_write,
		.has_sense = outcome->sense.valid,
		.is_deferred = outcome->sense.deferred,
		.key = outcome->sense.key,
		.asc = outcome->sense.asc,
		.ascq = outcome->sense.ascq,
		.is_overflow = outcome->overflow,
	};
}

/* What cannot be is left for dsm_guard.c to find: the length above all. */
static void take_command(const struct mpio_dsm_command *command, struct scsi_cdb *cdb)
{
	memcpy(cdb->bytes, command->cdb, sizeof(cdb->bytes));
	cdb->len = command->cdb_len;
	cdb->dir = command->direction;
	cdb->data_len = command->data_len;
}

/*
 * Ops
 */

static bool claim(const struct dsm_ops *dsm, const struct unit *unit, char *reason, size_t len)
{
	struct mpio_dsm_unit u = unit_of(unit);
	bool is_ours = api_of(dsm)->claim(&u, reason, len) != 0;

	reason[len - 1] = '\0';
	return is_ours;
}

static bool same_unit(const struct dsm_ops *dsm, const struct unit *a, const struct unit *b)
{
	struct mpio_dsm_unit ua = unit_of(a), ub = unit_of(b);

	if (!api_of(dsm)->same_unit)
		return dsm_generic.same_unit(&dsm_generic, a, b);
	return api_of(dsm)->same_unit(&ua, &ub) != 0;
}

/* 1 for what is no error of the API: no errno of ours. */
static int errno_of(int32_t error)
{
	switch (error) {
	case MPIO_DSM_EIO:
		return -EIO;
	case MPIO_DSM_ENOSPC:
		return -ENOSPC;
	case MPIO_DSM_EROFS:
		return -EROFS;
	case MPIO_DSM_EOPNOTSUPP:
		return -EOPNOTSUPP;
	case MPIO_DSM_EINVAL:
		return -EINVAL;
	}
	return 1;
}

/* Past the last one for what is none: the guard says so. */
static enum verdict_action action_of(int32_t action)
{
	switch (action) {
	case MPIO_DSM_DONE:
		return VERDICT_DONE;
	case MPIO_DSM_RETURN:
		return VERDICT_RETURN;
	case MPIO_DSM_RETRY_SAME:
		return VERDICT_RETRY_SAME;
	case MPIO_DSM_RETRY_OTHER:
		return VERDICT_RETRY_OTHER;
	}
	return (enum verdict_action)(VERDICT_RETRY_OTHER + 1);
}

static struct verdict interpret_error(const struct dsm_ops *dsm, const struct outcome *outcome)
{
	struct mpio_dsm_outcome o = outcome_of(outcome);
	struct mpio_dsm_verdict v = { 0 };

	if (api_of(dsm)->interpret_error)
		api_of(dsm)->interpret_error(&o, &v);
	if (v.action == MPIO_DSM_DEFAULT)
		return dsm_generic.interpret_error(&dsm_generic, outcome);
	return (struct verdict) {
		.action = action_of(v.action),
		.counted = v.is_counted,
		.delay_ms = v.delay_ms,
		.error = errno_of(v.error),
		.fail_path = v.fails_path,
		.recheck_identity = v.rechecks_identity,
		.recheck_alua = v.rechecks_access,
		.lower_depth = v.lowers_depth,
		.reason = v.reason ? v.reason : "judged by its DSM",
		.source = "mpio-dsm(3)",
	};
}

static int path_state(const struct dsm_ops *dsm, const struct path *path, int array_state)
{
	struct mpio_dsm_unit unit = unit_of(&path->unit);
	struct mpio_dsm_path p;

	describe(path, array_state, &p);
	return api_of(dsm)->path_state(&p, &unit);
}

static int pick(const struct dsm_ops *dsm, const struct candidates *candidates,
		const struct command *command)
{
	struct mpio_dsm_path paths[MPIO_MAX_PATHS];
	struct device *device = candidates->paths[0]->device;
	struct mpio_dsm_io io = {
		.lba = command->lba,
		.nblocks = command->nblocks,
		.nbytes = command->cdb.data_len,
		.opcode = command->cdb.bytes[0],
		.is_write = request_changes_medium(command->request),
		.tries = command->tries,
	};

	for (size_t i = 0; i < candidates->count; i++) {
		describe(candidates->paths[i], candidates->paths[i]->state, &paths[i]);
		paths[i].is_to_avoid = candidates->paths[i] == command->avoid;
	}
	return api_of(dsm)->pick(paths, (uint32_t)candidates->count, &io,
				 (struct mpio_dsm_memory *)device->dsm_memory);
}

static bool activate(const struct dsm_ops *dsm, const struct path *path, struct scsi_cdb *cdb,
		     uint8_t *data)
{
	struct mpio_dsm_unit unit = unit_of(&path->unit);
	struct mpio_dsm_path p = path_of(path);
	struct mpio_dsm_command command = { 0 };

	if (!api_of(dsm)->activate(&p, &unit, &command))
		return false;
	take_command(&command, cdb);
	memcpy(data, command.data, sizeof(command.data));
	return true;
}

static bool verify(const struct dsm_ops *dsm, const struct path *path, const struct unit *unit,
		   struct scsi_cdb *cdb)
{
	struct mpio_dsm_unit u = unit_of(unit);
	struct mpio_dsm_path p = path_of(path);
	struct mpio_dsm_command command = { 0 };

	if (!api_of(dsm)->verify(&p, &u, &command))
		return false;
	take_command(&command, cdb);
	return true;
}

static void verify_answer(const struct dsm_ops *dsm, const struct path *path,
			  const struct unit *unit, const struct outcome *outcome,
			  const uint8_t *bytes, size_t len, struct dsm_check *check)
{
	struct mpio_dsm_unit u = unit_of(unit);
	struct mpio_dsm_path p = path_of(path);
	struct mpio_dsm_outcome o = outcome_of(outcome);
	struct mpio_dsm_check c = { .state = MPIO_DSM_STATE_KEEP };

	api_of(dsm)->verify_answer(&p, &u, &o, bytes, (uint32_t)len, &c);
	check->result = c.result == MPIO_DSM_PASS ? DSM_PASS :
		c.result == MPIO_DSM_RETRY ? DSM_RETRY : DSM_FAIL;
	check->state = c.state;
	snprintf(check->reason, sizeof(check->reason), "%.*s", (int)sizeof(c.reason) - 1,
		 c.reason);
}

static int fence_strength(const struct dsm_ops *dsm, const struct unit *unit)
{
	struct mpio_dsm_unit u = unit_of(unit);

	return api_of(dsm)->fence_strength(&u);
}

static void fill_in_ops(struct module *module)
{
	const struct mpio_dsm *api = &module->api;

	module->ops = (struct dsm_ops) {
		.name = module->name,
		.claim = claim,
		.same_unit = same_unit,
		.interpret_error = interpret_error,
		.path_state = api->path_state ? path_state : NULL,
		.pick = api->pick ? pick : NULL,
		.activate = api->activate ? activate : NULL,
		.verify = api->verify ? verify : NULL,
		.verify_answer = api->verify ? verify_answer : NULL,
		.fence_strength = api->fence_strength ? fence_strength : NULL,
	};
}

/*
 * Loading
 */

/* 0, or -EINVAL with what is wrong with it. */
static int check_api(const struct mpio_dsm *api, char *error, size_t len)
{
	if (!api)
		snprintf(error, len, "mpio_dsm_init() gave nothing");
	else if (api->api_version != MPIO_DSM_API_VERSION)
		snprintf(error, len, "it has version %u of the API, we have %u",
			 api->api_version, MPIO_DSM_API_VERSION);
	else if (api->struct_size < sizeof(*api))
		snprintf(error, len, "its struct mpio_dsm has %u bytes, version %u has %zu",
			 api->struct_size, MPIO_DSM_API_VERSION, sizeof(*api));
	else if (!api->name || !*api->name || strnlen(api->name, 32) > NAME_MAX_LEN ||
		 api->name[strspn(api->name, NAME_BYTES)])
		snprintf(error, len, "its name is not 1 to %d of a-z 0-9 - _ .", NAME_MAX_LEN);
	else if (!strcmp(api->name, dsm_generic.name))
		snprintf(error, len, "the name %s is ours", dsm_generic.name);
	else if (!api->claim)
		snprintf(error, len, "%s has no claim function: it can own nothing", api->name);
	else if (!api->verify != !api->verify_answer)
		snprintf(error, len, "%s has only one of verify and verify_answer", api->name);
	else
		return 0;
	return -EINVAL;
}

static int load(struct module *module, char *error, size_t len)
{
	const struct mpio_dsm *(*init)(void);
	const struct mpio_dsm *api;
	int err;

	/* What it lacks is to show now, and what it has is nobody else's. */
	module->handle = dlopen(module->file, RTLD_NOW | RTLD_LOCAL);
	if (!module->handle) {
		snprintf(error, len, "%s", dlerror());
		return -ENOEXEC;
	}
	init = (const struct mpio_dsm *(*)(void))dlsym(module->handle, "mpio_dsm_init");
	if (!init) {
		snprintf(error, len, "it has no function mpio_dsm_init()");
		return -EINVAL;
	}
	api = init();
	err = check_api(api, error, len);
	if (err)
		return err;
	/* A newer one may have more at its end. */
	memcpy(&module->api, api, sizeof(module->api));
	snprintf(module->name, sizeof(module->name), "%s", api->name);
	fill_in_ops(module);
	return 0;
}

struct module *module_open(const char *file, char *error, size_t len)
{
	struct module *module = calloc(1, sizeof(*module));

	if (module)
		module->file = strdup(file);
	if (!module || !module->file) {
		snprintf(error, len, "%s", strerror(ENOMEM));
		module_close(module);
		return NULL;
	}
	if (load(module, error, len) < 0) {
		module_close(module);
		return NULL;
	}
	return module;
}

void module_close(struct module *module)
{
	if (!module)
		return;
	if (module->handle)
		dlclose(module->handle);
	free(module->file);
	free(module);
}

const struct dsm_ops *module_dsm(const struct module *module)
{
	return &module->ops;
}

const char *module_file(const struct module *module)
{
	return module->file;
}
