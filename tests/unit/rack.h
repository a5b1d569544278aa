// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of policies share: one fake array, a device with the policy
 * under test, and requests that stay in flight until they are served.
 */
#ifndef MPIO_TEST_RACK_H
#define MPIO_TEST_RACK_H

#include "fake.h"

extern struct fake fake;
extern struct fake_request requests[64];
extern uint64_t burst;                  /* of the next rack; 1 by default */

/* PATHS paths, all optimized; ends with rack_done(). */
void rack_init(const char *policy, unsigned int paths);
void rack_done(void);

struct path *path(unsigned int i);
unsigned int in_flight(unsigned int i);
uint64_t served(unsigned int i);

/* REQUESTS[n] reads NBLOCKS blocks. */
void submit(unsigned int n, uint64_t nblocks);

/* Time passes, nothing else. */
void later(uint64_t us);

/* COUNT reads, one after the other. */
void read_some(unsigned int count);

#endif
