// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sense data: raw and as an iSCSI data segment. */
#include <string.h>

#include "fuzz.h"
#include "sense.h"

static void check(int r, const struct sense *s)
{
	static const struct sense nothing;
	char text[256], tiny[9];

	MUST(r == 0 ? s->valid : !memcmp(s, &nothing, sizeof(nothing)));
	MUST(s->key <= 0xf);
	MUST(s->information_valid || s->information == 0);
	memset(text, 'x', sizeof(text));
	sense_format(s, text, sizeof(text));
	MUST(strlen(text) < sizeof(text) - 1);
	sense_format(s, tiny, sizeof(tiny));
	MUST(strlen(tiny) == sizeof(tiny) - 1 && !memcmp(tiny, text, sizeof(tiny) - 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sense s;
	int r;

	r = sense_parse(data, size, &s);
	check(r, &s);
	r = sense_parse_segment(data, size, &s);
	check(r, &s);
	return 0;
}
