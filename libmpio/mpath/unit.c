// SPDX-License-Identifier: LGPL-2.1-or-later
#include "unit.h"

bool unit_can_unmap(const struct unit *unit)
{
	return unit->capacity.lbpme && unit->has_provisioning && unit->provisioning.lbpu &&
		(!unit->has_block_limits || vpd_max_unmap(&unit->limits) > 0);
}

bool unit_zeroes_by_unmap(const struct unit *unit)
{
	return unit->capacity.lbpme && unit->capacity.lbprz &&
		unit->has_provisioning && unit->provisioning.lbpws;
}
