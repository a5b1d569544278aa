// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DEVICE_H
#define MPIO_DEVICE_H

/*
 * A pseudo-LUN: a logical unit seen over up to 32 paths. It takes requests,
 * splits them into commands, has the policy pick a path for each, judges what
 * comes back by its DSM, resubmits, holds I/O while no path is usable, and
 * completes. See device_io.c for the corridor, device_state.c for what paths
 * coming and going do, hold.c for waiting.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	char name[64];
	struct settings settings;
	enum device_state state;
	const char *policy_source;      /* "lun", "default" */

	const struct dsm_ops *dsm;      /* NULL until a path was verified */
	struct unit unit;               /* the checked one; valid once dsm is set */
	uint64_t nblocks;
	uint32_t block_size;
	uint32_t max_transfer_blocks;
	bool is_read_only;
	bool has_write_same;            /* until the LU rejects it */
	bool has_prefetch;

	struct path *paths[MPIO_MAX_PATHS];
	size_t npaths;
	struct candidates candidates;
	const struct policy_ops *policy;
	void *policy_context;
	bool is_stale;                  /* candidates are to be rebuilt */

	struct list active;             /* requests, oldest deadline first */
	struct list blocked;            /* requests that wait for a held range */
	struct list holds;              /* range_hold.node: granted or waiting */
	struct list waiting;            /* commands: a path is usable, no slot is free */
	struct list held;               /* commands: no path is usable */
	struct list delayed;            /* commands: retried later, by retry time */
	struct list hungry;             /* requests that want pool commands */
	struct list pool;               /* spare commands */
	struct command *pool_memory;

	struct mpath_timer deadline_timer;
	struct mpath_timer hold_timer;
	struct mpath_timer retry_timer;
	struct mpath_timer policy_timer;

	uint64_t no_path_since_us;
	uint64_t failovers;
	uint64_t held_failed;
	void *zeroes;                   /* max_transfer bytes, for WRITE SAME and its stand-in */
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

/* A path is verified and usable. */
bool device_is_ready(const struct device *device);

size_t device_usable_paths(const struct device *device);
const char *device_state_name(enum device_state state);

/* Says in TEXT why no path is usable, path by path, for an error message. */
void device_explain_paths(const struct device *device, char *text, size_t len);

/* From path.c: a path's state, settings or unit changed. */
void device_path_changed(struct device *device, struct path *path,
			 enum path_state from, const char *reason);

/* From verify.c's end: PATH->unit is fresh. Accepts or refuses the path. */
void device_path_verified(struct device *device, struct path *path);

/* For mpath_run(): resubmits what waits. */
void device_run(struct device *device);

/* COMMAND, a request's, came back. */
void device_answered(struct device *device, struct command *command);

/* COMMAND goes back to pick (also after the path was lost). */
void device_dispatch(struct device *device, struct command *command);

#endif
