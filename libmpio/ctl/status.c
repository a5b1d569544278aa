// SPDX-License-Identifier: LGPL-2.1-or-later
#include "status.h"

#include "device.h"
#include "luns.h"
#include "put.h"
#include "transport.h"

static void put_unit(json_t *object, const struct device *device)
{
	const struct unit *unit = &device->unit;

	/* The fields are always there, so that a reader need not ask for them. */
	if (!device_is_ready(device)) {
		static const char *const keys[] = { "wwid", "size", "block_size", "vendor",
						    "product", "serial", "dsm", "access" };

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			put(object, keys[i], json_null());
		return;
	}
	put_text(object, "wwid", unit->identity.text);
	put_number(object, "size", device->nblocks * device->block_size);
	put_number(object, "block_size", device->block_size);
	put_text(object, "vendor", unit->inquiry.vendor);
	put_text(object, "product", unit->inquiry.product);
	put_text(object, "serial", unit->serial.text);
	put_text(object, "dsm", device->dsm->name);
	put_text(object, "access", alua_access_name(device));
}

static json_t *latency(const struct histogram *h)
{
	json_t *object = json_object();

	put_number(object, "p50", histogram_percentile(h, 0.50));
	put_number(object, "p99", histogram_percentile(h, 0.99));
	put_number(object, "p999", histogram_percentile(h, 0.999));
	put_number(object, "max", h->max);
	return object;
}

static void put_figures(json_t *object, const struct path *path, uint64_t now_us)
{
	const struct path_counters *counters = &path->counters;
	json_t *latencies = json_object();

	put_number(object, "in_flight", path->in_flight);
	put_number(object, "in_flight_bytes", path->in_flight_bytes);
	put_number(object, "reads", counters->ops[PATH_OP_READ]);
	put_number(object, "writes", counters->ops[PATH_OP_WRITE]);
	put_number(object, "read_bytes", counters->bytes[PATH_OP_READ]);
	put_number(object, "write_bytes", counters->bytes[PATH_OP_WRITE]);
	put_number(object, "retries", counters->retries);
	put_number(object, "errors", counters->errors);
	put_number(object, "failures", counters->failures);
	put_text(object, "last_error", path->last_error_us ? path->last_error : NULL);
	put_time(object, "last_error_time", now_us, path->last_error_us);
	put(latencies, "read", latency(&path->latency[PATH_OP_READ]));
	put(latencies, "write", latency(&path->latency[PATH_OP_WRITE]));
	put(object, "latency_us", latencies);
}

static json_t *show_path(const struct path *path, uint64_t now_us, bool with_figures)
{
	json_t *object = json_object();
	int lun = lun_to_number(path->lun);

	put_text(object, "id", path->id);
	put_text(object, "portal", path->transport->portal);
	put_text(object, "target", path->transport->target);
	put(object, "lun", lun < 0 ? json_null() : json_integer(lun));
	put_text(object, "state", path_state_name(path->state));
	put_time(object, "since", now_us, path->since_us);
	/* Null where the unit has no target port groups. */
	put_text(object, "alua_state",
		 path->has_tpg ? path_state_name(path->array_state) : NULL);
	put(object, "tpg", path->has_tpg ? json_integer(path->tpg) : json_null());
	put(object, "preferred", json_boolean(path_is_preferred(path)));
	put_number(object, "weight", path->settings.weight);
	if (with_figures)
		put_figures(object, path, now_us);
	return object;
}

static json_t *show(const struct device *device, bool with_figures)
{
	json_t *object = json_object();
	json_t *paths = json_array();

	put_text(object, "name", device->name);
	put_unit(object, device);
	put_text(object, "policy", device->policy ? device->policy->name : NULL);
	put_text(object, "policy_source", device->policy_source);
	put_text(object, "state", device_state_name(device->state));
	put_text(object, "fence", "none");
	put_number(object, "usable_paths", device_usable_paths(device));
	for (size_t i = 0; i < device->npaths; i++)
		json_array_append_new(paths, show_path(device->paths[i], device->mpath->now_us,
						       with_figures));
	put(object, "paths", paths);
	put_number(object, "failovers", device->failovers);
	put_number(object, "hedges", 0);
	put_number(object, "quarantined_bytes", 0);
	return object;
}

json_t *status_show(const struct device *device)
{
	return show(device, true);
}

json_t *status_list(const struct device *device)
{
	return show(device, false);
}

json_t *status_stats(const struct device *device)
{
	uint64_t now_us = device->mpath->now_us;
	json_t *object = json_object();
	json_t *paths = json_array();

	put_text(object, "name", device->name);
	put_time(object, "since", now_us, device->counted_since_us);
	put_number(object, "failovers", device->failovers);
	for (unsigned int i = 0; i < device->npaths; i++) {
		json_t *path = json_object();

		put_text(path, "id", device->paths[i]->id);
		put_figures(path, device->paths[i], now_us);
		json_array_append_new(paths, path);
	}
	put(object, "paths", paths);
	return object;
}
