// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_WORKERS_H
#define MPIO_TEST_WORKERS_H

/*
 * Clients for test_stress: workers that submit everything there is at random,
 * and a model of what the medium must hold.
 *
 * Each worker has bytes of its own, that begin and end within a block which it
 * shares with its neighbour: so unaligned writes must not undo each other. What
 * a failed write has touched is unknown until it is written again. A request
 * that completes twice, too late or with data that were not written fails the
 * test at once.
 */

#include <stdbool.h>
#include <stdint.h>

#include "fake.h"

#define BLOCK 512u
#define WORKERS 24u
#define WORKER_BLOCKS 96u
#define NBLOCKS ((uint64_t)WORKERS * WORKER_BLOCKS + 1)
#define COMMAND_TIMEOUT_MS 20000u
#define STATED_TRANSITION_S 30u  /* what the array may state: less than that */

/* Pseudo-random numbers from SEED on; uniform in [0, bound). */
void draw_seed(uint64_t seed);
uint32_t draw(uint32_t bound);
bool one_in(uint32_t n);

/* All idle, all bytes zero. FAKE is borrowed. */
void workers_init(struct fake *fake);

/* One of them submits something, if it is idle; or all that are. */
void workers_submit_one(void);
void workers_submit_all(void);

/* From now on a request that fails fails the test. */
void workers_expect_success(bool expected);

/* Nobody waits, and the core has nothing left on any list. */
void workers_check_idle(void);
void workers_check_medium(const uint8_t *medium);

/* Requests completed since the start, and those with an error. */
unsigned long workers_total(void);
unsigned long workers_failed(void);

#endif
