// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "identity.h"
#include "inquiry.h"
#include "vpd.h"

static struct vpd_designation d;
static const struct inquiry acme = { .vendor = "ACME", .product = "Array-One" };

static void reset(void)
{
	memset(&d, 0, sizeof(d));
}

static void add(uint8_t association, uint8_t type, uint8_t code_set, const void *bytes, size_t len)
{
	struct vpd_designator *it = &d.list[d.count++];

	it->association = association;
	it->type = type;
	it->code_set = code_set;
	it->len = (uint8_t)len;
	memcpy(it->bytes, bytes, len);
}

#define ADD_LU(type, code_set, ...)                                                      \
	add(VPD_ASSOCIATION_LU, type, code_set, (const uint8_t[]){ __VA_ARGS__ },        \
	    sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define ADD_TEXT(type, code_set, text)                                                   \
	add(VPD_ASSOCIATION_LU, type, code_set, text, sizeof(text) - 1)

static void add_naa6(void)
{
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x60, 0x01, 0x40, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
}

static void add_naa5(void)
{
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x50, 0x01, 0x40, 0x50, 0xab, 0xcd, 0xef, 0x12);
}

static void expect(enum identity_kind kind, const char *text)
{
	struct identity id;

	assert_int_equal(identity_choose(&id, &d, NULL, NULL), 0);
	assert_int_equal(id.kind, kind);
	assert_string_equal(id.text, text);
}

static void expect_none(void)
{
	struct identity id;

	assert_int_equal(identity_choose(&id, &d, NULL, NULL), -ENOENT);
	assert_int_equal(id.kind, IDENTITY_NONE);
	assert_string_equal(id.text, "");
}

static void better_kinds_win_whatever_their_order(void **state)
{
	(void)state;
	reset();
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x30, 0, 0, 1, 0, 0, 0, 1);
	expect(IDENTITY_NAA, "naa.3000000100000001");
	ADD_TEXT(VPD_DESIGNATOR_T10, 2, "ACME    disk 7  ");
	expect(IDENTITY_T10, "t10.ACME    disk 7");
	ADD_TEXT(VPD_DESIGNATOR_NAME, 3, "iqn.2026-11.org.example:lu1\0\0");
	expect(IDENTITY_NAME, "name.iqn.2026-11.org.example:lu1");
	ADD_LU(VPD_DESIGNATOR_EUI64, 1, 0, 0x14, 5, 0, 0, 0, 0, 1);
	expect(IDENTITY_EUI64, "eui.0014050000000001");
	ADD_LU(VPD_DESIGNATOR_EUI64, 1, 0, 0x14, 5, 0, 0, 0, 0, 1, 0, 0, 0, 2);
	expect(IDENTITY_EUI64, "eui.001405000000000100000002");
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x20, 1, 2, 3, 4, 5, 6, 7);
	expect(IDENTITY_NAA, "naa.2001020304050607");
	add_naa5();
	expect(IDENTITY_NAA, "naa.50014050abcdef12");
	add_naa6();
	expect(IDENTITY_NAA, "naa.60014050000000000000000000000001");
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x60, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9);
	expect(IDENTITY_NAA, "naa.60014050000000000000000000000001");	/* the first */
}

static void designators_of_port_and_target_are_not_the_unit(void **state)
{
	static const uint8_t naa[] = { 0x50, 1, 2, 3, 4, 5, 6, 7 };

	(void)state;
	reset();
	add(VPD_ASSOCIATION_PORT, VPD_DESIGNATOR_NAA, 1, naa, sizeof(naa));
	add(VPD_ASSOCIATION_TARGET, VPD_DESIGNATOR_NAA, 1, naa, sizeof(naa));
	expect_none();
}

static void unset_and_malformed_designators_do_not_count(void **state)
{
	(void)state;
	reset();
	add(VPD_ASSOCIATION_LU, VPD_DESIGNATOR_NAA, 1, "", 0);
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x50, 0, 0, 0, 0, 0, 0, 0);
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x60, 1, 2, 3, 4, 5, 6, 7);	/* half its length */
	ADD_LU(VPD_DESIGNATOR_NAA, 1, 0x70, 1, 2, 3, 4, 5, 6, 7);	/* no such format */
	ADD_LU(VPD_DESIGNATOR_NAA, 2, 0x50, 1, 2, 3, 4, 5, 6, 7);	/* in ASCII */
	ADD_LU(VPD_DESIGNATOR_EUI64, 1, 0, 0, 0, 0, 0, 0, 0, 0);
	ADD_LU(VPD_DESIGNATOR_EUI64, 1, 1, 2, 3, 4);
	ADD_TEXT(VPD_DESIGNATOR_NAME, 3, "iqn.");
	ADD_TEXT(VPD_DESIGNATOR_NAME, 3, "eui.0000000000000000");
	ADD_TEXT(VPD_DESIGNATOR_NAME, 3, "something else");
	ADD_TEXT(VPD_DESIGNATOR_T10, 2, "ACME    ");
	ADD_TEXT(VPD_DESIGNATOR_T10, 2, "ACME");
	ADD_TEXT(VPD_DESIGNATOR_T10, 2, "ACME    00000000");
	ADD_LU(VPD_DESIGNATOR_T10, 1, 'A', 'C', 'M', 'E', ' ', ' ', ' ', ' ', 0, 0, 0, 0);
	ADD_LU(VPD_DESIGNATOR_VENDOR, 1, 1, 2, 3, 4);
	expect_none();
}

static void unprintable_bytes_are_escaped_not_dropped(void **state)
{
	(void)state;
	reset();
	ADD_LU(VPD_DESIGNATOR_T10, 1, 'A', 'C', 'M', 'E', ' ', ' ', ' ', ' ', 0x01, 0xfe, '%', 0);
	expect(IDENTITY_T10, "t10.ACME    %01%FE%25%00");
}

static void longest_text_fits(void **state)
{
	uint8_t bytes[255];
	struct identity id;

	(void)state;
	reset();
	memset(bytes, 0xee, sizeof(bytes));
	add(VPD_ASSOCIATION_LU, VPD_DESIGNATOR_T10, 1, bytes, sizeof(bytes));
	assert_int_equal(identity_choose(&id, &d, NULL, NULL), 0);
	assert_int_equal(strlen(id.text), 4 + 3 * 255);
}

static void longest_serial_fits(void **state)
{
	static struct inquiry inq;
	static struct vpd_serial serial = { .len = 255 };
	struct identity id;

	(void)state;
	memset(inq.vendor, '-', 8);
	memset(inq.product, '-', 16);
	memset(serial.text, '%', 255);
	assert_int_equal(identity_choose(&id, NULL, &serial, &inq), 0);
	assert_int_equal(strlen(id.text), 7 + 3 * 8 + 1 + 3 * 16 + 1 + 3 * 255);
}

static void serial_serves_where_nothing_else_does(void **state)
{
	struct vpd_serial serial = { .len = 6, .text = "SN-0%1" };
	struct identity id;

	(void)state;
	reset();
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), 0);
	assert_int_equal(id.kind, IDENTITY_SERIAL);
	assert_string_equal(id.text, "serial.ACME-Array%2DOne-SN-0%251");
	assert_int_equal(identity_choose(&id, NULL, &serial, &acme), 0);
	assert_int_equal(identity_choose(&id, NULL, &serial, NULL), -ENOENT);
	assert_int_equal(identity_choose(&id, NULL, NULL, &acme), -ENOENT);
	serial = (struct vpd_serial){ .len = 4, .text = "0000" };
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), -ENOENT);
	serial = (struct vpd_serial){ .len = 0 };
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), -ENOENT);
	add_naa5();
	expect(IDENTITY_NAA, "naa.50014050abcdef12");
}

static void parts_of_a_serial_identity_cannot_be_confused(void **state)
{
	const struct inquiry a = { .vendor = "X", .product = "Y-1" };
	const struct inquiry b = { .vendor = "X", .product = "Y" };
	const struct inquiry percent = { .vendor = "A%B", .product = "Y" };
	struct vpd_serial one = { .len = 1, .text = "2" }, two = { .len = 3, .text = "1-2" };
	struct identity ia, ib;

	(void)state;
	assert_int_equal(identity_choose(&ia, NULL, &one, &a), 0);
	assert_int_equal(identity_choose(&ib, NULL, &two, &b), 0);
	assert_false(identity_equal(&ia, &ib));
	assert_int_equal(identity_choose(&ia, NULL, &one, &percent), 0);
	assert_string_equal(ia.text, "serial.A%25B-Y-2");
}

static void pages_not_seen_whole_are_not_judged(void **state)
{
	struct vpd_serial serial = { .len = 2, .text = "S1" };
	struct identity id;

	(void)state;
	reset();
	add_naa5();
	d.truncated = true;
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), -EMSGSIZE);
	assert_int_equal(id.kind, IDENTITY_NONE);
	d.truncated = false;
	d.cut = true;
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), 0);
	d.count = 0;
	assert_int_equal(identity_choose(&id, &d, &serial, &acme), -EMSGSIZE);
}

static void equality_is_of_kind_and_text(void **state)
{
	struct identity a = { .kind = IDENTITY_NAA, .text = "naa.1" }, b = a, none = { 0 };

	(void)state;
	assert_true(identity_equal(&a, &b));
	b.text[4] = '2';
	assert_false(identity_equal(&a, &b));
	b = a;
	b.kind = IDENTITY_T10;
	assert_false(identity_equal(&a, &b));
	assert_false(identity_equal(&none, &none));
}

static void administrators_names_are_taken(void **state)
{
	static const struct {
		const char *written, *text;
		enum identity_kind kind;
	} names[] = {
		{ "naa.60014050000000000000000000ABCDEF", "naa.60014050000000000000000000abcdef",
		  IDENTITY_NAA },
		{ "NAA.5001405000000001", "naa.5001405000000001", IDENTITY_NAA },
		{ "360014050000000000000000000abcdef", "naa.60014050000000000000000000abcdef",
		  IDENTITY_NAA },
		{ "35001405000000001", "naa.5001405000000001", IDENTITY_NAA },
		{ "eui.001405000000000A", "eui.001405000000000a", IDENTITY_EUI64 },
		{ "2001405000000000a", "eui.001405000000000a", IDENTITY_EUI64 },
		{ "name.iqn.2026-11.org.example:LU", "name.iqn.2026-11.org.example:LU",
		  IDENTITY_NAME },
		{ "t10.ACME    x", "t10.ACME    x", IDENTITY_T10 },
		{ "serial.A-B-C", "serial.A-B-C", IDENTITY_SERIAL },
	};
	static const char *const nonsense[] = {
		"", "db01", "naa.", "naa.6001", "naa.6001405000000000000000000000000g",
		"naa.600140500000000000000000000000012", "eui.0014", "3", "36001", "t10.", "serial.",
		"60014050000000000000000000000001", "1",
	};
	struct identity identity;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(identity_from_text(&identity, names[i].written), 0);
		assert_string_equal(identity.text, names[i].text);
		assert_int_equal(identity.kind, names[i].kind);
	}
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		assert_int_equal(identity_from_text(&identity, nonsense[i]), -EINVAL);
		assert_int_equal(identity.kind, IDENTITY_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(better_kinds_win_whatever_their_order),
		cmocka_unit_test(designators_of_port_and_target_are_not_the_unit),
		cmocka_unit_test(unset_and_malformed_designators_do_not_count),
		cmocka_unit_test(unprintable_bytes_are_escaped_not_dropped),
		cmocka_unit_test(longest_text_fits),
		cmocka_unit_test(longest_serial_fits),
		cmocka_unit_test(serial_serves_where_nothing_else_does),
		cmocka_unit_test(parts_of_a_serial_identity_cannot_be_confused),
		cmocka_unit_test(pages_not_seen_whole_are_not_judged),
		cmocka_unit_test(equality_is_of_kind_and_text),
		cmocka_unit_test(administrators_names_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
