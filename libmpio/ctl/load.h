// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LOAD_H
#define MPIO_LOAD_H

/*
 * The load map: what every process of the host has in flight on every I_T
 * nexus, in one file that they share. It is what makes the load-balancing
 * policies see all LUNs and not only those of their own process.
 *
 * The file has a row for each pair of target and portal, and in it a cell for
 * each session there. A cell belongs to whoever holds the open file description
 * lock on its bytes, so that the kernel frees it when its process dies, however
 * it dies. Nobody waits for anybody: a process stores its own two figures, reads
 * those of the others, and asks the kernel now and then whose locks are held.
 *
 * All functions: the thread of the transport's mpath.
 */

#include <stddef.h>

struct load_ops;
struct transport;

/* For mpath.load_ops. */
extern const struct load_ops load_map_ops;

/*
 * Joins the map at PATH, which is made if it is not there, for TRANSPORT; its
 * mpath gets its load_ops. 0, or -errno with a reason in ERROR (size LEN): what
 * TRANSPORT has in flight is then seen by this process alone. Waits up to a
 * second for others that are joining.
 */
int load_join(struct transport *transport, const char *path, char *error, size_t len);

/* Leaves it, if it has joined. Before the transport is freed. */
void load_leave(struct transport *transport);

#endif
