// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "classify.h"
#include "status.h"

/* Values no row names: what stands for "any other". */
#define OTHER_STATUS 0x22
#define OTHER_KEY SENSE_KEY_RESERVED
#define OTHER_CODE 0x99

static int value(int16_t pattern, int other)
{
	return pattern == CLASSIFY_ANY ? other : pattern;
}

static struct outcome example(const struct classify_row *row, bool is_write,
			      enum classify_residual residual)
{
	struct outcome o = {
		.delivery = (enum delivery)value(row->delivery, DELIVERY_ANSWERED),
		.status = (uint8_t)value(row->status, OTHER_STATUS),
		.sense = {
			.valid = value(row->sense_valid, 1),
			.deferred = value(row->deferred, 0),
			.key = (uint8_t)value(row->key, OTHER_KEY),
			.asc = (uint8_t)value(row->asc, OTHER_CODE),
			.ascq = (uint8_t)value(row->ascq, OTHER_CODE),
		},
		.is_write = value(row->is_write, is_write),
		.is_flush = value(row->is_flush, 0),
		.is_prefetch = value(row->is_prefetch, 0),
		.residual = residual == RESIDUAL_NONE ? 0 : 512,
		.overflow = residual == RESIDUAL_OVERFLOW,
	};

	return o;
}

/* Reasons are unique, so they tell which row spoke. */
static bool is_reached(const struct classify_row *row)
{
	for (int is_write = 0; is_write < 2; is_write++)
		for (int r = RESIDUAL_NONE; r <= RESIDUAL_OVERFLOW; r++) {
			struct outcome o;

			if (row->residual != RESIDUAL_ANY && (int)row->residual != r)
				continue;
			o = example(row, is_write, (enum classify_residual)r);
			if (classify(&o).reason == row->verdict.reason)
				return true;
		}
	return false;
}

static void every_row_is_reached_by_its_own_example(void **state)
{
	const struct classify_row *rows;
	size_t n = classify_rows(&rows);

	(void)state;
	assert_true(n > 40);
	for (size_t i = 0; i < n; i++) {
		if (!is_reached(&rows[i]))
			fail_msg("row %zu \"%s\" is shadowed", i, rows[i].verdict.reason);
	}
}

static void every_row_has_a_reason_of_its_own_and_a_source(void **state)
{
	const struct classify_row *rows;
	size_t n = classify_rows(&rows);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(rows[i].verdict.reason);
		assert_non_null(rows[i].verdict.source);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].verdict.reason, rows[j].verdict.reason);
	}
}

static void every_verdict_is_consistent(void **state)
{
	const struct classify_row *rows;
	size_t n = classify_rows(&rows);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct verdict *v = &rows[i].verdict;

		if (v->action == VERDICT_DONE)
			assert_int_equal(v->error, 0);
		else
			assert_true(v->error < 0);
		if (v->action == VERDICT_DONE || v->action == VERDICT_RETURN) {
			assert_false(v->counted);
			assert_int_equal(v->delay_ms, 0);
		}
		if (v->fail_path)
			assert_int_equal(v->action, VERDICT_RETRY_OTHER);
	}
}

static void last_row_takes_everything(void **state)
{
	const struct classify_row *rows, *last;
	size_t n = classify_rows(&rows);

	(void)state;
	last = &rows[n - 1];
	assert_int_equal(last->delivery, CLASSIFY_ANY);
	assert_int_equal(last->status, CLASSIFY_ANY);
	assert_int_equal(last->sense_valid, CLASSIFY_ANY);
	assert_int_equal(last->deferred, CLASSIFY_ANY);
	assert_int_equal(last->key, CLASSIFY_ANY);
	assert_int_equal(last->asc, CLASSIFY_ANY);
	assert_int_equal(last->ascq, CLASSIFY_ANY);
	assert_int_equal(last->is_write, CLASSIFY_ANY);
	assert_int_equal(last->is_flush, CLASSIFY_ANY);
	assert_int_equal(last->is_prefetch, CLASSIFY_ANY);
	assert_int_equal(last->residual, RESIDUAL_ANY);
}

static struct verdict on_sense(uint8_t key, uint8_t asc, uint8_t ascq)
{
	struct outcome o = {
		.status = SAM_STATUS_CHECK_CONDITION,
		.sense = { .valid = true, .key = key, .asc = asc, .ascq = ascq },
	};

	return classify(&o);
}

static struct verdict on_status(uint8_t status)
{
	struct outcome o = { .status = status };

	return classify(&o);
}

/* One expectation, independent of the table. */
struct expectation {
	uint8_t key, asc, ascq;
	enum verdict_action action;
	bool counted;
	int error;
	bool fail_path, recheck_identity, recheck_alua;
};

#define R VERDICT_RETURN
#define S VERDICT_RETRY_SAME
#define O VERDICT_RETRY_OTHER

static const struct expectation expectations[] = {
	{ 0x0, 0x00, 0x00, O, false, -EIO, true, false, false },
	{ 0x0, 0x5d, 0x00, O, true, -EIO, false, false, false },
	{ 0x1, 0x17, 0x01, VERDICT_DONE, false, 0, false, false, false },
	{ 0xf, 0x00, 0x00, VERDICT_DONE, false, 0, false, false, false },
	{ 0x2, 0x04, 0x01, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x03, O, true, -EIO, false, false, false },
	{ 0x2, 0x04, 0x00, O, true, -EIO, false, false, false },
	{ 0x2, 0x04, 0x02, O, true, -EIO, false, false, false },
	{ 0x2, 0x04, 0x04, O, true, -EIO, false, false, false },
	{ 0x2, 0x04, 0x05, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x06, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x07, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x08, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x09, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x11, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x12, O, true, -EIO, false, false, true },
	{ 0x2, 0x04, 0x1a, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x1b, O, true, -EIO, false, false, false },
	{ 0x2, 0x04, 0x1c, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x1d, O, false, -EIO, false, false, false },
	{ 0x2, 0x08, 0x00, O, true, -EIO, false, false, false },
	{ 0x2, 0x3e, 0x00, O, false, -EIO, false, false, false },
	{ 0x2, 0x04, 0x0a, O, false, -EIO, false, false, true },
	{ 0x2, 0x04, 0x0b, O, false, -EIO, false, false, true },
	{ 0x2, 0x04, 0x0c, O, false, -EIO, false, false, true },
	{ 0x2, 0x04, 0x14, S, false, -EIO, false, false, false },
	{ 0x2, 0x3a, 0x00, O, true, -EIO, false, false, false },
	{ 0x3, 0x11, 0x00, R, false, -EIO, false, false, false },
	{ 0x3, 0x0c, 0x02, R, false, -EIO, false, false, false },
	{ 0x4, 0x67, 0x0a, O, false, -EIO, true, false, false },
	{ 0x4, 0x3e, 0x02, O, true, -EIO, false, false, false },
	{ 0x4, 0x4b, 0x05, O, true, -EIO, false, false, false },
	{ 0x3, 0x31, 0x00, R, false, -EIO, false, false, false },
	{ 0x4, 0x44, 0x00, O, true, -EIO, false, false, false },
	{ 0x4, 0x47, 0x00, O, true, -EIO, false, false, false },
	{ 0x4, 0x00, 0x00, O, true, -EIO, false, false, false },
	{ 0x5, 0x22, 0x00, R, false, -EOPNOTSUPP, false, false, false },
	{ 0x5, 0x20, 0x02, R, false, -EIO, false, false, false },
	{ 0x5, 0x55, 0x04, R, false, -EIO, false, false, false },
	{ 0x5, 0x20, 0x00, R, false, -EOPNOTSUPP, false, false, false },
	{ 0x5, 0x21, 0x00, R, false, -ENOSPC, false, true, false },
	{ 0x5, 0x24, 0x00, R, false, -EINVAL, false, false, false },
	{ 0x5, 0x25, 0x00, O, false, -EIO, true, true, false },
	{ 0x5, 0x26, 0x02, R, false, -EINVAL, false, false, false },
	{ 0x5, 0x2c, 0x00, R, false, -EIO, false, false, false },
	{ 0x6, 0x28, 0x00, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x00, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x01, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x02, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x03, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x04, S, false, -EIO, false, true, false },
	{ 0x6, 0x29, 0x07, S, true, -EIO, false, false, false },
	{ 0x6, 0x2a, 0x00, S, false, -EIO, false, true, false },
	{ 0x6, 0x2a, 0x01, S, false, -EIO, false, true, false },
	{ 0x6, 0x2a, 0x02, S, false, -EIO, false, false, false },
	{ 0x6, 0x2a, 0x03, S, true, -EIO, false, false, false },
	{ 0x6, 0x2a, 0x05, S, true, -EIO, false, false, false },
	{ 0x6, 0x2f, 0x00, S, true, -EIO, false, false, false },
	{ 0x6, 0x2a, 0x04, S, false, -EIO, false, false, false },
	{ 0x6, 0x2a, 0x06, S, false, -EIO, false, false, true },
	{ 0x6, 0x2a, 0x07, S, false, -EIO, false, false, true },
	{ 0x6, 0x2a, 0x09, S, false, -EIO, false, true, false },
	{ 0x6, 0x38, 0x07, S, false, -EIO, false, false, false },
	{ 0x6, 0x3f, 0x03, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x05, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x0e, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x01, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x02, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x16, S, false, -EIO, false, true, false },
	{ 0x6, 0x3f, 0x00, S, true, -EIO, false, false, false },
	{ 0x6, 0x0b, 0x01, S, true, -EIO, false, false, false },
	{ 0x7, 0x27, 0x07, R, false, -ENOSPC, false, false, false },
	{ 0x7, 0x74, 0x71, R, false, -EIO, false, false, false },
	{ 0x8, 0x00, 0x00, R, false, -EIO, false, false, false },
	{ 0x9, 0x80, 0x00, O, true, -EIO, false, false, false },
	{ 0xa, 0x00, 0x00, R, false, -EIO, false, false, false },
	{ 0xb, 0x00, 0x00, S, true, -EIO, false, false, false },
	{ 0xb, 0x08, 0x01, O, true, -EIO, false, false, false },
	{ 0xb, 0x0c, 0x0c, O, true, -EIO, false, false, false },
	{ 0xb, 0x0c, 0x0d, O, true, -EIO, false, false, false },
	{ 0xb, 0x10, 0x01, O, true, -EIO, false, false, false },
	{ 0xb, 0x11, 0x13, O, true, -EIO, false, false, false },
	{ 0xb, 0x29, 0x03, S, true, -EIO, false, false, false },
	{ 0xb, 0x2e, 0x01, O, true, -EIO, false, false, false },
	{ 0xb, 0x44, 0x00, O, true, -EIO, false, false, false },
	{ 0xb, 0x47, 0x03, O, true, -EIO, false, false, false },
	{ 0xb, 0x47, 0x05, O, true, -EIO, false, false, false },
	{ 0xb, 0x4b, 0x02, O, true, -EIO, false, false, false },
	{ 0xb, 0x4e, 0x00, S, true, -EIO, false, false, false },
	{ 0xc, 0x00, 0x00, O, true, -EIO, false, false, false },
	{ 0xd, 0x00, 0x00, R, false, -ENOSPC, false, false, false },
	{ 0xe, 0x1d, 0x00, R, false, -EIO, false, false, false },
};

static void sense_is_judged_as_the_standard_means_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
		const struct expectation *e = &expectations[i];
		struct verdict v = on_sense(e->key, e->asc, e->ascq);

		if (v.action != e->action || v.counted != e->counted || v.error != e->error ||
		    v.fail_path != e->fail_path || v.lower_depth || v.earlier_write_lost ||
		    v.recheck_identity != e->recheck_identity ||
		    v.recheck_alua != e->recheck_alua)
			fail_msg("%x/%02x/%02x: got \"%s\"", e->key, e->asc, e->ascq, v.reason);
	}
}

static void good_is_done(void **state)
{
	(void)state;
	assert_int_equal(on_status(SAM_STATUS_GOOD).action, VERDICT_DONE);
}

static void condition_met_is_for_prefetch_alone(void **state)
{
	struct outcome o = { .status = SAM_STATUS_CONDITION_MET, .is_prefetch = true };

	(void)state;
	assert_int_equal(classify(&o).action, VERDICT_DONE);
	/* A read that ends so has read nothing that one could rely on. */
	o.is_prefetch = false;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	assert_true(classify(&o).counted);
}

static void flush_that_failed_in_the_device_is_not_tried_again(void **state)
{
	struct outcome o = {
		.status = SAM_STATUS_CHECK_CONDITION, .is_write = true, .is_flush = true,
		.sense = { .valid = true, .key = SENSE_KEY_HARDWARE_ERROR, .asc = 0x44 },
	};

	(void)state;
	assert_int_equal(classify(&o).action, VERDICT_RETURN);
	assert_int_equal(classify(&o).error, -EIO);
	o.sense.key = SENSE_KEY_VENDOR_SPECIFIC;
	assert_int_equal(classify(&o).action, VERDICT_RETURN);
	/* Nothing was lost where it was not begun, or aborted. */
	o.sense.key = SENSE_KEY_ABORTED_COMMAND;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	o.sense.key = SENSE_KEY_NOT_READY;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	o.sense.key = SENSE_KEY_HARDWARE_ERROR;
	o.is_flush = false;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
}

static void only_writes_are_write_protected(void **state)
{
	struct outcome o = {
		.status = SAM_STATUS_CHECK_CONDITION, .is_write = true,
		.sense = { .valid = true, .key = SENSE_KEY_DATA_PROTECT, .asc = 0x27 },
	};

	(void)state;
	for (uint8_t ascq = 0; ascq < 9; ascq++) {
		o.sense.ascq = ascq;
		assert_int_equal(classify(&o).action, VERDICT_RETURN);
		assert_int_equal(classify(&o).error, ascq == 7 ? -ENOSPC : -EROFS);
	}
	o.sense.ascq = 0;
	o.is_write = false;
	assert_int_equal(classify(&o).action, VERDICT_RETURN);
	assert_int_equal(classify(&o).error, -EIO);
}

static void wrong_length_is_never_done(void **state)
{
	struct outcome o = { .residual = 512 };

	(void)state;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	assert_true(classify(&o).counted);
	assert_false(classify(&o).recheck_identity);
	o.overflow = true;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	assert_true(classify(&o).counted);
	assert_true(classify(&o).recheck_identity);

	o.status = SAM_STATUS_CHECK_CONDITION;
	o.sense = (struct sense){ .valid = true, .key = SENSE_KEY_RECOVERED_ERROR };
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	o.overflow = false;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	o.sense.key = SENSE_KEY_COMPLETED;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_OTHER);
	o.residual = 0;
	assert_int_equal(classify(&o).action, VERDICT_DONE);
}

static void full_queues_wait_free_and_lower_the_depth(void **state)
{
	static const uint8_t status[] = { SAM_STATUS_BUSY, SAM_STATUS_TASK_SET_FULL };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct verdict v = on_status(status[i]);

		assert_int_equal(v.action, VERDICT_RETRY_SAME);
		assert_false(v.counted);
		assert_true(v.delay_ms > 0);
		assert_true(v.lower_depth);
	}
	assert_int_equal(on_status(SAM_STATUS_ACA_ACTIVE).action, VERDICT_RETRY_SAME);
	assert_true(on_status(SAM_STATUS_ACA_ACTIVE).delay_ms > 0);
	assert_false(on_status(SAM_STATUS_ACA_ACTIVE).lower_depth);
}

static void aborted_and_reserved_units_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(on_status(SAM_STATUS_TASK_ABORTED).action, VERDICT_RETRY_SAME);
	assert_true(on_status(SAM_STATUS_TASK_ABORTED).counted);
	assert_int_equal(on_status(SAM_STATUS_RESERVATION_CONFLICT).action, VERDICT_RETURN);
	assert_int_equal(on_status(SAM_STATUS_RESERVATION_CONFLICT).error, -EIO);
	assert_int_equal(on_status(0x22).action, VERDICT_RETRY_OTHER);
	assert_true(on_status(0x22).counted);
}

static void lost_sessions_fail_the_path_whatever_else_is_set(void **state)
{
	static const enum delivery how[] = { DELIVERY_LOST, DELIVERY_REFUSED };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct outcome o = { .delivery = how[i], .status = SAM_STATUS_CHECK_CONDITION,
				     .sense = { .valid = true, .key = SENSE_KEY_MEDIUM_ERROR } };
		struct verdict v = classify(&o);

		assert_int_equal(v.action, VERDICT_RETRY_OTHER);
		assert_true(v.fail_path);
		assert_false(v.counted);
		assert_int_equal(v.error, -EIO);
		o.status = SAM_STATUS_GOOD;
		assert_true(classify(&o).fail_path);
	}
}

static void check_condition_without_sense_fails_the_path(void **state)
{
	(void)state;
	assert_true(on_status(SAM_STATUS_CHECK_CONDITION).fail_path);
	assert_int_equal(on_status(SAM_STATUS_CHECK_CONDITION).action, VERDICT_RETRY_OTHER);
}

static void deferred_error_is_told_to_writers_and_kept_for_the_flush(void **state)
{
	struct outcome o = {
		.status = SAM_STATUS_CHECK_CONDITION, .is_write = true,
		.sense = { .valid = true, .deferred = true, .key = SENSE_KEY_MEDIUM_ERROR },
	};

	(void)state;
	assert_int_equal(classify(&o).action, VERDICT_RETURN);
	assert_int_equal(classify(&o).error, -EIO);
	assert_true(classify(&o).earlier_write_lost);
	o.is_write = false;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_SAME);
	assert_true(classify(&o).earlier_write_lost);
	/* A recovered one lost nothing, but this command was not processed. */
	o.sense.key = SENSE_KEY_RECOVERED_ERROR;
	o.is_write = true;
	assert_int_equal(classify(&o).action, VERDICT_RETRY_SAME);
	assert_false(classify(&o).earlier_write_lost);
}

static void actions_have_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_action_name(VERDICT_DONE), "done");
	assert_string_equal(verdict_action_name(VERDICT_RETURN), "return the error");
	assert_string_equal(verdict_action_name(VERDICT_RETRY_SAME), "retry on the same path");
	assert_string_equal(verdict_action_name(VERDICT_RETRY_OTHER), "retry on another path");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_reached_by_its_own_example),
		cmocka_unit_test(every_row_has_a_reason_of_its_own_and_a_source),
		cmocka_unit_test(every_verdict_is_consistent),
		cmocka_unit_test(last_row_takes_everything),
		cmocka_unit_test(sense_is_judged_as_the_standard_means_it),
		cmocka_unit_test(good_is_done),
		cmocka_unit_test(condition_met_is_for_prefetch_alone),
		cmocka_unit_test(flush_that_failed_in_the_device_is_not_tried_again),
		cmocka_unit_test(only_writes_are_write_protected),
		cmocka_unit_test(wrong_length_is_never_done),
		cmocka_unit_test(full_queues_wait_free_and_lower_the_depth),
		cmocka_unit_test(aborted_and_reserved_units_are_told_apart),
		cmocka_unit_test(lost_sessions_fail_the_path_whatever_else_is_set),
		cmocka_unit_test(check_condition_without_sense_fails_the_path),
		cmocka_unit_test(deferred_error_is_told_to_writers_and_kept_for_the_flush),
		cmocka_unit_test(actions_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
