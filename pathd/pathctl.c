// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pathctl: asks exports about their LUNs and paths, and has them changed. This
 * file has the table of verbs, the options, and the verbs that ask every export;
 * each of the others has a file of its own.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pathctl.h"

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int min_arguments, max_arguments;
	int (*run)(const struct request *request);
};

int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "pathctl: cannot write the result: %s\n", strerror(errno));
	return EXIT_FAILED;
}

void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

static int run_list(const struct request *request)
{
	struct luns luns;
	int status;

	query_luns(&request->query, NULL, &luns);
	status = luns.failed ? EXIT_FAILED : EXIT_DONE;
	if (request->is_json) {
		json_t *rows = json_array();

		for (size_t i = 0; i < luns.count; i++)
			json_array_append(rows, luns.luns[i].row);
		print_json(rows);
		json_decref(rows);
	} else if (luns.count > 0) {
		print_list(stdout, &luns, &request->style);
	} else if (!luns.failed) {
		query_say_where(&request->query);
	}
	luns_done(&luns);
	return finish(status);
}

/* RESULTS: one object where one LUN was meant, else an array of them. */
static void print_results(const struct request *request, json_t *results)
{
	const json_t *lun;
	size_t i;

	if (request->is_json) {
		bool one = (request->arguments[0] || request->query.socket_path) &&
			   json_array_size(results) == 1;

		print_json(one ? json_array_get(results, 0) : results);
		return;
	}
	json_array_foreach(results, i, lun) {
		if (i > 0)
			putchar('\n');
		print_show(stdout, lun, &request->style);
	}
}

static int run_show(const struct request *request)
{
	const char *name = request->arguments[0];
	json_t *results = json_array();
	struct luns luns;
	int status;

	query_luns(&request->query, name, &luns);
	status = luns.failed ? EXIT_FAILED : EXIT_DONE;
	for (size_t i = 0; i < luns.count; i++) {
		json_t *lun = query_call(&request->query, &luns.luns[i], "show", NULL);

		if (lun)
			json_array_append_new(results, lun);
		else
			status = EXIT_FAILED;
	}

	if (luns.count == 0 && name) {
		query_say_unknown(name);
		status = EXIT_FAILED;
	} else if (luns.count == 0 && !luns.failed) {
		query_say_where(&request->query);
	}
	if (json_array_size(results) > 0 || (request->is_json && !name))
		print_results(request, results);
	json_decref(results);
	luns_done(&luns);
	return finish(status);
}

static const struct command commands[] = {
	{ "list", "", "one line for each LUN", 0, 0, run_list },
	{ "show", "[LUN]", "a LUN (name or WWID) and its paths; without LUN, all", 0, 1,
	  run_show },
	{ "explain", "LUN [PATH]", "why things are as they are, and where I/O goes", 1, 2,
	  run_explain },
	{ "probe", "LUN PATH", "ask the unit a few things down one path", 2, 2, run_probe },
	{ "stats", "[LUN] [--reset]", "counters and latencies; --reset sets them to zero", 0, 1,
	  run_stats },
	{ "policy", "LUN [POLICY]", "which policies there are; take another one", 1, 2,
	  run_policy },
	{ "path", "LUN PATH --ACTION", "change what a path is for; see below", 2, 2, run_path },
	{ "timers", "[LUN] [KEY [VALUE]]", "timers and limits; set one", 0, 3, run_timers },
	{ "settings", "LUN [FILE]", "all that can be set, as JSON; set it from FILE", 1, 2,
	  run_settings },
	{ "config-check", "FILE", "what is wrong with a configuration file; starts nothing", 1, 1,
	  run_config_check },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char *command_usage(const struct command *command)
{
	static char usage[64];

	snprintf(usage, sizeof(usage), "%s %s", command->name, command->arguments);
	return usage;
}

static void print_help(FILE *f)
{
	fputs("usage: pathctl [OPTION...] COMMAND [ARGUMENT...]\n\ncommands:\n", f);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(f, "  %-26s %s\n", command_usage(&commands[i]), commands[i].help);
	fputs("\nactions of pathctl path:\n"
	      "  --activate        I/O goes down this path now\n"
	      "  --fail            as if it had failed: it comes back once it is verified\n"
	      "  --disable         no I/O until it is enabled\n"
	      "  --standby         I/O only while no better path is usable\n"
	      "  --enable          back in service: neither disabled nor standby\n"
	      "  --preferred       the one that failover-only goes back to\n"
	      "  --not-preferred   like any other\n"
	      "  --weight N        for weighted-paths: 0 to 4294967295, the lowest goes first\n"
	      "\noptions:\n"
	      "  -s, --socket PATH      ask this control socket only\n"
	      "  -r, --runtime-dir DIR  ask every export in DIR/exports (/run/mpio, or\n"
	      "                         $XDG_RUNTIME_DIR/mpio for users other than root)\n"
	      "  -t, --timeout SECONDS  wait so long for each answer (5)\n"
	      "  -j, --json             print JSON\n"
	      "  -H, --no-header        no column headings\n"
	      "  -h, --help             print this\n"
	      "  -V, --version          print the version\n"
	      "\nExit status: 0 done, 1 failed, 2 usage.\n", f);
}

int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "pathctl: %s%s%s; see pathctl --help\n", what, which ? ": " : "",
		which ? which : "");
	return EXIT_USAGE;
}

static bool parse_timeout(const char *text, unsigned int *timeout_ms)
{
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno || end == text || *end || !isfinite(seconds) || seconds < 0.001 ||
	    seconds > 3600)
		return false;
	*timeout_ms = (unsigned int)(seconds * 1000);
	return true;
}

/* The plugin's own rule; BUFFER keeps the text. */
static const char *default_runtime_dir(char *buffer, size_t len)
{
	const char *user_dir = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0 || !user_dir || *user_dir != '/')
		return "/run/mpio";
	snprintf(buffer, len, "%s/mpio", user_dir);
	return buffer;
}

static int set_action(struct request *request, const char *action)
{
	if (request->action && strcmp(request->action, action) != 0)
		return usage_error("one action at a time, not also", action);
	request->action = action;
	return -1;
}

/* Long options with no letter; those before --reset are actions. */
enum { OPTION_ACTION = 256, OPTION_WEIGHT, OPTION_RESET };

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "runtime-dir", required_argument, NULL, 'r' },
	{ "timeout", required_argument, NULL, 't' },
	{ "json", no_argument, NULL, 'j' },
	{ "no-header", no_argument, NULL, 'H' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "activate", no_argument, NULL, OPTION_ACTION },
	{ "fail", no_argument, NULL, OPTION_ACTION },
	{ "disable", no_argument, NULL, OPTION_ACTION },
	{ "standby", no_argument, NULL, OPTION_ACTION },
	{ "enable", no_argument, NULL, OPTION_ACTION },
	{ "preferred", no_argument, NULL, OPTION_ACTION },
	{ "not-preferred", no_argument, NULL, OPTION_ACTION },
	{ "weight", required_argument, NULL, OPTION_WEIGHT },
	{ "reset", no_argument, NULL, OPTION_RESET },
	{ NULL, 0, NULL, 0 }
};

/* -1, or the exit status where there is nothing more to do. */
static int take_option(struct request *request, int c, int which)
{
	switch (c) {
	case 's':
		request->query.socket_path = optarg;
		return -1;
	case 'r':
		request->query.runtime_dir = optarg;
		return -1;
	case 't':
		if (!parse_timeout(optarg, &request->query.timeout_ms))
			return usage_error("--timeout takes 0.001 to 3600 seconds, not", optarg);
		return -1;
	case 'j':
		request->is_json = true;
		return -1;
	case 'H':
		request->style.with_headings = false;
		return -1;
	case 'h':
		print_help(stdout);
		return finish(EXIT_DONE);
	case 'V':
		puts("pathctl " PACKAGE_VERSION);
		return finish(EXIT_DONE);
	case OPTION_WEIGHT:
		request->weight = optarg;
		return set_action(request, "weight");
	case OPTION_ACTION:
		return set_action(request, options[which].name);
	case OPTION_RESET:
		request->is_reset = true;
		return -1;
	default:
		return usage_error("bad option", NULL);
	}
}

static int parse_options(int argc, char **argv, struct request *request)
{
	int status = -1, which = 0, c;

	while (status < 0 && (c = getopt_long(argc, argv, "s:r:t:jHhV", options, &which)) != -1)
		status = take_option(request, c, which);
	return status;
}

/* Each verb takes its own options only. -1, or the exit status. */
static int check_usage(const struct command *command, const struct request *request)
{
	bool is_path = command->run == run_path;

	if (request->count < command->min_arguments)
		return usage_error("usage: pathctl", command_usage(command));
	if (request->count > command->max_arguments)
		return usage_error("too many arguments for", command->name);
	if (request->action && !is_path)
		return usage_error("that action goes with pathctl path, not with",
				   command->name);
	if (!request->action && is_path)
		return usage_error("what is to be done with the path? One of --activate, --fail, "
				   "--disable, --standby, --enable, --preferred, "
				   "--not-preferred, --weight N", NULL);
	if (request->is_reset && command->run != run_stats)
		return usage_error("--reset goes with pathctl stats, not with", command->name);
	return -1;
}

static bool wants_colours(void)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
	       !(term && !strcmp(term, "dumb"));
}

int main(int argc, char **argv)
{
	char user_dir[4096];
	struct request request = {
		.query = { .timeout_ms = 5000 },
		.style = { .with_headings = true, .with_colours = wants_colours() },
	};
	int status;

	request.query.runtime_dir = default_runtime_dir(user_dir, sizeof(user_dir));
	status = parse_options(argc, argv, &request);
	if (status >= 0)
		return status;
	if (optind == argc)
		return usage_error("which command?", NULL);

	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		request.count = argc - optind - 1;
		for (int n = 0; n < request.count && n < REQUEST_ARGUMENTS; n++)
			request.arguments[n] = argv[optind + 1 + n];
		status = check_usage(&commands[i], &request);
		return status >= 0 ? status : commands[i].run(&request);
	}
	return usage_error("there is no command", argv[optind]);
}
