// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A module for the arrays of ACME Ltd., which exist nowhere else:
 *
 *	cc -std=c99 -Wall -fPIC -shared -o acme.so acme.c
 *	nbdkit mpio dsm-path=$PWD iscsi://... iscsi://...
 *
 * Their controllers cache a unit in regions of 2048 blocks: neighbours in the
 * same region should meet the same controller. Newer firmware says in VPD page
 * C0h whether the controller that answers owns the unit.
 */
#include <stdio.h>
#include <string.h>

#include <mpio-dsm.h>

#define REGION_BLOCKS 2048
#define OWNERSHIP_PAGE 0xc0

static int acme_claim(const struct mpio_dsm_unit *unit, char *reason, size_t len)
{
	if (strcmp(unit->vendor, "ACME") == 0)
		return 1;
	snprintf(reason, len, "the vendor is %s, not ACME", unit->vendor);
	return 0;
}

/* Serial numbers are unique among all that ACME has sold. */
static int acme_same_unit(const struct mpio_dsm_unit *a, const struct mpio_dsm_unit *b)
{
	return *a->serial && strcmp(a->serial, b->serial) == 0;
}

/* INQUIRY, SPC-4 6.6, with EVPD. */
static int acme_verify(const struct mpio_dsm_path *path, const struct mpio_dsm_unit *unit,
		       struct mpio_dsm_command *command)
{
	(void)path;
	(void)unit;
	command->cdb[0] = 0x12;
	command->cdb[1] = 0x01;
	command->cdb[2] = OWNERSHIP_PAGE;
	command->cdb[4] = 8;
	command->cdb_len = 6;
	command->direction = MPIO_DSM_DATA_IN;
	command->data_len = 8;
	return 1;
}

/* Byte 4: 1 the owner, 2 the other one, 0 neither may be used. */
static void acme_verify_answer(const struct mpio_dsm_path *path,
			       const struct mpio_dsm_unit *unit,
			       const struct mpio_dsm_outcome *outcome,
			       const uint8_t *data, uint32_t len, struct mpio_dsm_check *check)
{
	(void)path;
	(void)unit;
	/* Older firmware has no such page: then all controllers are equal. */
	if (outcome->status != 0 || len < 5 || data[1] != OWNERSHIP_PAGE)
		return;
	if (data[4] == 1) {
		check->state = MPIO_DSM_ACTIVE_OPTIMIZED;
	} else if (data[4] == 2) {
		check->state = MPIO_DSM_ACTIVE_UNOPTIMIZED;
	} else {
		check->result = MPIO_DSM_FAIL;
		snprintf(check->reason, sizeof check->reason,
			 "the controller is being serviced");
	}
}

/* By region; where that path cannot, the next one that can. */
static int acme_pick(const struct mpio_dsm_path *paths, uint32_t count,
		     const struct mpio_dsm_io *io, struct mpio_dsm_memory *memory)
{
	uint32_t first = (uint32_t)(io->lba / REGION_BLOCKS % count);
	int second_best = MPIO_DSM_WAIT;
	uint32_t i;

	(void)memory;
	for (i = 0; i < count; i++) {
		uint32_t index = (first + i) % count;

		if (!paths[index].has_free_slot)
			continue;
		if (!paths[index].is_to_avoid)
			return (int)index;
		second_best = (int)index;
	}
	return second_best;
}

/* Vendor specific, 80h/01h: the caches are being mirrored, nothing was done. */
static void acme_interpret_error(const struct mpio_dsm_outcome *outcome,
				 struct mpio_dsm_verdict *verdict)
{
	if (!outcome->has_sense || outcome->key != 0x9 || outcome->asc != 0x80 ||
	    outcome->ascq != 0x01)
		return;
	verdict->action = MPIO_DSM_RETRY_SAME;
	verdict->delay_ms = 100;
	verdict->reason = "the caches are being mirrored";
}

static int acme_fence_strength(const struct mpio_dsm_unit *unit)
{
	(void)unit;
	return MPIO_DSM_FENCE_ASSUMED;
}

const struct mpio_dsm *mpio_dsm_init(void)
{
	static const struct mpio_dsm acme = {
		.api_version = MPIO_DSM_API_VERSION,
		.struct_size = sizeof acme,
		.name = "acme",
		.claim = acme_claim,
		.same_unit = acme_same_unit,
		.verify = acme_verify,
		.verify_answer = acme_verify_answer,
		.pick = acme_pick,
		.interpret_error = acme_interpret_error,
		.fence_strength = acme_fence_strength,
	};

	return &acme;
}
