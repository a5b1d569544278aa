// SPDX-License-Identifier: LGPL-2.1-or-later
#include "config_read.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hardware.h"
#include "luns.h"

/*
 * What hardware, luns and claims have in common
 */

static void read_pattern(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *text = reader_text(reader, setting);
	const char *error = text ? hardware_pattern_error(text) : NULL;

	if (error)
		reader_refuse(reader, setting, "pattern \"%.64s\" %s", text, error);
	else if (text)
		reader_string(reader, setting, field);
}

static void read_wwid(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *text = reader_text(reader, setting);

	if (text && identity_from_text(field, text) < 0)
		reader_refuse(reader, setting, "\"%.64s\" is no WWID: naa.HEX, eui.HEX, name.TEXT, "
			      "t10.TEXT or serial.TEXT, as pathctl list shows it", text);
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b && !strcasecmp(a, b);
}

/*
 * Hardware
 */

static const struct reader_key hardware_keys[] = {
	{ "vendor", read_pattern, offsetof(struct config_hardware, vendor) },
	{ "product", read_pattern, offsetof(struct config_hardware, product) },
	{ "dsm", reader_string, offsetof(struct config_hardware, dsm) },
	{ NULL, NULL, 0 }
};

static void read_one_hardware(struct reader *reader, const config_setting_t *setting,
			      void *object)
{
	struct config *config = object;
	struct config_hardware *rows =
		reader_grow(reader, setting, config->hardware, config->nhardware, sizeof(*rows));
	struct config_hardware *row;

	if (!rows)
		return;
	config->hardware = rows;
	row = &rows[config->nhardware++];
	row->line = reader_line(setting);
	layer_init(&row->options);
	if (!reader_group(reader, setting, hardware_keys, &row->options, row))
		return;
	if (!config_setting_get_member(setting, "vendor") ||
	    !config_setting_get_member(setting, "product"))
		reader_refuse(reader, setting, "vendor and product are needed here; \"*\" is any");
	for (const struct config_hardware *other = rows; other < row; other++)
		if (is_same_text(row->vendor, other->vendor) &&
		    is_same_text(row->product, other->product))
			reader_refuse(reader, setting, "vendor %s, product %s is there already, in "
				      "line %u", row->vendor, row->product, other->line);
}

void read_hardware(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_list(reader, setting, read_one_hardware, field);
}

/*
 * A LUN's paths
 */

/* A path as it is written: a URL, or its parts. */
struct written_path {
	char *url;
	struct portal portal;
	char *target;
	uint64_t lun;
	struct path_settings settings;
};

static void read_path_portal(struct reader *reader, const config_setting_t *setting, void *field)
{
	if (!read_portal_text(reader, setting, field))
		((struct portal *)field)->port = 0;
}

static void read_lun_number(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_number(reader, setting, LUN_NUMBER_MAX, field);
}

static void read_weight(struct reader *reader, const config_setting_t *setting, void *field)
{
	uint64_t weight;

	if (reader_number(reader, setting, UINT32_MAX, &weight))
		*(uint32_t *)field = (uint32_t)weight;
}

static const struct reader_key path_keys[] = {
	{ "url", reader_string, offsetof(struct written_path, url) },
	{ "portal", read_path_portal, offsetof(struct written_path, portal) },
	{ "target", read_iscsi_name, offsetof(struct written_path, target) },
	{ "lun", read_lun_number, offsetof(struct written_path, lun) },
	{ "weight", read_weight, offsetof(struct written_path, settings.weight) },
	{ "standby", reader_bool, offsetof(struct written_path, settings.is_standby) },
	{ "preferred", reader_bool, offsetof(struct written_path, settings.is_preferred) },
	{ NULL, NULL, 0 }
};

static bool take_url(struct reader *reader, const config_setting_t *setting, const char *text,
		     struct config_path *path)
{
	char error[512];

	if (iscsi_url_parse(text, &path->url, error, sizeof(error)) < 0) {
		reader_refuse(reader, setting, "%s", error);
		return false;
	}
	if (path->url.has_password && setting_is_exposed(reader, setting))
		reader_refuse(reader, setting, "there is a password in this URL, and everybody "
			      "can read the file: use password_file");
	if (*path->url.user && !path->url.has_password)
		reader_refuse(reader, setting, "the URL names a user but no password");
	path->is_listed = true;
	return true;
}

/* What stands in the group beside the URL adds to what stands in it. */
static void add_settings(struct path_settings *to, const struct path_settings *more)
{
	if (more->weight)
		to->weight = more->weight;
	to->is_standby |= more->is_standby;
	to->is_preferred |= more->is_preferred;
}

static bool take_parts(struct reader *reader, const config_setting_t *setting,
		       const struct written_path *written, struct config_path *path)
{
	bool has_lun = config_setting_get_member(setting, "lun") != NULL;

	if (!config_setting_get_member(setting, "portal")) {
		reader_refuse(reader, setting, "a path needs its url, or its portal");
		return false;
	}
	if (has_lun && !config_setting_get_member(setting, "target")) {
		reader_refuse(reader, setting, "lun needs its target as well");
		return false;
	}
	if (!written->portal.port || (has_lun && !written->target))
		return false;           /* refused already */
	path->url.portal = written->portal;
	if (written->target)
		snprintf(path->url.target, sizeof(path->url.target), "%s", written->target);
	path->url.lun = (uint16_t)written->lun;
	path->is_listed = has_lun;
	return true;
}

static bool read_written(struct reader *reader, const config_setting_t *setting,
			 struct config_path *path)
{
	struct written_path written = { 0 };
	bool is_read = false;
	const char *text;

	if (!config_setting_is_group(setting)) {
		text = reader_text(reader, setting);
		return text && take_url(reader, setting, text, path);
	}
	reader_group(reader, setting, path_keys, NULL, &written);
	if (!config_setting_get_member(setting, "url"))
		is_read = take_parts(reader, setting, &written, path);
	else if (config_setting_get_member(setting, "portal") ||
		 config_setting_get_member(setting, "target") ||
		 config_setting_get_member(setting, "lun"))
		reader_refuse(reader, setting, "url holds portal, target and lun: they cannot be "
			      "given beside it");
	else
		is_read = written.url && take_url(reader, setting, written.url, path);
	add_settings(&path->url.path, &written.settings);
	if (written.url)
		explicit_bzero(written.url, strlen(written.url));
	free(written.url);
	free(written.target);
	return is_read;
}

static bool is_same_path(const struct config_path *a, const struct config_path *b)
{
	return !strcasecmp(a->url.portal.host, b->url.portal.host) &&
	       a->url.portal.port == b->url.portal.port &&
	       !strcasecmp(a->url.target, b->url.target) && a->url.lun == b->url.lun;
}

static void read_path(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config_lun *lun = object;
	struct config_path *paths =
		reader_grow(reader, setting, lun->paths, lun->npaths, sizeof(*paths));
	struct config_path *path;

	if (!paths)
		return;
	lun->paths = paths;
	path = &paths[lun->npaths];
	if (!read_written(reader, setting, path))
		return;
	lun->npaths++;
	if (lun->npaths == MPIO_MAX_PATHS + 1)
		reader_refuse(reader, setting, "more than %d paths", MPIO_MAX_PATHS);
	for (const struct config_path *other = paths; other < path; other++)
		if (is_same_path(other, path))
			reader_refuse(reader, setting, "this path is there already");
	if (path->is_listed != paths->is_listed)
		reader_refuse(reader, setting, "either all paths of a LUN have target and lun, or "
			      "none has a lun and they are found by the WWID");
}

static void read_paths(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_list(reader, setting, read_path, field);
}

static void check_paths(struct reader *reader, const config_setting_t *setting,
			const struct config_lun *lun)
{
	size_t preferred = 0, active = 0;

	for (size_t i = 0; i < lun->npaths; i++) {
		preferred += lun->paths[i].url.path.is_preferred;
		active += !lun->paths[i].url.path.is_standby;
	}
	if (preferred > 1)
		reader_refuse(reader, setting, "%zu paths are preferred: one can be", preferred);
	if (lun->npaths && lun->paths->is_listed && !active)
		reader_refuse(reader, setting, "all paths are standby: one at least must not be");
}

/*
 * LUNs
 */

/* Fit for a file name, and neither a LUN's number nor a WWID. */
static bool alias_is_valid(const char *alias)
{
	struct identity wwid;
	const char *rest = alias;

	if (strlen(alias) > CONFIG_ALIAS_MAX || !isalnum((unsigned char)*alias))
		return false;
	while (isalnum((unsigned char)*rest) || (*rest && strchr("._-", *rest)))
		rest++;
	return !*rest && alias[strspn(alias, "0123456789")] &&
	       identity_from_text(&wwid, alias) < 0;
}

static void read_alias(struct reader *reader, const config_setting_t *setting, void *field)
{
	const char *alias = reader_text(reader, setting);

	if (alias && !alias_is_valid(alias))
		reader_refuse(reader, setting, "alias \"%.64s\": letters, digits, \".\", \"_\" and "
			      "\"-\", a letter or digit first, at most %d, and neither a number nor "
			      "a WWID", alias, CONFIG_ALIAS_MAX);
	else if (alias)
		reader_string(reader, setting, field);
}

static const struct reader_key lun_keys[] = {
	{ "alias", read_alias, offsetof(struct config_lun, alias) },
	{ "wwid", read_wwid, offsetof(struct config_lun, wwid) },
	{ "paths", read_paths, 0 },
	{ NULL, NULL, 0 }
};

static void check_lun(struct reader *reader, const config_setting_t *setting,
		      const struct config_lun *luns, const struct config_lun *lun)
{
	bool has_paths = lun->npaths && lun->paths->is_listed;

	if (!config_setting_get_member(setting, "alias") &&
	    !config_setting_get_member(setting, "wwid"))
		reader_refuse(reader, setting, "a LUN needs its alias or its wwid");
	else if (!config_setting_get_member(setting, "wwid") && !has_paths &&
		 !config_setting_get_member(setting, "paths"))
		reader_refuse(reader, setting, "a LUN needs its wwid, or its paths");
	else if (!config_setting_get_member(setting, "wwid") && lun->npaths && !has_paths)
		reader_refuse(reader, setting, "without its wwid a LUN needs paths with target and "
			      "lun");
	check_paths(reader, setting, lun);
	for (const struct config_lun *other = luns; other < lun; other++) {
		/* An alias is a file's name, which some tools take in either case. */
		if (is_same_text(lun->alias, other->alias))
			reader_refuse(reader, setting, "alias %s is there already, in line %u",
				      lun->alias, other->line);
		if (identity_equal(&lun->wwid, &other->wwid))
			reader_refuse(reader, setting, "%.80s is there already, in line %u",
				      lun->wwid.text, other->line);
	}
}

static void read_lun(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config *config = object;
	struct config_lun *luns =
		reader_grow(reader, setting, config->luns, config->nluns, sizeof(*luns));
	struct config_lun *lun;

	if (!luns)
		return;
	config->luns = luns;
	lun = &luns[config->nluns++];
	lun->line = reader_line(setting);
	layer_init(&lun->options);
	if (reader_group(reader, setting, lun_keys, &lun->options, lun))
		check_lun(reader, setting, luns, lun);
}

void read_luns(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_list(reader, setting, read_lun, field);
}

/*
 * Claims
 */

static const struct reader_key claim_keys[] = {
	{ "vendor", read_pattern, offsetof(struct config_claim, vendor) },
	{ "product", read_pattern, offsetof(struct config_claim, product) },
	{ "wwid", read_wwid, offsetof(struct config_claim, wwid) },
	{ NULL, NULL, 0 }
};

static void read_claim(struct reader *reader, const config_setting_t *setting,
		       struct config_claim **list, size_t *count)
{
	struct config_claim *claims =
		reader_grow(reader, setting, *list, *count, sizeof(*claims));

	if (!claims)
		return;
	*list = claims;
	if (reader_group(reader, setting, claim_keys, NULL, &claims[(*count)++]) &&
	    config_setting_length(setting) == 0)
		reader_refuse(reader, setting, "vendor, product or wwid is needed here");
}

static void read_included(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config *config = object;

	read_claim(reader, setting, &config->claims.include, &config->claims.ninclude);
}

static void read_excluded(struct reader *reader, const config_setting_t *setting, void *object)
{
	struct config *config = object;

	read_claim(reader, setting, &config->claims.exclude, &config->claims.nexclude);
}

static void read_include(struct reader *reader, const config_setting_t *setting, void *object)
{
	reader_list(reader, setting, read_included, object);
}

static void read_exclude(struct reader *reader, const config_setting_t *setting, void *object)
{
	reader_list(reader, setting, read_excluded, object);
}

static const struct reader_key claims_keys[] = {
	{ "auto_claim", reader_bool, offsetof(struct config, claims.is_automatic) },
	{ "include", read_include, 0 },
	{ "exclude", read_exclude, 0 },
	{ NULL, NULL, 0 }
};

void read_claims(struct reader *reader, const config_setting_t *setting, void *field)
{
	reader_group(reader, setting, claims_keys, NULL, field);
}
