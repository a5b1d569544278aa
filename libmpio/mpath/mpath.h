// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_MPATH_H
#define MPIO_MPATH_H

/*
 * The decision core's shared state: clock, timers, random numbers, work that
 * waits for the next run, and the listener that events go to.
 *
 * The core does no I/O, reads no clock and starts no thread. Its owner tells
 * it the time, hands it events (a command was answered, a session came up or
 * went down) which it only records, and calls mpath_run() to have everything
 * worked off. All functions of libmpio/mpath are for the owner's thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list.h"
#include "retry_budget.h"

struct device;
struct dsm_ops;
struct load_ops;
struct path;
struct transport;
struct unit;

#define MPATH_NEVER UINT64_MAX

struct mpath_timer {
	struct list node;               /* in mpath.timers while armed */
	uint64_t due_us;
	void (*fired)(struct mpath_timer *timer);
};

enum event_kind {
	EVENT_DEVICE_CREATED,
	EVENT_PATH_ADDED,
	EVENT_PATH_UP,
	EVENT_PATH_FAILED,
	EVENT_PATH_REFUSED,
	EVENT_PATH_DISABLED,
	EVENT_PATH_HELD_BACK,
	EVENT_FAILOVER,
	EVENT_LAST_PATH,
	EVENT_ALL_PATHS_DOWN,
	EVENT_PATHS_RETURNED,
	EVENT_HELD_IO_FAILED,
	EVENT_SESSION_UP,
	EVENT_SESSION_DOWN,
	EVENT_LOGIN_FAILED,
	EVENT_SIZE_CHANGED,
	EVENT_ACCESS_CHANGED,
	EVENT_ADMIN_CHANGE,
	EVENT_NO_PATH,
	EVENT_ACCESS_STATE_CHANGED,
	EVENT_ACTIVATION_SENT,
	EVENT_ACTIVATION_FAILED,
	EVENT_BOGUS_PATH,
	EVENT_DSM_FAULT,
	EVENT_NOT_CLAIMED,
	EVENT_COMMAND_TIMEOUT,
	EVENT_POLICY_CHANGED,
	EVENT_SETTINGS_REFUSED,
	EVENT_KINDS
};

enum event_severity { EVENT_INFO, EVENT_WARNING, EVENT_ERROR };

struct event {
	enum event_kind kind;
	const char *name;               /* "path-failed" */
	enum event_severity severity;
	unsigned int windows_id;        /* MPIO's system-log ID, 0 for none */
	const struct device *device;    /* each may be NULL */
	const struct path *path;
	const struct transport *transport;
	const char *reason;             /* never NULL; valid during the call */
};

struct mpath {
	uint64_t now_us;
	uint64_t random;
	struct list timers;             /* by due_us */
	struct list devices;
	struct list transports;
	struct list changed;            /* transports that came up or went down */
	struct list answered;           /* commands whose answer is recorded */
	struct list stirred;            /* devices with something to resubmit */
	struct list finished;           /* requests whose done() is to be called */
	struct retry_budget retry_budget;
	bool is_running;                /* inside mpath_run() */
	const struct dsm_ops *const *dsms;      /* loaded modules, see dsm.h */
	size_t ndsms;
	const char *(*choose_dsm)(void *opaque, const struct unit *unit);
	void *choose_dsm_opaque;
	void (*listener)(void *opaque, const struct event *event);
	void *listener_opaque;
	const struct load_ops *load_ops;        /* set where a transport has a load */
};

/* SEED makes jitter repeatable. */
void mpath_init(struct mpath *mpath, uint64_t now_us, uint64_t seed);

/* All devices and transports must have been freed. */
void mpath_done(struct mpath *mpath);

/* LISTENER is called from inside mpath_run() and must not call back. */
void mpath_set_listener(struct mpath *mpath,
			void (*listener)(void *opaque, const struct event *event),
			void *opaque);

/* The modules to ask before the generic one, in this order. DSMS and what it
 * points to are borrowed for MPATH's life. Before devices are made. */
void mpath_set_dsms(struct mpath *mpath, const struct dsm_ops *const *dsms, size_t count);

/* CHOOSE names the only module that may claim UNIT; NULL: any may. */
void mpath_set_dsm_choice(struct mpath *mpath,
			  const char *(*choose)(void *opaque, const struct unit *unit),
			  void *opaque);

/* Sets the clock (microseconds, monotonic; a step back is ignored). */
void mpath_set_now(struct mpath *mpath, uint64_t now_us);

/* Fires due timers, judges answered commands, resubmits, completes requests
 * (calls their done()), until nothing is left to do at this instant. Not
 * re-entrant: from inside, it returns at once. */
void mpath_run(struct mpath *mpath);

/* When the earliest armed timer is due, or MPATH_NEVER. */
uint64_t mpath_next_due_us(const struct mpath *mpath);

/* For the core's own objects. Arming an armed timer moves it. */
void mpath_timer_init(struct mpath_timer *timer, void (*fired)(struct mpath_timer *));
void mpath_timer_arm(struct mpath *mpath, struct mpath_timer *timer, uint64_t due_us);
void mpath_timer_disarm(struct mpath_timer *timer);
bool mpath_timer_is_armed(const struct mpath_timer *timer);

/* Uniform in [0, bound); bound > 0. */
uint64_t mpath_random(struct mpath *mpath, uint64_t bound);

__attribute__((format(printf, 6, 7)))
void mpath_emit(struct mpath *mpath, enum event_kind kind, const struct device *device,
		const struct path *path, const struct transport *transport,
		const char *format, ...);

#endif
