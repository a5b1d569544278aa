// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CTL_SERVER_H
#define MPIO_CTL_SERVER_H

/*
 * JSON-RPC 2.0 over a Unix stream socket, one request a line, one answer a
 * line, answers in the order of the requests. Requests larger than 64 KiB,
 * clients past 64, and clients that do not read their answers are cut off;
 * each harms only itself.
 *
 * Everybody on the host may ask. Who may change something is decided by who
 * has connected (peer.h).
 */

#include "loop.h"
#include "rpc.h"

#define CTL_MAX_CLIENTS 64
#define CTL_MAX_READERS 48              /* among them, who may not change anything */
#define CTL_READ_TIMEOUT_MS 5000       /* to take an answer off the socket */
#define CTL_GROUP "mpio"                /* its members may change everything */

struct ctl_server;

/*
 * Listens on SOCKET_PATH (mode 0666), which should be absolute. A socket that
 * nobody listens on any more is replaced. METHODS end with a NULL name and are
 * borrowed; OPAQUE goes to each call, on the loop's thread. Before the loop
 * runs, as a group is looked up. NULL: errno; EADDRINUSE where somebody listens,
 * EEXIST where there is something else than a socket, ENAMETOOLONG.
 */
struct ctl_server *ctl_server_new(struct loop *loop, const char *socket_path,
				  const struct ctl_method *methods, void *opaque);

/* Closes all connections and removes the socket; loop_free() ends what is
 * still closing. On the loop's thread, or while it does not run. NULL is
 * fine. */
void ctl_server_free(struct ctl_server *server);

#endif
