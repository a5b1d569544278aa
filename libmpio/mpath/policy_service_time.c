// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Service time: the path on which this command is expected to be done first,
 * judged by the bytes in flight there and by how long such amounts have taken
 * on it so far.
 *
 * A path that was never measured gets one command at once, and more after its
 * answer. One that has become too slow to be chosen is tried again from time to
 * time: what is not used is not measured, and would stay slow for ever.
 */
#include "policy.h"

#include <stdlib.h>

#include "least.h"
#include "request.h"

/* Trials take one choice in so many, and 1/64 of the time, at most. */
#define TRIAL_CHOICES 64
#define TRIAL_MIN_US 50000
#define TRIAL_MAX_US 10000000

/* All paths are looked at once in so many choices. In between, one that is about
 * as good as the best of them was is good enough, so that those take turns. */
#define SEARCH_EVERY 64

/* What a command without data is weighed as. */
#define SMALL_BYTES 4096

/* Behind every path that was measured. */
#define UNKNOWN (UINT64_MAX / 2)

struct service_time {
	struct least least;
	uint64_t now_us;
	uint64_t choices;               /* since the last trial */
	unsigned int search_in;         /* choices until all paths are looked at */
	bool is_searching;
};

static void *service_time_create(const struct settings *settings)
{
	struct service_time *st = calloc(1, sizeof *st);

	if (st)
		least_init(&st->least, settings);
	return st;
}

static void service_time_changed(void *context, const struct candidates *candidates,
				 uint64_t now_us)
{
	struct service_time *st = context;

	(void)now_us;
	least_changed(&st->least, candidates);
}

static bool wants_trial(const struct service_time *st, const struct path *path,
			const struct path_speed *speed)
{
	uint64_t pause_us = path_speed_latency_us(speed) * 64;

	if (!st->is_searching || path->in_flight)
		return false;
	if (!speed->tried_us)
		return true;
	if (st->choices < TRIAL_CHOICES)
		return false;
	if (pause_us < TRIAL_MIN_US)
		pause_us = TRIAL_MIN_US;
	if (pause_us > TRIAL_MAX_US)
		pause_us = TRIAL_MAX_US;
	return st->now_us - speed->tried_us >= pause_us;
}

/* A command that hangs says more than those that were answered before it. */
static uint64_t oldest_age_us(const struct service_time *st, const struct transport *transport)
{
	if (list_is_empty(&transport->in_flight))
		return 0;
	return st->now_us - list_entry(transport->in_flight.next, struct command, node)->sent_us;
}

/* Never 0 but where the path is to be tried. */
static uint64_t time_of(void *context, const struct path *path, const struct command *command)
{
	const struct service_time *st = context;
	const struct path_speed *speed = command->request->op == REQUEST_READ
		? &path->speed[PATH_OP_READ] : &path->speed[PATH_OP_WRITE];
	uint64_t nbytes = command->cdb.data_len ? command->cdb.data_len : SMALL_BYTES;
	uint64_t expected_us, age_us;

	nbytes += transport_load(path->transport).bytes;
	if (wants_trial(st, path, speed))
		return 0;
	if (!path_speed_is_known(speed))
		return UNKNOWN + nbytes;
	expected_us = nbytes * speed->latency8_us / speed->queued8_bytes;
	age_us = oldest_age_us(st, path->transport);
	return (expected_us > age_us ? expected_us : age_us) + 1;
}

LEAST_NOINLINE
static struct path *choose(struct service_time *st, const struct candidates *candidates,
			   const struct command *command, uint64_t now_us)
{
	struct least *least = &st->least;
	struct path *path;

	st->now_us = now_us;
	st->choices++;
	st->is_searching = !st->search_in;
	st->search_in = st->is_searching ? SEARCH_EVERY : st->search_in - 1;
	if (st->is_searching)
		least->enough = 0;
	least->amount = UINT64_MAX;
	path = least_choose(least, candidates, command, now_us, time_of, st);
	if (!least->amount) {
		/* A trial is one command: neither burst nor batch. */
		least->left = 0;
		least->batch_room = 0;
		st->choices = st->search_in = 0;
	} else if (least->amount < UNKNOWN && (st->is_searching || least->amount > least->enough)) {
		least->enough = least->amount + least->amount / 2;
	}
	return path;
}

static struct path *service_time_pick(void *context, const struct candidates *candidates,
				      const struct command *command, uint64_t now_us)
{
	struct service_time *st = context;
	struct path *path = least_follow(&st->least, candidates, command, now_us);

	return path ? path : choose(st, candidates, command, now_us);
}

const struct policy_ops policy_service_time = {
	.name = "service-time",
	.rule = "the path expected to be done first, by bytes in flight and speed",
	.context_size = sizeof(struct service_time),
	.create = service_time_create,
	.destroy = free,
	.changed = service_time_changed,
	.pick = service_time_pick,
};
