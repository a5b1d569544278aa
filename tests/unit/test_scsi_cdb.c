// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cdb.h"
#include "status.h"

static void check(const struct scsi_cdb *c, const char *name, enum scsi_dir dir,
		  uint32_t data_len, const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[16];

	assert_string_equal(cdb_name(c), name);
	assert_int_equal(c->len, len);
	assert_int_equal(c->dir, dir);
	assert_int_equal(c->data_len, data_len);
	assert_memory_equal(c->bytes, bytes, len);
	assert_memory_equal(c->bytes + len, zeros, 16 - len);
}

/* Builds over rubbish, so that a byte left as it was is seen. */
#define CHECK(build, name, dir, data_len, ...)                                           \
	do {                                                                             \
		const uint8_t want_[] = { __VA_ARGS__ };                                 \
		struct scsi_cdb c;                                                       \
		memset(&c, 0xa5, sizeof(c));                                             \
		build;                                                                   \
		check(&c, name, dir, data_len, want_, sizeof(want_));                    \
	} while (0)

static void control_commands_have_the_bytes_of_the_standard(void **state)
{
	(void)state;
	CHECK(cdb_test_unit_ready(&c), "TEST UNIT READY", SCSI_DIR_NONE, 0, 0, 0, 0, 0, 0, 0);
	CHECK(cdb_inquiry(&c, false, 0, 96), "INQUIRY", SCSI_DIR_IN, 96,
	      0x12, 0, 0, 0, 96, 0);
	CHECK(cdb_inquiry(&c, true, 0x83, 0x1234), "INQUIRY", SCSI_DIR_IN, 0x1234,
	      0x12, 1, 0x83, 0x12, 0x34, 0);
	CHECK(cdb_report_luns(&c, 0x01020304), "REPORT LUNS", SCSI_DIR_IN, 0x01020304,
	      0xa0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0);
	CHECK(cdb_read_capacity16(&c, 32), "READ CAPACITY(16)", SCSI_DIR_IN, 32,
	      0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
	CHECK(cdb_mode_sense10(&c, 0x3f, 0x0201), "MODE SENSE(10)", SCSI_DIR_IN, 0x0201,
	      0x5a, 0, 0x3f, 0, 0, 0, 0, 2, 1, 0);
	CHECK(cdb_get_lba_status(&c, 0x0102030405060708, 24), "GET LBA STATUS", SCSI_DIR_IN, 24,
	      0x9e, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 24, 0, 0);
	CHECK(cdb_report_port_groups(&c, false, 0x01020304), "REPORT TARGET PORT GROUPS",
	      SCSI_DIR_IN, 0x01020304, 0xa3, 0x0a, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0);
	CHECK(cdb_report_port_groups(&c, true, 8), "REPORT TARGET PORT GROUPS", SCSI_DIR_IN, 8,
	      0xa3, 0x2a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0);
	CHECK(cdb_set_port_groups(&c, 8), "SET TARGET PORT GROUPS", SCSI_DIR_OUT, 8,
	      0xa4, 0x0a, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0);
}

static void io_commands_have_the_bytes_of_the_standard(void **state)
{
	const uint64_t lba = 0x0102030405060708;
	const uint32_t n = 0x1a1b1c;

	(void)state;
	CHECK(cdb_read16(&c, lba, n, 512, false), "READ(16)", SCSI_DIR_IN, n * 512,
	      0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1a, 0x1b, 0x1c, 0, 0);
	CHECK(cdb_read16(&c, lba, n, 512, true), "READ(16)", SCSI_DIR_IN, n * 512,
	      0x88, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1a, 0x1b, 0x1c, 0, 0);
	CHECK(cdb_write16(&c, lba, 3, 4096, false), "WRITE(16)", SCSI_DIR_OUT, 3 * 4096,
	      0x8a, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 3, 0, 0);
	CHECK(cdb_write16(&c, lba, 3, 4096, true), "WRITE(16)", SCSI_DIR_OUT, 3 * 4096,
	      0x8a, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 3, 0, 0);
	CHECK(cdb_synchronize_cache16(&c, lba, 9), "SYNCHRONIZE CACHE(16)", SCSI_DIR_NONE, 0,
	      0x91, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0);
	CHECK(cdb_write_same16(&c, lba, n, 512, false), "WRITE SAME(16)", SCSI_DIR_OUT, 512,
	      0x93, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1a, 0x1b, 0x1c, 0, 0);
	CHECK(cdb_write_same16(&c, lba, n, 512, true), "WRITE SAME(16)", SCSI_DIR_OUT, 512,
	      0x93, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1a, 0x1b, 0x1c, 0, 0);
	CHECK(cdb_prefetch16(&c, lba, n), "PRE-FETCH(16)", SCSI_DIR_NONE, 0,
	      0x90, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x1a, 0x1b, 0x1c, 0, 0);
	CHECK(cdb_unmap(&c, UNMAP_PARAM_LEN), "UNMAP", SCSI_DIR_OUT, 24,
	      0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0);
}

static void unmap_parameters_hold_one_descriptor(void **state)
{
	static const uint8_t want[UNMAP_PARAM_LEN] = {
		0, 22, 0, 16, 0, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0,
	};
	uint8_t buf[UNMAP_PARAM_LEN];

	(void)state;
	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(unmap_param_build(buf, 0x0102030405060708, 0x090a0b0c), 24);
	assert_memory_equal(buf, want, sizeof(want));
}

static void foreign_commands_have_no_name(void **state)
{
	struct scsi_cdb c = { .bytes = { 0xff } };

	(void)state;
	assert_string_equal(cdb_name(&c), "unknown command");
	c.bytes[0] = 0x9e;
	c.bytes[1] = 0x1f;
	assert_string_equal(cdb_name(&c), "unknown command");
	c.bytes[0] = 0xa3;
	assert_string_equal(cdb_name(&c), "unknown command");
	c.bytes[0] = 0xa4;
	assert_string_equal(cdb_name(&c), "unknown command");
}

static void integers_survive_a_round_trip(void **state)
{
	uint8_t b[8];

	(void)state;
	put_be16(b, 0xfedc);
	assert_int_equal(get_be16(b), 0xfedc);
	put_be24(b, 0xfedcba);
	assert_int_equal(get_be24(b), 0xfedcba);
	put_be32(b, 0xfedcba98);
	assert_int_equal(get_be32(b), 0xfedcba98);
	put_be64(b, 0xfedcba9876543210);
	assert_int_equal(get_be64(b), 0xfedcba9876543210);
	assert_int_equal(b[0], 0xfe);
	assert_int_equal(b[7], 0x10);
}

static void every_status_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(scsi_status_name(0x00), "GOOD");
	assert_string_equal(scsi_status_name(0x02), "CHECK CONDITION");
	assert_string_equal(scsi_status_name(0x04), "CONDITION MET");
	assert_string_equal(scsi_status_name(0x08), "BUSY");
	assert_string_equal(scsi_status_name(0x18), "RESERVATION CONFLICT");
	assert_string_equal(scsi_status_name(0x28), "TASK SET FULL");
	assert_string_equal(scsi_status_name(0x30), "ACA ACTIVE");
	assert_string_equal(scsi_status_name(0x40), "TASK ABORTED");
	assert_string_equal(scsi_status_name(0x22), "unknown status");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_commands_have_the_bytes_of_the_standard),
		cmocka_unit_test(io_commands_have_the_bytes_of_the_standard),
		cmocka_unit_test(unmap_parameters_hold_one_descriptor),
		cmocka_unit_test(foreign_commands_have_no_name),
		cmocka_unit_test(integers_survive_a_round_trip),
		cmocka_unit_test(every_status_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
