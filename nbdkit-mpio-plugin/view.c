// SPDX-License-Identifier: LGPL-2.1-or-later
#include "view.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "bridge.h"
#include "device.h"
#include "engine.h"

#define POLL_MS 20

/* nbdkit's own limit on one read or write. */
#define MAX_REQUEST (64u << 20)
#define MIN_PREFERRED 4096u
#define MAX_PREFERRED (1u << 20)

/* Open views, for view_free_all(). */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct view *first;

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/*
 * nbdkit wants: minimum (our block, 512 to 64 KiB) <= preferred <= maximum,
 * the preferred one a power of two, the maximum a multiple of the minimum.
 */
static void set_block_sizes(struct view *view, const struct unit *unit)
{
	uint64_t physical = (uint64_t)view->block_size << unit->capacity.physical_exponent;
	uint64_t granularity = view->block_size;
	uint64_t preferred = MIN_PREFERRED, maximum = MAX_REQUEST;

	if (unit->has_block_limits) {
		granularity *= vpd_transfer_granularity(&unit->limits);
		maximum = (uint64_t)vpd_max_transfer(&unit->limits) * view->block_size;
	}
	if (is_power_of_two(granularity) && granularity <= MAX_PREFERRED &&
	    granularity > preferred)
		preferred = granularity;
	if (physical <= MAX_PREFERRED && physical > preferred)
		preferred = physical;
	if (view->block_size > preferred)
		preferred = view->block_size;
	if (maximum > MAX_REQUEST)
		maximum = MAX_REQUEST;
	if (maximum < preferred)
		maximum = preferred;
	view->preferred_block = (uint32_t)preferred;
	view->maximum_block = (uint32_t)maximum;
}

static void fill(struct engine *engine, void *opaque)
{
	const struct device *device = engine->device;
	const struct unit *unit = &device->unit;
	struct view *view = opaque;

	if (!device_is_ready(device))
		return;
	view->block_size = device->block_size;
	view->size = device->nblocks * device->block_size;
	view->is_read_only = device->is_read_only;
	view->is_rotational = unit->is_rotational_known && unit->is_rotational;
	view->can_unmap = unit_can_unmap(unit);
	view->zeroes_by_unmap = unit_zeroes_by_unmap(unit);
	view->has_lba_status = unit->capacity.lbpme;
	view->reads_zero_when_unmapped = unit->capacity.lbprz ||
		(unit->has_provisioning && unit->provisioning.lbprz);
	set_block_sizes(view, unit);
	snprintf(view->description, sizeof(view->description), "%s %s serial %s %s, %u path%s",
		 unit->inquiry.vendor, unit->inquiry.product,
		 *unit->serial.text ? unit->serial.text : "-", unit->identity.text,
		 device->npaths, device->npaths == 1 ? "" : "s");
}

struct view *view_new(struct engine *engine, uint64_t wait_ms)
{
	struct view *view = calloc(1, sizeof(*view));

	if (!view) {
		nbdkit_error("malloc: %m");
		return NULL;
	}
	view->engine = engine;
	bridge_look(engine, fill, view);
	for (uint64_t ms = 0; !view->block_size && ms < wait_ms; ms += POLL_MS) {
		/* Ends early where the client has gone, or we are to quit. */
		if (nbdkit_nanosleep(0, POLL_MS * 1000000) < 0)
			break;
		bridge_look(engine, fill, view);
	}
	if (!view->block_size) {
		nbdkit_error("no path is usable; pathctl show says why");
		free(view);
		return NULL;
	}

	pthread_mutex_lock(&lock);
	view->next = first;
	view->link = &first;
	if (first)
		first->link = &view->next;
	first = view;
	pthread_mutex_unlock(&lock);
	return view;
}

void view_free(struct view *view)
{
	pthread_mutex_lock(&lock);
	*view->link = view->next;
	if (view->next)
		view->next->link = view->link;
	pthread_mutex_unlock(&lock);
	free(view);
}

void view_free_all(void)
{
	while (first)
		view_free(first);
}

struct name_check {
	const char *name;
	bool is_ours;
};

static void check_name(struct engine *engine, void *opaque)
{
	const struct device *device = engine->device;
	struct name_check *check = opaque;

	check->is_ours = !strcmp(device->name, check->name) ||
		(device->dsm && !strcmp(device->unit.identity.text, check->name));
}

bool view_name_is_ours(struct engine *engine, const char *name)
{
	struct name_check check = { .name = name };

	if (!*name)
		return true;
	bridge_look(engine, check_name, &check);
	if (!check.is_ours)
		nbdkit_error("there is no export \"%s\"", name);
	return check.is_ours;
}
