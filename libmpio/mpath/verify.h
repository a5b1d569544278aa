// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_VERIFY_H
#define MPIO_VERIFY_H

/*
 * The questions a path's unit is asked before it carries I/O, one command at
 * a time: TEST UNIT READY (which takes the unit attentions), INQUIRY, VPD 00h,
 * 83h, 80h, B0h, B1h, B2h, READ CAPACITY(16), MODE SENSE. A table of steps
 * says what is sent, how the answer is read and whether the step may fail.
 * Embedded in its path; done() comes from mpath_run().
 */

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "mpath.h"
#include "unit.h"

#define VERIFY_BUFFER 4096

struct verify {
	struct command command;
	unsigned int step;
	unsigned int tries, failures;   /* of this step */
	unsigned int restarts;          /* because the unit said it had changed */
	bool is_running;
	bool is_in_flight;
	bool is_short;
	bool is_stale;                  /* start over: doubt arose in between */
	struct vpd_pages pages, known_pages;
	struct vpd_designation designation;
	struct unit unit;               /* gathered so far */
	uint8_t *buffer;                /* VERIFY_BUFFER bytes */
	struct mpath_timer retry;
};

/* -ENOMEM. Embedded in its path; see path_of(). */
int verify_init(struct verify *verify);
void verify_done(struct verify *verify);

/*
 * Starts from the first question; only while the path's session is up. Ends
 * in path.c's path_verified(). A running one starts over. The short form, of a
 * path that was verified as a whole since its login, asks five of the eleven:
 * whether it is ready, and what may change without a sign, VPD 80h and 83h (a
 * LUN mapped anew under a live session), capacity, cache and write protection.
 * Where something did, it goes on to ask everything.
 */
void verify_start(struct verify *verify, bool is_short);

/* The session went: whatever ran is over. */
void verify_abort(struct verify *verify);

#endif
