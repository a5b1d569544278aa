// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of verdicts, and the search in it.
 *
 * Rows are tried from the top: the special before the general.  The first row
 * is the good case, so I/O that works pays for one comparison.
 *
 * Retries that cost nothing of the budget are those that something else bounds:
 * a failed path leaves the set of candidates, a re-check or an access state
 * must settle first, a busy device is asked again after a delay; and all of
 * them end at the request's deadline.
 */
#include "classify.h"

#include <errno.h>

#include "status.h"

#define BUSY_DELAY_MS 100
#define QUEUE_FULL_DELAY_MS 10
#define NOT_READY_DELAY_MS 500
#define ALUA_DELAY_MS 200

#define ANY CLASSIFY_ANY

/* Patterns.  Each names every field of struct classify_row but the verdict. */
#define PATTERN(dlv, st, valid, dfr, k, a, q, wr, fl, pf, res)                           \
	.delivery = (dlv), .status = (st), .sense_valid = (valid), .deferred = (dfr),    \
	.key = (k), .asc = (a), .ascq = (q), .is_write = (wr), .is_flush = (fl),         \
	.is_prefetch = (pf), .residual = (res)
#define ON_DELIVERY(dlv) \
	PATTERN(dlv, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, RESIDUAL_ANY)
#define ON_STATUS(st, res) \
	PATTERN(DELIVERY_ANSWERED, st, ANY, ANY, ANY, ANY, ANY, ANY, ANY, ANY, res)
#define ON_PREFETCH(st) \
	PATTERN(DELIVERY_ANSWERED, st, ANY, ANY, ANY, ANY, ANY, ANY, ANY, 1, RESIDUAL_ANY)
#define ON_CHECK(valid, dfr, k, a, q, wr, res)                                           \
	PATTERN(DELIVERY_ANSWERED, SAM_STATUS_CHECK_CONDITION, valid, dfr, k, a, q, wr,  \
		ANY, ANY, res)
#define ON_FLUSH(k)                                                                      \
	PATTERN(DELIVERY_ANSWERED, SAM_STATUS_CHECK_CONDITION, 1, 0, k, ANY, ANY, ANY,   \
		1, ANY, RESIDUAL_ANY)
#define ON_NO_SENSE_DATA ON_CHECK(0, ANY, ANY, ANY, ANY, ANY, RESIDUAL_ANY)
#define ON_DEFERRED(k, wr) ON_CHECK(1, 1, k, ANY, ANY, wr, RESIDUAL_ANY)
#define ON_SENSE(k, a, q) ON_CHECK(1, 0, k, a, q, ANY, RESIDUAL_ANY)
#define ON_WRITE_SENSE(k, a, q) ON_CHECK(1, 0, k, a, q, 1, RESIDUAL_ANY)
#define ON_KEY_RESIDUAL(k, res) ON_CHECK(1, 0, k, ANY, ANY, ANY, res)

/* Actions.  A retry's error is what the client gets when no retry is left. */
#define DONE .action = VERDICT_DONE
#define RETURN(e) .action = VERDICT_RETURN, .error = (e)
#define SAME_COUNTED .action = VERDICT_RETRY_SAME, .counted = true, .error = -EIO
#define SAME_FREE .action = VERDICT_RETRY_SAME, .error = -EIO
#define OTHER_COUNTED .action = VERDICT_RETRY_OTHER, .counted = true, .error = -EIO
#define OTHER_FREE .action = VERDICT_RETRY_OTHER, .error = -EIO
#define FAIL_PATH OTHER_FREE, .fail_path = true

#define BECAUSE(why, from) .reason = (why), .source = (from)

/* Sources that several rows share. */
#define SAM_STATUS_CODES "SAM-5 5.3.1, status codes"
#define SAM_SENSE "SAM-5 5.13, sense data"
#define RFC_RESIDUAL "RFC 7143 11.4.5, residual count"
#define RFC_SENSE "RFC 7143 11.4.7.2, sense data"
#define SPC_KEYS "SPC-4 4.5, sense key definitions"
#define SPC_ASC "SPC-4 annex F.2, additional sense codes"
#define SPC_DEFERRED "SPC-4 4.5, deferred errors"
#define SPC_ALUA "SPC-4, target port group access states"
#define SAM_UNIT_ATTENTION "SAM-5 5.14, unit attention conditions"
#define SBC_PROVISIONING "SBC-3 4.7, logical block provisioning"

static const struct classify_row rows[] = {
	{ ON_STATUS(SAM_STATUS_GOOD, RESIDUAL_NONE),
	  { DONE, BECAUSE("done", SAM_STATUS_CODES) } },

	/* No answer. */
	{ ON_DELIVERY(DELIVERY_LOST),
	  { FAIL_PATH, BECAUSE("session lost", "RFC 7143 7.1.4.4, session recovery") } },
	{ ON_DELIVERY(DELIVERY_REFUSED),
	  { FAIL_PATH, BECAUSE("could not be sent", "RFC 7143 7.1.4.4, session recovery") } },

	/* An answer that is good as far as it goes. */
	{ ON_STATUS(SAM_STATUS_GOOD, RESIDUAL_SHORT),
	  { OTHER_COUNTED, BECAUSE("transferred less than asked for", RFC_RESIDUAL) } },
	{ ON_STATUS(SAM_STATUS_GOOD, RESIDUAL_OVERFLOW),	/* another block size? */
	  { OTHER_COUNTED, .recheck_identity = true,
	    BECAUSE("had more to transfer than asked for", RFC_RESIDUAL) } },
	/* To anything but PRE-FETCH it says nothing: no data may be made of it. */
	{ ON_PREFETCH(SAM_STATUS_CONDITION_MET),
	  { DONE, BECAUSE("condition met", "SBC-3, PRE-FETCH(16)") } },

	/* Other status. */
	{ ON_STATUS(SAM_STATUS_BUSY, RESIDUAL_ANY),
	  { SAME_FREE, .delay_ms = BUSY_DELAY_MS, .lower_depth = true,
	    BECAUSE("logical unit busy", SAM_STATUS_CODES) } },
	{ ON_STATUS(SAM_STATUS_TASK_SET_FULL, RESIDUAL_ANY),
	  { SAME_FREE, .delay_ms = QUEUE_FULL_DELAY_MS, .lower_depth = true,
	    BECAUSE("task set full", SAM_STATUS_CODES) } },
	{ ON_STATUS(SAM_STATUS_ACA_ACTIVE, RESIDUAL_ANY),
	  { SAME_FREE, .delay_ms = BUSY_DELAY_MS,
	    BECAUSE("auto contingent allegiance active", SAM_STATUS_CODES) } },
	{ ON_STATUS(SAM_STATUS_TASK_ABORTED, RESIDUAL_ANY),
	  { SAME_COUNTED, BECAUSE("aborted by another initiator", SAM_STATUS_CODES) } },
	{ ON_STATUS(SAM_STATUS_RESERVATION_CONFLICT, RESIDUAL_ANY),
	  { RETURN(-EIO), BECAUSE("reservation conflict", SAM_STATUS_CODES) } },

	/* iSCSI always sends sense data along: a device that did not is not well. */
	{ ON_NO_SENSE_DATA,
	  { FAIL_PATH, BECAUSE("check condition without sense data", SAM_SENSE) } },

	/*
	 * Deferred errors speak of an earlier command, and this one was not
	 * processed.  Where that was an acknowledged write it is lost, and a
	 * write or flush is the place to tell the client; a read is innocent and
	 * runs again, but the next flush must not succeed.
	 */
	{ ON_DEFERRED(SENSE_KEY_NO_SENSE, ANY),
	  { SAME_COUNTED, BECAUSE("deferred notice", SPC_DEFERRED) } },
	{ ON_DEFERRED(SENSE_KEY_RECOVERED_ERROR, ANY),
	  { SAME_COUNTED, BECAUSE("deferred recovered error", SPC_DEFERRED) } },
	{ ON_DEFERRED(ANY, 1),
	  { RETURN(-EIO), .earlier_write_lost = true,
	    BECAUSE("an earlier write failed after it was acknowledged", SPC_DEFERRED) } },
	{ ON_DEFERRED(ANY, 0),
	  { SAME_COUNTED, .earlier_write_lost = true,
	    BECAUSE("an earlier write failed, seen by a read", SPC_DEFERRED) } },

	{ ON_SENSE(SENSE_KEY_NO_SENSE, 0x00, 0x00),
	  { FAIL_PATH, BECAUSE("check condition with no sense", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_NO_SENSE, ANY, ANY),
	  { OTHER_COUNTED, BECAUSE("notice instead of a result", SPC_KEYS) } },

	/* These two keys report success, of however much was transferred. */
	{ ON_KEY_RESIDUAL(SENSE_KEY_RECOVERED_ERROR, RESIDUAL_NONE),
	  { DONE, BECAUSE("recovered error", SPC_KEYS) } },
	{ ON_KEY_RESIDUAL(SENSE_KEY_RECOVERED_ERROR, RESIDUAL_ANY),
	  { OTHER_COUNTED, BECAUSE("recovered error, wrong length", RFC_RESIDUAL) } },
	{ ON_KEY_RESIDUAL(SENSE_KEY_COMPLETED, RESIDUAL_NONE),
	  { DONE, BECAUSE("completed", SPC_KEYS) } },
	{ ON_KEY_RESIDUAL(SENSE_KEY_COMPLETED, RESIDUAL_ANY),
	  { OTHER_COUNTED, BECAUSE("completed, wrong length", RFC_RESIDUAL) } },

	/* What passes by itself: waited for, up to the request's deadline. */
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x01),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("becoming ready", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x03),
	  { OTHER_COUNTED, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("manual intervention required", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x05),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("rebuild in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x06),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("recalculation in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x07),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("operation in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x08),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("long write in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x09),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("self-test in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x0a),
	  { OTHER_FREE, .delay_ms = ALUA_DELAY_MS, .recheck_alua = true,
	    BECAUSE("access state in transition", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x0b),
	  { OTHER_FREE, .delay_ms = ALUA_DELAY_MS, .recheck_alua = true,
	    BECAUSE("target port group in standby state", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x0c),
	  { OTHER_FREE, .delay_ms = ALUA_DELAY_MS, .recheck_alua = true,
	    BECAUSE("target port group in unavailable state", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x11),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("waiting to be allowed to spin up", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x12),
	  { OTHER_COUNTED, .delay_ms = NOT_READY_DELAY_MS, .recheck_alua = true,
	    BECAUSE("offline", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x14),
	  { SAME_FREE, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("space allocation in progress", SBC_PROVISIONING) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x1a),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("starting or stopping", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x1c),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("waiting for power", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x04, 0x1d),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS, BECAUSE("configuration in progress", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x08, ANY),
	  { OTHER_COUNTED, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("communication inside the device failed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, 0x3e, 0x00),
	  { OTHER_FREE, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("configuring itself", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_NOT_READY, ANY, ANY),
	  { OTHER_COUNTED, .delay_ms = NOT_READY_DELAY_MS,
	    BECAUSE("not ready", SPC_KEYS) } },

	/* The path is not to blame, and a write that failed on the medium is told. */
	{ ON_SENSE(SENSE_KEY_MEDIUM_ERROR, 0x0c, ANY),
	  { RETURN(-EIO), BECAUSE("write error", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_MEDIUM_ERROR, 0x11, ANY),
	  { RETURN(-EIO), BECAUSE("unrecovered read error", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_MEDIUM_ERROR, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("medium error", SPC_KEYS) } },

	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, 0x67, 0x0a),
	  { FAIL_PATH, BECAUSE("target port groups could not be set", SPC_ALUA) } },
	/*
	 * A cache that could not be written back may be told of just once: the
	 * same flush again, on whatever path, would find nothing left to do and
	 * claim that all is stable.
	 */
	{ ON_FLUSH(SENSE_KEY_HARDWARE_ERROR),
	  { RETURN(-EIO), BECAUSE("the cache could not be written back", SPC_KEYS) } },
	{ ON_FLUSH(SENSE_KEY_VENDOR_SPECIFIC),
	  { RETURN(-EIO), BECAUSE("flush failed for a vendor's reason", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, 0x3e, 0x02),
	  { OTHER_COUNTED, BECAUSE("time-out inside the device", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, 0x44, ANY),
	  { OTHER_COUNTED, BECAUSE("internal target failure", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, 0x47, ANY),
	  { OTHER_COUNTED, BECAUSE("parity or CRC error inside the device", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, 0x4b, ANY),
	  { OTHER_COUNTED, BECAUSE("data phase error", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_HARDWARE_ERROR, ANY, ANY),
	  { OTHER_COUNTED, BECAUSE("hardware error", SPC_KEYS) } },

	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x20, 0x00),
	  { RETURN(-EOPNOTSUPP), BECAUSE("the device has no such command", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x21, 0x00),	/* has it shrunk? */
	  { RETURN(-ENOSPC), .recheck_identity = true,
	    BECAUSE("beyond the last block", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x22, 0x00),
	  { RETURN(-EOPNOTSUPP), BECAUSE("illegal function", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x24, 0x00),
	  { RETURN(-EINVAL), BECAUSE("a field of the command is refused", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x25, 0x00),
	  { FAIL_PATH, .recheck_identity = true,
	    BECAUSE("no such logical unit any more", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x26, ANY),
	  { RETURN(-EINVAL), BECAUSE("a field of the parameter list is refused", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, 0x2c, ANY),
	  { RETURN(-EIO), BECAUSE("command sequence error", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ILLEGAL_REQUEST, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("illegal request", SPC_KEYS) } },

	/*
	 * Unit attentions: the command was not processed and runs again.  Those
	 * that wait for something are free, the others are counted, so that a
	 * device that does nothing else ends in an error.
	 */
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x28, ANY),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("the medium may have changed", SPC_ASC) } },
	/*
	 * After a reset the mode pages are the saved ones: cache and write
	 * protection may be others (SPC-4 7.5, mode parameters). Free, because
	 * each path tells of it once, and there may be more paths than retries.
	 */
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, 0x00),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("power on or reset", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, 0x01),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("power on", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, 0x02),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("bus reset", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, 0x03),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("reset by a task management function", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, 0x04),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("device internal reset", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x29, ANY),
	  { SAME_COUNTED, BECAUSE("the nexus was reset", SAM_UNIT_ATTENTION) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x00),
	  { SAME_FREE, .recheck_identity = true, BECAUSE("parameters changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x01),	/* write protect, cache */
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("mode parameters changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x02),
	  { SAME_FREE, BECAUSE("log parameters changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x03),
	  { SAME_COUNTED, BECAUSE("reservations preempted", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x04),
	  { SAME_FREE, BECAUSE("reservations released", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x05),
	  { SAME_COUNTED, BECAUSE("registrations preempted", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x06),
	  { SAME_FREE, .recheck_alua = true, BECAUSE("access state changed", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x07),
	  { SAME_FREE, .recheck_alua = true,
	    BECAUSE("implicit access state transition failed", SPC_ALUA) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2a, 0x09),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("capacity data has changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x2f, ANY),
	  { SAME_COUNTED, BECAUSE("commands cleared", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x38, 0x07),
	  { SAME_FREE, BECAUSE("thin provisioning soft threshold", SBC_PROVISIONING) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x01),
	  { SAME_FREE, .recheck_identity = true, BECAUSE("microcode changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x02),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("operating definition changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x03),
	  { SAME_FREE, .recheck_identity = true, BECAUSE("INQUIRY data has changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x05),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("device identifier changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x0e),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("reported LUNs data has changed", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, 0x3f, 0x16),
	  { SAME_FREE, .recheck_identity = true,
	    BECAUSE("microcode changed without reset", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_UNIT_ATTENTION, ANY, ANY),
	  { SAME_COUNTED, BECAUSE("unit attention", SAM_UNIT_ATTENTION) } },

	{ ON_SENSE(SENSE_KEY_DATA_PROTECT, 0x27, 0x07),
	  { RETURN(-ENOSPC), BECAUSE("out of space for thin provisioning", SBC_PROVISIONING) } },
	{ ON_WRITE_SENSE(SENSE_KEY_DATA_PROTECT, ANY, ANY),
	  { RETURN(-EROFS), BECAUSE("write protected", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_DATA_PROTECT, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("protected against reading", SPC_KEYS) } },

	{ ON_SENSE(SENSE_KEY_BLANK_CHECK, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("blank check", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_VENDOR_SPECIFIC, ANY, ANY),
	  { OTHER_COUNTED, BECAUSE("vendor specific error", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_COPY_ABORTED, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("copy aborted", SPC_KEYS) } },
	/*
	 * Aborted commands were not carried out, or not whole. What was damaged
	 * on the way takes another way; RFC 7143 11.4.7.2 has the iSCSI ones.
	 */
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x08, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: communication inside the device", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x0c, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: wrong amount of data sent", RFC_SENSE) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x10, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: protection information", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x11, 0x13),
	  { OTHER_COUNTED, BECAUSE("aborted: retransmission refused", RFC_SENSE) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x2e, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: out of time", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x44, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: internal target failure", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x47, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: parity or CRC error", RFC_SENSE) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, 0x4b, ANY),
	  { OTHER_COUNTED, BECAUSE("aborted: data phase error", SPC_ASC) } },
	{ ON_SENSE(SENSE_KEY_ABORTED_COMMAND, ANY, ANY),
	  { SAME_COUNTED, BECAUSE("command aborted by the device", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_VOLUME_OVERFLOW, ANY, ANY),
	  { RETURN(-ENOSPC), BECAUSE("volume overflow", SPC_KEYS) } },
	{ ON_SENSE(SENSE_KEY_MISCOMPARE, ANY, ANY),
	  { RETURN(-EIO), BECAUSE("miscompare", SPC_KEYS) } },

	/* Reserved keys and status codes. */
	{ ON_DELIVERY(ANY),
	  { OTHER_COUNTED, BECAUSE("answer not understood", SAM_STATUS_CODES) } },
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static bool fits(int16_t pattern, int value)
{
	return pattern == CLASSIFY_ANY || pattern == value;
}

static bool residual_fits(enum classify_residual pattern, const struct outcome *o)
{
	switch (pattern) {
	case RESIDUAL_NONE:
		return o->residual == 0 && !o->overflow;
	case RESIDUAL_SHORT:
		return o->residual > 0 && !o->overflow;
	case RESIDUAL_OVERFLOW:
		return o->overflow;
	case RESIDUAL_ANY:
		break;
	}
	return true;
}

static bool row_fits(const struct classify_row *row, const struct outcome *o)
{
	return fits(row->delivery, (int)o->delivery) && fits(row->status, o->status) &&
	       residual_fits(row->residual, o) && fits(row->sense_valid, o->sense.valid) &&
	       fits(row->deferred, o->sense.deferred) && fits(row->key, o->sense.key) &&
	       fits(row->asc, o->sense.asc) && fits(row->ascq, o->sense.ascq) &&
	       fits(row->is_write, o->is_write) && fits(row->is_flush, o->is_flush) &&
	       fits(row->is_prefetch, o->is_prefetch);
}

struct verdict classify(const struct outcome *o)
{
	const struct classify_row *row = rows, *last = &rows[NROWS - 1];

	while (row < last && !row_fits(row, o))
		row++;
	return row->verdict;
}

size_t classify_rows(const struct classify_row **out)
{
	*out = rows;
	return NROWS;
}

const char *verdict_action_name(enum verdict_action action)
{
	switch (action) {
	case VERDICT_DONE:
		return "done";
	case VERDICT_RETURN:
		return "return the error";
	case VERDICT_RETRY_SAME:
		return "retry on the same path";
	case VERDICT_RETRY_OTHER:
		return "retry on another path";
	}
	return "unknown verdict";
}
