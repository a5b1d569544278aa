// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_MAD_DSM_H
#define MPIO_TEST_MAD_DSM_H

/*
 * A module for test_stress that claims everything and answers at random, by its
 * seed: what can be, what cannot be, and what a module may say but no sane one
 * would.
 */

#include "dsm.h"

extern const struct dsm_ops mad_dsm;

/* For a while its verdicts are the generic ones, and it finds no fault with paths. */
void mad_dsm_judges_well(bool does);

#endif
