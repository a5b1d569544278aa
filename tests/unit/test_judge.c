// SPDX-License-Identifier: LGPL-2.1-or-later
/* Answers that are errors: what becomes of the request, and of the path. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];

static int setup_paths(unsigned int count, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, true, tune);
	return 0;
}

static int two_paths(void **state)
{
	(void)state;
	return setup_paths(2, NULL);
}

static void no_retries(struct settings *settings)
{
	settings->retry_count = 0;
}

static int six_paths_without_retries(void **state)
{
	(void)state;
	return setup_paths(6, no_retries);
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static const struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

static void script_all(struct fake_answer answer, unsigned int times)
{
	for (unsigned int i = 0; i < fake.count; i++)
		for (unsigned int k = 0; k < times; k++)
			fake_script(&fake.nexuses[i], answer);
}

static void unit_attentions_are_waited_out(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 6, .asc = 0x29 }, 3);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	/* Those that cost no retry may come more often. */
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 6, .asc = 0x2a, .ascq = 0x04 }, 20);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
}

static void medium_error_is_the_clients(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 3, .asc = 0x11 }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), -EIO);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake.nexuses[0].served + fake.nexuses[1].served, 1);
}

static void busy_is_waited_out(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_BUSY }, 8);
	memset(block, 0x77, sizeof block);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_memory_equal(unit->medium + 3 * 512, block, 512);
}

static void counted_retries_end(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 0xb, .asc = 0x47 }, 30);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), -EIO);
	assert_int_equal(fake.nexuses[0].served + fake.nexuses[1].served, 4);
}

static void short_read_is_read_again(void **state)
{
	(void)state;
	memset(unit->medium + 3 * 512, 0x42, 512);
	memset(block, 0, sizeof block);
	script_all((struct fake_answer) { .residual = 100 }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_memory_equal(block, unit->medium + 3 * 512, 512);
	assert_true(fake.nexuses[0].served + fake.nexuses[1].served >= 2);
}

static void short_write_is_written_again(void **state)
{
	(void)state;
	memset(block, 0x24, sizeof block);
	script_all((struct fake_answer) { .residual = 100 }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_memory_equal(block, unit->medium + 3 * 512, 512);
	assert_true(fake.nexuses[0].served + fake.nexuses[1].served >= 2);
}

static void transfers_that_stay_short_are_no_success(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .residual = 100 }, 30);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), -EIO);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), -EIO);
	assert_int_equal(fake.nexuses[0].served + fake.nexuses[1].served, 8);
}

/* Nothing was transferred, and nothing said that it was not. */
static void condition_met_gives_a_read_no_data(void **state)
{
	(void)state;
	memset(unit->medium + 3 * 512, 0x42, 512);
	memset(block, 0, sizeof block);
	script_all((struct fake_answer) { .status = SAM_STATUS_CONDITION_MET }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_memory_equal(block, unit->medium + 3 * 512, 512);
}

static void flush_that_failed_is_told_and_not_repeated(void **state)
{
	const struct fake_answer failed = {
		.opcode = CDB_SYNCHRONIZE_CACHE_16, .status = SAM_STATUS_CHECK_CONDITION,
		.key = 4, .asc = 0x44,
	};

	(void)state;
	script_all(failed, 1);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	assert_int_equal(fake.nexuses[0].script_done + fake.nexuses[1].script_done, 1);
	assert_int_equal(unit->count[CDB_SYNCHRONIZE_CACHE_16], 0);
}

static void write_through_fails_with_its_flush(void **state)
{
	struct fake_request fr;

	(void)state;
	fake.device->unit.dpofua = false;
	script_all((struct fake_answer) {
		.opcode = CDB_SYNCHRONIZE_CACHE_16, .status = SAM_STATUS_CHECK_CONDITION,
		.key = 4, .asc = 0x44 }, 1);
	memset(&fr, 0, sizeof fr);
	fake_submit(&fake, &fr, REQUEST_WRITE, 3, 1, block);
	fr.request.fua = true;
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -EIO);
}

/* Each of six paths tells of it, and there is not one retry. */
static void reset_costs_no_retry_and_has_mode_pages_read_again(void **state)
{
	(void)state;
	unit->wce = false;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 6, .asc = 0x29, .ascq = 0x04 }, 1);
	for (unsigned int i = 0; i < 12; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	for (unsigned int i = 0; i < fake.count; i++) {
		assert_int_equal(fake.nexuses[i].script_done, 1);
		assert_int_equal(path(i)->state, PATH_ACTIVE_OPTIMIZED);
		assert_false(path(i)->unit.write_cache);
	}
	assert_false(fake.device->unit.write_cache);
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void what_was_damaged_on_the_way_goes_another_way(void **state)
{
	uint64_t here, there;

	(void)state;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 0xb, .asc = 0x47, .ascq = 5 });
	do {
		here = fake.nexuses[0].served;
		there = fake.nexuses[1].served;
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	} while (!fake.nexuses[0].script_done);
	assert_int_equal(fake.nexuses[0].served, here + 1);
	assert_int_equal(fake.nexuses[1].served, there + 1);
}

static void unread_parameter_list_is_no_error(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .opcode = CDB_UNMAP, .residual = 24 }, 30);
	assert_int_equal(fake_io(&fake, REQUEST_UNMAP, 3, 1, NULL), 0);
	assert_int_equal(fake.nexuses[0].script_done + fake.nexuses[1].script_done, 1);
}

static void write_protection_is_returned(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .key = 7, .asc = 0x27 }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), -EROFS);
}

static void lost_unit_fails_the_path_and_others_go_on(void **state)
{
	(void)state;
	fake.nexuses[0].unit = NULL;
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_int_equal(path(0)->state, PATH_FAILED);
	fake.nexuses[0].unit = unit;
	fake_advance(&fake, 8000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void lost_deferred_write_fails_the_next_flush_once(void **state)
{
	(void)state;
	script_all((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION,
					  .response_code = 0x71, .key = 3, .asc = 0x0c }, 1);
	fake_io(&fake, REQUEST_READ, 3, 1, block);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
}

int main(void)
{
#define TEST(paths, test) cmocka_unit_test_setup_teardown(test, paths, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_paths, unit_attentions_are_waited_out),
		TEST(two_paths, medium_error_is_the_clients),
		TEST(two_paths, busy_is_waited_out),
		TEST(two_paths, counted_retries_end),
		TEST(two_paths, short_read_is_read_again),
		TEST(two_paths, short_write_is_written_again),
		TEST(two_paths, transfers_that_stay_short_are_no_success),
		TEST(two_paths, condition_met_gives_a_read_no_data),
		TEST(two_paths, flush_that_failed_is_told_and_not_repeated),
		TEST(two_paths, write_through_fails_with_its_flush),
		TEST(six_paths_without_retries, reset_costs_no_retry_and_has_mode_pages_read_again),
		TEST(two_paths, what_was_damaged_on_the_way_goes_another_way),
		TEST(two_paths, unread_parameter_list_is_no_error),
		TEST(two_paths, write_protection_is_returned),
		TEST(two_paths, lost_unit_fails_the_path_and_others_go_on),
		TEST(two_paths, lost_deferred_write_fails_the_next_flush_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
