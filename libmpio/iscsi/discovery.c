// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A discovery ends with its session: an answer, good or bad, fails the session
 * on purpose, so that there is one way out.
 */
#include "discovery.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "mpath.h"
#include "nexus_internal.h"
#include "pump.h"

/* More than any target has; keeps a mad one from taking all memory. */
#define ROWS_MAX 4096

struct discovery {
	struct session session;
	struct nexus_settings settings;
	struct mpath_timer timer;
	discovery_done done;
	void *opaque;
	struct discovered_portal *rows;
	size_t count, room;
	bool has_answer;
};

static struct discovery *discovery_of(struct session *session)
{
	return list_entry(session, struct discovery, session);
}

static void free_discovery(struct discovery *discovery)
{
	mpath_timer_disarm(&discovery->timer);
	nexus_settings_done(&discovery->settings);
	free(discovery->rows);
	free(discovery);
}

/*
 * The answer
 */

static bool is_link_local(const struct portal *portal)
{
	struct in_addr v4;
	struct in6_addr v6;
	char host[sizeof portal->host];

	if (inet_pton(AF_INET, portal->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 16 == 0xa9fe;        /* 169.254/16 */
	snprintf(host, sizeof host, "%s", portal->host);
	host[strcspn(host, "%")] = '\0';
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LINKLOCAL(&v6);
}

static bool is_known(const struct discovery *discovery, const struct discovered_portal *row)
{
	for (size_t i = 0; i < discovery->count; i++) {
		const struct discovered_portal *other = &discovery->rows[i];

		if (!strcmp(other->target, row->target) &&
		    !strcmp(other->portal.host, row->portal.host) &&
		    other->portal.port == row->portal.port)
			return true;
	}
	return false;
}

static void add_row(struct discovery *discovery, const char *target, const struct portal *portal)
{
	struct discovered_portal row = { .portal = *portal };

	if (!iscsi_name_is_valid(target) || discovery->count == ROWS_MAX)
		return;
	snprintf(row.target, sizeof row.target, "%s", target);
	if (is_known(discovery, &row))
		return;
	if (discovery->count == discovery->room) {
		size_t room = discovery->room ? 2 * discovery->room : 8;
		struct discovered_portal *rows =
			realloc(discovery->rows, room * sizeof *rows);

		if (!rows) {
			session_fail(&discovery->session, "out of memory");
			return;
		}
		discovery->rows = rows;
		discovery->room = room;
	}
	discovery->rows[discovery->count++] = row;
}

/* "192.0.2.1:3260,1", "[2001:db8::1]:3260,1" (RFC 7143 13.8) */
static bool parse_address(const char *text, struct portal *portal)
{
	char address[300], error[128];
	char *tag;

	if (strlen(text) >= sizeof address)
		return false;
	strcpy(address, text);
	tag = strrchr(address, ',');
	if (tag)
		*tag = '\0';
	return portal_parse(address, portal, error, sizeof error) == 0;
}

/* Link-local addresses are of no use but where there is nothing else. */
static void add_target(struct discovery *discovery, const struct iscsi_discovery_address *target)
{
	size_t before = discovery->count;

	if (!target->portals)           /* then it is where we asked */
		add_row(discovery, target->target_name, &discovery->session.portal);
	for (int link_local = 0; link_local < 2 && discovery->count == before; link_local++) {
		const struct iscsi_target_portal *address;
		struct portal portal;

		for (address = target->portals; address; address = address->next)
			if (parse_address(address->portal, &portal) &&
			    is_link_local(&portal) == link_local)
				add_row(discovery, target->target_name, &portal);
	}
}

/* libiscsi hands over its lists in reverse. */
static void reverse_rows(struct discovery *discovery)
{
	for (size_t i = 0, j = discovery->count; i + 1 < j; i++) {
		struct discovered_portal row = discovery->rows[i];

		discovery->rows[i] = discovery->rows[--j];
		discovery->rows[j] = row;
	}
}

static void on_targets(struct iscsi_context *context, int status, void *data,
		       void *private_data)
{
	struct discovery *discovery = private_data;
	const struct iscsi_discovery_address *target;

	if (context != discovery->session.context)
		return;
	if (status != SCSI_STATUS_GOOD) {
		session_is_lost(&discovery->session);
		return;
	}
	for (target = data; target; target = target->next)
		add_target(discovery, target);
	reverse_rows(discovery);
	discovery->has_answer = true;
}

/*
 * The session's ops
 */

static void connected(struct session *session)
{
	(void)session;
}

static void up(struct session *session)
{
	struct discovery *discovery = discovery_of(session);

	if (iscsi_discovery_async(session->context, on_targets, discovery))
		session_fail(session, "%s", iscsi_get_error(session->context));
}

static void collect(struct session *session, bool has_read)
{
	(void)has_read;
	if (!discovery_of(session)->has_answer || session->has_failed)
		return;
	session_logout(session);
	session_fail(session, "done");
}

static void flush(struct session *session)
{
	if (session_wants_to_write(session))
		session_service(session, POLLOUT);
}

static void down(struct session *session, const char *reason)
{
	struct discovery *discovery = discovery_of(session);

	if (discovery->has_answer)
		discovery->done(discovery->opaque, discovery->rows, discovery->count, NULL);
	else
		discovery->done(discovery->opaque, NULL, 0, reason);
	free_discovery(discovery);
}

static void closed(struct session *session)
{
	(void)session;
}

static const struct session_ops session_ops = {
	.connected = connected,
	.up = up,
	.down = down,
	.collect = collect,
	.flush = flush,
	.closed = closed,
};

static void on_timeout(struct mpath_timer *timer)
{
	struct discovery *discovery = list_entry(timer, struct discovery, timer);

	session_fail(&discovery->session, "no answer within %.1f s",
		     (double)discovery->settings.timers.login_timeout_us / 1e6);
}

struct discovery *discovery_start(struct pump *pump, const struct nexus_settings *settings,
				  discovery_done done, void *opaque)
{
	struct discovery *discovery = calloc(1, sizeof *discovery);

	if (!discovery)
		return NULL;
	mpath_timer_init(&discovery->timer, on_timeout);
	if (!nexus_settings_copy(&discovery->settings, settings)) {
		free_discovery(discovery);
		return NULL;
	}
	discovery->done = done;
	discovery->opaque = opaque;
	session_init(&discovery->session, &session_ops, pump, &discovery->settings, true);
	mpath_timer_arm(pump_mpath(pump), &discovery->timer,
			loop_now_us(pump_loop(pump)) + settings->timers.login_timeout_us);
	session_open(&discovery->session);
	return discovery;
}

void discovery_cancel(struct discovery *discovery)
{
	session_close(&discovery->session);
	free_discovery(discovery);
}
