// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_ACTIVATION_H
#define MPIO_ACTIVATION_H

/*
 * A module's own way of making a path active, for arrays that have one instead
 * of ALUA's: where a device whose module can activate() has no active path, the
 * module's command is sent down the best of the others, one at a time, and all
 * paths are verified again when it was answered. Other hosts may want it
 * otherwise: attempts follow each other ever more slowly. Embedded in its
 * device.
 */

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "dsm.h"
#include "mpath.h"

struct activation {
	struct command command;
	uint8_t data[DSM_DATA_MAX];
	bool is_in_flight;
	unsigned int attentions;        /* on this command */
	unsigned int attempts;          /* in a row */
	uint32_t tried;                 /* paths, by index, that refused */
	struct path *wish;              /* the administrator's */
	uint64_t last_us;               /* when one was sent; 0: never */
	struct mpath_timer timer;       /* the next look */
};

void activation_init(struct device *device);
void activation_done(struct device *device);

/* Paths changed, or time has passed: sends what there is to send. */
void activation_run(struct device *device);

/* The administrator wants PATH to be active. 0 where that is on its way;
 * -EOPNOTSUPP where the module cannot, -ENOTCONN where PATH is not in service,
 * -EBUSY while another command is out. */
int activation_start(struct device *device, struct path *path);

#endif
