// SPDX-License-Identifier: LGPL-2.1-or-later
#include "seat.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* How many exports of one name a host may have. */
#define MAX_TWINS 1000

/* Makes DIRECTORY and what is above it. 0 or -errno. */
static int make_directories(const char *directory)
{
	char path[4096];

	if ((size_t)snprintf(path, sizeof(path), "%s", directory) >= sizeof(path))
		return -ENAMETOOLONG;
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static char *file_of(const struct seat *seat, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/%s.%s", seat->directory, seat->name, suffix) < 0 ? NULL : path;
}

/*
 * A descriptor that holds the lock on PATH; -EAGAIN where another process has
 * it. The file may be removed by a leaving holder between our open() and our
 * lock: then we hold what nobody else can find, and try again.
 */
static int lock_file(const char *path)
{
	for (;;) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		struct stat ours, theirs;
		int error;
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

		if (fd < 0)
			return -errno;
		if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
			error = errno == EACCES ? EAGAIN : errno;
			close(fd);
			return -error;
		}
		if (fstat(fd, &ours) == 0 && lstat(path, &theirs) == 0 &&
		    ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino)
			return fd;
		close(fd);
	}
}

static int take_name(struct seat *seat)
{
	char *path = file_of(seat, "lock");
	int fd;

	if (!path)
		return -ENOMEM;
	fd = lock_file(path);
	free(path);
	if (fd < 0)
		return fd;
	seat->lock_fd = fd;
	return 0;
}

/* Letters, digits and "-_." pass; the rest, and a leading dot, become '-'. */
static void clean_name(char *name, const char *wanted, size_t max)
{
	size_t n = 0;

	for (; *wanted && n < max; wanted++, n++) {
		bool is_fine = isalnum((unsigned char)*wanted) || *wanted == '_' ||
			       *wanted == '-' || (*wanted == '.' && n > 0);

		name[n] = is_fine ? *wanted : '-';
	}
	name[n] = '\0';
}

static int take(struct seat *seat)
{
	char base[SEAT_NAME_MAX + 1];
	int error;

	memcpy(base, seat->name, sizeof(base));
	error = make_directories(seat->directory);
	if (error == 0)
		error = take_name(seat);
	for (unsigned int twin = 2; error == -EAGAIN && twin <= MAX_TWINS; twin++) {
		snprintf(seat->name, sizeof(seat->name), "%.*s.%u", SEAT_NAME_MAX - 5, base, twin);
		error = take_name(seat);
	}
	if (error < 0)
		memcpy(seat->name, base, sizeof(base));
	return error;
}

int seat_take(struct seat *seat, const char *runtime_dir, const char *wanted,
	      char *error, size_t len)
{
	int failed;

	seat->lock_fd = -1;
	seat->directory = NULL;
	clean_name(seat->name, *wanted ? wanted : "export", SEAT_NAME_MAX);
	if (!runtime_dir) {
		snprintf(error, len, "XDG_RUNTIME_DIR is not set");
		return -ENOENT;
	}
	if (asprintf(&seat->directory, "%s/exports", runtime_dir) < 0) {
		seat->directory = NULL;
		snprintf(error, len, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}

	failed = take(seat);
	if (failed < 0) {
		snprintf(error, len, "%s: %s", seat->directory, strerror(-failed));
		free(seat->directory);
		seat->directory = NULL;
	}
	return failed;
}

bool seat_is_locked(const struct seat *seat)
{
	return seat->directory && seat->lock_fd >= 0;
}

char *seat_socket_path(const struct seat *seat)
{
	return file_of(seat, "sock");
}

void seat_leave(struct seat *seat)
{
	char *path;

	if (!seat_is_locked(seat))
		return;
	path = file_of(seat, "lock");
	if (path)
		unlink(path);
	free(path);
	close(seat->lock_fd);
	free(seat->directory);
	seat->directory = NULL;
	seat->lock_fd = -1;
}
