// SPDX-License-Identifier: LGPL-2.1-or-later
/* iSCSI URLs, portals and names, as users and targets write them. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "url.h"

static void check_portal(const struct portal *portal)
{
	struct portal again;
	char text[sizeof portal->host + 16], error[128];

	MUST(portal->port > 0);
	MUST(memchr(portal->host, '\0', sizeof portal->host));
	MUST(portal->host[0]);
	portal_format(portal, text, sizeof text);
	MUST(portal_parse(text, &again, error, sizeof error) == 0);
	MUST(!strcmp(again.host, portal->host) && again.port == portal->port);
}

static void check_url(const char *text)
{
	struct iscsi_url_parts parts;
	char error[128];

	memset(error, 0x5a, sizeof error);
	if (iscsi_url_parse(text, &parts, error, sizeof error)) {
		MUST(memchr(error, '\0', sizeof error));
		return;
	}
	check_portal(&parts.portal);
	MUST(iscsi_name_is_valid(parts.target));
	MUST(parts.lun < 16384);
	MUST(memchr(parts.user, '\0', sizeof parts.user));
	MUST(memchr(parts.password, '\0', sizeof parts.password));
	MUST(parts.has_password || !parts.password[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct portal portal;
	char error[128];
	char *text = malloc(size + 1);  /* exact, so that overreads are seen */

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_url(text);
	if (!portal_parse(text, &portal, error, sizeof error))
		check_portal(&portal);
	free(text);
	return 0;
}
