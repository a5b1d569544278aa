// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pathctl_query.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static bool is_named(const json_t *row, const char *name)
{
	const char *own = json_string_value(json_object_get(row, "name"));
	const char *wwid = json_string_value(json_object_get(row, "wwid"));

	return (own && !strcmp(own, name)) || (wwid && !strcmp(wwid, name));
}

static void keep(struct luns *luns, const char *socket_path, json_t *row)
{
	struct lun *larger = realloc(luns->luns, (luns->count + 1) * sizeof(*larger));
	char *path = strdup(socket_path);

	if (!larger || !path) {
		fputs("pathctl: out of memory\n", stderr);
		exit(1);
	}
	luns->luns = larger;
	larger[luns->count].socket_path = path;
	larger[luns->count].row = json_incref(row);
	luns->count++;
}

static void ask(const struct query *query, const char *socket_path, const char *name,
		struct luns *luns)
{
	char error[1024];
	json_t *row, *rows = ctl_call(socket_path, "list", NULL, query->timeout_ms, error,
				      sizeof(error));
	size_t i;

	if (!rows) {
		fprintf(stderr, "pathctl: %s\n", error);
		luns->failed = true;
		return;
	}
	json_array_foreach(rows, i, row)
		if (!name || is_named(row, name))
			keep(luns, socket_path, row);
	json_decref(rows);
}

static int directory_failed(const char *path, int error)
{
	fprintf(stderr, "pathctl: %s: %s\n", path, strerror(error));
	return 1;
}

/* PATH with what glob() would interpret quoted; to be freed. */
static char *quote(const char *path)
{
	char *quoted = malloc(2 * strlen(path) + 1), *to = quoted;

	for (; quoted && *path; path++) {
		if (strchr("*?[]\\", *path))
			*to++ = '\\';
		*to++ = *path;
	}
	if (quoted)
		*to = '\0';
	return quoted;
}

static void ask_all(const struct query *query, const char *name, struct luns *luns)
{
	char *pattern = NULL, *quoted = quote(query->runtime_dir);
	glob_t found = { 0 };
	int result = GLOB_NOSPACE;

	if (quoted && asprintf(&pattern, "%s/exports/*.sock", quoted) >= 0)
		result = glob(pattern, GLOB_ERR, directory_failed, &found);
	if (result == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			ask(query, found.gl_pathv[i], name, luns);
	else if (result != GLOB_NOMATCH)
		luns->failed = true;
	globfree(&found);
	free(pattern);
	free(quoted);
}

void query_luns(const struct query *query, const char *name, struct luns *luns)
{
	memset(luns, 0, sizeof(*luns));
	if (query->socket_path)
		ask(query, query->socket_path, name, luns);
	else
		ask_all(query, name, luns);
}

void luns_done(struct luns *luns)
{
	for (size_t i = 0; i < luns->count; i++) {
		free(luns->luns[i].socket_path);
		json_decref(luns->luns[i].row);
	}
	free(luns->luns);
}

void query_say_where(const struct query *query)
{
	if (query->socket_path)
		fprintf(stderr, "pathctl: %s serves no LUN\n", query->socket_path);
	else
		fprintf(stderr, "pathctl: no exports in %s/exports: start one (see "
			"nbdkit-mpio-plugin(1)), or look elsewhere with --runtime-dir or "
			"--socket\n", query->runtime_dir);
}

void query_say_unknown(const char *name)
{
	fprintf(stderr, "pathctl: no LUN is called \"%s\"; pathctl list shows which there are\n",
		name);
}

bool query_one(const struct query *query, const char *name, struct luns *luns)
{
	query_luns(query, name, luns);
	if (luns->count == 1)
		return true;
	if (luns->count == 0 && name)
		query_say_unknown(name);
	else if (luns->count == 0)
		query_say_where(query);
	else
		fprintf(stderr, "pathctl: which one? Say so by name, or with --socket:\n");
	for (size_t i = 0; i < luns->count; i++)
		fprintf(stderr, "  %s  %s\n",
			json_string_value(json_object_get(luns->luns[i].row, "name")),
			luns->luns[i].socket_path);
	return false;
}

json_t *query_call(const struct query *query, const struct lun *lun, const char *method,
		   json_t *params)
{
	char error[1024];
	json_t *result;

	if (!params)
		params = json_object();
	json_object_set(params, "lun", json_object_get(lun->row, "name"));
	result = ctl_call(lun->socket_path, method, params, query->timeout_ms, error,
			  sizeof(error));
	if (!result)
		fprintf(stderr, "pathctl: %s\n", error);
	return result;
}
