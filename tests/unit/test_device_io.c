// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a request becomes on its way, on healthy paths and a scripted array. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "status.h"
#include "unaligned.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t buffer[1 << 20];

static void small_transfers(struct settings *settings)
{
	settings->max_transfer = 16384;
}

static int two_paths(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 8192, 512);
	fake_init(&fake, unit, 2, true, small_transfers);
	return 0;
}

static int four_k(void **state)
{
	(void)state;
	unit = fake_unit_new(1, 1024, 4096);
	fake_init(&fake, unit, 2, true, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static void fill(uint8_t *data, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static void data_arrives_where_it_was_sent(void **state)
{
	uint8_t back[4096];

	(void)state;
	fill(buffer, 4096, 3);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 100, 8, buffer), 0);
	assert_memory_equal(unit->medium + 100 * 512, buffer, 4096);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 100, 8, back), 0);
	assert_memory_equal(back, buffer, 4096);
}

static void large_requests_are_split_and_in_flight_together(void **state)
{
	struct fake_request fr;
	unsigned int in_flight;

	(void)state;
	fill(buffer, 1 << 20, 9);
	fake_submit(&fake, &fr, REQUEST_WRITE, 16, 2048, buffer);
	in_flight = fake.nexuses[0].transport.in_flight_count +
		fake.nexuses[1].transport.in_flight_count;
	assert_int_equal(in_flight, 64);        /* 1 MiB in pieces of 16 KiB */
	assert_int_equal(fr.completions, 0);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(fr.request.error, 0);
	assert_int_equal(unit->largest, 32);
	assert_memory_equal(unit->medium + 16 * 512, buffer, 1 << 20);
}

static void requests_larger_than_the_pool_go_on_as_commands_return(void **state)
{
	struct fake_request many[6];

	(void)state;
	for (unsigned int i = 0; i < 6; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, 0, 8192, malloc(8192 * 512));
	fake_serve(&fake);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(many[i].completions, 1);
		assert_int_equal(many[i].request.error, 0);
		assert_memory_equal(many[i].request.data, unit->medium, 8192 * 512);
		free(many[i].request.data);
	}
}

static void nothing_is_sent_beyond_the_end(void **state)
{
	unsigned int sends = fake.nexuses[0].sends + fake.nexuses[1].sends;

	(void)state;
	assert_int_equal(fake_io(&fake, REQUEST_WRITE, 8191, 2, buffer), -ENOSPC);
	assert_int_equal(fake_io(&fake, REQUEST_READ, UINT64_MAX, 1, buffer), -ENOSPC);
	assert_int_equal(fake_io(&fake, REQUEST_READ, 1, UINT64_MAX, buffer), -ENOSPC);
	assert_int_equal(fake.nexuses[0].sends + fake.nexuses[1].sends, sends);
}

static void flush_is_no_read_in_the_figures(void **state)
{
	const struct path *const *paths = (const struct path *const *)fake.device->paths;

	(void)state;
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
	assert_int_equal(fake_io(&fake, REQUEST_UNMAP, 0, 8, NULL), 0);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int op = 0; op < PATH_OPS; op++)
			assert_int_equal(paths[i]->counters.ops[op], 0);
}

static void fua_is_the_units_where_it_has_it(void **state)
{
	struct fake_request fr;

	(void)state;
	memset(&fr, 0, sizeof fr);
	fake_submit(&fake, &fr, REQUEST_FLUSH, 0, 0, NULL);
	fake_serve(&fake);
	assert_int_equal(unit->count[0x91], 1);
	fake_submit(&fake, &fr, REQUEST_WRITE, 0, 1, buffer);
	fake_serve(&fake);
	assert_int_equal(unit->fua_writes, 0);
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, buffer);
	fake_serve(&fake);
	/* fake_submit() clears the struct: set fua by hand. */
	fr.completions = 0;
	fr.request.op = REQUEST_WRITE;
	fr.request.fua = true;
	device_submit(fake.device, &fr.request);
	fake_serve(&fake);
	assert_int_equal(fr.completions, 1);
	assert_int_equal(unit->fua_writes, 1);
	assert_int_equal(unit->count[0x91], 1);
}

static void fua_without_dpofua_is_write_and_synchronize(void **state)
{
	struct fake_request fr;

	(void)state;
	fake.device->unit.dpofua = false;
	memset(&fr, 0, sizeof fr);
	fake_submit(&fake, &fr, REQUEST_READ, 0, 64, buffer);
	fake_serve(&fake);
	fr.completions = 0;
	fr.request.op = REQUEST_WRITE;
	fr.request.fua = true;
	device_submit(fake.device, &fr.request);
	while (fake.nexuses[0].transport.in_flight_count +
	       fake.nexuses[1].transport.in_flight_count > 1) {
		fake_serve_one(&fake, &fake.nexuses[0]);
		assert_int_equal(unit->count[0x91], 0);
		if (fake.nexuses[1].transport.in_flight_count +
		    fake.nexuses[0].transport.in_flight_count > 1)
			fake_serve_one(&fake, &fake.nexuses[1]);
	}
	assert_int_equal(fr.completions, 0);
	fake_serve(&fake);
	assert_int_equal(unit->fua_writes, 0);
	assert_int_equal(unit->count[0x91], 1);
	assert_int_equal(fr.completions, 1);
}

static void rejected_flush_is_an_error_only_with_a_volatile_cache(void **state)
{
	(void)state;
	unit->no_sync_cache = true;
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), -EIO);
	fake.device->unit.write_cache = false;
	assert_int_equal(fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL), 0);
}

static void write_same_is_replaced_by_writes(void **state)
{
	(void)state;
	unit->no_write_same = true;
	fill(unit->medium, 8192 * 512, 1);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 10, 5000, NULL), 0);
	assert_int_equal(unit->count[0x93], 1);
	for (size_t i = 10 * 512; i < 5010 * 512; i++)
		assert_int_equal(unit->medium[i], 0);
	assert_int_not_equal(unit->medium[10 * 512 - 1], 0);
	assert_int_not_equal(unit->medium[5010 * 512], 0);
	/* Learnt: not tried again. */
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 6000, 100, NULL), 0);
	assert_int_equal(unit->count[0x93], 1);
}

static void fast_zeroes_are_refused_rather_than_written(void **state)
{
	struct fake_request fr;

	(void)state;
	unit->no_write_same = true;
	for (unsigned int i = 0; i < 2; i++) {
		fake_submit(&fake, &fr, REQUEST_READ, 0, 1, buffer);
		fake_serve(&fake);
		fr.completions = 0;
		fr.request.op = REQUEST_WRITE_SAME;
		fr.request.is_fast = fr.request.may_unmap = true;
		device_submit(fake.device, &fr.request);
		fake_serve(&fake);
		assert_int_equal(fr.completions, 1);
		assert_int_equal(fr.request.error, -EOPNOTSUPP);
	}
	assert_int_equal(unit->count[0x93], 1);
	assert_int_equal(unit->count[0x8a], 0);
}

static void write_same_respects_the_units_limit(void **state)
{
	(void)state;
	fake.device->unit.limits.max_write_same = 1000;
	fill(unit->medium, 8192 * 512, 1);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 0, 8192, NULL), 0);
	assert_int_equal(unit->count[0x93], 9);
	for (size_t i = 0; i < 8192 * 512; i++)
		assert_int_equal(unit->medium[i], 0);
}

static void unmap_is_split_at_the_units_limit(void **state)
{
	(void)state;
	fake.device->unit.limits.max_unmap_lba_count = 100;
	fake.device->unit.limits.max_unmap_descriptors = 1;
	assert_int_equal(fake_io(&fake, REQUEST_UNMAP, 5, 250, NULL), 0);
	assert_int_equal(unit->count[0x42], 3);
	assert_false(unit->unmapped[4]);
	for (unsigned int i = 5; i < 255; i++)
		assert_true(unit->unmapped[i]);
	assert_false(unit->unmapped[255]);
}

static void unknown_prefetch_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(fake_io(&fake, REQUEST_PREFETCH, 0, 8, NULL), 0);
	assert_int_equal(unit->count[0x90], 1);
	unit->no_prefetch = true;
	assert_int_equal(fake_io(&fake, REQUEST_PREFETCH, 0, 8, NULL), 0);
	assert_int_equal(fake_io(&fake, REQUEST_PREFETCH, 0, 8, NULL), 0);
	assert_int_equal(unit->count[0x90], 2);
}

static void queue_depth_is_kept_and_the_rest_waits_its_turn(void **state)
{
	struct fake_request many[300];
	uint8_t block[512];

	(void)state;
	for (unsigned int i = 0; i < 300; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count, 64);
	assert_int_equal(fake.nexuses[1].transport.in_flight_count, 64);
	fake_serve(&fake);
	for (unsigned int i = 0; i < 300; i++)
		assert_int_equal(many[i].completions, 1);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count, 0);
	assert_int_equal(fake.nexuses[0].transport.in_flight_bytes, 0);
	assert_int_equal(fake.device->paths[1]->in_flight, 0);
}

/*
 * Unaligned requests
 */

static struct unaligned unaligned;
static unsigned int unaligned_completions;
static uint8_t bounce[65536];

static void unaligned_done(struct unaligned *u)
{
	(void)u;
	unaligned_completions++;
}

static void start_unaligned(bool is_write, uint64_t offset, uint32_t nbytes, void *data)
{
	unaligned = (struct unaligned) {
		.is_write = is_write, .offset = offset, .nbytes = nbytes, .data = data,
		.bounce = bounce, .done = unaligned_done,
	};
	unaligned_completions = 0;
	assert_true(unaligned_bounce_size(offset, nbytes, 4096) <= sizeof bounce);
	unaligned_submit(fake.device, &unaligned);
}

static void unaligned_write_changes_only_its_bytes(void **state)
{
	static const struct { uint64_t offset; uint32_t nbytes; } cases[] = {
		{ 1, 1 }, { 4095, 2 }, { 0, 4095 }, { 1, 4095 }, { 100, 10000 },
		{ 4096, 4097 }, { 8191, 4097 }, { 1024 * 4096 - 3, 3 },
	};

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
		uint8_t *before = malloc(1024 * 4096);

		fill(unit->medium, 1024 * 4096, (uint8_t)c);
		memcpy(before, unit->medium, 1024 * 4096);
		memset(buffer, 0xee, cases[c].nbytes);
		start_unaligned(true, cases[c].offset, cases[c].nbytes, buffer);
		fake_serve(&fake);
		assert_int_equal(unaligned_completions, 1);
		assert_int_equal(unaligned.error, 0);
		memset(before + cases[c].offset, 0xee, cases[c].nbytes);
		assert_memory_equal(unit->medium, before, 1024 * 4096);
		free(before);
		assert_true(list_is_empty(&fake.device->holds));
	}
}

static void unaligned_read_gives_the_bytes_asked_for(void **state)
{
	(void)state;
	fill(unit->medium, 1024 * 4096, 5);
	start_unaligned(false, 4000, 9000, buffer);
	fake_serve(&fake);
	assert_int_equal(unaligned.error, 0);
	assert_memory_equal(buffer, unit->medium + 4000, 9000);
}

static void aligned_write_waits_while_an_unaligned_one_holds_its_block(void **state)
{
	static uint8_t block[4096];
	struct fake_request inside, outside;

	(void)state;
	memset(buffer, 0x11, 8);
	memset(block, 0x22, sizeof block);
	start_unaligned(true, 10, 8, buffer);
	mpath_run(&fake.mpath);                 /* granted; the read is out */
	fake_submit(&fake, &inside, REQUEST_WRITE, 0, 1, block);
	fake_submit(&fake, &outside, REQUEST_WRITE, 1, 1, block);
	assert_int_equal(fake.nexuses[0].transport.in_flight_count +
			 fake.nexuses[1].transport.in_flight_count, 2);
	fake_serve(&fake);
	assert_int_equal(unaligned_completions + inside.completions + outside.completions, 3);
	/* The later write is whole: nothing of the unaligned one came after it. */
	assert_memory_equal(unit->medium, block, 4096);
}

static void unaligned_write_waits_for_an_aligned_one_in_flight(void **state)
{
	static uint8_t block[4096];
	struct fake_request first;

	(void)state;
	memset(buffer, 0x11, 8);
	memset(block, 0x22, sizeof block);
	fake_submit(&fake, &first, REQUEST_WRITE, 0, 1, block);
	start_unaligned(true, 10, 8, buffer);
	mpath_run(&fake.mpath);
	assert_int_equal(unit->count[0x88], 0);
	fake_serve(&fake);
	assert_int_equal(first.completions, 1);
	assert_int_equal(unaligned_completions, 1);
	assert_int_equal(unit->medium[9], 0x22);
	assert_int_equal(unit->medium[10], 0x11);
	assert_int_equal(unit->medium[18], 0x22);
}

static struct unaligned second;
static uint8_t second_bounce[8192];

static void overlapping_unaligned_writes_go_one_after_the_other(void **state)
{
	static uint8_t twos[100];

	(void)state;
	memset(buffer, 0x11, 100);
	memset(twos, 0x22, sizeof twos);
	/* Whichever path is answered first. */
	for (unsigned int round = 0; round < 4; round++) {
		memset(unit->medium, 0, 8192);
		for (unsigned int i = 0; i < round; i++)
			assert_int_equal(fake_io(&fake, REQUEST_READ, 9, 1, bounce), 0);
		start_unaligned(true, 4090, 100, buffer);
		second = (struct unaligned) {
			.is_write = true, .offset = 4100, .nbytes = 100, .data = twos,
			.bounce = second_bounce, .done = unaligned_done,
		};
		unaligned_submit(fake.device, &second);
		fake_serve(&fake);
		assert_int_equal(unaligned_completions, 2);
		assert_int_equal(unit->medium[4089], 0);
		assert_int_equal(unit->medium[4090], 0x11);
		assert_int_equal(unit->medium[4099], 0x11);
		assert_int_equal(unit->medium[4100], 0x22);
		assert_int_equal(unit->medium[4199], 0x22);
		assert_int_equal(unit->medium[4200], 0);
	}
}

static void unaligned_write_fails_whole_when_its_read_fails(void **state)
{
	(void)state;
	fill(unit->medium, 4096, 7);
	for (unsigned int i = 0; i < 2; i++)
		fake_script(&fake.nexuses[i], (struct fake_answer) {
			.opcode = 0x88, .status = SAM_STATUS_CHECK_CONDITION,
			.key = 3, .asc = 0x11 });
	start_unaligned(true, 10, 8, buffer);
	fake_serve(&fake);
	assert_int_equal(unaligned_completions, 1);
	assert_int_equal(unaligned.error, -EIO);
	assert_int_equal(unit->count[0x8a], 0);
	assert_true(list_is_empty(&fake.device->holds));
}

int main(void)
{
#define ON_TWO(test) cmocka_unit_test_setup_teardown(test, two_paths, teardown)
#define ON_4K(test) cmocka_unit_test_setup_teardown(test, four_k, teardown)
	const struct CMUnitTest tests[] = {
		ON_TWO(data_arrives_where_it_was_sent),
		ON_TWO(large_requests_are_split_and_in_flight_together),
		ON_TWO(requests_larger_than_the_pool_go_on_as_commands_return),
		ON_TWO(nothing_is_sent_beyond_the_end),
		ON_TWO(flush_is_no_read_in_the_figures),
		ON_TWO(fua_is_the_units_where_it_has_it),
		ON_TWO(fua_without_dpofua_is_write_and_synchronize),
		ON_TWO(rejected_flush_is_an_error_only_with_a_volatile_cache),
		ON_TWO(write_same_is_replaced_by_writes),
		ON_TWO(fast_zeroes_are_refused_rather_than_written),
		ON_TWO(write_same_respects_the_units_limit),
		ON_TWO(unmap_is_split_at_the_units_limit),
		ON_TWO(unknown_prefetch_is_no_error),
		ON_TWO(queue_depth_is_kept_and_the_rest_waits_its_turn),
		ON_4K(unaligned_write_changes_only_its_bytes),
		ON_4K(unaligned_read_gives_the_bytes_asked_for),
		ON_4K(aligned_write_waits_while_an_unaligned_one_holds_its_block),
		ON_4K(unaligned_write_waits_for_an_aligned_one_in_flight),
		ON_4K(overlapping_unaligned_writes_go_one_after_the_other),
		ON_4K(unaligned_write_fails_whole_when_its_read_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
