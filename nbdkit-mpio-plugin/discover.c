// SPDX-License-Identifier: LGPL-2.1-or-later
#include "discover.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "find.h"
#include "log.h"
#include "loop.h"
#include "parameters.h"
#include "pump.h"

/* As long as no portal answers, up to no_path_timeout. */
#define RETRY_MS 500

/* One portal being asked. */
struct question {
	struct round *round;
	struct discovery *discovery;    /* NULL: over */
	char portal[96];
	char error[160];
	struct places places;           /* of the answer */
};

/* All portals, asked side by side. */
struct round {
	const struct parameters *parameters;
	const struct portal *portals[PLACES_MAX];
	size_t nportals;
	struct pump *pump;
	struct question questions[PLACES_MAX];
	size_t unanswered;
	size_t answered;                /* without an error */
	bool failed;                    /* nbdkit_error() was called */
	char seen[512];                 /* other targets' names */
};

/*
 * Places
 */

static bool is_same_place(const struct discovered_portal *a, const struct discovered_portal *b)
{
	return !strcasecmp(a->portal.host, b->portal.host) && a->portal.port == b->portal.port &&
	       !strcasecmp(a->target, b->target);
}

static int add_place(struct places *places, const struct discovered_portal *place)
{
	struct discovered_portal *larger;

	/* Every portal names all the others. */
	for (size_t i = 0; i < places->count; i++)
		if (is_same_place(&places->list[i], place))
			return 0;
	if (places->count == PLACES_MAX) {
		nbdkit_error("more than %d targets at portals: say which by target=", PLACES_MAX);
		return -1;
	}
	larger = realloc(places->list, (places->count + 1) * sizeof(*larger));
	if (!larger) {
		nbdkit_error("realloc: %m");
		return -1;
	}
	places->list = larger;
	places->list[places->count++] = *place;
	return 0;
}

static bool is_wanted(const struct parameters *parameters, const char *target)
{
	return !*parameters->target || !strcasecmp(parameters->target, target);
}

/* Those that the configuration file knows, unless the command line does. */
static int add_known_places(const struct parameters *parameters, struct places *places)
{
	const struct config *config = parameters->nportals ? NULL : parameters->config;

	for (size_t i = 0; config && i < config->ntargets; i++) {
		const struct config_target *target = &config->targets[i];

		for (size_t j = 0; j < target->nportals; j++) {
			struct discovered_portal place = { .portal = target->portals[j] };

			snprintf(place.target, sizeof(place.target), "%s", target->name);
			if (is_wanted(parameters, target->name) && add_place(places, &place) < 0)
				return -1;
		}
	}
	return 0;
}

/*
 * Asking portals
 */

static void note_target(struct round *round, const char *target)
{
	size_t used = strlen(round->seen);

	if (!strstr(round->seen, target))
		snprintf(round->seen + used, sizeof(round->seen) - used, "%s%s",
			 used ? ", " : "", target);
}

static void answered(void *opaque, const struct discovered_portal *targets, size_t count,
		     const char *error)
{
	struct question *question = opaque;
	struct round *round = question->round;

	question->discovery = NULL;
	round->unanswered--;
	if (error) {
		snprintf(question->error, sizeof(question->error), "%s", error);
		return;
	}
	round->answered++;
	for (size_t i = 0; i < count && !round->failed; i++) {
		if (!is_wanted(round->parameters, targets[i].target))
			note_target(round, targets[i].target);
		else if (add_place(&question->places, &targets[i]) < 0)
			round->failed = true;
	}
}

static bool has_answer(void *opaque)
{
	const struct round *round = opaque;

	return round->unanswered == 0 || round->answered > 0;
}

static bool is_over(void *opaque)
{
	const struct round *round = opaque;

	return round->unanswered == 0;
}

static void choose_portals(struct round *round)
{
	const struct parameters *parameters = round->parameters;

	for (size_t i = 0; i < parameters->nportals; i++)
		round->portals[round->nportals++] = &parameters->portals[i];
	if (parameters->nportals || !parameters->config)
		return;
	for (size_t i = 0; i < parameters->config->nportals && i < PLACES_MAX; i++)
		round->portals[round->nportals++] = &parameters->config->portals[i].portal;
}

static int ask(struct round *round)
{
	const struct parameters *parameters = round->parameters;
	struct nexus_settings settings = {
		.initiator = parameters->initiator,
		.timers = {
			.connect_timeout_us = parameters->settings.connect_timeout_ms * 1000,
			.login_timeout_us = parameters->settings.login_timeout_ms * 1000,
		},
	};

	for (size_t i = 0; i < round->nportals; i++) {
		struct question *question = &round->questions[i];
		struct config_chap chap = parameters_chap(parameters, round->portals[i], NULL);

		question->round = round;
		settings.portal = *round->portals[i];
		settings.user = chap.user;
		settings.password = chap.password;
		settings.target_user = chap.target_user;
		settings.target_password = chap.target_password;
		portal_format(&settings.portal, question->portal, sizeof(question->portal));
		question->discovery = discovery_start(round->pump, &settings, answered, question);
		if (!question->discovery) {
			nbdkit_error("portal %s: cannot start discovery: %m", question->portal);
			return -1;
		}
		round->unanswered++;
	}
	return 0;
}

/* Those that have not answered are told so and ended. */
static void end(struct round *round)
{
	for (size_t i = 0; i < round->nportals; i++) {
		struct question *question = &round->questions[i];

		if (!question->discovery)
			continue;
		discovery_cancel(question->discovery);
		question->discovery = NULL;
		snprintf(question->error, sizeof(question->error), "no answer in time");
	}
}

/* Asks all portals once. 0, or -1 where that was not possible. */
static int run(struct round *round, const struct parameters *parameters)
{
	const struct settings *settings = &parameters->settings;
	struct loop *loop = loop_new();
	int result = -1;

	memset(round, 0, sizeof(*round));
	round->parameters = parameters;
	choose_portals(round);
	if (loop)
		round->pump = pump_new(loop);
	if (!round->pump)
		nbdkit_error("cannot start discovery: %m");
	else
		result = ask(round);
	if (result == 0)
		loop_run_until(loop, has_answer, round,
			       settings->connect_timeout_ms + settings->login_timeout_ms);
	/* The others are not waited for longer than a healthy one needs. */
	if (result == 0 && round->answered)
		loop_run_until(loop, is_over, round, settings->connect_timeout_ms);
	end(round);
	pump_free(round->pump);
	loop_free(loop);
	return result;
}

/* The answers in the portals' order, whoever was first: paths keep their
 * numbers, and with them their sessions' names, from start to start. */
static void collect(struct round *round, struct places *places)
{
	for (size_t i = 0; i < round->nportals; i++) {
		struct places *answer = &round->questions[i].places;

		for (size_t j = 0; j < answer->count && !round->failed; j++)
			if (add_place(places, &answer->list[j]) < 0)
				round->failed = true;
		free(answer->list);
		*answer = (struct places) { 0 };
	}
}

/* Without an answer, what is known has to do. */
static int judge(const struct round *round, const struct places *places)
{
	const struct parameters *parameters = round->parameters;
	bool can_go_on = round->answered || places->count;

	for (size_t i = 0; i < round->nportals; i++) {
		const struct question *question = &round->questions[i];

		if (!*question->error)
			continue;
		if (can_go_on)
			log_warning("portal %s is left out: %s", question->portal, question->error);
		else
			nbdkit_error("portal %s: %s", question->portal, question->error);
	}
	if (round->failed)
		return -1;
	if (!can_go_on) {
		nbdkit_error("discovery failed: no portal has answered");
		return -1;
	}
	if (places->count)
		return 0;
	if (*parameters->target)
		nbdkit_error("no portal has target %s; there %s%s", parameters->target,
			     *round->seen ? "is " : "are no targets that we may see",
			     round->seen);
	else
		nbdkit_error("no portal has targets that we may see");
	return -1;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int ask_until_answered(struct round *round, const struct parameters *parameters,
			      struct places *places)
{
	uint64_t end_ms = now_ms() + parameters->settings.no_path_timeout_ms;
	/* Not nbdkit_nanosleep(), which asserts before the server serves. */
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };

	for (;;) {
		int result = run(round, parameters);

		collect(round, places);
		if (result < 0)
			return -1;
		if (round->answered || round->failed || places->count || !round->nportals ||
		    now_ms() + RETRY_MS > end_ms)
			return judge(round, places);
		log_info("no portal has answered yet, portal %s: %s",
			 round->questions[0].portal, round->questions[0].error);
		nanosleep(&pause, NULL);
	}
}

static int add_paths(struct parameters *parameters, const struct places *places)
{
	for (size_t i = 0; i < places->count; i++) {
		struct iscsi_url_parts path = {
			.portal = places->list[i].portal,
			.lun = (uint16_t)parameters->lun,
		};

		snprintf(path.target, sizeof(path.target), "%s", places->list[i].target);
		if (parameters_add_path(parameters, &path) < 0)
			return -1;
	}
	return 0;
}

int discover_paths(struct parameters *parameters)
{
	struct round *round = malloc(sizeof(*round));
	struct places places = { 0 };
	int result = -1;

	if (!round)
		nbdkit_error("malloc: %m");
	else if (add_known_places(parameters, &places) == 0)
		result = ask_until_answered(round, parameters, &places);
	if (result == 0)
		result = parameters->lun_name ? find_paths(parameters, &places) :
			add_paths(parameters, &places);
	free(round);
	free(places.list);
	return result;
}
