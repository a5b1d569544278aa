// SPDX-License-Identifier: LGPL-2.1-or-later
/* A mapping whose file is cut short does not end the process, others' do. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard.h"

#define LEN 4096

static FILE *file;

static int setup(void **state)
{
	(void)state;
	file = tmpfile();
	return file ? ftruncate(fileno(file), LEN) : -1;
}

static int teardown(void **state)
{
	(void)state;
	return fclose(file);
}

static char *map_file(void)
{
	char *map = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);

	assert_true(map != MAP_FAILED);
	memset(map, 'x', LEN);
	return map;
}

static void a_shortened_mapping_becomes_zeroes(void **state)
{
	struct guard one = { .len = 0 }, two = { .len = 0 };
	volatile char *a = map_file(), *b = map_file();

	(void)state;
	assert_int_equal(guard_add(&one, (void *)a, LEN), 0);
	assert_int_equal(guard_add(&two, (void *)b, LEN), 0);
	assert_int_equal(a[7], 'x');
	assert_int_equal(ftruncate(fileno(file), 0), 0);
	assert_int_equal(b[7], 0);
	assert_false(one.is_broken);
	assert_true(two.is_broken);
	b[7] = 'y';
	assert_int_equal(b[7], 'y');
	guard_remove(&two);
	a[8] = 'z';
	assert_true(one.is_broken);
	guard_remove(&one);
	guard_remove(&one);                     /* harmless */
	munmap((void *)a, LEN);
	munmap((void *)b, LEN);
}

static void the_former_handler_is_back_when_the_last_guard_goes(void **state)
{
	struct guard one = { .len = 0 }, two = { .len = 0 };
	struct sigaction before, after;

	(void)state;
	sigaction(SIGBUS, NULL, &before);
	guard_add(&one, map_file(), LEN);
	guard_add(&two, map_file(), LEN);
	guard_remove(&one);
	sigaction(SIGBUS, NULL, &after);
	assert_true(after.sa_handler != before.sa_handler);
	guard_remove(&two);
	sigaction(SIGBUS, NULL, &after);
	assert_true(after.sa_handler == before.sa_handler);
	munmap(one.base, LEN);
	munmap(two.base, LEN);
}

/* In a process of its own. */
static void die_of_another_mapping(void)
{
	struct guard guard = { .len = 0 };
	volatile char *mine = map_file(), *other = map_file();

	signal(SIGBUS, SIG_DFL);
	if (ftruncate(fileno(file), 0) < 0 || guard_add(&guard, (void *)mine, LEN) < 0)
		_exit(1);
	*mine = 1;
	if (!guard.is_broken)
		_exit(2);
	*other = 1;
	_exit(3);
}

static void a_foreign_bus_error_still_kills(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		die_of_another_mapping();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_shortened_mapping_becomes_zeroes),
		TEST(the_former_handler_is_back_when_the_last_guard_goes),
		TEST(a_foreign_bus_error_still_kills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
