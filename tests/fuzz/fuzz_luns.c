// SPDX-License-Identifier: LGPL-2.1-or-later
/* REPORT LUNS, and the LUNs in it. */
#include <string.h>

#include "fuzz.h"
#include "luns.h"

#define MAX 16

static void check_lun(uint64_t lun)
{
	char text[LUN_TEXT_MAX];
	int number = lun_to_number(lun);
	uint64_t again;

	lun_format(lun, text, sizeof(text));
	MUST(strlen(text) > 0 && strlen(text) < sizeof(text));
	if (number < 0)
		return;
	MUST(number <= LUN_NUMBER_MAX);
	MUST(lun_from_number((uint16_t)number, &again) == 0);
	MUST(lun_to_number(again) == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t luns[MAX + 1] = { [MAX] = 0x5a5a };
	size_t total;
	int n = report_luns_parse(data, size, luns, MAX, &total);

	MUST(n <= MAX && luns[MAX] == 0x5a5a);
	MUST(n < 0 ? total == 0 : (size_t)n <= total && 8 + 8 * (size_t)n <= size);
	for (int i = 0; i < n; i++)
		check_lun(luns[i]);
	return 0;
}
