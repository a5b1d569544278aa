// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random work on a random array, by seed: workers that submit everything there
 * is, sessions that break in the middle of it, targets that refuse, fall
 * silent, answer out of order and with every kind of error, units that grow or
 * are busy for long, access states that change, portals behind which another unit
 * appears, an administrator who changes policies and paths, a module that decides
 * at random. At any time: a request completes
 * once, within its time, and what is read is what was written. Whenever the
 * array is left in peace: everything completes, nothing is left on any list,
 * and the medium is what the workers made of it.
 *
 * The first FIXED seeds are run, or MPIO_STRESS_SEED alone, or fresh ones for
 * MPIO_STRESS_SECONDS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "device_settings.h"
#include "fake.h"
#include "mad_dsm.h"
#include "probe.h"
#include "same_settings.h"
#include "status.h"
#include "workers.h"

#define STEPS 6000u                     /* of one round */
#define FIXED 20u
#define NEXUSES_MAX 4u

static struct fake fake;
static struct fake_unit *unit, *stranger;

/*
 * The array
 */

static const struct fake_answer answers[] = {
	{ .status = SAM_STATUS_BUSY },
	{ .status = SAM_STATUS_TASK_SET_FULL },
	{ .status = SAM_STATUS_TASK_ABORTED },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x1, .asc = 0x17 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x2, .asc = 0x04, .ascq = 0x01 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x2, .asc = 0x04, .ascq = 0x0a },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x3, .asc = 0x11 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x4, .asc = 0x44 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x5, .asc = 0x25 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x6, .asc = 0x29 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x6, .asc = 0x2a, .ascq = 0x09 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x6, .asc = 0x3f, .ascq = 0x0e },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x7, .asc = 0x27, .ascq = 0x07 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0xb, .asc = 0x47 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x4, .asc = 0x44, .response_code = 0x71 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x5, .asc = 0x20, .opcode = 0x90 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x5, .asc = 0x24, .opcode = 0x93 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x2, .asc = 0x04, .opcode = 0x91 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x2, .asc = 0x04, .ascq = 0x0c },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x4, .asc = 0x44, .opcode = 0xa3 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x6, .asc = 0x3f, .ascq = 0x0e,
	  .opcode = 0xa3 },
	{ .status = SAM_STATUS_CHECK_CONDITION, .key = 0x5, .asc = 0x25, .opcode = 0xa4 },
	{ .status = SAM_STATUS_BUSY, .opcode = 0xa4 },
	{ .status = SAM_STATUS_BUSY, .opcode = 0x00 },
	{ .status = SAM_STATUS_BUSY, .opcode = 0x9e },
	{ .status = SAM_STATUS_GOOD, .residual = BLOCK },
	{ .status = SAM_STATUS_GOOD, .residual = BLOCK, .overflow = true },
};

/* More than a retry or two, down one path or all. */
static void storm(struct fake_nexus *nexus)
{
	struct fake_answer busy = {
		.status = one_in(2) ? SAM_STATUS_BUSY : SAM_STATUS_TASK_SET_FULL,
	};

	for (unsigned int i = 0; i < fake.count; i++) {
		if (&fake.nexuses[i] != nexus && one_in(2))
			continue;
		for (unsigned int n = draw(FAKE_SCRIPT / 2); n > 0; n--)
			if (fake.nexuses[i].script_len < FAKE_SCRIPT)
				fake_script(&fake.nexuses[i], busy);
	}
}

/*
 * Probes: awaited, cancelled, or given up before the answer comes
 */

static struct probe *probes[4];

static void probe_done(struct probe *probe, void *opaque)
{
	struct probe **place = opaque;

	assert_ptr_equal(*place, probe);
	*place = NULL;
	probe_free(probe);
}

static void probe_something(void)
{
	struct probe **place = &probes[draw(sizeof probes / sizeof probes[0])];

	if (*place) {
		probe_free(*place);
		*place = NULL;
		return;
	}
	*place = probe_new(fake.device->paths[draw(fake.count)], 1 + draw(5000), probe_done,
			   place);
	assert_non_null(*place);
}

static void end_probes(void)
{
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		probe_free(probes[i]);
		probes[i] = NULL;
	}
}

/*
 * The administrator
 */

static void draw_marks(struct device_settings *settings)
{
	for (unsigned int i = 0; i < settings->npaths; i++)
		settings->paths[i] = (struct path_settings) {
			.weight = draw(4), .is_standby = one_in(4),
			.is_disabled = one_in(4), .is_preferred = one_in(4),
		};
}

static void draw_settings(struct settings *settings)
{
	const struct policy_ops *const *policy = policy_all();
	unsigned int count = 0;

	while (policy[count])
		count++;
	strcpy(settings->policy, one_in(4) ? "" : policy[draw(count)]->name);
	settings->queue_depth = 1 + draw(one_in(2) ? 4 : 64);
	settings->max_transfer = (1 + draw(32)) * BLOCK;
	settings->path_burst = 1 + draw(16);
	settings->failback = (enum failback)draw(3);
	settings->path_verify_interval_ms = 1000 + draw(5000);
	settings->path_recovery_interval_ms = 500 + draw(2000);
	settings->flap_window_ms = one_in(2) ? 0 : draw(60000);
}

/* What is refused has changed nothing. */
static void change_settings(void)
{
	struct device_settings before, wanted, after;
	char error[160] = "";

	device_get_settings(fake.device, &before);
	wanted = before;
	draw_marks(&wanted);
	draw_settings(&wanted.settings);
	if (!device_apply(fake.device, &wanted, error, sizeof error))
		return;
	assert_string_not_equal(error, "");
	device_get_settings(fake.device, &after);
	assert_same_settings(&before, &after);
}

static void administrate(void)
{
	struct path *path = fake.device->paths[draw(fake.count)];
	char error[160];

	switch (draw(4)) {
	case 0:
		device_activate_path(fake.device, path, error, sizeof error);
		break;
	case 1:
		device_fail_path(fake.device, path, error, sizeof error);
		break;
	default:
		change_settings();
	}
}

static void enable_all_paths(void)
{
	struct device_settings settings;
	char error[160];

	device_get_settings(fake.device, &settings);
	memset(settings.paths, 0, sizeof settings.paths);
	if (device_apply(fake.device, &settings, error, sizeof error))
		fail_msg("%s", error);
}

/* RECOVERED ERROR means that it was done: the fake must do it. */
static bool claims_success(const struct fake_answer *answer)
{
	return answer->key == 0x1;
}

static void write_script(struct fake_nexus *nexus)
{
	unsigned int count = 1 + draw(4);

	while (count--) {
		const struct fake_answer *answer =
			&answers[draw(sizeof answers / sizeof answers[0])];

		if (!claims_success(answer) && nexus->script_len < FAKE_SCRIPT)
			fake_script(nexus, *answer);
	}
}

/* The session ends; some of what was in flight was carried out. */
static void break_session(struct fake_nexus *nexus)
{
	if (nexus->transport.state == TRANSPORT_UP)
		for (unsigned int i = 0; i < nexus->transport.in_flight_count; i++)
			if (one_in(2))
				fake_carry_out(nexus, i);
	nexus->is_logging_in = nexus->is_probed = false;
	transport_down(&nexus->transport, "connection reset by peer");
}

/* Another unit appears at the LUN: at a new login, for those that were sent
 * to the old one must not hit it. */
static void swap_unit(struct fake_nexus *nexus)
{
	break_session(nexus);
	nexus->unit = nexus->unit == unit ? one_in(3) ? NULL : stranger : unit;
}

static void grow(void)
{
	unit->nblocks = unit->nblocks == NBLOCKS ? NBLOCKS + 1024 : NBLOCKS;
	for (unsigned int i = 0; i < fake.count; i++)
		fake.nexuses[i].has_changed = one_in(2);
}

/* One group's state changes, with or without notice, or the array takes its time. */
static void change_access(void)
{
	static const uint8_t states[] = { 0x0, 0x0, 0x1, 0x2, 0x3, 0xf };

	if (!unit->tpgs)
		return;
	unit->raises_attention = one_in(2);
	unit->activated = one_in(4) ? states[draw(sizeof states)] : 0x0;
	unit->demoted = states[draw(sizeof states)];
	unit->transition_time_s = one_in(2) ? (uint8_t)draw(STATED_TRANSITION_S) : 0;
	for (unsigned int i = 0; i < unit->ngroups; i++)
		unit->groups[i].is_preferred = one_in(4);
	fake_set_group(&fake, unit, (uint16_t)(1 + draw(unit->ngroups)),
		       states[draw(sizeof states)]);
}

static void disturb(struct fake_nexus *nexus)
{
	switch (draw(12)) {
	case 11:
		probe_something();
		break;
	case 10:
		change_access();
		break;
	case 8:
		administrate();
		break;
	case 9:
		if (one_in(4))
			storm(nexus);
		break;
	case 0:
		break_session(nexus);
		break;
	case 1:
		nexus->refuses = !nexus->refuses;
		break;
	case 2:
		nexus->is_mute = one_in(2);
		break;
	case 3:
		swap_unit(nexus);
		break;
	case 4:
		if (one_in(4))
			grow();
		break;
	default:
		write_script(nexus);
	}
}

/* Several things happen, then the core is run, as in one turn of a loop. */
static void answer_some(void)
{
	for (unsigned int n = 1 + draw(8); n > 0; n--) {
		struct fake_nexus *nexus = &fake.nexuses[draw(fake.count)];
		unsigned int count = nexus->transport.in_flight_count;

		fake_answer_session(nexus);
		if (count)
			fake_answer_command(nexus, draw(count));
	}
}

/* As a loop does: it wakes when a timer is due, or a little later. */
static void pass_time(void)
{
	static const uint32_t ms[] = { 1, 1, 3, 20, 100, 100, 1000, 6000, 20000 };
	uint64_t then_us = fake.mpath.now_us + 1000 * ms[draw(sizeof ms / sizeof ms[0])];

	while (fake.mpath.now_us < then_us) {
		uint64_t due_us = mpath_next_due_us(&fake.mpath);

		mpath_set_now(&fake.mpath, due_us < then_us ? due_us + draw(2000) : then_us);
		mpath_run(&fake.mpath);
	}
}

static void step(void)
{
	switch (draw(16)) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		workers_submit_one();
		break;
	case 6: case 7: case 8: case 9: case 10: case 11:
		answer_some();
		break;
	case 12: case 13:
		mpath_set_now(&fake.mpath, fake.mpath.now_us + draw(1000));
		break;
	case 14:
		if (one_in(4))
			pass_time();
		break;
	default:
		if (one_in(3))
			disturb(&fake.nexuses[draw(fake.count)]);
	}
	mpath_run(&fake.mpath);
}

/*
 * Peace
 */

static void check_media(void)
{
	workers_check_medium(unit->medium);
	for (uint64_t i = 0; i < NBLOCKS * BLOCK; i++)
		if (stranger->medium[i] != 0xee)
			fail_msg("byte %llu was written to the wrong unit",
				 (unsigned long long)i);
}

static void make_peace(void)
{
	for (unsigned int i = 0; i < fake.count; i++) {
		struct fake_nexus *nexus = &fake.nexuses[i];

		nexus->is_mute = nexus->refuses = nexus->has_changed = false;
		nexus->script_len = nexus->script_done = 0;
		if (nexus->unit != unit)
			swap_unit(nexus), nexus->unit = unit;
	}
	unit->activated = unit->demoted = 0x0;
	for (unsigned int i = 0; i < unit->ngroups; i++)
		fake_set_group(&fake, unit, unit->groups[i].id, 0x0);
	enable_all_paths();
	mad_dsm_judges_well(true);
	/* Unaligned writes to one block take turns, each with its own time. */
	fake_advance(&fake, 2 * COMMAND_TIMEOUT_MS);
	workers_check_idle();
	check_media();
	assert_int_equal(device_usable_paths(fake.device), fake.count);
	fake_io(&fake, REQUEST_FLUSH, 0, 0, NULL);      /* tells of lost writes, once */
	mad_dsm_judges_well(false);
}

/* All at once, far more than there are slots and pool commands: it needs no
 * time to pass, and nothing fails. */
static void work_in_peace(void)
{
	workers_expect_success(true);
	mad_dsm_judges_well(true);
	workers_submit_all();
	fake_serve(&fake);
	workers_check_idle();
	check_media();
	mad_dsm_judges_well(false);
	workers_expect_success(false);
}

/* Whatever waits for whatever ends at once. */
static void stop(void)
{
	for (unsigned int i = 0; i < STEPS / 8; i++)
		step();
	device_stop(fake.device);
	if (one_in(2))
		end_probes();
	mpath_run(&fake.mpath);
	workers_check_idle();
	end_probes();
}

/*
 * Rounds
 */

static void tune(struct settings *settings)
{
	settings->command_timeout_ms = COMMAND_TIMEOUT_MS;
	settings->no_path_timeout_ms = one_in(4) ? 0 : 1000 + draw(30000);
	settings->io_timeout_ms = 10000;
	settings->transition_timeout_ms = 1000 + draw(20000);
	settings->retry_count = draw(6);
	settings->retry_interval_ms = draw(2000);
	settings->failback_ms = draw(3000);
	settings->flap_backoff_max_ms = 1000 + draw(10000);
	draw_settings(settings);
}

static void start_units(void)
{
	unit = fake_unit_new(1, NBLOCKS + 1024, BLOCK);
	unit->nblocks = NBLOCKS;
	unit->dpofua = one_in(2);
	unit->no_write_same = one_in(4);
	unit->max_transfer = one_in(2) ? 1 + draw(64) : 0;
	unit->max_unmap = one_in(2) ? 1 + draw(64) : 0;
	unit->max_write_same = one_in(2) ? 1 + draw(64) : 0;
	stranger = fake_unit_new(2, NBLOCKS, BLOCK);
	memset(stranger->medium, 0xee, NBLOCKS * BLOCK);
}


static void round_of(uint64_t seed)
{
	static const struct dsm_ops *const mad[] = { &mad_dsm };
	unsigned int count;

	draw_seed(seed);
	workers_init(&fake);
	start_units();
	count = 1 + draw(NEXUSES_MAX);
	fake_init(&fake, unit, count, false, tune);
	if (one_in(3))
		mpath_set_dsms(&fake.mpath, mad, 1);
	if (one_in(2)) {
		fake_alua_init(&fake, unit, (uint8_t)(1 + draw(3)), 1 + draw(3),
			       one_in(2) ? 0x1 : 0x2);
		unit->no_extended_header = one_in(4);
		unit->tells_no_size = one_in(2);
	}
	for (unsigned int i = 0; i < count; i++)
		transport_start(&fake.nexuses[i].transport);
	/* The module may have its question asked a few times. */
	for (unsigned int i = 0; i < 200 && !device_is_ready(fake.device); i++)
		fake_advance(&fake, 100);
	for (unsigned int i = 0; i < count; i++)
		fake.device->paths[i]->settings.is_preferred = one_in(4);
	for (unsigned int part = 0; part < 4; part++) {
		for (unsigned int i = 0; i < STEPS / 4; i++)
			step();
		make_peace();
		for (unsigned int i = 0; i < 10; i++)
			work_in_peace();
	}
	stop();
	fake_done(&fake);
	fake_unit_free(unit);
	fake_unit_free(stranger);
}

static unsigned long long from_environment(const char *name, unsigned long long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void everything_at_once(void **test_state)
{
	unsigned long long seed = from_environment("MPIO_STRESS_SEED", 0);
	time_t seconds = (time_t)from_environment("MPIO_STRESS_SECONDS", 0);
	time_t end = time(NULL) + seconds;
	unsigned long rounds = 0;

	(void)test_state;
	if (seed) {
		round_of(seed);
		return;
	}
	if (seconds)
		seed = (unsigned long long)time(NULL) << 20;
	do {
		print_message("MPIO_STRESS_SEED=%llu\n", ++seed);
		fflush(stdout);
		alarm(60);      /* a core that never comes back is a failure, too */
		round_of(seed);
		rounds++;
	} while (seconds ? time(NULL) < end : rounds < FIXED);
	alarm(0);
	print_message("%lu rounds, %lu requests, %lu of them failed\n", rounds,
		      workers_total(), workers_failed());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
