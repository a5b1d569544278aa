// SPDX-License-Identifier: LGPL-2.1-or-later
/* Modules that are shared objects: which are loaded, in which order, and what
 * crosses the API. The files are copies of what dsm_module.c is compiled to. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "modules.h"
#include "scripted_dsm.h"
#include "status.h"

static char directory[64];
static struct modules *modules;
static unsigned int refusals;
static char last_refused[512], last_reason[512];

static void refused(void *opaque, const char *file, const char *reason)
{
	(void)opaque;
	refusals++;
	snprintf(last_refused, sizeof last_refused, "%s", file);
	snprintf(last_reason, sizeof last_reason, "%s", reason);
}

/* In the test's own directory, or FORMAT's place. */
__attribute__((format(printf, 1, 2)))
static const char *in_place(const char *format, ...)
{
	static char path[256];
	va_list args;
	int used = snprintf(path, sizeof path, "%s/", directory);

	va_start(args, format);
	vsnprintf(path + used, sizeof path - (size_t)used, format, args);
	va_end(args);
	return path;
}

/* Copies the module that was compiled as NAME to PLACE. */
static void install(const char *name, const char *place)
{
	const char *build = getenv("MPIO_BUILDDIR");
	char from[512], buffer[65536];
	FILE *in, *out;
	size_t n;

	assert_non_null(build);         /* start me with ./run */
	snprintf(from, sizeof from, "%s/tests/unit/.libs/%s.so", build, name);
	in = fopen(from, "r");
	out = fopen(in_place("%s", place), "w");
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(buffer, 1, sizeof buffer, in)) > 0)
		assert_int_equal(fwrite(buffer, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(in_place("%s", place), 0644), 0);
}

static int prepare_directory(void **state)
{
	const char *tmp = getenv("TMPDIR");

	prepare(state);
	snprintf(directory, sizeof directory, "%.40s/mpio-dsm.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(directory));
	modules = modules_new();
	assert_non_null(modules);
	refusals = 0;
	*last_refused = *last_reason = '\0';
	return 0;
}

/* Removes the files in PLACE. */
static void empty(const char *place)
{
	DIR *dir = opendir(place);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static int remove_directory(void **state)
{
	static const char *const places[] = { "a", "b", "." };

	teardown(state);
	modules_free(modules);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		empty(in_place("%s", places[i]));
	rmdir(in_place("a"));
	rmdir(in_place("b"));
	assert_int_equal(rmdir(directory), 0);
	return 0;
}

static void load(const char *path)
{
	char error[256];

	assert_int_equal(modules_load(modules, path, refused, NULL, error, sizeof error), 0);
}

/* The loaded modules' names, a blank behind each. */
static const char *names(void)
{
	static char text[256];
	size_t count;
	const struct dsm_ops *const *dsms = modules_dsms(modules, &count);

	*text = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(text, dsms[i]->name);
		strcat(text, " ");
	}
	return text;
}

static void expect_refusal(const char *module, const char *place, const char *reason)
{
	install(module, place);
	load(directory);
	assert_string_equal(names(), "");
	assert_int_equal(refusals, 1);
	assert_string_equal(last_refused, in_place("%s", place));
	if (!strstr(last_reason, reason))
		fail_msg("\"%s\" does not say \"%s\"", last_reason, reason);
}

/*
 * Loading
 */

static void modules_are_asked_in_the_order_of_their_files_names(void **state)
{
	(void)state;
	install("dsm_module", "2-alpha.so");
	install("dsm_module", "1-beta.so");
	install("dsm_module", "B-gamma.so");
	install("dsm_module", "0-notes.txt");
	install("dsm_module", ".0-hidden.so");
	load(directory);
	assert_string_equal(names(), "beta alpha gamma ");
	assert_int_equal(refusals, 0);
}

static void directories_are_taken_as_given(void **state)
{
	char path[256];

	(void)state;
	assert_int_equal(mkdir(in_place("a"), 0755), 0);
	assert_int_equal(mkdir(in_place("b"), 0755), 0);
	install("dsm_module", "a/1-alpha.so");
	install("dsm_module", "b/1-beta.so");
	snprintf(path, sizeof path, "%s/b::%s/a:", directory, directory);
	load(path);
	assert_string_equal(names(), "beta alpha ");
}

static void directory_that_is_not_there_is_an_error(void **state)
{
	char error[256];

	(void)state;
	assert_int_equal(modules_load(modules, in_place("a"), refused, NULL, error,
				      sizeof error), -ENOENT);
	assert_non_null(strstr(error, in_place("a")));
	assert_int_equal(modules_load(modules, "", refused, NULL, error, sizeof error), 0);
}

static void second_module_of_a_name_is_refused(void **state)
{
	(void)state;
	install("dsm_module", "1-alpha.so");
	install("dsm_module", "2-alpha.so");
	install("dsm_module", "3-beta.so");
	load(directory);
	assert_string_equal(names(), "alpha beta ");
	assert_int_equal(refusals, 1);
	assert_string_equal(last_refused, in_place("2-alpha.so"));
	assert_non_null(strstr(last_reason, "it is called alpha like"));
	assert_non_null(strstr(last_reason, in_place("1-alpha.so")));
}

static void another_version_of_the_api_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-version.so", "it has version 2 of the API, we have 1");
}

static void module_that_is_too_short_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-short.so", "its struct mpio_dsm has 16 bytes");
}

static void module_of_a_later_time_may_have_more(void **state)
{
	(void)state;
	install("dsm_module", "1-long.so");
	load(directory);
	assert_string_equal(names(), "long ");
}

static void module_that_gives_nothing_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-null.so", "gave nothing");
}

static void module_without_its_function_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_nosymbol", "1-alpha.so", "no function mpio_dsm_init");
}

static void module_that_can_claim_nothing_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-noclaim.so", "no claim function");
}

static void module_of_half_a_verification_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-half.so", "only one of verify and verify_answer");
}

static void module_of_our_name_is_refused(void **state)
{
	(void)state;
	expect_refusal("dsm_module", "1-generic.so", "the name generic is ours");
}

static void name_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"1-nameless.so", "1-Alpha.so", "1-a b.so", "1-.so",
		"1-abcdefghijklmnopqrstuvwxyz123456.so",
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		expect_refusal("dsm_module", bad[i], "its name is not 1 to 31 of");
		empty(directory);
		refusals = 0;
	}
}

static void module_with_undefined_symbols_is_refused_at_once(void **state)
{
	(void)state;
	expect_refusal("dsm_undefined", "1-alpha.so", "mpio_is_nowhere");
}

static void file_that_is_no_module_is_refused(void **state)
{
	FILE *f = fopen(in_place("1-text.so"), "w");

	(void)state;
	fputs("not ELF\n", f);
	fclose(f);
	load(directory);
	assert_int_equal(refusals, 1);
	assert_non_null(strstr(last_reason, "1-text.so"));
}

/*
 * Whose file it is
 */

static void needs_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void root_refuses_what_others_may_write_to(void **state)
{
	static const mode_t modes[] = { 0666, 0664, 0646 };

	(void)state;
	needs_root();
	install("dsm_module", "1-alpha.so");
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(chmod(in_place("1-alpha.so"), modes[i]), 0);
		load(directory);
		assert_string_equal(names(), "");
		assert_int_equal(refusals, i + 1);
		assert_non_null(strstr(last_reason, "others than root may write to it"));
	}
	assert_int_equal(chmod(in_place("1-alpha.so"), 0644), 0);
	load(directory);
	assert_string_equal(names(), "alpha ");
}

static void root_refuses_what_belongs_to_others(void **state)
{
	(void)state;
	needs_root();
	install("dsm_module", "1-alpha.so");
	assert_int_equal(chown(in_place("1-alpha.so"), 65534, 0), 0);
	load(directory);
	assert_string_equal(names(), "");
	assert_non_null(strstr(last_reason, "belongs to user 65534"));
}

static void root_refuses_what_others_could_exchange(void **state)
{
	char link[256];

	(void)state;
	needs_root();
	install("dsm_module", "1-alpha.so");
	assert_int_equal(chmod(directory, 0777), 0);
	load(directory);
	assert_string_equal(names(), "");
	assert_non_null(strstr(last_reason, "its directory"));
	/* Nor by a link from a directory that is safe. */
	assert_int_equal(mkdir(in_place("a"), 0755), 0);
	snprintf(link, sizeof link, "%s", in_place("a/1-alpha.so"));
	assert_int_equal(symlink(in_place("1-alpha.so"), link), 0);
	load(in_place("a"));
	assert_string_equal(names(), "");
	assert_int_equal(refusals, 2);
	assert_non_null(strstr(last_reason, "its directory"));
}

/*
 * What crosses the API
 */

static void start_alpha(void)
{
	size_t count;
	const struct dsm_ops *const *dsms;

	install("dsm_module", "1-beta.so");
	install("dsm_module", "2-alpha.so");
	load(directory);
	dsms = modules_dsms(modules, &count);
	start(dsms, count);
}

static int write_at(uint64_t lba)
{
	memset(block, (int)lba, sizeof block);
	return fake_io(&fake, REQUEST_WRITE, lba, 1, block);
}

static uint64_t writes(unsigned int i)
{
	return path(i)->counters.ops[PATH_OP_WRITE];
}

static void loaded_module_claims_its_units_and_no_others(void **state)
{
	(void)state;
	start_alpha();
	assert_string_equal(fake.device->dsm->name, "alpha");
	assert_int_equal(fake.device->fence_strength, FENCE_VERIFIED);
	assert_int_equal(device_usable_paths(fake.device), 2);
}

static void reasons_of_loaded_modules_are_told(void **state)
{
	(void)state;
	unit->vendor = "NOBODY";
	unit->version = 4;
	start_alpha();
	assert_non_null(strstr(path(0)->last_error,
			       "beta: NOBODY ARRAY SN1 naa.60014050000000000000000000000001"));
	assert_non_null(strstr(path(0)->last_error, "alpha: NOBODY"));
}

static void memory_is_kept_from_pick_to_pick(void **state)
{
	(void)state;
	start_alpha();
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(write_at(i), 0);
	assert_int_equal(writes(0), 5);
	assert_int_equal(writes(1), 5);
	assert_int_equal(fake.device->dsm_memory[7], 10);
}

static void picks_that_cannot_be_are_told(void **state)
{
	(void)state;
	start_alpha();
	assert_int_equal(write_at(100), 0);
	assert_true(fake_saw(&fake, "no-path"));
	assert_int_equal(write_at(101), 0);
	assert_true(fake_saw(&fake, "bogus-path"));
	assert_non_null(strstr(fake.last_reason, "DSM alpha gave path number 2 of 2"));
}

static void paths_and_commands_are_described_to_the_module(void **state)
{
	(void)state;
	start_alpha();
	assert_int_equal(write_at(102), 0);
	assert_int_equal(write_at(102), 0);
	assert_int_equal(writes(1), 2);
}

static int write_answered(uint8_t ascq)
{
	fake.nexuses[0].script_len = fake.nexuses[0].script_done = 0;
	fake.nexuses[1].script_len = fake.nexuses[1].script_done = 0;
	script_both((struct fake_answer) { .status = SAM_STATUS_CHECK_CONDITION, .key = 9,
					   .asc = 0x80, .ascq = ascq }, 1);
	return write_at(3);
}

static void verdicts_cross_the_api(void **state)
{
	(void)state;
	start_alpha();
	/* Left to the generic module: once more on another path. */
	assert_int_equal(write_answered(0), 0);
	assert_int_equal(write_answered(1), -ENOSPC);
	assert_true(strstr(path(0)->last_error, "alpha knows") ||
		    strstr(path(1)->last_error, "alpha knows"));
	assert_false(fake_saw(&fake, "dsm-fault"));
	assert_int_equal(write_answered(2), 0);
	assert_true(fake_saw(&fake, "dsm-fault"));
	assert_int_equal(write_answered(3), 0);
	assert_int_equal(fake.device->dsm_faults[DSM_FAULT_VERDICT], 4);
}

static void question_and_answer_cross_the_api(void **state)
{
	static const uint8_t page[FAKE_VENDOR_PAGE_LEN] = { 0, 0xc0, 0, 4, 0 };

	(void)state;
	unit->vendor_page = page;
	start_alpha();
	assert_int_equal(path(0)->state, PATH_FAILED);
	assert_non_null(strstr(path(0)->last_error, "alpha saw byte 4"));
	assert_int_equal(path(1)->state, PATH_ACTIVE_OPTIMIZED);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, prepare_directory, remove_directory)
	const struct CMUnitTest tests[] = {
		TEST(modules_are_asked_in_the_order_of_their_files_names),
		TEST(directories_are_taken_as_given),
		TEST(directory_that_is_not_there_is_an_error),
		TEST(second_module_of_a_name_is_refused),
		TEST(another_version_of_the_api_is_refused),
		TEST(module_that_is_too_short_is_refused),
		TEST(module_of_a_later_time_may_have_more),
		TEST(module_that_gives_nothing_is_refused),
		TEST(module_without_its_function_is_refused),
		TEST(module_that_can_claim_nothing_is_refused),
		TEST(module_of_half_a_verification_is_refused),
		TEST(module_of_our_name_is_refused),
		TEST(name_that_is_none_is_refused),
		TEST(module_with_undefined_symbols_is_refused_at_once),
		TEST(file_that_is_no_module_is_refused),
		TEST(root_refuses_what_others_may_write_to),
		TEST(root_refuses_what_belongs_to_others),
		TEST(root_refuses_what_others_could_exchange),
		TEST(loaded_module_claims_its_units_and_no_others),
		TEST(reasons_of_loaded_modules_are_told),
		TEST(memory_is_kept_from_pick_to_pick),
		TEST(picks_that_cannot_be_are_told),
		TEST(paths_and_commands_are_described_to_the_module),
		TEST(verdicts_cross_the_api),
		TEST(question_and_answer_cross_the_api),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
