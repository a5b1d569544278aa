// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mad_dsm.h"

#include <errno.h>

#include "path.h"
#include "policy.h"
#include "unit.h"
#include "workers.h"

static bool judges_well;

void mad_dsm_judges_well(bool does)
{
	judges_well = does;
}

static bool mad_claim(const struct dsm_ops *dsm, const struct unit *unit, char *reason,
		      size_t len)
{
	(void)dsm;
	(void)unit;
	(void)reason;
	(void)len;
	return true;
}

static bool mad_same_unit(const struct dsm_ops *dsm, const struct unit *a,
			  const struct unit *b)
{
	(void)dsm;
	return identity_equal(&a->identity, &b->identity);
}

static int mad_pick(const struct dsm_ops *dsm, const struct candidates *candidates,
		    const struct command *command)
{
	(void)dsm;
	(void)command;
	if (one_in(4))
		return DSM_WAIT;
	if (one_in(8))
		return (int)draw(100) - 50;
	return (int)draw((uint32_t)candidates->count);
}

static struct verdict mad_interpret_error(const struct dsm_ops *dsm,
					  const struct outcome *outcome)
{
	/* -EINVAL would be the client's: test_stress takes it for our own mistake. */
	static const int errors[] = { 0, -EIO, -ENOSPC, -EROFS, -EOPNOTSUPP, 1 };

	(void)dsm;
	if (judges_well || one_in(2))
		return classify(outcome);
	return (struct verdict) {
		.action = (enum verdict_action)draw(6),
		.error = errors[draw(sizeof errors / sizeof errors[0])],
		.counted = one_in(2),
		.delay_ms = one_in(8) ? 70000 : draw(500),
		.fail_path = one_in(4),
		.recheck_identity = one_in(4),
		.recheck_alua = one_in(4),
		.lower_depth = one_in(4),
		.reason = one_in(8) ? NULL : "out of the blue",
	};
}

static int mad_path_state(const struct dsm_ops *dsm, const struct path *path, int array_state)
{
	(void)dsm;
	(void)path;
	(void)array_state;
	if (one_in(4))
		return (int)draw(50) + PATH_FAILED;
	return one_in(2) ? DSM_STATE_KEEP : (int)draw(PATH_STANDBY + 1);
}

static bool mad_verify(const struct dsm_ops *dsm, const struct path *path,
		       const struct unit *unit, struct scsi_cdb *cdb)
{
	(void)dsm;
	(void)path;
	(void)unit;
	cdb_inquiry(cdb, true, 0xc0, 8);
	if (one_in(4))
		cdb->data_len = draw(100000);
	return one_in(2);
}

static void mad_verify_answer(const struct dsm_ops *dsm, const struct path *path,
			      const struct unit *unit, const struct outcome *outcome,
			      const uint8_t *bytes, size_t len, struct dsm_check *check)
{
	(void)dsm;
	(void)path;
	(void)unit;
	(void)outcome;
	(void)bytes;
	(void)len;
	if (judges_well)
		return;
	if (one_in(4))
		check->state = (int)draw(100);
	if (one_in(8))
		check->result = DSM_RETRY;
}

const struct dsm_ops mad_dsm = {
	.name = "mad",
	.claim = mad_claim,
	.same_unit = mad_same_unit,
	.interpret_error = mad_interpret_error,
	.path_state = mad_path_state,
	.pick = mad_pick,
	.verify = mad_verify,
	.verify_answer = mad_verify_answer,
};
