// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the decision core costs per I/O: requests go in, a transport that does
 * nothing answers them, requests come out. Run it under callgrind for two
 * counts and divide the difference: see core-cost.sh.
 *
 * usage: core-cost COUNT [PATHS [DEPTH [POLICY [MAP OTHERS]]]]
 *
 * With MAP, a file to be made, every nexus has its row in the load map, and
 * OTHERS more are in each row.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "load.h"

#define MOST_OTHERS 8

static const char *policy = "round-robin";
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

static void tune(struct settings *settings)
{
	snprintf(settings->policy, sizeof settings->policy, "%s", policy);
	settings->path_burst = 16;
}

/* Others who have nothing in flight: what they have is read all the same. */
static void join_map(struct fake *fake, const char *map, unsigned int others)
{
	static struct transport strangers[32][MOST_OTHERS];
	char error[256];

	for (unsigned int i = 0; i < fake->count; i++) {
		struct transport *transport = &fake->nexuses[i].transport;

		for (unsigned int k = 0; k < others; k++) {
			transport_init(&strangers[i][k], &fake->mpath, NULL, transport->portal,
				       transport->target, &transport->timers, 1);
			if (load_join(&strangers[i][k], map, error, sizeof error) < 0)
				goto failed;
		}
		if (load_join(transport, map, error, sizeof error) < 0)
			goto failed;
	}
	return;

failed:
	fprintf(stderr, "core-cost: %s\n", error);
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned int count = argc > 1 ? (unsigned int)atoi(argv[1]) : 10000;
	unsigned int paths = argc > 2 ? (unsigned int)atoi(argv[2]) : 2;
	unsigned int depth = argc > 3 ? (unsigned int)atoi(argv[3]) : 32;
	unsigned int others = argc > 6 ? (unsigned int)atoi(argv[6]) : 0;
	struct fake_unit *unit = fake_unit_new(1, 1024, 4096);
	static struct fake fake;
	static struct request requests[64];

	if (argc > 4)
		policy = argv[4];
	if (!paths || paths > 32 || !depth || depth > 64 || !policy_find(policy) ||
	    others > MOST_OTHERS) {
		fprintf(stderr, "usage: core-cost COUNT [PATHS [DEPTH [POLICY [MAP OTHERS]]]]\n");
		return 2;
	}
	fake_init(&fake, unit, paths, true, tune);
	if (argc > 5)
		join_map(&fake, argv[5], others);
	for (unsigned int i = 0; i < count; i += depth) {
		for (unsigned int k = 0; k < depth; k++)
			submit(fake.device, &requests[k], i + k);
		mpath_run(&fake.mpath);
		mpath_set_now(&fake.mpath, fake.mpath.now_us + 100);
		answer_all(&fake);
		mpath_run(&fake.mpath);
	}
	if (done_count < count) {
		fprintf(stderr, "core-cost: %u of %u requests completed\n", done_count, count);
		return 1;
	}
	for (unsigned int i = 0; i < fake.count; i++)
		load_leave(&fake.nexuses[i].transport);
	if (!others)
		fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}
