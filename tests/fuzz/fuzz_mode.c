// SPDX-License-Identifier: LGPL-2.1-or-later
/* MODE SENSE(10). */
#include <string.h>

#include "fuzz.h"
#include "mode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mode_caching no_caching;
	static const struct mode_control no_control;
	struct mode_data m;
	int r = mode_sense10_parse(data, size, &m);

	MUST(r == 0 || (!m.has_caching && !m.has_control && m.header.data_len == 0));
	MUST(m.has_caching || !memcmp(&m.caching, &no_caching, sizeof(no_caching)));
	MUST(m.has_control || !memcmp(&m.control, &no_control, sizeof(no_control)));
	MUST(m.control.tst <= 7 && m.control.qerr <= 3 && m.control.ua_intlck <= 3);
	MUST(!m.truncated || 2u + m.header.data_len > size);
	return 0;
}
