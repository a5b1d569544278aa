// SPDX-License-Identifier: LGPL-2.1-or-later
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "device.h"
#include "device_settings.h"
#include "initiator.h"
#include "load.h"
#include "log.h"
#include "luns.h"
#include "modules.h"
#include "nexus.h"
#include "parameters.h"
#include "pump.h"
#include "report.h"
#include "seat.h"
#include "server.h"
#include "transport.h"

/* Once a path is usable, the others get this long to join before we go on. */
#define GRACE_MS 300

/* A URL's own CHAP name goes before all others. */
static void set_secrets(struct nexus_settings *settings, const struct parameters *parameters,
			const struct iscsi_url_parts *path)
{
	struct config_chap chap = parameters_chap(parameters, &path->portal, path->target);

	settings->user = *path->user ? path->user : chap.user;
	settings->password = *path->user ? path->password : chap.password;
	settings->target_user = chap.target_user;
	settings->target_password = chap.target_password;
}

/*
 * Equal seeds make two processes throw each other's sessions out. Where the
 * seat's lock cannot rule a second process out, the seed is random: then a
 * restarted process does not reinstate its predecessor's sessions.
 */
static uint64_t isid_seed(const struct parameters *parameters, const struct seat *seat,
			  size_t index)
{
	const struct iscsi_url_parts *path = &parameters->paths[index];
	char host[256], place[4096 + 256], portal[96];
	uint64_t seed;

	if (!seat_is_locked(seat) && getrandom(&seed, sizeof(seed), 0) == sizeof(seed))
		return seed;
	initiator_host_identity(host, sizeof(host));
	snprintf(place, sizeof(place), "%s %s", host, seat->directory ? seat->directory : "");
	portal_format(&path->portal, portal, sizeof(portal));
	return nexus_isid_seed(parameters->initiator, place, seat->name, portal, path->target,
			       (unsigned int)index);
}

/* LUNs of one portal and target share a session, if they log in alike. */
static bool share_a_nexus(const struct iscsi_url_parts *a, const struct iscsi_url_parts *b)
{
	return !strcmp(a->portal.host, b->portal.host) && a->portal.port == b->portal.port &&
	       !strcmp(a->target, b->target) && !strcmp(a->user, b->user) &&
	       !strcmp(a->password, b->password);
}

static struct transport *nexus_for(struct engine *engine, const struct seat *seat, size_t index)
{
	const struct parameters *parameters = engine->parameters;
	const struct iscsi_url_parts *path = &parameters->paths[index];
	struct nexus_settings settings = {
		.initiator = parameters->initiator,
		.target = path->target,
		.portal = path->portal,
		.queue_depth = (unsigned int)parameters->settings.queue_depth,
	};
	struct transport *nexus;

	for (size_t i = 0; i < index; i++)
		if (share_a_nexus(&parameters->paths[i], path))
			return engine->device->paths[i]->transport;

	settings.timers = transport_timers_of(&parameters->settings);
	set_secrets(&settings, parameters, path);
	settings.isid_seed = isid_seed(parameters, seat, index);
	nexus = nexus_new(engine->pump, &settings);
	if (nexus)
		engine->nexuses[engine->nnexuses++] = nexus;
	return nexus;
}

static int add_paths(struct engine *engine, const struct seat *seat)
{
	const struct parameters *parameters = engine->parameters;

	for (size_t i = 0; i < parameters->npaths; i++) {
		struct transport *nexus = nexus_for(engine, seat, i);
		struct path *path;
		uint64_t lun;
		int error;

		if (!nexus)
			return -ENOMEM;
		error = lun_from_number(parameters->paths[i].lun, &lun);
		if (error == 0)
			error = device_add_path(engine->device, nexus, lun,
						&parameters->paths[i].path, &path);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Without the map, policies know what this process alone has in flight. */
static void join_load_map(struct engine *engine, const struct seat *seat)
{
	char error[4096 + 128], *path;

	if (!seat->directory ||
	    asprintf(&path, "%s/load", engine->parameters->runtime_dir) < 0)
		return;
	for (size_t i = 0; i < engine->nnexuses; i++) {
		if (load_join(engine->nexuses[i], path, error, sizeof(error)) == 0)
			continue;
		log_warning("export %s: no part in the load map (%s): what other exports have "
			    "in flight does not count", seat->name, error);
		break;
	}
	free(path);
}

static int build(struct engine *engine, const struct seat *seat)
{
	const struct dsm_ops *const *dsms;
	size_t ndsms;
	int error;

	engine->loop = loop_new();
	if (!engine->loop)
		return -errno;
	engine->pump = pump_new(engine->loop);
	if (!engine->pump)
		return -ENOMEM;
	mpath_set_listener(pump_mpath(engine->pump), report_event, engine);
	dsms = modules_dsms(engine->parameters->modules, &ndsms);
	mpath_set_dsms(pump_mpath(engine->pump), dsms, ndsms);
	mpath_set_dsm_choice(pump_mpath(engine->pump), resolve_dsm,
			     (void *)&engine->parameters->resolver);
	engine->device = device_new(pump_mpath(engine->pump), seat->name,
				    &engine->parameters->settings);
	if (!engine->device)
		return -errno;
	/* Until the unit is known, its hardware is not. */
	device_set_resolver(engine->device, resolve_device,
			    (void *)&engine->parameters->resolver);
	if (engine->parameters->wwid.kind != IDENTITY_NONE)
		device_expect(engine->device, &engine->parameters->wwid);
	error = add_paths(engine, seat);
	if (error == 0)
		join_load_map(engine, seat);
	return error;
}

struct engine *engine_new(const struct parameters *parameters, const struct seat *seat)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int error = -ENOMEM;

	if (engine) {
		engine->parameters = parameters;
		error = build(engine, seat);
	}
	if (error < 0) {
		nbdkit_error("cannot set up export %s: %s", seat->name, strerror(-error));
		engine_free(engine);
		return NULL;
	}
	return engine;
}

void engine_free(struct engine *engine)
{
	if (!engine)
		return;
	if (engine->is_started)
		loop_stop(engine->loop);
	engine->is_stopping = true;
	ctl_server_free(engine->server);
	device_free(engine->device);
	for (size_t i = 0; i < engine->nnexuses; i++) {
		load_leave(engine->nexuses[i]);
		nexus_free(engine->nexuses[i]);
	}
	pump_free(engine->pump);
	loop_free(engine->loop);
	free(engine);
}

static bool has_path(void *opaque)
{
	const struct engine *engine = opaque;

	return engine->is_stopping ||
	       (device_is_ready(engine->device) && device_usable_paths(engine->device) > 0);
}

static bool has_all_paths(void *opaque)
{
	const struct engine *engine = opaque;

	return engine->is_stopping || device_is_settled(engine->device);
}

bool engine_wait(struct engine *engine)
{
	const struct settings *settings = &engine->parameters->settings;
	uint64_t timeout_ms = settings->no_path_timeout_ms;

	/* It fails I/O at once, but a path needs time to come up. */
	if (timeout_ms == 0)
		timeout_ms = settings->connect_timeout_ms;
	for (size_t i = 0; i < engine->nnexuses; i++)
		transport_start(engine->nexuses[i]);
	if (!loop_run_until(engine->loop, has_path, engine, timeout_ms) || engine->is_stopping)
		return false;
	loop_run_until(engine->loop, has_all_paths, engine, GRACE_MS);
	engine->is_announced = true;
	return has_path(engine) && !engine->is_stopping;
}

void engine_explain(const struct engine *engine, char *text, size_t len)
{
	device_explain_paths(engine->device, text, len);
}

static uint64_t now_us(void)
{
	return uv_hrtime() / 1000;
}

void engine_serve_control(struct engine *engine, const struct seat *seat)
{
	char *path;

	if (!seat->directory || !engine->parameters->control)
		return;
	path = seat_socket_path(seat);
	engine->control.device = engine->device;
	engine->control.resolver = &engine->parameters->resolver;
	engine->control.now_us = now_us;
	if (path)
		engine->server = ctl_server_new(engine->loop, path, control_methods,
						&engine->control);
	if (!engine->server)
		log_warning("export %s: no control socket %s: %m; pathctl will not see this export",
			    seat->name, path ? path : "");
	free(path);
}

int engine_start(struct engine *engine)
{
	int error = loop_start(engine->loop, "mpio");

	engine->is_started = error == 0;
	return error;
}

static void stop(struct loop_message *message)
{
	struct engine *engine = (struct engine *)((char *)message - offsetof(struct engine, stop));

	engine->is_stopping = true;
	device_stop(engine->device);
}

void engine_post_stop(struct engine *engine)
{
	engine->stop.run = stop;
	loop_post(engine->loop, &engine->stop);
}
