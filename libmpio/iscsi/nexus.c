// SPDX-License-Identifier: LGPL-2.1-or-later
#include "nexus.h"

#include <stdlib.h>
#include <string.h>

#include "nexus_internal.h"
#include "pump.h"

static void nexus_login(struct transport *transport)
{
	session_open(&nexus_of(transport)->session);
}

static void nexus_drop(struct transport *transport, const char *reason)
{
	struct nexus *nexus = nexus_of(transport);

	(void)reason;
	if (io_is_idle(nexus))
		session_logout(&nexus->session);
	session_close(&nexus->session);
}

static void session_connected(struct session *session)
{
	transport_connected(&nexus_of_session(session)->transport);
}

static void session_up(struct session *session)
{
	transport_up(&nexus_of_session(session)->transport);
}

static void session_down(struct session *session, const char *reason)
{
	transport_down(&nexus_of_session(session)->transport, reason);
}

static const struct transport_ops transport_ops = {
	.login = nexus_login,
	.send = io_send,
	.probe = io_probe,
	.drop = nexus_drop,
};

static const struct session_ops session_ops = {
	.connected = session_connected,
	.up = session_up,
	.down = session_down,
	.collect = io_collect,
	.flush = io_flush,
	.closed = io_reset,
};

/*
 * Settings
 */

static bool copy_string(const char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

static void free_password(const char *password)
{
	if (!password)
		return;
	explicit_bzero((char *)password, strlen(password));
	free((char *)password);
}

void nexus_settings_done(struct nexus_settings *settings)
{
	free((char *)settings->initiator);
	free((char *)settings->target);
	free((char *)settings->user);
	free((char *)settings->target_user);
	free_password(settings->password);
	free_password(settings->target_password);
}

bool nexus_settings_copy(struct nexus_settings *to, const struct nexus_settings *from)
{
	bool copied = true;

	*to = *from;
	copied &= copy_string(&to->initiator, from->initiator);
	copied &= copy_string(&to->target, from->target);
	copied &= copy_string(&to->user, from->user);
	copied &= copy_string(&to->password, from->password);
	copied &= copy_string(&to->target_user, from->target_user);
	copied &= copy_string(&to->target_password, from->target_password);
	return copied;
}

struct transport *nexus_new(struct pump *pump, const struct nexus_settings *settings)
{
	struct nexus *nexus = calloc(1, sizeof *nexus);
	char portal[sizeof settings->portal.host + 16];

	if (!nexus)
		return NULL;
	if (!nexus_settings_copy(&nexus->settings, settings) || io_init(nexus)) {
		io_done(nexus);
		nexus_settings_done(&nexus->settings);
		free(nexus);
		return NULL;
	}
	session_init(&nexus->session, &session_ops, pump, &nexus->settings, false);
	portal_format(&settings->portal, portal, sizeof portal);
	transport_init(&nexus->transport, pump_mpath(pump), &transport_ops, portal,
		       settings->target, &settings->timers, settings->queue_depth);
	return &nexus->transport;
}

void nexus_free(struct transport *transport)
{
	struct nexus *nexus;

	if (!transport)
		return;
	nexus = nexus_of(transport);
	transport_done(transport);
	session_close(&nexus->session);
	io_done(nexus);
	nexus_settings_done(&nexus->settings);
	free(nexus);
}

/* FNV-1a, 64 bits; the terminating NUL separates the strings. */
static uint64_t hash_string(uint64_t hash, const char *text)
{
	do {
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	} while (*text++);
	return hash;
}

uint64_t nexus_isid_seed(const char *initiator, const char *host, const char *export_name,
			 const char *portal, const char *target, unsigned int path)
{
	uint64_t hash = 0xcbf29ce484222325;

	hash = hash_string(hash, initiator);
	hash = hash_string(hash, host);
	hash = hash_string(hash, export_name);
	hash = hash_string(hash, portal);
	hash = hash_string(hash, target);
	for (int shift = 0; shift < 32; shift += 8)
		hash = (hash ^ (path >> shift & 0xff)) * 0x100000001b3;
	/* The ISID takes the low 40 bits: let the high ones count. */
	return hash ^ hash >> 40;
}
