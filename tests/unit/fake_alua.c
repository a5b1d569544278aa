// SPDX-License-Identifier: LGPL-2.1-or-later
/* The scripted array's target port groups: what it tells, takes and refuses. */
#include "fake.h"

#include <assert.h>
#include <string.h>

#include "bytes.h"
#include "status.h"

void fake_alua_init(struct fake *fake, struct fake_unit *unit, uint8_t tpgs,
		    unsigned int count, uint8_t state)
{
	assert(count <= FAKE_GROUPS);
	unit->tpgs = tpgs;
	unit->ngroups = count;
	unit->demoted = state;
	for (unsigned int i = 0; i < count; i++)
		unit->groups[i] = (struct fake_group) {
			.id = (uint16_t)(i + 1), .state = i ? state : 0, .can_be = 0xcf };
	for (unsigned int i = 0; i < fake->count; i++) {
		fake->nexuses[i].group = (uint16_t)(i % count + 1);
		fake->nexuses[i].port = (uint16_t)(i + 1);
	}
}

struct fake_group *fake_find_group(struct fake_unit *unit, uint16_t id)
{
	for (unsigned int i = 0; i < unit->ngroups; i++)
		if (unit->groups[i].id == id)
			return &unit->groups[i];
	return NULL;
}

void fake_set_group(struct fake *fake, struct fake_unit *unit, uint16_t id, uint8_t state)
{
	struct fake_group *group = fake_find_group(unit, id);

	assert(group);
	group->state = state;
	for (unsigned int i = 0; i < fake->count; i++)
		if (fake->nexuses[i].unit == unit)
			fake->nexuses[i].has_state_changed |= unit->raises_attention;
}

static void answer(struct command *command, const uint8_t *bytes, size_t len)
{
	if (len > command->cdb.data_len)
		len = command->cdb.data_len;
	memcpy(command->data, bytes, len);
	command->residual = command->cdb.data_len - (uint32_t)len;
}

static void report(const struct fake_nexus *nexus, const struct fake_unit *unit,
		   struct command *command)
{
	bool is_extended = command->cdb.bytes[1] >> 5 == 1;
	uint8_t buf[512] = { 0 };
	size_t len = is_extended ? 8 : 4;

	if (unit->no_port_groups) {
		fake_answer_sense(command, 5, 0x20, 0);
		return;
	}
	if (is_extended && unit->no_extended_header) {
		fake_answer_sense(command, 5, 0x24, 0);
		return;
	}
	if (is_extended) {
		buf[4] = 0x10;
		buf[5] = unit->transition_time_s;
	}
	for (unsigned int i = 0; i < unit->ngroups; i++) {
		const struct fake_group *group = &unit->groups[i];
		uint8_t *p = buf + len;

		p[0] = (uint8_t)(group->state | (group->is_preferred ? 0x80 : 0));
		p[1] = group->can_be;
		put_be16(p + 2, group->id);
		len += 8;
		for (unsigned int n = 0; n < nexus->fake->count; n++) {
			if (nexus->fake->nexuses[n].group != group->id)
				continue;
			put_be16(buf + len + 2, nexus->fake->nexuses[n].port);
			len += 4;
			p[7]++;
		}
	}
	/* LIO forgets them: the last port is not sent. */
	if (is_extended && unit->forgets_header)
		len -= 4;
	put_be32(buf, (uint32_t)len - 4);
	answer(command, buf, len);
}

static void set(struct fake *fake, struct fake_unit *unit, struct command *command)
{
	const uint8_t *list = command->data;
	struct fake_group *group = fake_find_group(unit, get_be16(list + 6));

	if (!(unit->tpgs & 2)) {
		fake_answer_sense(command, 5, 0x20, 0);
		return;
	}
	if (command->cdb.data_len != 8 || !group || (list[4] & 0x0f) != 0) {
		fake_answer_sense(command, 5, 0x26, 0);
		return;
	}
	for (unsigned int i = 0; i < unit->ngroups; i++)
		if (unit->groups[i].state == 0 && &unit->groups[i] != group)
			fake_set_group(fake, unit, unit->groups[i].id, unit->demoted);
	fake_set_group(fake, unit, group->id, unit->activated);
}

/* What SPC-4 5.15.2 lets a group that is not active answer. */
static bool takes(const struct fake_unit *unit, uint8_t state, uint8_t opcode)
{
	if (opcode == 0x12 || opcode == 0xa0 || opcode == 0xa3)
		return true;
	switch (state) {
	case 0x2:
		return opcode == 0xa4 || (!unit->tells_no_size &&
					  (opcode == 0x5a || opcode == 0x9e));
	case 0x3:
		return opcode == 0xa4;
	case 0xe:
	case 0xf:
		return false;
	}
	return true;
}

bool fake_alua_serve(const struct fake_nexus *nexus, struct fake_unit *unit,
		     struct command *command)
{
	const struct fake_group *group = fake_find_group(unit, nexus->group);
	uint8_t state = group ? group->state : 0, opcode = command->cdb.bytes[0];

	if (!takes(unit, state, opcode)) {
		fake_answer_sense(command, 2, 4, state == 0x2 ? 0x0b : state == 0x3 ? 0x0c :
				  state == 0xf ? 0x0a : 0x12);
		return true;
	}
	if (opcode == 0xa3)
		report(nexus, unit, command);
	else if (opcode == 0xa4)
		set(nexus->fake, unit, command);
	else
		return false;
	unit->count[opcode]++;
	return true;
}

static size_t put_designator(uint8_t *p, uint8_t type, uint16_t number)
{
	memset(p, 0, 8);
	p[0] = 0x51;                    /* iSCSI, binary */
	p[1] = (uint8_t)(0x90 | type);  /* PIV, target port */
	p[3] = 4;
	put_be16(p + 6, number);
	return 8;
}

void fake_alua_amend(const struct fake_nexus *nexus, const struct fake_unit *unit,
		     struct command *command)
{
	uint8_t *data = command->data;
	size_t len, added = 0;

	if (!(command->cdb.bytes[1] & 1)) {
		uint8_t tpgs = nexus->tpgs ? nexus->tpgs : unit->tpgs;

		data[5] = (uint8_t)(data[5] | tpgs << 4);
		return;
	}
	if (command->cdb.bytes[2] != 0x83 || !nexus->port)
		return;
	len = 4u + get_be16(data + 2);
	added += put_designator(data + len, 4, nexus->port);
	if (!nexus->hides_group)
		added += put_designator(data + len + added, 5, nexus->group);
	put_be16(data + 2, (uint16_t)(len - 4 + added));
	command->residual -= (uint32_t)added;
}
