// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_VIEW_H
#define MPIO_VIEW_H

/*
 * What a client was told of the device when it connected: nbdkit's handle. A
 * copy, because the device belongs to the loop's thread, and because NBD has
 * no way to tell a connected client of a change.
 */

#include <stdbool.h>
#include <stdint.h>

struct engine;

struct view {
	struct view *next, **link;
	struct engine *engine;
	uint64_t size;                  /* bytes */
	uint32_t block_size;
	uint32_t preferred_block, maximum_block;        /* bytes */
	bool is_read_only;
	bool is_rotational;
	bool can_unmap;
	bool zeroes_by_unmap;
	bool has_lba_status;            /* LBPME: worth asking */
	bool reads_zero_when_unmapped;
	char description[1200];
};

/* Waits until the unit is known, at most WAIT_MS. NULL: nbdkit_error() was
 * called. On a worker thread. */
struct view *view_new(struct engine *engine, uint64_t wait_ms);

void view_free(struct view *view);

/* Those that nbdkit, told to quit, has not closed. */
void view_free_all(void);

/* Whether NAME is this export's: empty, the device's name or its WWID; if not,
 * nbdkit_error() was called. On a worker thread. */
bool view_name_is_ours(struct engine *engine, const char *name);

#endif
