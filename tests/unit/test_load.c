// SPDX-License-Identifier: LGPL-2.1-or-later
/* The load map: what others have in flight is seen, and gone when they are. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "load.h"
#include "log.h"
#include "mpath.h"
#include "transport.h"

/* See load.c. */
#define PAGE 16384
#define ROWS 1024
#define CELLS 248
#define FIRST_CELL (PAGE + 512)

#define CHECKED_US 60000
static struct mpath mpath;
static char directory[64], map[80], error[256], warning[1024];

static void keep_warning(enum log_level level, const char *message)
{
	(void)level;
	snprintf(warning, sizeof warning, "%s", message);
}

static int setup(void **state)
{
	(void)state;
	snprintf(directory, sizeof directory, "/tmp/mpio-load.XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(map, sizeof map, "%s/load", directory);
	mpath_init(&mpath, 1000000, 1);
	*warning = '\0';
	log_set_sink(keep_warning, LOG_LEVEL_WARNING);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(map);
	rmdir(directory);
	log_set_sink(NULL, LOG_LEVEL_WARNING);
	return 0;
}

static void init(struct transport *transport, unsigned int portal)
{
	static const struct transport_timers timers;
	char text[32];

	snprintf(text, sizeof text, "192.0.2.%u:%u", portal % 250, 3260 + portal / 250);
	transport_init(transport, &mpath, NULL, text, "iqn.2026-11.org.example:array", &timers, 64);
}

/* To PORTAL, with so much in flight. */
static void join(struct transport *transport, unsigned int portal, unsigned int commands,
		 uint64_t bytes)
{
	init(transport, portal);
	if (load_join(transport, map, error, sizeof error) < 0)
		fail_msg("%s", error);
	transport->in_flight_count = commands;
	transport->in_flight_bytes = bytes;
	load_map_ops.publish(transport);
}

static void leave(struct transport *transport)
{
	load_leave(transport);
	transport_done(transport);
}

static void refused(int wanted, const char *text)
{
	struct transport transport;

	init(&transport, 1);
	assert_int_equal(load_join(&transport, map, error, sizeof error), wanted);
	if (!strstr(error, text) || !strstr(error, map))
		fail_msg("\"%s\" does not say \"%s\"", error, text);
	assert_int_equal(transport_load(&transport).commands, 0);
	leave(&transport);
}

static uint64_t others(const struct transport *transport)
{
	mpath_set_now(&mpath, mpath.now_us + CHECKED_US);
	return load_map_ops.others(transport).commands;
}

static void poke(off_t offset, const void *bytes, size_t len)
{
	int fd = open(map, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(pwrite(fd, bytes, len, offset), len);
	close(fd);
}

static off_t size_of_map(void)
{
	struct stat st;

	return stat(map, &st) == 0 ? st.st_size : -1;
}

static void what_others_have_in_flight_counts(void **state)
{
	struct transport a, b, c;
	struct nexus_load load;

	(void)state;
	join(&a, 1, 3, 3 * 4096);
	join(&b, 1, 2, 65536);
	join(&c, 1, 0, 0);
	load = transport_load(&c);
	assert_int_equal(load.commands, 5);
	assert_int_equal(load.bytes, 3 * 4096 + 65536);
	load = transport_load(&a);
	assert_int_equal(load.commands, 5);
	assert_int_equal(load.bytes, 3 * 4096 + 65536);
	/* A new figure is seen at the next instant. */
	b.in_flight_count = 7;
	load_map_ops.publish(&b);
	mpath_set_now(&mpath, mpath.now_us + 10);
	assert_int_equal(transport_load(&a).commands, 10);
	leave(&b);
	assert_int_equal(others(&a), 0);
	assert_int_equal(others(&c), 3);
	leave(&a);
	leave(&c);
	assert_string_equal(warning, "");
}

static void sends_and_answers_are_published(void **state)
{
	struct transport a, b;
	struct command command = { .stage = COMMAND_IN_FLIGHT, .cdb.data_len = 512 };

	(void)state;
	join(&a, 1, 1, 512);
	join(&b, 1, 0, 0);
	list_append(&a.in_flight, &command.node);
	assert_int_equal(others(&b), 1);
	transport_answered(&a, &command);
	list_remove(&command.node);
	assert_int_equal(others(&b), 0);
	leave(&a);
	leave(&b);
}

/* A process of its own that has joined with COMMANDS in flight when this
 * returns, and lives until it is killed. */
static pid_t other_process(unsigned int commands)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct transport transport;

		init(&transport, 1);
		if (load_join(&transport, map, error, sizeof error) < 0)
			_exit(1);
		transport.in_flight_count = commands;
		load_map_ops.publish(&transport);
		if (write(ready[1], "r", 1) == 1)
			sleep(60);
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_process(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void a_killed_process_counts_no_more(void **state)
{
	struct transport a;
	pid_t one, two;

	(void)state;
	join(&a, 1, 0, 0);
	one = other_process(5);
	two = other_process(6);
	assert_int_equal(others(&a), 11);
	kill_process(one);
	assert_int_equal(others(&a), 6);
	/* Its cell is given to the next one, without what was in it. */
	one = other_process(1);
	assert_int_equal(others(&a), 7);
	kill_process(one);
	kill_process(two);
	assert_int_equal(others(&a), 0);
	leave(&a);
}

#define RACERS 8

/* In a process of its own: joins when GATE closes, says so when it sees all the
 * others, and waits to be killed. */
static void race_as_process(int gate, int seen)
{
	struct transport a;
	char byte;

	if (read(gate, &byte, 1) != 0)
		_exit(1);
	init(&a, 1);
	if (load_join(&a, map, error, sizeof error) < 0)
		_exit(1);
	a.in_flight_count = 1;
	load_map_ops.publish(&a);
	for (unsigned int i = 0; i < 4000; i++) {
		if (others(&a) == RACERS - 1 && write(seen, "s", 1) == 1)
			sleep(60);
		usleep(5000);
	}
	_exit(1);
}

static void processes_that_make_the_map_at_once_share_it(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		pid_t pids[RACERS];
		int gate[2], seen[2];
		char byte;

		unlink(map);
		assert_int_equal(pipe(gate), 0);
		assert_int_equal(pipe(seen), 0);
		for (unsigned int i = 0; i < RACERS; i++) {
			pids[i] = fork();
			assert_true(pids[i] >= 0);
			if (pids[i] == 0) {
				close(gate[1]);
				race_as_process(gate[0], seen[1]);
			}
		}
		close(gate[0]);
		close(gate[1]);
		close(seen[1]);
		for (unsigned int i = 0; i < RACERS; i++)
			assert_int_equal(read(seen[0], &byte, 1), 1);
		close(seen[0]);
		for (unsigned int i = 0; i < RACERS; i++)
			kill_process(pids[i]);
	}
}

static struct mpath mpaths[RACERS];     /* each thread has its own core */
static struct transport racers[RACERS];

static void *race(void *opaque)
{
	struct transport *transport = opaque;
	char text[256];

	return (void *)(intptr_t)load_join(transport, map, text, sizeof text);
}

static void threads_that_make_the_map_at_once_share_it(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		pthread_t threads[RACERS];

		unlink(map);
		for (unsigned int i = 0; i < RACERS; i++) {
			init(&racers[i], 1);
			mpaths[i] = (struct mpath) { .now_us = 1 };
			racers[i].mpath = &mpaths[i];
			racers[i].in_flight_count = 1;
		}
		for (unsigned int i = 0; i < RACERS; i++)
			pthread_create(&threads[i], NULL, race, &racers[i]);
		for (unsigned int i = 0; i < RACERS; i++) {
			void *result;

			pthread_join(threads[i], &result);
			assert_null(result);
		}
		for (unsigned int i = 0; i < RACERS; i++) {
			mpaths[i].now_us += CHECKED_US;
			assert_int_equal(others(&racers[i]), RACERS - 1);
		}
		for (unsigned int i = 0; i < RACERS; i++)
			leave(&racers[i]);
	}
}

static void a_map_of_another_version_is_left_alone_while_it_is_used(void **state)
{
	const uint32_t version = 99;
	struct transport a;

	(void)state;
	join(&a, 1, 1, 512);
	poke(8, &version, sizeof version);
	refused(-EPROTO, "of version 99, and in use");
	leave(&a);
	/* Its users are gone. */
	join(&a, 1, 1, 512);
	leave(&a);
}

static void what_is_no_map_is_left_alone(void **state)
{
	(void)state;
	poke(0, "precious", 8);
	refused(-EINVAL, "not a load map");
	assert_int_equal(size_of_map(), 8);
	unlink(map);
	assert_int_equal(mkfifo(map, 0600), 0);
	refused(-EINVAL, "not a regular file");
	unlink(map);
	assert_int_equal(symlink("elsewhere", map), 0);
	refused(-ELOOP, "");
	unlink(map);
	assert_int_equal(mkdir(map, 0700), 0);
	refused(-EISDIR, "");
	rmdir(map);
	snprintf(map, sizeof map, "%s/none/load", directory);
	refused(-ENOENT, "");
	assert_int_equal(size_of_map(), -1);
}

static void a_header_that_was_never_written_is_written(void **state)
{
	struct transport a, b;
	off_t size;

	(void)state;
	join(&a, 1, 1, 512);
	size = size_of_map();
	leave(&a);
	unlink(map);
	poke(0, "", 0);
	assert_int_equal(truncate(map, size), 0);
	join(&a, 1, 1, 512);
	join(&b, 1, 1, 512);
	assert_int_equal(others(&b), 1);
	leave(&a);
	leave(&b);
}

static void a_map_shortened_under_us_hurts_nobody(void **state)
{
	struct transport a, b;

	(void)state;
	join(&a, 1, 4, 512);
	join(&b, 1, 1, 512);
	assert_int_equal(others(&b), 4);
	assert_int_equal(truncate(map, 100), 0);
	refused(-EPROTO, "damaged, and in use");
	load_map_ops.publish(&a);               /* raises SIGBUS */
	assert_int_equal(others(&b), 0);
	assert_non_null(strstr(warning, "was shortened"));
	*warning = '\0';
	assert_int_equal(others(&b), 0);
	assert_string_equal(warning, "");       /* said once */
	load_map_ops.publish(&b);
	assert_int_equal(others(&a), 0);
	assert_int_equal(transport_load(&a).commands, 4);
	/* Nobody uses it any more: it is made anew. */
	leave(&a);
	leave(&b);
	join(&a, 1, 2, 512);
	leave(&a);
}

static void a_map_that_was_removed_or_overwritten_counts_no_more(void **state)
{
	struct transport a, b;

	(void)state;
	join(&a, 1, 4, 512);
	join(&b, 1, 1, 512);
	poke(PAGE, "iqn.x", 5);
	assert_int_equal(others(&b), 0);
	assert_non_null(strstr(warning, "was overwritten"));
	leave(&a);
	leave(&b);
	unlink(map);
	join(&a, 1, 4, 512);
	join(&b, 1, 1, 512);
	unlink(map);
	assert_int_equal(others(&b), 0);
	assert_non_null(strstr(warning, "was removed"));
	leave(&a);
	leave(&b);
}

static void nonsense_in_the_map_is_bounded(void **state)
{
	struct transport a, b;
	uint8_t ones[CELLS * 64];

	(void)state;
	join(&a, 1, 1, 512);
	join(&b, 1, 1, 512);
	memset(ones, 0xff, sizeof ones);
	poke(FIRST_CELL, ones, sizeof ones);
	assert_in_range(others(&b), 1, 65536);
	assert_in_range(transport_load(&b).bytes, 1, 1ull << 32);
	leave(&a);
	leave(&b);
}

static void rows_are_reused_when_nobody_is_in_them(void **state)
{
	struct transport a, b, c;
	off_t size;

	(void)state;
	join(&a, 1, 3, 512);
	size = size_of_map();
	for (unsigned int portal = 2; portal < ROWS + 20; portal++) {
		join(&b, portal, 1, 512);
		assert_int_equal(others(&b), 0);
		leave(&b);
	}
	assert_int_equal(size_of_map(), size);
	join(&b, 1, 0, 0);
	join(&c, ROWS + 50, 0, 0);
	assert_int_equal(others(&b), 3);
	assert_int_equal(others(&c), 0);
	leave(&a);
	leave(&b);
	leave(&c);
	assert_string_equal(warning, "");
}

static void a_full_row_is_said_to_be(void **state)
{
	static struct transport all[CELLS];

	(void)state;
	for (unsigned int i = 0; i < CELLS; i++)
		join(&all[i], 1, 1, 512);
	assert_int_equal(others(&all[0]), CELLS - 1);
	refused(-ENOSPC, "No space left");
	for (unsigned int i = 0; i < CELLS; i += 2)
		leave(&all[i]);
	assert_int_equal(others(&all[1]), CELLS / 2 - 1);
	for (unsigned int i = 1; i < CELLS; i += 2)
		leave(&all[i]);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_others_have_in_flight_counts),
		TEST(sends_and_answers_are_published),
		TEST(a_killed_process_counts_no_more),
		TEST(processes_that_make_the_map_at_once_share_it),
		TEST(threads_that_make_the_map_at_once_share_it),
		TEST(a_map_of_another_version_is_left_alone_while_it_is_used),
		TEST(what_is_no_map_is_left_alone),
		TEST(a_header_that_was_never_written_is_written),
		TEST(a_map_shortened_under_us_hurts_nobody),
		TEST(a_map_that_was_removed_or_overwritten_counts_no_more),
		TEST(nonsense_in_the_map_is_bounded),
		TEST(rows_are_reused_when_nobody_is_in_them),
		TEST(a_full_row_is_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
