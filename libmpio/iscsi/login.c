// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One attempt to log in:
 *
 *   resolving --> resolved --> connecting --> logging in --> up
 *       ^                                         |
 *       '------------- redirected, or ------------'
 *                      once more without the security stage
 *
 * Each connection has a context of its own. Names are resolved in libuv's
 * thread pool, so that libiscsi, whose getaddrinfo() would block the loop,
 * only sees numeric addresses. Time-outs are the owner's.
 */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "pump.h"

#define REDIRECTS_MAX 4

/* The watchdogs of the core see a dead peer sooner; these are for the time in
 * which nothing is asked of it. */
#define KEEPALIVE_IDLE_S 10
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 3

/* Offered by no target as the answer to anything: see set_credentials(). */
#define NO_PASSWORD "none"

struct session_lookup {
	uv_getaddrinfo_t request;
	struct session *session;        /* NULL: nobody waits any more */
};

/*
 * The portal's name
 */

static void resolved(struct session *session)
{
	session->stage = SESSION_RESOLVED;
	pump_stir(session->pump, session);
}

/* A name with several addresses: each attempt takes the next one. */
static const struct addrinfo *choose_address(const struct addrinfo *all, unsigned int attempt)
{
	const struct addrinfo *address;
	unsigned int count = 0;

	for (address = all; address; address = address->ai_next)
		count++;
	address = all;
	for (unsigned int i = count ? attempt % count : 0; i > 0; i--)
		address = address->ai_next;
	return address;
}

static void take_address(struct session *session, const struct addrinfo *all)
{
	const struct addrinfo *address = choose_address(all, session->attempts);
	char host[sizeof session->portal.host];

	if (!address || getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof host,
				    NULL, 0, NI_NUMERICHOST)) {
		session_fail(session, "%s has no usable address", session->portal.host);
		return;
	}
	memcpy(session->portal.host, host, sizeof host);
	resolved(session);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *all)
{
	struct session_lookup *lookup = request->data;
	struct session *session = lookup->session;

	if (session) {
		session->lookup = NULL;
		if (status)
			session_fail(session, "cannot resolve %s: %s", session->portal.host,
				     uv_strerror(status));
		else
			take_address(session, all);
	}
	uv_freeaddrinfo(all);
	free(lookup);
}

void login_forget_lookup(struct session *session)
{
	struct session_lookup *lookup = session->lookup;

	if (!lookup)
		return;
	session->lookup = NULL;
	lookup->session = NULL;
	uv_cancel((uv_req_t *)&lookup->request);        /* freed by on_resolved() */
}

static bool is_numeric(const char *host)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST };
	struct addrinfo *address;

	if (getaddrinfo(host, NULL, &hints, &address))
		return false;
	freeaddrinfo(address);
	return true;
}

static void resolve(struct session *session)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct session_lookup *lookup;
	int error;

	session->stage = SESSION_RESOLVING;
	if (is_numeric(session->portal.host)) {
		resolved(session);
		return;
	}
	lookup = calloc(1, sizeof *lookup);
	if (!lookup) {
		session_fail(session, "%s", strerror(ENOMEM));
		return;
	}
	lookup->session = session;
	lookup->request.data = lookup;
	error = uv_getaddrinfo(loop_uv(pump_loop(session->pump)), &lookup->request, on_resolved,
			       session->portal.host, NULL, &hints);
	if (error) {
		free(lookup);
		session_fail(session, "cannot resolve %s: %s", session->portal.host,
			     uv_strerror(error));
		return;
	}
	session->lookup = lookup;
}

void session_open(struct session *session)
{
	assert(session->stage == SESSION_CLOSED);
	session->portal = session->settings->portal;
	session->attempts++;
	session->redirects = 0;
	resolve(session);
}

/*
 * The context
 */

/*
 * A target that reinstates a session (RFC 7143 6.3.5) may drop the old one's
 * tasks only where the login goes through the security stage (tgt), and
 * libiscsi goes there only if it has a user name. So where none is set, we
 * offer "CHAP,None" as the initiator's own name, and the target takes None.
 * One that insists on CHAP would refuse us either way; one that merely prefers
 * it fails us with 0201h, and is asked again without the stage.
 */
static void set_credentials(struct session *session)
{
	const struct nexus_settings *settings = session->settings;

	session->offers_none = !settings->user && !session->is_discovery &&
		!session->skips_security;
	if (session->offers_none)
		iscsi_set_initiator_username_pwd(session->context, settings->initiator,
						 NO_PASSWORD);
	else
		iscsi_set_initiator_username_pwd(session->context, settings->user,
						 settings->password);
	iscsi_set_target_username_pwd(session->context, settings->target_user,
				      settings->target_password);
}

/* Everything is set, as the environment (LIBISCSI_*) has set some of it. */
static int create_context(struct session *session)
{
	const struct nexus_settings *settings = session->settings;
	char no_interface[] = "";
	struct iscsi_context *context = iscsi_create_context(settings->initiator);

	if (!context)
		return -ENOMEM;
	session->context = context;
	iscsi_set_log_fn(context, session_log);
	iscsi_set_log_level(context, 1);
	iscsi_set_noautoreconnect(context, 1);
	iscsi_set_reconnect_max_retries(context, 0);
	iscsi_set_cache_allocations(context, 1);
	iscsi_set_timeout(context, 0);
	iscsi_set_bind_interfaces(context, no_interface);
	iscsi_set_tcp_user_timeout(context, 0);
	iscsi_set_tcp_syncnt(context, 0);
	iscsi_set_tcp_keepidle(context, KEEPALIVE_IDLE_S);
	iscsi_set_tcp_keepintvl(context, KEEPALIVE_INTERVAL_S);
	iscsi_set_tcp_keepcnt(context, KEEPALIVE_COUNT);
	iscsi_set_alias(context, "nbdkit-mpio");
	iscsi_set_header_digest(context, settings->header_digest ?
				ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
	iscsi_set_immediate_data(context, ISCSI_IMMEDIATE_DATA_YES);
	iscsi_set_initial_r2t(context, ISCSI_INITIAL_R2T_NO);
	set_credentials(session);
	if (session->is_discovery) {
		iscsi_set_session_type(context, ISCSI_SESSION_DISCOVERY);
		return 0;
	}
	iscsi_set_session_type(context, ISCSI_SESSION_NORMAL);
	iscsi_set_targetname(context, settings->target);
	iscsi_set_isid_random(context, (uint32_t)(settings->isid_seed >> 16) & 0xffffff,
			      (uint32_t)settings->isid_seed & 0xffff);
	return 0;
}

/*
 * The steps
 */

static void on_answer(struct iscsi_context *context, int status, void *data, void *private_data)
{
	struct session *session = private_data;

	(void)data;
	if (context != session->context)
		return;
	session->answer = status;
	session->has_answer = true;
}

/* libiscsi: "... Connect failed with errno : Network is unreachable(101)". */
static void fail_to_connect(struct session *session)
{
	const char *text = iscsi_get_error(session->context);
	const char *number = strrchr(text, '(');
	int error;

	if (number && sscanf(number, "(%d)", &error) == 1)
		session_fail(session, "%s", strerror(error));
	else
		session_fail(session, "%s", text[0] ? text : "cannot connect");
}

static void begin_connect(struct session *session)
{
	char portal[sizeof session->portal.host + 16];
	int error = create_context(session);

	if (error) {
		session_fail(session, "%s", strerror(-error));
		return;
	}
	portal_format(&session->portal, portal, sizeof portal);
	session->stage = SESSION_CONNECTING;
	session->has_answer = false;
	if (iscsi_connect_async(session->context, portal, on_answer, session)) {
		fail_to_connect(session);
		return;
	}
	error = session_watch_socket(session);
	if (error)
		session_fail(session, "cannot watch the socket: %s", strerror(-error));
}

static void begin_login(struct session *session)
{
	if (session->answer != SCSI_STATUS_GOOD) {
		fail_to_connect(session);
		return;
	}
	session->ops->connected(session);
	session->stage = SESSION_LOGGING_IN;
	session->has_answer = false;
	if (iscsi_login_async(session->context, on_answer, session))
		session_fail(session, "%s", iscsi_get_error(session->context));
}

static void follow_redirect(struct session *session)
{
	char address[256], error[128];
	struct portal portal;
	char *tag;

	snprintf(address, sizeof address, "%s", iscsi_get_target_address(session->context));
	tag = strrchr(address, ',');            /* ",portal group tag" */
	if (tag)
		*tag = '\0';
	if (portal_parse(address, &portal, error, sizeof error)) {
		session_fail(session, "redirected to \"%s\": %s", address, error);
		return;
	}
	if (session->redirects++ == REDIRECTS_MAX) {
		session_fail(session, "redirected more than %d times, last to %s", REDIRECTS_MAX,
			     address);
		return;
	}
	session_destroy_context(session);
	session->portal = portal;
	resolve(session);
}

/* "... Status: Authentication failure(513)": name and number of RFC 7143
 * 11.13.5. False where the text is another one. */
static bool login_status(const char *text, char *name, size_t len, unsigned int *status)
{
	const char *start = strstr(text, "Status: ");
	const char *number = strrchr(text, '(');

	if (!start || !number || sscanf(number, "(%u)", status) != 1)
		return false;
	start += strlen("Status: ");
	snprintf(name, len, "%.*s", (int)(number - start), start);
	return true;
}

static void refused(struct session *session)
{
	const char *text = iscsi_get_error(session->context);
	unsigned int status;
	char name[64];

	if (!login_status(text, name, sizeof name, &status)) {
		session_fail(session, "login failed: %s", text);
		return;
	}
	if (status == 0x0102 && iscsi_get_target_address(session->context)[0]) {
		follow_redirect(session);       /* moved for good */
		return;
	}
	if (status == 0x0201 && session->offers_none) {
		session->skips_security = true;
		session_destroy_context(session);
		session->stage = SESSION_RESOLVED;
		return;
	}
	session_fail(session, "login refused: %s (%04Xh)", name, status);
}

static void end_login(struct session *session)
{
	switch (session->answer) {
	case SCSI_STATUS_GOOD:
		session->stage = SESSION_UP;
		session->ops->up(session);
		break;
	case SCSI_STATUS_REDIRECT:
		follow_redirect(session);
		break;
	default:
		refused(session);
		break;
	}
}

void login_advance(struct session *session)
{
	enum session_stage before;

	do {
		before = session->stage;
		if (before == SESSION_RESOLVED)
			begin_connect(session);
		else if (before == SESSION_CONNECTING && session->has_answer)
			begin_login(session);
		else if (before == SESSION_LOGGING_IN && session->has_answer)
			end_login(session);
	} while (session->stage != before && session->stage < SESSION_UP &&
		 !session->has_failed);
}
