// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LAYER_H
#define MPIO_LAYER_H

/*
 * The options that were given in one place: a LUN, a hardware ID, the file's
 * global sections, the command line. Each option counts by itself: resolve.h
 * says which layer's value is taken. Any thread.
 */

#include "options.h"

struct layer {
	struct settings settings;       /* what is not given is not to be read */
	uint64_t given;                 /* a bit for each option, in the table's order */
};

/* Nothing is given. */
void layer_init(struct layer *layer);

/* As option_set(); OPTION is one of the table. */
int layer_set(struct layer *layer, const struct option *option, const char *value,
	      char *error, size_t len);

bool layer_has(const struct layer *layer, const struct option *option);

#endif
