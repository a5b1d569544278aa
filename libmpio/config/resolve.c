// SPDX-License-Identifier: LGPL-2.1-or-later
#include "resolve.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "device_settings.h"
#include "unit.h"

const char *option_source_name(enum option_source source)
{
	static const char *const names[] = {
		[SOURCE_DEFAULT] = "default",
		[SOURCE_GLOBAL] = "global",
		[SOURCE_HARDWARE] = "hardware",
		[SOURCE_LUN] = "lun",
	};

	return names[source];
}

static bool take(const struct layer *layer, const struct option *option,
		 struct settings *settings)
{
	if (!layer || !layer_has(layer, option))
		return false;
	option_copy(settings, &layer->settings, option);
	return true;
}

static bool take_luns(const struct resolver *resolver, const struct unit *unit,
		      const struct option *option, struct settings *settings)
{
	const struct config_lun *lun = resolver->lun;

	if (!lun && resolver->config && unit)
		lun = config_find_wwid(resolver->config, &unit->identity);
	return take(resolver->command_line, option, settings) ||
	       (lun && take(&lun->options, option, settings));
}

/* The built-in rows keep theirs as text: "no_path_timeout=60s failback=15s". */
static bool take_built_in(const struct hardware *row, const struct option *option,
			  struct settings *settings)
{
	size_t len = strlen(option->name);
	const char *word = row->options;
	char value[64], error[512];

	for (; *word; word += strspn(word, " ")) {
		size_t end = strcspn(word, " ");

		if (end > len + 1 && end - len - 1 < sizeof(value) && word[len] == '=' &&
		    !strncmp(word, option->name, len)) {
			snprintf(value, sizeof(value), "%.*s", (int)(end - len - 1),
				 word + len + 1);
			return option_set(settings, option, value, error, sizeof(error)) == 0;
		}
		word += end;
	}
	return false;
}

static bool row_matches(const struct config_hardware *row, const struct unit *unit)
{
	return hardware_matches(row->vendor, unit->inquiry.vendor) &&
	       hardware_matches(row->product, unit->inquiry.product);
}

static bool take_hardwares(const struct resolver *resolver, const struct unit *unit,
			   const struct option *option, struct settings *settings)
{
	const struct config *config = resolver->config;
	const struct hardware *built_in;

	for (size_t i = 0; config && i < config->nhardware; i++) {
		const struct config_hardware *row = &config->hardware[i];

		if (row_matches(row, unit) && take(&row->options, option, settings))
			return true;
	}
	built_in = hardware_find(unit->inquiry.vendor, unit->inquiry.product);
	return built_in && take_built_in(built_in, option, settings);
}

enum option_source resolve_option(const struct resolver *resolver, const struct unit *unit,
				  const struct option *option, struct settings *settings)
{
	struct layer defaults;

	if (take_luns(resolver, unit, option, settings))
		return SOURCE_LUN;
	if (unit && take_hardwares(resolver, unit, option, settings))
		return SOURCE_HARDWARE;
	if (resolver->config && take(&resolver->config->defaults, option, settings))
		return SOURCE_GLOBAL;
	layer_init(&defaults);
	option_copy(settings, &defaults.settings, option);
	return SOURCE_DEFAULT;
}

void resolve_settings(const struct resolver *resolver, const struct unit *unit,
		      struct settings *settings)
{
	size_t count;
	const struct option *options = options_all(&count);

	settings_init(settings);
	for (size_t i = 0; i < count; i++)
		resolve_option(resolver, unit, &options[i], settings);
}

const char *resolve_dsm(void *opaque, const struct unit *unit)
{
	const struct resolver *resolver = opaque;
	const struct config *config = resolver->config;

	for (size_t i = 0; config && i < config->nhardware; i++)
		if (config->hardware[i].dsm && row_matches(&config->hardware[i], unit))
			return config->hardware[i].dsm;
	return NULL;
}

void resolve_device(void *opaque, const struct unit *unit, struct device_settings *settings)
{
	const struct resolver *resolver = opaque;
	struct settings policy;

	resolve_settings(resolver, unit, &settings->settings);
	settings->policy_source = option_source_name(
		resolve_option(resolver, unit, option_find("policy"), &policy));
}
