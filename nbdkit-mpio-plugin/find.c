// SPDX-License-Identifier: LGPL-2.1-or-later
#include "find.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "discover.h"
#include "log.h"
#include "loop.h"
#include "luns.h"
#include "nexus.h"
#include "parameters.h"
#include "pump.h"
#include "survey.h"
#include "transport.h"

/* A place and who looks there. */
struct visit {
	const struct discovered_portal *place;
	char portal[96];
	struct transport *nexus;        /* NULL: not begun */
	struct survey survey;
	const struct survey_unit *unit; /* the one that is looked for */
};

struct search {
	const struct parameters *parameters;
	struct loop *loop;
	struct pump *pump;
	struct visit *visits;
	size_t count;
};

static int begin_visit(struct search *search, struct visit *visit)
{
	const struct parameters *parameters = search->parameters;
	const struct discovered_portal *place = visit->place;
	struct config_chap chap = parameters_chap(parameters, &place->portal, place->target);
	struct nexus_settings settings = {
		.initiator = parameters->initiator,
		.target = place->target,
		.portal = place->portal,
		.user = chap.user,
		.password = chap.password,
		.target_user = chap.target_user,
		.target_password = chap.target_password,
		.timers = transport_timers_of(&parameters->settings),
		.queue_depth = 1,
	};

	portal_format(&place->portal, visit->portal, sizeof(visit->portal));
	/* A session of its own, which takes nobody's place. */
	if (getrandom(&settings.isid_seed, sizeof(settings.isid_seed), 0) < 0)
		return -1;
	visit->nexus = nexus_new(search->pump, &settings);
	if (!visit->nexus || survey_init(&visit->survey, visit->nexus) < 0)
		return -1;
	transport_start(visit->nexus);
	return 0;
}

static void end(struct search *search)
{
	for (size_t i = 0; i < search->count; i++) {
		if (!search->visits[i].nexus)
			continue;
		survey_done(&search->visits[i].survey);
		nexus_free(search->visits[i].nexus);
	}
	pump_free(search->pump);
	loop_free(search->loop);
	free(search->visits);
}

static int begin(struct search *search, const struct places *places)
{
	search->loop = loop_new();
	if (search->loop)
		search->pump = pump_new(search->loop);
	if (search->pump)
		search->visits = calloc(places->count, sizeof(*search->visits));
	if (!search->visits)
		return -1;
	search->count = places->count;
	for (size_t i = 0; i < places->count; i++) {
		search->visits[i].place = &places->list[i];
		if (begin_visit(search, &search->visits[i]) < 0)
			return -1;
	}
	return 0;
}

/*
 * How far it is
 */

static bool was_found(const struct search *search)
{
	for (size_t i = 0; i < search->count; i++)
		if (survey_find(&search->visits[i].survey, &search->parameters->wwid))
			return true;
	return false;
}

/* Found, or all have answered and it is nowhere. */
static bool is_decided(void *opaque)
{
	const struct search *search = opaque;

	for (size_t i = 0; i < search->count; i++)
		if (!search->visits[i].survey.is_over)
			return was_found(search);
	return true;
}

/* Every place has answered, or failed once. */
static bool is_settled(void *opaque)
{
	const struct search *search = opaque;

	for (size_t i = 0; i < search->count; i++)
		if (!search->visits[i].survey.is_over && !*search->visits[i].survey.reason)
			return false;
	return true;
}

/*
 * What came of it
 */

/* The LUN's number at a place that has not answered: that of the same target
 * elsewhere; -1 where it is not known. */
static int supposed_lun(const struct search *search, const struct visit *visit)
{
	if (visit->survey.is_over)
		return -1;
	for (size_t i = 0; i < search->count; i++)
		if (search->visits[i].unit &&
		    !strcasecmp(search->visits[i].place->target, visit->place->target))
			return lun_to_number(search->visits[i].unit->lun);
	return -1;
}

static int add_path(struct parameters *parameters, const struct visit *visit, int lun)
{
	struct iscsi_url_parts path = {
		.portal = visit->place->portal,
		.lun = (uint16_t)lun,
		.path = parameters_path_settings(parameters, &visit->place->portal,
						 visit->place->target),
	};

	snprintf(path.target, sizeof(path.target), "%s", visit->place->target);
	return parameters_add_path(parameters, &path);
}

static int add_paths(struct search *search, struct parameters *parameters)
{
	for (size_t i = 0; i < search->count; i++)
		search->visits[i].unit = survey_find(&search->visits[i].survey, &parameters->wwid);
	for (size_t i = 0; i < search->count; i++) {
		const struct visit *visit = &search->visits[i];
		int lun = visit->unit ? lun_to_number(visit->unit->lun) :
			supposed_lun(search, visit);

		if (lun >= 0 && add_path(parameters, visit, lun) < 0)
			return -1;
		if (lun < 0 && !visit->survey.is_over)
			log_warning("portal %s, target %s is left out: %s", visit->portal,
				    visit->place->target, *visit->survey.reason ?
				    visit->survey.reason : "no answer in time");
	}
	return 0;
}

__attribute__((format(printf, 3, 4)))
static void add_text(char *text, size_t len, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, len - used, format, args);
	va_end(args);
}

/* Which units there are instead, and which places were silent. */
static void refuse(const struct search *search)
{
	char seen[4096] = "";

	for (size_t i = 0; i < search->count; i++) {
		const struct visit *visit = &search->visits[i];

		for (size_t j = 0; j < visit->survey.count; j++) {
			const struct survey_unit *unit = &visit->survey.units[j];
			char lun[LUN_TEXT_MAX];

			lun_format(unit->lun, lun, sizeof(lun));
			add_text(seen, sizeof(seen), "%s%.80s is LUN %s of %s at %s",
				 *seen ? "; " : "", unit->identity.text, lun,
				 visit->place->target, visit->portal);
		}
		if (visit->survey.count == 0)
			add_text(seen, sizeof(seen), "%s%s at %s: %s", *seen ? "; " : "",
				 visit->place->target, visit->portal,
				 *visit->survey.reason ? visit->survey.reason :
				 visit->survey.is_over ? "no units" : "no answer in time");
	}
	nbdkit_error("lun=%s: no path leads to %.80s; seen: %s", search->parameters->lun_name,
		     search->parameters->wwid.text, seen);
}

int find_paths(struct parameters *parameters, const struct places *places)
{
	const struct settings *settings = &parameters->settings;
	uint64_t timeout_ms = settings->no_path_timeout_ms;
	struct search search = { .parameters = parameters };
	int result = -1;

	/* It fails I/O at once, but a path needs time to come up. */
	if (timeout_ms == 0)
		timeout_ms = settings->connect_timeout_ms;
	if (begin(&search, places) < 0) {
		nbdkit_error("cannot look for lun=%s: %m", parameters->lun_name);
		goto out;
	}
	loop_run_until(search.loop, is_decided, &search, timeout_ms);
	/* The others are not waited for longer than a healthy one needs. */
	if (was_found(&search))
		loop_run_until(search.loop, is_settled, &search, settings->connect_timeout_ms);
	if (was_found(&search))
		result = add_paths(&search, parameters);
	else
		refuse(&search);
out:
	end(&search);
	return result;
}
