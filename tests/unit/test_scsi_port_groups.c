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
#include "port_groups.h"

/* Two groups as LIO sends them, the second of two ports; length-only format. */
static const uint8_t two_groups[] = {
	0, 0, 0, 28,
	0x80, 0xcf, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1,
	0x02, 0x0f, 0x01, 0x02, 0, 2, 0, 2, 0, 0, 0, 3, 0, 0, 0x12, 0x34,
};

/* The same group 1, behind the extended header: 30 s of implicit transition. */
static const uint8_t extended[] = {
	0, 0, 0, 16,
	0x10, 30, 0, 0,
	0x8f, 0xcf, 0, 1, 0, 1, 0, 1, 0, 0, 0, 1,
};

/* The number of groups in the first LEN of BYTES, or what parsing fails with. */
static int count(const uint8_t *bytes, size_t len, struct port_groups *it,
		 struct port_group *last)
{
	uint8_t *copy = exact_copy(bytes, len);
	struct port_group group;
	int n = 0, r = port_groups_init(it, copy, len);

	while (r == 0 && (r = port_groups_next(it, &group)) == 1) {
		(void)port_group_has_port(&group, 1);
		*last = group;
		n++;
		r = 0;
	}
	if (r < 0)
		assert_int_equal(port_groups_next(it, &group), 0);
	free(copy);
	return r < 0 ? r : n;
}

static void groups_are_read_with_everything_they_say(void **state)
{
	struct port_groups it;
	struct port_group group;

	(void)state;
	assert_int_equal(port_groups_init(&it, two_groups, sizeof two_groups), 0);
	assert_false(it.extended || it.truncated || it.transition_time_s);
	assert_int_equal(port_groups_next(&it, &group), 1);
	assert_int_equal(group.id, 1);
	assert_int_equal(group.state, PORT_GROUP_OPTIMIZED);
	assert_true(group.preferred);
	assert_int_equal(group.can_be, 0xcf);
	assert_int_equal(group.status, PORT_GROUP_STATUS_EXPLICIT);
	assert_int_equal(group.nports, 1);
	assert_true(port_group_has_port(&group, 1));
	assert_false(port_group_has_port(&group, 3));
	assert_int_equal(port_groups_next(&it, &group), 1);
	assert_int_equal(group.id, 0x102);
	assert_int_equal(group.state, PORT_GROUP_STANDBY);
	assert_false(group.preferred);
	assert_int_equal(group.can_be, 0x0f);
	assert_int_equal(group.status, PORT_GROUP_STATUS_IMPLICIT);
	assert_true(port_group_has_port(&group, 3));
	assert_true(port_group_has_port(&group, 0x1234));
	assert_false(port_group_has_port(&group, 1));
	assert_int_equal(port_groups_next(&it, &group), 0);
}

static void extended_header_gives_the_transition_time(void **state)
{
	struct port_groups it;
	struct port_group group = { 0 };

	(void)state;
	assert_int_equal(count(extended, sizeof extended, &it, &group), 1);
	assert_true(it.extended);
	assert_int_equal(it.transition_time_s, 30);
	assert_int_equal(group.state, PORT_GROUP_TRANSITIONING);
	/* All reserved bits but those of the format are the descriptor's own. */
	assert_int_equal(count(two_groups, sizeof two_groups, &it, &group), 2);
	assert_false(it.extended);
}

static void answer_without_groups_has_none(void **state)
{
	static const uint8_t none[] = { 0, 0, 0, 0 };
	static const uint8_t none_extended[] = { 0, 0, 0, 4, 0x10, 5, 0, 0 };
	struct port_groups it;
	struct port_group group;

	(void)state;
	assert_int_equal(count(none, sizeof none, &it, &group), 0);
	assert_int_equal(count(none_extended, sizeof none_extended, &it, &group), 0);
	assert_int_equal(it.transition_time_s, 5);
}

static void what_is_cut_is_left_out_and_said(void **state)
{
	struct port_groups it;
	struct port_group group;

	(void)state;
	for (size_t len = 0; len < sizeof two_groups; len++) {
		int want = len < 4 ? -EMSGSIZE : len < 16 ? 0 : 1;

		assert_int_equal(count(two_groups, len, &it, &group), want);
		assert_true(len < 4 || it.truncated);
	}
	for (size_t len = 5; len < 8; len++)
		assert_int_equal(count(extended, len, &it, &group), -EMSGSIZE);
}

static void lengths_that_contradict_each_other_are_refused(void **state)
{
	uint8_t bytes[sizeof two_groups];
	struct port_groups it;
	struct port_group group;

	(void)state;
	memcpy(bytes, two_groups, sizeof bytes);
	bytes[11] = 6;                  /* ports beyond the end of the list */
	assert_int_equal(count(bytes, sizeof bytes, &it, &group), -EPROTO);
	memcpy(bytes, two_groups, sizeof bytes);
	bytes[3] = 30;                  /* more than came; what did is whole */
	assert_int_equal(count(bytes, sizeof bytes, &it, &group), 2);
	bytes[3] = 15;                  /* half a descriptor */
	assert_int_equal(count(bytes, sizeof bytes, &it, &group), -EPROTO);
	memcpy(bytes, extended, sizeof extended);
	bytes[3] = 3;                   /* no room for the extended header */
	assert_int_equal(count(bytes, sizeof extended, &it, &group), -EPROTO);
}

/* 28 bytes in all, where header and groups have 32. */
static void extended_answer_that_does_not_count_its_header_is_truncated(void **state)
{
	static const uint8_t lio[] = {
		0, 0, 0, 24, 0x10, 0, 0, 0,
		0x00, 0x4f, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1,
		0x00, 0x4f, 0, 2, 0, 0, 0, 1,
	};
	struct port_groups it;
	struct port_group group;

	(void)state;
	assert_int_equal(count(lio, sizeof lio, &it, &group), 1);
	assert_int_equal(group.id, 1);
	assert_true(it.truncated);
}

static void set_port_groups_names_one_group_and_its_state(void **state)
{
	static const uint8_t want[SET_PORT_GROUPS_LEN] = { 0, 0, 0, 0, 2, 0, 0x12, 0x34 };
	uint8_t buf[SET_PORT_GROUPS_LEN];

	(void)state;
	memset(buf, 0xa5, sizeof buf);
	assert_int_equal(set_port_groups_build(buf, 0x1234, PORT_GROUP_STANDBY), 8);
	assert_memory_equal(buf, want, sizeof want);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(port_group_state_name(0x0), "active/optimized");
	assert_string_equal(port_group_state_name(0x1), "active/non-optimized");
	assert_string_equal(port_group_state_name(0x2), "standby");
	assert_string_equal(port_group_state_name(0x3), "unavailable");
	assert_string_equal(port_group_state_name(0x4), "logical block dependent");
	assert_string_equal(port_group_state_name(0xe), "offline");
	assert_string_equal(port_group_state_name(0xf), "transitioning");
	assert_string_equal(port_group_state_name(0x7), "reserved state");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_read_with_everything_they_say),
		cmocka_unit_test(extended_header_gives_the_transition_time),
		cmocka_unit_test(answer_without_groups_has_none),
		cmocka_unit_test(what_is_cut_is_left_out_and_said),
		cmocka_unit_test(lengths_that_contradict_each_other_are_refused),
		cmocka_unit_test(extended_answer_that_does_not_count_its_header_is_truncated),
		cmocka_unit_test(set_port_groups_names_one_group_and_its_state),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
