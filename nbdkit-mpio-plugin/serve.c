// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "bridge.h"
#include "view.h"

static bool is_aligned(const struct view *view, uint64_t offset, uint32_t count)
{
	return ((offset | count) & (view->block_size - 1)) == 0;
}

static uint64_t round_down(const struct view *view, uint64_t offset)
{
	return offset & ~(uint64_t)(view->block_size - 1);
}

static uint64_t round_up(const struct view *view, uint64_t offset)
{
	return round_down(view, offset + view->block_size - 1);
}

/* The errors NBD knows; the rest would become EINVAL, as if the client were
 * to blame. */
static int nbd_error(int error)
{
	switch (error) {
	case EROFS:
		return EPERM;
	case EPERM:
	case EINVAL:
	case ENOMEM:
	case ENOSPC:
	case ESHUTDOWN:
	case EOPNOTSUPP:
		return error;
	default:
		return EIO;
	}
}

int serve_result(int error, const char *what, uint64_t offset, uint32_t count)
{
	if (error == 0)
		return 0;
	/* Neither is a fault: quitting, and a fast zero that would be slow. */
	if (error == -ESHUTDOWN || error == -EOPNOTSUPP)
		nbdkit_debug("%s of %" PRIu32 " bytes at %" PRIu64 ": %s", what, count, offset,
			     strerror(-error));
	else
		nbdkit_error("%s of %" PRIu32 " bytes at %" PRIu64 ": %s", what, count, offset,
			     strerror(-error));
	nbdkit_set_error(nbd_error(-error));
	return -1;
}

/* A request on whole blocks. */
static int run(const struct view *view, struct bridge_op *op, uint64_t offset, uint64_t count)
{
	op->lba = offset / view->block_size;
	op->nblocks = count / view->block_size;
	return bridge_run(view->engine, op, NULL);
}

int serve_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	const struct view *view = handle;
	struct bridge_op op = { .op = REQUEST_READ, .data = buf };
	int error;

	(void)flags;
	if (is_aligned(view, offset, count))
		error = run(view, &op, offset, count);
	else
		error = bridge_run_unaligned(view->engine, false, false, offset, count, buf,
					     view->block_size);
	return serve_result(error, "read", offset, count);
}

int serve_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	const struct view *view = handle;
	bool fua = flags & NBDKIT_FLAG_FUA;
	/* The core only reads what it writes to the unit. */
	struct bridge_op op = { .op = REQUEST_WRITE, .fua = fua, .data = (void *)buf };
	int error;

	if (is_aligned(view, offset, count))
		error = run(view, &op, offset, count);
	else
		error = bridge_run_unaligned(view->engine, true, fua, offset, count, (void *)buf,
					     view->block_size);
	return serve_result(error, "write", offset, count);
}

int serve_flush(void *handle, uint32_t flags)
{
	const struct view *view = handle;
	struct bridge_op op = { .op = REQUEST_FLUSH };

	(void)flags;
	return serve_result(bridge_run(view->engine, &op, NULL), "flush", 0, 0);
}

/* Blocks that are only partly in the range stay: a trim is a hint. */
int serve_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	const struct view *view = handle;
	struct bridge_op op = { .op = REQUEST_UNMAP, .fua = flags & NBDKIT_FLAG_FUA };
	uint64_t start = round_up(view, offset);
	uint64_t end = round_down(view, offset + count);

	if (start >= end)
		return 0;
	return serve_result(run(view, &op, start, end - start), "trim", offset, count);
}

/* Part of a block, zeroed by read-modify-write. */
static int zero_part(const struct view *view, bool fua, uint64_t start, uint64_t end)
{
	if (start >= end)
		return 0;
	return bridge_run_unaligned(view->engine, true, fua, start, (uint32_t)(end - start), NULL,
				    view->block_size);
}

/*
 * Fast is what moves neither data nor the unit's heads: unmapped blocks that
 * read back as zeroes. All of a slow request is refused before any of it is
 * done, so that the client can do without.
 */
int serve_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	const struct view *view = handle;
	bool fua = flags & NBDKIT_FLAG_FUA;
	bool fast = flags & NBDKIT_FLAG_FAST_ZERO;
	bool may_unmap = (flags & NBDKIT_FLAG_MAY_TRIM) && view->zeroes_by_unmap;
	struct bridge_op op = {
		.op = REQUEST_WRITE_SAME, .fua = fua, .may_unmap = may_unmap,
		.is_fast = fast,
	};
	uint64_t end = offset + count;
	uint64_t first = round_up(view, offset), last = round_down(view, end);
	int error = 0;

	if (fast && (!may_unmap || !is_aligned(view, offset, count)))
		return serve_result(-EOPNOTSUPP, "fast zero", offset, count);
	if (first > last)
		return serve_result(zero_part(view, fua, offset, end), "zero", offset, count);
	if (first < last)
		error = run(view, &op, first, last - first);
	if (error == 0)
		error = zero_part(view, fua, offset, first);
	if (error == 0)
		error = zero_part(view, fua, last, end);
	/* Without FAST_ZERO nbdkit would take it for a plugin without .zero. */
	if (error == -EOPNOTSUPP && !fast)
		error = -EIO;
	return serve_result(error, "zero", offset, count);
}

/* PRE-FETCH (SBC-3 5.9) of every block touched; a unit without it has nothing
 * to do. */
int serve_cache(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	const struct view *view = handle;
	struct bridge_op op = { .op = REQUEST_PREFETCH };
	uint64_t start = round_down(view, offset);
	uint64_t end = round_up(view, offset + count);
	int error = run(view, &op, start, end - start);

	(void)flags;
	return serve_result(error == -EOPNOTSUPP ? 0 : error, "cache", offset, count);
}
