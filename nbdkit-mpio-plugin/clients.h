// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CLIENTS_H
#define MPIO_CLIENTS_H

/*
 * The connections of NBD clients. nbdkit, told to quit, waits until its clients
 * have gone, and one that idles (a mounted file system, say) never goes. A
 * plugin is not told its clients' sockets: they are those that bear the name of
 * one that nbdkit listens on.
 */

/* Remembers what nbdkit listens on. Before other sockets listen, and before
 * clients_hang_up(); no thread but the caller's. */
void clients_note_listeners(void);

/*
 * Ends the clients' connections as if they had been closed at the other end:
 * what they have sent is still answered. Any thread; may be repeated, for
 * connections that came in meanwhile. (Not both ways: nbdkit 1.32 aborts where
 * an answer fails while others are on their way.)
 */
void clients_hang_up(void);

#endif
