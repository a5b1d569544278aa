// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the administrator says, under load: whole or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "device_settings.h"
#include "fake.h"
#include "same_settings.h"
#include "status.h"

static struct fake fake;
static struct fake_unit *unit;
static uint8_t block[512];
static struct device_settings wanted;
static char error[160];

static void setup(unsigned int count, bool start, void (*tune)(struct settings *))
{
	unit = fake_unit_new(1, 4096, 512);
	fake_init(&fake, unit, count, start, tune);
	device_get_settings(fake.device, &wanted);
	*error = '\0';
}

static int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	return 0;
}

static void failover_only(struct settings *settings)
{
	strcpy(settings->policy, "failover-only");
}

static void one_at_a_time(struct settings *settings)
{
	settings->queue_depth = 1;
	settings->max_transfer = 512;
}

static void no_patience(struct settings *settings)
{
	settings->no_path_timeout_ms = 0;
}

static int apply(void)
{
	int err = device_apply(fake.device, &wanted, error, sizeof error);

	fake_serve(&fake);
	return err;
}

static struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

static uint64_t served(unsigned int i)
{
	return fake.nexuses[i].served;
}

static void read_some(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(fake_io(&fake, REQUEST_READ, i, 1, block), 0);
}

/* Every refusal names its culprit and leaves everything as it was. */
static void assert_refused(const char *culprit)
{
	struct device_settings before, after;
	const struct policy_ops *policy = fake.device->policy;
	void *context = fake.device->policy_context;

	device_get_settings(fake.device, &before);
	assert_int_equal(apply(), -EINVAL);
	if (!strstr(error, culprit))
		fail_msg("\"%s\" does not name %s", error, culprit);
	device_get_settings(fake.device, &after);
	assert_same_settings(&before, &after);
	assert_ptr_equal(policy, fake.device->policy);
	assert_ptr_equal(context, fake.device->policy_context);
	device_get_settings(fake.device, &wanted);
}

static void what_is_wrong_is_named_and_changes_nothing(void **state)
{
	(void)state;
	setup(3, true, NULL);
	strcpy(wanted.settings.policy, "round-trip");
	wanted.settings.retry_count = 77;
	wanted.paths[0].weight = 5;
	assert_refused("round-trip");
	wanted.paths[0].is_preferred = wanted.paths[2].is_preferred = true;
	strcpy(wanted.settings.policy, "failover-only");
	assert_refused("paths 0 and 2");
	wanted.npaths = 2;
	assert_refused("2 paths");
	wanted.paths[0].is_standby = wanted.paths[1].is_disabled = true;
	wanted.paths[2].is_standby = true;
	assert_refused("every path");
	wanted.settings.queue_depth = 0;
	assert_refused("queue_depth");
}

static void last_path_that_works_is_not_disabled(void **state)
{
	(void)state;
	setup(2, true, NULL);
	fake.nexuses[1].refuses = true;
	fake_break(&fake, 1, "gone");
	wanted.paths[0].is_disabled = true;
	assert_refused("path 0");
	/* The other one may be. */
	wanted.paths[1].is_disabled = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(1)->state, PATH_DISABLED);
}

static void given_back_unchanged_it_changes_nothing(void **state)
{
	void *context;
	struct device_settings again;

	(void)state;
	setup(3, true, failover_only);
	context = fake.device->policy_context;
	fake.events[0] = '\0';
	assert_int_equal(apply(), 0);
	device_get_settings(fake.device, &again);
	assert_same_settings(&wanted, &again);
	assert_ptr_equal(context, fake.device->policy_context);
	assert_string_equal(fake.events, "");
}

static void policy_is_replaced_under_load(void **state)
{
	static const char *const policies[] = { "failover-only", "round-robin", "" };
	static struct fake_request many[200];

	(void)state;
	setup(3, true, one_at_a_time);
	for (unsigned int round = 0; round < 12; round++) {
		for (unsigned int i = 0; i < 200; i++)
			fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
		strcpy(wanted.settings.policy, policies[round % 3]);
		assert_int_equal(device_apply(fake.device, &wanted, error, sizeof error), 0);
		for (unsigned int i = 0; i < 3; i++)
			fake_serve_one(&fake, &fake.nexuses[i]);
		fake_serve(&fake);
		for (unsigned int i = 0; i < 200; i++) {
			assert_int_equal(many[i].completions, 1);
			assert_int_equal(many[i].request.error, 0);
		}
	}
	assert_string_equal(fake.device->policy->name, "round-robin");
	assert_string_equal(fake.device->policy_source, "default");
	assert_true(fake_saw(&fake, "policy-changed"));
}

static void disabled_path_ends_what_it_carries_and_takes_nothing_new(void **state)
{
	struct fake_request many[8];
	uint64_t before;

	(void)state;
	setup(2, true, NULL);
	for (unsigned int i = 0; i < 8; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	assert_true(path(0)->in_flight > 0);
	wanted.paths[0].is_disabled = true;
	assert_int_equal(device_apply(fake.device, &wanted, error, sizeof error), 0);
	assert_int_equal(path(0)->state, PATH_DISABLED);
	assert_true(path(0)->in_flight > 0);
	fake_serve(&fake);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(many[i].request.error, 0);
	assert_int_equal(fake.nexuses[0].drops, 0);
	assert_true(fake_saw(&fake, "path-disabled"));

	before = fake.nexuses[0].sends;
	read_some(20);
	fake_advance(&fake, 100000);            /* no verification either */
	fake_break(&fake, 0, "gone");
	fake_advance(&fake, 20000);             /* nor after the next login */
	assert_int_equal(fake.nexuses[0].transport.state, TRANSPORT_UP);
	assert_int_equal(fake.nexuses[0].sends, before);
	assert_int_equal(path(0)->state, PATH_DISABLED);
	assert_int_equal(fake.device->state, DEVICE_LAST_PATH);
}

static void enabled_path_is_verified_before_it_carries_io(void **state)
{
	struct fake_unit *other = fake_unit_new(2, 4096, 512);

	(void)state;
	setup(2, true, NULL);
	wanted.paths[0].is_disabled = true;
	assert_int_equal(apply(), 0);
	fake.nexuses[0].unit = other;           /* remapped meanwhile */
	wanted.paths[0].is_disabled = false;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(0)->state, PATH_FAILED);
	fake.nexuses[0].unit = unit;
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
	read_some(10);
	assert_true(served(0) > 0);
	fake_unit_free(other);
}

static void path_enabled_without_a_session_waits_for_it(void **state)
{
	(void)state;
	setup(2, true, NULL);
	wanted.paths[0].is_disabled = true;
	assert_int_equal(apply(), 0);
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	wanted.paths[0].is_disabled = false;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(0)->state, PATH_FAILED);
	fake.nexuses[0].refuses = false;
	fake_advance(&fake, 10000);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void disabling_during_a_verification_ends_it(void **state)
{
	(void)state;
	setup(2, true, NULL);
	path_doubt(path(0), "doubt");
	fake_serve_one(&fake, &fake.nexuses[0]);
	wanted.paths[0].is_disabled = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(0)->state, PATH_DISABLED);
	wanted.paths[0].is_disabled = false;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(0)->state, PATH_ACTIVE_OPTIMIZED);
}

static void standby_and_active_take_effect_at_once(void **state)
{
	uint64_t before;

	(void)state;
	setup(3, true, NULL);
	wanted.paths[1].is_standby = wanted.paths[2].is_standby = true;
	assert_int_equal(apply(), 0);
	assert_int_equal(path(1)->state, PATH_STANDBY);
	before = served(0);
	read_some(12);
	assert_int_equal(served(0), before + 12);
	/* Changed places: at no moment is there no path. */
	wanted.paths[0].is_standby = true;
	wanted.paths[1].is_standby = wanted.paths[2].is_standby = false;
	assert_int_equal(apply(), 0);
	read_some(12);
	assert_int_equal(served(0), before + 12);
	assert_false(fake_saw(&fake, "all-paths-down"));
}

static void preferred_moves_the_active_path(void **state)
{
	(void)state;
	setup(3, true, failover_only);
	read_some(3);
	assert_int_equal(served(0), 3);
	wanted.paths[2].is_preferred = true;
	assert_int_equal(apply(), 0);
	read_some(3);
	assert_int_equal(served(2), 3);
}

static void longer_and_shorter_times_hold_for_what_runs(void **state)
{
	struct fake_request first, second;

	(void)state;
	setup(1, true, NULL);
	fake.nexuses[0].refuses = true;
	fake_break(&fake, 0, "gone");
	fake_submit(&fake, &first, REQUEST_READ, 0, 1, block);
	fake_advance(&fake, 10000);
	wanted.settings.no_path_timeout_ms = 60000;
	assert_int_equal(apply(), 0);
	fake_advance(&fake, 40000);
	assert_int_equal(first.completions, 0);
	wanted.settings.no_path_timeout_ms = 20000;
	assert_int_equal(apply(), 0);
	fake_advance(&fake, 1);
	assert_int_equal(first.completions, 1);
	assert_int_equal(first.request.error, -EIO);

	fake.nexuses[0].refuses = false;
	fake_advance(&fake, 10000);
	fake.nexuses[0].is_mute = true;
	fake_submit(&fake, &second, REQUEST_READ, 0, 1, block);
	mpath_run(&fake.mpath);
	wanted.settings.command_timeout_ms = 4000;
	assert_int_equal(apply(), 0);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 3900000);
	mpath_run(&fake.mpath);
	assert_int_equal(second.completions, 0);
	mpath_set_now(&fake.mpath, fake.mpath.now_us + 200000);
	mpath_run(&fake.mpath);
	assert_int_equal(second.completions, 1);
}

static void intervals_take_effect_at_once(void **state)
{
	unsigned int before;

	(void)state;
	setup(1, true, NULL);
	before = unit->count[0];
	wanted.settings.path_verify_interval_ms = 1000;
	assert_int_equal(apply(), 0);
	fake_advance(&fake, 2000);
	assert_true(unit->count[0] > before);
	/* A session's, too. */
	wanted.settings.io_timeout_ms = 1000;
	assert_int_equal(apply(), 0);
	assert_int_equal(fake.nexuses[0].transport.timers.io_timeout_us, 1000000);
}

static void queue_depth_grows_and_shrinks_under_load(void **state)
{
	static struct fake_request many[64];
	struct transport *transport = &fake.nexuses[0].transport;

	(void)state;
	setup(1, true, one_at_a_time);
	for (unsigned int i = 0; i < 64; i++)
		fake_submit(&fake, &many[i], REQUEST_READ, i, 1, block);
	mpath_run(&fake.mpath);
	assert_int_equal(transport->in_flight_count, 1);
	wanted.settings.queue_depth = 16;
	assert_int_equal(device_apply(fake.device, &wanted, error, sizeof error), 0);
	mpath_run(&fake.mpath);
	assert_int_equal(transport->in_flight_count, 16);
	wanted.settings.queue_depth = 2;
	assert_int_equal(device_apply(fake.device, &wanted, error, sizeof error), 0);
	for (unsigned int i = 0; i < 14; i++)
		fake_serve_one(&fake, &fake.nexuses[0]);
	assert_int_equal(transport->in_flight_count, 2);
	fake_serve(&fake);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(many[i].completions, 1);
}

/* A session that a neighbour waits on, too. */
static void neighbours_on_the_session_get_the_new_slots(void **state)
{
	static const struct path_settings plain;
	static struct fake_request ours[8], theirs[8];
	struct transport *transport = &fake.nexuses[0].transport;
	struct device *device, *neighbour;
	struct settings settings;

	(void)state;
	setup(1, true, one_at_a_time);
	fake.nexuses[0].second = unit;
	device = fake.device;
	settings = device->settings;
	neighbour = device_new(&fake.mpath, "neighbour", &settings);
	assert_int_equal(device_add_path(neighbour, transport, 1ull << 48, &plain, NULL), 0);
	fake_advance(&fake, 2000);
	for (unsigned int i = 0; i < 8; i++)
		fake_submit(&fake, &ours[i], REQUEST_READ, i, 1, block);
	fake.device = neighbour;
	for (unsigned int i = 0; i < 8; i++)
		fake_submit(&fake, &theirs[i], REQUEST_READ, i, 1, block);
	fake.device = device;
	mpath_run(&fake.mpath);
	wanted.settings.queue_depth = 64;
	assert_int_equal(device_apply(device, &wanted, error, sizeof error), 0);
	mpath_run(&fake.mpath);
	assert_int_equal(transport->in_flight_count, 16);
	fake_serve(&fake);
	device_free(neighbour);
}

static void larger_transfers_write_zeroes_within_what_was_made(void **state)
{
	(void)state;
	setup(1, true, one_at_a_time);
	unit->no_write_same = true;
	memset(unit->medium, 0xee, 64 * 512);
	wanted.settings.max_transfer = 1 << 20;
	assert_int_equal(apply(), 0);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 0, 64, NULL), 0);
	for (unsigned int i = 0; i < 64 * 512; i++)
		assert_int_equal(unit->medium[i], 0);
	assert_int_equal(fake_io(&fake, REQUEST_WRITE_SAME, 0, 64, NULL), 0);
	assert_int_equal(unit->largest, 1);
}

static void unit_attention_for_a_disabled_path_changes_nothing(void **state)
{
	struct fake_request fr;

	(void)state;
	setup(2, true, no_patience);
	fake_script(&fake.nexuses[0], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 6, .asc = 0x3f, .ascq = 0x0e });
	fake_script(&fake.nexuses[1], (struct fake_answer) {
		.status = SAM_STATUS_CHECK_CONDITION, .key = 5, .asc = 0x25 });
	fake_submit(&fake, &fr, REQUEST_READ, 0, 1, block);
	for (unsigned int i = 0; i < 2; i++)
		wanted.paths[i].is_disabled = path(i)->in_flight > 0;
	assert_int_equal(apply(), 0);
	fake_advance(&fake, 1000);
	assert_int_equal(fr.request.error, 0);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(path(i)->state == PATH_DISABLED, wanted.paths[i].is_disabled);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_wrong_is_named_and_changes_nothing),
		TEST(last_path_that_works_is_not_disabled),
		TEST(given_back_unchanged_it_changes_nothing),
		TEST(policy_is_replaced_under_load),
		TEST(disabled_path_ends_what_it_carries_and_takes_nothing_new),
		TEST(enabled_path_is_verified_before_it_carries_io),
		TEST(path_enabled_without_a_session_waits_for_it),
		TEST(disabling_during_a_verification_ends_it),
		TEST(standby_and_active_take_effect_at_once),
		TEST(preferred_moves_the_active_path),
		TEST(longer_and_shorter_times_hold_for_what_runs),
		TEST(intervals_take_effect_at_once),
		TEST(queue_depth_grows_and_shrinks_under_load),
		TEST(neighbours_on_the_session_get_the_new_slots),
		TEST(larger_transfers_write_zeroes_within_what_was_made),
		TEST(unit_attention_for_a_disabled_path_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
