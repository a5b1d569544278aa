// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PEER_H
#define MPIO_PEER_H

/*
 * Who is at the other end of a Unix socket, and what he may do: root, the user
 * we run as and the members of one group may change things, others may look.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct peer_rules {
	uid_t own_uid;
	bool has_group;
	gid_t group;
};

struct peer {
	uid_t uid;
	pid_t pid;
	bool may_change;
};

/* GROUP is a name; where there is no such group, nobody is let in by it. It is
 * looked up here, once, as that may ask the network: not on a thread that
 * others wait for. */
void peer_rules_init(struct peer_rules *rules, const char *group);

/* GROUPS: all groups of a process of UID, COUNT of them. */
bool peer_may_change(const struct peer_rules *rules, uid_t uid, const gid_t *groups,
		     size_t count);

/* The process that has connected to FD's socket (SO_PEERCRED, SO_PEERGROUPS: as
 * it was when it connected). 0 or -errno. */
int peer_identify(const struct peer_rules *rules, int fd, struct peer *peer);

#endif
