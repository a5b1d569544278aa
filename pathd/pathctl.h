// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATHCTL_H
#define MPIO_PATHCTL_H

/*
 * What the verbs of pathctl share: the command line as it was read, and how a
 * verb ends. A verb returns the exit status: 0 done, 1 failed, 2 usage.
 */

#include "pathctl_print.h"
#include "pathctl_query.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

#define REQUEST_ARGUMENTS 3

struct request {
	struct query query;
	struct print_style style;
	bool is_json;
	bool is_reset;                  /* stats */
	const char *action;             /* path: "standby"; NULL: none given */
	const char *weight;             /* with the action "weight" */
	const char *arguments[REQUEST_ARGUMENTS];       /* NULL: not given */
	int count;
};

/* What standard output could not take is a failure, too: a full disk must not
 * look like an empty list. STATUS, or EXIT_FAILED. */
int finish(int status);

void print_json(const json_t *value);

/* Prints "WHAT: WHICH" (WHICH may be NULL); EXIT_USAGE. */
int usage_error(const char *what, const char *which);

/*
 * Calls METHOD of LUN, a name or WWID, NULL for the only one there is. PARAMS (may
 * be NULL) are taken. The result is a new reference; NULL: the error was printed.
 */
json_t *request_call(const struct request *request, const char *lun, const char *method,
		     json_t *params);

/* Ends a verb: RESULT (taken; NULL: failed) as JSON, or for people by PRINT. */
int request_finish(const struct request *request, json_t *result,
		   void (*print)(const struct request *request, const json_t *result));

/* The result of a change, for people: what is another now. */
void print_changes(const struct request *request, const json_t *result);

int run_config_check(const struct request *request);
int run_explain(const struct request *request);
int run_path(const struct request *request);
int run_policy(const struct request *request);
int run_probe(const struct request *request);
int run_settings(const struct request *request);
int run_stats(const struct request *request);
int run_timers(const struct request *request);

#endif
