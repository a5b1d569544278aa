// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which unit a device serves, and what happens when it changes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"

static struct fake fake;
static struct fake_unit *unit, *other;
static uint8_t block[4096];

static int three_idle_paths(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 2048, 512);
	other = fake_unit_new(2, 2048, 512);
	fake_init(&fake, unit, 3, false, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	fake_unit_free(other);
	return 0;
}

static void start(void)
{
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
}

static enum path_state state_of(unsigned int i)
{
	return fake.device->paths[i]->state;
}

static const char *error_of(unsigned int i)
{
	return fake.device->paths[i]->last_error;
}

static void wrong_unit_is_refused_and_both_are_named(void **state)
{
	(void)state;
	fake.nexuses[0].unit = other;           /* the first path, at that */
	start();
	assert_int_equal(state_of(0), PATH_FAILED);
	assert_non_null(strstr(error_of(0), "naa.60014050000000000000000000000001"));
	assert_non_null(strstr(error_of(0), "naa.60014050000000000000000000000002"));
	assert_int_equal(device_usable_paths(fake.device), 2);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	assert_int_equal(other->count[0x8a], 0);
	assert_true(fake_saw(&fake, "path-refused"));
	/* Remapped right: it is found out without a new login. */
	fake.nexuses[0].unit = unit;
	fake_advance(&fake, 10000);
	assert_int_equal(state_of(0), PATH_ACTIVE_OPTIMIZED);
}

static void expected_unit_beats_the_majority(void **state)
{
	struct identity identity = { .kind = IDENTITY_NAA };

	(void)state;
	strcpy(identity.text, "naa.60014050000000000000000000000002");
	fake.nexuses[2].unit = other;
	device_expect(fake.device, &identity);
	start();
	assert_int_equal(device_usable_paths(fake.device), 1);
	assert_int_equal(state_of(2), PATH_ACTIVE_OPTIMIZED);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), 0);
	assert_int_equal(unit->count[0x8a], 0);
}

static void dead_paths_delay_the_start_by_a_second_at_most(void **state)
{
	(void)state;
	fake.nexuses[1].is_mute = true;
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 900);
	assert_false(device_is_ready(fake.device));
	fake_advance(&fake, 200);
	assert_true(device_is_ready(fake.device));
	assert_int_equal(device_usable_paths(fake.device), 2);
}

static void path_lost_before_the_election_has_no_vote(void **state)
{
	(void)state;
	fake.nexuses[0].unit = fake.nexuses[1].unit = other;
	fake.nexuses[2].is_mute = true;
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 500);
	for (unsigned int i = 0; i < 2; i++) {
		fake.nexuses[i].refuses = true;
		fake_break(&fake, i, "gone");
	}
	fake.nexuses[2].is_mute = false;
	fake_advance(&fake, 5000);
	assert_true(device_is_ready(fake.device));
	assert_true(fake.device->dsm->same_unit(fake.device->dsm, &fake.device->unit,
						&fake.device->paths[2]->unit));
	assert_int_equal(state_of(2), PATH_ACTIVE_OPTIMIZED);
}

static void doubt_during_a_verification_starts_it_over(void **state)
{
	struct path *path = fake.device->paths[1];

	(void)state;
	start();
	path_doubt(path, "first");
	for (unsigned int i = 0; i < 3; i++)
		fake_serve_one(&fake, &fake.nexuses[1]);
	/* INQUIRY is answered; now the unit behind the path is another. */
	fake.nexuses[1].unit = other;
	path_doubt(path, "second");
	fake_serve(&fake);
	assert_int_equal(path->state, PATH_FAILED);
	assert_true(path->is_refused);
}

static void old_units_are_not_claimed(void **state)
{
	(void)state;
	unit->version = 4;
	start();
	assert_false(device_is_ready(fake.device));
	assert_int_equal(state_of(0), PATH_FAILED);
	assert_non_null(strstr(error_of(0), "SPC-3"));
}

static void unit_swapped_while_the_session_was_away_gets_no_io(void **state)
{
	struct fake_request many[30];

	(void)state;
	start();
	for (unsigned int i = 0; i < 30; i++)
		fake_submit(&fake, &many[i], REQUEST_WRITE, i, 1, block);
	fake_break(&fake, 1, "flap");
	fake.nexuses[1].unit = other;
	fake_advance(&fake, 10000);
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(many[i].request.error, 0);
	assert_int_equal(state_of(1), PATH_FAILED);
	assert_int_equal(other->count[0x8a], 0);
}

static void unit_swapped_under_a_live_session_gets_no_io_after_the_attention(void **state)
{
	(void)state;
	start();
	fake.nexuses[1].unit = other;
	fake_script(&fake.nexuses[1], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 6, .asc = 0x3f, .ascq = 0x0e });
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	assert_int_equal(other->count[0x8a], 0);
	assert_int_equal(state_of(1), PATH_FAILED);
}

static void growth_is_adopted_when_all_paths_show_it(void **state)
{
	(void)state;
	start();
	assert_int_equal(fake_io(&fake, REQUEST_READ, 2048, 1, block), -ENOSPC);
	fake_unit_free(other);
	other = fake_unit_new(1, 4096, 512);
	for (unsigned int i = 0; i < 3; i++) {
		fake.nexuses[i].unit = other;
		fake.nexuses[i].has_changed = true;
	}
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	fake_advance(&fake, 100);
	assert_int_equal(fake.device->nblocks, 4096);
	assert_int_equal(device_usable_paths(fake.device), 3);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 4095, 1, block), 0);
	assert_true(fake_saw(&fake, "size-changed"));
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void growth_seen_on_one_path_has_the_others_asked(void **state)
{
	(void)state;
	start();
	fake_unit_free(other);
	other = fake_unit_new(1, 4096, 512);
	for (unsigned int i = 0; i < 3; i++)
		fake.nexuses[i].unit = other;
	fake.nexuses[2].has_changed = true;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	assert_int_equal(fake.device->nblocks, 4096);
	assert_int_equal(device_usable_paths(fake.device), 3);
}

static void growth_without_an_attention_is_found_by_verification(void **state)
{
	(void)state;
	start();
	fake_unit_free(other);
	other = fake_unit_new(1, 4096, 512);
	for (unsigned int i = 0; i < 3; i++)
		fake.nexuses[i].unit = other;
	fake_advance(&fake, 40000);
	assert_int_equal(fake.device->nblocks, 4096);
	assert_int_equal(device_usable_paths(fake.device), 3);
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void other_size_on_one_path_only_is_refused(void **state)
{
	(void)state;
	start();
	fake_unit_free(other);
	other = fake_unit_new(1, 4096, 512);
	fake.nexuses[1].unit = other;
	fake.nexuses[1].has_changed = true;
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
	fake_advance(&fake, 3000);
	assert_int_equal(fake.device->nblocks, 2048);
	assert_int_equal(state_of(1), PATH_FAILED);
	assert_non_null(strstr(error_of(1), "4096"));
	assert_non_null(strstr(error_of(1), "2048"));
	assert_int_equal(other->count[0x8a], 0);
}

static void write_protection_that_comes_and_goes_is_seen(void **state)
{
	(void)state;
	unit->write_protected = true;
	start();
	assert_true(fake.device->is_read_only);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), -EROFS);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
	unit->write_protected = false;
	fake_advance(&fake, 40000);
	assert_false(fake.device->is_read_only);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 0, 1, block), 0);
}

/* The same unit behind another port. */
static void use_twin(unsigned int nexus)
{
	fake_unit_free(other);
	other = fake_unit_new(1, 2048, 512);
	fake.nexuses[nexus].unit = other;
}

static void fua_is_used_only_if_every_path_has_it(void **state)
{
	struct fake_request fr;

	(void)state;
	use_twin(1);
	other->dpofua = false;
	start();
	assert_int_equal(device_usable_paths(fake.device), 3);
	for (unsigned int i = 0; i < 6; i++) {
		fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
		fake_serve(&fake);
		fr.request.op = REQUEST_WRITE;
		fr.request.fua = true;
		device_submit(fake.device, &fr.request);
		fake_serve(&fake);
		assert_int_equal(fr.request.error, 0);
	}
	assert_int_equal(other->fua_writes + unit->fua_writes, 0);
	assert_int_equal(other->count[0x91] + unit->count[0x91], 6);
}

static void path_that_alone_is_write_protected_is_refused(void **state)
{
	(void)state;
	start();
	use_twin(1);
	other->write_protected = true;
	fake_break(&fake, 1, "remapped");
	fake_advance(&fake, 10000);
	assert_false(fake.device->is_read_only);
	assert_int_equal(state_of(1), PATH_FAILED);
	assert_non_null(strstr(error_of(1), "write-protected"));
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(fake_io(&fake, REQUEST_WRITE, i, 1, block), 0);
}

static void requests_beyond_a_shrunk_end_are_given_back(void **state)
{
	struct fake_request fr;

	(void)state;
	start();
	use_twin(0);
	for (unsigned int i = 0; i < 3; i++) {
		fake.nexuses[i].unit = other;
		fake.nexuses[i].refuses = true;
		fake_break(&fake, i, "gone");
	}
	other->nblocks = 1000;
	fake_submit(&fake, &fr, REQUEST_WRITE, 1500, 1, block);
	for (unsigned int i = 0; i < 3; i++)
		fake.nexuses[i].refuses = false;
	fake_advance(&fake, 10000);
	assert_int_equal(fake.device->nblocks, 1000);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, -ENOSPC);
	assert_int_equal(other->count[0x8a], 0);
}

static void units_maximum_transfer_is_respected(void **state)
{
	(void)state;
	unit->max_transfer = 8;
	start();
	assert_int_equal(fake.device->max_transfer_blocks, 8);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 0, 1, block), 0);
}

static void thirty_two_paths_and_no_more(void **state)
{
	static const struct path_settings plain;

	(void)state;
	fake_done(&fake);
	fake_init(&fake, unit, 32, true, NULL);
	assert_int_equal(device_usable_paths(fake.device), 32);
	assert_int_equal(device_add_path(fake.device, &fake.nexuses[0].transport, 1, &plain,
					 NULL), -E2BIG);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, three_idle_paths, teardown)
	const struct CMUnitTest tests[] = {
		TEST(wrong_unit_is_refused_and_both_are_named),
		TEST(expected_unit_beats_the_majority),
		TEST(dead_paths_delay_the_start_by_a_second_at_most),
		TEST(path_lost_before_the_election_has_no_vote),
		TEST(doubt_during_a_verification_starts_it_over),
		TEST(old_units_are_not_claimed),
		TEST(unit_swapped_while_the_session_was_away_gets_no_io),
		TEST(unit_swapped_under_a_live_session_gets_no_io_after_the_attention),
		TEST(growth_is_adopted_when_all_paths_show_it),
		TEST(growth_seen_on_one_path_has_the_others_asked),
		TEST(growth_without_an_attention_is_found_by_verification),
		TEST(other_size_on_one_path_only_is_refused),
		TEST(write_protection_that_comes_and_goes_is_seen),
		TEST(fua_is_used_only_if_every_path_has_it),
		TEST(path_that_alone_is_write_protected_is_refused),
		TEST(requests_beyond_a_shrunk_end_are_given_back),
		TEST(units_maximum_transfer_is_respected),
		TEST(thirty_two_paths_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
