// SPDX-License-Identifier: LGPL-2.1-or-later
/* REPORT TARGET PORT GROUPS, in both formats. */
#include "fuzz.h"
#include "port_groups.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_groups it;
	struct port_group group;
	size_t used = 4;
	int r = port_groups_init(&it, data, size);

	if (r == 0 && it.extended)
		used = 8;
	while (r == 0 && (r = port_groups_next(&it, &group)) == 1) {
		MUST(group.state <= 0xf);
		MUST(port_group_state_name(group.state) != NULL);
		MUST(group.ports == data + used + 8);
		used += 8 + 4 * (size_t)group.nports;
		MUST(used <= size);
		if (group.nports) {
			const uint8_t *port = group.ports + 4 * (group.nports - 1u);

			MUST(port_group_has_port(&group, (uint16_t)(port[2] << 8 | port[3])));
		} else {
			MUST(!port_group_has_port(&group, group.id));
		}
		r = 0;
	}
	/* An iteration that failed stays at its end. */
	MUST(r == 0 || port_groups_next(&it, &group) == 0);
	return 0;
}
