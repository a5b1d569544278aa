// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATHCTL_QUERY_H
#define MPIO_PATHCTL_QUERY_H

/*
 * Finds who to ask, and asks: one socket, or every export of a runtime
 * directory. What one of them does wrong goes to standard error and does not
 * keep the others from answering.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct query {
	const char *socket_path;        /* NULL: all of the runtime directory */
	const char *runtime_dir;
	unsigned int timeout_ms;        /* of each question */
};

struct lun {
	char *socket_path;
	json_t *row;                    /* as `list` has it */
};

struct luns {
	struct lun *luns;
	size_t count;
	bool failed;                    /* somebody did not answer */
};

/* Every LUN, or those whose name or WWID is NAME (may be NULL), in the order
 * of the sockets' names. */
void query_luns(const struct query *query, const char *name, struct luns *luns);
void luns_done(struct luns *luns);

/* The one LUN whose name or WWID is NAME (may be NULL: any); false where there is
 * not just one, which was said. luns_done() in both cases. */
bool query_one(const struct query *query, const char *name, struct luns *luns);

/* METHOD of LUN with PARAMS (taken, may be NULL), a new reference; NULL: the error
 * was printed. */
json_t *query_call(const struct query *query, const struct lun *lun, const char *method,
		   json_t *params);

/* What to do where there is no LUN at all, or none called NAME. */
void query_say_where(const struct query *query);
void query_say_unknown(const char *name);

#endif
