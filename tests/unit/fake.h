// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_FAKE_H
#define MPIO_TEST_FAKE_H

/*
 * A scripted array for tests of the decision core: units with a medium in
 * memory, and nexuses to them that implement transport_ops. Time moves by
 * fake_advance() alone; nothing is answered before fake_serve().
 */

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "mpath.h"
#include "transport.h"

#define FAKE_NEXUSES 34
#define FAKE_SCRIPT 64
#define FAKE_VENDOR_PAGE_LEN 8

#define FAKE_GROUPS 4

struct fake_group {
	uint16_t id;
	uint8_t state;                  /* SPC-4: 0 active/optimized ... Fh transitioning */
	uint8_t can_be;
	bool is_preferred;
};

struct fake_unit {
	const char *vendor, *product, *serial;
	uint8_t naa[16];
	uint64_t nblocks;
	uint32_t block_size;
	uint8_t version;                /* INQUIRY; SPC-3 is 5 */
	bool write_protected, dpofua, wce, thin;
	bool no_write_same, no_sync_cache, no_prefetch;
	uint32_t max_transfer;          /* VPD B0h, blocks */
	uint32_t max_unmap, max_write_same;
	const uint8_t *vendor_page;     /* VPD C0h; NULL: none */
	uint8_t *medium;
	bool *unmapped;                 /* per block */
	unsigned int count[256];        /* commands served, by operation code */
	uint32_t largest;               /* blocks in one READ or WRITE */
	unsigned int fua_writes;

	/* Target port groups (fake_alua.c); none where tpgs is 0. */
	uint8_t tpgs;                   /* INQUIRY */
	struct fake_group groups[FAKE_GROUPS];
	unsigned int ngroups;
	bool no_extended_header, forgets_header, no_port_groups, tells_no_size;
	bool raises_attention;          /* UA 2Ah/06h on every nexus on a change */
	uint8_t transition_time_s;      /* in the extended header */
	uint8_t demoted;                /* what an activation makes of the group before */
	uint8_t activated;              /* and of the group itself */
};

/* How the next medium command is answered, instead of by the unit. */
struct fake_answer {
	uint8_t opcode;                 /* 0: any READ or WRITE */
	uint8_t status;
	uint8_t key, asc, ascq;         /* with CHECK CONDITION */
	uint8_t response_code;          /* 0: 70h */
	uint32_t residual;
	bool overflow;
};

struct fake_nexus {
	struct transport transport;
	struct fake *fake;
	struct fake_unit *unit;         /* at LUN 0; NULL: no such LUN */
	struct fake_unit *second;       /* at LUN 1; NULL: there is none */
	bool refuses;                   /* logins fail */
	bool is_mute;                   /* nothing is answered, probes neither */
	bool has_attention;             /* 29h after each login */
	bool is_logging_in;
	struct fake_answer script[FAKE_SCRIPT];
	unsigned int script_len, script_done;
	uint64_t served;                /* READs and WRITEs */
	unsigned int sends, drops, logins, probes;
	bool is_probed;
	bool has_changed;               /* UA 2Ah/09h is pending */
	bool has_state_changed;         /* UA 2Ah/06h */
	uint16_t group, port;           /* the target port's; port 0: VPD 83h without */
	bool hides_group;               /* VPD 83h names the port only */
	uint8_t tpgs;                   /* instead of the unit's; 0: the unit's */
	uint8_t ignores;                /* an operation code that is never answered */
};

struct fake {
	struct mpath mpath;
	struct fake_nexus nexuses[FAKE_NEXUSES];
	unsigned int count;
	struct device *device;
	unsigned int most_reports;      /* REPORT TARGET PORT GROUPS at a time */
	char events[8192];              /* names, each with a blank behind */
	char last_reason[512];
};

struct fake_unit *fake_unit_new(uint8_t id, uint64_t nblocks, uint32_t block_size);
void fake_unit_free(struct fake_unit *unit);

/* COUNT nexuses that all lead to UNIT, a device over them, all logged in and
 * verified where START says so. TUNE may change the settings. */
void fake_init(struct fake *fake, struct fake_unit *unit, unsigned int count, bool start,
	       void (*tune)(struct settings *settings));
void fake_add_paths(struct fake *fake, const char *name, const struct settings *settings);
void fake_done(struct fake *fake);

/* Answers everything, runs the core, until nothing moves. Bounded. */
void fake_serve(struct fake *fake);

/* Answers at most one command of NEXUS, then runs the core; false: none. */
bool fake_serve_one(struct fake *fake, struct fake_nexus *nexus);

/* For tests that want their own order; none of these runs the core. A login
 * or a probe is answered; the NTH command in flight is answered, or carried
 * out and not answered. False: there is none. */
bool fake_answer_session(struct fake_nexus *nexus);
bool fake_answer_command(struct fake_nexus *nexus, unsigned int nth);
bool fake_carry_out(struct fake_nexus *nexus, unsigned int nth);

/* Moves the clock, serving along the way. */
void fake_advance(struct fake *fake, uint64_t ms);

/* The session breaks. */
void fake_break(struct fake *fake, unsigned int nexus, const char *reason);

void fake_script(struct fake_nexus *nexus, struct fake_answer answer);

/* Access states: UNIT has COUNT groups from 1 on, nexus i is in group
 * i % COUNT + 1, the first is active/optimized, the others are in STATE. Before
 * nexuses start. */
void fake_alua_init(struct fake *fake, struct fake_unit *unit, uint8_t tpgs,
		    unsigned int count, uint8_t state);

/* Group ID is in STATE from now on. */
void fake_set_group(struct fake *fake, struct fake_unit *unit, uint16_t id, uint8_t state);
struct fake_group *fake_find_group(struct fake_unit *unit, uint16_t id);

/* For fake.c: true where COMMAND was answered; what INQUIRY tells besides. */
bool fake_alua_serve(const struct fake_nexus *nexus, struct fake_unit *unit,
		     struct command *command);
void fake_alua_amend(const struct fake_nexus *nexus, const struct fake_unit *unit,
		     struct command *command);
void fake_answer_sense(struct command *command, uint8_t key, uint8_t asc, uint8_t ascq);

/* The plain defaults of settings. */
struct settings fake_settings(void);

/* A request with its own completion count. */
struct fake_request {
	struct request request;
	unsigned int completions;
};

void fake_submit(struct fake *fake, struct fake_request *fr, enum request_op op,
		 uint64_t lba, uint64_t nblocks, void *data);

/* Submits and serves until it is done; the request's error. */
int fake_io(struct fake *fake, enum request_op op, uint64_t lba, uint64_t nblocks, void *data);

bool fake_saw(const struct fake *fake, const char *event);

#endif
