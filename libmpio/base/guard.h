// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_GUARD_H
#define MPIO_GUARD_H

/*
 * Mappings of files that others may shorten. An access beyond a file's new end
 * raises SIGBUS, which would end the process; a guarded mapping becomes private
 * zeroes instead, and says so. The process's handler for SIGBUS is replaced
 * while there are guards, and still gets what is not theirs. Threads that block
 * SIGBUS cannot be helped.
 */

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct guard {
	struct guard *_Atomic next;
	void *base;
	size_t len;
	volatile sig_atomic_t is_broken;
};

/* From now on [BASE, BASE + LEN), whole pages, is guarded. 0 or -errno. Any
 * thread. */
int guard_add(struct guard *guard, void *base, size_t len);

/* Before the memory is unmapped or GUARD freed; not while another thread uses a
 * guarded mapping of its own. A guard that was never added must be all zero. */
void guard_remove(struct guard *guard);

#endif
