// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CONTROL_H
#define MPIO_CONTROL_H

/*
 * What an export answers on its control socket, and what it lets be changed
 * there. control.c has the table of methods and those that only look,
 * control_change.c those that change, control_settings.c the settings as one
 * value, control_probe.c the one whose answer comes later. Loop's thread.
 *
 * A change is whole or not at all; whoever makes it is named in an event for
 * each thing that is another now.
 */

#include "device_settings.h"
#include "rpc.h"

struct device;
struct path;
struct resolver;

/* Before the first call the owner sets the first three, the rest to zero. */
struct control {
	struct device *device;
	/* Where values come from that were not set here; NULL: they are defaults. */
	const struct resolver *resolver;
	/* Microseconds, the core's clock: requests come in before the turn in
	 * which it is set, and it stands where the last one, maybe seconds ago,
	 * has left it. */
	uint64_t (*now_us)(void);
	unsigned int npending;          /* probes under way */
};

/* Ends with a NULL name; each call's OPAQUE is a struct control. */
extern const struct ctl_method control_methods[];

/*
 * Between these files.
 */

/* The device that CALL's "lun" means, all there is without one, and the path of
 * its "path". The core's clock is set. NULL: CALL was refused. */
struct device *control_device(struct rpc_call *call);
struct path *control_path(struct rpc_call *call, struct device *device);

/* Makes WANTED the settings of DEVICE, or refuses CALL. The result: what is
 * another now. */
json_t *control_apply(struct rpc_call *call, struct device *device,
		      const struct device_settings *wanted);

/* Takes back the policy that was chosen for DEVICE: what applies without is put
 * into WANTED. */
void control_default_policy(const struct control *control, const struct device *device,
			    struct device_settings *wanted);

/* The settings of DEVICE as one value; and such a value, or a part of one, put
 * over WANTED: false where CALL was refused. */
json_t *control_settings(const struct device *device);
bool control_settings_read(struct rpc_call *call, const struct device *device,
			   const json_t *value, struct device_settings *wanted);

json_t *control_policy(struct rpc_call *call);
json_t *control_path_action(struct rpc_call *call);
json_t *control_timers(struct rpc_call *call);
json_t *control_settings_call(struct rpc_call *call);
json_t *control_probe(struct rpc_call *call);

#endif
