// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A module for test_modules.c. What it is called is what follows the hyphen in
 * its file's name, and so is what is wrong with it; see mpio_dsm_init(). "alpha"
 * claims units of ACME, all others those of BETA. LBAs from 100 on make it pick
 * what cannot be.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "mpio-dsm.h"

static struct mpio_dsm module;
static char name[64];

#ifdef UNDEFINED_SYMBOL
int mpio_is_nowhere(void);
#endif

static int claim(const struct mpio_dsm_unit *unit, char *reason, size_t len)
{
	const char *vendor = !strcmp(name, "alpha") ? "ACME" : "BETA";

#ifdef UNDEFINED_SYMBOL
	mpio_is_nowhere();
#endif
	snprintf(reason, len, "%s %s %s %s", unit->vendor, unit->product, unit->serial,
		 unit->identity);
	return !strcmp(unit->vendor, vendor) && unit->inquiry_len >= 36 &&
		!memcmp(unit->inquiry + 8, vendor, strlen(vendor)) &&
		unit->nblocks == 4096 && unit->block_size == 512 && unit->version == 6;
}

static int pick(const struct mpio_dsm_path *paths, uint32_t count,
		const struct mpio_dsm_io *io, struct mpio_dsm_memory *memory)
{
	uint32_t index = (uint32_t)(memory->words[7]++ % count);

	switch (io->lba) {
	case 100:
		return MPIO_DSM_WAIT;
	case 101:
		return (int)count;
	case 102:
		/* All that is said of a path and a command, in one answer. */
		return count == 2 && paths[1].number == 1 && paths[1].has_free_slot &&
			paths[1].state == MPIO_DSM_ACTIVE_OPTIMIZED &&
			!strcmp(paths[1].portal, "192.0.2.2:3260") && paths[0].in_flight == 0 &&
			paths[0].nexus_in_flight == 0 && io->nblocks == 1 && io->nbytes == 512 &&
			io->opcode == 0x8a && io->is_write && io->tries == 0 ? 1 : 0;
	}
	return (int)index;
}

static void interpret_error(const struct mpio_dsm_outcome *outcome,
			    struct mpio_dsm_verdict *verdict)
{
	if (outcome->asc != 0x80 || outcome->key != 9 || outcome->sense_len != 18 ||
	    outcome->sense[12] != 0x80 || outcome->opcode != 0x8a || !outcome->is_write)
		return;
	verdict->reason = "alpha knows";
	switch (outcome->ascq) {
	case 1:
		verdict->action = MPIO_DSM_RETURN;
		verdict->error = MPIO_DSM_ENOSPC;
		break;
	case 2:
		verdict->action = 99;
		break;
	case 3:
		verdict->action = MPIO_DSM_RETURN;
		verdict->error = 99;
		break;
	}
}

static int verify(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit,
		  struct mpio_dsm_command *command)
{
	(void)unit;
	command->cdb[0] = 0x12;
	command->cdb[1] = 1;
	command->cdb[2] = 0xc0;
	command->cdb[4] = 8;
	command->cdb_len = 6;
	command->direction = MPIO_DSM_DATA_IN;
	command->data_len = 8;
	return path->number == 0;
}

static void verify_answer(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit,
			  const struct mpio_dsm_outcome *outcome, const uint8_t *data,
			  uint32_t len, struct mpio_dsm_check *check)
{
	(void)path;
	(void)unit;
	if (outcome->status == 0 && len == 8 && data[1] == 0xc0 && data[4] == 0) {
		check->result = MPIO_DSM_FAIL;
		snprintf(check->reason, sizeof check->reason, "alpha saw byte 4");
	}
}

static int path_state(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit)
{
	(void)unit;
	return path->state == MPIO_DSM_ACTIVE_OPTIMIZED && path->is_standby ?
		MPIO_DSM_ACTIVE_UNOPTIMIZED : MPIO_DSM_STATE_KEEP;
}

static int fence_strength(const struct mpio_dsm_unit *unit)
{
	(void)unit;
	return MPIO_DSM_FENCE_VERIFIED;
}

static int is(const char *what)
{
	return !strcmp(name, what);
}

#ifdef NO_SYMBOL
#define mpio_dsm_init mpio_dsm_initialise
const struct mpio_dsm *mpio_dsm_init(void);
#endif

__attribute__((visibility("default")))
const struct mpio_dsm *mpio_dsm_init(void)
{
	Dl_info info;

	if (!dladdr(&module, &info) || !strrchr(info.dli_fname, '-'))
		return NULL;
	snprintf(name, sizeof name, "%s", strrchr(info.dli_fname, '-') + 1);
	*strchr(name, '.') = '\0';
	module = (struct mpio_dsm) {
		.api_version = is("version") ? MPIO_DSM_API_VERSION + 1 : MPIO_DSM_API_VERSION,
		.struct_size = is("short") ? 16 : sizeof module + (is("long") ? 64 : 0),
		.name = is("nameless") ? NULL : name,
		.claim = is("noclaim") ? NULL : claim,
		.verify = verify,
		.verify_answer = is("half") ? NULL : verify_answer,
		.path_state = path_state,
		.pick = pick,
		.interpret_error = interpret_error,
		.fence_strength = fence_strength,
	};
	return is("null") ? NULL : &module;
}
