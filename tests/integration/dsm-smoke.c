// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two units in one process, each with the module that claims it:
 *
 *   dsm-smoke MODULES PORTAL TARGET PORTAL TARGET
 *
 * loads what is in MODULES, makes a device of LUN 1 of each target, prints
 * which module it got, and writes a block of 01h to the first and one of 02h to
 * the second.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "loop.h"
#include "luns.h"
#include "modules.h"
#include "nexus.h"
#include "options.h"
#include "pump.h"
#include "transport.h"
#include "url.h"

#define BLOCK 512

static struct loop *loop;
static struct pump *pump;
static struct modules *modules;

struct side {
	const char *name;
	struct transport *nexus;
	struct device *device;
	struct request request;
	unsigned char block[BLOCK];
	bool is_done;
	struct loop_message message;
};

static void fail(const char *what)
{
	fprintf(stderr, "dsm-smoke: %s\n", what);
	exit(1);
}

static void refused(void *opaque, const char *file, const char *reason)
{
	(void)opaque;
	fprintf(stderr, "dsm-smoke: %s: %s\n", file, reason);
}

static bool is_ready(void *opaque)
{
	const struct side *side = opaque;

	return device_is_ready(side->device) && device_usable_paths(side->device) > 0;
}

static bool is_written(void *opaque)
{
	const struct side *side = opaque;

	return side->is_done;
}

static void done(struct request *request)
{
	list_entry(request, struct side, request)->is_done = true;
}

static void set_up(struct side *side, const char *portal, const char *target)
{
	static const struct path_settings plain;
	struct nexus_settings nexus = {
		.initiator = "iqn.2026-11.org.example:dsm-smoke",
		.target = target,
		.timers = {
			.connect_timeout_us = 3000000, .login_timeout_us = 3000000,
			.probe_interval_us = 1000000, .probe_timeout_us = 1000000,
			.io_timeout_us = 30000000, .backoff_min_us = 100000,
			.backoff_max_us = 2000000,
		},
		.queue_depth = 8,
	};
	struct settings settings;
	char error[128];
	uint64_t lun;

	settings_init(&settings);
	if (portal_parse(portal, &nexus.portal, error, sizeof error) < 0)
		fail(error);
	nexus.isid_seed = nexus_isid_seed(nexus.initiator, "host", side->name, portal, target, 0);
	side->nexus = nexus_new(pump, &nexus);
	side->device = device_new(pump_mpath(pump), side->name, &settings);
	if (!side->nexus || !side->device || lun_from_number(1, &lun) < 0 ||
	    device_add_path(side->device, side->nexus, lun, &plain, NULL) < 0)
		fail("no device");
	transport_start(side->nexus);
}

static void write_block(struct loop_message *message)
{
	struct side *side = list_entry(message, struct side, message);

	device_submit(side->device, &side->request);
}

static void work(struct side *side, int byte)
{
	if (!loop_run_until(loop, is_ready, side, 10000))
		fail("no usable path");
	printf("%s: %s, DSM %s\n", side->name, side->device->unit.inquiry.vendor,
	       side->device->dsm->name);
	memset(side->block, byte, BLOCK);
	side->request = (struct request) {
		.op = REQUEST_WRITE, .nblocks = 1, .data = side->block, .done = done,
	};
	side->message.run = write_block;
	loop_post(loop, &side->message);
	if (!loop_run_until(loop, is_written, side, 10000) || side->request.error)
		fail("not written");
}

int main(int argc, char **argv)
{
	static struct side sides[2] = { { .name = "first" }, { .name = "second" } };
	const struct dsm_ops *const *dsms;
	char error[256];
	size_t count;

	if (argc != 6)
		return 2;
	modules = modules_new();
	if (!modules || modules_load(modules, argv[1], refused, NULL, error, sizeof error) < 0)
		fail("no modules");
	loop = loop_new();
	pump = pump_new(loop);
	dsms = modules_dsms(modules, &count);
	mpath_set_dsms(pump_mpath(pump), dsms, count);
	for (int i = 0; i < 2; i++)
		set_up(&sides[i], argv[2 + 2 * i], argv[3 + 2 * i]);
	for (int i = 0; i < 2; i++)
		work(&sides[i], i + 1);
	for (int i = 0; i < 2; i++) {
		device_free(sides[i].device);
		nexus_free(sides[i].nexus);
	}
	pump_free(pump);
	loop_free(loop);
	modules_free(modules);
	return 0;
}
