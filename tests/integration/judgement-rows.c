// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints the table of verdicts, a JSON object a line, each with an answer that
 * this row and no earlier one takes: for judgement.py, which makes a target give
 * that answer. So a row that is added is tested, or fails the test.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "classify.h"
#include "status.h"

static const struct classify_row *rows;
static size_t nrows;

/* What the table tells apart. A trim is judged as a write is. */
static const struct kind {
	const char *name;
	bool is_write, is_flush, is_prefetch;
} kinds[] = {
	{ "read", false, false, false },
	{ "write", true, false, false },
	{ "flush", true, true, false },
	{ "prefetch", false, false, true },
};
#define NKINDS (sizeof kinds / sizeof kinds[0])

/* The row that judges: the reasons are constant strings, each its row's own. */
static size_t row_of(const struct outcome *outcome)
{
	struct verdict verdict = classify(outcome);
	size_t i = 0;

	while (i < nrows && rows[i].verdict.reason != verdict.reason)
		i++;
	return i;
}

static bool try_sense(size_t row, struct outcome *outcome)
{
	const struct classify_row *r = &rows[row];

	for (int key = 0; key < 16; key++) {
		if (r->key != CLASSIFY_ANY && r->key != key)
			continue;
		for (int code = 0; code < 0x10000; code++) {
			if ((r->asc != CLASSIFY_ANY && r->asc != code >> 8) ||
			    (r->ascq != CLASSIFY_ANY && r->ascq != (code & 0xff)))
				continue;
			outcome->sense.key = (uint8_t)key;
			outcome->sense.asc = (uint8_t)(code >> 8);
			outcome->sense.ascq = (uint8_t)code;
			if (row_of(outcome) == row)
				return true;
		}
	}
	return false;
}

static bool try_check_condition(size_t row, struct outcome *outcome)
{
	const struct classify_row *r = &rows[row];

	outcome->status = SAM_STATUS_CHECK_CONDITION;
	outcome->sense = (struct sense) { .valid = r->sense_valid != 0 };
	if (!outcome->sense.valid)
		return row_of(outcome) == row;
	outcome->sense.deferred = r->deferred == 1;
	return try_sense(row, outcome);
}

static bool try_status(size_t row, struct outcome *outcome)
{
	const struct classify_row *r = &rows[row];

	if (r->status == CLASSIFY_ANY || r->status == SAM_STATUS_CHECK_CONDITION)
		return try_check_condition(row, outcome);
	outcome->status = (uint8_t)r->status;
	return row_of(outcome) == row;
}

/* An outcome for ROW; false where no command of that kind gets there. */
static bool find(size_t row, const struct kind *kind, struct outcome *outcome)
{
	static const struct { uint32_t residual; bool overflow; } residuals[] = {
		{ 0, false }, { 512, false }, { 512, true },
	};
	const struct classify_row *r = &rows[row];

	for (size_t i = 0; i < sizeof residuals / sizeof residuals[0]; i++) {
		*outcome = (struct outcome) {
			.delivery = r->delivery == CLASSIFY_ANY ? DELIVERY_ANSWERED :
				(enum delivery)r->delivery,
			.is_write = kind->is_write,
			.is_flush = kind->is_flush,
			.is_prefetch = kind->is_prefetch,
			.residual = residuals[i].residual,
			.overflow = residuals[i].overflow,
		};
		if (outcome->delivery != DELIVERY_ANSWERED ? row_of(outcome) == row :
		    try_status(row, outcome))
			return true;
	}
	return false;
}

static const char *error_name(int error)
{
	switch (error) {
	case 0:
		return "";
	case -EIO:
		return "EIO";
	case -ENOSPC:
		return "ENOSPC";
	case -EROFS:
		return "EROFS";
	case -EOPNOTSUPP:
		return "EOPNOTSUPP";
	case -EINVAL:
		return "EINVAL";
	default:
		return strerror(-error);
	}
}

static const char *yes(bool is_true)
{
	return is_true ? "true" : "false";
}

static void print(size_t row, const struct kind *kind, const struct outcome *outcome)
{
	static const char *const deliveries[] = {
		[DELIVERY_ANSWERED] = "answered",
		[DELIVERY_LOST] = "lost",
		[DELIVERY_REFUSED] = "refused",
	};
	static const char *const actions[] = {
		[VERDICT_DONE] = "done",
		[VERDICT_RETURN] = "return",
		[VERDICT_RETRY_SAME] = "same",
		[VERDICT_RETRY_OTHER] = "other",
	};
	const struct verdict *v = &rows[row].verdict;

	printf("{\"row\": %zu, \"kind\": \"%s\", \"reason\": \"%s\", ", row, kind->name,
	       v->reason);
	printf("\"delivery\": \"%s\", \"status\": %d, ", deliveries[outcome->delivery],
	       outcome->status);
	printf("\"sense_valid\": %s, \"deferred\": %s, \"sense\": \"%x/%02x/%02x\", ",
	       yes(outcome->sense.valid), yes(outcome->sense.deferred), outcome->sense.key,
	       outcome->sense.asc, outcome->sense.ascq);
	printf("\"residual\": %u, \"overflow\": %s, ", outcome->residual, yes(outcome->overflow));
	printf("\"action\": \"%s\", \"counted\": %s, \"delay_ms\": %u, \"error\": \"%s\", ",
	       actions[v->action], yes(v->counted), v->delay_ms, error_name(v->error));
	printf("\"fails_path\": %s, \"doubts_path\": %s, \"loses_write\": %s}\n",
	       yes(v->fail_path), yes(v->recheck_identity), yes(v->earlier_write_lost));
}

int main(void)
{
	int status = 0;

	nrows = classify_rows(&rows);
	for (size_t i = 0; i < nrows; i++) {
		struct outcome outcome;
		bool is_found = false;

		for (size_t k = 0; k < NKINDS; k++) {
			if (!find(i, &kinds[k], &outcome))
				continue;
			print(i, &kinds[k], &outcome);
			is_found = true;
		}
		if (is_found)
			continue;
		fprintf(stderr, "judgement-rows: row %zu, \"%s\": nothing gets there\n", i,
			rows[i].verdict.reason);
		status = 1;
	}
	return status;
}
