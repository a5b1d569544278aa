// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_ALUA_H
#define MPIO_ALUA_H

/*
 * Asymmetric access to a logical unit (SPC-4 5.15): a path belongs to a target
 * port group, and the group's access state says what the path is good for.
 * Each device has one machine that asks (REPORT TARGET PORT GROUPS), waits for
 * transitions to end, and, where the array leaves that to its hosts, makes a
 * group active (SET TARGET PORT GROUPS).
 *
 *   idle --ask--> asking --answered--> idle
 *     |             | path lost, or silent for too long: the next path is asked
 *     '---activate--> setting --answered--> asking
 *
 * alua.c has the machine, alua_groups.c what an answer means for the paths,
 * alua_activate.c which group is made active and when, alua_query.c the
 * commands, alua_wait.c how long all that is waited for. One command is out at
 * a time; I/O that only such a command can help waits for it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "mpath.h"
#include "port_groups.h"
#include "settings.h"

struct device;
struct path;

#define ALUA_BUFFER 4096

enum alua_stage { ALUA_IDLE, ALUA_ASKING, ALUA_SETTING };

/* What is known of a path's group since the path was last verified. */
enum alua_access {
	ALUA_UNKNOWN,
	ALUA_WANTED,                    /* the path waits for the next answer */
	ALUA_ASKED,                     /* for the one that is out */
	ALUA_KNOWN,
};

/* What became of a command of the machine. */
enum alua_result {
	ALUA_DONE,
	ALUA_AGAIN,                     /* a unit attention, no more */
	ALUA_LATER,                     /* busy, or in transition */
	ALUA_REFUSED,
	ALUA_ELSEWHERE,                 /* this path cannot ask any more */
};

/* The machine's command down one path. Embedded in it. */
struct alua_query {
	struct command command;
	bool is_in_flight;
	bool is_given_up;               /* its answer comes too late to count */
	struct sense sense;             /* of the last answer */
	uint8_t *buffer;                /* ALUA_BUFFER bytes */
};

/* A target port group that has paths of ours. */
struct alua_group {
	uint16_t id;
	uint8_t state;                  /* enum port_group_state */
	uint8_t can_be;                 /* PORT_GROUP_CAN_*; 0: unsaid */
	bool is_preferred;              /* PREF */
	unsigned int failures;          /* to make it active, in a row */
};

struct alua {
	enum alua_stage stage;
	struct path *carrier;           /* of the command that is out */
	uint32_t tried;                 /* paths asked in vain, by index */
	unsigned int attentions;        /* in this round */
	struct alua_group groups[2 * MPIO_MAX_PATHS];   /* old and new, for a moment */
	unsigned int ngroups;
	bool was_asymmetric;
	bool is_plain;                  /* the array knows no extended header */
	bool is_withholding;            /* standby paths are no candidates now */
	uint8_t transition_time_s;      /* what the array states; 0 for nothing */

	struct mpath_timer timer;
	uint64_t ask_us;                /* the next question; MPATH_NEVER */
	uint64_t activate_us;           /* the next look at activation; MPATH_NEVER */
	const char *reason;             /* of the next question; a constant */
	uint64_t sent_us;               /* of the command that is out */
	uint64_t told_us;               /* when the last question answered was sent */
	uint64_t damp_us;               /* least time between questions, growing */
	uint64_t poll_us;               /* between polls, growing */
	uint64_t waited_us;             /* until then an access state was waited for */

	bool has_goal;                  /* a group was told to become active */
	uint16_t goal;
	bool is_by_hand;
	bool has_wish;                  /* of the administrator's */
	struct path *wish;
	struct path *mover;             /* I/O goes there as soon as it is usable */
	bool is_moved;                  /* away from the preferred group, by us */
	bool is_content;                /* gave up: stays on what works */
	unsigned int attempts;          /* in a row that did not last */
	unsigned int free_attempts;     /* in a row that were not carried out */
	uint64_t not_before_us;         /* the next attempt */
	uint64_t optimized_us;          /* since when a path is; 0: none is */
	uint64_t unoptimized_us;        /* since when none is; 0: one is */
	uint64_t home_us;               /* since when the preferred group is back; 0 */
};

/*
 * For everybody. The loop's thread.
 */

/* Some group is in another state than the others, or was: policies differ. */
bool alua_is_asymmetric(const struct device *device);

/* "symmetric", "alua-implicit", "alua-explicit" or "alua-both". */
const char *alua_access_name(const struct device *device);

/* Makes PATH's group active/optimized by SET TARGET PORT GROUPS, and has I/O go
 * there then, see device_move_to(); what becomes of it is an event. 0 where it
 * is on its way or the group is that already; -EOPNOTSUPP where the array decides
 * by itself, -ENOTCONN where the path is not in service. */
int alua_activate(struct device *device, struct path *path);

/* Asks for the access states soon: at once, or after a pause that grows while
 * the questions follow each other closely. REASON is a constant string. */
void alua_recheck(struct device *device, const char *reason);

/*
 * For device.c, path.c and hold.c.
 */
void alua_init(struct device *device);
void alua_done(struct device *device);
int alua_path_init(struct path *path);
void alua_path_done(struct path *path);

/* A verified PATH is about to enter service. False: its access state is asked
 * for first, and path_accept() called then; or PATH was refused. */
bool alua_admit(struct path *path);

/* PATH answered with SENSE, which casts doubt on the access states: its group
 * is taken down at once where that says so, and the array is asked. */
void alua_judge(struct path *path, const struct sense *sense, const char *reason);

/* PATH waits to enter service until its access state is told. */
bool alua_is_pending(const struct path *path);

/* PATH was in state FROM (enum path_state) until now. */
void alua_path_changed(struct path *path, int from);

/* PATH does not enter service before it is verified anew: its session ended, it
 * has failed or is in doubt, or it is disabled. */
void alua_forget(struct path *path);

/* The array's standby state keeps PATH out of the candidates for a moment,
 * while it is asked or told to change. */
bool alua_withholds(const struct path *path);

/* A transition or a command of the machine may make a path usable. */
bool alua_is_waiting(const struct device *device);

/* The last time up to which access states are, or were, waited for; from then
 * no_path_timeout counts. */
uint64_t alua_waited_until_us(const struct device *device);

/* How long a transition is waited for; 0 where there are none. */
uint64_t alua_transition_limit_us(const struct device *device);

/* PATH's group has been in transition for longer than that. */
bool alua_has_expired(const struct path *path);

/*
 * Between the alua files.
 */

/* INQUIRY's TPGS, where it counts. */
bool alua_is_explicit(const struct device *device);
struct alua_group *alua_find(struct device *device, uint16_t id);

/* PATH is in service, but for a transition of its group. */
bool alua_is_in_transition(const struct path *path);
bool alua_is_any_in_transition(const struct device *device);

/* PATH is in service, whatever its access state. */
bool alua_is_live(const struct path *path);

/* The machine looks around in this very run. */
void alua_kick(struct device *device);

/* Takes in an answer of LEN bytes. -EAGAIN where the other format may tell more,
 * else -errno and TEXT where it makes no sense. */
int alua_take(struct device *device, const uint8_t *bytes, size_t len,
	      char *text, size_t text_len);

/* Paths that wait for the answer that was just taken in enter service. */
void alua_admit_asked(struct device *device);
void alua_refuse(struct path *path, const char *text);
void alua_expire(struct device *device);
void alua_set_state(struct device *device, uint16_t id, enum port_group_state state,
		    const char *reason);

/* Sends; the path's session has a free slot. Answered by alua_answered(). */
void alua_query_report(struct path *path, bool extended);
void alua_query_set(struct path *path, uint16_t id);
void alua_answered(struct path *path, enum alua_result result, const char *text);

/* Notes since when a path is optimized, or none is. */
void alua_note_states(struct device *device);

/* Sees to it that a group is active: starts the command, or sets activate_us. */
void alua_activation_run(struct device *device);
void alua_activation_answered(struct device *device, struct path *path,
			      enum alua_result result, const char *text);

/* The states after an activation are known. */
void alua_activation_told(struct device *device);

#endif
