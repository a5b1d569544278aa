// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which unit a device serves, and how large it is. The first decision is an
 * election: once every path had its chance (or a short time after the first
 * one was verified) the unit that most paths show is taken, so that one portal
 * with the wrong LUN behind it does not win by being quick. From then on a
 * path either shows that unit or is refused. A new size is adopted only when
 * no path shows the old one any more.
 *
 * Where all paths are in an access state that does not tell the unit's size, the
 * election is by identity alone, which is told in every state (SPC-4 5.15.2.4):
 * alua.c waits for, or makes, an active group of that unit, and the first path
 * to tell all completes it.
 */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_settings.h"
#include "transport.h"

#define ELECTION_US 1000000             /* after the first verified path */
#define IDENTITY_ELECTION_US 3000000    /* after the first that told no more */
#define SIZE_PATIENCE_US 2000000        /* for the other paths' answers */

static void adopt_size(struct device *device, const struct unit *unit)
{
	device->nblocks = unit->capacity.nblocks;
	device->unit.capacity = unit->capacity;
	device_abort_beyond_end(device);
}

/* PATH shows the device's unit, as last verified. */
static bool counts(const struct path *path)
{
	return path->is_verified && !path->is_refused;
}

/*
 * Read-only is what all paths say. One that is write-protected while others are
 * not is refused, for it would fail writes that those take; and the others are
 * asked, as the array may just have changed its mind. False: refused.
 */
static bool adopt_access(struct device *device, struct path *path)
{
	bool is_read_only = true;

	for (unsigned int i = 0; i < device->npaths; i++)
		if (counts(device->paths[i]) || device->paths[i] == path)
			is_read_only &= device->paths[i]->unit.write_protected;
	if (device->is_read_only != is_read_only) {
		device->is_read_only = is_read_only;
		device->unit.write_protected = is_read_only;
		mpath_emit(device->mpath, EVENT_ACCESS_CHANGED, device, path, NULL,
			   "the unit is now %s", is_read_only ? "write-protected" : "writable");
	}
	for (unsigned int i = 0; i < device->npaths; i++)
		if (counts(device->paths[i]) &&
		    device->paths[i]->unit.write_protected != path->unit.write_protected)
			path_recheck(device->paths[i]);
	if (path->unit.write_protected == is_read_only)
		return true;
	path_refuse(path, "write-protected where the other paths are not");
	return false;
}

static uint32_t lesser_limit(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* What the unit can do is what it can down every path: it may be behind ports
 * that differ, and any command may go down any of them. */
static void adopt_abilities(struct device *device, const struct path *newest)
{
	struct unit *unit = &device->unit;
	uint32_t max_transfer = 0;

	unit->dpofua = true;
	unit->write_cache = false;
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];

		if (!counts(path) && path != newest)
			continue;
		unit->dpofua &= path->unit.dpofua;
		unit->write_cache |= path->unit.write_cache;
		if (path->unit.has_block_limits)
			max_transfer = lesser_limit(max_transfer,
						    vpd_max_transfer(&path->unit.limits));
	}
	device->unit_max_transfer = max_transfer;
	device_limit_transfer(device);
}

/* Ours, and the unit's MAXIMUM TRANSFER LENGTH (VPD B0h). */
void device_limit_transfer(struct device *device)
{
	uint64_t blocks;

	if (!device->block_size)
		return;         /* no unit yet */
	blocks = device->settings.max_transfer / device->block_size;
	device->max_transfer_blocks = lesser_limit(blocks ? (uint32_t)blocks : 1,
						   device->unit_max_transfer);
}

static int make_zeroes(struct device *device)
{
	uint64_t blocks = device->settings.max_transfer / device->block_size;

	device->zeroes_blocks = blocks ? (uint32_t)blocks : 1;
	device->zeroes = calloc(device->zeroes_blocks, device->block_size);
	return device->zeroes ? 0 : -ENOMEM;
}

/* The module that claims PATH's unit; NULL: none, PATH is refused. */
static const struct dsm_ops *claim(struct device *device, struct path *path)
{
	char reason[sizeof path->last_error];
	const struct dsm_ops *dsm = dsm_claim(device->mpath, &path->unit, reason,
					      sizeof reason);

	if (dsm)
		return dsm;
	if (!device->is_unclaimed_told) {
		device->is_unclaimed_told = true;
		mpath_emit(device->mpath, EVENT_NOT_CLAIMED, device, path, NULL,
			   "no module claims %s: %s", path->unit.identity.text, reason);
	}
	path_refuse(path, reason);
	return NULL;
}

/* PATH's unit, which DSM claims, is the device's from now on. */
static void adopt_identity(struct device *device, const struct path *path,
			   const struct dsm_ops *dsm)
{
	device->unit = path->unit;
	device->dsm = dsm;
	device_settings_resolve(device);
}

/* PATH shows the device's unit, and is the first that tells all of it. False:
 * refused. */
static bool complete(struct device *device, struct path *path)
{
	uint8_t tpgs = device->unit.inquiry.tpgs;

	device->unit = path->unit;
	device->unit.inquiry.tpgs = tpgs;       /* see alua_admit() */
	device->block_size = path->unit.capacity.block_size;
	device->is_read_only = path->unit.write_protected;
	adopt_size(device, &path->unit);
	adopt_abilities(device, path);
	if (make_zeroes(device)) {
		path_refuse(path, "out of memory");
		return false;
	}
	device->fence_strength = dsm_fence_strength(device);
	device->is_unit_complete = true;
	mpath_emit(device->mpath, EVENT_DEVICE_CREATED, device, NULL, NULL,
		   "%s, %s %s, %llu blocks of %u bytes, DSM %s, fence %s",
		   path->unit.identity.text, path->unit.inquiry.vendor,
		   path->unit.inquiry.product, (unsigned long long)device->nblocks,
		   device->block_size, device->dsm->name,
		   fence_strength_name(device->fence_strength));
	return true;
}

/*
 * Size
 */

static bool shows_old_size(const struct device *device, const struct path *path)
{
	return path_is_usable(path) && path->unit.capacity.nblocks == device->nblocks;
}

static bool size_is_open(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *path = device->paths[i];

		if (path->verify.is_running && !path->is_size_pending)
			return true;
	}
	return false;
}

static void refuse_size(struct device *device, struct path *path)
{
	char reason[160];

	snprintf(reason, sizeof reason, "shows %llu blocks where the other paths show %llu",
		 (unsigned long long)path->unit.capacity.nblocks,
		 (unsigned long long)device->nblocks);
	path_refuse(path, reason);
}

static struct path *next_pending(const struct device *device)
{
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i]->is_size_pending)
			return device->paths[i];
	return NULL;
}

/* Every path has answered, or had the time to. */
static void settle_size(struct device *device)
{
	struct path *path = next_pending(device);
	bool is_old_alive = false;

	mpath_timer_disarm(&device->size_timer);
	if (!path)
		return;
	for (unsigned int i = 0; i < device->npaths; i++)
		is_old_alive |= shows_old_size(device, device->paths[i]);
	if (!is_old_alive) {
		mpath_emit(device->mpath, EVENT_SIZE_CHANGED, device, path, NULL,
			   "%llu blocks, before %llu",
			   (unsigned long long)path->unit.capacity.nblocks,
			   (unsigned long long)device->nblocks);
		adopt_size(device, &path->unit);
	}
	for (; path; path = next_pending(device)) {
		if (path->unit.capacity.nblocks != device->nblocks) {
			refuse_size(device, path);
		} else if (adopt_access(device, path)) {
			adopt_abilities(device, path);
			path_accept(path);
		}
	}
}

static void size_due(struct mpath_timer *timer)
{
	struct device *device = list_entry(timer, struct device, size_timer);

	settle_size(device);
}

/* PATH shows another size, and the others are asked. Those stay in service for
 * the old range, which a grown unit still has and a shrunk one refuses to
 * overrun by itself; PATH as well, if it is in service and has grown. */
static void doubt_size(struct device *device, struct path *path)
{
	path->is_size_pending = true;
	if (!path_is_usable(path) || path->unit.capacity.nblocks < device->nblocks)
		path_enter(path, PATH_CHECKING,
			   "shows %llu blocks, before %llu; asking the other paths",
			   (unsigned long long)path->unit.capacity.nblocks,
			   (unsigned long long)device->nblocks);
	if (mpath_timer_is_armed(&device->size_timer))
		return;
	mpath_timer_arm(device->mpath, &device->size_timer,
			device->mpath->now_us + SIZE_PATIENCE_US);
	for (unsigned int i = 0; i < device->npaths; i++)
		if (shows_old_size(device, device->paths[i]))
			path_recheck(device->paths[i]);
}

/*
 * Identity
 */

static void refuse_identity(struct path *path, const struct identity *wanted)
{
	char reason[sizeof path->last_error];

	snprintf(reason, sizeof reason, "wrong unit: it is %.80s, this device is %.80s",
		 path->unit.identity.text, wanted->text);
	path_refuse(path, reason);
}

static void admit(struct device *device, struct path *path)
{
	char reason[sizeof path->last_error];

	if (!device->dsm->claim(device->dsm, &path->unit, reason, sizeof reason)) {
		path_refuse(path, reason);
	} else if (!device->dsm->same_unit(device->dsm, &device->unit, &path->unit)) {
		refuse_identity(path, &device->unit.identity);
	} else if (path->unit.is_incomplete) {
		path_accept(path);      /* not to I/O: see resulting_state() */
	} else if (!device->is_unit_complete && !complete(device, path)) {
		return;
	} else if (path->unit.capacity.block_size != device->block_size) {
		snprintf(reason, sizeof reason,
			 "block size %u where the other paths show %u",
			 path->unit.capacity.block_size, device->block_size);
		path_refuse(path, reason);
	} else if (path->unit.capacity.nblocks != device->nblocks) {
		doubt_size(device, path);
	} else if (adopt_access(device, path)) {
		adopt_abilities(device, path);
		path_accept(path);
	}
}

/* Paths that show the unit of PATH, which DSM claims, and its size, if it has
 * told that. */
static unsigned int votes_for(const struct device *device, const struct path *path,
			      const struct dsm_ops *dsm)
{
	unsigned int votes = 0;

	for (unsigned int i = 0; i < device->npaths; i++) {
		const struct path *other = device->paths[i];

		if (path->is_verified ? other->is_verified : other->is_identified)
			votes += dsm->same_unit(dsm, &path->unit, &other->unit) &&
				(!path->is_verified ||
				 capacity_equal(&other->unit.capacity, &path->unit.capacity));
	}
	return votes;
}

/* Of the paths that told all, or where none did, of those that told who they
 * are. NULL: there is none. */
static struct path *elect(struct device *device, bool by_identity,
			  const struct dsm_ops **by)
{
	struct path *winner = NULL;
	unsigned int most = 0;

	for (unsigned int i = 0; i < device->npaths; i++) {
		struct path *path = device->paths[i];
		bool stands = by_identity ? path->is_identified : path->is_verified;
		const struct dsm_ops *dsm = stands ? claim(device, path) : NULL;

		if (dsm && votes_for(device, path, dsm) > most) {
			most = votes_for(device, path, dsm);
			winner = path;
			*by = dsm;
		}
	}
	return winner;
}

static void hold_election(struct device *device)
{
	const struct dsm_ops *dsm = NULL;
	struct path *winner = elect(device, false, &dsm);

	mpath_timer_disarm(&device->election_timer);
	if (!winner)
		winner = elect(device, true, &dsm);
	if (!winner)
		return;
	adopt_identity(device, winner, dsm);
	admit(device, winner);          /* its size is the unit's, if it tells one */
	for (unsigned int i = 0; i < device->npaths; i++)
		if (device->paths[i] != winner && device->paths[i]->is_identified)
			admit(device, device->paths[i]);
}

static void election_due(struct mpath_timer *timer)
{
	hold_election(list_entry(timer, struct device, election_timer));
}

void device_expect(struct device *device, const struct identity *identity)
{
	device->has_expected = true;
	device->expected = *identity;
}

static void admit_expected(struct device *device, struct path *path)
{
	const struct dsm_ops *dsm;

	if (!identity_equal(&device->expected, &path->unit.identity)) {
		refuse_identity(path, &device->expected);
		return;
	}
	dsm = claim(device, path);
	if (!dsm)
		return;
	adopt_identity(device, path, dsm);
	admit(device, path);
}

/* A path that tells all may be late, and makes an activation needless. */
static void call_election(struct device *device, const struct path *path)
{
	uint64_t due_us = device->mpath->now_us +
		(path->is_verified ? ELECTION_US : IDENTITY_ELECTION_US);

	if (!mpath_timer_is_armed(&device->election_timer) ||
	    device->election_timer.due_us > due_us)
		mpath_timer_arm(device->mpath, &device->election_timer, due_us);
}

void device_path_verified(struct device *device, struct path *path)
{
	if (device->dsm) {
		admit(device, path);
	} else if (device->has_expected) {
		admit_expected(device, path);
	} else {
		call_election(device, path);
	}
	device_stir(device);
}

/* Called when paths were verified or failed: what waited for them goes on. */
void device_unit_run(struct device *device)
{
	if (mpath_timer_is_armed(&device->election_timer) && device_is_settled(device))
		hold_election(device);
	if (mpath_timer_is_armed(&device->size_timer) && !size_is_open(device))
		settle_size(device);
}

void device_unit_init(struct device *device)
{
	mpath_timer_init(&device->election_timer, election_due);
	mpath_timer_init(&device->size_timer, size_due);
}

bool device_is_ready(const struct device *device)
{
	return device->is_unit_complete;
}
