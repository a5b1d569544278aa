// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl_table.h"

#include <stdlib.h>
#include <string.h>

struct cell {
	char *text;
	enum table_colour colour;
};

struct row {
	struct cell *cells;             /* ncolumns of them; text NULL: not given */
	char *note;
};

struct table {
	const char *const *headings;
	size_t ncolumns;
	struct row *rows;
	size_t nrows;
	size_t ncells;                  /* of the last row */
};

static void *checked(void *memory)
{
	if (!memory) {
		fputs("pathctl: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

/* A copy of TEXT without control characters: names come from far away. */
static char *clean(const char *text)
{
	char *copy = checked(strdup(text ? text : "-"));

	for (unsigned char *c = (unsigned char *)copy; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = '?';
	return copy;
}

/* Bytes of TEXT that start a character in UTF-8: its width, for our purposes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

struct table *table_new(const char *const *headings)
{
	struct table *table = checked(calloc(1, sizeof(*table)));

	table->headings = headings;
	while (headings[table->ncolumns])
		table->ncolumns++;
	table->ncells = table->ncolumns;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->nrows; i++) {
		for (size_t j = 0; j < table->ncolumns; j++)
			free(table->rows[i].cells[j].text);
		free(table->rows[i].cells);
		free(table->rows[i].note);
	}
	free(table->rows);
	free(table);
}

static void add_row(struct table *table)
{
	struct row *row;

	table->rows = checked(realloc(table->rows, (table->nrows + 1) * sizeof(*table->rows)));
	row = &table->rows[table->nrows++];
	row->cells = checked(calloc(table->ncolumns, sizeof(*row->cells)));
	row->note = NULL;
	table->ncells = 0;
}

void table_add(struct table *table, const char *text, enum table_colour colour)
{
	struct cell *cell;

	if (table->ncells == table->ncolumns)
		add_row(table);
	cell = &table->rows[table->nrows - 1].cells[table->ncells++];
	cell->text = clean(text);
	cell->colour = colour;
}

void table_note(struct table *table, const char *text)
{
	if (text && table->nrows > 0)
		table->rows[table->nrows - 1].note = clean(text);
}

void table_print_coloured(FILE *f, const char *text, enum table_colour colour,
			  bool with_colours)
{
	static const char *const codes[] = { "", "\033[32m", "\033[33m", "\033[31m" };

	if (with_colours && colour != TABLE_PLAIN)
		fprintf(f, "%s%s\033[0m", codes[colour], text);
	else
		fputs(text, f);
}

static bool is_right(const char *heading)
{
	return *heading == '>';
}

static const char *heading_text(const char *heading)
{
	return heading + is_right(heading);
}

static void print_cell(FILE *f, const char *text, enum table_colour colour, size_t width,
		       bool right, bool last, bool with_colours)
{
	int blanks = (int)(width - width_of(text));

	if (right)
		fprintf(f, "%*s", blanks, "");
	table_print_coloured(f, text, colour, with_colours);
	if (!right && !last)
		fprintf(f, "%*s", blanks, "");
	fputs(last ? "\n" : "  ", f);
}

void table_print(const struct table *table, FILE *f, int indent, bool with_headings,
		 bool with_colours)
{
	size_t n = table->ncolumns;
	size_t *widths = checked(calloc(n, sizeof(*widths)));

	for (size_t j = 0; j < n; j++) {
		if (with_headings)
			widths[j] = width_of(heading_text(table->headings[j]));
		for (size_t i = 0; i < table->nrows; i++) {
			const char *text = table->rows[i].cells[j].text;

			if (text && width_of(text) > widths[j])
				widths[j] = width_of(text);
		}
	}

	for (size_t j = 0; with_headings && j < n; j++) {
		if (j == 0)
			fprintf(f, "%*s", indent, "");
		print_cell(f, heading_text(table->headings[j]), TABLE_PLAIN, widths[j],
			   is_right(table->headings[j]), j == n - 1, false);
	}
	for (size_t i = 0; i < table->nrows; i++) {
		const struct row *row = &table->rows[i];

		fprintf(f, "%*s", indent, "");
		for (size_t j = 0; j < n; j++)
			print_cell(f, row->cells[j].text ? row->cells[j].text : "",
				   row->cells[j].colour, widths[j], is_right(table->headings[j]),
				   j == n - 1, with_colours);
		if (row->note)
			fprintf(f, "%*s%s\n", indent + 4, "", row->note);
	}
	free(widths);
}
