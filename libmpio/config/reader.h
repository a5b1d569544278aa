// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_READER_H
#define MPIO_READER_H

/*
 * Takes values out of libconfig's tree, with their types checked, and says of
 * what is not right in which line it stands. Goes on after an error, so that
 * all of them are told. Private to libmpio/config.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libconfig.h>

struct config_errors;
struct layer;

struct reader {
	const char *file;               /* of settings that were not included */
	const char *directory;          /* absolute: other files' names are relative to it;
					 * NULL: none may be read */
	bool is_exposed;                /* FILE can be read by everyone */
	struct config_errors *errors;
};

/* Reads SETTING into FIELD. */
typedef void reader_fn(struct reader *reader, const config_setting_t *setting, void *field);

/* A key of a group: its value goes to OBJECT + offset. Ends with a NULL name. */
struct reader_key {
	const char *name;
	reader_fn *read;
	size_t offset;
};

/* SETTING is wrong. */
__attribute__((format(printf, 3, 4)))
void reader_refuse(struct reader *reader, const config_setting_t *setting,
		   const char *format, ...);

/* Where SETTING stands: the included file, to be freed; NULL where it is the
 * main one, or memory is short. And the line. */
char *reader_included_file(const struct reader *reader, const config_setting_t *setting);
unsigned int reader_line(const config_setting_t *setting);

/* Every member of GROUP goes to its key's function, or into OPTIONS if it is
 * one of the table (NULL: none of them may stand here). What is neither is
 * refused. False where GROUP is none. */
bool reader_group(struct reader *reader, const config_setting_t *group,
		  const struct reader_key *keys, struct layer *options, void *object);

/* READ for each element of a list or an array. */
void reader_list(struct reader *reader, const config_setting_t *list, reader_fn *read,
		 void *object);

/* The string, borrowed; NULL where SETTING is none, or empty: refused. */
const char *reader_text(struct reader *reader, const config_setting_t *setting);

/* reader_fn's, for a char * (to be freed, NULL before) and for a bool. */
void reader_string(struct reader *reader, const config_setting_t *setting, void *field);
void reader_bool(struct reader *reader, const config_setting_t *setting, void *field);

/* An integer from 0 to MAX. */
bool reader_number(struct reader *reader, const config_setting_t *setting, uint64_t max,
		   uint64_t *value);

/* ARRAY of COUNT elements of SIZE bytes, with room for one more, zeroed; NULL,
 * and refused, on lack of memory: then ARRAY is as it was. */
void *reader_grow(struct reader *reader, const config_setting_t *setting, void *array,
		  size_t count, size_t size);

#endif
