// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy.h"

#define SECOND 1000
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KIB 1024
#define MIB (1024 * KIB)

#define FIELD(field) offsetof(struct settings, field)

static const struct option table[] = {
	{ "policy", OPTION_POLICY, 0, 0, "",
	  "how I/O is spread over the paths; by default in turn",
	  FIELD(policy) },
	{ "failback", OPTION_FAILBACK, 0, DAY, "immediate",
	  "when I/O goes back to the preferred path", FIELD(failback) },
	{ "no_path_timeout", OPTION_DURATION, 0, 7 * DAY, "20s",
	  "how long I/O waits while no path is usable", FIELD(no_path_timeout_ms) },
	{ "command_timeout", OPTION_DURATION, SECOND, 7 * DAY, "120s",
	  "how long one request may take in all", FIELD(command_timeout_ms) },
	{ "io_timeout", OPTION_DURATION, 100, HOUR, "30s",
	  "age of an unanswered command at which its session is dropped",
	  FIELD(io_timeout_ms) },
	{ "retry_count", OPTION_NUMBER, 0, 500, "3",
	  "how often a command that failed is sent again", FIELD(retry_count) },
	{ "retry_interval", OPTION_DURATION, 0, HOUR, "1s",
	  "pause before a command is sent again on the same path", FIELD(retry_interval_ms) },
	{ "transition_timeout", OPTION_DURATION, SECOND, HOUR, "60s",
	  "how long an ALUA access state may be in transition before its paths fail",
	  FIELD(transition_timeout_ms) },
	{ "path_verify", OPTION_BOOL, 0, 1, "yes",
	  "ask idle paths from time to time whether they still work", FIELD(path_verify) },
	{ "path_verify_interval", OPTION_DURATION, SECOND, DAY, "30s",
	  "how often", FIELD(path_verify_interval_ms) },
	{ "path_recovery_interval", OPTION_DURATION, 100, DAY, "5s",
	  "longest pause between attempts to bring a failed path back",
	  FIELD(path_recovery_interval_ms) },
	{ "flap_window", OPTION_DURATION, 0, DAY, "60s",
	  "a path that fails again within this time of its return is held back; 0 never",
	  FIELD(flap_window_ms) },
	{ "flap_backoff_max", OPTION_DURATION, SECOND, DAY, "300s",
	  "longest that a path which keeps failing is held back",
	  FIELD(flap_backoff_max_ms) },
	{ "connect_timeout", OPTION_DURATION, 100, 10 * MINUTE, "3s",
	  "how long a portal may take to accept a connection", FIELD(connect_timeout_ms) },
	{ "login_timeout", OPTION_DURATION, 100, 10 * MINUTE, "30s",
	  "how long a login may take once connected", FIELD(login_timeout_ms) },
	{ "nop_interval", OPTION_DURATION, 100, HOUR, "5s",
	  "silence on a session before it is asked for a sign of life",
	  FIELD(nop_interval_ms) },
	{ "nop_timeout", OPTION_DURATION, 100, HOUR, "5s",
	  "silence after that before the session is dropped", FIELD(nop_timeout_ms) },
	{ "queue_depth", OPTION_NUMBER, 1, MPIO_MAX_QUEUE_DEPTH, "64",
	  "most commands in flight on one session", FIELD(queue_depth) },
	/* libiscsi's burst lengths: no write needs a second R2T. Measured, more
	 * gains nothing. */
	{ "max_transfer", OPTION_SIZE, 64 * KIB, 16 * MIB, "256K",
	  "most bytes one command moves", FIELD(max_transfer) },
	{ "path_burst", OPTION_NUMBER, 1, 10000, "16",
	  "requests over one path before it is another one's turn", FIELD(path_burst) },
};

#define NOPTIONS (sizeof(table) / sizeof(table[0]))

/* The suffixes a kind of value may have; the empty one is for bare numbers. */
struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix durations[] = {
	{ "", SECOND }, { "ms", 1 }, { "s", SECOND }, { "min", MINUTE }, { NULL, 0 }
};

static const struct suffix sizes[] = {
	{ "", 1 }, { "K", KIB }, { "M", MIB }, { NULL, 0 }
};

static const struct suffix counts[] = { { "", 1 }, { NULL, 0 } };

static uint64_t *number_of(struct settings *settings, const struct option *option)
{
	return (uint64_t *)(void *)((char *)settings + option->offset);
}

static uint64_t number_in(const struct settings *settings, const struct option *option)
{
	return *(const uint64_t *)(const void *)((const char *)settings + option->offset);
}

/*
 * DIGITS[.DIGITS]SUFFIX without float: a duration is exact to the millisecond
 * and nothing is rounded behind the user's back. False for what is malformed,
 * does not come out even, or does not fit.
 */
static bool parse_scaled(const char *text, const struct suffix *suffixes, uint64_t *value)
{
	uint64_t digits = 0, divisor = 1;
	bool is_fraction = false;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text) || (*text == '.' && !is_fraction); text++) {
		if (*text == '.') {
			is_fraction = true;
			if (!isdigit((unsigned char)text[1]))
				return false;
			continue;
		}
		if (digits > (UINT64_MAX - 9) / 10 || divisor > 1000000000)
			return false;
		digits = digits * 10 + (uint64_t)(*text - '0');
		if (is_fraction)
			divisor *= 10;
	}

	for (; suffixes->text; suffixes++)
		if (!strcasecmp(text, suffixes->text))
			break;
	if (!suffixes->text || (digits && suffixes->factor > UINT64_MAX / digits))
		return false;
	*value = digits * suffixes->factor;
	if (*value % divisor)
		return false;
	*value /= divisor;
	return true;
}

static bool parse_bool(const char *text, bool *value)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcasecmp(text, yes[i]) || !strcasecmp(text, no[i])) {
			*value = !strcasecmp(text, yes[i]);
			return true;
		}
	}
	return false;
}

static void format_duration(uint64_t ms, char *text, size_t len)
{
	if (ms % SECOND)
		snprintf(text, len, "%" PRIu64 "ms", ms);
	else
		snprintf(text, len, "%" PRIu64 "s", ms / SECOND);
}

static void format_size(uint64_t bytes, char *text, size_t len)
{
	if (bytes && bytes % MIB == 0)
		snprintf(text, len, "%" PRIu64 "M", bytes / MIB);
	else if (bytes && bytes % KIB == 0)
		snprintf(text, len, "%" PRIu64 "K", bytes / KIB);
	else
		snprintf(text, len, "%" PRIu64, bytes);
}

static void format_policies(char *text, size_t len)
{
	size_t used = 0;

	if (len > 0)
		text[0] = '\0';
	for (const struct policy_ops *const *policy = policy_all(); *policy; policy++) {
		int n = snprintf(text + used, len - used, "%s%s", used ? ", " : "",
				 (*policy)->name);

		if (n < 0 || (size_t)n >= len - used)
			return;
		used += (size_t)n;
	}
}

void option_format_range(const struct option *option, char *text, size_t len)
{
	char low[32], high[32];

	switch (option->type) {
	case OPTION_BOOL:
		snprintf(text, len, "yes or no");
		return;
	case OPTION_POLICY:
		format_policies(text, len);
		return;
	case OPTION_FAILBACK:
		format_duration(option->max, high, sizeof(high));
		snprintf(text, len, "immediate, manual, or a time up to %s", high);
		return;
	case OPTION_NUMBER:
		snprintf(text, len, "%" PRIu64 " to %" PRIu64, option->min, option->max);
		return;
	case OPTION_SIZE:
		format_size(option->min, low, sizeof(low));
		format_size(option->max, high, sizeof(high));
		break;
	case OPTION_DURATION:
		format_duration(option->min, low, sizeof(low));
		format_duration(option->max, high, sizeof(high));
		break;
	}
	snprintf(text, len, "%s to %s", low, high);
}

static int complain(const struct option *option, const char *value, char *error, size_t len)
{
	const char *what = "is not one of";
	const char *hint = "";
	char range[160];

	option_format_range(option, range, sizeof(range));
	if (option->type == OPTION_DURATION || option->type == OPTION_FAILBACK)
		hint = " (a bare number is in seconds; suffixes: ms, s, min)";
	if (option->type == OPTION_SIZE)
		hint = " (in bytes; suffixes: K, M)";
	if (option->type == OPTION_DURATION || option->type == OPTION_SIZE ||
	    option->type == OPTION_NUMBER)
		what = "is not in the range";
	snprintf(error, len, "%s: \"%.64s\" %s %s%s", option->name, value, what, range, hint);
	return -EINVAL;
}

static bool set_failback(struct settings *settings, const struct option *option,
			 const char *value)
{
	uint64_t ms;

	if (!strcasecmp(value, "immediate")) {
		settings->failback = FAILBACK_IMMEDIATE;
		settings->failback_ms = 0;
		return true;
	}
	if (!strcasecmp(value, "manual")) {
		settings->failback = FAILBACK_MANUAL;
		settings->failback_ms = 0;
		return true;
	}
	if (!parse_scaled(value, durations, &ms) || ms > option->max)
		return false;
	settings->failback = FAILBACK_AFTER;
	settings->failback_ms = ms;
	return true;
}

static bool set_policy(struct settings *settings, const char *value)
{
	/* Empty: the device chooses, once it knows its unit. */
	if (*value && (!policy_find(value) || strlen(value) >= sizeof(settings->policy)))
		return false;
	snprintf(settings->policy, sizeof(settings->policy), "%s", value);
	return true;
}

static bool set_number(struct settings *settings, const struct option *option,
		       const struct suffix *suffixes, const char *value)
{
	uint64_t number;

	if (!parse_scaled(value, suffixes, &number))
		return false;
	if (number < option->min || number > option->max)
		return false;
	*number_of(settings, option) = number;
	return true;
}

static bool set(struct settings *settings, const struct option *option, const char *value)
{
	switch (option->type) {
	case OPTION_BOOL:
		return parse_bool(value, (bool *)((char *)settings + option->offset));
	case OPTION_POLICY:
		return set_policy(settings, value);
	case OPTION_FAILBACK:
		return set_failback(settings, option, value);
	case OPTION_NUMBER:
		return set_number(settings, option, counts, value);
	case OPTION_SIZE:
		return set_number(settings, option, sizes, value);
	case OPTION_DURATION:
		return set_number(settings, option, durations, value);
	}
	return false;
}

const struct option *options_all(size_t *count)
{
	*count = NOPTIONS;
	return table;
}

static bool names_are_equal(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

const struct option *option_find(const char *name)
{
	for (size_t i = 0; i < NOPTIONS; i++)
		if (names_are_equal(table[i].name, name))
			return &table[i];
	return NULL;
}

void settings_init(struct settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < NOPTIONS; i++)
		set(settings, &table[i], table[i].default_text);
}

int option_set(struct settings *settings, const struct option *option, const char *value,
	       char *error, size_t len)
{
	/* Only the default is empty: "policy=" is a slip, not a wish. */
	if (!*value || !set(settings, option, value))
		return complain(option, value, error, len);
	return 0;
}

void option_copy(struct settings *to, const struct settings *from, const struct option *option)
{
	const char *source = (const char *)from + option->offset;
	char *target = (char *)to + option->offset;

	switch (option->type) {
	case OPTION_BOOL:
		memcpy(target, source, sizeof(bool));
		return;
	case OPTION_POLICY:
		memcpy(target, source, sizeof(to->policy));
		return;
	case OPTION_FAILBACK:
		to->failback = from->failback;
		to->failback_ms = from->failback_ms;
		return;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_DURATION:
		memcpy(target, source, sizeof(uint64_t));
		return;
	}
}

void option_format(const struct settings *settings, const struct option *option,
		   char *text, size_t len)
{
	switch (option->type) {
	case OPTION_BOOL:
		snprintf(text, len, "%s",
			 *(const bool *)((const char *)settings + option->offset) ?
			 "yes" : "no");
		return;
	case OPTION_POLICY:
		snprintf(text, len, "%s", settings->policy);
		return;
	case OPTION_FAILBACK:
		if (settings->failback == FAILBACK_AFTER)
			format_duration(settings->failback_ms, text, len);
		else
			snprintf(text, len, "%s",
				 settings->failback == FAILBACK_MANUAL ? "manual" : "immediate");
		return;
	case OPTION_NUMBER:
		snprintf(text, len, "%" PRIu64, number_in(settings, option));
		return;
	case OPTION_SIZE:
		format_size(number_in(settings, option), text, len);
		return;
	case OPTION_DURATION:
		format_duration(number_in(settings, option), text, len);
		return;
	}
}
