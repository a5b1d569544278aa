// SPDX-License-Identifier: LGPL-2.1-or-later
/* mpio.conf(5): what is taken, what is refused, and in which line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"

#define IQN "iqn.2026-11.org.example:array"
#define WWID "naa.60014050000000000000000000000001"

static struct config *config;
static struct config_errors errors;

static int setup(void **state)
{
	(void)state;
	config = NULL;
	errors = (struct config_errors) { 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	config_errors_done(&errors);
	return 0;
}

static void anew(void)
{
	teardown(NULL);
	setup(NULL);
}

static void print_errors(void)
{
	char text[512];

	for (size_t i = 0; i < errors.count; i++) {
		config_error_format(&errors.list[i], text, sizeof(text));
		print_message("%s\n", text);
	}
}

static void parse(const char *text)
{
	int result;

	anew();
	result = config_parse(text, strlen(text), &config, &errors);
	if (result)
		print_errors();
	assert_int_equal(result, 0);
	assert_non_null(config);
}

/* One of the errors is at LINE and holds SAID, and there is no configuration. */
static void assert_refused(int result, unsigned int line, const char *said)
{
	assert_int_equal(result, -EINVAL);
	assert_null(config);
	for (size_t i = 0; i < errors.count; i++)
		if (errors.list[i].line == line && strstr(errors.list[i].message, said))
			return;
	print_errors();
	fail_msg("no error in line %u with \"%s\"", line, said);
}

static void refuse(const char *text, unsigned int line, const char *said)
{
	anew();
	assert_refused(config_parse(text, strlen(text), &config, &errors), line, said);
}

static const struct option *option(const char *name)
{
	return option_find(name);
}

/*
 * What is right
 */

static void nothing_is_a_configuration(void **state)
{
	(void)state;
	parse("");
	assert_int_equal(config->nluns + config->nportals + config->nhardware, 0);
	assert_int_equal(config->defaults.given, 0);
	assert_false(config->claims.is_automatic);
	parse("# only\n// comments\n/* here */\n");
}

static void every_section_arrives(void **state)
{
	const struct config_lun *lun;

	(void)state;
	parse("initiator = \"iqn.2026-11.org.example:host\";\n"
	      "runtime_dir = \"/tmp/x\"; dsm_path = [ \"/a\", \"/b\" ];\n"
	      "portals = ( \"192.0.2.1\", { portal = \"[2001:db8::1]:3261\"; user = \"u\";"
	      " password = \"p\"; } );\n"
	      "targets = ( { target = \"" IQN "\"; portals = [ \"192.0.2.2:99\" ]; } );\n"
	      "timers = { no_path_timeout = 60; retry_interval = 1.5; };\n"
	      "defaults = { policy = \"failover-only\"; max_transfer = 131072; };\n"
	      "hardware = ( { vendor = \"ACME\"; product = \"*\"; dsm = \"acme\";"
	      " queue_depth = 7; } );\n"
	      "luns = ( { alias = \"db01\"; wwid = \"" WWID "\"; path_verify = false; } );\n"
	      "claims = { auto_claim = true; exclude = ( { vendor = \"X\"; } ); };\n"
	      "metrics = { listen = \"127.0.0.1:9840\"; };\n");
	assert_string_equal(config->initiator, "iqn.2026-11.org.example:host");
	assert_string_equal(config->runtime_dir, "/tmp/x");
	assert_string_equal(config->dsm_path, "/a:/b");
	assert_int_equal(config->nportals, 2);
	assert_string_equal(config->portals[1].portal.host, "2001:db8::1");
	assert_int_equal(config->portals[1].portal.port, 3261);
	assert_string_equal(config->portals[1].chap.password, "p");
	assert_ptr_equal(config_find_target(config, IQN), &config->targets[0]);
	assert_int_equal(config->targets[0].portals[0].port, 99);
	assert_int_equal(config->defaults.settings.no_path_timeout_ms, 60000);
	assert_int_equal(config->defaults.settings.retry_interval_ms, 1500);
	assert_int_equal(config->defaults.settings.max_transfer, 131072);
	assert_string_equal(config->defaults.settings.policy, "failover-only");
	assert_false(layer_has(&config->defaults, option("queue_depth")));
	assert_int_equal(config->hardware[0].options.settings.queue_depth, 7);
	assert_string_equal(config->hardware[0].dsm, "acme");
	lun = config_find_lun(config, "db01");
	assert_non_null(lun);
	assert_true(layer_has(&lun->options, option("path_verify")));
	assert_false(lun->options.settings.path_verify);
	assert_true(config->claims.is_automatic);
	assert_int_equal(config->claims.nexclude, 1);
	assert_string_equal(config->metrics.listen, "127.0.0.1:9840");
}

static void a_lun_is_found_by_every_spelling_of_its_name(void **state)
{
	(void)state;
	parse("luns = ( { alias = \"one\"; wwid = \"NAA.60014050000000000000000ABCDEF001\"; },\n"
	      "{ wwid = \"2001405000000000a\"; } );");
	assert_ptr_equal(config_find_lun(config, "one"), &config->luns[0]);
	assert_ptr_equal(config_find_lun(config, "naa.60014050000000000000000abcdef001"),
			 &config->luns[0]);
	assert_ptr_equal(config_find_lun(config, "360014050000000000000000abcdef001"),
			 &config->luns[0]);
	assert_ptr_equal(config_find_lun(config, "eui.001405000000000a"), &config->luns[1]);
	assert_null(config_find_lun(config, "two"));
	assert_null(config_find_lun(config, ""));
}

static void paths_are_urls_or_parts(void **state)
{
	const struct config_path *path;

	(void)state;
	parse("luns = ( { alias = \"a\"; paths = (\n"
	      "\"iscsi://192.0.2.1/" IQN "/1,weight=3\",\n"
	      "{ url = \"iscsi://192.0.2.2/" IQN "/1\"; standby = true; },\n"
	      "{ portal = \"192.0.2.3\"; target = \"" IQN "\"; lun = 0; preferred = true;"
	      " weight = 4294967295L; } ); } );");
	path = config->luns[0].paths;
	assert_int_equal(config->luns[0].npaths, 3);
	assert_int_equal(path[0].url.path.weight, 3);
	assert_true(path[1].url.path.is_standby);
	assert_true(path[1].is_listed);
	assert_string_equal(path[2].url.portal.host, "192.0.2.3");
	assert_int_equal(path[2].url.portal.port, 3260);
	assert_string_equal(path[2].url.target, IQN);
	assert_true(path[2].is_listed);
	assert_true(path[2].url.path.is_preferred);
	assert_int_equal(path[2].url.path.weight, UINT32_MAX);

	parse("luns = ( { wwid = \"" WWID "\"; paths = ( { portal = \"192.0.2.1\";"
	      " preferred = true; } ); } );");
	assert_false(config->luns[0].paths[0].is_listed);
	assert_string_equal(config->luns[0].paths[0].url.target, "");
}

/*
 * What is wrong. Each text's culprit stands in the line given.
 */

struct mistake {
	const char *text;
	unsigned int line;
	const char *said;
};

static void refuse_all(const struct mistake *mistakes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		refuse(mistakes[i].text, mistakes[i].line, mistakes[i].said);
}

#define REFUSE_ALL(mistakes) refuse_all(mistakes, sizeof(mistakes) / sizeof((mistakes)[0]))

static void unknown_names_are_refused_with_a_suggestion(void **state)
{
	static const struct mistake mistakes[] = {
		{ "\nportal = 1;", 2, "did you mean portals?" },
		{ "xyzzy = 1;", 1, "\"xyzzy\" is unknown here; see mpio.conf(5)" },
		{ "timers = {\n\n no_pth_timeout = 1; };", 3, "did you mean no_path_timeout?" },
		{ "timers = { no-path-timeout = 1; };", 1, "did you mean no_path_timeout?" },
		{ "timers = { alias = \"x\"; };", 1, "\"alias\" is unknown here" },
		{ "queue_depth = 3;", 1, "\"queue_depth\" belongs into" },
		{ "luns = ( {\n alais = \"x\"; } );", 2, "did you mean alias?" },
		{ "luns = ( { wwid = \"" WWID "\"; paths = (\n{ protal = \"h\"; } ); } );", 2,
		  "did you mean portal?" },
		{ "hardware = ( { vender = \"x\"; product = \"*\"; } );", 1,
		  "did you mean vendor?" },
		{ "claims = { autoclaim = true; };", 1, "did you mean auto_claim?" },
		{ "metrics = { lisen = \"h:1\"; };", 1, "did you mean listen?" },
		{ "portals = ( { portal = \"h\"; pasword = \"x\"; } );", 1,
		  "did you mean password?" },
		{ "targets = ( { target = \"" IQN "\"; portal = \"h\"; } );", 1,
		  "did you mean portals?" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void wrong_types_are_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ "initiator = 5;", 1, "initiator: a string is expected here, not a number" },
		{ "timers = 5;", 1, "timers: a group { ... } is expected here, not a number" },
		{ "timers = ( 5 );", 1, "timers: a group { ... } is expected here, not a list" },
		{ "luns = { };", 1, "luns: a list ( ... ) is expected here, not a group" },
		{ "luns = (\n\"x\" );", 2, "luns: a group { ... } is expected here, not a string" },
		{ "portals = [ 1 ];", 1, "portals: a string is expected" },
		{ "timers = { no_path_timeout = { }; };", 1, "a value is expected here" },
		{ "timers = { path_verify = 2; };", 1, "path_verify: \"2\" is not one of" },
		{ "timers = { retry_count = true; };", 1, "retry_count: \"yes\" is not in" },
		{ "timers = { retry_count = 1.5; };", 1, "retry_count: \"1.5\" is not in" },
		{ "claims = { auto_claim = 1; };", 1, "true or false is expected" },
		{ "luns = ( { alias = \"a\"; paths = ( { portal = \"h\"; target = \"" IQN "\";"
		  " lun = \"1\"; } ); } );", 1, "lun: a whole number is expected" },
		{ "runtime_dir = \"run\";", 1, "\"run\" is not an absolute path" },
		{ "dsm_path = [ \"/a\", \"b\" ];", 1, "\"b\" is not an absolute path" },
		{ "dsm_path = \"/a:/b\";", 1, "with a colon" },
		{ "initiator = \"\";", 1, "initiator is empty" },
		{ "initiator = \"host\";", 1, "\"host\" is not an iSCSI name" },
		{ "portals = [ \"a b\" ];", 1, "\"a b\" is no host name" },
		{ "portals = [ \"h:0\" ];", 1, "the port is not a number" },
		{ "metrics = { listen = \"localhost\"; };", 1, "listen takes HOST:PORT" },
		{ "luns = ( { wwid = \"6001405\"; } );", 1, "\"6001405\" is no WWID" },
		{ "hardware = ( { vendor = \"a||b\"; product = \"*\"; } );", 1, "an empty part" },
		{ "hardware = ( { vendor = \"[a\"; product = \"*\"; } );", 1, "a [ without its ]" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void values_out_of_range_are_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ "timers = {\n no_path_timeout = \"8000min\";\n retry_count = 501; };", 3,
		  "retry_count: \"501\" is not in the range 0 to 500" },
		{ "timers = { retry_count = -1; };", 1, "retry_count: \"-1\" is not in" },
		{ "defaults = { policy = \"fastest\"; };", 1, "policy: \"fastest\" is not one of" },
		{ "defaults = { failback = \"later\"; };", 1, "failback: \"later\"" },
		{ "luns = ( { wwid = \"" WWID "\"; queue_depth = 0; } );", 1,
		  "queue_depth: \"0\" is not in the range 1 to 128" },
		{ "luns = ( { alias = \"a\"; paths = ( { portal = \"h\"; target = \"" IQN "\";"
		  " lun = 16384; } ); } );", 1, "lun: 16384 is not in the range 0 to 16383" },
		{ "luns = ( { wwid = \"" WWID "\"; paths = ( { portal = \"h\"; weight = -1; } ); "
		  "} );", 1, "weight: -1 is not in" },
		/* libconfig by itself makes 0, 3, 8 and 0 of these. */
		{ "timers = {\n no_path_timeout = 99999999999999999999; };", 2, "too large" },
		{ "timers = { retry_count = 4294967299; };", 1, "too large a number" },
		{ "timers = { retry_count = 010; };", 1, "octal" },
		{ "timers = { retry_count = 0xfffffffff; };", 1, "too large a number" },
		{ "timers = { retry_count = 9999999999999999999L; };", 1, "too large" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void what_is_said_twice_is_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ "initiator = \"" IQN "\";\ninitiator = \"" IQN "\";", 2, "duplicate" },
		{ "timers = { retry_count = 1; };\ndefaults = { retry_count = 1; };", 2,
		  "retry_count is given twice" },
		{ "portals = ( \"h\",\n\"H:3260\" );", 2, "there already, in line 1" },
		{ "targets = ( { target = \"" IQN "\"; },\n{ target = \"" IQN "\"; } );", 2,
		  "target " IQN " is there already, in line 1" },
		{ "targets = ( { target = \"" IQN "\"; portals = [ \"h\",\n\"h\" ]; } );", 2,
		  "there already" },
		{ "hardware = ( { vendor = \"A\"; product = \"*\"; },\n"
		  "{ vendor = \"a\"; product = \"*\"; } );", 2, "there already, in line 1" },
		{ "luns = ( { alias = \"a\"; wwid = \"" WWID "\"; },\n"
		  "{ alias = \"A\"; wwid = \"eui.0014050000000001\"; } );", 2,
		  "alias A is there already, in line 1" },
		{ "luns = ( { alias = \"a\"; wwid = \"" WWID "\"; },\n"
		  "{ alias = \"b\"; wwid = \"360014050000000000000000000000001\"; } );", 2,
		  WWID " is there already, in line 1" },
		{ "luns = ( { alias = \"a\"; paths = ( \"iscsi://h/" IQN "/1\",\n"
		  "{ portal = \"h:3260\"; target = \"" IQN "\"; lun = 1; } ); } );", 2,
		  "this path is there already" },
		{ "portals = ( { portal = \"h\"; user = \"u\"; password = \"a\";\n"
		  "password_file = \"b\"; } );", 2, "other files cannot be read" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void luns_that_make_no_sense_are_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ "luns = ( { } );", 1, "needs its alias or its wwid" },
		{ "luns = (\n{ alias = \"a\"; } );", 2, "needs its wwid, or its paths" },
		{ "luns = ( { alias = \"a\"; paths = ( { portal = \"h\"; } ); } );", 1,
		  "without its wwid" },
		{ "luns = ( { alias = \"5\"; wwid = \"" WWID "\"; } );", 1, "alias \"5\"" },
		{ "luns = ( { alias = \"a/b\"; wwid = \"" WWID "\"; } );", 1, "alias \"a/b\"" },
		{ "luns = ( { alias = \".a\"; wwid = \"" WWID "\"; } );", 1, "alias \".a\"" },
		{ "luns = ( { alias = \"" WWID "\"; wwid = \"" WWID "\"; } );", 1, "nor a WWID" },
		{ "luns = ( { wwid = \"" WWID "\"; paths = ( { weight = 1; } ); } );", 1,
		  "needs its url, or its portal" },
		{ "luns = ( { wwid = \"" WWID "\"; paths = ( { portal = \"h\"; lun = 1; } ); } );",
		  1, "lun needs its target" },
		{ "luns = ( { wwid = \"" WWID "\"; paths = ( { portal = \"h\"; },\n"
		  "\"iscsi://h/" IQN "/1\" ); } );", 2, "either all paths" },
		{ "luns = ( { alias = \"a\"; paths = ( { url = \"iscsi://h/" IQN "/1\";"
		  " lun = 1; } ); } );", 1, "cannot be given beside it" },
		{ "luns = ( { alias = \"a\"; paths = ( \"iscsi://h/" IQN "/1,preferred\",\n"
		  "\"iscsi://i/" IQN "/1,preferred\" ); } );", 1, "2 paths are preferred" },
		{ "luns = ( { alias = \"a\"; paths = ( \"iscsi://h/" IQN "/1,standby\" ); } );", 1,
		  "all paths are standby" },
		{ "luns = ( { alias = \"a\"; paths = ( \"http://h\" ); } );", 1,
		  "does not start with iscsi://" },
		{ "luns = ( { alias = \"a\"; paths = ( \"iscsi://u@h/" IQN "/1\" ); } );", 1,
		  "a user but no password" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void more_than_32_paths_are_refused(void **state)
{
	char text[8192] = "luns = ( { alias = \"a\"; paths = (\n";

	(void)state;
	for (int i = 0; i <= MPIO_MAX_PATHS; i++)
		sprintf(text + strlen(text), "%s\"iscsi://h%d/" IQN "/1\"", i ? ",\n" : "", i);
	strcat(text, " ); } );");
	refuse(text, 2 + MPIO_MAX_PATHS, "more than 32 paths");
}

static void half_a_login_is_refused(void **state)
{
	static const struct mistake mistakes[] = {
		{ "portals = (\n{ portal = \"h\"; user = \"u\"; } );", 2, "user and password" },
		{ "portals = ( { portal = \"h\"; password = \"p\"; } );", 1, "user and password" },
		{ "portals = ( { user = \"u\"; password = \"p\"; } );", 1, "portal is missing" },
		{ "targets = ( { target = \"" IQN "\"; target_user = \"t\";"
		  " target_password = \"p\"; } );", 1, "target_user needs user" },
		{ "targets = ( { target = \"" IQN "\"; user = \"u\"; password = \"p\";"
		  " target_user = \"t\"; } );", 1, "target_user and target_password" },
		{ "targets = ( { user = \"u\"; password = \"p\"; } );", 1, "target is missing" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
}

static void broken_syntax_is_refused_in_its_line(void **state)
{
	static const struct mistake mistakes[] = {
		{ "timers = {\n retry_count = ;\n};", 2, "syntax error" },
		{ "metrics = {\n listen \"h:1\"\n", 2, "syntax error" },
		{ "a = 1;\nb = \"no end", 2, "this string has no end" },
		{ "a = 1;\n\n/* no end", 3, "this comment has no end" },
		{ "@include \"x\"\n", 1, "@include \"x\": not here" },
		{ "\n@include x\n", 2, "in quotes" },
	};

	(void)state;
	REFUSE_ALL(mistakes);
	assert_refused(config_parse("a = 1;\0b", 8, &config, (anew(), &errors)), 1, "a NUL byte");
}

static void all_errors_are_told_at_once(void **state)
{
	(void)state;
	refuse("initiator = 5;\nluns = ( { alias = \"a\"; } );\ntimers = { x = 1; };", 1, "string");
	assert_int_equal(errors.count, 3);
	assert_int_equal(errors.list[1].line, 2);
	assert_int_equal(errors.list[2].line, 3);
}

/* Strings hold what looks like a number or a comment. */
static void strings_are_left_alone(void **state)
{
	(void)state;
	parse("timers = { io_timeout = \"010\"; };\n"
	      "hardware = ( { vendor = \"/* 099999999999 \\\" @include\"; product = \"#//\"; } );");
	assert_int_equal(config->defaults.settings.io_timeout_ms, 10000);
}

/*
 * Files
 */

static char directory[] = "/tmp/mpio-test-config.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static const char *const files[] = {
	"main", "included", "secret", "loop", NULL
};

static char *path_of(const char *name)
{
	static char path[2][128];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
	return path[turn];
}

static int remove_directory(void **state)
{
	(void)state;
	for (const char *const *file = files; *file; file++)
		unlink(path_of(*file));
	return rmdir(directory);
}

static void write_file(const char *name, mode_t mode, const char *text)
{
	FILE *f;

	unlink(path_of(name));
	f = fopen(path_of(name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static int load(void)
{
	anew();
	return config_load(path_of("main"), &config, &errors);
}

#define CHAP "targets = ( { target = \"" IQN "\"; user = \"u\"; "

static void secrets_come_from_a_file_beside_it(void **state)
{
	(void)state;
	write_file("main", 0644, CHAP "password_file = \"secret\"; } );");
	write_file("secret", 0600, "s3cret\nsecond line\n");
	assert_int_equal(load(), 0);
	assert_string_equal(config->targets[0].chap.password, "s3cret");
}

static void secrets_that_everybody_can_read_are_refused(void **state)
{
	(void)state;
	write_file("main", 0644, "\n" CHAP "password = \"p\"; } );");
	assert_refused(load(), 2, "everybody can read it");
	write_file("main", 0640, "\n" CHAP "password = \"p\"; } );");
	assert_int_equal(load(), 0);
	write_file("main", 0644, CHAP "password_file = \"secret\"; } );");
	write_file("secret", 0604, "s3cret\n");
	assert_refused(load(), 1, "everybody can read");
	/* It is the included file that counts, if that has it. */
	write_file("main", 0600, "@include \"included\"\n");
	write_file("included", 0644, "\n\n" CHAP "password = \"p\"; } );");
	assert_refused(load(), 3, "everybody can read it");
	assert_non_null(strstr(errors.list[0].file, "included"));
	write_file("included", 0640, "\n\n" CHAP "password = \"p\"; } );");
	assert_int_equal(load(), 0);
	write_file("main", 0644, "luns = ( { alias = \"a\"; paths = ( \"iscsi://u%p@h/" IQN
		   "/1\" ); } );");
	assert_refused(load(), 1, "there is a password in this URL");
}

static void secrets_that_are_none_are_refused(void **state)
{
	(void)state;
	write_file("main", 0644, CHAP "password_file = \"secret\"; } );");
	unlink(path_of("secret"));
	assert_refused(load(), 1, "No such file");
	write_file("secret", 0600, "\n");
	assert_refused(load(), 1, "a password has 1 to 255 bytes");
	write_file("main", 0644, CHAP "password_file = \".\"; } );");
	assert_refused(load(), 1, "Is a directory");
	write_file("main", 0600, CHAP "password = \"p\"; password_file = \"secret\"; } );");
	write_file("secret", 0600, "x");
	assert_refused(load(), 1, "given twice");
}

static void included_files_count_and_have_their_own_lines(void **state)
{
	(void)state;
	write_file("main", 0644, "initiator = \"" IQN "\";\n@include \"included\"\n"
		   "metrics = { };\n");
	write_file("included", 0644, "timers = {\n retry_count = 7;\n};\n");
	assert_int_equal(load(), 0);
	assert_int_equal(config->defaults.settings.retry_count, 7);

	write_file("included", 0644, "timers = {\n retry_count = 700;\n};\n");
	assert_refused(load(), 2, "retry_count");
	assert_string_equal(errors.list[0].file, path_of("included"));
	write_file("included", 0644, "timers = {\n retry_count = 07;\n};\n");
	assert_refused(load(), 2, "octal");
	assert_string_equal(errors.list[0].file, path_of("included"));
	write_file("included", 0644, "timers = {\n retry_count = ;\n};\n");
	assert_refused(load(), 2, "syntax error");
	assert_string_equal(errors.list[0].file, path_of("included"));
}

/* libconfig ends the process for the first of these. */
static void what_cannot_be_included_is_refused(void **state)
{
	(void)state;
	write_file("main", 0644, "\n@include \".\"\n");
	assert_refused(load(), 2, "@include \".\": Is a directory");
	write_file("main", 0644, "@include \"nothing\"\n");
	assert_refused(load(), 1, "@include \"nothing\": No such file");
	write_file("main", 0644, "@include \"/dev/null\"\n");
	assert_refused(load(), 1, "not a file");
	write_file("main", 0644, "@include \"*.conf\"\n");
	assert_refused(load(), 1, "wildcards");
	write_file("main", 0644, "@include \"loop\"\n");
	write_file("loop", 0644, "@include \"loop\"\n@include \"loop\"\n");
	assert_refused(load(), 1, "without end");
	/* A string that began in another file. */
	write_file("main", 0644, "@include \"included\"\n\";");
	write_file("included", 0644, "initiator = \"x\n");
	assert_refused(load(), 1, "this string has no end");
}

static void a_file_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	unlink(path_of("main"));
	assert_refused(load(), 0, "No such file or directory");
	anew();
	assert_refused(config_load(directory, &config, &errors), 0, "Is a directory");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest texts[] = {
		TEST(nothing_is_a_configuration),
		TEST(every_section_arrives),
		TEST(a_lun_is_found_by_every_spelling_of_its_name),
		TEST(paths_are_urls_or_parts),
		TEST(unknown_names_are_refused_with_a_suggestion),
		TEST(wrong_types_are_refused),
		TEST(values_out_of_range_are_refused),
		TEST(what_is_said_twice_is_refused),
		TEST(luns_that_make_no_sense_are_refused),
		TEST(more_than_32_paths_are_refused),
		TEST(half_a_login_is_refused),
		TEST(broken_syntax_is_refused_in_its_line),
		TEST(all_errors_are_told_at_once),
		TEST(strings_are_left_alone),
	};
	const struct CMUnitTest on_disk[] = {
		TEST(secrets_come_from_a_file_beside_it),
		TEST(secrets_that_everybody_can_read_are_refused),
		TEST(secrets_that_are_none_are_refused),
		TEST(included_files_count_and_have_their_own_lines),
		TEST(what_cannot_be_included_is_refused),
		TEST(a_file_that_cannot_be_read_is_an_error),
	};
	int failed = cmocka_run_group_tests_name("texts", texts, NULL, NULL);

	return failed + cmocka_run_group_tests_name("files", on_disk, make_directory,
						    remove_directory);
}
