// SPDX-License-Identifier: LGPL-2.1-or-later
#include "textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, char *text, size_t max, size_t *len)
{
	*len = 0;
	/* One byte more than allowed, to see whether there is more. */
	while (*len <= max) {
		ssize_t n = read(fd, text + *len, max + 1 - *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		*len += (size_t)n;
	}
	return -EFBIG;
}

int textfile_read(const char *path, size_t max, char **text, size_t *len, mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int error;

	*text = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		error = -errno;
	else if (S_ISDIR(st.st_mode))
		error = -EISDIR;
	else if (!S_ISREG(st.st_mode))
		error = -ENOTSUP;
	else if (st.st_size > (off_t)max)
		error = -EFBIG;
	else
		error = (*text = malloc(max + 2)) ? read_all(fd, *text, max, len) : -ENOMEM;
	close(fd);
	if (error) {
		free(*text);
		*text = NULL;
		return error;
	}
	(*text)[*len] = '\0';
	if (mode)
		*mode = st.st_mode;
	return 0;
}
