// SPDX-License-Identifier: LGPL-2.1-or-later
#include "modules.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm.h"
#include "module.h"

#define MODULES_MAX 64
#define SUFFIX ".so"

struct modules {
	struct module *list[MODULES_MAX];
	const struct dsm_ops *dsms[MODULES_MAX];
	size_t count;
};

struct modules *modules_new(void)
{
	return calloc(1, sizeof(struct modules));
}

void modules_free(struct modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->count; i++)
		module_close(modules->list[i]);
	free(modules);
}

const struct dsm_ops *const *modules_dsms(const struct modules *modules, size_t *count)
{
	*count = modules->count;
	return modules->dsms;
}

/*
 * Whose file it is. Code in a process of root's must be root's, or whoever may
 * write there is root.
 */
static int check_owner(const char *place, const char *what, char *error, size_t len)
{
	struct stat st;

	if (stat(place, &st) < 0) {
		snprintf(error, len, "%s%s", what, strerror(errno));
		return -EACCES;
	}
	if (st.st_uid != 0) {
		snprintf(error, len, "%sit belongs to user %u, and we are root", what,
			 (unsigned int)st.st_uid);
		return -EACCES;
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		snprintf(error, len, "%sothers than root may write to it (mode %04o), and we are "
			 "root", what, (unsigned int)st.st_mode & 07777);
		return -EACCES;
	}
	return 0;
}

static int check_trust(const char *file, char *error, size_t len)
{
	char place[PATH_MAX];
	int err;

	if (geteuid() != 0)
		return 0;
	/* The file itself, not a link to it; and who could put another one there. */
	if (!realpath(file, place)) {
		snprintf(error, len, "%s", strerror(errno));
		return -errno;
	}
	err = check_owner(place, "", error, len);
	*strrchr(place, '/') = '\0';
	return err ? err : check_owner(*place ? place : "/", "its directory: ", error, len);
}

static const struct module *namesake(const struct modules *modules, const struct module *module)
{
	for (size_t i = 0; i < modules->count; i++)
		if (!strcmp(modules->dsms[i]->name, module_dsm(module)->name))
			return modules->list[i];
	return NULL;
}

static int add(struct modules *modules, const char *file, char *error, size_t len)
{
	const struct module *other;
	struct module *module;

	if (modules->count == MODULES_MAX) {
		snprintf(error, len, "there are %d modules already", MODULES_MAX);
		return -E2BIG;
	}
	if (check_trust(file, error, len) < 0)
		return -EACCES;
	module = module_open(file, error, len);
	if (!module)
		return -EINVAL;
	other = namesake(modules, module);
	if (other) {
		snprintf(error, len, "it is called %s like %s", module_dsm(module)->name,
			 module_file(other));
		module_close(module);
		return -EEXIST;
	}
	modules->list[modules->count] = module;
	modules->dsms[modules->count++] = module_dsm(module);
	return 0;
}

static int is_module(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && len > strlen(SUFFIX) &&
		!strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_directory(struct modules *modules, const char *directory,
			  modules_refused *refused, void *opaque, char *error, size_t len)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_module, by_bytes);

	if (count < 0) {
		int err = errno;

		snprintf(error, len, "%s: %s", directory, strerror(err));
		return -err;
	}
	for (int i = 0; i < count; i++) {
		char file[PATH_MAX], reason[512];

		/* With a slash: a bare name would be looked for among libraries. */
		if (snprintf(file, sizeof(file), "%s/%s", directory, entries[i]->d_name) >=
		    (int)sizeof(file))
			refused(opaque, entries[i]->d_name, strerror(ENAMETOOLONG));
		else if (add(modules, file, reason, sizeof(reason)) < 0)
			refused(opaque, file, reason);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int modules_load(struct modules *modules, const char *path, modules_refused *refused,
		 void *opaque, char *error, size_t len)
{
	char *copy = strdup(path), *rest = copy, *directory;
	int err = 0;

	if (!copy) {
		snprintf(error, len, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	while (!err && (directory = strsep(&rest, ":")))
		if (*directory)
			err = load_directory(modules, directory, refused, opaque, error, len);
	free(copy);
	return err;
}
