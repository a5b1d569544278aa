// SPDX-License-Identifier: LGPL-2.1-or-later
/* Which of several values of an option counts: LUN, hardware, global, default,
 * for each option by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "device_settings.h"
#include "fake.h"
#include "resolve.h"

#define WWID "naa.60014050000000000000000000000001"

static struct config *config;
static struct layer command_line;
static struct resolver resolver;
static struct settings settings;

static struct unit unit;

static int setup(void **state)
{
	(void)state;
	layer_init(&command_line);
	resolver = (struct resolver) { .command_line = &command_line };
	memset(&unit, 0, sizeof(unit));
	strcpy(unit.inquiry.vendor, "ACME");
	strcpy(unit.inquiry.product, "BOX 1");
	return identity_from_text(&unit.identity, WWID);
}

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	config = NULL;
	return 0;
}

static void configure(const char *text)
{
	struct config_errors errors = { 0 };

	config_free(config);
	assert_int_equal(config_parse(text, strlen(text), &config, &errors), 0);
	resolver.config = config;
}

static void on_command_line(const char *name, const char *value)
{
	char error[512];

	assert_int_equal(layer_set(&command_line, option_find(name), value, error,
				   sizeof(error)), 0);
}

static enum option_source resolve(const char *name)
{
	settings_init(&settings);
	return resolve_option(&resolver, &unit, option_find(name), &settings);
}

static void the_nearest_layer_counts(void **state)
{
	(void)state;
	assert_int_equal(resolve("queue_depth"), SOURCE_DEFAULT);
	assert_int_equal(settings.queue_depth, 64);

	configure("defaults = { queue_depth = 10; };");
	assert_int_equal(resolve("queue_depth"), SOURCE_GLOBAL);
	assert_int_equal(settings.queue_depth, 10);

	configure("defaults = { queue_depth = 10; };"
		  "hardware = ( { vendor = \"ACME\"; product = \"BOX*\"; queue_depth = 20; } );");
	assert_int_equal(resolve("queue_depth"), SOURCE_HARDWARE);
	assert_int_equal(settings.queue_depth, 20);

	configure("defaults = { queue_depth = 10; };"
		  "hardware = ( { vendor = \"ACME\"; product = \"BOX*\"; queue_depth = 20; } );"
		  "luns = ( { wwid = \"" WWID "\"; queue_depth = 30; } );");
	assert_int_equal(resolve("queue_depth"), SOURCE_LUN);
	assert_int_equal(settings.queue_depth, 30);

	on_command_line("queue-depth", "40");
	assert_int_equal(resolve("queue_depth"), SOURCE_LUN);
	assert_int_equal(settings.queue_depth, 40);
}

/* Whoever sets a policy for a LUN has said nothing about its timers. */
static void each_option_has_its_own_source(void **state)
{
	(void)state;
	configure("timers = { io_timeout = 11; nop_timeout = 12; };"
		  "hardware = ( { vendor = \"ACME\"; product = \"*\"; io_timeout = 21; } );"
		  "luns = ( { wwid = \"" WWID "\"; policy = \"failover-only\"; } );");
	assert_int_equal(resolve("policy"), SOURCE_LUN);
	assert_int_equal(resolve("io_timeout"), SOURCE_HARDWARE);
	assert_int_equal(resolve("nop_timeout"), SOURCE_GLOBAL);
	assert_int_equal(resolve("nop_interval"), SOURCE_DEFAULT);
	resolve_settings(&resolver, &unit, &settings);
	assert_string_equal(settings.policy, "failover-only");
	assert_int_equal(settings.io_timeout_ms, 21000);
	assert_int_equal(settings.nop_timeout_ms, 12000);
	assert_int_equal(settings.nop_interval_ms, 5000);
}

static void hardware_rows_count_in_their_order_and_only_where_they_match(void **state)
{
	(void)state;
	configure("hardware = ("
		  "{ vendor = \"OTHER\"; product = \"*\"; retry_count = 1; },"
		  "{ vendor = \"acme\"; product = \"CRATE|BOX 1\"; queue_depth = 2; },"
		  "{ vendor = \"ACME\"; product = \"*\"; queue_depth = 3; retry_count = 3; } );");
	assert_int_equal(resolve("queue_depth"), SOURCE_HARDWARE);
	assert_int_equal(settings.queue_depth, 2);
	assert_int_equal(resolve("retry_count"), SOURCE_HARDWARE);
	assert_int_equal(settings.retry_count, 3);
	strcpy(unit.inquiry.vendor, "NOBODY");
	assert_int_equal(resolve("queue_depth"), SOURCE_DEFAULT);
}

static void the_built_in_table_stands_behind_the_users_rows(void **state)
{
	(void)state;
	strcpy(unit.inquiry.vendor, "LIO-ORG");
	strcpy(unit.inquiry.product, "TCMU device");
	configure("defaults = { policy = \"round-robin\"; };");
	assert_int_equal(resolve("policy"), SOURCE_HARDWARE);
	assert_string_equal(settings.policy, "failover-only");
	assert_int_equal(resolve("failback"), SOURCE_HARDWARE);
	assert_int_equal(settings.failback, FAILBACK_AFTER);
	assert_int_equal(settings.failback_ms, 60000);

	configure("hardware = ( { vendor = \"LIO-ORG\"; product = \"*\";"
		  " policy = \"round-robin\"; } );");
	assert_int_equal(resolve("policy"), SOURCE_HARDWARE);
	assert_string_equal(settings.policy, "round-robin");
	/* Of which the user's row says nothing. */
	assert_int_equal(resolve("no_path_timeout"), SOURCE_HARDWARE);
	assert_int_equal(settings.no_path_timeout_ms, 300000);
}

/* As long as the unit is not known, neither is its hardware. */
static void without_a_unit_the_rest_counts(void **state)
{
	(void)state;
	configure("defaults = { queue_depth = 10; };"
		  "hardware = ( { vendor = \"*\"; product = \"*\"; queue_depth = 20; } );"
		  "luns = ( { wwid = \"" WWID "\"; queue_depth = 30; } );");
	resolve_settings(&resolver, NULL, &settings);
	assert_int_equal(settings.queue_depth, 10);
	resolver.lun = &config->luns[0];
	resolve_settings(&resolver, NULL, &settings);
	assert_int_equal(settings.queue_depth, 30);
}

static void a_layer_that_repeats_the_default_counts(void **state)
{
	(void)state;
	configure("defaults = { path_verify = false; };");
	on_command_line("path-verify", "yes");
	assert_int_equal(resolve("path_verify"), SOURCE_LUN);
	assert_true(settings.path_verify);
}

/* In the core: what a device does when it has met its unit. */
static void a_device_takes_what_its_hardware_needs(void **state)
{
	struct fake_unit *medium = fake_unit_new(1, 1024, 512);
	struct fake fake;
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "hardware = ( { vendor = \"%s\"; product = \"*\"; policy = "
		 "\"failover-only\"; queue_depth = 3; no_path_timeout = 77; } );",
		 medium->vendor);
	configure(text);
	fake_init(&fake, medium, 2, false, NULL);
	device_set_resolver(fake.device, resolve_device, &resolver);
	assert_string_equal(fake.device->policy_source, "default");
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 100);
	assert_true(device_is_ready(fake.device));
	assert_string_equal(fake.device->policy->name, "failover-only");
	assert_string_equal(fake.device->policy_source, "hardware");
	assert_int_equal(fake.device->settings.no_path_timeout_ms, 77000);
	assert_int_equal(fake.nexuses[1].transport.queue_depth, 3);
	fake_done(&fake);
	fake_unit_free(medium);
}

static void a_device_of_which_nothing_is_said_goes_by_symmetry(void **state)
{
	struct fake_unit *medium = fake_unit_new(1, 1024, 512);
	struct fake fake;

	(void)state;
	configure("timers = { retry_count = 9; };");
	fake_init(&fake, medium, 2, false, NULL);
	device_set_resolver(fake.device, resolve_device, &resolver);
	for (unsigned int i = 0; i < 2; i++)
		transport_start(&fake.nexuses[i].transport);
	fake_advance(&fake, 100);
	assert_string_equal(fake.device->policy->name, "round-robin");
	assert_string_equal(fake.device->policy_source, "default");
	assert_int_equal(fake.device->settings.retry_count, 9);
	fake_done(&fake);
	fake_unit_free(medium);
}

static void a_module_is_chosen_by_hardware(void **state)
{
	struct fake_unit *medium = fake_unit_new(1, 1024, 512);
	struct fake fake;
	char text[256];

	(void)state;
	configure("hardware = ( { vendor = \"ACME\"; product = \"X\"; dsm = \"x\"; },"
		  "{ vendor = \"ACME\"; product = \"*\"; queue_depth = 3; },"
		  "{ vendor = \"*\"; product = \"BOX*\"; dsm = \"acme\"; } );");
	assert_string_equal(resolve_dsm(&resolver, &unit), "acme");
	strcpy(unit.inquiry.product, "CRATE");
	assert_null(resolve_dsm(&resolver, &unit));

	/* No other may claim it. */
	snprintf(text, sizeof(text), "hardware = ( { vendor = \"%s\"; product = \"*\";"
		 " dsm = \"acme\"; } );", medium->vendor);
	configure(text);
	fake_init(&fake, medium, 1, false, NULL);
	mpath_set_dsm_choice(&fake.mpath, resolve_dsm, &resolver);
	transport_start(&fake.nexuses[0].transport);
	fake_advance(&fake, 100);
	assert_false(device_is_ready(fake.device));
	assert_non_null(strstr(fake.device->paths[0]->last_error, "DSM acme is wanted"));
	configure("hardware = ( { vendor = \"*\"; product = \"*\"; dsm = \"generic\"; } );");
	fake_advance(&fake, 20000);
	assert_true(device_is_ready(fake.device));
	fake_done(&fake);
	fake_unit_free(medium);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_layer_counts),
		TEST(each_option_has_its_own_source),
		TEST(hardware_rows_count_in_their_order_and_only_where_they_match),
		TEST(the_built_in_table_stands_behind_the_users_rows),
		TEST(without_a_unit_the_rest_counts),
		TEST(a_layer_that_repeats_the_default_counts),
		TEST(a_module_is_chosen_by_hardware),
		TEST(a_device_takes_what_its_hardware_needs),
		TEST(a_device_of_which_nothing_is_said_goes_by_symmetry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
