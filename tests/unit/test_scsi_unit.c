// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What a unit says of its size, its modes and its neighbours. */
#include "bytes.h"
#include "capacity.h"
#include "exact.h"
#include "lba_status.h"
#include "luns.h"
#include "mode.h"

#define ON(parse, bytes, len, ...)                                                       \
	({                                                                               \
		void *copy_ = exact_copy(bytes, len);                                    \
		int r_ = parse(copy_, len, __VA_ARGS__);                                 \
		free(copy_);                                                             \
		r_;                                                                      \
	})

static int capacity(uint64_t last_lba, uint32_t block_size, struct capacity *out)
{
	uint8_t b[32] = { 0 };

	put_be64(b, last_lba);
	put_be32(b + 8, block_size);
	return ON(capacity16_parse, b, sizeof(b), out);
}

static void capacity_gives_every_field(void **state)
{
	static const uint8_t b[32] = {
		0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0, 0, 0x02, 0, 0x01, 0x23, 0xc1, 0x05,
	};
	struct capacity c, d;

	(void)state;
	assert_int_equal(ON(capacity16_parse, b, sizeof(b), &c), 0);
	assert_int_equal(c.nblocks, 32768);
	assert_int_equal(c.block_size, 512);
	assert_int_equal(capacity_bytes(&c), 16 << 20);
	assert_true(c.prot_en);
	assert_int_equal(c.physical_exponent, 3);
	assert_true(c.lbpme);
	assert_true(c.lbprz);
	assert_int_equal(c.lowest_aligned, 0x105);
	for (size_t len = 0; len < 16; len++)
		assert_int_equal(ON(capacity16_parse, b, len, &d), -EMSGSIZE);
	assert_int_equal(ON(capacity16_parse, b, 16, &d), 0);
	assert_true(capacity_equal(&c, &d));
	d.nblocks--;
	assert_false(capacity_equal(&c, &d));
}

static void unusable_block_sizes_are_refused(void **state)
{
	static const uint32_t bad[] = { 0, 1, 256, 511, 513, 520, 528, 4104, 131072, UINT32_MAX };
	struct capacity c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(capacity(100, bad[i], &c), -ENOTSUP);
	for (uint32_t size = 512; size <= 65536; size *= 2)
		assert_int_equal(capacity(100, size, &c), 0);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct capacity c;

	(void)state;
	assert_int_equal(capacity(UINT64_MAX, 512, &c), -EOVERFLOW);
	assert_int_equal(capacity(INT64_MAX / 512, 512, &c), -EOVERFLOW);
	assert_int_equal(c.nblocks, 0);
	assert_int_equal(capacity(INT64_MAX / 512 - 1, 512, &c), 0);
	assert_true(capacity_bytes(&c) <= INT64_MAX);
	assert_int_equal(capacity(0, 512, &c), 0);
	assert_int_equal(c.nblocks, 1);
}

/* What tgtd answers for all pages: page 00h comes first, one block descriptor. */
static const uint8_t all_pages[] = {
	0x00, 0x42, 0x00, 0x90, 0x00, 0x00, 0x00, 0x08, 0, 0, 0, 0, 0, 0, 0x02, 0,
	0x00, 0x00,
	0x02, 0x0e, 0x80, 0x80, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0x08, 0x12, 0x14, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xa0, 0x14, 0, 0, 0, 0, 0, 0,
	0x0a, 0x0a, 0x02, 0x10, 0x18, 0x40, 0, 0, 0x02, 0x58, 0, 0,
	0x1c, 0x00,
};

static void mode_pages_are_found_behind_others(void **state)
{
	struct mode_data m;

	(void)state;
	assert_int_equal(ON(mode_sense10_parse, all_pages, sizeof(all_pages), &m), 0);
	assert_true(m.header.write_protected);
	assert_true(m.header.dpofua);
	assert_false(m.header.longlba);
	assert_int_equal(m.header.block_descriptors_len, 8);
	assert_false(m.truncated);
	assert_true(m.has_caching);
	assert_true(m.caching.wce);
	assert_false(m.caching.rcd);
	assert_true(m.caching.dra);
	assert_false(m.caching.nv_dis);
	assert_true(m.has_control);
	assert_int_equal(m.control.queue_algorithm, 1);
	assert_int_equal(m.control.ua_intlck, 1);
	assert_true(m.control.swp);
	assert_true(m.control.tas);
	assert_false(m.control.d_sense);
	assert_int_equal(m.control.busy_timeout, 600);
}

static void mode_data_cut_anywhere_keeps_what_is_whole(void **state)
{
	struct mode_data m;

	(void)state;
	for (size_t len = 0; len < sizeof(all_pages); len++) {
		int r = ON(mode_sense10_parse, all_pages, len, &m);

		assert_int_equal(r, len < 8 ? -EMSGSIZE : 0);
		if (r < 0)
			continue;
		assert_true(m.truncated);
		assert_true(m.header.dpofua);
	}
}

static void cut_page_counts_if_its_fields_are_there(void **state)
{
	static const uint8_t b[] = {
		0, 0x1a, 0, 0, 0, 0, 0, 0, 0x08, 0x12, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	uint8_t control[14] = { [8] = 0x0a, 0x0a, 0, 0, 0, 0x40 };
	struct mode_data m;

	(void)state;
	assert_int_equal(ON(mode_sense10_parse, b, 10, &m), 0);
	assert_false(m.has_caching);
	assert_int_equal(ON(mode_sense10_parse, b, 11, &m), 0);
	assert_true(m.has_caching);
	assert_true(m.caching.wce);
	assert_true(m.caching.rcd);
	assert_false(m.caching.dra);

	memcpy(control, b, 8);
	assert_int_equal(ON(mode_sense10_parse, control, 13, &m), 0);
	assert_false(m.has_control);
	assert_int_equal(ON(mode_sense10_parse, control, 14, &m), 0);
	assert_true(m.has_control);
	assert_true(m.control.tas);
	assert_int_equal(m.control.busy_timeout, 0);
}

static void subpages_and_long_block_descriptors_are_skipped(void **state)
{
	static const uint8_t b[] = {
		0, 46, 0, 0, 0x01, 0, 0, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0,
		0x4a, 0x01, 0x00, 0x02, 0xff, 0xff,	/* control extension: not ours */
		0x48, 0x05, 0x00, 0x00,
		0x08, 0x0c, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	};
	struct mode_data m;

	(void)state;
	assert_int_equal(sizeof(b), 48);
	assert_int_equal(ON(mode_sense10_parse, b, sizeof(b), &m), 0);
	assert_true(m.header.longlba);
	assert_true(m.has_caching);
	assert_true(m.caching.wce);
	assert_false(m.has_control);
}

static void rubbish_behind_page_00_is_dropped(void **state)
{
	static const uint8_t b[] = {
		0, 26, 0, 0, 0, 0, 0, 0,
		0x0a, 0x04, 0, 0, 0x08, 0,
		0x00, 0x00, 0x08, 0x02, 0x04, 0x00, 0x77, 0xff, 1, 2, 3, 4, 5, 6,
	};
	struct mode_data m;

	(void)state;
	assert_int_equal(ON(mode_sense10_parse, b, sizeof(b), &m), 0);
	assert_true(m.has_control);
	assert_true(m.control.swp);
	assert_false(m.has_caching);
}

static void contradicting_mode_lengths_are_refused(void **state)
{
	uint8_t b[sizeof(all_pages)];
	struct mode_data m;

	(void)state;
	memcpy(b, all_pages, sizeof(b));
	b[6] = 0xff;			/* block descriptors beyond the mode data */
	assert_int_equal(ON(mode_sense10_parse, b, sizeof(b), &m), -EPROTO);
	assert_false(m.header.dpofua);
	memcpy(b, (uint8_t[]){ 0, 10, 0, 0, 0, 0, 0, 0, 0x08, 0x12, 0x04, 0 }, 12);
	assert_int_equal(ON(mode_sense10_parse, b, 12, &m), -EPROTO);
}

static void empty_mode_data_has_a_header_only(void **state)
{
	static const uint8_t b[] = { 0, 6, 0, 0x80, 0, 0, 0, 0 };
	struct mode_data m;

	(void)state;
	assert_int_equal(ON(mode_sense10_parse, b, sizeof(b), &m), 0);
	assert_true(m.header.write_protected);
	assert_false(m.header.dpofua);
	assert_false(m.has_caching);
	assert_false(m.truncated);
}

static void luns_are_listed_with_their_total(void **state)
{
	static const uint8_t b[] = {
		0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 1, 0, 0, 0, 0, 0, 0, 0x41, 0x2c, 0, 0, 0, 0, 0, 0,
	};
	uint64_t luns[4] = { 9, 9, 9, 9 };
	size_t total;

	(void)state;
	assert_int_equal(ON(report_luns_parse, b, sizeof(b), luns, 4, &total), 3);
	assert_int_equal(total, 3);
	assert_int_equal(luns[1], 0x0001000000000000);
	assert_int_equal(lun_to_number(luns[2]), 300);
	assert_int_equal(luns[3], 9);
	assert_int_equal(ON(report_luns_parse, b, sizeof(b), luns, 1, &total), 1);
	assert_int_equal(total, 3);
	assert_int_equal(ON(report_luns_parse, b, 31, luns, 4, &total), 2);	/* cut */
	assert_int_equal(total, 3);
	assert_int_equal(ON(report_luns_parse, b, 8, luns, 4, &total), 0);
	assert_int_equal(total, 3);
	assert_int_equal(ON(report_luns_parse, b, 7, luns, 4, &total), -EMSGSIZE);
}

static void list_lengths_that_cannot_be_are_refused(void **state)
{
	uint8_t b[16] = { 0, 0, 0, 7 };
	uint64_t luns[4];
	size_t total;

	(void)state;
	assert_int_equal(ON(report_luns_parse, b, sizeof(b), luns, 4, &total), -EPROTO);
	assert_int_equal(total, 0);
	memset(b, 0xff, 4);
	b[3] = 0xf8;
	assert_int_equal(ON(report_luns_parse, b, sizeof(b), luns, 4, &total), 1);
	assert_int_equal(total, 0xfffffff8 / 8);
}

static void every_lun_number_survives_a_round_trip(void **state)
{
	uint64_t lun = 0;

	(void)state;
	for (unsigned n = 0; n <= LUN_NUMBER_MAX; n++) {
		assert_int_equal(lun_from_number((uint16_t)n, &lun), 0);
		assert_int_equal(lun_to_number(lun), n);
		assert_int_equal(lun_first_level(lun), n < 256 ? n : 0x4000 | n);
	}
	assert_int_equal(lun_from_number(LUN_NUMBER_MAX + 1, &lun), -ERANGE);
	assert_int_equal(lun_from_number(65535, &lun), -ERANGE);
}

static void luns_without_a_number_are_told_apart(void **state)
{
	char text[LUN_TEXT_MAX];

	(void)state;
	assert_int_equal(lun_to_number(0x4005000000000000), 5);	/* flat, below 256 */
	assert_int_equal(lun_to_number(0x0105000000000000), -EINVAL);	/* bus 1 */
	assert_int_equal(lun_to_number(0x8005000000000000), -EINVAL);	/* LU addressing */
	assert_int_equal(lun_to_number(0xc101000000000000), -EINVAL);	/* well known */
	assert_int_equal(lun_to_number(0x0005000100000000), -EINVAL);	/* two levels */
	assert_int_equal(lun_to_number(0x0005000000000001), -EINVAL);
	lun_format(0x412c000000000000, text, sizeof(text));
	assert_string_equal(text, "300");
	lun_format(0xc101000000000000, text, sizeof(text));
	assert_string_equal(text, "0xc101000000000000");
}

/* What tgtd answers: deallocated, mapped, deallocated. */
static const uint8_t extents[] = {
	0, 0, 0, 0x34, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 1, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0x01, 0xf0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0x7e, 0, 0xf1, 0, 0, 0,
};

/* The number of extents, or the error that ended them. */
static int count_extents(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = exact_copy(bytes, len);
	struct lba_status_extent e;
	struct lba_status it;
	int n = 0, r = lba_status_init(&it, copy, len);

	while (r == 0 && (r = lba_status_next(&it, &e)) == 1) {
		r = 0;
		if (++n > 3)
			break;
		assert_int_equal(e.lba, get_be64(copy + 8 + 16 * (n - 1)));
		assert_int_equal(e.nblocks, get_be32(copy + 16 + 16 * (n - 1)));
		assert_int_equal(e.provisioning, n == 2 ? LBA_STATUS_MAPPED_OR_UNKNOWN :
				 LBA_STATUS_DEALLOCATED);
	}
	if (r < 0)
		assert_true(it.next == it.end);
	free(copy);
	return r < 0 ? r : n;
}

static void extents_come_in_order(void **state)
{
	(void)state;
	assert_int_equal(count_extents(extents, sizeof(extents)), 3);
	assert_int_equal(count_extents(extents, sizeof(extents) - 1), 2);
	assert_int_equal(count_extents(extents, LBA_STATUS_LEN(1)), 1);
	assert_int_equal(count_extents(extents, LBA_STATUS_LEN(1) - 1), -EMSGSIZE);
	assert_int_equal(count_extents(extents, 7), -EMSGSIZE);
}

static void impossible_extents_are_refused(void **state)
{
	uint8_t b[sizeof(extents)];

	(void)state;
	memcpy(b, extents, sizeof(b));
	b[31] = 0x0f;				/* the second overlaps the first */
	assert_int_equal(count_extents(b, sizeof(b)), -EPROTO);
	memcpy(b, extents, sizeof(b));
	memset(b + 32, 0, 4);			/* the second is empty */
	assert_int_equal(count_extents(b, sizeof(b)), -EPROTO);
	memcpy(b, extents, sizeof(b));
	memset(b + 40, 0xff, 8);		/* the third wraps */
	assert_int_equal(count_extents(b, sizeof(b)), -EPROTO);
	memcpy(b, extents, sizeof(b));
	b[3] = 3;				/* shorter than its own header */
	assert_int_equal(count_extents(b, sizeof(b)), -EPROTO);
	b[3] = 4;
	assert_int_equal(count_extents(b, sizeof(b)), 0);
	b[3] = 4 + 16 + 5;
	assert_int_equal(count_extents(b, sizeof(b)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_gives_every_field),
		cmocka_unit_test(unusable_block_sizes_are_refused),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(mode_pages_are_found_behind_others),
		cmocka_unit_test(mode_data_cut_anywhere_keeps_what_is_whole),
		cmocka_unit_test(cut_page_counts_if_its_fields_are_there),
		cmocka_unit_test(subpages_and_long_block_descriptors_are_skipped),
		cmocka_unit_test(rubbish_behind_page_00_is_dropped),
		cmocka_unit_test(contradicting_mode_lengths_are_refused),
		cmocka_unit_test(empty_mode_data_has_a_header_only),
		cmocka_unit_test(luns_are_listed_with_their_total),
		cmocka_unit_test(list_lengths_that_cannot_be_are_refused),
		cmocka_unit_test(every_lun_number_survives_a_round_trip),
		cmocka_unit_test(luns_without_a_number_are_told_apart),
		cmocka_unit_test(extents_come_in_order),
		cmocka_unit_test(impossible_extents_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
