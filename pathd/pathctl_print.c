// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl_print.h"

#include "pathctl_query.h"
#include "pathctl_table.h"
#include "pathctl_text.h"

static const char *size_text(const json_t *object, char *text, size_t len)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	const json_t *value = json_object_get(object, "size");
	double size = (double)json_integer_value(value);
	size_t unit = 0;

	if (!json_is_integer(value))
		return "-";
	for (; size >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		size /= 1024;
	snprintf(text, len, "%.*f %s", unit == 0 || size >= 100 ? 0 : 1, size, units[unit]);
	return text;
}

static void paths_text(const json_t *lun, char *text, size_t len)
{
	snprintf(text, len, "%" JSON_INTEGER_FORMAT "/%zu",
		 json_integer_value(json_object_get(lun, "usable_paths")),
		 json_array_size(json_object_get(lun, "paths")));
}

void print_list(FILE *f, const struct luns *luns, const struct print_style *style)
{
	static const char *const headings[] = {
		"NAME", "STATE", ">PATHS", ">SIZE", "POLICY", "VENDOR", "PRODUCT", "WWID", NULL
	};
	struct table *table = table_new(headings);
	char text[64];

	for (size_t i = 0; i < luns->count; i++) {
		const json_t *lun = luns->luns[i].row;

		table_add(table, text_of(lun, "name"), TABLE_PLAIN);
		table_add(table, text_of(lun, "state"), colour_of(text_of(lun, "state")));
		paths_text(lun, text, sizeof(text));
		table_add(table, text, TABLE_PLAIN);
		table_add(table, size_text(lun, text, sizeof(text)), TABLE_PLAIN);
		table_add(table, text_of(lun, "policy"), TABLE_PLAIN);
		table_add(table, or_dash(text_of(lun, "vendor")), TABLE_PLAIN);
		table_add(table, or_dash(text_of(lun, "product")), TABLE_PLAIN);
		table_add(table, text_of(lun, "wwid"), TABLE_PLAIN);
	}
	table_print(table, f, 0, style->with_headings, style->with_colours);
	table_free(table);
}

static void add_path(struct table *table, const json_t *path)
{
	const char *error = text_of(path, "last_error");
	const char *time = text_of(path, "last_error_time");
	const char *state = text_of(path, "state");
	bool is_preferred = json_is_true(json_object_get(path, "preferred"));
	char text[64], note[512];

	snprintf(text, sizeof(text), "%s%s", or_dash(text_of(path, "id")),
		 is_preferred ? "*" : "");
	table_add(table, text, TABLE_PLAIN);
	table_add(table, state, colour_of(state));
	table_add(table, text_of(path, "portal"), TABLE_PLAIN);
	table_add(table, text_of(path, "target"), TABLE_PLAIN);
	table_add(table, number_text(path, "lun", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "in_flight", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "reads", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "writes", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "retries", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "errors", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, number_text(path, "failures", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, latency_text(path, "read", "p99", text, sizeof(text)), TABLE_PLAIN);
	table_add(table, latency_text(path, "write", "p99", text, sizeof(text)), TABLE_PLAIN);
	if (error) {
		snprintf(note, sizeof(note), "last error %s: %s", or_dash(time), error);
		table_note(table, note);
	}
}

static void print_head(FILE *f, const json_t *lun, const struct print_style *style)
{
	const char *state = or_dash(text_of(lun, "state"));
	char text[64];

	fprintf(f, "%s  %s  %s %s", or_dash(text_of(lun, "name")), or_dash(text_of(lun, "wwid")),
		or_dash(text_of(lun, "vendor")), or_dash(text_of(lun, "product")));
	fprintf(f, "  serial %s  ", or_dash(text_of(lun, "serial")));
	table_print_coloured(f, state, colour_of(state), style->with_colours);
	fprintf(f, "\n  size %s", size_text(lun, text, sizeof(text)));
	fprintf(f, "  blocks of %s",
		or_dash(number_text(lun, "block_size", text, sizeof(text))));
	fprintf(f, "  policy %s (%s)", or_dash(text_of(lun, "policy")),
		or_dash(text_of(lun, "policy_source")));
	fprintf(f, "  access %s  dsm %s", or_dash(text_of(lun, "access")),
		or_dash(text_of(lun, "dsm")));
	paths_text(lun, text, sizeof(text));
	fprintf(f, "  paths %s", text);
	fprintf(f, "  failovers %s\n",
		or_dash(number_text(lun, "failovers", text, sizeof(text))));
}

void print_show(FILE *f, const json_t *lun, const struct print_style *style)
{
	static const char *const headings[] = {
		"PATH", "STATE", "PORTAL", "TARGET", ">LUN", ">IN-FLIGHT", ">READS", ">WRITES",
		">RETRIES", ">ERRORS", ">FAILURES", ">READ-P99", ">WRITE-P99", NULL
	};
	struct table *table = table_new(headings);
	const json_t *path;
	size_t i;

	print_head(f, lun, style);
	json_array_foreach(json_object_get(lun, "paths"), i, path)
		add_path(table, path);
	table_print(table, f, 2, style->with_headings, style->with_colours);
	table_free(table);
}
