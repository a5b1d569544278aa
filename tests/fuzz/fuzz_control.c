// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls of the control socket's own methods, on a device over the scripted
 * array that does I/O meanwhile. Whatever is asked for, its settings stay whole,
 * its requests complete, and who may only look changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fake.h"
#include "fuzz.h"
#include "options.h"

#define PATHS 3
#define REQUESTS 4

static struct fake fake;
static struct control control;

static uint64_t now_us(void)
{
	return fake.mpath.now_us;
}

static void ready(struct rpc_later *later, char *line, size_t len)
{
	(void)later;
	MUST(line && line[len - 1] == '\n');
	free(line);
}

static void call(const struct peer *peer, const char *line, size_t len)
{
	struct rpc_later later = { .ready = ready };
	size_t answer_len = 0;
	char *answer = rpc_serve(control_methods, &control, peer, &later, line, len, &answer_len);

	MUST(!answer || answer[answer_len - 1] == '\n');
	MUST(!answer || !later.is_promised);
	free(answer);
	fake_serve(&fake);
	rpc_cancel(&later);
}

static void check_settings(const struct device_settings *settings)
{
	unsigned int preferred = 0, active = 0;

	for (unsigned int i = 0; i < PATHS; i++) {
		preferred += settings->paths[i].is_preferred;
		active += !settings->paths[i].is_standby && !settings->paths[i].is_disabled;
	}
	MUST(preferred <= 1);
	MUST(active > 0);
	MUST(device_usable_paths(fake.device) > 0);
	MUST(settings->settings.queue_depth >= 1 && settings->settings.queue_depth <= 128);
}

static bool is_same(const struct device_settings *a, const struct device_settings *b)
{
	for (unsigned int i = 0; i < PATHS; i++)
		if (a->paths[i].weight != b->paths[i].weight ||
		    a->paths[i].is_standby != b->paths[i].is_standby ||
		    a->paths[i].is_preferred != b->paths[i].is_preferred ||
		    a->paths[i].is_disabled != b->paths[i].is_disabled)
			return false;
	return !strcmp(a->settings.policy, b->settings.policy) &&
	       a->settings.retry_count == b->settings.retry_count &&
	       a->settings.no_path_timeout_ms == b->settings.no_path_timeout_ms;
}

static void serve(const char *line, size_t len)
{
	static const struct peer guest = { .uid = 65534 }, root = { .may_change = true };
	static uint8_t blocks[REQUESTS][512];
	struct fake_request requests[REQUESTS];
	struct device_settings before, after;

	device_get_settings(fake.device, &before);
	call(&guest, line, len);
	device_get_settings(fake.device, &after);
	MUST(is_same(&before, &after));

	for (unsigned int i = 0; i < REQUESTS; i++)
		fake_submit(&fake, &requests[i], i % 2 ? REQUEST_READ : REQUEST_WRITE, i, 1,
			    blocks[i]);
	call(&root, line, len);
	device_get_settings(fake.device, &after);
	check_settings(&after);
	for (unsigned int i = 0; i < REQUESTS; i++)
		MUST(requests[i].completions == 1 && !requests[i].request.error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_unit *unit = fake_unit_new(1, 64, 512);

	fake_init(&fake, unit, PATHS, true, settings_init);
	control = (struct control) { .device = fake.device, .now_us = now_us };
	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		serve((const char *)data, len);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	fake_done(&fake);
	fake_unit_free(unit);
	MUST(control.npending == 0);
	return 0;
}
