// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_SCRIPTED_DSM_H
#define MPIO_TEST_SCRIPTED_DSM_H

/*
 * Modules in memory whose answers are the test's, and a fake array of two
 * nexuses that they may claim.
 */

#include "fake.h"

#define MODE_SELECT_10 0x55             /* what acme activates a path by */

struct dsm_script {
	const char *vendor;             /* claimed by acme and acme_minimal */
	int pick;
	unsigned int picks;
	struct verdict verdict;
	unsigned int verdicts;
	int state;                      /* of path 0 */
	bool asks;                      /* question, of path 0 */
	struct scsi_cdb question;
	struct dsm_check check;
	unsigned int questions, answers;
	uint8_t answer_status;
	uint8_t answer[16];
	size_t answer_len;
	int fence;
	bool is_passive;                /* paths are unavailable until one is activated */
	unsigned int activations;       /* wanted so far */
	int refuses;                    /* to activate that path; -1: none */
	struct scsi_cdb activation;
};

extern struct dsm_script script;

/* With all ops; with as few as there may be; for the vendor BETA. */
extern const struct dsm_ops acme, acme_minimal, beta;

extern struct fake fake;
extern struct fake_unit *unit;          /* of ACME, behind both nexuses */
extern struct fake_unit *other;         /* of BETA, behind none */
extern uint8_t block[512];

/* For cmocka: nothing is logged in yet. */
int prepare(void **state);
int prepare_one_slot(void **state);     /* one command in flight a session */
int teardown(void **state);

/* Logs in, with these modules or with acme alone. */
void start(const struct dsm_ops *const *dsms, size_t count);
void start_acme(void);

struct path *path(unsigned int i);

/* How often EVENT was told. */
unsigned int times_seen(const char *event);

/* The next TIMES commands of either nexus are answered so. */
void script_both(struct fake_answer answer, unsigned int times);

#endif
