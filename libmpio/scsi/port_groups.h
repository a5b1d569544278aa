// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Target port groups and their access states: REPORT TARGET PORT GROUPS
 * (SPC-4 6.37) and SET TARGET PORT GROUPS (SPC-4 6.45) parameter data.
 *
 *	struct port_groups it;
 *	struct port_group group;
 *	int r = port_groups_init(&it, buf, len);
 *	while (r == 0 && (r = port_groups_next(&it, &group)) == 1) {
 *		use group; r = 0;
 *	}
 *
 * Pure functions: any thread.
 */
#ifndef MPIO_PORT_GROUPS_H
#define MPIO_PORT_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ASYMMETRIC ACCESS STATE; 4h-Dh but for these are reserved. */
enum port_group_state {
	PORT_GROUP_OPTIMIZED = 0x0,
	PORT_GROUP_UNOPTIMIZED = 0x1,
	PORT_GROUP_STANDBY = 0x2,
	PORT_GROUP_UNAVAILABLE = 0x3,
	PORT_GROUP_LBA_DEPENDENT = 0x4,
	PORT_GROUP_OFFLINE = 0xe,
	PORT_GROUP_TRANSITIONING = 0xf,
};

/* Byte 1 of a descriptor: the states that the group can be in. */
#define PORT_GROUP_CAN_BE_OPTIMIZED 0x01
#define PORT_GROUP_CAN_BE_UNOPTIMIZED 0x02
#define PORT_GROUP_CAN_BE_STANDBY 0x04
#define PORT_GROUP_CAN_BE_UNAVAILABLE 0x08
#define PORT_GROUP_CAN_BE_LBA_DEPENDENT 0x10
#define PORT_GROUP_CAN_BE_OFFLINE 0x40
#define PORT_GROUP_CAN_TRANSITION 0x80

/* STATUS CODE: how the group came into its state. */
enum port_group_status {
	PORT_GROUP_STATUS_NONE = 0,
	PORT_GROUP_STATUS_EXPLICIT = 1,	/* by SET TARGET PORT GROUPS */
	PORT_GROUP_STATUS_IMPLICIT = 2,	/* by the device itself */
};

struct port_group {
	uint16_t id;		/* TARGET PORT GROUP */
	uint8_t state;		/* enum port_group_state or reserved */
	uint8_t can_be;		/* PORT_GROUP_CAN_*; 0 from devices that do not say */
	uint8_t status;		/* enum port_group_status or reserved */
	bool preferred;		/* PREF */
	uint8_t nports;
	const uint8_t *ports;	/* nports descriptors, borrowed; see port_group_has_port() */
};

/* Borrows the buffer until the last port_groups_next(). */
struct port_groups {
	const uint8_t *next, *end;
	bool extended;			/* the answer has the extended header */
	bool truncated;			/* there were more groups: RETURN DATA LENGTH goes
					 * beyond the bytes received, or, at the end of an
					 * extended answer, does not count its header */
	uint8_t transition_time_s;	/* IMPLICIT TRANSITION TIME; 0 if unsaid */
};

/*
 * Takes an answer in either format; one that was asked for the extended header
 * may come without, and says so itself.  Returns 0; -EMSGSIZE if the header is
 * not there, -EPROTO for a RETURN DATA LENGTH without room for it.
 */
int port_groups_init(struct port_groups *it, const void *buf, size_t len);

/*
 * Returns 1 and the next group, 0 at the end, or -EPROTO for a descriptor that
 * promises more ports than its list has; after that the iteration stays at its
 * end.  A last descriptor that is cut because the answer is truncated is left
 * out.  So is one of an extended answer, which is truncated then: LIO says, and
 * sends, four bytes less than the header and the groups are.
 */
int port_groups_next(struct port_groups *it, struct port_group *out);

/* The relative target port is one of the group's. */
bool port_group_has_port(const struct port_group *group, uint16_t relative_port);

/* "active/optimized": a constant string, "reserved state" if it is none. */
const char *port_group_state_name(uint8_t state);

/* Bytes of a SET TARGET PORT GROUPS parameter list for one group. */
#define SET_PORT_GROUPS_LEN 8

/* Fills the parameter list that puts one group into state; returns its length. */
size_t set_port_groups_build(uint8_t buf[SET_PORT_GROUPS_LEN], uint16_t id,
			     enum port_group_state state);

#endif
