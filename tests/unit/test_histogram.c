// SPDX-License-Identifier: LGPL-2.1-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "histogram.h"

static struct histogram h;

static int empty(void **state)
{
	(void)state;
	histogram_reset(&h);
	return 0;
}

static void an_empty_one_answers_zero(void **state)
{
	(void)state;
	assert_int_equal(histogram_percentile(&h, 0), 0);
	assert_int_equal(histogram_percentile(&h, 0.99), 0);
	assert_int_equal(histogram_percentile(&h, 1), 0);
}

static void count_sum_and_maximum_are_exact(void **state)
{
	(void)state;
	histogram_record(&h, 0);
	histogram_record(&h, 1000000);
	histogram_record(&h, 7);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum, 1000007);
	assert_int_equal(h.max, 1000000);
	assert_int_equal(histogram_percentile(&h, 1), 1000000);
	assert_int_equal(histogram_percentile(&h, 0), 0);
}

/* For one value alone, whatever its size: never below it, and within an
 * eighth above; exactly the maximum, as that is known. */
static void one_value_is_every_percentile(void **state)
{
	(void)state;
	for (uint64_t value = 0; value < UINT64_C(1) << 41; value += value / 13 + 1) {
		histogram_reset(&h);
		histogram_record(&h, value);
		assert_int_equal(histogram_percentile(&h, 0), value);
		assert_int_equal(histogram_percentile(&h, 0.5), value);
		assert_int_equal(histogram_percentile(&h, 1), value);
	}
}

/* A larger value beside it keeps the maximum from hiding the bucket's bound. */
static void a_percentile_is_at_most_an_eighth_too_high(void **state)
{
	(void)state;
	for (uint64_t value = 1; value < UINT64_C(1) << 39; value += value / 17 + 1) {
		uint64_t median;

		histogram_reset(&h);
		histogram_record(&h, value);
		histogram_record(&h, value);
		histogram_record(&h, UINT64_MAX / 2);
		median = histogram_percentile(&h, 0.5);
		assert_true(median >= value);
		assert_true(median - value <= value / 8);
	}
}

static void percentiles_count_values_not_buckets(void **state)
{
	(void)state;
	for (int i = 0; i < 98; i++)
		histogram_record(&h, 3);
	histogram_record(&h, 5);
	histogram_record(&h, 7);
	assert_int_equal(histogram_percentile(&h, 0.5), 3);
	assert_int_equal(histogram_percentile(&h, 0.98), 3);
	assert_int_equal(histogram_percentile(&h, 0.985), 5);
	assert_int_equal(histogram_percentile(&h, 0.99), 5);
	assert_int_equal(histogram_percentile(&h, 0.999), 7);
}

static void huge_values_count_in_the_last_bucket(void **state)
{
	(void)state;
	histogram_record(&h, UINT64_MAX);
	histogram_record(&h, UINT64_C(1) << 40);
	assert_int_equal(h.buckets[HISTOGRAM_BUCKETS - 1], 2);
	assert_int_equal(histogram_percentile(&h, 0.5), UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_one_answers_zero, empty),
		cmocka_unit_test_setup(count_sum_and_maximum_are_exact, empty),
		cmocka_unit_test_setup(one_value_is_every_percentile, empty),
		cmocka_unit_test_setup(a_percentile_is_at_most_an_eighth_too_high, empty),
		cmocka_unit_test_setup(percentiles_count_values_not_buckets, empty),
		cmocka_unit_test_setup(huge_values_count_in_the_last_bucket, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
