// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pathctl: asks exports about their LUNs and paths. Exit status: 0 done, 1
 * failed, 2 usage.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pathctl_print.h"
#include "pathctl_query.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct request {
	struct query query;
	struct print_style style;
	bool is_json;
	const char *lun;                /* NULL: none given */
};

struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int max_arguments;
	int (*run)(const struct request *request);
};

/* What standard output could not take is a failure, too: a full disk must not
 * look like an empty list. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "pathctl: cannot write the result: %s\n", strerror(errno));
	return EXIT_FAILED;
}

static void print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	putchar('\n');
}

static void say_where_we_looked(const struct request *request)
{
	if (request->query.socket_path)
		fprintf(stderr, "pathctl: %s serves no LUN\n", request->query.socket_path);
	else
		fprintf(stderr, "pathctl: no exports in %s/exports: start one (see "
			"nbdkit-mpio-plugin(1)), or look elsewhere with --runtime-dir or "
			"--socket\n", request->query.runtime_dir);
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
		say_where_we_looked(request);
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
		bool one = (request->lun || request->query.socket_path) &&
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
	json_t *results = json_array();
	struct luns luns;
	int status;

	query_luns(&request->query, request->lun, &luns);
	status = luns.failed ? EXIT_FAILED : EXIT_DONE;
	for (size_t i = 0; i < luns.count; i++) {
		json_t *lun = query_show(&request->query, &luns.luns[i]);

		if (lun)
			json_array_append_new(results, lun);
		else
			status = EXIT_FAILED;
	}

	if (luns.count == 0 && request->lun) {
		fprintf(stderr, "pathctl: no LUN is called \"%s\"; pathctl list shows which "
			"there are\n", request->lun);
		status = EXIT_FAILED;
	} else if (luns.count == 0 && !luns.failed) {
		say_where_we_looked(request);
	}
	if (json_array_size(results) > 0 || (request->is_json && !request->lun))
		print_results(request, results);
	json_decref(results);
	luns_done(&luns);
	return finish(status);
}

static const struct command commands[] = {
	{ "list", "", "one line for each LUN", 0, run_list },
	{ "show", "[LUN]", "a LUN (name or WWID) and its paths; without LUN, all", 1, run_show },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *f)
{
	fputs("usage: pathctl [OPTION...] COMMAND [ARGUMENT...]\n\ncommands:\n", f);
	for (size_t i = 0; i < NCOMMANDS; i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", commands[i].name, commands[i].arguments);
		fprintf(f, "  %-22s %s\n", usage, commands[i].help);
	}
	fputs("\noptions:\n"
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

static int usage_error(const char *what, const char *which)
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

/* -1, or the exit status where there is nothing more to do. */
static int parse_options(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "runtime-dir", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-header", no_argument, NULL, 'H' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:r:t:jHhV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			request->query.socket_path = optarg;
			break;
		case 'r':
			request->query.runtime_dir = optarg;
			break;
		case 't':
			if (!parse_timeout(optarg, &request->query.timeout_ms))
				return usage_error("--timeout takes 0.001 to 3600 seconds, not",
						   optarg);
			break;
		case 'j':
			request->is_json = true;
			break;
		case 'H':
			request->style.with_headings = false;
			break;
		case 'h':
			print_help(stdout);
			return finish(EXIT_DONE);
		case 'V':
			puts("pathctl " PACKAGE_VERSION);
			return finish(EXIT_DONE);
		default:
			return usage_error("bad option", NULL);
		}
	}
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
		int arguments = argc - optind - 1;

		if (strcmp(argv[optind], commands[i].name) != 0)
			continue;
		if (arguments > commands[i].max_arguments)
			return usage_error("too many arguments for", argv[optind]);
		request.lun = arguments > 0 ? argv[optind + 1] : NULL;
		return commands[i].run(&request);
	}
	return usage_error("there is no command", argv[optind]);
}
