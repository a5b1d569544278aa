// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef TESTS_SAME_SETTINGS_H
#define TESTS_SAME_SETTINGS_H

/*
 * Two values of a device's settings are the same, field by field: what is in
 * the gaps between them is the compiler's affair. After cmocka.h.
 */

#include <stddef.h>

#include "device_settings.h"

static inline void assert_same_numbers(const struct settings *a, const struct settings *b)
{
	static const size_t numbers[] = {
#define NUMBER(field) offsetof(struct settings, field)
		NUMBER(failback_ms), NUMBER(no_path_timeout_ms), NUMBER(command_timeout_ms),
		NUMBER(io_timeout_ms), NUMBER(retry_count), NUMBER(retry_interval_ms),
		NUMBER(transition_timeout_ms), NUMBER(path_verify_interval_ms),
		NUMBER(path_recovery_interval_ms), NUMBER(flap_window_ms),
		NUMBER(flap_backoff_max_ms), NUMBER(connect_timeout_ms),
		NUMBER(login_timeout_ms), NUMBER(nop_interval_ms), NUMBER(nop_timeout_ms),
		NUMBER(queue_depth), NUMBER(max_transfer), NUMBER(path_burst),
#undef NUMBER
	};

	/* The policy's name, failback and path_verify take the rest. */
	_Static_assert(sizeof(struct settings) == sizeof numbers + sizeof a->policy + 16,
		       "a new field has to be compared, too");
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		assert_memory_equal((const char *)a + numbers[i], (const char *)b + numbers[i],
				    sizeof(uint64_t));
}

static inline void assert_same_settings(const struct device_settings *a,
					const struct device_settings *b)
{
	assert_string_equal(a->settings.policy, b->settings.policy);
	assert_int_equal(a->settings.failback, b->settings.failback);
	assert_int_equal(a->settings.path_verify, b->settings.path_verify);
	assert_same_numbers(&a->settings, &b->settings);
	assert_string_equal(a->policy_source, b->policy_source);
	assert_int_equal(a->npaths, b->npaths);
	for (unsigned int i = 0; i < a->npaths; i++) {
		assert_int_equal(a->paths[i].weight, b->paths[i].weight);
		assert_int_equal(a->paths[i].is_standby, b->paths[i].is_standby);
		assert_int_equal(a->paths[i].is_preferred, b->paths[i].is_preferred);
		assert_int_equal(a->paths[i].is_disabled, b->paths[i].is_disabled);
	}
}

#endif
