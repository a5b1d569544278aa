// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TRANSPORT_H
#define MPIO_TRANSPORT_H

/*
 * What the core needs of an I_T nexus: the session that all LUNs of one
 * initiator-port/target-port pair share, which fails as a unit. The struct is
 * embedded at the start of the implementation's own; the implementation gives
 * the ops, this file keeps the session's state, its back-off, its watchdogs
 * and the list of what is in flight.
 *
 * Rules for ops: none of them calls back into the core. login() is answered
 * by transport_connected() and transport_up(), or transport_down(); send()
 * queues, and is answered by transport_answered(), or by transport_down()
 * for all commands at once; drop() ends the session or the attempt at once,
 * so that when it returns no command's buffer is touched any more, and is
 * not answered.
 */

#include <stdbool.h>
#include <stdint.h>

#include "list.h"
#include "mpath.h"

struct command;
struct settings;
struct load_cell;

struct transport_ops {
	/* Starts a session. Only while down. */
	void (*login)(struct transport *transport);

	/* Queues COMMAND for LUN (the raw eight bytes, SAM-5 4.7, big endian). */
	void (*send)(struct transport *transport, uint64_t lun, struct command *command);

	/* Asks for a sign of life (a NOP-Out, RFC 7143 11.18), answered by
	 * transport_probed(). */
	void (*probe)(struct transport *transport);

	/* Destroys the session or the login attempt, with everything unanswered. */
	void (*drop)(struct transport *transport, const char *reason);
};

enum transport_state {
	TRANSPORT_IDLE,                 /* not wanted yet, or stopped */
	TRANSPORT_BACKOFF,              /* down, the next login is timed */
	TRANSPORT_CONNECTING,
	TRANSPORT_LOGGING_IN,           /* connected, login phase */
	TRANSPORT_UP,
};

/* What is in flight down an I_T nexus, whoever's it is. */
struct nexus_load {
	uint64_t commands, bytes;
};

/* What other processes have in flight to the same target and portal. The
 * core's owner sets it on struct mpath where there is a map of it. */
struct load_ops {
	/* TRANSPORT's own counts have changed. */
	void (*publish)(struct transport *transport);
	struct nexus_load (*others)(const struct transport *transport);
};

struct transport_timers {
	uint64_t connect_timeout_us;
	uint64_t login_timeout_us;
	uint64_t probe_interval_us;     /* silence before a probe is sent */
	uint64_t probe_timeout_us;      /* silence after the probe */
	uint64_t io_timeout_us;         /* age of the oldest unanswered command */
	uint64_t backoff_min_us;
	uint64_t backoff_max_us;
};

struct transport {
	const struct transport_ops *ops;
	struct mpath *mpath;
	struct list on_mpath;
	struct list paths;              /* path.on_transport */
	struct list in_flight;          /* commands, oldest first */
	char portal[96];                /* "127.0.0.1:3260", "[::1]:3260" */
	char target[224];               /* iSCSI name */

	enum transport_state state;
	struct transport_timers timers;
	unsigned int queue_depth;       /* most commands in flight */
	unsigned int in_flight_count;
	uint64_t in_flight_bytes;
	struct load_cell *load;         /* load_ops' own; NULL: not in its map */

	struct mpath_timer timer;       /* back-off, login time-outs, watchdogs */
	uint64_t since_us;              /* of the state */
	uint64_t last_answer_us;        /* any sign of life */
	uint64_t probed_us;             /* 0: no probe is out */
	uint64_t backoff_us;
	struct list on_changed;         /* mpath.changed: came up or went down */
	bool is_starved;                /* somebody waits for a slot */
	bool is_lost;                   /* went down since it was last looked at */
	uint64_t logins, losses;
	/* Told, as the paths are, that the session came up or went. Optional. */
	void (*watch)(struct transport *transport, void *opaque);
	void *watch_opaque;
	char reason[160];               /* why it last went down */
};

/* PORTAL and TARGET are copied. The transport starts idle, on MPATH. */
void transport_init(struct transport *transport, struct mpath *mpath,
		    const struct transport_ops *ops, const char *portal, const char *target,
		    const struct transport_timers *timers, unsigned int queue_depth);

/* What SETTINGS mean for a session. */
struct transport_timers transport_timers_of(const struct settings *settings);

/* Take effect at once, on what runs, too. More may be in flight than a lesser
 * depth allows, for as long as it takes. */
void transport_set_timers(struct transport *transport, const struct transport_timers *timers);
void transport_set_queue_depth(struct transport *transport, unsigned int queue_depth);

/* Drops the session. No path may be left on it. */
void transport_done(struct transport *transport);

/* Wants the session up from now on: first login at once, then with back-off. */
void transport_start(struct transport *transport);

/* Ends the session; everything in flight comes back lost. Stays down. */
void transport_stop(struct transport *transport, const char *reason);

/* Ends the session and starts over; everything in flight comes back lost. */
void transport_fail(struct transport *transport, const char *reason);

static inline bool transport_has_slot(const struct transport *transport)
{
	return transport->in_flight_count < transport->queue_depth;
}

/* In flight on that nexus over all LUNs of this process, and what others have
 * sent there, as far as that is known. */
static inline struct nexus_load transport_load(const struct transport *transport)
{
	struct nexus_load load = {
		.commands = transport->in_flight_count,
		.bytes = transport->in_flight_bytes,
	};

	if (transport->load) {
		struct nexus_load others = transport->mpath->load_ops->others(transport);

		load.commands += others.commands;
		load.bytes += others.bytes;
	}
	return load;
}

/* Takes a slot and sends; only while up. */
void transport_send(struct transport *transport, uint64_t lun, struct command *command);

/*
 * From the implementation. All only record.
 */
void transport_connected(struct transport *transport);
void transport_up(struct transport *transport);

/* The login failed, or the session ended: the implementation has destroyed
 * it already. Every command in flight is lost. REASON is copied. */
void transport_down(struct transport *transport, const char *reason);

/* COMMAND's answer fields are filled in. */
void transport_answered(struct transport *transport, struct command *command);
void transport_probed(struct transport *transport);

/* For mpath_run(): tells the paths what was recorded. */
void transport_run(struct transport *transport);

const char *transport_state_name(enum transport_state state);

#endif
