// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dsm.h"

#include <stdio.h>
#include <string.h>

#include "mpath.h"
#include "unit.h"

static bool claims(const struct mpath *mpath, const struct dsm_ops *dsm,
		   const struct unit *unit, char *reason, size_t len)
{
	const char *wanted = mpath->choose_dsm ?
		mpath->choose_dsm(mpath->choose_dsm_opaque, unit) : NULL;

	if (wanted && strcmp(wanted, dsm->name) != 0) {
		snprintf(reason, len, "DSM %s is wanted for %s %s", wanted, unit->inquiry.vendor,
			 unit->inquiry.product);
		return false;
	}
	snprintf(reason, len, "the unit is not claimed");
	return dsm->claim(dsm, unit, reason, len);
}

const struct dsm_ops *dsm_claim(const struct mpath *mpath, const struct unit *unit,
				char *reason, size_t len)
{
	char why[256];
	size_t used = 0;

	if (!mpath->ndsms)
		return claims(mpath, &dsm_generic, unit, reason, len) ? &dsm_generic : NULL;
	for (size_t i = 0; i <= mpath->ndsms; i++) {
		const struct dsm_ops *dsm = i < mpath->ndsms ? mpath->dsms[i] : &dsm_generic;
		int written;

		if (claims(mpath, dsm, unit, why, sizeof why))
			return dsm;
		written = snprintf(reason + used, len - used, "%s%s: %s", i ? "; " : "",
				   dsm->name, why);
		if (written > 0)
			used += (size_t)written;
		if (used >= len)
			used = len ? len - 1 : 0;
	}
	return NULL;
}
