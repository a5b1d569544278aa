// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PROBE_H
#define MPIO_PROBE_H

/*
 * An administrator's look down one path: a few commands, one at a time, each
 * with its answer and how long that took. Client I/O, the policy and the path's
 * state do not notice; but what an answer says of the unit is not lost: a unit
 * attention, or another identity, has the path verified like everywhere else.
 */

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "mpath.h"
#include "unit.h"
#include "vpd.h"

#define PROBE_STEPS 5
#define PROBE_BUFFER 4096

struct path;

/* How one command went. */
struct probe_answer {
	const char *command;            /* "TEST UNIT READY" */
	const char *status;             /* "GOOD" (SAM-5 5.3.1); NULL: not answered, and
					 * text says why */
	uint64_t latency_us;
	char text[160];                 /* sense, or what was read; may be empty */
};

struct probe {
	struct path *path;
	struct probe_answer answers[PROBE_STEPS];
	unsigned int count;
	bool is_good;                   /* every command was answered with GOOD */
	bool has_identity;
	struct identity identity;       /* where that is true */
	bool has_capacity;
	struct capacity capacity;
	struct inquiry inquiry;

	/* The probe's own. */
	struct command command;
	struct mpath_timer patience;
	struct mpath_timer retry;       /* for a free slot */
	void (*done)(struct probe *probe, void *opaque);
	void *opaque;
	unsigned int step;              /* of the command in flight */
	bool is_over;                   /* done() was called */
	bool is_unwanted;               /* freed, but for the command in flight */
	bool is_in_flight;
	uint8_t buffer[PROBE_BUFFER];
};

/*
 * Begins, on a path whose session is up. DONE(OPAQUE) is called once, from
 * mpath_run(), after the last answer, the session's end, or TIMEOUT_MS. NULL on
 * lack of memory.
 */
struct probe *probe_new(struct path *path, uint64_t timeout_ms,
			void (*done)(struct probe *probe, void *opaque), void *opaque);

/* After done(), or before, which is not called then. A command still on its way
 * is waited for without the caller. NULL is fine. */
void probe_free(struct probe *probe);

#endif
