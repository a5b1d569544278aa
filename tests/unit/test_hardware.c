// SPDX-License-Identifier: LGPL-2.1-or-later
/* The built-in table of arrays, and the patterns by which units match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hardware.h"
#include "layer.h"

static const struct hardware *find_sample(const char *sample)
{
	char vendor[32];
	const char *slash = strchr(sample, '/');

	assert_non_null(slash);
	snprintf(vendor, sizeof(vendor), "%.*s", (int)(slash - sample), sample);
	/* What INQUIRY has room for. */
	assert_in_range(strlen(vendor), 1, 8);
	assert_in_range(strlen(slash + 1), 1, 16);
	return hardware_find(vendor, slash + 1);
}

/* A row behind one that takes all its units would never count. */
static void every_row_is_reached_by_its_sample(void **state)
{
	size_t count;
	const struct hardware *table = hardware_all(&count);

	(void)state;
	assert_true(count > 50);
	for (size_t i = 0; i < count; i++) {
		const struct hardware *found = find_sample(table[i].sample);

		if (found != &table[i])
			fail_msg("%s is found as %s", table[i].sample,
				 found ? found->name : "nothing");
	}
}

static void every_row_is_well_formed(void **state)
{
	size_t count;
	const struct hardware *table = hardware_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct hardware *row = &table[i];

		assert_null(hardware_pattern_error(row->vendor));
		assert_null(hardware_pattern_error(row->product));
		assert_true(*row->name && *row->source);
		assert_in_range(row->fence, HARDWARE_FENCE_NONE, HARDWARE_FENCE_VERIFIED);
		/* What was tried says how, what fails says why. */
		if (row->fence != HARDWARE_FENCE_ASSUMED)
			assert_non_null(row->fence_note);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(row->name, table[j].name);
	}
}

/* "key=value key=value", each an option with a value it takes, none twice. */
static void every_row_sets_options_that_exist(void **state)
{
	size_t count;
	const struct hardware *table = hardware_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		char text[128], error[512], *rest = text, *word;
		struct layer layer;

		layer_init(&layer);
		assert_true(strlen(table[i].options) < sizeof(text));
		strcpy(text, table[i].options);
		while ((word = strsep(&rest, " ")) && *text) {
			char *value = strchr(word, '=');
			const struct option *option;

			assert_non_null(value);
			*value++ = '\0';
			option = option_find(word);
			assert_non_null(option);
			assert_string_equal(option->name, word);
			assert_false(layer_has(&layer, option));
			if (layer_set(&layer, option, value, error, sizeof(error)))
				fail_msg("%s: %s", table[i].name, error);
		}
	}
}

static void known_arrays_are_found(void **state)
{
	(void)state;
	assert_string_equal(hardware_find("IET", "VIRTUAL-DISK")->name, "tgt");
	assert_int_equal(hardware_find("IET     ", "VIRTUAL-DISK    ")->fence,
			 HARDWARE_FENCE_VERIFIED);
	assert_string_equal(hardware_find("LIO-ORG", "TCMU device")->name,
			    "Ceph iSCSI gateway");
	assert_string_equal(hardware_find("LIO-ORG", "block0")->name, "LIO, targetcli");
	assert_string_equal(hardware_find("HPE", "MSA 2050 SAN")->name, "HPE MSA");
	assert_null(hardware_find("HPE", "MSA 2090 SAN"));
	assert_null(hardware_find("MPIO", "TESTARRAY"));
	assert_null(hardware_find("", ""));
}

static void patterns_match_the_whole_text(void **state)
{
	(void)state;
	assert_true(hardware_matches("ACME", "ACME"));
	assert_true(hardware_matches("acme", "ACME   "));
	assert_false(hardware_matches("ACME", "ACME2"));
	assert_false(hardware_matches("ACME", "XACME"));
	assert_true(hardware_matches("ACME*", "ACME2"));
	assert_true(hardware_matches("A|B?|C[12]", "b7"));
	assert_true(hardware_matches("A|B?|C[12]", "C2"));
	assert_false(hardware_matches("A|B?|C[12]", "C3"));
	assert_true(hardware_matches("[a|b]x", "|X"));
	assert_true(hardware_matches("[]|]", "|"));
	assert_true(hardware_matches("a\\|b", "A|B"));
	assert_true(hardware_matches("*", ""));
	assert_true(hardware_matches("R/Evo*", "R/Evolution"));
}

static void broken_patterns_are_named(void **state)
{
	static const char *const broken[] = { "", "|a", "a|", "a||b", "[a", "a|[", "\t", "\xc3\xa4" };
	static const char *const fine[] = { "a", "a|b", "[]a]", "[a|b]", "*", "\\[", "a\\|" };
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_non_null(hardware_pattern_error(broken[i]));
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_null(hardware_pattern_error(fine[i]));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(hardware_pattern_error(longest), "is too long");
	assert_false(hardware_matches(longest, "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_reached_by_its_sample),
		cmocka_unit_test(every_row_is_well_formed),
		cmocka_unit_test(every_row_sets_options_that_exist),
		cmocka_unit_test(known_arrays_are_found),
		cmocka_unit_test(patterns_match_the_whole_text),
		cmocka_unit_test(broken_patterns_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
