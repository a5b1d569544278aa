// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rack.h"

#include <assert.h>
#include <stdio.h>

struct fake fake;
struct fake_request requests[64];
uint64_t burst = 1;

static struct fake_unit *unit;
static uint8_t block[1 << 20];
static const char *policy_name;

static void tune(struct settings *settings)
{
	snprintf(settings->policy, sizeof settings->policy, "%s", policy_name);
	settings->path_burst = burst;
}

void rack_init(const char *policy, unsigned int paths)
{
	policy_name = policy;
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, paths, true, tune);
	for (unsigned int i = 0; i < paths; i++)
		assert(path(i)->state == PATH_ACTIVE_OPTIMIZED);
}

void rack_done(void)
{
	fake_done(&fake);
	fake_unit_free(unit);
	burst = 1;
}

struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

unsigned int in_flight(unsigned int i)
{
	return path(i)->in_flight;
}

uint64_t served(unsigned int i)
{
	return fake.nexuses[i].served;
}

void submit(unsigned int n, uint64_t nblocks)
{
	fake_submit(&fake, &requests[n], REQUEST_READ, n, nblocks, block);
}

void later(uint64_t us)
{
	mpath_set_now(&fake.mpath, fake.mpath.now_us + us);
}

void read_some(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		submit(0, 1);
		fake_serve(&fake);
		assert(requests[0].completions == 1 && !requests[0].request.error);
		later(100);
	}
}
