// SPDX-License-Identifier: LGPL-2.1-or-later
#include "initiator.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "url.h"

#define INITIATOR_FILE "/etc/iscsi/initiatorname.iscsi"
#define PREFIX "iqn.2026-11.org.nbdkit-mpio:"

/* The first line of FILE that begins with PREFIX, without it. */
static bool read_line(const char *file, const char *prefix, char *text, size_t len)
{
	char line[512];
	FILE *f = fopen(file, "re");
	bool found = false;

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		size_t skip = strlen(prefix);

		if (strncmp(line, prefix, skip) != 0)
			continue;
		line[skip + strcspn(line + skip, " \t\r\n")] = '\0';
		found = line[skip] != '\0' && strlen(line + skip) < len;
		if (found)
			snprintf(text, len, "%s", line + skip);
	}
	fclose(f);
	return found;
}

static void read_host_name(char *name, size_t len)
{
	if (gethostname(name, len) < 0)
		name[0] = '\0';
	name[len - 1] = '\0';
}

void initiator_host_identity(char *text, size_t len)
{
	char machine[64] = "", host[128];

	read_line("/etc/machine-id", "", machine, sizeof(machine));
	read_host_name(host, sizeof(host));
	snprintf(text, len, "%s/%s", machine, host);
}

/* FNV-1a, 64 bits. */
static uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

void initiator_default_name(char *name, size_t len)
{
	char host[128], identity[256];

	if (read_line(INITIATOR_FILE, "InitiatorName=", name, len) && iscsi_name_is_valid(name))
		return;

	/* RFC 3722: lower case letters, digits, '-', '.' and ':'. The machine
	 * ID goes in as a hash: it is not to be published. */
	initiator_host_identity(identity, sizeof(identity));
	read_host_name(host, sizeof(host));
	for (char *c = host; *c; c++) {
		*c = (char)tolower((unsigned char)*c);
		if (!isalnum((unsigned char)*c) && *c != '.')
			*c = '-';
	}
	snprintf(name, len, PREFIX "%s-%08" PRIx32, *host ? host : "host",
		 (uint32_t)(hash(identity) ^ hash(identity) >> 32));
}
