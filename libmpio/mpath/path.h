// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATH_H
#define MPIO_PATH_H

/*
 * A path: one logical unit seen through one I_T nexus. It is verified after
 * every login and whenever its identity or size is in doubt, and carries no
 * client's I/O before that. Three states are kept apart: what the array says,
 * what the administrator wants, and what results.
 */

#include <stdbool.h>
#include <stdint.h>

#include "alua.h"
#include "depth.h"
#include "flap.h"
#include "histogram.h"
#include "list.h"
#include "mpath.h"
#include "settings.h"
#include "transport.h"
#include "unit.h"
#include "verify.h"

struct command;
struct device;

enum path_state {
	PATH_ACTIVE_OPTIMIZED,
	PATH_ACTIVE_UNOPTIMIZED,
	PATH_STANDBY,
	PATH_UNAVAILABLE,
	PATH_TRANSITIONING,
	PATH_FAILED,
	PATH_EJECTED,
	PATH_DISABLED,
	PATH_CHECKING,
	PATH_STATES
};

enum path_op { PATH_OP_READ, PATH_OP_WRITE, PATH_OPS };

struct path_counters {
	uint64_t ops[PATH_OPS];
	uint64_t bytes[PATH_OPS];
	uint64_t retries;               /* commands sent again, here or elsewhere */
	uint64_t errors;                /* answers that were not GOOD */
	uint64_t failures;              /* times the path failed */
};

/*
 * How fast a path has been, per operation: moving averages over the last
 * eight samples or so; one after a long silence counts for half. With
 * the bytes that were in flight on the nexus meanwhile (the mean of those when it
 * was sent and when it was answered), latency gives throughput: Little's law.
 */
struct path_speed {
	uint64_t latency8_us;          /* eight times the average; 0: never measured */
	uint64_t queued8_bytes;        /* likewise, its own included */
	uint64_t tried_us;              /* when the last command came back; 0: none did */
};

struct path {
	struct device *device;
	struct transport *transport;
	struct list on_transport;
	unsigned int index;             /* position in the device, from 0 */
	char id[8];                     /* what users call it: "0" */
	uint64_t lun;                   /* raw eight bytes, as sent */
	struct path_settings settings;

	enum path_state state;          /* the resulting one */
	enum path_state array_state;    /* what the target port group reports */
	int dsm_state;                  /* what the DSM's own question told, or
					 * DSM_STATE_KEEP */
	bool has_tpg;                   /* the group is known: */
	uint16_t tpg;
	bool array_preferred;           /* its PREF bit */
	enum alua_access access;
	struct alua_query query;
	uint64_t transition_due_us;     /* when its transition takes too long; 0: none */
	bool is_refused;                /* verified, and not this device's unit */
	bool is_identified;             /* since the last login or doubt */
	bool is_verified;               /* likewise, and its access state told all */
	bool was_checked;               /* had its chance: verified or failed once */
	bool is_size_pending;           /* shows another size; the others are asked */
	char last_error[256];
	uint64_t last_error_us;         /* 0: never */
	uint64_t since_us;              /* of the state */
	char why[256];                  /* it was entered */

	struct unit unit;               /* as last verified */
	struct verify verify;
	struct mpath_timer timer;       /* next verification */

	struct flap flap;
	struct depth depth;
	unsigned int in_flight;
	uint64_t in_flight_bytes;
	struct path_counters counters;
	struct histogram latency[PATH_OPS];     /* microseconds */
	struct path_speed speed[PATH_OPS];
};

static inline bool path_speed_is_known(const struct path_speed *speed)
{
	return speed->latency8_us;
}

static inline uint64_t path_speed_latency_us(const struct path_speed *speed)
{
	return speed->latency8_us / 8;
}

/* Of a path whose speed is known. */
static inline uint64_t path_speed_bytes_per_s(const struct path_speed *speed)
{
	return speed->queued8_bytes * 1000000 / speed->latency8_us;
}

/* "active-optimized", as users see it. */
const char *path_state_name(enum path_state state);

/* May carry I/O, if no better path is there. */
static inline bool path_is_usable(const struct path *path)
{
	return path->state <= PATH_STANDBY;
}

/* Verified, and could be in service, but has failed too often of late. */
bool path_is_held_back(const struct path *path);

/* One more command may be sent down it now. */
static inline bool path_has_slot(const struct path *path)
{
	return transport_has_slot(path->transport) && path->in_flight < path->depth.limit;
}

/* By the administrator, or where no path of the device is, by the array. */
bool path_is_preferred(const struct path *path);

/* For device.c. */
int path_init(struct path *path, struct device *device, unsigned int index,
	      struct transport *transport, uint64_t lun, const struct path_settings *settings);
void path_done(struct path *path);

/* Counts, and hands COMMAND to the nexus; a slot must be free. */
void path_send(struct path *path, struct command *command);

/* COMMAND came back: takes it off the counts. */
void path_settle(struct path *path, const struct command *command);

/* Starts (or starts over) a verification; until it ends, no I/O. REASON is
 * why. Without a session it is left to the next login. */
void path_doubt(struct path *path, const char *reason);

/* Verifies the path while it stays in service. */
void path_recheck(struct path *path);

/* The administrator's word, at once: a path that is enabled is verified first. */
void path_apply(struct path *path, const struct path_settings *settings);

/* array_state or the settings changed: a path in service enters what results,
 * the worse of what the array says and what the administrator wants. */
void path_reconsider(struct path *path, const char *reason);

/* The intervals changed: the next verification is timed anew. */
void path_reschedule(struct path *path);

/* The unit behind the path is gone or not fit; checked again later. */
void path_fail(struct path *path, const char *reason);

/* There is no other path: it is no longer held back. */
void path_release(struct path *path);

/* The device takes the path in after a verification, or refuses it. */
void path_accept(struct path *path);
void path_refuse(struct path *path, const char *reason);

/* From verify.c. REASON is why it failed, NULL where UNIT is whole. */
void path_verified(struct path *path, const struct unit *unit, const char *reason);

/* The path's session came up, or went down for that reason. */
void path_session_up(struct path *path);
void path_session_down(struct path *path, const char *reason);

/* Enters STATE; the one place that logs it and tells the device. */
__attribute__((format(printf, 3, 4)))
void path_enter(struct path *path, enum path_state state, const char *reason, ...);

/* Keeps the text as last_error. */
__attribute__((format(printf, 2, 3)))
void path_note_error(struct path *path, const char *format, ...);

#endif
