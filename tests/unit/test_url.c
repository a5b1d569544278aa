// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "url.h"

static struct iscsi_url_parts parts;
static char error[128];

static void parse(const char *text)
{
	error[0] = '\0';
	if (iscsi_url_parse(text, &parts, error, sizeof error))
		fail_msg("%s: %s", text, error);
}

static void assert_refused(const char *text, const char *why)
{
	assert_int_equal(iscsi_url_parse(text, &parts, error, sizeof error), -EINVAL);
	if (!strstr(error, why))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, error, why);
}

static void a_plain_url_has_defaults(void **state)
{
	(void)state;
	parse("iscsi://192.0.2.10/iqn.2026-11.org.example:array/1");
	assert_string_equal(parts.portal.host, "192.0.2.10");
	assert_int_equal(parts.portal.port, 3260);
	assert_string_equal(parts.target, "iqn.2026-11.org.example:array");
	assert_int_equal(parts.lun, 1);
	assert_string_equal(parts.user, "");
	assert_false(parts.has_password);
	assert_int_equal(parts.path.weight, 0);
	assert_false(parts.path.is_standby);
	assert_false(parts.path.is_preferred);
}

static void credentials_and_port_are_taken(void **state)
{
	(void)state;
	parse("iscsi://joe%s3cret@host.example:3261/iqn.2026-11.org.example:a/0");
	assert_string_equal(parts.user, "joe");
	assert_true(parts.has_password);
	assert_string_equal(parts.password, "s3cret");
	assert_string_equal(parts.portal.host, "host.example");
	assert_int_equal(parts.portal.port, 3261);

	parse("iscsi://joe@h/iqn.2026-11.org.example:a/0");
	assert_string_equal(parts.user, "joe");
	assert_false(parts.has_password);

	parse("iscsi://joe%a@b%c@h/iqn.2026-11.org.example:a/0");
	assert_string_equal(parts.password, "a@b%c");
	assert_string_equal(parts.portal.host, "h");
}

static void ipv6_needs_brackets_only_with_a_port(void **state)
{
	(void)state;
	parse("iscsi://[2001:db8::1]:3270/iqn.2026-11.org.example:a/7");
	assert_string_equal(parts.portal.host, "2001:db8::1");
	assert_int_equal(parts.portal.port, 3270);
	parse("iscsi://[fe80::1%eth0]/iqn.2026-11.org.example:a/7");
	assert_string_equal(parts.portal.host, "fe80::1%eth0");
	parse("iscsi://2001:db8::1/iqn.2026-11.org.example:a/7");
	assert_string_equal(parts.portal.host, "2001:db8::1");
	assert_int_equal(parts.portal.port, 3260);
}

static void path_options_follow_the_lun(void **state)
{
	(void)state;
	parse("iscsi://h/iqn.2026-11.org.example:a/16383,weight=10,preferred,standby");
	assert_int_equal(parts.lun, 16383);
	assert_int_equal(parts.path.weight, 10);
	assert_true(parts.path.is_preferred);
	assert_true(parts.path.is_standby);
	parse("iscsi://h/iqn.2026-11.org.example:a/1,weight=4294967295");
	assert_int_equal(parts.path.weight, UINT32_MAX);
}

static void target_names_may_be_percent_encoded(void **state)
{
	(void)state;
	parse("iscsi://h/iqn.2026-11.org.example%3Aarray%2D1/1");
	assert_string_equal(parts.target, "iqn.2026-11.org.example:array-1");
	assert_refused("iscsi://h/iqn.2026-11.org.example%00x/1", "no iSCSI name");
	assert_refused("iscsi://h/iqn.2026-11.org.example%3/1", "no iSCSI name");
	assert_refused("iscsi://h/iqn.2026-11.org.example%/1", "no iSCSI name");
	assert_refused("iscsi://h/iqn.2026-11.org.example%zz/1", "no iSCSI name");
}

static void malformed_urls_are_refused_with_the_reason(void **state)
{
	(void)state;
	assert_refused("", "does not start with");
	assert_refused("nbd://h/iqn.2026-11.org.example:a/1", "does not start with");
	assert_refused("iscsi://h", "not of the form");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a", "not of the form");
	assert_refused("iscsi:///iqn.2026-11.org.example:a/1", "no host name");
	assert_refused("iscsi://h h/iqn.2026-11.org.example:a/1", "no host name");
	assert_refused("iscsi://[::1/iqn.2026-11.org.example:a/1", "is missing");
	assert_refused("iscsi://[::1]3260/iqn.2026-11.org.example:a/1", "is missing");
	assert_refused("iscsi://h:/iqn.2026-11.org.example:a/1", "port");
	assert_refused("iscsi://h:0/iqn.2026-11.org.example:a/1", "port");
	assert_refused("iscsi://h:65536/iqn.2026-11.org.example:a/1", "port");
	assert_refused("iscsi://h:+1/iqn.2026-11.org.example:a/1", "port");
	assert_refused("iscsi://@h/iqn.2026-11.org.example:a/1", "user name");
	assert_refused("iscsi://%p@h/iqn.2026-11.org.example:a/1", "user name");
	assert_refused("iscsi://h/array/1", "no iSCSI name");
	assert_refused("iscsi://h//1", "no iSCSI name");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/-1", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/16384", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1x", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1?header_digest=crc32c", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/99999999999999999999", "LUN");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1,", "none of");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1,fast", "\"fast\"");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1,weight=", "none of");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1,weight=4294967296", "weight");
	assert_refused("iscsi://h/iqn.2026-11.org.example:a/1,weight=x", "weight");
}

static void what_is_too_long_is_refused(void **state)
{
	char text[2048], long_part[600];

	(void)state;
	memset(long_part, 'a', sizeof long_part - 1);
	long_part[sizeof long_part - 1] = '\0';
	snprintf(text, sizeof text, "iscsi://%s/iqn.2026-11.org.example:a/1", long_part);
	assert_refused(text, "too long");
	snprintf(text, sizeof text, "iscsi://%s@h/iqn.2026-11.org.example:a/1", long_part);
	assert_refused(text, "too long");
	snprintf(text, sizeof text, "iscsi://u%%%s@h/iqn.2026-11.org.example:a/1", long_part);
	assert_refused(text, "too long");
	snprintf(text, sizeof text, "iscsi://h/iqn.%s/1", long_part);
	assert_refused(text, "too long");
	/* 223 bytes is the longest name there is. */
	snprintf(text, sizeof text, "iscsi://h/iqn.%.219s/1", long_part);
	parse(text);
	assert_int_equal(strlen(parts.target), 223);
}

static void no_error_shows_the_password(void **state)
{
	static const char *const urls[] = {
		"iscsi://joe%s3cret@h/array/1",
		"iscsi://joe%s3cret@h:x/iqn.2026-11.org.example:a/1",
		"iscsi://joe%s3cret@h h/iqn.2026-11.org.example:a/1",
		"iscsi://joe%s3cret@h/iqn.2026-11.org.example:a/x",
		"iscsi://joe%s3cret@h",
		"iscsi:/joe%s3cret@h/iqn.2026-11.org.example:a/1",
		"iscsi://joe%s3cret/iqn.2026-11.org.example:a/1",
		"iscsi://joe:s3cret/iqn.2026-11.org.example:a/1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
		error[0] = '\0';
		iscsi_url_parse(urls[i], &parts, error, sizeof error);
		if (strstr(error, "s3cret"))
			fail_msg("%s: \"%s\"", urls[i], error);
	}
}

static void portals_read_back_as_written(void **state)
{
	static const char *const same[] = {
		"192.0.2.1:3260", "[2001:db8::1]:3261", "[fe80::1%eth0]:3260", "san-1.example:1",
	};
	struct portal portal;
	char text[300];

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		assert_int_equal(portal_parse(same[i], &portal, error, sizeof error), 0);
		portal_format(&portal, text, sizeof text);
		assert_string_equal(text, same[i]);
	}
	assert_int_equal(portal_parse("san", &portal, error, sizeof error), 0);
	portal_format(&portal, text, sizeof text);
	assert_string_equal(text, "san:3260");
	assert_int_equal(portal_parse("", &portal, error, sizeof error), -EINVAL);
	assert_int_equal(portal_parse(":3260", &portal, error, sizeof error), -EINVAL);
	assert_int_equal(portal_parse("[]:3260", &portal, error, sizeof error), -EINVAL);
}

static void iscsi_names_follow_the_three_forms(void **state)
{
	char longest[300];

	(void)state;
	assert_true(iscsi_name_is_valid("iqn.2026-11.org.example:storage.disk1_a"));
	assert_true(iscsi_name_is_valid("IQN.2026-11.org.example"));
	assert_true(iscsi_name_is_valid("eui.02004567A425678D"));
	assert_true(iscsi_name_is_valid("naa.52004567BA64678D"));
	assert_true(iscsi_name_is_valid("naa.62004567BA64678D0123456789ABCDEF"));
	assert_false(iscsi_name_is_valid(""));
	assert_false(iscsi_name_is_valid("iqn."));
	assert_false(iscsi_name_is_valid("iqn.2026-11.org example"));
	assert_false(iscsi_name_is_valid("iqn.2026-11.org/example"));
	assert_false(iscsi_name_is_valid("eui.02004567A425678"));
	assert_false(iscsi_name_is_valid("eui.02004567A425678X"));
	assert_false(iscsi_name_is_valid("naa.52004567BA64678D0"));
	memset(longest, 'a', sizeof longest);
	memcpy(longest, "iqn.", 4);
	longest[224] = '\0';
	assert_false(iscsi_name_is_valid(longest));
	longest[223] = '\0';
	assert_true(iscsi_name_is_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_url_has_defaults),
		cmocka_unit_test(credentials_and_port_are_taken),
		cmocka_unit_test(ipv6_needs_brackets_only_with_a_port),
		cmocka_unit_test(path_options_follow_the_lun),
		cmocka_unit_test(target_names_may_be_percent_encoded),
		cmocka_unit_test(malformed_urls_are_refused_with_the_reason),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(no_error_shows_the_password),
		cmocka_unit_test(portals_read_back_as_written),
		cmocka_unit_test(iscsi_names_follow_the_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
