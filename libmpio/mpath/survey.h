// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SURVEY_H
#define MPIO_SURVEY_H

/*
 * Which logical units are behind an I_T nexus: REPORT LUNS (SPC-4 6.33), then
 * INQUIRY, VPD 83h and, where that names nothing, 80h of each. For finding a
 * unit by its identity, before there is a path to it. It begins when the
 * session comes up, and again when the session was lost before the end. The
 * core's owner's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "identity.h"
#include "inquiry.h"
#include "mpath.h"
#include "vpd.h"

struct transport;

/* Units past this many are not looked at. */
#define SURVEY_LUNS_MAX 1024

struct survey_unit {
	uint64_t lun;                   /* raw eight bytes */
	struct inquiry inquiry;
	struct identity identity;
};

struct survey {
	struct transport *transport;
	struct command command;
	struct mpath_timer retry;
	uint8_t *buffer;
	uint64_t luns[SURVEY_LUNS_MAX];
	size_t nluns, next;             /* the one being asked about */
	unsigned int step, tries;
	bool is_running, is_in_flight;
	struct inquiry inquiry;
	struct vpd_designation designation;
	struct vpd_serial serial;

	bool is_over;                   /* all units were asked */
	char reason[160];               /* what went wrong last; empty: nothing */
	struct survey_unit *units;      /* disks with an identity */
	size_t count;
};

/* TRANSPORT, borrowed, has nobody else's watch. -ENOMEM. */
int survey_init(struct survey *survey, struct transport *transport);

/* Stops the transport. Fine for one that survey_init() has refused. */
void survey_done(struct survey *survey);

/* The unit with that identity, or NULL. */
const struct survey_unit *survey_find(const struct survey *survey,
				      const struct identity *identity);

#endif
