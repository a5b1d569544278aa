// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_TEST_CONTROL_CALLS_H
#define MPIO_TEST_CONTROL_CALLS_H

/*
 * Calls of the control socket's methods, as lines of JSON-RPC, without the
 * socket: on a device with three paths over the scripted array.
 */

#include "control.h"
#include "fake.h"

#define PATHS 3

extern struct fake fake;
extern struct fake_unit *unit;
extern uint8_t block[512];
extern struct control control;
extern struct peer peer;                /* who calls: root */
extern char failure[600];               /* the message of the last call's error, or "" */
extern int failure_code;
extern struct rpc_later later;          /* of the last call */
extern json_t *late_answer;             /* its result, once it is there */

/* A test's setup and teardown. */
int calls_begin(void **state);
int calls_end(void **state);

/* A setup with two target port groups, implicit: paths 0 and 2 are in the first,
 * active/optimized, path 1 is in the second, active/non-optimized. */
int calls_begin_with_groups(void **state);

/* The same, but the array does as it is told. */
int calls_begin_with_explicit_groups(void **state);

/* Takes PARAMS. NULL: refused, or promised. */
json_t *ask(const char *method, json_t *params);

/* It is done, and COUNT things are another then. */
void assert_changes(const char *method, json_t *params, size_t count);

/* Refused with these WORDS, and no policy or path is another. */
void assert_refused(const char *method, json_t *params, const char *words);

/* A member's text, "" where there is none. */
const char *text(const json_t *object, const char *key);

/* Parameters of the method `path`. */
json_t *action(const char *path, const char *name);

const struct path *path(unsigned int i);
struct path_settings settings_of(unsigned int i);

/* How many of COUNT writes, one after the other, go down path I. */
unsigned int share_of(unsigned int i, unsigned int count);

void take_late(struct rpc_later *promise, char *line, size_t len);

#endif
