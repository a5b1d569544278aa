// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MPIO_PATHCTL_PRINT_H
#define MPIO_PATHCTL_PRINT_H

/*
 * LUNs for people, from the JSON of `list` and `show`. A field that is not
 * there shows as "-".
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

struct luns;

struct print_style {
	bool with_headings;
	bool with_colours;
};

void print_list(FILE *f, const struct luns *luns, const struct print_style *style);
void print_show(FILE *f, const json_t *lun, const struct print_style *style);

#endif
