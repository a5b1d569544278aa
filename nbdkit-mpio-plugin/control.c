// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <string.h>
#include <unistd.h>

#include "device.h"
#include "explain.h"
#include "status.h"

static bool is_called(const struct device *device, const char *name)
{
	return !strcmp(device->name, name) ||
	       (device->dsm && !strcmp(device->unit.identity.text, name));
}

struct device *control_device(struct rpc_call *call)
{
	const struct control *control = call->opaque;
	struct device *device = control->device;
	const char *lun = rpc_text(call, "lun");

	if (lun && !is_called(device, lun)) {
		rpc_refuse(call, RPC_INVALID_PARAMS, "no LUN \"%.128s\" here; there is %s", lun,
			   device->name);
		return NULL;
	}
	mpath_set_now(device->mpath, control->now_us());
	return device;
}

struct path *control_path(struct rpc_call *call, struct device *device)
{
	const char *id = rpc_text(call, "path");

	for (unsigned int i = 0; i < device->npaths; i++)
		if (!strcmp(device->paths[i]->id, id))
			return device->paths[i];
	rpc_refuse(call, RPC_INVALID_PARAMS, "%s: no path \"%.32s\"; there are 0 to %u",
		   device->name, id, device->npaths - 1);
	return NULL;
}

static json_t *list(struct rpc_call *call)
{
	const struct device *device = control_device(call);

	return json_pack("[o]", status_list(device));
}

static json_t *show(struct rpc_call *call)
{
	const struct device *device = control_device(call);

	return device ? status_show(device) : NULL;
}

static json_t *explain(struct rpc_call *call)
{
	struct device *device = control_device(call);
	const struct path *path = NULL;

	if (!device)
		return NULL;
	if (rpc_is_given(call, "path")) {
		path = control_path(call, device);
		if (!path)
			return NULL;
	}
	return explain_device(device, path);
}

/* What was counted until now is the answer to a reset, too: nothing is lost
 * between two of them. */
static json_t *stats(struct rpc_call *call)
{
	struct device *device = control_device(call);
	json_t *result;

	if (!device)
		return NULL;
	result = status_stats(device);
	if (rpc_bool(call, "reset")) {
		device_reset_counters(device);
		mpath_emit(device->mpath, EVENT_ADMIN_CHANGE, device, NULL, NULL,
			   "counters set to zero, by user %u (process %d)",
			   (unsigned int)call->peer->uid, (int)call->peer->pid);
	}
	return result;
}

static json_t *version(struct rpc_call *call)
{
	(void)call;
	return json_pack("{s:s, s:s, s:i}", "program", "nbdkit-mpio", "version", PACKAGE_VERSION,
			 "pid", (int)getpid());
}

static json_t *help(struct rpc_call *call)
{
	(void)call;
	return rpc_describe(control_methods);
}

/*
 * The table. With a parameter that is a change, the call is for those who may
 * change something.
 */

#define LUN { "lun", RPC_TEXT, false, false, "name or WWID; without it, the only one" }
#define END { NULL, RPC_TEXT, false, false, NULL }

static const struct rpc_param lun_params[] = { LUN, END };

static const struct rpc_param explain_params[] = {
	LUN,
	{ "path", RPC_TEXT, false, false, "the path's number; without it, all" },
	END
};

static const struct rpc_param policy_params[] = {
	LUN,
	{ "policy", RPC_TEXT, false, true, "a policy's name, or \"default\" for none of its own" },
	{ "failback", RPC_TEXT, false, true, "immediate, manual, or a time" },
	END
};

static const struct rpc_param path_params[] = {
	LUN,
	{ "path", RPC_TEXT, true, false, "the path's number" },
	{ "action", RPC_TEXT, true, true, "activate, standby, disable, enable, fail, preferred, "
	  "not-preferred or weight" },
	{ "weight", RPC_NUMBER, false, true, "for the action weight: 0 to 4294967295" },
	END
};

static const struct rpc_param timers_params[] = {
	LUN,
	{ "key", RPC_TEXT, false, false, "an option's name" },
	{ "value", RPC_TEXT, false, true, "as in the configuration: 20s, 64, yes" },
	END
};

static const struct rpc_param settings_params[] = {
	LUN,
	{ "settings", RPC_OBJECT, false, true, "what this method has returned, or a part of it" },
	END
};

static const struct rpc_param probe_params[] = {
	LUN,
	{ "path", RPC_TEXT, true, true, "the path's number" },
	{ "timeout_ms", RPC_NUMBER, false, false, "how long to wait, 1 to 60000; else 3000" },
	END
};

static const struct rpc_param stats_params[] = {
	LUN,
	{ "reset", RPC_BOOL, false, true, "whether to set the counters to zero afterwards" },
	END
};

const struct ctl_method control_methods[] = {
	{ "list", "every LUN served here, with its paths' states", list, NULL },
	{ "show", "one LUN in full", show, lun_params },
	{ "explain", "why things are as they are", explain, explain_params },
	{ "stats", "the paths' counters and latencies", stats, stats_params },
	{ "policy", "the policy and those there are; or another one", control_policy,
	  policy_params },
	{ "path", "what the administrator wants of a path", control_path_action, path_params },
	{ "timers", "every timer and limit; or one of them anew", control_timers,
	  timers_params },
	{ "settings", "everything that can be set, as one value; or such a value anew",
	  control_settings_call, settings_params },
	{ "probe", "asks the unit a few things down one path", control_probe, probe_params },
	{ "version", "program, version and process ID", version, NULL },
	{ "help", "this list", help, NULL },
	{ NULL, NULL, NULL, NULL }
};
