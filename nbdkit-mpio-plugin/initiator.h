// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_INITIATOR_H
#define MPIO_INITIATOR_H

/*
 * Who this host is to a target, where nobody said. Any thread.
 */

#include <stddef.h>

/* The InitiatorName of /etc/iscsi/initiatorname.iscsi if that can be read,
 * else a name made of the host's, which stays the same from start to start. */
void initiator_default_name(char *name, size_t len);

/* A text that tells this host from others: its machine ID and its name. */
void initiator_host_identity(char *text, size_t len);

#endif
