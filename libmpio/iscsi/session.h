// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SESSION_H
#define MPIO_SESSION_H

/*
 * One libiscsi context and its socket: what a nexus and a discovery have in
 * common. A session is opened, makes its way through the stages below, and is
 * closed by its owner or by its own failure; then it can be opened again, with
 * a fresh context each time (a used one cannot be trusted to log in again).
 *
 * libiscsi's callbacks and libuv's only record what happened and stir the
 * session; the pump then calls session_receive() and session_flush(), from
 * which the owner's ops are called. All of it on the loop's thread.
 *
 * Private to libmpio/iscsi. session.c: the context and the socket. login.c:
 * the way from SESSION_CLOSED to SESSION_UP.
 */

#include <stdbool.h>

#include "list.h"
#include "nexus.h"

struct iscsi_context;
struct pump;
struct session;
struct session_lookup;
struct session_watch;

enum session_stage {
	SESSION_CLOSED,
	SESSION_RESOLVING,              /* the portal's name */
	SESSION_RESOLVED,
	SESSION_CONNECTING,
	SESSION_LOGGING_IN,
	SESSION_UP,
};

struct session_ops {
	void (*connected)(struct session *session);
	void (*up)(struct session *session);

	/* The session has been closed already. REASON is valid during the
	 * call. The session may be freed. */
	void (*down)(struct session *session, const char *reason);

	/* While up: works off what libiscsi's callbacks recorded; bytes have
	 * come in if HAS_READ. May call session_fail(). */
	void (*collect)(struct session *session, bool has_read);

	/* While up: writes what waits. May call session_fail(). */
	void (*flush)(struct session *session);

	/* Libiscsi forgot everything: so must the owner. */
	void (*closed)(struct session *session);
};

struct session {
	const struct session_ops *ops;
	struct pump *pump;
	const struct nexus_settings *settings;  /* borrowed */
	bool is_discovery;

	enum session_stage stage;
	struct list on_pump;            /* while there is something to do */
	struct iscsi_context *context;
	struct session_watch *watch;    /* the socket's uv_poll handle */
	struct session_lookup *lookup;  /* while resolving */
	int revents;                    /* what libuv has seen: UV_READABLE... */
	bool has_socket_error;
	bool is_lost;                   /* a callback has found out */
	bool has_failed;                /* the pump will close it */
	bool has_logged_out;
	char reason[160];
	char note[160];                 /* libiscsi's last error text */

	/* Login. */
	struct portal portal;           /* where this attempt goes; numeric */
	unsigned int attempts;          /* a name's addresses take turns */
	unsigned int redirects;         /* of this attempt */
	bool has_answer;                /* from libiscsi to connect or login */
	int answer;
	bool offers_none;               /* went through the security stage unasked */
	bool skips_security;            /* the target refused that */
};

/* SETTINGS and PUMP are borrowed for the session's life. */
void session_init(struct session *session, const struct session_ops *ops, struct pump *pump,
		  const struct nexus_settings *settings, bool is_discovery);

/* Starts an attempt; only while closed. Its end is told through the ops, never
 * from inside this call. */
void session_open(struct session *session);

/* Says goodbye to the target, without waiting for an answer; for a session on
 * which no command is in flight, right before session_close(). */
void session_logout(struct session *session);

/* Destroys whatever there is, at once and without telling the ops. When it
 * returns, libiscsi has let go of every buffer. Harmless while closed. */
void session_close(struct session *session);

/* Takes note that the session is over; the pump will close it and tell. The
 * first reason given counts. */
__attribute__((format(printf, 2, 3)))
void session_fail(struct session *session, const char *format, ...);

/* For libiscsi's callbacks: it cancelled or failed something, so the session
 * is over; the reason is found out when it returns. */
void session_is_lost(struct session *session);

/* One call of iscsi_service(); fails the session where it is over. */
void session_service(struct session *session, int poll_events);

/* libiscsi wants to write, now. */
bool session_wants_to_write(const struct session *session);

/* For the pump. */
void session_receive(struct session *session);
void session_flush(struct session *session);

/* For login.c: an iscsi_log_fn that keeps the error texts of a service call. */
void session_log(int level, const char *message);

/* For login.c: the context has a socket now. 0 or -errno. */
int session_watch_socket(struct session *session);

/* For login.c: makes room for a fresh context. */
void session_destroy_context(struct session *session);

/* login.c: makes as many steps as can be made without waiting. */
void login_advance(struct session *session);

/* login.c: forgets a lookup that is under way. */
void login_forget_lookup(struct session *session);

/* pump.c: SESSION has something to do in this or the next turn. */
void pump_stir(struct pump *pump, struct session *session);

#endif
