// SPDX-License-Identifier: LGPL-2.1-or-later
/* GET LBA STATUS. */
#include "fuzz.h"
#include "lba_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lba_status_extent e;
	struct lba_status it;
	uint64_t least = 0;
	size_t n = 0;
	int r = lba_status_init(&it, data, size);

	while (r == 0 && (r = lba_status_next(&it, &e)) == 1) {
		MUST(e.nblocks > 0 && e.lba >= least && e.lba + e.nblocks > e.lba);
		MUST(e.provisioning <= 15);
		least = e.lba + e.nblocks;
		n++;
		MUST(LBA_STATUS_LEN(n) <= size);
		r = 0;
	}
	/* An iteration that failed stays at its end. */
	MUST(lba_status_next(&it, &e) == 0);
	return 0;
}
