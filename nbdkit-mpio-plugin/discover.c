// SPDX-License-Identifier: LGPL-2.1-or-later
#include "discover.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "discovery.h"
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
};

/* All portals, asked side by side. */
struct round {
	struct parameters *parameters;
	struct pump *pump;
	struct question questions[MPIO_MAX_PATHS];
	size_t unanswered;
	size_t answered;                /* without an error */
	bool failed;                    /* nbdkit_error() was called */
	char seen[512];                 /* other targets' names */
};

static void note_target(struct round *round, const char *target)
{
	size_t used = strlen(round->seen);

	if (!strstr(round->seen, target))
		snprintf(round->seen + used, sizeof(round->seen) - used, "%s%s",
			 used ? ", " : "", target);
}

static void add_path(struct round *round, const struct discovered_portal *found)
{
	struct iscsi_url_parts path = { .portal = found->portal };

	if (strcasecmp(found->target, round->parameters->target) != 0) {
		note_target(round, found->target);
		return;
	}
	snprintf(path.target, sizeof(path.target), "%s", found->target);
	path.lun = (uint16_t)round->parameters->lun;
	/* Every portal names all the others. */
	if (!parameters_have_path(round->parameters, &path) &&
	    parameters_add_path(round->parameters, &path) < 0)
		round->failed = true;
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
	for (size_t i = 0; i < count && !round->failed; i++)
		add_path(round, &targets[i]);
}

static bool is_over(void *opaque)
{
	const struct round *round = opaque;

	return round->unanswered == 0;
}

static int ask(struct round *round)
{
	const struct parameters *parameters = round->parameters;
	struct nexus_settings settings = {
		.initiator = parameters->initiator,
		.user = parameters->user,
		.password = parameters->password,
		.target_user = parameters->target_user,
		.target_password = parameters->target_password,
		.timers = {
			.connect_timeout_us = parameters->settings.connect_timeout_ms * 1000,
			.login_timeout_us = parameters->settings.login_timeout_ms * 1000,
		},
	};

	for (size_t i = 0; i < parameters->nportals; i++) {
		struct question *question = &round->questions[i];

		question->round = round;
		settings.portal = parameters->portals[i];
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
	for (size_t i = 0; i < round->parameters->nportals; i++) {
		struct question *question = &round->questions[i];

		if (!question->discovery)
			continue;
		discovery_cancel(question->discovery);
		snprintf(question->error, sizeof(question->error), "no answer in time");
	}
}

static int judge(const struct round *round)
{
	const struct parameters *parameters = round->parameters;

	for (size_t i = 0; i < parameters->nportals; i++) {
		const struct question *question = &round->questions[i];

		if (!*question->error)
			continue;
		if (round->answered)
			log_warning("portal %s is left out: %s", question->portal, question->error);
		else
			nbdkit_error("portal %s: %s", question->portal, question->error);
	}
	if (round->failed)
		return -1;
	if (!round->answered) {
		nbdkit_error("discovery failed: no portal has answered");
		return -1;
	}
	if (!parameters->npaths) {
		nbdkit_error("no portal has target %s; there %s%s", parameters->target,
			     *round->seen ? "is " : "are no targets that we may see",
			     round->seen);
		return -1;
	}
	return 0;
}

/* Asks all portals once. 0, or -1 where that was not possible. */
static int run(struct round *round, struct parameters *parameters)
{
	const struct settings *settings = &parameters->settings;
	struct loop *loop = loop_new();
	int result = -1;

	memset(round, 0, sizeof(*round));
	round->parameters = parameters;
	if (loop)
		round->pump = pump_new(loop);
	if (!round->pump)
		nbdkit_error("cannot start discovery: %m");
	else
		result = ask(round);
	if (result == 0)
		loop_run_until(loop, is_over, round,
			       settings->connect_timeout_ms + settings->login_timeout_ms);
	end(round);
	pump_free(round->pump);
	loop_free(loop);
	return result;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int discover_paths(struct parameters *parameters)
{
	uint64_t end_ms = now_ms() + parameters->settings.no_path_timeout_ms;
	/* Not nbdkit_nanosleep(), which asserts before the server serves. */
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000 };
	struct round round;

	for (;;) {
		if (run(&round, parameters) < 0)
			return -1;
		if (round.answered || round.failed || now_ms() + RETRY_MS > end_ms)
			return judge(&round);
		log_info("no portal has answered yet, portal %s: %s",
			 round.questions[0].portal, round.questions[0].error);
		nanosleep(&pause, NULL);
	}
}
