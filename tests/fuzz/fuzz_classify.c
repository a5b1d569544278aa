// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verdict on any outcome.  Input: delivery, status, flags (1 is_write,
 * 2 overflow), residual, then sense data as a device sends it.
 */
#include <string.h>

#include "classify.h"
#include "fuzz.h"
#include "status.h"

#define HEADER_LEN 4

static void check(const struct outcome *o, const struct verdict *v)
{
	MUST(v->reason && v->source);
	MUST((v->action == VERDICT_DONE) == (v->error == 0));
	MUST(v->action != VERDICT_RETURN || (!v->counted && !v->fail_path));
	MUST(v->delay_ms <= 1000);

	/* Never report success for what was not answered well and whole. */
	if (v->action != VERDICT_DONE)
		return;
	MUST(o->delivery == DELIVERY_ANSWERED);
	switch (o->status) {
	case SAM_STATUS_CONDITION_MET:
		return;
	case SAM_STATUS_GOOD:
		break;
	case SAM_STATUS_CHECK_CONDITION:
		MUST(o->sense.valid && !o->sense.deferred);
		MUST(o->sense.key == SENSE_KEY_RECOVERED_ERROR ||
		     o->sense.key == SENSE_KEY_COMPLETED);
		break;
	default:
		MUST(!"a status that is not success");
	}
	MUST(o->residual == 0 && !o->overflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome o = { 0 };
	struct verdict v;

	if (size < HEADER_LEN)
		return 0;
	o.delivery = (enum delivery)(data[0] % 3);
	o.status = data[1];
	o.is_write = data[2] & 1;
	o.overflow = data[2] & 2;
	o.residual = data[3];
	sense_parse(data + HEADER_LEN, size - HEADER_LEN, &o.sense);
	v = classify(&o);
	check(&o, &v);
	return 0;
}
