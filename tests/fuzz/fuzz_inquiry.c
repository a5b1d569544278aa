// SPDX-License-Identifier: LGPL-2.1-or-later
/* Standard INQUIRY data. */
#include <string.h>

#include "fuzz.h"
#include "inquiry.h"

static void check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	MUST(len < room);
	for (size_t i = 0; i < len; i++)
		MUST(text[i] >= 0x20 && text[i] < 0x7f);
	MUST(len == 0 || (text[0] != ' ' && text[len - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inquiry q;
	int r = inquiry_parse(data, size, &q);

	MUST(r == 0 || size < 36 || data[4] < 31);
	check_text(q.vendor, sizeof(q.vendor));
	check_text(q.product, sizeof(q.product));
	check_text(q.revision, sizeof(q.revision));
	MUST(q.peripheral_qualifier <= 7 && q.device_type <= 0x1f && q.tpgs <= 3);
	MUST(!inquiry_is_disk(&q) || (q.device_type == 0 && q.peripheral_qualifier == 0));
	return 0;
}
