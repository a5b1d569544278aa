// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exact.h"
#include "sense.h"

#define PARSE(out, ...)                                                                  \
	parse((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), out)

static int parse(const uint8_t *bytes, size_t len, struct sense *out)
{
	void *copy = exact_copy(bytes, len);
	int r = sense_parse(copy, len, out);

	free(copy);
	return r;
}

static void fixed_format_gives_every_field(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0xf0, 0, 0x03, 0x01, 0x02, 0x03, 0x04, 10, 0, 0, 0, 0,
			       0x11, 0x14, 0, 0x80, 0x12, 0x34), 0);
	assert_true(s.valid);
	assert_false(s.deferred);
	assert_int_equal(s.key, SENSE_KEY_MEDIUM_ERROR);
	assert_int_equal(s.asc, 0x11);
	assert_int_equal(s.ascq, 0x14);
	assert_true(s.information_valid);
	assert_int_equal(s.information, 0x01020304);
	assert_true(s.sks_valid);
	assert_memory_equal(s.sks, ((uint8_t[]){ 0x80, 0x12, 0x34 }), 3);
}

static void only_the_low_bits_of_the_key_byte_are_the_key(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x70, 0, 0xe6), 0);	/* FILEMARK, EOM, ILI set */
	assert_int_equal(s.key, SENSE_KEY_UNIT_ATTENTION);
	assert_int_equal(PARSE(&s, 0x72, 0xf5), 0);
	assert_int_equal(s.key, SENSE_KEY_ILLEGAL_REQUEST);
}

static void information_without_its_valid_bit_is_ignored(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x70, 0, 3, 1, 2, 3, 4, 0), 0);
	assert_false(s.information_valid);
	assert_int_equal(s.information, 0);
}

static void descriptor_format_gives_every_field(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x72, 0x05, 0x24, 0x00, 0, 0, 0, 24,
			       0x03, 2, 0, 0,	/* field replaceable unit: skipped */
			       0x00, 0x0a, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8,
			       0x02, 0x06, 0, 0, 0xc0, 0x00, 0x0a, 0), 0);
	assert_false(s.deferred);
	assert_int_equal(s.key, SENSE_KEY_ILLEGAL_REQUEST);
	assert_int_equal(s.asc, 0x24);
	assert_int_equal(s.ascq, 0x00);
	assert_true(s.information_valid);
	assert_int_equal(s.information, 0x0102030405060708);
	assert_true(s.sks_valid);
	assert_memory_equal(s.sks, ((uint8_t[]){ 0xc0, 0x00, 0x0a }), 3);
}

static void deferred_errors_are_marked_in_both_formats(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x71, 0, 3), 0);
	assert_true(s.deferred);
	assert_int_equal(PARSE(&s, 0x73, 3, 0x0c, 2), 0);
	assert_true(s.deferred);
	assert_int_equal(s.asc, 0x0c);
	assert_int_equal(s.ascq, 2);
}

static void short_data_keeps_what_is_there(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x70, 0, 0x06, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x29), 0);
	assert_int_equal(s.asc, 0x29);
	assert_int_equal(s.ascq, 0);
	assert_int_equal(PARSE(&s, 0x72, 0x06, 0x29), 0);
	assert_int_equal(s.asc, 0x29);
}

static void additional_length_ends_the_data_before_the_buffer(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x70, 0, 6, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0x29, 0x01), 0);
	assert_int_equal(s.asc, 0);
	assert_int_equal(s.ascq, 0);
	assert_int_equal(PARSE(&s, 0x70, 0, 6, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0x29, 0x01), 0);
	assert_int_equal(s.asc, 0x29);
	assert_int_equal(s.ascq, 0);
	assert_int_equal(PARSE(&s, 0x72, 3, 0x11, 0, 0, 0, 0, 0,
			       0x00, 0x0a, 0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8), 0);
	assert_false(s.information_valid);
}

static void broken_descriptors_do_not_hide_the_key(void **state)
{
	struct sense s;

	(void)state;
	assert_int_equal(PARSE(&s, 0x72, 0x0b, 0x47, 0x05, 0, 0, 0, 4, 0x00, 0xff, 0x80, 0), 0);
	assert_true(s.valid);
	assert_int_equal(s.key, SENSE_KEY_ABORTED_COMMAND);
	assert_false(s.information_valid);
	/* An information descriptor too short for its own field. */
	assert_int_equal(PARSE(&s, 0x72, 3, 0x11, 0, 0, 0, 0, 4, 0x00, 0x02, 0x80, 0), 0);
	assert_false(s.information_valid);
}

static void nonsense_is_refused_and_leaves_nothing(void **state)
{
	static const struct sense nothing;
	struct sense s;

	(void)state;
	memset(&s, 0xff, sizeof(s));
	assert_int_equal(sense_parse("", 0, &s), -EMSGSIZE);
	assert_memory_equal(&s, &nothing, sizeof(s));
	assert_int_equal(PARSE(&s, 0x70, 0), -EMSGSIZE);
	assert_int_equal(PARSE(&s, 0x72), -EMSGSIZE);
	assert_int_equal(PARSE(&s, 0x7f, 0, 6, 0, 0, 0, 0, 0), -EPROTO);
	assert_int_equal(PARSE(&s, 0x00, 0, 6, 0, 0, 0, 0, 0), -EPROTO);
	assert_false(s.valid);
}

static void iscsi_segment_length_bounds_the_sense_data(void **state)
{
	/* What tgtd answers to an operation code it does not know. */
	static const uint8_t real[] = {
		0x00, 0x12, 0x70, 0x00, 0x05, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0,
	};
	struct sense s;
	uint8_t *copy = exact_copy(real, sizeof(real));

	(void)state;
	assert_int_equal(sense_parse_segment(copy, sizeof(real), &s), 0);
	assert_int_equal(s.key, SENSE_KEY_ILLEGAL_REQUEST);
	assert_int_equal(s.asc, 0x20);
	copy[1] = 4;		/* SenseLength: the ASC is no longer part of it */
	assert_int_equal(sense_parse_segment(copy, sizeof(real), &s), 0);
	assert_int_equal(s.asc, 0);
	copy[0] = 0xff;		/* beyond the segment */
	assert_int_equal(sense_parse_segment(copy, sizeof(real), &s), 0);
	assert_int_equal(s.asc, 0x20);
	assert_int_equal(sense_parse_segment(copy, 1, &s), -EMSGSIZE);
	assert_int_equal(sense_parse_segment(copy, 2, &s), -EMSGSIZE);
	free(copy);
}

static void text_names_key_and_code(void **state)
{
	struct sense s = { .valid = true, .key = 6, .asc = 0x29 };
	char text[128], tiny[8];

	(void)state;
	sense_format(&s, text, sizeof(text));
	assert_string_equal(text, "UNIT ATTENTION 29h/00h "
			    "(power on, reset, or bus device reset occurred)");
	s = (struct sense){ .valid = true, .deferred = true, .key = 3, .asc = 0x99,
			    .ascq = 0xab, .information_valid = true, .information = 77 };
	sense_format(&s, text, sizeof(text));
	assert_string_equal(text, "deferred MEDIUM ERROR 99h/ABh, LBA 77");
	sense_format(&s, tiny, sizeof(tiny));
	assert_string_equal(tiny, "deferre");
	sense_format(&s, NULL, 0);
	s.valid = false;
	sense_format(&s, text, sizeof(text));
	assert_string_equal(text, "no sense data");
}

static void codes_are_found_at_both_ends_and_in_between(void **state)
{
	(void)state;
	assert_string_equal(sense_asc_name(0x00, 0x00), "no additional sense information");
	assert_string_equal(sense_asc_name(0x3f, 0x0e), "REPORTED LUNS data has changed");
	assert_string_equal(sense_asc_name(0x74, 0x71), "logical unit access not authorized");
	assert_null(sense_asc_name(0x29, 0x77));
	assert_null(sense_asc_name(0xff, 0xff));
	assert_string_equal(sense_key_name(SENSE_KEY_COMPLETED), "COMPLETED");
	assert_string_equal(sense_key_name(0xf6), "UNIT ATTENTION");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_format_gives_every_field),
		cmocka_unit_test(only_the_low_bits_of_the_key_byte_are_the_key),
		cmocka_unit_test(information_without_its_valid_bit_is_ignored),
		cmocka_unit_test(descriptor_format_gives_every_field),
		cmocka_unit_test(deferred_errors_are_marked_in_both_formats),
		cmocka_unit_test(short_data_keeps_what_is_there),
		cmocka_unit_test(additional_length_ends_the_data_before_the_buffer),
		cmocka_unit_test(broken_descriptors_do_not_hide_the_key),
		cmocka_unit_test(nonsense_is_refused_and_leaves_nothing),
		cmocka_unit_test(iscsi_segment_length_bounds_the_sense_data),
		cmocka_unit_test(text_names_key_and_code),
		cmocka_unit_test(codes_are_found_at_both_ends_and_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
