// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SEAT_H
#define MPIO_SEAT_H

/*
 * An export's place in the runtime directory: RUNTIME_DIR/exports/NAME.sock is
 * where it answers, NAME.lock (an open file description lock, which the kernel
 * drops with its holder) makes the name unique on this host. One process per
 * name also means one holder of the sessions that are derived from it.
 *
 * The lock is inherited by fork(), so that a seat taken before daemonizing is
 * still ours afterwards.
 */

#include <stdbool.h>
#include <stddef.h>

#define SEAT_NAME_MAX 48

struct seat {
	char name[SEAT_NAME_MAX + 1];
	char *directory;                /* RUNTIME_DIR/exports; NULL: none */
	int lock_fd;                    /* -1: not locked */
};

/*
 * Takes WANTED, or WANTED.2, WANTED.3, ... where that is another process's;
 * what is unfit for a file name is replaced. Makes the directories. 0, or
 * -errno with a reason in ERROR (size LEN): the seat then has its name, but
 * neither lock nor directory. RUNTIME_DIR may be NULL.
 */
int seat_take(struct seat *seat, const char *runtime_dir, const char *wanted,
	      char *error, size_t len);

/* Another process cannot have the same name. */
bool seat_is_locked(const struct seat *seat);

/* The control socket's path, to be freed; NULL on lack of memory. */
char *seat_socket_path(const struct seat *seat);

/* Gives the name up. A seat that was never taken must be all zero. */
void seat_leave(struct seat *seat);

#endif
