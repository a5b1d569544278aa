// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_SETTINGS_H
#define MPIO_SETTINGS_H

/*
 * Everything an administrator can set about a pseudo-LUN and its sessions, as
 * one value. Times in milliseconds. Names, ranges, defaults and help text
 * stand in config/options.c.
 */

#include <stdbool.h>
#include <stdint.h>

#define MPIO_MAX_PATHS 32
#define MPIO_MAX_QUEUE_DEPTH 128

enum failback { FAILBACK_IMMEDIATE, FAILBACK_MANUAL, FAILBACK_AFTER };

struct settings {
	char policy[32];                /* name; empty: the default */
	enum failback failback;
	uint64_t failback_ms;           /* FAILBACK_AFTER */

	uint64_t no_path_timeout_ms;
	uint64_t command_timeout_ms;
	uint64_t io_timeout_ms;
	uint64_t retry_count;
	uint64_t retry_interval_ms;
	uint64_t transition_timeout_ms;
	bool path_verify;
	uint64_t path_verify_interval_ms;
	uint64_t path_recovery_interval_ms;
	uint64_t flap_window_ms;        /* 0: no path is held back */
	uint64_t flap_backoff_max_ms;
	uint64_t connect_timeout_ms;
	uint64_t login_timeout_ms;
	uint64_t nop_interval_ms;
	uint64_t nop_timeout_ms;
	uint64_t queue_depth;           /* commands in flight per session */
	uint64_t max_transfer;          /* bytes a command, upper bound beside VPD B0 */
	uint64_t path_burst;            /* requests over one path in turn */
};

struct path_settings {
	uint32_t weight;                /* larger: lower rank */
	bool is_standby;
	bool is_preferred;
	bool is_disabled;               /* carries nothing, is asked nothing */
};

#endif
