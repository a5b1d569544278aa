// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What does the end of a command mean for the request and for its path?
 *
 * A pure function over a table: acting on the verdict is the device's business.
 * Each row carries its reason and the clause it rests on.  Any thread.
 */
#ifndef MPIO_CLASSIFY_H
#define MPIO_CLASSIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sense.h"

enum delivery {
	DELIVERY_ANSWERED,	/* status says the rest */
	DELIVERY_LOST,		/* the session went while the command was unanswered:
				 * it may have been, or may yet be, processed */
	DELIVERY_REFUSED,	/* it was never sent */
};

/*
 * is_write: the command changes the medium or makes changes stable (WRITE,
 * WRITE SAME, UNMAP, SYNCHRONIZE CACHE).  is_flush: SYNCHRONIZE CACHE, which
 * answers for writes acknowledged before.  is_prefetch: PRE-FETCH, the one that
 * may end with CONDITION MET.  residual counts only where the length is exact:
 * leave it 0 for commands with an allocation length.  opcode and the raw sense
 * data, borrowed, are for modules that know more than the standards.
 */
struct outcome {
	enum delivery delivery;
	uint8_t status;		/* enum sam_status; if ANSWERED */
	struct sense sense;	/* with CHECK CONDITION */
	bool is_write;
	bool is_flush;
	bool is_prefetch;
	uint32_t residual;	/* bytes not transferred, or too many if overflow */
	bool overflow;		/* the target had more to transfer than was asked for */
	uint8_t opcode;
	uint8_t sense_len;
	const uint8_t *sense_bytes;
};

enum verdict_action {
	VERDICT_DONE,		/* the command did what it should */
	VERDICT_RETURN,		/* answer the client with .error, no retry */
	VERDICT_RETRY_SAME,	/* this path, unless it is no longer usable */
	VERDICT_RETRY_OTHER,	/* another path, this one if there is no other */
};

struct verdict {
	enum verdict_action action;
	bool counted;		/* the retry costs one of the request's retry_count;
				 * free ones are bounded by its deadline */
	uint32_t delay_ms;	/* before this request may go down this path again;
				 * another path may take it at once */
	int error;		/* -errno for RETURN, and when no retry is left */
	bool fail_path;		/* this path carries no I/O until it is verified */
	bool recheck_identity;	/* identity, capacity and mode pages, before more I/O */
	bool recheck_alua;	/* the access states are out of date */
	bool lower_depth;	/* too many commands in flight on this nexus */
	bool earlier_write_lost;	/* a write acknowledged before has failed: the
				 * next flush must fail, whatever the device says */
	const char *reason;	/* constant strings */
	const char *source;
};

/* Pattern fields that take anything. */
#define CLASSIFY_ANY (-1)

enum classify_residual {
	RESIDUAL_ANY,
	RESIDUAL_NONE,
	RESIDUAL_SHORT,		/* residual > 0, no overflow */
	RESIDUAL_OVERFLOW,
};

/* Fields are CLASSIFY_ANY or a value; the sense ones count with CHECK CONDITION only. */
struct classify_row {
	int16_t delivery;	/* enum delivery */
	int16_t status;
	int16_t sense_valid;	/* 0, 1 */
	int16_t deferred;	/* 0, 1 */
	int16_t key, asc, ascq;
	int16_t is_write;	/* 0, 1 */
	int16_t is_flush;	/* 0, 1 */
	int16_t is_prefetch;	/* 0, 1 */
	enum classify_residual residual;
	struct verdict verdict;
};

/*
 * Judges one outcome: the verdict of the first row that matches.  The last row
 * matches everything.  Errors are -errno values:
 *	-EIO		the medium, the unit, or every retry failed
 *	-ENOSPC		thin provisioning is out of space, or beyond the last LBA
 *	-EROFS		write protected
 *	-EOPNOTSUPP	the device has no such command: the caller falls back
 *	-EINVAL		the device refuses a field of the command: the same
 * A reservation conflict is -EIO: NBD has no word for it.
 */
struct verdict classify(const struct outcome *o);

/* The table, for tests and documentation; returns the number of rows. */
size_t classify_rows(const struct classify_row **rows);

/* "retry on another path": a constant string. */
const char *verdict_action_name(enum verdict_action action);

#endif
