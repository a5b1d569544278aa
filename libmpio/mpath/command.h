// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_COMMAND_H
#define MPIO_COMMAND_H

/*
 * One SCSI command on its way: built by the core, sent by a transport,
 * answered by it, judged by the core. The list it is on is its stage:
 * a device's waiting list, a transport's in-flight list, mpath's answered
 * list. It is embedded in a request or a path; nothing here is allocated.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cdb.h"
#include "classify.h"
#include "list.h"

struct path;
struct request;

#define COMMAND_SENSE_MAX 96

enum command_stage {
	COMMAND_IDLE,
	COMMAND_HELD,                   /* no path is usable */
	COMMAND_WAITING,                /* no slot is free */
	COMMAND_DELAYED,                /* to be retried at retry_us */
	COMMAND_IN_FLIGHT,
	COMMAND_ANSWERED,               /* or lost; not judged yet */
};

struct command {
	struct list node;
	struct scsi_cdb cdb;
	/* The caller's buffer, cdb.data_len bytes, read or written in place;
	 * it stays valid until the transport no longer touches it. */
	void *data;

	/* The answer, written by the transport before transport_answered(). */
	enum delivery delivery;
	uint8_t status;                 /* SAM-5 5.3.1, where DELIVERY_ANSWERED */
	bool overflow;                  /* RFC 7143 11.4.5.1: residual overflow */
	uint32_t residual;              /* bytes not transferred */
	uint8_t sense_len;
	uint8_t sense[COMMAND_SENSE_MAX];       /* raw; no length prefix */

	/* The core's. */
	struct path *path;              /* where it is, or was last */
	struct request *request;        /* NULL for a path's own commands */
	void (*answered)(struct command *command);      /* for those */
	uint64_t lba;
	uint32_t nblocks;
	uint32_t rest;                  /* zeroes written piece by piece: blocks to go */
	enum command_stage stage;
	uint64_t sent_us;
	uint64_t queued_bytes;          /* in flight on the nexus then and when answered */
	uint64_t retry_us;
	uint16_t tries;                 /* counted against retry_count */
	uint16_t free_tries;
	bool stay;                      /* retry on the same path */
	const struct path *avoid;       /* the path it has just failed on */
	uint8_t parameters[24];         /* UNMAP parameter list */

	/* The transport's, from send until answered. */
	void *transport_private;
};

#endif
