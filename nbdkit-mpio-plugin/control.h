// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_CONTROL_H
#define MPIO_CONTROL_H

/*
 * What an export answers on its control socket.
 */

#include "server.h"

/* Ends with a NULL name; each call's OPAQUE is the struct engine. */
extern const struct ctl_method control_methods[];

#endif
