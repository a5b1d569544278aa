// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_ALUA_ARRAY_H
#define MPIO_TEST_ALUA_ARRAY_H

/*
 * What the tests of asymmetric access share: a scripted array of several target
 * port groups, and its device. To be read after cmocka.h.
 */

#include "fake.h"
#include "status.h"

#define IMPLICIT 1
#define EXPLICIT 2

enum { AO = 0x0, AU = 0x1, STANDBY = 0x2, UNAVAILABLE = 0x3, TRANSITIONING = 0xf };

extern struct fake fake;
extern struct fake_unit *unit;
extern uint8_t block[512];

/* PATHS in GROUPS by turns, the first active/optimized, the OTHERS in that state;
 * not started. TPGS as INQUIRY has it. */
void prepare(unsigned int paths, uint8_t tpgs, unsigned int groups, uint8_t others,
	     void (*tune)(struct settings *));

/* Logs in down all paths, and lets two seconds pass. */
void start(void);
void setup(unsigned int paths, uint8_t tpgs, unsigned int groups, uint8_t others);
int teardown(void **state);

const struct path *path(unsigned int i);

/* Path I's session ends, and cannot be set up again. */
void lose(unsigned int i);

#endif
