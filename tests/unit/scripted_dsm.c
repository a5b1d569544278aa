// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scripted_dsm.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct dsm_script script;
struct fake fake;
struct fake_unit *unit, *other;
uint8_t block[512];

static bool acme_claim(const struct dsm_ops *dsm, const struct unit *shown, char *reason,
		       size_t len)
{
	(void)dsm;
	snprintf(reason, len, "not of %s", script.vendor);
	return !strcmp(shown->inquiry.vendor, script.vendor);
}

static bool acme_same_unit(const struct dsm_ops *dsm, const struct unit *a,
			   const struct unit *b)
{
	(void)dsm;
	return identity_equal(&a->identity, &b->identity);
}

static struct verdict acme_interpret_error(const struct dsm_ops *dsm,
					   const struct outcome *outcome)
{
	(void)dsm;
	(void)outcome;
	script.verdicts++;
	return script.verdict;
}

static int acme_pick(const struct dsm_ops *dsm, const struct candidates *candidates,
		     const struct command *command)
{
	(void)dsm;
	(void)candidates;
	(void)command;
	script.picks++;
	return script.pick;
}

static int acme_path_state(const struct dsm_ops *dsm, const struct path *path, int array_state)
{
	(void)dsm;
	(void)array_state;
	if (script.is_passive)
		return PATH_UNAVAILABLE;
	return path->index == 0 ? script.state : DSM_STATE_KEEP;
}

static bool acme_verify(const struct dsm_ops *dsm, const struct path *path,
			const struct unit *shown, struct scsi_cdb *cdb)
{
	(void)dsm;
	(void)shown;
	if (!script.asks || path->index != 0)
		return false;
	script.questions++;
	*cdb = script.question;
	return true;
}

static void acme_verify_answer(const struct dsm_ops *dsm, const struct path *path,
			       const struct unit *shown, const struct outcome *outcome,
			       const uint8_t *bytes, size_t len, struct dsm_check *check)
{
	(void)dsm;
	(void)path;
	(void)shown;
	script.answers++;
	script.answer_status = outcome->status;
	script.answer_len = len;
	memcpy(script.answer, bytes, len < sizeof script.answer ? len : sizeof script.answer);
	*check = script.check;
}

static int acme_fence_strength(const struct dsm_ops *dsm, const struct unit *shown)
{
	(void)dsm;
	(void)shown;
	return script.fence;
}

static bool beta_claim(const struct dsm_ops *dsm, const struct unit *shown, char *reason,
		       size_t len)
{
	(void)dsm;
	snprintf(reason, len, "not of BETA");
	return !strcmp(shown->inquiry.vendor, "BETA");
}

const struct dsm_ops acme_minimal = {
	.name = "acme", .claim = acme_claim, .same_unit = acme_same_unit,
	.interpret_error = acme_interpret_error,
};
const struct dsm_ops beta = {
	.name = "beta", .claim = beta_claim, .same_unit = acme_same_unit,
	.interpret_error = acme_interpret_error,
};
/* What a real one would send: a vendor's page, by MODE SELECT(10). */
static bool acme_activate(const struct dsm_ops *dsm, const struct path *path,
			  struct scsi_cdb *cdb, uint8_t *data)
{
	(void)dsm;
	script.activations++;
	if ((int)path->index == script.refuses)
		return false;
	memset(data, 0x2c, script.activation.data_len < DSM_DATA_MAX ?
	       script.activation.data_len : DSM_DATA_MAX);
	*cdb = script.activation;
	return true;
}

const struct dsm_ops acme = {
	.name = "acme", .claim = acme_claim, .same_unit = acme_same_unit,
	.interpret_error = acme_interpret_error, .path_state = acme_path_state,
	.pick = acme_pick, .activate = acme_activate, .verify = acme_verify, .verify_answer = acme_verify_answer,
	.fence_strength = acme_fence_strength,
};
static void one_slot(struct settings *settings)
{
	settings->queue_depth = 1;
}

static void prepare_with(void (*tune)(struct settings *))
{
	memset(&script, 0, sizeof script);
	script.vendor = "ACME";
	script.state = DSM_STATE_KEEP;
	script.check.state = DSM_STATE_KEEP;
	script.refuses = -1;
	script.activation = (struct scsi_cdb) {
		.bytes = { MODE_SELECT_10 }, .len = 10, .dir = SCSI_DIR_OUT, .data_len = 16,
	};
	script.verdict = (struct verdict) { .action = VERDICT_RETRY_OTHER, .counted = true,
					    .error = -EIO, .reason = "so says acme" };
	unit = fake_unit_new(1, 4096, 512);
	other = fake_unit_new(2, 4096, 512);
	other->vendor = "BETA";
	fake_init(&fake, unit, 2, false, tune);
}

int prepare(void **state)
{
	(void)state;
	prepare_with(NULL);
	return 0;
}

int prepare_one_slot(void **state)
{
	(void)state;
	prepare_with(one_slot);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	fake_done(&fake);
	fake_unit_free(unit);
	fake_unit_free(other);
	return 0;
}

void start(const struct dsm_ops *const *dsms, size_t count)
{
	mpath_set_dsms(&fake.mpath, dsms, count);
	for (unsigned int i = 0; i < fake.count; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 2000);
}

void start_acme(void)
{
	static const struct dsm_ops *const only[] = { &acme };

	start(only, 1);
	assert_ptr_equal(fake.device->dsm, &acme);
}

struct path *path(unsigned int i)
{
	return fake.device->paths[i];
}

unsigned int times_seen(const char *event)
{
	unsigned int count = 0;

	for (const char *at = fake.events; (at = strstr(at, event)); at++)
		count++;
	return count;
}

void script_both(struct fake_answer answer, unsigned int times)
{
	for (unsigned int k = 0; k < times; k++)
		for (unsigned int i = 0; i < fake.count; i++)
			fake_script(&fake.nexuses[i], answer);
}
