// SPDX-License-Identifier: LGPL-2.1-or-later
/* The control server with real sockets, on a loop of its own; and the client. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"
#include "server.h"

#define BIG (1u << 20)          /* more than a socket buffers */

static char directory[] = "/tmp/mpio-ctl-XXXXXX";
static char path[128];
static struct loop *loop;
static struct ctl_server *server;

/* The one promise that is out, of which `hold` answers nothing by itself. */
static struct rpc_later *held;
static unsigned int cancellations;

static json_t *ping(struct rpc_call *call)
{
	assert_ptr_equal(call->opaque, path);
	return json_string("pong");
}

static json_t *big(struct rpc_call *call)
{
	char *text = malloc(BIG + 1);
	json_t *value;

	(void)call;
	memset(text, 'x', BIG);
	text[BIG] = '\0';
	value = json_string(text);
	free(text);
	return value;
}

static json_t *whoami(struct rpc_call *call)
{
	return json_pack("{s:i, s:i, s:b}", "uid", (int)call->peer->uid, "pid",
			 (int)call->peer->pid, "may_change", call->peer->may_change);
}

static void cancelled(void *opaque)
{
	assert_ptr_equal(opaque, &held);
	held = NULL;
	cancellations++;
}

static json_t *hold(struct rpc_call *call)
{
	rpc_promise(call, cancelled, &held);
	__atomic_store_n(&held, call->later, __ATOMIC_RELEASE);
	return NULL;
}

static json_t *release(struct rpc_call *call)
{
	(void)call;
	if (!held)
		return json_false();
	rpc_answer(held, json_string("held"), 0, NULL);
	held = NULL;
	return json_true();
}

static const struct rpc_param set_params[] = {
	{ "value", RPC_TEXT, true, true, "a change" },
	{ NULL, RPC_TEXT, false, false, NULL }
};

static const struct ctl_method methods[] = {
	{ "ping", "pong", ping, NULL },
	{ "big", "a large answer", big, NULL },
	{ "whoami", "the caller", whoami, NULL },
	{ "set", "a change", whoami, set_params },
	{ "hold", "answered by release", hold, NULL },
	{ "release", "answers hold", release, NULL },
	{ NULL, NULL, NULL, NULL }
};

static int start(void **state)
{
	(void)state;
	loop = loop_new();
	server = ctl_server_new(loop, path, methods, path);
	return loop && server ? loop_start(loop, "ctl") : -1;
}

static int stop(void **state)
{
	(void)state;
	loop_stop(loop);
	ctl_server_free(server);
	loop_free(loop);
	return access(path, F_OK) < 0 && errno == ENOENT ? 0 : -1;
}

/* A connection, or -1. */
static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What comes until a newline or the end, at most SECONDS; its length, -1 for a
 * connection that was closed, -2 for silence. */
static ssize_t hear(int fd, char *text, size_t size, int seconds)
{
	size_t used = 0;

	while (used < size - 1) {
		struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&poll_fd, 1, seconds * 1000) <= 0)
			return -2;
		n = recv(fd, text + used, size - 1 - used, 0);
		if (n <= 0)
			return -1;
		used += (size_t)n;
		text[used] = '\0';
		if (text[used - 1] == '\n')
			break;
	}
	return (ssize_t)used;
}

static void assert_served(void)
{
	char error[256];
	json_t *answer = ctl_call(path, "ping", NULL, 20000, error, sizeof(error));

	assert_non_null(answer);
	assert_string_equal(json_string_value(answer), "pong");
	json_decref(answer);
}

#define PING "{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"id\":1}\n"
#define PONG "{\"jsonrpc\":\"2.0\",\"result\":\"pong\",\"id\":1}\n"

static void client_and_server_understand_each_other(void **state)
{
	char error[256];
	json_t *answer;

	(void)state;
	assert_served();
	assert_null(ctl_call(path, "pang", NULL, 2000, error, sizeof(error)));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "there is no method \"pang\""));
	answer = ctl_call(path, "big", NULL, 20000, error, sizeof(error));
	assert_int_equal(json_string_length(answer), BIG);
	json_decref(answer);
}

static void requests_may_come_in_pieces_and_in_bunches(void **state)
{
	char text[4096];
	int fd = dial();

	(void)state;
	for (const char *c = PING; *c; c++) {
		assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
		poll(NULL, 0, 1);
	}
	assert_int_equal(hear(fd, text, sizeof(text), 10), strlen(PONG));
	assert_string_equal(text, PONG);

	say(fd, PING "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}\n" "nonsense\n" PING);
	assert_true(hear(fd, text, strlen(PONG) + 1, 10) > 0);
	assert_string_equal(text, PONG);
	assert_true(hear(fd, text, sizeof(text), 10) > 0);
	assert_non_null(strstr(text, "-32700"));
	if (!strstr(text, "pong"))
		assert_true(hear(fd, text, sizeof(text), 10) > 0);
	assert_non_null(strstr(text, PONG));
	close(fd);
}

static void oversized_request_costs_only_its_sender(void **state)
{
	char *text = malloc(RPC_MAX_REQUEST + 2), answer[256];
	int fd = dial();

	(void)state;
	/* The longest there may be: blanks are fine JSON. */
	memset(text, ' ', RPC_MAX_REQUEST + 1);
	memcpy(text, PING, strlen(PING) - 1);
	text[RPC_MAX_REQUEST] = '\n';
	text[RPC_MAX_REQUEST + 1] = '\0';
	say(fd, text);
	assert_int_equal(hear(fd, answer, sizeof(answer), 10), strlen(PONG));
	/* One byte more. */
	text[RPC_MAX_REQUEST] = ' ';
	say(fd, text);
	assert_int_equal(hear(fd, answer, sizeof(answer), 10), -1);
	close(fd);
	free(text);
	assert_served();
}

static void client_that_does_not_read_is_cut_off_and_delays_nobody(void **state)
{
	static char text[BIG];
	struct timespec before, after;
	ssize_t n;
	int fd = dial();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"id\":1}\n" PING);
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_served();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true((after.tv_sec - before.tv_sec) * 1000 < CTL_READ_TIMEOUT_MS - 1000);

	poll(NULL, 0, CTL_READ_TIMEOUT_MS + 1000);
	do
		n = hear(fd, text, sizeof(text), 10);
	while (n > 0 && text[n - 1] != '\n');
	assert_int_equal(n, -1);
	close(fd);
	assert_served();
}

static void slow_client_that_does_read_gets_everything(void **state)
{
	static char text[65536];
	size_t total = 0;
	ssize_t n;
	int fd = dial();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"id\":1}\n");
	do {
		poll(NULL, 0, 1);
		n = hear(fd, text, sizeof(text), 10);
		assert_true(n > 0);
		total += (size_t)n;
	} while (text[n - 1] != '\n');
	assert_true(total > BIG);
	close(fd);
}

static void one_client_too_many_is_cut_off(void **state)
{
	int fds[CTL_MAX_CLIENTS];
	char text[256];
	int fd;

	(void)state;
	for (int i = 0; i < CTL_MAX_CLIENTS; i++) {
		fds[i] = dial();
		assert_true(fds[i] >= 0);
		say(fds[i], PING);
		assert_int_equal(hear(fds[i], text, sizeof(text), 10), strlen(PONG));
	}
	fd = dial();
	assert_int_equal(hear(fd, text, sizeof(text), 10), -1);
	close(fd);

	/* The others are still served, and their place is free when they go. */
	say(fds[0], PING);
	assert_int_equal(hear(fds[0], text, sizeof(text), 10), strlen(PONG));
	for (int i = 0; i < CTL_MAX_CLIENTS; i++)
		close(fds[i]);
	poll(NULL, 0, 100);
	assert_served();
}

static void clients_that_vanish_do_no_harm(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		int fd = dial();

		say(fd, i % 3 == 0 ? PING : i % 3 == 1 ? "{\"jsonrpc\":" :
		    "{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"id\":1}\n");
		close(fd);
	}
	assert_served();
}

static void everybody_may_connect(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
}

static void root_own_user_and_group_may_change(void **state)
{
	const struct peer_rules rules = { .own_uid = 500, .has_group = true, .group = 77 };
	const struct peer_rules lone = { .own_uid = 500 };
	const gid_t member[] = { 1000, 4, 77 }, other[] = { 1000, 4, 0 };

	(void)state;
	assert_true(peer_may_change(&rules, 0, other, 3));
	assert_true(peer_may_change(&rules, 500, other, 3));
	assert_true(peer_may_change(&rules, 1000, member, 3));
	assert_true(peer_may_change(&rules, 1000, member + 2, 1));
	assert_false(peer_may_change(&rules, 1000, member, 2));
	/* The group 0 is not the user 0, and without a group nobody is in it. */
	assert_false(peer_may_change(&rules, 1000, other, 3));
	assert_false(peer_may_change(&lone, 1000, other, 3));
	assert_false(peer_may_change(&rules, 1000, NULL, 0));
}

static void callers_are_known(void **state)
{
	char error[256];
	json_t *answer = ctl_call(path, "whoami", NULL, 20000, error, sizeof(error));

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(answer, "uid")), geteuid());
	assert_int_equal(json_integer_value(json_object_get(answer, "pid")), getpid());
	assert_true(json_is_true(json_object_get(answer, "may_change")));
	json_decref(answer);
}

/* In a process of nobody's: 0 where all went as it should. */
static int be_a_stranger(void)
{
	char error[256], text[256];
	json_t *answer;
	int fds[CTL_MAX_CLIENTS];

	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		return 10;
	answer = ctl_call(path, "whoami", NULL, 20000, error, sizeof(error));
	if (json_integer_value(json_object_get(answer, "uid")) != 65534 ||
	    !json_is_false(json_object_get(answer, "may_change")))
		return 11;
	json_decref(answer);
	if (ctl_call(path, "set", json_pack("{s:s}", "value", "x"), 20000, error, sizeof(error)))
		return 12;
	if (!strstr(error, "members of the group mpio") || !strstr(error, "user 65534"))
		return 13;
	for (int i = 0; i < CTL_MAX_READERS; i++) {
		fds[i] = dial();
		if (send(fds[i], PING, strlen(PING), MSG_NOSIGNAL) < 0 ||
		    hear(fds[i], text, sizeof(text), 10) < 0)
			return 14;
	}
	fds[0] = dial();
	if (hear(fds[0], text, sizeof(text), 10) != -1)
		return 15;
	/* The others stay until this process ends. */
	kill(getpid(), SIGSTOP);
	return 0;
}

static void strangers_may_look_but_neither_change_nor_crowd_out(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(directory, 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(be_a_stranger());
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	for (int i = 0; i < CTL_MAX_CLIENTS - CTL_MAX_READERS; i++)
		assert_served();
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_served();
}

static void answers_may_come_later_and_delay_nobody(void **state)
{
	char error[256], text[256];
	int fd = dial();
	json_t *answer;

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n" PING);
	do
		answer = ctl_call(path, "release", NULL, 20000, error, sizeof(error));
	while (json_is_false(answer));
	assert_true(json_is_true(answer));
	/* In the order of the requests. */
	assert_true(hear(fd, text, strlen("{\"jsonrpc\":\"2.0\",\"result\":\"held\",\"id\":1}\n")
			 + 1, 10) > 0);
	assert_non_null(strstr(text, "held"));
	assert_true(hear(fd, text, sizeof(text), 10) > 0);
	assert_non_null(strstr(text, "pong"));
	close(fd);
}

static void server_ends_with_a_promise_open(void **state)
{
	int fd;

	assert_int_equal(start(state), 0);
	fd = dial();
	cancellations = 0;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"hold\",\"id\":1}\n");
	/* Later requests of others are run later. */
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		assert_served();
	assert_int_equal(stop(state), 0);
	assert_int_equal(cancellations, 1);
	close(fd);
}

static void live_socket_is_not_taken_over(void **state)
{
	struct loop *second = loop_new();

	(void)state;
	assert_null(ctl_server_new(second, path, methods, path));
	assert_int_equal(errno, EADDRINUSE);
	loop_free(second);
	assert_served();
}

static void stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(start(state), 0);
	assert_served();
	assert_int_equal(stop(state), 0);
}

static void unfit_paths_are_refused(void **state)
{
	struct loop *idle = loop_new();
	char text[256];

	(void)state;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_null(ctl_server_new(idle, path, methods, path));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(unlink(path), 0);

	snprintf(text, sizeof(text), "%s/%0100d", directory, 0);
	assert_null(ctl_server_new(idle, text, methods, path));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(access(text, F_OK), -1);

	snprintf(text, sizeof(text), "%s/none/sock", directory);
	assert_null(ctl_server_new(idle, text, methods, path));
	loop_free(idle);
}

static void server_ends_with_clients_connected(void **state)
{
	int idle, busy;

	assert_int_equal(start(state), 0);
	idle = dial();
	busy = dial();
	say(busy, "{\"jsonrpc\":\"2.0\",\"method\":\"big\",\"id\":1}\n");
	assert_served();
	assert_int_equal(stop(state), 0);
	close(idle);
	close(busy);
}

static void client_says_what_is_wrong(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char error[512], text[256];
	int fd;

	(void)state;
	assert_null(ctl_call(path, "ping", NULL, 500, error, sizeof(error)));
	assert_non_null(strstr(error, "No such file"));

	/* Somebody who takes connections and says nothing. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_null(ctl_call(path, "ping", NULL, 500, error, sizeof(error)));
	assert_non_null(strstr(error, "nobody listens"));
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 3; i++) {
		/* The first fill the backlog. */
		assert_null(ctl_call(path, "ping", NULL, 200, error, sizeof(error)));
		assert_non_null(strstr(error, "no answer within 200 ms"));
	}
	close(fd);
	unlink(path);

	snprintf(text, sizeof(text), "/%0120d", 0);
	assert_null(ctl_call(text, "ping", NULL, 500, error, sizeof(error)));
	assert_non_null(strstr(error, "too long"));
}

static int make_directory(void **state)
{
	(void)state;
	/* As in nbdkit. */
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/test.sock", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(client_and_server_understand_each_other),
		SERVED(requests_may_come_in_pieces_and_in_bunches),
		SERVED(oversized_request_costs_only_its_sender),
		SERVED(client_that_does_not_read_is_cut_off_and_delays_nobody),
		SERVED(slow_client_that_does_read_gets_everything),
		SERVED(one_client_too_many_is_cut_off),
		SERVED(clients_that_vanish_do_no_harm),
		SERVED(everybody_may_connect),
		cmocka_unit_test(root_own_user_and_group_may_change),
		SERVED(callers_are_known),
		SERVED(strangers_may_look_but_neither_change_nor_crowd_out),
		SERVED(answers_may_come_later_and_delay_nobody),
		cmocka_unit_test(server_ends_with_a_promise_open),
		SERVED(live_socket_is_not_taken_over),
		cmocka_unit_test(stale_socket_is_replaced),
		cmocka_unit_test(unfit_paths_are_refused),
		cmocka_unit_test(server_ends_with_clients_connected),
		cmocka_unit_test(client_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
