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
#include "inquiry.h"
#include "vpd.h"

/* Runs a parser on an exact copy of the first len bytes. */
#define ON(parse, bytes, len, out)                                                       \
	({                                                                               \
		void *copy_ = exact_copy(bytes, len);                                    \
		int r_ = parse(copy_, len, out);                                         \
		free(copy_);                                                             \
		r_;                                                                      \
	})

static void inquiry_bytes(uint8_t b[36])
{
	memset(b, 0, 36);
	b[2] = 6;
	b[4] = 31;
	b[5] = 0x31;		/* TPGS both, PROTECT */
	b[7] = 0x02;
	memcpy(b + 8, "ACME    Array One       1.0 ", 28);
}

static void inquiry_gives_flags_and_trimmed_strings(void **state)
{
	struct inquiry q;
	uint8_t b[36];

	(void)state;
	inquiry_bytes(b);
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_string_equal(q.vendor, "ACME");
	assert_string_equal(q.product, "Array One");
	assert_string_equal(q.revision, "1.0");
	assert_int_equal(q.version, 6);
	assert_int_equal(q.tpgs, INQUIRY_TPGS_IMPLICIT | INQUIRY_TPGS_EXPLICIT);
	assert_true(q.protect);
	assert_true(q.cmdque);
	assert_true(inquiry_is_disk(&q));
}

static void inquiry_tells_units_that_are_not_there(void **state)
{
	struct inquiry q;
	uint8_t b[36];

	(void)state;
	inquiry_bytes(b);
	b[0] = 0x7f;
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_int_equal(q.peripheral_qualifier, INQUIRY_QUALIFIER_NOT_SUPPORTED);
	assert_int_equal(q.device_type, 0x1f);
	assert_false(inquiry_is_disk(&q));
	b[0] = 0x20;
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_false(inquiry_is_disk(&q));
	b[0] = 0x0c;		/* the controller's own LUN */
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_false(inquiry_is_disk(&q));
}

static void inquiry_strings_are_printable_at_full_length(void **state)
{
	struct inquiry q;
	uint8_t b[36];

	(void)state;
	inquiry_bytes(b);
	memset(b + 8, 0xc3, 28);
	b[9] = '\n';
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_string_equal(q.vendor, "????????");
	assert_string_equal(q.product, "????????????????");
	assert_string_equal(q.revision, "????");
	memset(b + 8, 0, 28);
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), 0);
	assert_string_equal(q.vendor, "");
}

static void inquiry_that_ends_early_is_refused(void **state)
{
	struct inquiry q;
	uint8_t b[36];

	(void)state;
	inquiry_bytes(b);
	for (size_t len = 0; len < sizeof(b); len++)
		assert_int_equal(ON(inquiry_parse, b, len, &q), -EMSGSIZE);
	b[4] = 30;
	assert_int_equal(ON(inquiry_parse, b, sizeof(b), &q), -EMSGSIZE);
	assert_string_equal(q.vendor, "");
}

static void every_page_checks_its_code_and_header(void **state)
{
	static const uint8_t other[64] = { 0, 0xc7, 0, 60 };
	static struct vpd_designation d;
	struct vpd_block_characteristics bc;
	struct vpd_block_limits bl;
	struct vpd_provisioning lbp;
	struct vpd_serial serial;
	struct vpd_pages pages;

	(void)state;
	assert_int_equal(ON(vpd_pages_parse, other, 64, &pages), -EPROTO);
	assert_int_equal(ON(vpd_serial_parse, other, 64, &serial), -EPROTO);
	assert_int_equal(ON(vpd_designation_parse, other, 64, &d), -EPROTO);
	assert_int_equal(ON(vpd_block_limits_parse, other, 64, &bl), -EPROTO);
	assert_int_equal(ON(vpd_block_characteristics_parse, other, 64, &bc), -EPROTO);
	assert_int_equal(ON(vpd_provisioning_parse, other, 64, &lbp), -EPROTO);
	for (size_t len = 0; len < 4; len++) {
		assert_int_equal(ON(vpd_pages_parse, other, len, &pages), -EMSGSIZE);
		assert_int_equal(ON(vpd_serial_parse, other, len, &serial), -EMSGSIZE);
		assert_int_equal(ON(vpd_designation_parse, other, len, &d), -EMSGSIZE);
		assert_int_equal(ON(vpd_block_limits_parse, other, len, &bl), -EMSGSIZE);
		assert_int_equal(ON(vpd_block_characteristics_parse, other, len, &bc), -EMSGSIZE);
		assert_int_equal(ON(vpd_provisioning_parse, other, len, &lbp), -EMSGSIZE);
	}
}

static void supported_pages_are_a_set(void **state)
{
	static const uint8_t real[] = { 0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2 };
	struct vpd_pages pages;

	(void)state;
	assert_int_equal(ON(vpd_pages_parse, real, sizeof(real), &pages), 0);
	assert_true(vpd_pages_has(&pages, 0x00));
	assert_true(vpd_pages_has(&pages, VPD_DEVICE_IDENTIFICATION));
	assert_true(vpd_pages_has(&pages, VPD_LOGICAL_BLOCK_PROVISIONING));
	assert_false(vpd_pages_has(&pages, 0x81));
	assert_false(vpd_pages_has(&pages, 0xff));
	assert_int_equal(ON(vpd_pages_parse, real, 7, &pages), 0);	/* cut list */
	assert_true(vpd_pages_has(&pages, 0x83));
	assert_false(vpd_pages_has(&pages, 0xb0));
}

static void bytes_behind_the_page_do_not_count(void **state)
{
	static const uint8_t b[] = { 0, 0, 0, 1, 0x00, 0x83 };
	struct vpd_pages pages;

	(void)state;
	assert_int_equal(ON(vpd_pages_parse, b, sizeof(b), &pages), 0);
	assert_false(vpd_pages_has(&pages, 0x83));
}

static void serial_is_trimmed_and_must_be_whole_and_printable(void **state)
{
	uint8_t b[] = { 0, 0x80, 0, 8, ' ', 0, ' ', 'S', 'N', ' ', '1', 0 };
	struct vpd_serial serial;

	(void)state;
	assert_int_equal(ON(vpd_serial_parse, b, sizeof(b), &serial), 0);
	assert_string_equal(serial.text, "SN 1");
	assert_int_equal(serial.len, 4);
	assert_int_equal(ON(vpd_serial_parse, b, sizeof(b) - 1, &serial), -EMSGSIZE);
	b[8] = 0x07;
	assert_int_equal(ON(vpd_serial_parse, b, sizeof(b), &serial), -EPROTO);
	b[8] = 0x7f;
	assert_int_equal(ON(vpd_serial_parse, b, sizeof(b), &serial), -EPROTO);
	b[3] = 0;
	assert_int_equal(ON(vpd_serial_parse, b, sizeof(b), &serial), 0);
	assert_int_equal(serial.len, 0);
}

static void serial_of_any_length_stays_in_bounds(void **state)
{
	static uint8_t b[4 + 300] = { 0, 0x80 };
	struct vpd_serial serial;

	(void)state;
	memset(b + 4, 'x', 300);
	for (size_t n = 250; n <= 300; n++) {
		b[2] = (uint8_t)(n >> 8);
		b[3] = (uint8_t)n;
		assert_int_equal(ON(vpd_serial_parse, b, 4 + n, &serial), n < 256 ? 0 : -EPROTO);
		assert_int_equal(strlen(serial.text), n < 256 ? n : 0);
	}
}

/* What tgtd answers, with a port's designators appended. */
static const uint8_t designation[] = {
	0, 0x83, 0, 0x4a,
	0x02, 0x01, 0x00, 0x18, 'A', 'C', 'M', 'E', ' ', ' ', ' ', ' ',
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 0, 0, 0,
	0x01, 0x03, 0x00, 0x08, 0x30, 0, 0, 1, 0, 0, 0, 1,
	0x01, 0x03, 0x00, 0x10, 0x60, 0x01, 0x40, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	0x51, 0x94, 0x00, 0x04, 0, 0, 0, 7,
	0x51, 0x95, 0x00, 0x02, 0, 0,		/* wrong length for a port group */
};

static void designators_come_with_all_their_fields(void **state)
{
	static struct vpd_designation d;
	const struct vpd_designator *it;

	(void)state;
	assert_int_equal(sizeof(designation), 4 + 0x4a);
	assert_int_equal(ON(vpd_designation_parse, designation, sizeof(designation), &d), 0);
	assert_int_equal(d.count, 5);
	assert_false(d.cut);
	assert_false(d.truncated);
	assert_int_equal(d.list[0].type, VPD_DESIGNATOR_T10);
	assert_int_equal(d.list[0].code_set, VPD_CODE_SET_ASCII);
	assert_int_equal(d.list[0].len, 24);
	assert_memory_equal(d.list[0].bytes, "ACME    0123", 12);
	assert_false(d.list[2].protocol_valid);

	it = vpd_designation_next(&d, NULL, VPD_ASSOCIATION_LU, VPD_DESIGNATOR_NAA);
	assert_ptr_equal(it, &d.list[1]);
	it = vpd_designation_next(&d, it, VPD_ASSOCIATION_LU, VPD_DESIGNATOR_NAA);
	assert_ptr_equal(it, &d.list[2]);
	assert_null(vpd_designation_next(&d, it, VPD_ASSOCIATION_LU, VPD_DESIGNATOR_NAA));
	assert_ptr_equal(vpd_designation_next(&d, it, -1, -1), &d.list[3]);
	assert_null(vpd_designation_next(&d, NULL, VPD_ASSOCIATION_TARGET, -1));

	assert_true(d.list[3].protocol_valid);
	assert_int_equal(d.list[3].protocol, 5);
	assert_int_equal(vpd_relative_port(&d), 7);
	assert_int_equal(vpd_port_group(&d), -ENOENT);
}

static void designators_cut_by_the_buffer_are_left_out(void **state)
{
	static struct vpd_designation d;

	(void)state;
	for (size_t len = 4; len < sizeof(designation); len++) {
		assert_int_equal(ON(vpd_designation_parse, designation, len, &d), 0);
		assert_true(d.truncated);
		assert_int_equal(d.count, len < 32 ? 0 : len < 44 ? 1 : len < 64 ? 2 :
				 len < 72 ? 3 : 4);
	}
}

static void designator_beyond_its_page_is_refused(void **state)
{
	static struct vpd_designation d;
	uint8_t b[sizeof(designation)];

	(void)state;
	memcpy(b, designation, sizeof(b));
	b[sizeof(b) - 3] = 3;
	assert_int_equal(ON(vpd_designation_parse, b, sizeof(b), &d), -EPROTO);
	assert_int_equal(d.count, 0);
}

static void zeros_at_the_end_of_the_page_are_padding(void **state)
{
	uint8_t b[16] = { 0, 0x83, 0, 11, 0x01, 0x03, 0, 4, 1, 2, 3, 4 };
	static struct vpd_designation d;

	(void)state;
	assert_int_equal(ON(vpd_designation_parse, b, 15, &d), 0);
	assert_int_equal(d.count, 1);
	b[14] = 1;
	assert_int_equal(ON(vpd_designation_parse, b, 15, &d), -EPROTO);
}

static void long_designator_lists_are_cut_and_say_so(void **state)
{
	static uint8_t b[4 + 33 * 5] = { 0, 0x83, 0, 33 * 5 };
	static struct vpd_designation d;

	(void)state;
	for (int i = 0; i < 33; i++)
		memcpy(b + 4 + i * 5, (uint8_t[]){ 0x02, 0x00, 0, 1, (uint8_t)i }, 5);
	assert_int_equal(ON(vpd_designation_parse, b, sizeof(b), &d), 0);
	assert_int_equal(d.count, 32);
	assert_true(d.cut);
	assert_int_equal(d.list[31].bytes[0], 31);
	b[3] = 32 * 5;
	assert_int_equal(ON(vpd_designation_parse, b, sizeof(b), &d), 0);
	assert_int_equal(d.count, 32);
	assert_false(d.cut);
}

static const uint8_t limits[64] = {
	0, 0xb0, 0, 0x3c, 0x01, 0x80, 0x00, 0x08,
	0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x08, 0x00,
	0x00, 0x00, 0x40, 0x00, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x10,
	0x80, 0x00, 0x00, 0x13, 0, 0, 0, 0, 0x00, 0x02, 0x00, 0x00,
};

static void block_limits_give_every_field(void **state)
{
	struct vpd_block_limits bl;
	uint32_t alignment;

	(void)state;
	assert_int_equal(ON(vpd_block_limits_parse, limits, sizeof(limits), &bl), 0);
	assert_true(bl.wsnz);
	assert_int_equal(bl.max_compare_and_write, 0x80);
	assert_int_equal(bl.granularity, 8);
	assert_int_equal(bl.max_transfer, 0x2000);
	assert_int_equal(bl.optimal_transfer, 0x800);
	assert_int_equal(bl.max_prefetch, 0x4000);
	assert_int_equal(bl.max_unmap_lba_count, 0x10000);
	assert_int_equal(bl.max_unmap_descriptors, 0x20);
	assert_int_equal(bl.unmap_granularity, 0x10);
	assert_true(bl.unmap_alignment_valid);
	assert_int_equal(bl.unmap_alignment, 0x13);
	assert_int_equal(bl.max_write_same, 0x20000);

	assert_int_equal(vpd_max_transfer(&bl), 0x2000);
	assert_int_equal(vpd_optimal_transfer(&bl), 0x800);
	assert_int_equal(vpd_transfer_granularity(&bl), 8);
	assert_int_equal(vpd_max_unmap(&bl), 0x10000);
	assert_int_equal(vpd_max_write_same(&bl), 0x20000);
	assert_int_equal(vpd_unmap_granularity(&bl, &alignment), 0x10);
	assert_int_equal(alignment, 3);
}

static void short_block_limits_know_less(void **state)
{
	struct vpd_block_limits bl;
	uint32_t alignment;

	(void)state;
	for (size_t len = 4; len < 16; len++)
		assert_int_equal(ON(vpd_block_limits_parse, limits, len, &bl), -EMSGSIZE);
	assert_int_equal(ON(vpd_block_limits_parse, limits, 16, &bl), 0);
	assert_int_equal(bl.optimal_transfer, 0x800);
	assert_int_equal(bl.max_prefetch, 0);
	assert_int_equal(vpd_max_unmap(&bl), 0);
	assert_int_equal(vpd_max_write_same(&bl), UINT32_MAX);
	assert_int_equal(vpd_unmap_granularity(&bl, &alignment), 1);
	assert_int_equal(ON(vpd_block_limits_parse, limits, 27, &bl), 0);
	assert_int_equal(vpd_max_unmap(&bl), 0);
	assert_int_equal(ON(vpd_block_limits_parse, limits, 43, &bl), 0);
	assert_int_equal(bl.unmap_granularity, 0x10);
	assert_int_equal(bl.max_write_same, 0);
}

static void contradicting_block_limits_are_not_relied_upon(void **state)
{
	struct vpd_block_limits bl = { .max_transfer = 64, .optimal_transfer = 128,
				       .granularity = 65, .max_unmap_lba_count = 8,
				       .unmap_alignment = 3, .unmap_granularity = 8,
				       .max_write_same = 1ull << 40 };
	uint32_t alignment;

	(void)state;
	assert_int_equal(vpd_optimal_transfer(&bl), 0);
	assert_int_equal(vpd_transfer_granularity(&bl), 1);
	assert_int_equal(vpd_max_unmap(&bl), 0);		/* no descriptor allowed */
	assert_int_equal(vpd_max_write_same(&bl), UINT32_MAX);
	assert_int_equal(vpd_unmap_granularity(&bl, &alignment), 8);
	assert_int_equal(alignment, 0);				/* UGAVALID is not set */
	bl.max_transfer = 0;
	assert_int_equal(vpd_max_transfer(&bl), UINT32_MAX);
	assert_int_equal(vpd_optimal_transfer(&bl), 128);
}

static void characteristics_and_provisioning_are_read(void **state)
{
	static const uint8_t b1[] = { 0, 0xb1, 0, 4, 0x1c, 0x20, 0, 0xf3 };
	uint8_t b2[] = { 0, 0xb2, 0, 4, 0x0b, 0xa4, 0x02, 0 };
	struct vpd_block_characteristics bc;
	struct vpd_provisioning lbp;

	(void)state;
	assert_int_equal(ON(vpd_block_characteristics_parse, b1, 8, &bc), 0);
	assert_int_equal(bc.rotation_rate, 7200);
	assert_int_equal(bc.form_factor, 3);
	assert_int_equal(ON(vpd_block_characteristics_parse, b1, 6, &bc), 0);
	assert_int_equal(bc.form_factor, 0);
	assert_int_equal(ON(vpd_block_characteristics_parse, b1, 5, &bc), -EMSGSIZE);

	assert_int_equal(ON(vpd_provisioning_parse, b2, 8, &lbp), 0);
	assert_int_equal(lbp.threshold_exponent, 11);
	assert_true(lbp.lbpu);
	assert_false(lbp.lbpws);
	assert_true(lbp.lbpws10);
	assert_true(lbp.lbprz);
	assert_int_equal(lbp.type, VPD_PROVISIONING_THIN);
	b2[5] = 0x40 | 0x08;		/* SBC-4: unmapped blocks read as an init pattern */
	assert_int_equal(ON(vpd_provisioning_parse, b2, 8, &lbp), 0);
	assert_false(lbp.lbpu);
	assert_true(lbp.lbpws);
	assert_false(lbp.lbprz);
	assert_int_equal(ON(vpd_provisioning_parse, b2, 6, &lbp), -EMSGSIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inquiry_gives_flags_and_trimmed_strings),
		cmocka_unit_test(inquiry_tells_units_that_are_not_there),
		cmocka_unit_test(inquiry_strings_are_printable_at_full_length),
		cmocka_unit_test(inquiry_that_ends_early_is_refused),
		cmocka_unit_test(every_page_checks_its_code_and_header),
		cmocka_unit_test(supported_pages_are_a_set),
		cmocka_unit_test(bytes_behind_the_page_do_not_count),
		cmocka_unit_test(serial_is_trimmed_and_must_be_whole_and_printable),
		cmocka_unit_test(serial_of_any_length_stays_in_bounds),
		cmocka_unit_test(designators_come_with_all_their_fields),
		cmocka_unit_test(designators_cut_by_the_buffer_are_left_out),
		cmocka_unit_test(designator_beyond_its_page_is_refused),
		cmocka_unit_test(zeros_at_the_end_of_the_page_are_padding),
		cmocka_unit_test(long_designator_lists_are_cut_and_say_so),
		cmocka_unit_test(block_limits_give_every_field),
		cmocka_unit_test(short_block_limits_know_less),
		cmocka_unit_test(contradicting_block_limits_are_not_relied_upon),
		cmocka_unit_test(characteristics_and_provisioning_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
