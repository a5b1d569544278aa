// SPDX-License-Identifier: LGPL-2.1-or-later
#include "peer.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* More is no group but a directory. */
#define MAX_ENTRY (1u << 20)

#define FEW_GROUPS 64

void peer_rules_init(struct peer_rules *rules, const char *group)
{
	struct group entry, *found = NULL;
	char *buffer = NULL;
	int error = ERANGE;

	*rules = (struct peer_rules) { .own_uid = geteuid() };
	for (size_t size = 1024; error == ERANGE && size <= MAX_ENTRY; size *= 4) {
		free(buffer);
		buffer = malloc(size);
		if (!buffer)
			return;
		error = getgrnam_r(group, &entry, buffer, size, &found);
	}
	if (!error && found) {
		rules->has_group = true;
		rules->group = entry.gr_gid;
	}
	free(buffer);
}

bool peer_may_change(const struct peer_rules *rules, uid_t uid, const gid_t *groups,
		     size_t count)
{
	if (uid == 0 || uid == rules->own_uid)
		return true;
	for (size_t i = 0; rules->has_group && i < count; i++)
		if (groups[i] == rules->group)
			return true;
	return false;
}

/* The groups of FD's peer beside its first one, to be freed; NULL with COUNT 0
 * where they cannot be had: then he is not a member. */
static gid_t *more_groups(int fd, size_t *count)
{
	socklen_t len = FEW_GROUPS * sizeof(gid_t);
	gid_t *groups = malloc(len);
	int result = groups ? getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) : -1;

	if (result < 0 && groups && errno == ERANGE) {
		gid_t *larger = realloc(groups, len);

		if (larger) {
			groups = larger;
			result = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
		}
	}
	*count = result < 0 ? 0 : len / sizeof(*groups);
	if (*count == 0) {
		free(groups);
		return NULL;
	}
	return groups;
}

int peer_identify(const struct peer_rules *rules, int fd, struct peer *peer)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	gid_t *groups;
	size_t count;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0)
		return -errno;
	peer->uid = credentials.uid;
	peer->pid = credentials.pid;
	peer->may_change = peer_may_change(rules, credentials.uid, &credentials.gid, 1);
	if (peer->may_change)
		return 0;
	groups = more_groups(fd, &count);
	peer->may_change = peer_may_change(rules, credentials.uid, groups, count);
	free(groups);
	return 0;
}
