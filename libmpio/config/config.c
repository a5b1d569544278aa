// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "config_read.h"
#include "precheck.h"
#include "reader.h"
#include "textfile.h"

/*
 * The top of the file
 */

static bool is_absolute(struct reader *reader, const config_setting_t *setting)
{
	const char *path = config_setting_get_string(setting);

	if (path && *path == '/')
		return true;
	reader_refuse(reader, setting, "\"%.64s\" is not an absolute path", path ? path : "");
	return false;
}

static void read_directory(struct reader *reader, const config_setting_t *setting, void *field)
{
	if (reader_text(reader, setting) && is_absolute(reader, setting))
		reader_string(reader, setting, field);
}

/* Adds a directory to a list that colons separate, as in $PATH. */
static void read_one_directory(struct reader *reader, const config_setting_t *setting,
			       void *field)
{
	const char *path = reader_text(reader, setting);
	char **list = field, *longer;

	if (!path || !is_absolute(reader, setting))
		return;
	if (strchr(path, ':')) {
		reader_refuse(reader, setting, "a directory's name with a colon will not do here");
		return;
	}
	if (asprintf(&longer, "%s%s%s", *list ? *list : "", *list ? ":" : "", path) < 0) {
		reader_refuse(reader, setting, "out of memory");
		return;
	}
	free(*list);
	*list = longer;
}

static void read_directories(struct reader *reader, const config_setting_t *setting, void *field)
{
	if (config_setting_is_aggregate(setting))
		reader_list(reader, setting, read_one_directory, field);
	else
		read_one_directory(reader, setting, field);
}

static void read_options(struct reader *reader, const config_setting_t *setting, void *field)
{
	static const struct reader_key none[] = { { NULL, NULL, 0 } };

	reader_group(reader, setting, none, field, NULL);
}

static void read_listen(struct reader *reader, const config_setting_t *setting, void *field)
{
	struct portal portal;

	if (!read_portal_text(reader, setting, &portal))
		return;
	/* iSCSI's own port is no default here. */
	if (!strrchr(config_setting_get_string(setting), ':'))
		reader_refuse(reader, setting, "listen takes HOST:PORT");
	else
		reader_string(reader, setting, field);
}

static void read_metrics(struct reader *reader, const config_setting_t *setting, void *field)
{
	static const struct reader_key keys[] = {
		{ "listen", read_listen, offsetof(struct config, metrics.listen) },
		{ NULL, NULL, 0 }
	};

	reader_group(reader, setting, keys, NULL, field);
}

static const struct reader_key keys[] = {
	{ "initiator", read_iscsi_name, offsetof(struct config, initiator) },
	{ "runtime_dir", read_directory, offsetof(struct config, runtime_dir) },
	{ "dsm_path", read_directories, offsetof(struct config, dsm_path) },
	{ "portals", read_portals, 0 },
	{ "targets", read_targets, 0 },
	{ "timers", read_options, offsetof(struct config, defaults) },
	{ "defaults", read_options, offsetof(struct config, defaults) },
	{ "hardware", read_hardware, 0 },
	{ "luns", read_luns, 0 },
	{ "claims", read_claims, 0 },
	{ "metrics", read_metrics, 0 },
	{ NULL, NULL, 0 }
};

/*
 * Reading
 */

static void refuse_syntax(struct reader *reader, const config_t *tree)
{
	const char *name = config_error_file(tree);
	char *file = name && reader->directory ? precheck_join(reader->directory, name) : NULL;

	config_errors_add(reader->errors, file ? file : reader->file,
			  (unsigned int)config_error_line(tree), "%s", config_error_text(tree));
	free(file);
}

/* The tree that libconfig made of TEXT becomes CONFIG. */
static void read_tree(struct reader *reader, const char *text, struct config *config)
{
	config_t tree;

	config_init(&tree);
	if (reader->directory)
		config_set_include_dir(&tree, reader->directory);
	if (config_read_string(&tree, text) == CONFIG_TRUE)
		reader_group(reader, config_root_setting(&tree), keys, NULL, config);
	else
		refuse_syntax(reader, &tree);
	config_destroy(&tree);
}

static int read_config(struct reader *reader, const char *text, size_t len,
		       struct config **result)
{
	struct config *config = calloc(1, sizeof(*config));

	*result = NULL;
	if (!config)
		return -ENOMEM;
	config->file = strdup(reader->file);
	layer_init(&config->defaults);
	/* libconfig gets to see only what it can be trusted with. */
	precheck_text(reader->file, reader->directory, text, len, reader->errors);
	if (reader->errors->count == 0)
		read_tree(reader, text, config);
	if (!config->file || reader->errors->is_short_of_memory || reader->errors->count) {
		config_free(config);
		return reader->errors->count ? -EINVAL : -ENOMEM;
	}
	*result = config;
	return 0;
}

int config_parse(const char *text, size_t len, struct config **config,
		 struct config_errors *errors)
{
	struct reader reader = { .file = "-", .errors = errors };

	return read_config(&reader, text, len, config);
}

int config_load(const char *file, struct config **config, struct config_errors *errors)
{
	struct reader reader = { .file = file, .errors = errors };
	char *text, *directory, *copy = strdup(file);
	mode_t mode;
	size_t len;
	int result;

	*config = NULL;
	if (!copy)
		return -ENOMEM;
	directory = realpath(dirname(copy), NULL);
	free(copy);
	result = directory ? textfile_read(file, PRECHECK_FILE_MAX, &text, &len, &mode) : -errno;
	if (result < 0) {
		config_errors_add(errors, file, 0, "%s",
				  result == -ENOTSUP ? "not a file" : strerror(-result));
		free(directory);
		return errors->count ? -EINVAL : -ENOMEM;
	}
	reader.directory = directory;
	reader.is_exposed = mode & (S_IROTH | S_IWOTH);
	result = read_config(&reader, text, len, config);
	explicit_bzero(text, len);
	free(text);
	free(directory);
	return result;
}

/*
 * Freeing
 */

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static void free_chap(struct config_chap *chap)
{
	free(chap->user);
	wipe(chap->password);
	free(chap->target_user);
	wipe(chap->target_password);
}

static void free_claims(struct config_claim *claims, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(claims[i].vendor);
		free(claims[i].product);
	}
	free(claims);
}

static void free_luns(struct config *config)
{
	for (size_t i = 0; i < config->nluns; i++) {
		struct config_lun *lun = &config->luns[i];

		if (lun->paths)
			explicit_bzero(lun->paths, lun->npaths * sizeof(*lun->paths));
		free(lun->paths);
		free(lun->alias);
	}
	free(config->luns);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->nportals; i++)
		free_chap(&config->portals[i].chap);
	for (size_t i = 0; i < config->ntargets; i++) {
		free_chap(&config->targets[i].chap);
		free(config->targets[i].name);
		free(config->targets[i].portals);
	}
	for (size_t i = 0; i < config->nhardware; i++) {
		free(config->hardware[i].vendor);
		free(config->hardware[i].product);
		free(config->hardware[i].dsm);
	}
	free_luns(config);
	free_claims(config->claims.include, config->claims.ninclude);
	free_claims(config->claims.exclude, config->claims.nexclude);
	free(config->portals);
	free(config->targets);
	free(config->hardware);
	free(config->metrics.listen);
	free(config->initiator);
	free(config->runtime_dir);
	free(config->dsm_path);
	free(config->file);
	free(config);
}

/*
 * Finding
 */

const struct config_lun *config_find_wwid(const struct config *config,
					  const struct identity *wwid)
{
	for (size_t i = 0; i < config->nluns; i++)
		if (identity_equal(&config->luns[i].wwid, wwid))
			return &config->luns[i];
	return NULL;
}

const struct config_lun *config_find_lun(const struct config *config, const char *name)
{
	struct identity wwid;

	for (size_t i = 0; i < config->nluns; i++)
		if (config->luns[i].alias && !strcmp(config->luns[i].alias, name))
			return &config->luns[i];
	return identity_from_text(&wwid, name) < 0 ? NULL : config_find_wwid(config, &wwid);
}

const struct config_target *config_find_target(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->ntargets; i++)
		if (!strcasecmp(config->targets[i].name, name))
			return &config->targets[i];
	return NULL;
}
