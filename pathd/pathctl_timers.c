// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl.h"

#include "options.h"
#include "pathctl_table.h"
#include "pathctl_text.h"

static void print_timers(const struct request *request, const json_t *result)
{
	static const char *const headings[] = {
		"KEY", ">VALUE", ">DEFAULT", "SOURCE", "RANGE", NULL
	};
	const json_t *timers = json_object_get(result, "timers"), *timer;
	struct table *table = table_new(headings);
	size_t i;

	json_array_foreach(timers, i, timer) {
		table_add(table, text_of(timer, "key"), TABLE_PLAIN);
		table_add(table, text_of(timer, "value"), TABLE_PLAIN);
		table_add(table, text_of(timer, "default"), TABLE_PLAIN);
		table_add(table, text_of(timer, "source"), TABLE_PLAIN);
		table_add(table, text_of(timer, "range"), TABLE_PLAIN);
	}
	table_print(table, stdout, 0, request->style.with_headings,
		    request->style.with_colours);
	table_free(table);
}

int run_timers(const struct request *request)
{
	const char *const *arguments = request->arguments;
	/* Without a LUN the key comes first. */
	bool has_lun = arguments[0] && !option_find(arguments[0]);
	const char *lun = has_lun ? arguments[0] : NULL;
	const char *key = arguments[has_lun], *value = key ? arguments[has_lun + 1] : NULL;
	json_t *params = json_object();

	if (!has_lun && request->count == REQUEST_ARGUMENTS) {
		json_decref(params);
		return usage_error("too many arguments for", "timers");
	}
	if (key)
		json_object_set_new(params, "key", json_string(key));
	if (value)
		json_object_set_new(params, "value", json_string(value));
	return request_finish(request, request_call(request, lun, "timers", params),
			      value ? print_changes : print_timers);
}
