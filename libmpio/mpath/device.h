// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DEVICE_H
#define MPIO_DEVICE_H

/*
 * A pseudo-LUN: a logical unit seen over up to 32 paths. It takes requests,
 * splits them into commands, has the policy pick a path for each, judges what
 * comes back by its DSM, resubmits, holds I/O while no path is usable, and
 * completes. device.c has paths and states, device_unit.c the unit they lead
 * to, device_settings.c what the administrator says, device_io.c the corridor
 * of a request, device_deadline.c its untimely end, device_judge.c what
 * answers mean, hold.c the waiting.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "activation.h"
#include "alua.h"
#include "command.h"
#include "dsm.h"
#include "list.h"
#include "mpath.h"
#include "path.h"
#include "policy.h"
#include "range.h"
#include "request.h"
#include "settings.h"
#include "unit.h"

struct device_settings;

#define DEVICE_POOL_COMMANDS 256

enum device_state {
	DEVICE_STARTING,                /* no path was ever verified */
	DEVICE_NORMAL,                  /* every path is usable */
	DEVICE_DEGRADED,                /* some are */
	DEVICE_LAST_PATH,               /* one is, of several */
	DEVICE_NO_PATH,                 /* none is; I/O waits */
	DEVICE_STOPPED,
};

struct device {
	struct mpath *mpath;
	struct list on_mpath;
	struct list on_stirred;
	char name[64];
	struct settings settings;
	enum device_state state;
	const char *policy_source;      /* see device_settings.h */

	const struct dsm_ops *dsm;      /* NULL until the unit is elected; then for good */
	uint64_t dsm_memory[DSM_MEMORY_WORDS];  /* the module's own, zero at first */
	uint64_t dsm_faults[DSM_FAULTS];        /* see dsm_guard.c */
	enum fence_strength fence_strength;
	bool is_unclaimed_told;         /* as an event */
	struct activation activation;
	struct unit unit;               /* the elected one, once dsm is set; */
	bool is_unit_complete;          /* with its size, limits and the like */
	uint64_t nblocks;
	uint32_t block_size;
	uint32_t max_transfer_blocks;   /* the lesser of settings' and the unit's */
	uint32_t unit_max_transfer;     /* blocks, VPD B0h; 0: it names none */
	bool is_read_only;
	bool has_write_same;            /* until the LU rejects it */
	bool has_prefetch;

	struct path *paths[MPIO_MAX_PATHS];
	unsigned int npaths;
	struct alua alua;
	struct candidates candidates;
	const struct policy_ops *policy;
	void *policy_context;

	uint64_t arrivals;              /* of requests and holds, so far */
	struct list active;             /* requests, oldest deadline first */
	struct list blocked;            /* requests that wait for a held range */
	struct list holds;              /* range_hold.node: granted or waiting */
	struct list waiting;            /* commands: a path is usable, no slot is free */
	struct list held;               /* commands: no path is usable */
	struct list delayed;            /* commands: retried later, by retry_us */
	struct list hungry;             /* requests that want pool commands */
	struct list pool;               /* spare commands */
	struct command *pool_memory;

	struct mpath_timer deadline_timer;
	struct mpath_timer range_timer;
	struct mpath_timer hold_timer;
	struct mpath_timer retry_timer;
	struct mpath_timer policy_timer;

	struct mpath_timer election_timer;
	struct mpath_timer size_timer;

	/* Of device_settings.h; resolve may be NULL. */
	void (*resolve)(void *opaque, const struct unit *unit,
			struct device_settings *settings);
	void *resolve_opaque;

	bool has_expected;              /* only this unit is served */
	struct identity expected;
	bool is_outage_told;            /* as an event */
	bool has_lost_write;            /* an acknowledged one: the next flush fails */
	uint64_t lost_write_us;         /* when that was last told; 0: never */
	uint64_t no_path_since_us;
	uint64_t counted_since_us;      /* failovers, and the paths' counters */
	uint64_t failovers;
	void *zeroes;                   /* for WRITE SAME and its stand-in */
	uint32_t zeroes_blocks;
};

/* SETTINGS and NAME are copied. NULL: no memory, or no such policy (errno
 * ENOMEM, EINVAL). The device is on MPATH and has no path. */
struct device *device_new(struct mpath *mpath, const char *name, const struct settings *settings);

/* Completes what is left with ESHUTDOWN, frees the paths; NULL is fine.
 * Transports are the caller's and must be freed after the devices. */
void device_free(struct device *device);

/* Adds LUN on TRANSPORT as a path; verification starts with the session.
 * -E2BIG past 32 paths, -EEXIST where that LUN and transport are there. */
int device_add_path(struct device *device, struct transport *transport, uint64_t lun,
		    const struct path_settings *settings, struct path **path);

/* Takes REQUEST, which is not touched by the caller until its done(). Errors
 * come by done() as well: -ENOSPC beyond the end, -EROFS, -EINVAL, -ESHUTDOWN,
 * -EIO after the time-outs. */
void device_submit(struct device *device, struct request *request);

/* Ends the sessions that carry this device's commands and completes every
 * request with -ESHUTDOWN, those to come too. */
void device_stop(struct device *device);

/* Serves only the unit with IDENTITY, whichever path shows up first. Without
 * it the device takes the unit that most paths show, the first one's where
 * it is a tie, once every path had its chance. Before paths are started. */
void device_expect(struct device *device, const struct identity *identity);

/* The unit is known: size, limits and identity are valid. */
bool device_is_ready(const struct device *device);

/* Every path is usable, refused or has failed at least once. */
bool device_is_settled(const struct device *device);

/* Failovers, and all paths' counters and latencies, to zero. */
void device_reset_counters(struct device *device);

unsigned int device_usable_paths(const struct device *device);
const char *device_state_name(enum device_state state);

/* Says in TEXT why no path is usable, path by path, for an error message. */
void device_explain_paths(const struct device *device, char *text, size_t len);

/* From path.c: a path's state, settings or unit changed. */
void device_path_changed(struct device *device, struct path *path,
			 enum path_state from, const char *reason);

/* From alua.c: I/O may, or may not, go down standby paths now. */
void device_access_changed(struct device *device, const char *reason);

/* From verify.c's end: PATH->unit is fresh. Accepts or refuses the path. */
void device_path_verified(struct device *device, struct path *path);

/* For mpath_run(): resubmits what waits. */
void device_run(struct device *device);

/* A deferred error (SPC-4 4.5) is told once, to whatever command comes next: a
 * command of our own was answered with OUTCOME, and the next flush must know. */
void device_heed_loss(struct device *device, const struct outcome *outcome);

/* COMMAND, a request's, came back. */
void device_answered(struct device *device, struct command *command);

/*
 * Between device.c, device_io.c and hold.c.
 */

/* Cuts what is left of REQUEST into commands and dispatches them. */
void device_go(struct device *device, struct request *request);

/* Blocks of zeroes that one WRITE can take from device.zeroes. */
uint32_t device_zeroes_at_once(const struct device *device);

/* Picks a path for COMMAND and sends it, or lets it wait. */
void device_dispatch(struct device *device, struct command *command);

/* COMMAND is over for its request: 0 or -errno. */
void device_settle(struct device *device, struct command *command, int error);

/* Takes REQUEST off the list it waits on before it has commands, if any. */
void device_unqueue(struct request *request);

/* REQUEST is over: its done() will be called. */
void device_finish(struct device *device, struct request *request);

/* Gives REQUEST its deadline and its place among the active ones. */
void device_make_active(struct device *device, struct request *request);

/* Ends REQUEST with ERROR: what is not in flight is over now, the rest when
 * it is back. True where it is finished already. */
bool device_abort(struct device *device, struct request *request, int error);

/* No path is usable: those that were held back are. */
void device_release_paths(struct device *device);

/* A live session's path is being verified, or was held back: in a moment it
 * may be usable. */
bool device_is_checking(const struct device *device);

/* An outage is over: the time that requests were held does not count against
 * command_timeout. */
void device_extend_deadlines(struct device *device);
/* command_timeout or no_path_timeout changed: what they were BEFORE. */
void device_move_deadlines(struct device *device, const struct settings *before);
uint64_t device_last_deadline_us(const struct device *device, uint64_t submitted_us);

/* Ends requests that reach beyond the unit's end, after it has shrunk. */
void device_abort_beyond_end(struct device *device);

/* max_transfer, or what the unit allows, changed. */
void device_limit_transfer(struct device *device);

/* Tells the policy that candidates or settings changed. */
void device_tell_policy(struct device *device);

/* Has mpath_run() call device_run(). */
void device_stir(struct device *device);
void device_deadline_init(struct device *device);
void device_unit_init(struct device *device);
void device_unit_run(struct device *device);

void hold_init(struct device *device);
void hold_wait_for_path(struct device *device, struct command *command);
void hold_wait_for_slot(struct device *device, struct command *command);
void hold_wait_until(struct device *device, struct command *command, uint64_t when_us);
void hold_paths_returned(struct device *device);
void hold_no_path(struct device *device);
void hold_set_limit(struct device *device);      /* no_path_timeout changed */
void hold_run(struct device *device);

#endif
