// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <stdlib.h>

#include "device.h"
#include "probe.h"
#include "put.h"
#include "transport.h"

#define DEFAULT_TIMEOUT_MS 3000
#define MAX_TIMEOUT_MS 60000

/* At a time: they share the sessions' slots with clients' I/O. */
#define MAX_PENDING 8

struct pending {
	struct control *control;
	struct rpc_later *later;
	struct probe *probe;
};

static json_t *write_answer(const struct probe_answer *answer)
{
	json_t *object = json_object();

	put_text(object, "command", answer->command);
	put_text(object, "status", answer->status);
	put(object, "latency_us",
	    answer->status ? json_integer((json_int_t)answer->latency_us) : NULL);
	put_text(object, "text", *answer->text ? answer->text : NULL);
	return object;
}

static json_t *write_probe(const struct probe *probe)
{
	const struct path *path = probe->path;
	const struct device *device = path->device;
	json_t *object = json_object();
	json_t *answers = json_array();

	put_text(object, "name", device->name);
	put_text(object, "path", path->id);
	put_text(object, "portal", path->transport->portal);
	put_text(object, "target", path->transport->target);
	put_text(object, "state", path_state_name(path->state));
	put(object, "good", json_boolean(probe->is_good));
	put_text(object, "wwid", probe->has_identity ? probe->identity.text : NULL);
	for (unsigned int i = 0; i < probe->count; i++)
		json_array_append_new(answers, write_answer(&probe->answers[i]));
	put(object, "answers", answers);
	return object;
}

static void pending_free(struct pending *pending)
{
	pending->control->npending--;
	probe_free(pending->probe);
	free(pending);
}

static void done(struct probe *probe, void *opaque)
{
	struct pending *pending = opaque;

	rpc_answer(pending->later, write_probe(probe), RPC_FAILED, "out of memory");
	pending_free(pending);
}

static void cancelled(void *opaque)
{
	pending_free(opaque);
}

static json_t *begin(struct rpc_call *call, struct path *path, uint64_t timeout_ms)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	if (pending)
		pending->probe = probe_new(path, timeout_ms, done, pending);
	if (!pending || !pending->probe) {
		free(pending);
		return rpc_refuse(call, RPC_FAILED, "probe: out of memory");
	}
	pending->control = call->opaque;
	pending->control->npending++;
	pending->later = call->later;
	rpc_promise(call, cancelled, pending);
	return NULL;
}

json_t *control_probe(struct rpc_call *call)
{
	const struct control *control = call->opaque;
	struct device *device = control_device(call);
	struct path *path = device ? control_path(call, device) : NULL;
	json_int_t timeout_ms = rpc_is_given(call, "timeout_ms") ?
		rpc_number(call, "timeout_ms") : DEFAULT_TIMEOUT_MS;

	if (!path)
		return NULL;
	if (timeout_ms < 1 || timeout_ms > MAX_TIMEOUT_MS)
		return rpc_refuse(call, RPC_INVALID_PARAMS, "probe: timeout_ms %"
				  JSON_INTEGER_FORMAT " is not in the range 1 to %d", timeout_ms,
				  MAX_TIMEOUT_MS);
	if (!call->later)
		return rpc_refuse(call, RPC_INVALID_REQUEST, "probe: its answer comes later, so "
				  "it cannot be part of a batch, or a notification");
	if (path->transport->state != TRANSPORT_UP)
		return rpc_refuse(call, RPC_FAILED, "%s: path %s has no session (%s): %s",
				  device->name, path->id,
				  transport_state_name(path->transport->state),
				  *path->transport->reason ? path->transport->reason
				  : "it was never up");
	if (control->npending >= MAX_PENDING)
		return rpc_refuse(call, RPC_FAILED, "probe: %u are under way already",
				  control->npending);
	return begin(call, path, (uint64_t)timeout_ms);
}
