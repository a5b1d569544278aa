// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a module may decide, and what happens when its answers cannot be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scripted_dsm.h"
#include "status.h"

static const struct fake_answer vendor_error = {
	.status = SAM_STATUS_CHECK_CONDITION, .key = 9, .asc = 0x80, .ascq = 1,
};
static const struct fake_answer aborted = {
	.status = SAM_STATUS_CHECK_CONDITION, .key = 0xb, .asc = 0x47,
};

/*
 * Verdicts
 */

static void verdict_of_the_module_counts(void **state)
{
	(void)state;
	start_acme();
	script_both(vendor_error, 1);
	script.verdict = (struct verdict) { .action = VERDICT_RETURN, .error = -ENOSPC,
					    .reason = "so says acme" };
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), -ENOSPC);
	assert_non_null(strstr(path(0)->last_error, "so says acme"));
	assert_false(fake_saw(&fake, "dsm-fault"));
}

static void verdicts_that_cannot_be_are_the_generic_ones(void **state)
{
	static const struct verdict bad[] = {
		{ .action = (enum verdict_action)17, .reason = "x" },
		{ .action = VERDICT_RETURN, .error = 0, .reason = "x" },
		{ .action = VERDICT_RETURN, .error = EIO, .reason = "x" },
		{ .action = VERDICT_RETURN, .error = -ENOMEM, .reason = "x" },
		{ .action = VERDICT_RETRY_SAME, .error = 1, .reason = "x" },
		{ .action = VERDICT_RETRY_SAME, .delay_ms = 60001, .reason = "x" },
		{ .action = VERDICT_RETRY_OTHER },
		{ .action = VERDICT_DONE, .reason = "x" },
	};

	(void)state;
	start_acme();
	for (unsigned int i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		/* The generic module has it written again, and so it is. */
		script.verdict = bad[i];
		script_both(aborted, 1);
		memset(block, (int)(0x60 + i), sizeof block);
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
		assert_memory_equal(unit->medium + 3 * 512, block, 512);
		assert_int_equal(fake.device->dsm_faults[DSM_FAULT_VERDICT], i + 1);
		fake.nexuses[0].script_len = fake.nexuses[0].script_done = 0;
		fake.nexuses[1].script_len = fake.nexuses[1].script_done = 0;
	}
	assert_int_equal(times_seen("dsm-fault"), 1);
}

static void module_cannot_acknowledge_a_write_that_was_lost(void **state)
{
	struct fake_request request;

	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_DONE, .reason = "fine" };
	memset(block, 0x3c, sizeof block);
	fake_submit(&fake, &request, REQUEST_WRITE, 3, 1, block);
	fake_break(&fake, 0, "gone");
	assert_int_equal(request.completions, 0);
	fake_serve(&fake);
	assert_int_equal(request.completions, 1);
	assert_int_equal(request.request.error, 0);
	assert_memory_equal(unit->medium + 3 * 512, block, 512);
	assert_true(fake_saw(&fake, "dsm-fault"));
}

static void module_cannot_call_a_short_read_whole(void **state)
{
	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_DONE, .reason = "fine" };
	memset(unit->medium + 3 * 512, 0x42, 512);
	script_both((struct fake_answer) { .residual = 100 }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_memory_equal(block, unit->medium + 3 * 512, 512);
}

static void module_may_call_a_vendor_specific_answer_done(void **state)
{
	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_DONE, .reason = "fine" };
	script_both(vendor_error, 1);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_int_equal(unit->count[0x8a], 0);
	assert_false(fake_saw(&fake, "dsm-fault"));
}

static void lost_deferred_write_fails_the_flush_whatever_the_module_says(void **state)
{
	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_RETRY_SAME, .reason = "fine" };
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .response_code = 0x71, .key = 3,
		.asc = 0x0c });
	assert_int_equal(fake_io(&fake, REQUEST_READ, 3, 1, block), 0);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
}

static void flush_that_failed_is_not_tried_again_whatever_the_module_says(void **state)
{
	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_RETRY_OTHER, .reason = "fine" };
	script_both((struct fake_answer) { .opcode = 0x91,
					   .status = SAM_STATUS_CHECK_CONDITION, .key = 3,
					   .asc = 0x0c }, 1);
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	assert_int_equal(script.verdicts, 0);
}

static void identity_in_doubt_is_verified_whatever_the_module_says(void **state)
{
	struct fake_request request;

	(void)state;
	start_acme();
	script.verdict = (struct verdict) { .action = VERDICT_RETRY_SAME, .reason = "fine" };
	/* The unit behind path 0 is another one now, and says so. */
	fake.nexuses[0].unit = other;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 6, .asc = 0x3f, .ascq = 0x0e });
	fake_submit(&fake, &request, REQUEST_WRITE, 3, 1, block);
	script.pick = 0;
	fake_serve(&fake);
	fake_advance(&fake, 1000);
	assert_int_equal(request.completions, 1);
	assert_int_equal(other->count[0x8a], 0);
	assert_int_equal(path(0)->state, PATH_FAILED);
}

/*
 * States and questions
 */

static void module_says_the_state_of_a_path(void **state)
{
	(void)state;
	script.state = PATH_ACTIVE_UNOPTIMIZED;
	start_acme();
	assert_int_equal(path(0)->state, PATH_ACTIVE_UNOPTIMIZED);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake.device->candidates.count, 1);
}

static void state_that_is_none_is_told_and_the_arrays_counts(void **state)
{
	(void)state;
	script.state = PATH_FAILED;
	start_acme();
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(times_seen("dsm-fault"), 1);
	assert_true(fake.device->dsm_faults[DSM_FAULT_STATE] > 0);
}

static void ask_vendor_page(void)
{
	script.asks = true;
	cdb_inquiry(&script.question, true, 0xc0, 8);
}

static void question_is_asked_and_its_answer_handed_over(void **state)
{
	static const uint8_t page[FAKE_VENDOR_PAGE_LEN] = { 0, 0xc0, 0, 4, 7, 8, 9, 10 };

	(void)state;
	unit->vendor_page = page;
	ask_vendor_page();
	script.check.state = PATH_STANDBY;
	start_acme();
	assert_int_equal(script.answers, 1);
	assert_int_equal(script.answer_len, sizeof page);
	assert_memory_equal(script.answer, page, sizeof page);
	assert_int_equal(path(0)->state, PATH_STANDBY);
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

static void sense_data_are_an_answer_too(void **state)
{
	(void)state;
	ask_vendor_page();
	start_acme();
	assert_int_equal(script.answers, 1);
	assert_int_equal(script.answer_status, SAM_STATUS_CHECK_CONDITION);
	assert_int_equal(script.answer_len, 0);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void path_that_fails_the_question_carries_no_io(void **state)
{
	(void)state;
	ask_vendor_page();
	script.check.result = DSM_FAIL;
	strcpy(script.check.reason, "being serviced");
	start_acme();
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_non_null(strstr(path(0)->last_error, "being serviced"));
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 3, 1, block), 0);
	assert_int_equal(path(0)->counters.ops[PATH_OP_WRITE], 0);
	script.check.result = DSM_PASS;
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void question_may_be_asked_again_but_not_for_ever(void **state)
{
	(void)state;
	ask_vendor_page();
	script.check.result = DSM_RETRY;
	strcpy(script.check.reason, "wait");
	start_acme();
	assert_int_equal(path(0)->state, PATH_CHECKING);
	fake_advance(&fake, 4000);
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_int_equal(script.answers, 5);
}

static void unit_attention_on_the_question_is_not_the_modules(void **state)
{
	(void)state;
	unit->vendor_page = (const uint8_t[FAKE_VENDOR_PAGE_LEN]) { 0, 0xc0 };
	start_acme();
	ask_vendor_page();
	/* Eleven INQUIRYs or so are asked; this one comes behind all others. */
	path_recheck(path(0));
	for (unsigned int i = 0; i < 64 && !script.questions; i++)
		fake_serve_one(&fake, &fake.nexuses[0]);
	assert_int_equal(script.questions, 1);
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = CDB_INQUIRY, .status = SAM_STATUS_CHECK_CONDITION, .key = 6,
		.asc = 0x29 });
	fake_serve(&fake);
	assert_int_equal(script.questions, 2);
	assert_int_equal(script.answers, 1);
	assert_int_equal(script.answer_status, SAM_STATUS_GOOD);
}

static void question_that_cannot_be_is_told_and_not_sent(void **state)
{
	struct scsi_cdb bad[4];

	(void)state;
	start_acme();
	for (unsigned int i = 0; i < 4; i++)
		cdb_inquiry(&bad[i], true, 0xc0, 8);
	bad[0].len = 17;
	bad[1].dir = SCSI_DIR_OUT;
	bad[2].data_len = 4097;
	bad[3].dir = SCSI_DIR_NONE;
	script.asks = true;
	for (unsigned int i = 0; i < 4; i++) {
		script.question = bad[i];
		path_recheck(path(0));
		fake_serve(&fake);
		assert_int_equal(fake.device->dsm_faults[DSM_FAULT_COMMAND], i + 1);
		assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	}
	assert_int_equal(script.answers, 0);
	assert_true(fake_saw(&fake, "dsm-fault"));
}

static void fence_is_what_the_module_knows(void **state)
{
	(void)state;
	script.fence = FENCE_VERIFIED;
	start_acme();
	assert_int_equal(fake.device->fence_strength, FENCE_VERIFIED);
	assert_false(fake_saw(&fake, "dsm-fault"));
}

static void fence_that_is_none_is_told(void **state)
{
	(void)state;
	script.fence = 9;
	start_acme();
	assert_int_equal(fake.device->fence_strength, FENCE_UNKNOWN);
	assert_true(fake_saw(&fake, "dsm-fault"));
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, prepare, teardown)
	const struct CMUnitTest tests[] = {
		TEST(verdict_of_the_module_counts),
		TEST(verdicts_that_cannot_be_are_the_generic_ones),
		TEST(module_cannot_acknowledge_a_write_that_was_lost),
		TEST(module_cannot_call_a_short_read_whole),
		TEST(module_may_call_a_vendor_specific_answer_done),
		TEST(lost_deferred_write_fails_the_flush_whatever_the_module_says),
		TEST(flush_that_failed_is_not_tried_again_whatever_the_module_says),
		TEST(identity_in_doubt_is_verified_whatever_the_module_says),
		TEST(module_says_the_state_of_a_path),
		TEST(state_that_is_none_is_told_and_the_arrays_counts),
		TEST(question_is_asked_and_its_answer_handed_over),
		TEST(sense_data_are_an_answer_too),
		TEST(path_that_fails_the_question_carries_no_io),
		TEST(question_may_be_asked_again_but_not_for_ever),
		TEST(unit_attention_on_the_question_is_not_the_modules),
		TEST(question_that_cannot_be_is_told_and_not_sent),
		TEST(fence_is_what_the_module_knows),
		TEST(fence_that_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
