// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the decision core costs per I/O: requests go in, a transport that does
 * nothing answers them, requests come out. Run it under callgrind for two
 * counts and divide the difference: see core-cost.sh.
 *
 * usage: core-cost COUNT [PATHS [DEPTH]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static uint8_t block[4096];
static unsigned int done_count;

static void done(struct request *request)
{
	(void)request;
	done_count++;
}

static void submit(struct device *device, struct request *request, unsigned int i)
{
	request->op = i & 1 ? REQUEST_WRITE : REQUEST_READ;
	request->fua = false;
	request->lba = i % 1024;
	request->nblocks = 1;
	request->data = block;
	request->inside = NULL;
	request->done = done;
	device_submit(device, request);
}

/* Answers GOOD without a look at the command. */
static void answer_all(struct fake *fake)
{
	for (unsigned int i = 0; i < fake->count; i++) {
		struct transport *transport = &fake->nexuses[i].transport;

		list_for_each(node, &transport->in_flight) {
			struct command *command = list_entry(node, struct command, node);

			command->delivery = DELIVERY_ANSWERED;
			command->status = 0;
			transport_answered(transport, command);
		}
	}
}

static void burst(struct settings *settings)
{
	settings->path_burst = 16;
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? (unsigned int)atoi(argv[1]) : 10000;
	unsigned int paths = argc > 2 ? (unsigned int)atoi(argv[2]) : 2;
	unsigned int depth = argc > 3 ? (unsigned int)atoi(argv[3]) : 32;
	struct fake_unit *unit = fake_unit_new(1, 1024, 4096);
	static struct fake fake;
	static struct request requests[64];

	if (!paths || paths > 32 || !depth || depth > 64) {
		fprintf(stderr, "usage: core-cost COUNT [PATHS [DEPTH]]\n");
		return 2;
	}
	fake_init(&fake, unit, paths, true, burst);
	for (unsigned int i = 0; i < count; i += depth) {
		for (unsigned int k = 0; k < depth; k++)
			submit(fake.device, &requests[k], i + k);
		mpath_run(&fake.mpath);
		answer_all(&fake);
		mpath_run(&fake.mpath);
	}
	if (done_count < count) {
		fprintf(stderr, "core-cost: %u of %u requests completed\n", done_count, count);
		return 1;
	}
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}
