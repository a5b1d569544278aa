// SPDX-License-Identifier: LGPL-2.1-or-later
#include "alua_array.h"

struct fake fake;
struct fake_unit *unit;
uint8_t block[512];

void prepare(unsigned int paths, uint8_t tpgs, unsigned int groups, uint8_t others,
	     void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, paths, false, tune);
	fake_alua_init(&fake, unit, tpgs, groups, others);
}

void start(void)
{
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
}

void setup(unsigned int paths, uint8_t tpgs, unsigned int groups, uint8_t others)
{
	prepare(paths, tpgs, groups, others, NULL);
	start();
}

int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

const struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

void lose(unsigned int i)
{
	fake.nexuses[i].refuses = true;
	fake_break(&fake, i, "gone");
}
