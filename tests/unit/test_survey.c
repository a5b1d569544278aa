// SPDX-License-Identifier: LGPL-2.1-or-later
/* Finding out which units are behind an I_T nexus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"
#include "survey.h"

#define REPORT_LUNS 0xa0

static struct fake fake;
static struct fake_unit *first, *second;
static struct survey survey;

static struct transport *transport(void)
{
	return &fake.nexuses[0].transport;
}

static int setup(void **state)
{
	(void)state;
	first = fake_unit_new(1, 1024, 512);
	second = fake_unit_new(2, 1024, 512);
	fake_init(&fake, first, 1, false, NULL);
	fake.nexuses[0].second = second;
	return survey_init(&survey, transport());
}

static int teardown(void **state)
{
	(void)state;
	survey_done(&survey);
	fake_done(&fake);
	fake_unit_free(first);
	fake_unit_free(second);
	return 0;
}

static void run(void)
{
	transport_start(transport());
	fake_serve(&fake);
}

static struct identity identity_of(const struct fake_unit *unit)
{
	struct identity identity;
	char text[48] = "naa.";

	for (int i = 0; i < 16; i++)
		sprintf(text + strlen(text), "%02x", unit->naa[i]);
	assert_int_equal(identity_from_text(&identity, text), 0);
	return identity;
}

static void assert_both_found(void)
{
	struct identity one = identity_of(first), two = identity_of(second);

	assert_true(survey.is_over);
	assert_string_equal(survey.reason, "");
	assert_int_equal(survey.count, 2);
	assert_non_null(survey_find(&survey, &one));
	assert_int_equal(survey_find(&survey, &one)->lun, 0);
	assert_non_null(survey_find(&survey, &two));
	assert_int_equal(survey_find(&survey, &two)->lun, 0x0001000000000000);
}

static void every_unit_is_found_by_its_identity(void **state)
{
	struct identity other;

	(void)state;
	assert_false(survey.is_over);
	run();
	assert_both_found();
	assert_int_equal(identity_from_text(&other, "naa.60014050000000000000000000000099"), 0);
	assert_null(survey_find(&survey, &other));
}

static void units_without_83h_are_found_by_their_serial_number(void **state)
{
	struct identity serial;

	(void)state;
	memset(first->naa, 0, sizeof(first->naa));
	run();
	assert_int_equal(survey.count, 2);
	memset(&serial, 0, sizeof(serial));
	serial.kind = IDENTITY_SERIAL;
	snprintf(serial.text, sizeof(serial.text), "serial.%s-%s-%s", first->vendor, first->product,
		 first->serial);
	assert_non_null(survey_find(&survey, &serial));
}

static void it_waits_for_a_busy_unit(void **state)
{
	(void)state;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = REPORT_LUNS, .status = SAM_STATUS_BUSY });
	run();
	assert_false(survey.is_over);
	fake_advance(&fake, 1000);
	assert_both_found();
}

static void unit_attentions_pass(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		fake_script(&fake.nexuses[0], (struct fake_answer) {
			.opcode = REPORT_LUNS, .status = SAM_STATUS_CHECK_CONDITION,
			.key = 6, .asc = 0x3f, .ascq = 0x0e });
	run();
	assert_both_found();
}

static void a_target_without_report_luns_is_an_error(void **state)
{
	(void)state;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = REPORT_LUNS, .status = SAM_STATUS_CHECK_CONDITION,
		.key = 5, .asc = 0x20 });
	run();
	assert_true(survey.is_over);
	assert_int_equal(survey.count, 0);
	assert_non_null(strstr(survey.reason, "REPORT LUNS is refused"));
}

static void answers_that_are_cut_off_are_an_error(void **state)
{
	(void)state;
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.opcode = REPORT_LUNS, .status = SAM_STATUS_GOOD, .residual = 8200 - 3 });
	run();
	assert_true(survey.is_over);
	assert_non_null(strstr(survey.reason, "makes no sense"));
}

static void it_starts_over_with_the_next_session(void **state)
{
	(void)state;
	transport_start(transport());
	mpath_run(&fake.mpath);
	assert_true(fake_answer_session(&fake.nexuses[0]));
	mpath_run(&fake.mpath);
	assert_true(survey.is_in_flight);
	fake_break(&fake, 0, "reset by peer");
	mpath_run(&fake.mpath);
	assert_false(survey.is_over);
	assert_string_equal(survey.reason, "reset by peer");
	fake_advance(&fake, 2000);
	assert_both_found();
}

static void logins_that_fail_are_told(void **state)
{
	(void)state;
	fake.nexuses[0].refuses = true;
	run();
	assert_false(survey.is_over);
	assert_string_not_equal(survey.reason, "");
}

/* The command is still out: its buffer must stay until it is back. */
static void it_can_be_ended_in_between(void **state)
{
	(void)state;
	transport_start(transport());
	mpath_run(&fake.mpath);
	assert_true(fake_answer_session(&fake.nexuses[0]));
	mpath_run(&fake.mpath);
	assert_true(survey.is_in_flight);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_unit_is_found_by_its_identity),
		TEST(units_without_83h_are_found_by_their_serial_number),
		TEST(it_waits_for_a_busy_unit),
		TEST(unit_attentions_pass),
		TEST(a_target_without_report_luns_is_an_error),
		TEST(answers_that_are_cut_off_are_an_error),
		TEST(it_starts_over_with_the_next_session),
		TEST(logins_that_fail_are_told),
		TEST(it_can_be_ended_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
