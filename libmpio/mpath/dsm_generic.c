// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The module of last resort, for every SPC-3 direct-access block device.
 */
#include "dsm.h"

#include <stdio.h>

#include "unit.h"

#define VERSION_SPC3 5                  /* SPC-4 table 139 */

static bool generic_claim(const struct dsm_ops *dsm, const struct unit *unit,
			  char *reason, size_t len)
{
	const struct inquiry *inquiry = &unit->inquiry;

	(void)dsm;
	if (!inquiry_is_disk(inquiry)) {
		snprintf(reason, len, "not a block device: peripheral qualifier %u, type %02xh",
			 inquiry->peripheral_qualifier, inquiry->device_type);
		return false;
	}
	if (inquiry->version < VERSION_SPC3) {
		snprintf(reason, len, "%s %s claims version %u, SPC-3 (5) is needed",
			 inquiry->vendor, inquiry->product, inquiry->version);
		return false;
	}
	return true;
}

static bool generic_same_unit(const struct dsm_ops *dsm, const struct unit *a,
			      const struct unit *b)
{
	(void)dsm;
	return identity_equal(&a->identity, &b->identity);
}

static struct verdict generic_interpret_error(const struct dsm_ops *dsm,
					      const struct outcome *outcome)
{
	(void)dsm;
	return classify(outcome);
}

const struct dsm_ops dsm_generic = {
	.name = "generic",
	.claim = generic_claim,
	.same_unit = generic_same_unit,
	.interpret_error = generic_interpret_error,
};
