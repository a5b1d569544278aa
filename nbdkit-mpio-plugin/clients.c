// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clients.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define MAX_LISTENERS 32
#define MAX_DESCRIPTORS 65536

struct name {
	struct sockaddr_storage address;
	socklen_t len;
};

static struct name listeners[MAX_LISTENERS];
static size_t nlisteners;

static int descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > MAX_DESCRIPTORS)
		return MAX_DESCRIPTORS;
	return (int)limit.rlim_cur;
}

/* False where FD is no socket. */
static bool look_at(int fd, struct name *name, bool *is_listening)
{
	int value;
	socklen_t len = sizeof(value);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) < 0)
		return false;
	*is_listening = value != 0;
	name->len = sizeof(name->address);
	memset(&name->address, 0, sizeof(name->address));
	return getsockname(fd, (struct sockaddr *)&name->address, &name->len) == 0;
}

void clients_note_listeners(void)
{
	int end = descriptors();

	nlisteners = 0;
	for (int fd = 0; fd < end && nlisteners < MAX_LISTENERS; fd++) {
		bool is_listening;

		if (look_at(fd, &listeners[nlisteners], &is_listening) && is_listening)
			nlisteners++;
	}
}

static bool fits4(const struct name *listener, const struct name *name)
{
	const struct sockaddr_in *a = (const struct sockaddr_in *)&listener->address;
	const struct sockaddr_in *b = (const struct sockaddr_in *)&name->address;

	return a->sin_port == b->sin_port &&
	       (a->sin_addr.s_addr == htonl(INADDR_ANY) ||
		a->sin_addr.s_addr == b->sin_addr.s_addr);
}

static bool fits6(const struct name *listener, const struct name *name)
{
	const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)&listener->address;
	const struct sockaddr_in6 *b = (const struct sockaddr_in6 *)&name->address;

	return a->sin6_port == b->sin6_port &&
	       (IN6_IS_ADDR_UNSPECIFIED(&a->sin6_addr) ||
		IN6_ARE_ADDR_EQUAL(&a->sin6_addr, &b->sin6_addr));
}

/* An accepted socket is called what the listening one is, but for an address
 * that the latter leaves open. */
static bool fits(const struct name *listener, const struct name *name)
{
	if (listener->address.ss_family != name->address.ss_family)
		return false;
	switch (name->address.ss_family) {
	case AF_INET:
		return fits4(listener, name);
	case AF_INET6:
		return fits6(listener, name);
	default:
		return listener->len == name->len &&
		       !memcmp(&listener->address, &name->address, name->len);
	}
}

void clients_hang_up(void)
{
	int end = descriptors();

	for (int fd = 0; fd < end; fd++) {
		struct name name;
		bool is_listening;

		if (!look_at(fd, &name, &is_listening) || is_listening)
			continue;
		for (size_t i = 0; i < nlisteners; i++)
			if (fits(&listeners[i], &name))
				shutdown(fd, SHUT_RD);
	}
}
