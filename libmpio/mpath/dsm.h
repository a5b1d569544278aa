// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DSM_H
#define MPIO_DSM_H

/*
 * A device-specific module: claims units, says whether two paths show the
 * same one, and judges errors. Bytes and values in, verdicts out; the core
 * does all I/O. The first module to claim a unit owns it; the generic one,
 * for any SPC-3 block device, is asked last.
 */

#include <stdbool.h>
#include <stddef.h>

#include "classify.h"

struct unit;

struct dsm_ops {
	const char *name;               /* "generic" */

	/* True to own UNIT; else REASON (size LEN) says why not. */
	bool (*claim)(const struct unit *unit, char *reason, size_t len);

	/* True where A and B are one logical unit, whatever the path. */
	bool (*same_unit)(const struct unit *a, const struct unit *b);

	/* What to do about a command that came back as OUTCOME. */
	struct verdict (*interpret_error)(const struct outcome *outcome);
};

extern const struct dsm_ops dsm_generic;

/* The module that claims UNIT; NULL and a REASON where none does. */
const struct dsm_ops *dsm_claim(const struct unit *unit, char *reason, size_t len);

#endif
