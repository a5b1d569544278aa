// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identity from a VPD 83h page.  The input is the page; the same bytes, read as
 * an 80h page and as INQUIRY data, stand behind it.
 */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "identity.h"
#include "inquiry.h"
#include "vpd.h"

static void check(int r, const struct identity *id)
{
	size_t len = strnlen(id->text, sizeof(id->text));

	/* The longest text leaves room: so nothing was ever cut. */
	MUST(len < sizeof(id->text) - 1);
	MUST((r == 0) == (id->kind != IDENTITY_NONE));
	MUST((r == 0) == (len > 0));
	MUST((r == 0) == identity_equal(id, id));
	MUST(r == 0 || r == -ENOENT || r == -EMSGSIZE);
	for (size_t i = 0; i < len; i++)
		MUST(id->text[i] >= 0x20 && id->text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vpd_designation d;
	struct vpd_serial serial;
	struct identity id, again;
	struct inquiry inq;
	int r;

	vpd_designation_parse(data, size, &d);
	vpd_serial_parse(data, size, &serial);
	inquiry_parse(data, size, &inq);
	r = identity_choose(&id, &d, &serial, &inq);
	check(r, &id);
	MUST(identity_choose(&again, &d, &serial, &inq) == r);
	MUST(r < 0 || identity_equal(&id, &again));
	r = identity_choose(&id, NULL, &serial, &inq);
	check(r, &id);
	r = identity_choose(&id, &d, NULL, NULL);
	check(r, &id);
	return 0;
}
