// SPDX-License-Identifier: LGPL-2.1-or-later
#include "retry_budget.h"

#define INTERVAL_US (1000000 / RETRY_BUDGET_RATE)
#define BURST_US (RETRY_BUDGET_BURST * INTERVAL_US)

uint64_t retry_budget_take(struct retry_budget *budget, uint64_t now_us)
{
	uint64_t wait_us = 0;

	if (budget->spent_until_us < now_us)
		budget->spent_until_us = now_us;
	if (budget->spent_until_us - now_us >= BURST_US)
		wait_us = budget->spent_until_us - now_us - BURST_US + INTERVAL_US;
	if (wait_us > RETRY_BUDGET_WAIT_MAX_US)
		return RETRY_BUDGET_WAIT_MAX_US;
	budget->spent_until_us += INTERVAL_US;
	return wait_us;
}
