// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dsm.h"

#include <stdio.h>

/* In the order they are asked; the generic one last. */
static const struct dsm_ops *const modules[] = {
	&dsm_generic,
};

const struct dsm_ops *dsm_claim(const struct unit *unit, char *reason, size_t len)
{
	snprintf(reason, len, "no module claims the unit");
	for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
		if (modules[i]->claim(unit, reason, len))
			return modules[i];
	return NULL;
}
