// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_NEXUS_INTERNAL_H
#define MPIO_NEXUS_INTERNAL_H

/*
 * What nexus.c (the session's life) and io.c (its commands) share.
 */

#include "list.h"
#include "nexus.h"
#include "session.h"
#include "transport.h"

struct io_slot;

struct nexus {
	struct transport transport;     /* first: the core knows only this */
	struct session session;
	struct nexus_settings settings; /* strings are owned */

	/* io.c: MPIO_MAX_QUEUE_DEPTH slots; each is on one of these. */
	struct io_slot *slots;
	struct list free;
	struct list waiting;            /* not given to libiscsi yet */
	struct list issued;
	struct list answered;           /* recorded by libiscsi's callback */
	struct list withheld;           /* answered, but data-out may still be read */
	uint64_t last_issued;           /* number of the newest issued command */
	uint64_t last_sent;             /* this and all older ones have left */
	bool is_blocked;                /* the socket took no more */
	bool may_be_half_sent;          /* a command newer than last_sent */
	uint32_t unsent_bytes;          /* of data-out issued since last_sent */
	bool is_probed;                 /* the answer to a probe has come */
};

static inline struct nexus *nexus_of(struct transport *transport)
{
	return list_entry(transport, struct nexus, transport);
}

static inline struct nexus *nexus_of_session(struct session *session)
{
	return list_entry(session, struct nexus, session);
}

/* Copies the strings as well; false on lack of memory, then half done. */
bool nexus_settings_copy(struct nexus_settings *to, const struct nexus_settings *from);

/* Frees the strings, half copied ones too, and wipes the passwords. */
void nexus_settings_done(struct nexus_settings *settings);

/* 0 or -ENOMEM. */
int io_init(struct nexus *nexus);
void io_done(struct nexus *nexus);

/* No command's data can be on its way. */
bool io_is_idle(const struct nexus *nexus);

/* transport_ops.send and .probe. */
void io_send(struct transport *transport, uint64_t lun, struct command *command);
void io_probe(struct transport *transport);

/* session_ops.collect, .flush and .closed. */
void io_collect(struct session *session, bool has_read);
void io_flush(struct session *session);
void io_reset(struct session *session);

#endif
