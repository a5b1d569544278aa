// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_DSM_H
#define MPIO_DSM_H

/*
 * A device-specific module: claims units, says whether two paths show the
 * same one, judges errors, and may pick paths, know their states, ask questions
 * of its own and activate paths. Bytes and values in, verdicts out; the core
 * does all I/O. The first module to claim a unit owns it for the device's life;
 * the generic one, for any SPC-3 block device, is asked last.
 *
 * Every op takes the module itself first, so that one that was loaded can embed
 * its ops. Ops are called on the core's thread and do not call back. Optional
 * ops are NULL where the module leaves the matter to the core. What a module
 * answers is checked in dsm_guard.c before it counts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cdb.h"
#include "classify.h"

struct candidates;
struct command;
struct device;
struct mpath;
struct path;
struct unit;

/* pick(): none of those with a free slot; wait for one of the others. */
#define DSM_WAIT (-1)

/* path_state(), and in a check: as the array says. */
#define DSM_STATE_KEEP (-1)

/* Most bytes that a module may ask for, or send along. */
#define DSM_ANSWER_MAX 4096
#define DSM_DATA_MAX 512

/* 64-bit words that a device keeps for its module. */
#define DSM_MEMORY_WORDS 8

/* What is known of LOGICAL UNIT RESET and session reinstatement as a fence
 * against writes of a session that is gone. */
enum fence_strength {
	FENCE_UNKNOWN,
	FENCE_NONE,                     /* such a write may land later */
	FENCE_ASSUMED,                  /* as the standards have it */
	FENCE_VERIFIED,                 /* known to hold on this array */
};

/* What the answer to a module's question about a path means. */
struct dsm_check {
	enum { DSM_PASS, DSM_FAIL, DSM_RETRY } result;
	int state;                      /* enum path_state, or DSM_STATE_KEEP */
	char reason[128];               /* of DSM_FAIL */
};

struct dsm_ops {
	const char *name;               /* "generic" */

	/* True to own UNIT; else REASON (size LEN) says why not. */
	bool (*claim)(const struct dsm_ops *dsm, const struct unit *unit,
		      char *reason, size_t len);

	/* True where A and B are one logical unit, whatever the path. */
	bool (*same_unit)(const struct dsm_ops *dsm, const struct unit *a,
			  const struct unit *b);

	/* What to do about a command that came back as OUTCOME. */
	struct verdict (*interpret_error)(const struct dsm_ops *dsm,
					  const struct outcome *outcome);

	/* Optional: the state of PATH, where the array says ARRAY_STATE; an
	 * enum path_state up to transitioning, or DSM_STATE_KEEP. */
	int (*path_state)(const struct dsm_ops *dsm, const struct path *path,
			  int array_state);

	/* Optional: which of CANDIDATES takes COMMAND, or DSM_WAIT. Instead of
	 * the policy. */
	int (*pick)(const struct dsm_ops *dsm, const struct candidates *candidates,
		    const struct command *command);

	/* Optional: the command that makes PATH active, with what it sends in
	 * DATA (DSM_DATA_MAX bytes). False: nothing needs to be sent. */
	bool (*activate)(const struct dsm_ops *dsm, const struct path *path,
			 struct scsi_cdb *cdb, uint8_t *data);

	/* Optional, both or neither: the last question of a verification of
	 * PATH, at whose end UNIT is, with at most DSM_ANSWER_MAX bytes in
	 * return; false where there is none. And what the LEN bytes answered mean. */
	bool (*verify)(const struct dsm_ops *dsm, const struct path *path,
		       const struct unit *unit, struct scsi_cdb *cdb);
	void (*verify_answer)(const struct dsm_ops *dsm, const struct path *path,
			      const struct unit *unit, const struct outcome *outcome,
			      const uint8_t *bytes, size_t len, struct dsm_check *check);

	/* Optional: an enum fence_strength. */
	int (*fence_strength)(const struct dsm_ops *dsm, const struct unit *unit);
};

extern const struct dsm_ops dsm_generic;

/* The module that claims UNIT: MPATH's in their order, then the generic one.
 * NULL and a REASON, that of each, where none does. */
const struct dsm_ops *dsm_claim(const struct mpath *mpath, const struct unit *unit,
				char *reason, size_t len);

/*
 * dsm_guard.c: what the device's module answers, as far as it can be true. A
 * fault is an event (the first time, the 10th, the 100th ...), and the generic
 * module, or the policy, takes the module's place.
 */

enum dsm_fault {
	DSM_FAULT_NO_PATH,
	DSM_FAULT_BOGUS_PATH,
	DSM_FAULT_VERDICT,
	DSM_FAULT_STATE,
	DSM_FAULT_COMMAND,
	DSM_FAULT_FENCE,
	DSM_FAULTS
};

/* PATH for COMMAND, NULL for one that is to wait; false: ask the policy. Only
 * where there is a candidate and the module has pick(). */
bool dsm_pick(struct device *device, const struct command *command, struct path **path);

struct verdict dsm_judge(struct device *device, const struct path *path,
			 const struct outcome *outcome);

/* The state of PATH in which the array says it is ARRAY_STATE. */
int dsm_path_state(const struct path *path, int array_state);

/* The module has a question about PATH, at whose end UNIT is: CDB. */
bool dsm_has_question(const struct path *path, const struct unit *unit, struct scsi_cdb *cdb);
void dsm_judge_answer(const struct path *path, const struct unit *unit,
		      const struct outcome *outcome, const uint8_t *bytes, size_t len,
		      struct dsm_check *check);

/* The command that makes PATH active; only where the module has activate(). */
bool dsm_has_activation(const struct path *path, struct scsi_cdb *cdb, uint8_t *data);

enum fence_strength dsm_fence_strength(struct device *device);
const char *fence_strength_name(enum fence_strength strength);

#endif
