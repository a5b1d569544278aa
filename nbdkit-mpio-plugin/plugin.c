// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * nbdkit's view of us: parameters, start and end, and what a client is told
 * when it connects. Data callbacks are in serve.c and extents.c.
 *
 * Sessions are set up in get_ready, while errors still reach whoever started
 * us. nbdkit may fork before after_fork, and neither a session nor a loop can
 * belong to two processes: right before such a fork the engine is freed, and
 * built again after it. In the foreground it is just kept.
 *
 * nbdkit waits for running callbacks for ever, and for clients that idle. So a
 * watcher sleeps in nbdkit_nanosleep(), which returns as soon as nbdkit is told
 * to quit, ends whatever waits, and hangs up on the clients.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "bridge.h"
#include "clients.h"
#include "device.h"
#include "discover.h"
#include "engine.h"
#include "serve.h"
#include "log.h"
#include "modules.h"
#include "mpio-dsm.h"
#include "options.h"
#include "parameters.h"
#include "report.h"
#include "seat.h"
#include "view.h"

/* Any time will do; nbdkit does not take one near INT_MAX. */
#define WATCH_SECONDS 86400

/* Between two looks for clients that are still there, and how long they have
 * to read their answers. */
#define HANG_UP_MS 50
#define PATIENCE_MS 2000

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static struct parameters parameters;
static struct seat seat;
static bool has_seat;
static struct engine *engine;
static struct identity identity;        /* what get_ready found */
static bool may_fork;                   /* between get_ready and after_fork */
static pthread_t watcher;
static bool has_watcher;
static atomic_bool is_over;             /* the clients have gone */

static char help[8192];

static void mpio_load(void)
{
	log_set_sink(report_message, LOG_LEVEL_DEBUG);
	parameters_init(&parameters);
}

static void mpio_unload(void)
{
	parameters_done(&parameters);
}

static int mpio_config(const char *key, const char *value)
{
	return parameters_set(&parameters, key, value);
}

static int mpio_config_complete(void)
{
	return parameters_check(&parameters);
}

static void take_seat(void)
{
	char name[256], error[512];

	parameters_export_name(&parameters, name, sizeof(name));
	has_seat = true;
	if (seat_take(&seat, parameters.runtime_dir, name, error, sizeof(error)) < 0)
		log_warning("export %s: no runtime directory (%s): pathctl will not see this "
			    "export, and its sessions are not taken over after a restart; "
			    "see runtime-dir=", seat.name, error);
}

static void leave_seat(void)
{
	if (has_seat)
		seat_leave(&seat);
	has_seat = false;
}

static void before_fork(void)
{
	if (!may_fork)
		return;
	engine_free(engine);
	engine = NULL;
}

static int bring_up(void)
{
	char why[8192];

	engine = engine_new(&parameters, &seat);
	if (!engine)
		return -1;
	if (engine_wait(engine)) {
		identity = engine->device->unit.identity;
		return 0;
	}
	engine_explain(engine, why, sizeof(why));
	nbdkit_error("export %s: none of %zu path%s is usable: %s", seat.name,
		     parameters.npaths, parameters.npaths == 1 ? "" : "s", why);
	engine_free(engine);
	engine = NULL;
	return -1;
}

static int mpio_get_ready(void)
{
	int error = pthread_atfork(before_fork, NULL, NULL);

	if (error) {
		nbdkit_error("pthread_atfork: %s", strerror(error));
		return -1;
	}
	if (!parameters.npaths && discover_paths(&parameters) < 0)
		return -1;
	take_seat();
	if (bring_up() < 0) {
		leave_seat();
		return -1;
	}
	may_fork = true;
	return 0;
}

/* That no path is usable now, when one was a moment ago, is no reason to give
 * up: clients that connect wait for one. But it must be the same unit. */
static int bring_up_again(void)
{
	engine = engine_new(&parameters, &seat);
	if (!engine)
		return -1;
	device_expect(engine->device, &identity);
	return 0;
}

/* Every request has been answered long before the patience is over: whoever
 * has not read its answers by then would keep nbdkit, and us, for ever. */
static void end_clients(void)
{
	const struct timespec pause = { .tv_nsec = HANG_UP_MS * 1000000 };

	for (unsigned int ms = 0; !atomic_load(&is_over); ms += HANG_UP_MS) {
		if (ms >= PATIENCE_MS) {
			log_warning("export %s: a client does not read its answers: "
				    "ending without it", seat.name);
			leave_seat();
			_exit(EXIT_SUCCESS);
		}
		clients_hang_up();
		nanosleep(&pause, NULL);        /* nbdkit's own returns at once now */
	}
}

static void *watch(void *opaque)
{
	while (nbdkit_nanosleep(WATCH_SECONDS, 0) == 0)
		;
	engine_post_stop(opaque);
	end_clients();
	return NULL;
}

static int start_watcher(void)
{
	sigset_t all, old;
	int error;

	/* Signals are for nbdkit's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&watcher, NULL, watch, engine);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	has_watcher = error == 0;
	return -error;
}

static int mpio_after_fork(void)
{
	bool is_new = !engine;
	int error;

	may_fork = false;
	clients_note_listeners();
	if (is_new && bring_up_again() < 0)
		return -1;
	engine_serve_control(engine, &seat);
	error = start_watcher();
	if (error == 0 && is_new && !engine_wait(engine))
		log_warning("export %s: no path is usable yet", seat.name);
	if (error == 0)
		error = engine_start(engine);
	if (error < 0) {
		nbdkit_error("cannot start a thread: %s", strerror(-error));
		return -1;
	}
	return 0;
}

static void mpio_cleanup(void)
{
	/* Wakes the watcher, whatever the reason we end for. */
	nbdkit_shutdown();
	atomic_store(&is_over, true);
	if (has_watcher)
		pthread_join(watcher, NULL);
	has_watcher = false;
	engine_free(engine);
	engine = NULL;
	view_free_all();
	leave_seat();
}

static void *mpio_open(int readonly)
{
	const char *name = nbdkit_export_name();

	(void)readonly;
	if (name && !view_name_is_ours(engine, name))
		return NULL;
	return view_new(engine, parameters.settings.no_path_timeout_ms);
}

static void mpio_close(void *handle)
{
	view_free(handle);
}

static int mpio_list_exports(int readonly, int is_tls, struct nbdkit_exports *exports)
{
	(void)readonly;
	(void)is_tls;
	return nbdkit_add_export(exports, seat.name, NULL);
}

static const char *mpio_default_export(int readonly, int is_tls)
{
	(void)readonly;
	(void)is_tls;
	return seat.name;
}

static const char *mpio_export_description(void *handle)
{
	const struct view *view = handle;

	return view->description;
}

static int64_t mpio_get_size(void *handle)
{
	const struct view *view = handle;

	return (int64_t)view->size;
}

static int mpio_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
			   uint32_t *maximum)
{
	const struct view *view = handle;

	*minimum = view->block_size;
	*preferred = view->preferred_block;
	*maximum = view->maximum_block;
	return 0;
}

static int mpio_can_write(void *handle)
{
	const struct view *view = handle;

	return !view->is_read_only;
}

static int mpio_is_rotational(void *handle)
{
	const struct view *view = handle;

	return view->is_rotational;
}

static int mpio_can_trim(void *handle)
{
	const struct view *view = handle;

	return view->can_unmap;
}

static int mpio_can_extents(void *handle)
{
	const struct view *view = handle;

	return view->has_lba_status;
}

static int mpio_yes(void *handle)
{
	(void)handle;
	return 1;
}

static int mpio_can_fua(void *handle)
{
	(void)handle;
	return NBDKIT_FUA_NATIVE;
}

static int mpio_can_cache(void *handle)
{
	(void)handle;
	return NBDKIT_CACHE_NATIVE;
}

/* The modules that are there by default, in the order in which they are asked. */
static void dump_modules(void)
{
	struct modules *modules = parameters_load_modules(NULL);
	const struct dsm_ops *const *dsms;
	size_t count;

	printf("mpio_dsm_api_version=%d\n", MPIO_DSM_API_VERSION);
	printf("mpio_dsm_path=" DSM_PATH "\n");
	if (!modules)
		return;
	dsms = modules_dsms(modules, &count);
	printf("mpio_dsms=");
	for (size_t i = 0; i < count; i++)
		printf("%s ", dsms[i]->name);
	printf("%s\n", dsm_generic.name);
	modules_free(modules);
}

static void mpio_dump_plugin(void)
{
	size_t count;
	const struct option *options = options_all(&count);
	const struct policy_ops *const *policy;
	struct settings settings;

	printf("mpio_version=" PACKAGE_VERSION "\n");
	printf("mpio_libiscsi_version=" LIBISCSI_VERSION "\n");
	printf("mpio_libuv_version=%s\n", uv_version_string());
	printf("mpio_max_paths=%d\n", MPIO_MAX_PATHS);
	printf("mpio_policies=");
	for (policy = policy_all(); *policy; policy++)
		printf("%s%s", policy == policy_all() ? "" : " ", (*policy)->name);
	printf("\n");
	dump_modules();
	settings_init(&settings);
	for (size_t i = 0; i < count; i++) {
		char value[64];

		option_format(&settings, &options[i], value, sizeof(value));
		printf("mpio_default_%s=%s\n", options[i].name, value);
	}
}

static struct nbdkit_plugin plugin = {
	.name = "mpio",
	.longname = "nbdkit multipath iSCSI plugin",
	.version = PACKAGE_VERSION,
	.description = "one iSCSI logical unit over several paths",
	.load = mpio_load,
	.unload = mpio_unload,
	.config = mpio_config,
	.config_complete = mpio_config_complete,
	.config_help = help,
	.magic_config_key = "path",
	.dump_plugin = mpio_dump_plugin,
	.get_ready = mpio_get_ready,
	.after_fork = mpio_after_fork,
	.cleanup = mpio_cleanup,
	.list_exports = mpio_list_exports,
	.default_export = mpio_default_export,
	.open = mpio_open,
	.close = mpio_close,
	.export_description = mpio_export_description,
	.get_size = mpio_get_size,
	.block_size = mpio_block_size,
	.can_write = mpio_can_write,
	.can_flush = mpio_yes,
	.is_rotational = mpio_is_rotational,
	.can_trim = mpio_can_trim,
	.can_zero = mpio_yes,
	.can_fast_zero = mpio_yes,
	.can_fua = mpio_can_fua,
	.can_multi_conn = mpio_yes,
	.can_extents = mpio_can_extents,
	.can_cache = mpio_can_cache,
	.pread = serve_pread,
	.pwrite = serve_pwrite,
	.flush = serve_flush,
	.trim = serve_trim,
	.zero = serve_zero,
	.cache = serve_cache,
	.extents = serve_extents,
};

/* nbdkit copies the struct before it calls .load. */
__attribute__((constructor)) static void fill_in_help(void)
{
	parameters_help(help, sizeof(help));
}

/* The macro defines it without. */
struct nbdkit_plugin *plugin_init(void);

NBDKIT_REGISTER_PLUGIN(plugin)
