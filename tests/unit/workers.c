// SPDX-License-Identifier: LGPL-2.1-or-later
#include "workers.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lba_status.h"
#include "unaligned.h"

#define SHARED (BLOCK / 2)              /* where in its first block a worker begins */
#define SLACK_MS 1000u
#define UNKNOWN 0x100                   /* in the model: written, maybe */

struct worker {
	struct request request;
	struct unaligned unaligned;
	unsigned int index;
	bool is_busy, is_unaligned, is_write, is_zero;
	uint64_t offset;                /* bytes */
	uint32_t nbytes;
	uint8_t *data, *bounce;         /* of exactly that size, for ASan */
	uint64_t submitted_us;
	unsigned int submissions, completions;
};

static struct fake *fake;
static struct worker workers[WORKERS];
static uint16_t model[NBLOCKS * BLOCK];
static uint64_t state;
static unsigned long total, failed;
static bool is_success_expected;

void draw_seed(uint64_t seed)
{
	state = seed;
}

uint32_t draw(uint32_t bound)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) % bound);
}

bool one_in(uint32_t n)
{
	return draw(n) == 0;
}

/*
 * Workers
 */

static void expect(const struct worker *w)
{
	for (uint32_t i = 0; i < w->nbytes; i++) {
		uint16_t want = model[w->offset + i];

		if (want != UNKNOWN && want != w->data[i])
			fail_msg("worker %u reads %02x at byte %llu, wrote %02x", w->index,
				 w->data[i], (unsigned long long)(w->offset + i), want);
	}
}

static void remember(const struct worker *w, int error)
{
	for (uint32_t i = 0; i < w->nbytes; i++)
		model[w->offset + i] = error ? UNKNOWN : w->is_zero ? 0 : w->data[i];
}

/* A transition's longest time is what the array states or stated: a request
 * that was given time by an answer keeps it when the next one states less. */
static uint64_t longest_us(void)
{
	uint64_t transition_us = alua_transition_limit_us(fake->device);

	if (transition_us && transition_us < STATED_TRANSITION_S * 1000000)
		transition_us = STATED_TRANSITION_S * 1000000;
	return transition_us + (COMMAND_TIMEOUT_MS + SLACK_MS +
				fake->device->settings.no_path_timeout_ms) * 1000;
}

static void finished(struct worker *w, int error)
{
	uint64_t age_us = fake->mpath.now_us - w->submitted_us;

	w->completions++;
	total++;
	failed += error != 0;
	if (!w->is_busy)
		fail_msg("worker %u: completed twice", w->index);
	w->is_busy = false;
	if (age_us > longest_us())
		fail_msg("worker %u: done after %.1f s", w->index, (double)age_us / 1e6);
	if (error == -EINVAL || (is_success_expected && error) ||
	    (error == -ESHUTDOWN && fake->device->state != DEVICE_STOPPED))
		fail_msg("worker %u: error %d", w->index, error);
	if (w->is_write)
		remember(w, error);
	else if (w->data && !error)
		expect(w);
	free(w->data);
	free(w->bounce);
	w->data = w->bounce = NULL;
}

static void request_done(struct request *request)
{
	finished(list_entry(request, struct worker, request), request->error);
}

static void unaligned_done(struct unaligned *unaligned)
{
	finished(list_entry(unaligned, struct worker, unaligned), unaligned->error);
}

/* Some of the worker's own bytes; whole blocks where ALIGNED. */
static void choose_range(struct worker *w, bool aligned)
{
	uint64_t begin = (uint64_t)w->index * WORKER_BLOCKS * BLOCK + SHARED;
	uint64_t len = WORKER_BLOCKS * BLOCK;

	if (aligned) {
		uint32_t first = draw(WORKER_BLOCKS - 1);

		w->offset = begin - SHARED + (1 + first) * BLOCK;
		w->nbytes = (1 + draw(WORKER_BLOCKS - 1 - first)) * BLOCK;
	} else {
		uint64_t skip = one_in(3) ? 0 : draw((uint32_t)len - 1);

		w->offset = begin + skip;
		w->nbytes = 1 + draw((uint32_t)(len - skip));
		if (one_in(2) && w->nbytes > BLOCK)
			w->nbytes = 1 + draw(BLOCK);
	}
}

static void make_data(struct worker *w)
{
	w->data = malloc(w->nbytes);
	assert_non_null(w->data);
	for (uint32_t i = 0; i < w->nbytes; i++)
		w->data[i] = w->is_write ? (uint8_t)draw(256) : 0xdd;
}

static void submit_unaligned(struct worker *w)
{
	w->is_unaligned = true;
	w->is_write = !one_in(4);
	w->is_zero = w->is_write && one_in(4);
	choose_range(w, false);
	if (w->offset % BLOCK == 0 && w->nbytes % BLOCK == 0)
		w->offset++, w->nbytes--;
	make_data(w);
	w->bounce = malloc(unaligned_bounce_size(w->offset, w->nbytes, BLOCK));
	assert_non_null(w->bounce);
	w->unaligned = (struct unaligned) {
		.is_write = w->is_write, .fua = one_in(4), .offset = w->offset,
		.nbytes = w->nbytes, .data = w->is_zero ? NULL : w->data,
		.bounce = w->bounce, .done = unaligned_done,
	};
	unaligned_submit(fake->device, &w->unaligned);
}

static enum request_op draw_op(void)
{
	static const enum request_op ops[] = {
		REQUEST_READ, REQUEST_READ, REQUEST_READ, REQUEST_WRITE, REQUEST_WRITE,
		REQUEST_WRITE, REQUEST_WRITE_SAME, REQUEST_UNMAP, REQUEST_FLUSH,
		REQUEST_LBA_STATUS, REQUEST_PREFETCH,
	};

	return ops[draw(sizeof ops / sizeof ops[0])];
}

static void submit_aligned(struct worker *w)
{
	enum request_op op = draw_op();
	bool has_data = op == REQUEST_READ || op == REQUEST_WRITE;

	w->is_unaligned = false;
	w->is_zero = op == REQUEST_WRITE_SAME || op == REQUEST_UNMAP;
	w->is_write = w->is_zero || op == REQUEST_WRITE;
	choose_range(w, true);
	if (has_data)
		make_data(w);
	if (op == REQUEST_LBA_STATUS)
		w->bounce = malloc(LBA_STATUS_LEN(4));
	/* As the bridge does: the core fills in its part. */
	memset(&w->request, 0xa5, sizeof w->request);
	w->request.op = op;
	w->request.fua = w->is_write && one_in(4);
	w->request.may_unmap = one_in(2);
	w->request.is_fast = false;
	w->request.lba = op == REQUEST_FLUSH ? 0 : w->offset / BLOCK;
	w->request.nblocks = op == REQUEST_FLUSH ? 0 : w->nbytes / BLOCK;
	w->request.data = op == REQUEST_LBA_STATUS ? w->bounce : w->data;
	w->request.data_len = op == REQUEST_LBA_STATUS ? LBA_STATUS_LEN(4) : 0;
	w->request.inside = NULL;
	w->request.done = request_done;
	device_submit(fake->device, &w->request);
}

static void submit(struct worker *w)
{
	if (w->is_busy)
		return;
	w->is_busy = true;
	w->submissions++;
	w->submitted_us = fake->mpath.now_us;
	if (one_in(3))
		submit_unaligned(w);
	else
		submit_aligned(w);
}

void workers_submit_one(void)
{
	submit(&workers[draw(WORKERS)]);
}

void workers_submit_all(void)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		submit(&workers[i]);
}

void workers_expect_success(bool expected)
{
	is_success_expected = expected;
}

static unsigned int length(const struct list *head)
{
	unsigned int count = 0;

	list_for_each(node, head)
		count++;
	return count;
}

void workers_check_idle(void)
{
	const struct device *device = fake->device;

	assert_int_equal(length(&device->active), 0);
	assert_int_equal(length(&device->blocked), 0);
	assert_int_equal(length(&device->holds), 0);
	assert_int_equal(length(&device->waiting), 0);
	assert_int_equal(length(&device->held), 0);
	assert_int_equal(length(&device->delayed), 0);
	assert_int_equal(length(&device->hungry), 0);
	assert_int_equal(length(&device->pool), DEVICE_POOL_COMMANDS);
	for (unsigned int i = 0; i < fake->count; i++) {
		assert_int_equal(device->paths[i]->in_flight, 0);
		assert_int_equal(device->paths[i]->in_flight_bytes, 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		assert_false(workers[i].is_busy);
		assert_int_equal(workers[i].completions, workers[i].submissions);
	}
}

void workers_check_medium(const uint8_t *medium)
{
	for (size_t i = 0; i < sizeof model / sizeof model[0]; i++)
		if (model[i] != UNKNOWN && model[i] != medium[i])
			fail_msg("byte %zu is %02x on the medium, %02x was written", i,
				 medium[i], model[i]);
}

void workers_init(struct fake *the_fake)
{
	fake = the_fake;
	memset(model, 0, sizeof model);
	memset(workers, 0, sizeof workers);
	for (unsigned int i = 0; i < WORKERS; i++)
		workers[i].index = i;
}

unsigned long workers_total(void)
{
	return total;
}

unsigned long workers_failed(void)
{
	return failed;
}
