// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_errors.h"
#include "layer.h"
#include "precheck.h"
#include "suggest.h"

/* libconfig 1.5 knows it by the name it has in @include, 1.7 by its path. */
char *reader_included_file(const struct reader *reader, const config_setting_t *setting)
{
	const char *file = setting ? config_setting_source_file(setting) : NULL;

	return file && reader->directory ? precheck_join(reader->directory, file) : NULL;
}

unsigned int reader_line(const config_setting_t *setting)
{
	return setting ? (unsigned int)config_setting_source_line(setting) : 0;
}

void reader_refuse(struct reader *reader, const config_setting_t *setting,
		   const char *format, ...)
{
	char *included = reader_included_file(reader, setting);
	va_list args;

	va_start(args, format);
	config_errors_addv(reader->errors, included ? included : reader->file,
			   reader_line(setting), format, args);
	va_end(args);
	free(included);
}

static const char *type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group { ... }";
	case CONFIG_TYPE_LIST:
		return "a list ( ... )";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ... ]";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
	case CONFIG_TYPE_FLOAT:
		return "a number";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	default:
		return "a string";
	}
}

/* Elements of lists have no name: theirs is the list's. */
static const char *name_of(const config_setting_t *setting)
{
	while (setting && !config_setting_name(setting))
		setting = config_setting_parent(setting);
	return setting ? config_setting_name(setting) : "the file";
}

static void refuse_type(struct reader *reader, const config_setting_t *setting,
			const char *wanted)
{
	reader_refuse(reader, setting, "%s: %s is expected here, not %s", name_of(setting), wanted,
		      type_name(setting));
}

/*
 * Options of the table
 */

/* What an option is given as: its text, a number, or a truth value. False
 * where that is none of them. */
static bool option_text(const config_setting_t *setting, char *text, size_t len)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		snprintf(text, len, "%s", config_setting_get_string(setting));
		return true;
	case CONFIG_TYPE_INT:
		snprintf(text, len, "%d", config_setting_get_int(setting));
		return true;
	case CONFIG_TYPE_INT64:
		snprintf(text, len, "%lld", config_setting_get_int64(setting));
		return true;
	case CONFIG_TYPE_FLOAT:
		snprintf(text, len, "%.15g", config_setting_get_float(setting));
		return true;
	case CONFIG_TYPE_BOOL:
		snprintf(text, len, "%s", config_setting_get_bool(setting) ? "yes" : "no");
		return true;
	default:
		return false;
	}
}

static void read_option(struct reader *reader, const config_setting_t *setting,
			const struct option *option, struct layer *layer)
{
	char text[128], error[512];

	if (!option_text(setting, text, sizeof(text)))
		refuse_type(reader, setting, "a value");
	else if (layer_has(layer, option))
		reader_refuse(reader, setting, "%s is given twice", option->name);
	else if (layer_set(layer, option, text, error, sizeof(error)) < 0)
		reader_refuse(reader, setting, "%s", error);
}

/*
 * Groups and lists
 */

static const struct reader_key *find_key(const struct reader_key *keys, const char *name)
{
	for (; keys->name; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static void refuse_name(struct reader *reader, const config_setting_t *setting,
			const struct reader_key *keys, bool with_options)
{
	const char *name = config_setting_name(setting);
	struct suggestion suggestion;
	size_t count;
	const struct option *options = options_all(&count);

	suggestion_init(&suggestion, name);
	for (; keys->name; keys++)
		suggestion_offer(&suggestion, keys->name);
	for (size_t i = 0; with_options && i < count; i++)
		suggestion_offer(&suggestion, options[i].name);
	if (suggestion.best)
		reader_refuse(reader, setting, "\"%s\" is unknown here; did you mean %s?", name,
			      suggestion.best);
	else if (!with_options && option_find(name))
		reader_refuse(reader, setting, "\"%s\" belongs into timers, defaults, hardware or "
			      "luns", name);
	else
		reader_refuse(reader, setting, "\"%s\" is unknown here; see mpio.conf(5)", name);
}

bool reader_group(struct reader *reader, const config_setting_t *group,
		  const struct reader_key *keys, struct layer *options, void *object)
{
	int length = config_setting_length(group);

	if (!config_setting_is_group(group)) {
		refuse_type(reader, group, "a group { ... }");
		return false;
	}
	for (int i = 0; i < length; i++) {
		const config_setting_t *member = config_setting_get_elem(group, (unsigned int)i);
		const char *name = config_setting_name(member);
		const struct reader_key *key = find_key(keys, name);
		/* On the command line dashes are right; here they are a slip. */
		const struct option *option = options && !strchr(name, '-') ?
			option_find(name) : NULL;

		if (key)
			key->read(reader, member, (char *)object + key->offset);
		else if (option)
			read_option(reader, member, option, options);
		else
			refuse_name(reader, member, keys, options != NULL);
	}
	return true;
}

void reader_list(struct reader *reader, const config_setting_t *list, reader_fn *read,
		 void *object)
{
	int length = config_setting_length(list);

	if (!config_setting_is_list(list) && !config_setting_is_array(list)) {
		refuse_type(reader, list, "a list ( ... )");
		return;
	}
	for (int i = 0; i < length; i++)
		read(reader, config_setting_get_elem(list, (unsigned int)i), object);
}

/*
 * Values
 */

const char *reader_text(struct reader *reader, const config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting);

	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		refuse_type(reader, setting, "a string");
		return NULL;
	}
	if (!text || !*text) {
		reader_refuse(reader, setting, "%s is empty", name_of(setting));
		return NULL;
	}
	return text;
}

void reader_string(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *text = reader_text(reader, setting);
	char **string = field;

	if (!text)
		return;
	*string = strdup(text);
	if (!*string)
		reader_refuse(reader, setting, "out of memory");
}

void reader_bool(struct reader *reader, const config_setting_t *setting, void *field)
{
	bool *value = field;

	if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
		*value = config_setting_get_bool(setting);
	else
		refuse_type(reader, setting, "true or false");
}

bool reader_number(struct reader *reader, const config_setting_t *setting, uint64_t max,
		   uint64_t *value)
{
	int type = config_setting_type(setting);
	long long number;

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
		refuse_type(reader, setting, "a whole number");
		return false;
	}
	number = type == CONFIG_TYPE_INT ? config_setting_get_int(setting) :
		config_setting_get_int64(setting);
	if (number < 0 || (uint64_t)number > max) {
		reader_refuse(reader, setting, "%s: %lld is not in the range 0 to %llu",
			      name_of(setting), number, (unsigned long long)max);
		return false;
	}
	*value = (uint64_t)number;
	return true;
}

void *reader_grow(struct reader *reader, const config_setting_t *setting, void *array,
		  size_t count, size_t size)
{
	char *larger = realloc(array, (count + 1) * size);

	if (larger)
		memset(larger + count * size, 0, size);
	else
		reader_refuse(reader, setting, "out of memory");
	return larger;
}
