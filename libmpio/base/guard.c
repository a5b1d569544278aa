// SPDX-License-Identifier: LGPL-2.1-or-later
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct guard *_Atomic guards;
static struct sigaction former;

/* Like systemd's journald. mmap() is not on POSIX's list of what a handler may
 * call, but it is a plain system call. */
static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	int saved = errno;

	(void)context;
	for (struct guard *guard = guards; guard; guard = guard->next) {
		uintptr_t base = (uintptr_t)guard->base;

		if (info->si_code != BUS_ADRERR || address < base ||
		    address - base >= guard->len)
			continue;
		if (mmap(guard->base, guard->len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
			break;
		guard->is_broken = 1;
		errno = saved;
		return;
	}
	/* Not ours: it happens again, and is handled as it would have been. */
	sigaction(signal_number, &former, NULL);
	errno = saved;
}

int guard_add(struct guard *guard, void *base, size_t len)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	int error = 0;

	guard->base = base;
	guard->len = len;
	guard->is_broken = 0;
	sigemptyset(&action.sa_mask);
	pthread_mutex_lock(&mutex);
	if (!guards && sigaction(SIGBUS, &action, &former) < 0)
		error = -errno;
	if (error == 0) {
		guard->next = guards;
		guards = guard;
	}
	pthread_mutex_unlock(&mutex);
	return error;
}

void guard_remove(struct guard *guard)
{
	struct guard *_Atomic *link = &guards;

	pthread_mutex_lock(&mutex);
	while (*link && *link != guard)
		link = &(*link)->next;
	if (*link) {
		*link = guard->next;
		if (!guards)
			sigaction(SIGBUS, &former, NULL);
	}
	pthread_mutex_unlock(&mutex);
}
