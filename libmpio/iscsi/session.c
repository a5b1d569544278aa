// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "log.h"
#include "pump.h"

/* The uv_poll handle lives until libuv has called its close callback, which
 * can be after the session was freed. */
struct session_watch {
	uv_poll_t poll;
	struct session *session;
	int events;                     /* watched for, UV_READABLE... */
};

/* Where libiscsi's log function, which has no argument for us, leaves the
 * error texts of the call that runs. */
static _Thread_local char *current_note;

void session_log(int level, const char *message)
{
	const char *end;

	log_debug("libiscsi: %s", message);
	if (level > 1 || !current_note)
		return;
	/* What it says when it may not reconnect, after the real reason. */
	if (!strncmp(message, "iscsi_service_reconnect", strlen("iscsi_service_reconnect")))
		return;
	end = strstr(message, " [iqn.");
	snprintf(current_note, sizeof ((struct session *)0)->note, "%.*s",
		 (int)(end ? end - message : (ptrdiff_t)strlen(message)), message);
}

void session_init(struct session *session, const struct session_ops *ops, struct pump *pump,
		  const struct nexus_settings *settings, bool is_discovery)
{
	*session = (struct session) {
		.ops = ops,
		.pump = pump,
		.settings = settings,
		.is_discovery = is_discovery,
	};
	list_init(&session->on_pump);
}

void session_fail(struct session *session, const char *format, ...)
{
	va_list args;

	if (session->has_failed || session->stage == SESSION_CLOSED)
		return;
	session->has_failed = true;
	va_start(args, format);
	vsnprintf(session->reason, sizeof session->reason, format, args);
	va_end(args);
	pump_stir(session->pump, session);
}

void session_is_lost(struct session *session)
{
	session->is_lost = true;
}

bool session_wants_to_write(const struct session *session)
{
	return iscsi_which_events(session->context) & POLLOUT;
}

/*
 * Why it ended
 */

/* libiscsi gives numbers: "read from socket failed, errno:104". 0: none. */
static int errno_in(const char *text)
{
	static const char *const marks[] = { "errno:", "writing to socket :" };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		const char *mark = strstr(text, marks[i]);
		int error;

		if (mark && sscanf(mark + strlen(marks[i]), "%d", &error) == 1)
			return error;
	}
	return 0;
}

static bool is_at_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void fail_as_lost(struct session *session, const char *fresh_note)
{
	int error = errno_in(fresh_note);

	if (error)
		session_fail(session, "%s", strerror(error));
	else if (is_at_end(iscsi_get_fd(session->context)))
		session_fail(session, "connection closed by the target");
	else if (fresh_note[0])
		session_fail(session, "%s", fresh_note);
	else if (session->note[0])
		session_fail(session, "%s", session->note);
	else
		session_fail(session, "session lost");
}

static void fail_with_socket_error(struct session *session)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(iscsi_get_fd(session->context), SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	session_fail(session, "%s", error ? strerror(error) : "socket error");
}

/* With auto-reconnect off, the call in which libiscsi notices the loss cancels
 * all tasks, returns 0 and leaves is_logged_in at 1; only the next returns -1. */
void session_service(struct session *session, int poll_events)
{
	char note[sizeof session->note];
	int result;

	note[0] = '\0';
	current_note = note;
	result = iscsi_service(session->context, poll_events);
	current_note = NULL;

	if (note[0])
		memcpy(session->note, note, sizeof note);
	if (session->has_failed)
		return;
	if (result < 0 || session->is_lost)
		fail_as_lost(session, note);
	else if (session->stage == SESSION_UP && !iscsi_is_logged_in(session->context))
		session_fail(session, "the target asked for logout");
}

/*
 * The socket
 */

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct session_watch *watch = poll->data;
	struct session *session = watch->session;

	loop_note_awake(pump_loop(session->pump));
	if (status < 0) {
		/* Libuv has stopped the handle: the error is in the socket. */
		session->has_socket_error = true;
		watch->events = 0;
	}
	session->revents |= events;
	pump_stir(session->pump, session);
}

int session_watch_socket(struct session *session)
{
	int fd = iscsi_get_fd(session->context);
	struct session_watch *watch = calloc(1, sizeof *watch);
	int error;

	if (!watch)
		return -ENOMEM;
	/* libiscsi opens its sockets without. */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	error = uv_poll_init(loop_uv(pump_loop(session->pump)), &watch->poll, fd);
	if (error) {
		free(watch);
		return error;
	}
	watch->poll.data = watch;
	watch->session = session;
	session->watch = watch;
	return 0;
}

static void free_watch(uv_handle_t *handle)
{
	free(handle->data);
}

/* Which events libiscsi wants changes with every call of it. */
static void update_events(struct session *session)
{
	struct session_watch *watch = session->watch;
	int wanted = iscsi_which_events(session->context);
	int events = (wanted & POLLIN ? UV_READABLE : 0) |
		(wanted & POLLOUT ? UV_WRITABLE : 0);

	if (events == watch->events)
		return;
	watch->events = events;
	if (events)
		uv_poll_start(&watch->poll, events, on_poll);
	else
		uv_poll_stop(&watch->poll);
}

/* So that close() throws away what the kernel has not sent yet, instead of
 * delivering it for as long as it likes: a write of an ended session must not
 * arrive later than need be. */
static void close_abruptly(int fd)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void session_destroy_context(struct session *session)
{
	struct iscsi_context *context = session->context;

	if (session->watch) {
		/* Before the descriptor goes: its number is used again at once. */
		uv_close((uv_handle_t *)&session->watch->poll, free_watch);
		session->watch = NULL;
	}
	if (context) {
		if (iscsi_get_fd(context) >= 0 && !session->has_logged_out)
			close_abruptly(iscsi_get_fd(context));
		session->context = NULL;
		/* Cancels what it still knows of; the callbacks see that the
		 * context is gone and do nothing. */
		iscsi_destroy_context(context);
	}
	session->revents = 0;
	session->has_socket_error = false;
	session->is_lost = false;
	session->has_logged_out = false;
	session->note[0] = '\0';
}

static void ignore_answer(struct iscsi_context *context, int status, void *data,
			  void *private_data)
{
	(void)context;
	(void)status;
	(void)data;
	(void)private_data;
}

void session_logout(struct session *session)
{
	if (session->stage != SESSION_UP || session->has_failed ||
	    iscsi_logout_async(session->context, ignore_answer, NULL))
		return;
	session_service(session, POLLOUT);
	session->has_logged_out = true;
}

void session_close(struct session *session)
{
	if (session->stage == SESSION_CLOSED)
		return;
	session->stage = SESSION_CLOSED;
	list_remove(&session->on_pump);
	login_forget_lookup(session);
	session_destroy_context(session);
	session->has_failed = false;
	session->ops->closed(session);
}

/*
 * Called by the pump, once a turn
 */

void session_receive(struct session *session)
{
	int revents = session->revents;
	bool has_read = false;
	char reason[sizeof session->reason];

	session->revents = 0;
	if (session->has_socket_error && !session->has_failed)
		fail_with_socket_error(session);
	if (!session->has_failed && session->stage >= SESSION_LOGGING_IN &&
	    revents & UV_READABLE) {
		/* Alone, so that the owner sees what was answered before
		 * libiscsi writes on. */
		session_service(session, POLLIN);
		has_read = true;
	}
	if (!session->has_failed && session->stage == SESSION_CONNECTING && revents)
		session_service(session, POLLOUT);
	if (session->stage < SESSION_UP && !session->has_failed)
		login_advance(session);
	if (session->stage == SESSION_UP)
		session->ops->collect(session, has_read);
	if (!session->has_failed)
		return;
	memcpy(reason, session->reason, sizeof reason);
	session_close(session);
	session->ops->down(session, reason);
}

void session_flush(struct session *session)
{
	if (session->has_failed || session->stage == SESSION_RESOLVED)
		pump_stir(session->pump, session);      /* to be received first */
	if (session->has_failed || !session->context)
		return;
	if (session->stage == SESSION_UP)
		session->ops->flush(session);
	else if (session->stage == SESSION_LOGGING_IN && session_wants_to_write(session))
		session_service(session, POLLOUT);
	if (!session->has_failed)
		update_events(session);
}
