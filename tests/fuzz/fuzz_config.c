// SPDX-License-Identifier: LGPL-2.1-or-later
/* mpio.conf(5): whatever stands in it, there is a whole configuration or an
 * error with its line, never both, never neither. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "hardware.h"

static void check_errors(const struct config_errors *errors)
{
	char text[256];

	MUST(errors->count > 0 && errors->count <= CONFIG_ERRORS_MAX);
	for (size_t i = 0; i < errors->count; i++) {
		MUST(errors->list[i].file && *errors->list[i].message);
		memset(text, 0x5a, sizeof(text));
		config_error_format(&errors->list[i], text, sizeof(text));
		MUST(memchr(text, '\0', sizeof(text)));
	}
}

static void check_chap(const struct config_chap *chap)
{
	MUST(!chap->user == !chap->password);
	MUST(!chap->target_user == !chap->target_password);
	MUST(!chap->target_user || chap->user);
}

static void check_lun(const struct config *config, const struct config_lun *lun)
{
	MUST(lun->alias || lun->wwid.kind != IDENTITY_NONE);
	MUST(lun->npaths <= MPIO_MAX_PATHS);
	MUST(lun->wwid.kind != IDENTITY_NONE || (lun->npaths && lun->paths->is_listed));
	if (lun->alias)
		MUST(config_find_lun(config, lun->alias) == lun);
	if (lun->wwid.kind != IDENTITY_NONE) {
		MUST(config_find_wwid(config, &lun->wwid) == lun);
		MUST(config_find_lun(config, lun->wwid.text) == lun);
	}
	for (size_t i = 0; i < lun->npaths; i++) {
		MUST(lun->paths[i].url.portal.port);
		MUST(lun->paths[i].is_listed == lun->paths->is_listed);
		MUST(!lun->paths[i].is_listed || iscsi_name_is_valid(lun->paths[i].url.target));
	}
}

static void check_config(const struct config *config)
{
	for (size_t i = 0; i < config->nportals; i++) {
		MUST(config->portals[i].portal.port);
		check_chap(&config->portals[i].chap);
	}
	for (size_t i = 0; i < config->ntargets; i++) {
		MUST(config_find_target(config, config->targets[i].name) == &config->targets[i]);
		check_chap(&config->targets[i].chap);
	}
	for (size_t i = 0; i < config->nhardware; i++) {
		MUST(config->hardware[i].vendor && config->hardware[i].product);
		MUST(!hardware_pattern_error(config->hardware[i].vendor));
		hardware_matches(config->hardware[i].product, "VIRTUAL-DISK");
	}
	for (size_t i = 0; i < config->nluns; i++)
		check_lun(config, &config->luns[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_errors errors = { 0 };
	struct config *config;
	char *text = malloc(size + 1);  /* exact, so that overreads are seen */
	int result;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	result = config_parse(text, size, &config, &errors);
	MUST((result == 0) == (config != NULL));
	if (config) {
		MUST(errors.count == 0);
		check_config(config);
	} else {
		MUST(result == -EINVAL);
		check_errors(&errors);
	}
	config_free(config);
	config_errors_done(&errors);
	free(text);
	return 0;
}
