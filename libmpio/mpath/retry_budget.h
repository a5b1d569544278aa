// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_RETRY_BUDGET_H
#define MPIO_RETRY_BUDGET_H

/*
 * Retries of all devices of a process together: some at once, more only at a
 * steady rate, so that an array that answers everything with an error is not
 * asked everything again in one go, and again. Nothing fails for it; retries
 * wait. What a failed path carried is no retry in this sense: it goes on at
 * once, and only once for each failure.
 */

#include <stdint.h>

#define RETRY_BUDGET_BURST 512          /* at once */
#define RETRY_BUDGET_RATE 1000          /* per second after that */
#define RETRY_BUDGET_WAIT_MAX_US 1000000

struct retry_budget {
	uint64_t spent_until_us;        /* the time by which all would be sent at the rate */
};

/* One more retry at NOW_US: microseconds that it has to wait. */
uint64_t retry_budget_take(struct retry_budget *budget, uint64_t now_us);

#endif
