// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_LEAST_H
#define MPIO_LEAST_H

/*
 * Taking the path that has least of something: commands or bytes in flight,
 * expected time. Embedded in the contexts of policies.
 *
 * Two things keep commands together that can travel together, without which
 * every one would open a batch of its own: equal paths are taken in turn by
 * bursts, not one by one; and what comes in at one instant (one turn of the
 * loop) follows the first command of it, up to half a burst, as long as it is
 * small. Whatever was in flight before that instant has been weighed by then.
 */

#include "rotation.h"

#define LEAST_NOINLINE __attribute__((noinline))

/* What a command takes of a batch's room beside its data. With half a burst
 * times twice this for room, that is half a burst of commands of 4 KiB, and none
 * that is too large to gain anything by travelling together. */
#define LEAST_COMMAND_BYTES 4096

struct least {
	const struct settings *settings;
	size_t position;                /* in the candidates */
	int64_t left;                   /* of the burst, while others are no better */
	uint64_t amount;                /* what the path had when it was chosen */
	uint64_t enough;                /* whoever has no more is chosen */
	uint64_t batch_us;              /* the instant */
	uint64_t batch_room;            /* bytes */
};

/* Borrows SETTINGS, whose path_burst is the burst's length. */
void least_init(struct least *least, const struct settings *settings);

/* The candidates changed: positions mean other paths. */
void least_changed(struct least *least, const struct candidates *candidates);

/* The ops of policies whose context is a struct least: policy.h. */
void *least_policy_create(const struct settings *settings);
void least_policy_changed(void *context, const struct candidates *candidates, uint64_t now_us);

/* The path that COMMAND may follow the one before it to; NULL: least_choose(). */
static inline struct path *least_follow(struct least *least, const struct candidates *candidates,
					const struct command *command, uint64_t now_us)
{
	struct path *path = candidates->paths[least->position];
	uint64_t room = command->cdb.data_len + LEAST_COMMAND_BYTES;

	if (now_us != least->batch_us || room > least->batch_room ||
	    !path_may_take(path, command))
		return NULL;
	least->batch_room -= room;
	least->left--;
	return path;
}

/* Takes the path at POSITION, which has AMOUNT. */
static inline void least_take(struct least *least, size_t position, uint64_t amount,
			      const struct command *command, uint64_t now_us)
{
	uint64_t burst = least->settings->path_burst;
	uint64_t room = command->cdb.data_len + LEAST_COMMAND_BYTES;
	uint64_t whole = burst / 2 * 2 * LEAST_COMMAND_BYTES;

	if (position != least->position || least->left <= 0)
		least->left = (int64_t)burst;
	least->left--;
	least->position = position;
	least->amount = amount;
	least->batch_us = now_us;
	least->batch_room = whole > room ? whole - room : 0;
}

/* The candidate with the least AMOUNT_OF() that may take COMMAND, equal ones in
 * turn. Whoever has no more than ENOUGH is taken without asking the others. NULL
 * where there is no slot. Inline, so that AMOUNT_OF is, too: it is asked for
 * every path. Callers are not to be, for the sake of those that follow. */
static inline struct path *least_choose(struct least *least, const struct candidates *candidates,
					const struct command *command, uint64_t now_us,
					uint64_t (*amount_of)(void *context,
							      const struct path *path,
							      const struct command *command),
					void *context)
{
	/* Where the batch is full, somebody else's turn has come. */
	bool stays = least->left > 0 && now_us != least->batch_us;
	size_t position = least->position, best_position = 0;
	uint64_t best_amount = UINT64_MAX;
	struct path *best = NULL;

	for (size_t i = 0; i < candidates->count; i++) {
		struct path *path;
		uint64_t amount;

		if (i || !stays)
			position = position + 1 < candidates->count ? position + 1 : 0;
		path = candidates->paths[position];
		if (!path_may_take(path, command))
			continue;
		amount = amount_of(context, path, command);
		if (amount < best_amount) {
			best = path;
			best_position = position;
			best_amount = amount;
		}
		if (amount <= least->enough)
			break;
	}
	if (!best)
		return candidates_with_slot(candidates);
	least_take(least, best_position, best_amount, command, now_us);
	return best;
}

#endif
