// SPDX-License-Identifier: LGPL-2.1-or-later
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "rpc.h"

/* Far above what a server with 32 paths a device says; a bound all the same. */
#define MAX_ANSWER (64u << 20)
#define REQUEST_ID 1

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* 0, or -ETIMEDOUT once UNTIL_MS is over, or -errno. */
static int wait_for(int fd, short events, uint64_t until_ms)
{
	for (;;) {
		struct pollfd poll_fd = { .fd = fd, .events = events };
		uint64_t now = now_ms();
		int n;

		if (now >= until_ms)
			return -ETIMEDOUT;
		n = poll(&poll_fd, 1, (int)(until_ms - now));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* A connected, non-blocking socket, or -errno. */
static int connect_to(const char *path, uint64_t until_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;

	/* On a Unix socket EAGAIN means a full backlog, and there is nothing
	 * to poll for. */
	while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		if (error == EAGAIN && now_ms() < until_ms) {
			poll(NULL, 0, 10);
			continue;
		}
		close(fd);
		return error == EAGAIN ? -ETIMEDOUT : -error;
	}
	return fd;
}

static int send_all(int fd, const char *text, size_t len, uint64_t until_ms)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		int error;

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		error = wait_for(fd, POLLOUT, until_ms);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Reads up to a newline, which is cut off; *TEXT is to be freed in any case. */
static int receive_line(int fd, char **text, size_t *len, uint64_t until_ms)
{
	size_t size = 0;

	*text = NULL;
	*len = 0;
	for (;;) {
		char *newline;
		ssize_t n;

		if (*len == size) {
			char *larger;

			size = size ? size * 2 : 8192;
			if (size > MAX_ANSWER)
				return -EMSGSIZE;
			larger = realloc(*text, size);
			if (!larger)
				return -ENOMEM;
			*text = larger;
		}
		n = recv(fd, *text + *len, size - *len, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0) {
			int error = errno == EAGAIN || errno == EINTR ?
				wait_for(fd, POLLIN, until_ms) : -errno;

			if (error < 0)
				return error;
			continue;
		}
		newline = memchr(*text + *len, '\n', (size_t)n);
		*len += (size_t)n;
		if (newline) {
			*len = (size_t)(newline - *text);
			return 0;
		}
	}
}

static const char *explain(int error, unsigned int timeout_ms, char *text, size_t len)
{
	switch (error) {
	case -ETIMEDOUT:
		snprintf(text, len, "no answer within %u ms", timeout_ms);
		break;
	case -ECONNREFUSED:
		snprintf(text, len, "nobody listens there: its process is gone; start "
			 "the export again, or remove the file");
		break;
	case -ECONNRESET:
		snprintf(text, len, "the connection was closed before an answer came");
		break;
	default:
		snprintf(text, len, "%s", strerror(-error));
	}
	return text;
}

json_t *ctl_call(const char *socket_path, const char *method, json_t *params,
		 unsigned int timeout_ms, char *error, size_t len)
{
	uint64_t until_ms = now_ms() + timeout_ms;
	char why[160];
	char *request, *answer = NULL;
	size_t request_len, answer_len;
	json_t *result = NULL;
	int fd = -1, failed = -ENOMEM;

	request = rpc_request(method, params, REQUEST_ID, &request_len);
	if (request)
		failed = fd = connect_to(socket_path, until_ms);
	if (failed >= 0)
		failed = send_all(fd, request, request_len, until_ms);
	if (failed >= 0)
		failed = receive_line(fd, &answer, &answer_len, until_ms);

	if (failed < 0) {
		snprintf(error, len, "%s: %s", socket_path,
			 explain(failed, timeout_ms, why, sizeof(why)));
	} else {
		result = rpc_result(answer, answer_len, REQUEST_ID, why, sizeof(why));
		if (!result)
			snprintf(error, len, "%s: %s", socket_path, why);
	}
	if (fd >= 0)
		close(fd);
	free(request);
	free(answer);
	return result;
}
