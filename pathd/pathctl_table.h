// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATHCTL_TABLE_H
#define MPIO_PATHCTL_TABLE_H

/*
 * Aligned columns for people. Cells are copied; what would disturb a terminal
 * is replaced. Lack of memory ends the program.
 */

#include <stdbool.h>
#include <stdio.h>

struct table;

enum table_colour { TABLE_PLAIN, TABLE_GREEN, TABLE_YELLOW, TABLE_RED };

/* Columns whose heading begins with '>' are aligned to the right. HEADINGS end
 * with NULL and are borrowed. */
struct table *table_new(const char *const *headings);
void table_free(struct table *table);

/* The next cell of the current row; TEXT may be NULL, which shows as "-". */
void table_add(struct table *table, const char *text, enum table_colour colour);

/* A line under the current row, which is not aligned. NULL adds nothing. */
void table_note(struct table *table, const char *text);

/* Every line is indented by INDENT blanks. */
void table_print(const struct table *table, FILE *f, int indent, bool with_headings,
		 bool with_colours);

/* TEXT in COLOUR, for what stands outside of a table. */
void table_print_coloured(FILE *f, const char *text, enum table_colour colour,
			  bool with_colours);

#endif
