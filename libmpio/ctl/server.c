// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A client is either read from or written to, never both: while an answer is
 * on its way, or promised for later, its further requests wait in the socket.
 * So a client that does not read cannot make us queue more than one answer, and
 * its time to take it is limited.
 *
 * Handles live until libuv has called their close callback, which may be
 * after the server is gone: a client cut off is unlinked at once and frees
 * itself, the server struct is freed by its own pipe's callback.
 */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "list.h"

#define FIRST_BUFFER 4096

struct ctl_server {
	uv_pipe_t pipe;
	const struct ctl_method *methods;
	void *opaque;
	struct peer_rules rules;
	struct list clients;
	size_t nclients;
	size_t nreaders;                /* those among them that may not change anything */
};

struct client {
	struct list node;
	struct ctl_server *server;
	struct peer peer;
	struct rpc_later later;
	uv_pipe_t pipe;
	uv_timer_t timer;               /* runs while an answer is out */
	uv_write_t write;
	unsigned int open_handles;
	bool is_closing;
	bool is_reading;
	char *answer;
	char *buffer;
	size_t used, size;
	size_t scanned;                 /* no newline before this */
};

static void handle_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->open_handles > 0)
		return;
	free(client->answer);
	free(client->buffer);
	free(client);
}

static void cut_off(struct client *client)
{
	if (client->is_closing)
		return;
	client->is_closing = true;
	rpc_cancel(&client->later);
	list_remove(&client->node);
	client->server->nclients--;
	client->server->nreaders -= !client->peer.may_change;
	client->server = NULL;
	uv_close((uv_handle_t *)&client->pipe, handle_closed);
	uv_close((uv_handle_t *)&client->timer, handle_closed);
}

static void took_too_long(uv_timer_t *timer)
{
	cut_off(timer->data);
}

static void next_request(struct client *client);

static void answer_written(uv_write_t *write, int status)
{
	struct client *client = write->data;

	free(client->answer);
	client->answer = NULL;
	if (client->is_closing)
		return;
	uv_timer_stop(&client->timer);
	if (status < 0)
		cut_off(client);
	else
		next_request(client);
}

static void stop_reading(struct client *client)
{
	uv_read_stop((uv_stream_t *)&client->pipe);
	client->is_reading = false;
}

/* Takes ANSWER. */
static void send_answer(struct client *client, char *answer, size_t len)
{
	uv_buf_t buf = uv_buf_init(answer, (unsigned int)len);

	stop_reading(client);
	client->answer = answer;
	client->write.data = client;
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buf, 1, answer_written) < 0) {
		cut_off(client);
		return;
	}
	uv_timer_start(&client->timer, took_too_long, CTL_READ_TIMEOUT_MS, 0);
}

/* What was promised is there. */
static void answer_ready(struct rpc_later *later, char *line, size_t len)
{
	struct client *client = list_entry(later, struct client, later);

	if (line)
		send_answer(client, line, len);
	else
		cut_off(client);
}

static void make_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *client = handle->data;

	(void)suggested;
	if (client->used == client->size && client->size <= RPC_MAX_REQUEST) {
		size_t size = client->size ? client->size * 2 : FIRST_BUFFER;
		char *buffer;

		/* One byte more than a request: the newline. */
		if (size > RPC_MAX_REQUEST)
			size = RPC_MAX_REQUEST + 1;
		buffer = realloc(client->buffer, size);
		if (buffer) {
			client->buffer = buffer;
			client->size = size;
		}
	}
	/* With no room left libuv reports UV_ENOBUFS to received(), which
	 * cuts the client off: its request is too large. */
	*buf = uv_buf_init(client->buffer + client->used,
			   (unsigned int)(client->size - client->used));
}

static void received(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (nread < 0) {
		cut_off(client);
		return;
	}
	client->used += (size_t)nread;
	next_request(client);
}

/* Answers the first request in the buffer, or reads on. */
static void next_request(struct client *client)
{
	for (;;) {
		char *start = client->buffer;
		char *end = client->used == client->scanned ? NULL :
			memchr(start + client->scanned, '\n', client->used - client->scanned);
		size_t len, answer_len = 0;
		char *answer;

		if (!end)
			break;
		len = (size_t)(end - start);
		answer = rpc_serve(client->server->methods, client->server->opaque,
				   &client->peer, &client->later, start, len, &answer_len);
		client->used -= len + 1;
		client->scanned = 0;
		memmove(start, end + 1, client->used);
		if (answer) {
			send_answer(client, answer, answer_len);
			return;
		}
		if (client->later.is_promised) {
			stop_reading(client);
			return;
		}
	}

	client->scanned = client->used;
	if (!client->is_reading &&
	    uv_read_start((uv_stream_t *)&client->pipe, make_room, received) < 0)
		cut_off(client);
	else
		client->is_reading = true;
}

/* Looking is for everybody, but nobody who only looks may keep out those who
 * have to change something. */
static bool is_welcome(const struct client *client)
{
	const struct ctl_server *server = client->server;

	return server->nclients <= CTL_MAX_CLIENTS &&
	       (client->peer.may_change || server->nreaders <= CTL_MAX_READERS);
}

static int identify(struct client *client)
{
	uv_os_fd_t fd;
	int error = uv_fileno((uv_handle_t *)&client->pipe, &fd);

	return error < 0 ? error : peer_identify(&client->server->rules, fd, &client->peer);
}

static void connected(uv_stream_t *listener, int status)
{
	struct ctl_server *server = listener->data;
	struct client *client;
	int failed = -ECONNABORTED;

	if (status < 0)
		return;
	client = calloc(1, sizeof(*client));
	if (!client)
		return;
	client->server = server;
	uv_pipe_init(listener->loop, &client->pipe, 0);
	uv_timer_init(listener->loop, &client->timer);
	client->pipe.data = client->timer.data = client;
	client->open_handles = 2;
	client->later.ready = answer_ready;
	list_append(&server->clients, &client->node);

	if (uv_accept(listener, (uv_stream_t *)&client->pipe) == 0)
		failed = identify(client);
	server->nclients++;
	server->nreaders += !client->peer.may_change;
	if (failed < 0 || !is_welcome(client))
		cut_off(client);
	else
		next_request(client);
}

/* Removes a socket whose owner is gone. 0 or -errno. */
static int clear_stale(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, error = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;

	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: somebody listens and is busy. */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN)
		error = -EADDRINUSE;
	else if (errno != ECONNREFUSED)
		error = -errno;
	else if (unlink(path) < 0 && errno != ENOENT)
		error = -errno;
	close(fd);
	return error;
}

static void server_closed(uv_handle_t *handle)
{
	free(handle->data);
}

struct ctl_server *ctl_server_new(struct loop *loop, const char *socket_path,
				  const struct ctl_method *methods, void *opaque)
{
	struct ctl_server *server;
	int error = clear_stale(socket_path);

	if (error < 0) {
		errno = -error;
		return NULL;
	}
	server = calloc(1, sizeof(*server));
	if (!server)
		return NULL;
	server->methods = methods;
	server->opaque = opaque;
	peer_rules_init(&server->rules, CTL_GROUP);
	list_init(&server->clients);
	uv_pipe_init(loop_uv(loop), &server->pipe, 0);
	server->pipe.data = server;

	/* Who may change something is decided by who he is, not by the mode. It
	 * is set before anyone can connect: connect() to a socket nobody listens
	 * on is refused. */
	error = uv_pipe_bind(&server->pipe, socket_path);
	if (error == 0 && chmod(socket_path, 0666) < 0)
		error = -errno;
	if (error == 0)
		error = uv_listen((uv_stream_t *)&server->pipe, 16, connected);
	if (error < 0) {
		ctl_server_free(server);
		errno = -error;
		return NULL;
	}
	return server;
}

void ctl_server_free(struct ctl_server *server)
{
	if (!server)
		return;
	list_for_each(node, &server->clients)
		cut_off(list_entry(node, struct client, node));
	uv_close((uv_handle_t *)&server->pipe, server_closed);
}
