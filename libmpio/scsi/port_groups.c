// SPDX-License-Identifier: LGPL-2.1-or-later
#include "port_groups.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define HEADER_LEN 4
#define EXTENDED_HEADER_LEN 8
#define DESCRIPTOR_LEN 8
#define PORT_LEN 4

/*
 * RETURN DATA FORMAT TYPE, where a descriptor of the other format has reserved
 * bits: devices that do not know the extended header leave them 0.
 */
#define FORMAT_MASK 0x70
#define FORMAT_EXTENDED 0x10

int port_groups_init(struct port_groups *it, const void *buf, size_t len)
{
	const uint8_t *p = buf;
	size_t header = HEADER_LEN, promised;

	memset(it, 0, sizeof(*it));
	if (len < HEADER_LEN)
		return -EMSGSIZE;

	/* RETURN DATA LENGTH does not count its own four bytes. */
	promised = HEADER_LEN + (size_t)get_be32(p);
	if (len > HEADER_LEN && promised > HEADER_LEN &&
	    (p[4] & FORMAT_MASK) == FORMAT_EXTENDED) {
		header = EXTENDED_HEADER_LEN;
		if (promised < header)
			return -EPROTO;
		if (len < header)
			return -EMSGSIZE;
		it->extended = true;
		it->transition_time_s = p[5];
	}
	it->truncated = promised > len;
	it->next = p + header;
	it->end = p + (promised < len ? promised : len);
	return 0;
}

int port_groups_next(struct port_groups *it, struct port_group *out)
{
	const uint8_t *p = it->next;
	size_t left = (size_t)(it->end - p);

	memset(out, 0, sizeof(*out));
	if (left == 0)
		return 0;
	if (left < DESCRIPTOR_LEN || left < DESCRIPTOR_LEN + (size_t)p[7] * PORT_LEN) {
		it->next = it->end;
		it->truncated |= it->extended;
		return it->truncated ? 0 : -EPROTO;
	}
	*out = (struct port_group) {
		.id = get_be16(&p[2]),
		.state = p[0] & 0x0f,
		.can_be = p[1],
		.status = p[5],
		.preferred = p[0] & 0x80,
		.nports = p[7],
		.ports = p + DESCRIPTOR_LEN,
	};
	it->next = p + DESCRIPTOR_LEN + (size_t)p[7] * PORT_LEN;
	return 1;
}

bool port_group_has_port(const struct port_group *group, uint16_t relative_port)
{
	for (size_t i = 0; i < group->nports; i++)
		if (get_be16(&group->ports[i * PORT_LEN + 2]) == relative_port)
			return true;
	return false;
}

const char *port_group_state_name(uint8_t state)
{
	switch (state) {
	case PORT_GROUP_OPTIMIZED:
		return "active/optimized";
	case PORT_GROUP_UNOPTIMIZED:
		return "active/non-optimized";
	case PORT_GROUP_STANDBY:
		return "standby";
	case PORT_GROUP_UNAVAILABLE:
		return "unavailable";
	case PORT_GROUP_LBA_DEPENDENT:
		return "logical block dependent";
	case PORT_GROUP_OFFLINE:
		return "offline";
	case PORT_GROUP_TRANSITIONING:
		return "transitioning";
	}
	return "reserved state";
}

size_t set_port_groups_build(uint8_t buf[SET_PORT_GROUPS_LEN], uint16_t id,
			     enum port_group_state state)
{
	memset(buf, 0, SET_PORT_GROUPS_LEN);
	buf[4] = (uint8_t)state;
	put_be16(&buf[6], id);
	return SET_PORT_GROUPS_LEN;
}
