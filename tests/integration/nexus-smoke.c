// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Drives one nexus against a real target, without devices and paths:
 *
 *   nexus-smoke HOST:PORT TARGET LUN MODE [user password [target-user password]]
 *
 * MODE check: log in, write and read back all sizes, no data, errors, a probe.
 * MODE bench DEPTH SECONDS read|write BYTES: commands per second.
 * MODE survive SECONDS: commands for that long while the target is killed and
 *   brought back from outside; each must come back, answered or lost, and the
 *   session must be up at the end.
 * MODE discover: prints "target portal" lines.
 * MODE login: prints events until the session is up, or has failed once.
 * MODE write BYTES COUNT, read BYTES COUNT: so many commands at a time; prints
 *   how each came back.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "command.h"
#include "discovery.h"
#include "log.h"
#include "loop.h"
#include "nexus.h"
#include "pump.h"
#include "sense.h"
#include "status.h"
#include "transport.h"

#define BLOCK 512
#define SLOTS 64
#define BUFFER_MAX (4u << 20)

static struct loop *loop;
static struct pump *pump;
static struct transport *transport;
static uint64_t lun;
static unsigned int outstanding;

struct job {
	struct command command;
	unsigned char *buffer;
	bool is_free;
};

static void fail(const char *what)
{
	fprintf(stderr, "nexus-smoke: %s (session %s, %s)\n", what,
		transport ? transport_state_name(transport->state) : "none",
		transport ? transport->reason : "");
	exit(1);
}

static bool is_up(void *opaque)
{
	(void)opaque;
	return transport->state == TRANSPORT_UP;
}

static bool is_answered(void *opaque)
{
	(void)opaque;
	return outstanding == 0;
}

static void answered(struct command *command)
{
	(void)command;
	outstanding--;
}

static void send_command(struct command *command, void *data)
{
	command->request = NULL;
	command->answered = answered;
	command->data = data;
	outstanding++;
	transport_send(transport, lun, command);
}

/* Sends one command and waits; a unit attention is asked again. */
static void run(struct command *command, void *data)
{
	for (int try = 0; try < 5; try++) {
		send_command(command, data);
		if (!loop_run_until(loop, is_answered, NULL, 10000))
			fail("no answer");
		if (command->delivery != DELIVERY_ANSWERED)
			fail("command lost");
		if (command->status != SAM_STATUS_CHECK_CONDITION ||
		    (command->sense[2] & 0xf) != 6)
			return;
	}
}

static void fill(unsigned char *buffer, size_t len, uint64_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		buffer[i] = (unsigned char)(seed >> 56);
	}
}

static void check_sizes(void)
{
	static const uint32_t sizes[] = { 512, 4096, 8192, 65536, 262144, 1u << 20, 3u << 20 };
	unsigned char *out = malloc(BUFFER_MAX), *in = malloc(BUFFER_MAX);
	struct command command = { 0 };

	if (!out || !in)
		fail("out of memory");
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		fill(out, sizes[i], i);
		memset(in, 0, sizes[i]);
		cdb_write16(&command.cdb, 8 * i, sizes[i] / BLOCK, BLOCK, false);
		run(&command, out);
		if (command.status != SAM_STATUS_GOOD || command.residual)
			fail("write not good");
		cdb_read16(&command.cdb, 8 * i, sizes[i] / BLOCK, BLOCK, false);
		run(&command, in);
		if (command.status != SAM_STATUS_GOOD || command.residual)
			fail("read not good");
		if (memcmp(in, out, sizes[i]))
			fail("data differ");
		printf("%" PRIu32 " bytes written and read back\n", sizes[i]);
	}
	free(in);
	free(out);
}

static void check_answers(void)
{
	unsigned char buffer[4096] = { 0 };
	struct command command = { 0 };
	struct sense sense;
	uint64_t usual_lun = lun;

	cdb_test_unit_ready(&command.cdb);
	run(&command, NULL);
	if (command.status != SAM_STATUS_GOOD)
		fail("TEST UNIT READY not good");

	cdb_inquiry(&command.cdb, false, 0, 255);
	run(&command, buffer);
	if (command.status != SAM_STATUS_GOOD || command.overflow || command.residual > 200)
		fail("INQUIRY not good");
	printf("INQUIRY residual %" PRIu32 "\n", command.residual);

	cdb_read16(&command.cdb, UINT64_C(1) << 40, 1, BLOCK, false);
	run(&command, buffer);
	printf("beyond the end: %s, residual %" PRIu32 ", %u bytes of sense\n",
	       scsi_status_name(command.status), command.residual, command.sense_len);
	if (command.status != SAM_STATUS_CHECK_CONDITION ||
	    sense_parse(command.sense, command.sense_len, &sense) ||
	    sense.key != 5 || sense.asc != 0x21)
		fail("read beyond the end: wrong answer");
	cdb_write16(&command.cdb, UINT64_C(1) << 40, 8, BLOCK, false);
	run(&command, buffer);
	if (command.status != SAM_STATUS_CHECK_CONDITION)
		fail("write beyond the end: wrong answer");

	lun = usual_lun | 1;    /* no single-level address */
	cdb_test_unit_ready(&command.cdb);
	send_command(&command, NULL);
	if (!loop_run_until(loop, is_answered, NULL, 10000) ||
	    command.delivery != DELIVERY_REFUSED)
		fail("a LUN that cannot be sent was not refused");
	lun = usual_lun;
}

static bool is_probe_answered(void *opaque)
{
	(void)opaque;
	return transport->probed_us == 0;
}

static void check_probe(void)
{
	/* The watchdog sends one when nothing was answered for a while. */
	uint64_t before = transport->last_answer_us;

	transport->probed_us = transport->mpath->now_us;
	transport->ops->probe(transport);
	if (!loop_run_until(loop, is_probe_answered, NULL, 5000) ||
	    transport->last_answer_us <= before)
		fail("NOP-Out not answered");
	printf("NOP-Out answered\n");
}

static struct job *make_jobs(unsigned int count, size_t size)
{
	struct job *jobs = calloc(count, sizeof *jobs);

	for (unsigned int i = 0; jobs && i < count; i++) {
		jobs[i].buffer = malloc(size);
		if (!jobs[i].buffer)
			return NULL;
		memset(jobs[i].buffer, (int)i, size);
		jobs[i].is_free = true;
	}
	return jobs;
}

static void free_jobs(struct job *jobs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		free(jobs[i].buffer);
	free(jobs);
}

static struct job *jobs;
static unsigned int depth;
static bool writes, both;
static uint32_t job_bytes;
static uint64_t end_us;
static uint64_t good, lost, bad;
static bool scribbles;

static void start_job(struct job *job);

static void job_answered(struct command *command)
{
	struct job *job = list_entry(command, struct job, command);

	outstanding--;
	job->is_free = true;
	if (scribbles)
		memset(job->buffer, 0xee, job_bytes);
	if (command->delivery != DELIVERY_ANSWERED)
		lost++;
	else if (command->status == SAM_STATUS_GOOD)
		good++;
	else
		bad++;
	if (transport->state == TRANSPORT_UP && loop_now_us(loop) < end_us)
		start_job(job);
}

static void start_job(struct job *job)
{
	unsigned int number = (unsigned int)(job - jobs);
	uint64_t lba = (uint64_t)(rand() % 1000 * 64 + number) * job_bytes / BLOCK % 100000;

	if (both ? number & 1 : writes)
		cdb_write16(&job->command.cdb, lba, job_bytes / BLOCK, BLOCK, false);
	else
		cdb_read16(&job->command.cdb, lba, job_bytes / BLOCK, BLOCK, false);
	job->is_free = false;
	send_command(&job->command, job->buffer);
	job->command.answered = job_answered;
}

/* Posted whenever jobs lie idle: at the beginning, and after a loss. */
static void start_jobs(struct loop_message *message)
{
	message->run = NULL;
	for (unsigned int i = 0; i < depth; i++)
		if (jobs[i].is_free && transport->state == TRANSPORT_UP)
			start_job(&jobs[i]);
}

static bool is_over(void *opaque)
{
	static struct loop_message message;

	(void)opaque;
	if (uv_hrtime() / 1000 >= end_us)
		return outstanding == 0;
	if (outstanding < depth && transport->state == TRANSPORT_UP && !message.run) {
		message.run = start_jobs;
		loop_post(loop, &message);
	}
	return false;
}

static void keep_going(unsigned int seconds)
{
	jobs = make_jobs(depth, job_bytes);
	end_us = uv_hrtime() / 1000 + seconds * UINT64_C(1000000);
	if (!loop_run_until(loop, is_over, NULL, (seconds + 20) * UINT64_C(1000)))
		fail("commands left unanswered");
	free_jobs(jobs, depth);
}

static void survive(unsigned int seconds)
{
	depth = 32;
	both = true;
	job_bytes = 65536;
	keep_going(seconds);
	printf("good %" PRIu64 " lost %" PRIu64 " bad %" PRIu64 " logins %" PRIu64
	       " losses %" PRIu64 " last \"%s\"\n", good, lost, bad, transport->logins,
	       transport->losses, transport->reason);
	if (!loop_run_until(loop, is_up, NULL, 10000))
		fail("not up again");
	check_sizes();
}

static void bench(char **argv)
{
	unsigned int seconds = (unsigned int)atoi(argv[1]);

	depth = (unsigned int)atoi(argv[0]);
	writes = !strcmp(argv[2], "write");
	job_bytes = (uint32_t)atoi(argv[3]);
	keep_going(seconds);
	printf("%" PRIu64 " per second, %" PRIu64 " bad\n", good / seconds, bad);
}

/*
 * How commands come back, whatever the target does
 */

static void print_answer(const struct job *job)
{
	const struct command *command = &job->command;
	struct sense sense;
	char text[128] = "no sense";

	if (command->delivery != DELIVERY_ANSWERED) {
		printf("lost: %s\n", transport->reason);
		return;
	}
	if (command->status == SAM_STATUS_CHECK_CONDITION &&
	    !sense_parse(command->sense, command->sense_len, &sense))
		sense_format(&sense, text, sizeof text);
	printf("%s, %s %" PRIu32 ", %s\n", scsi_status_name(command->status),
	       command->overflow ? "overflow" : "residual", command->residual,
	       command->status == SAM_STATUS_CHECK_CONDITION ? text : "");
}

static void show_answers(char **argv)
{
	job_bytes = (uint32_t)atoi(argv[1]);
	depth = (unsigned int)atoi(argv[2]);
	writes = !strcmp(argv[0], "write");
	scribbles = true;
	jobs = make_jobs(depth, job_bytes);
	for (unsigned int i = 0; i < depth; i++)
		start_job(&jobs[i]);
	if (!loop_run_until(loop, is_answered, NULL, 10000))
		fail("commands left unanswered");
	for (unsigned int i = 0; i < depth; i++)
		print_answer(&jobs[i]);
	free_jobs(jobs, depth);
}

static bool has_tried(void *opaque)
{
	return is_up(opaque) || transport->reason[0];
}

static bool is_discovered;

static void discovered(void *opaque, const struct discovered_portal *rows, size_t count,
		       const char *error)
{
	char portal[300];

	(void)opaque;
	is_discovered = true;
	if (error) {
		fprintf(stderr, "nexus-smoke: discovery: %s\n", error);
		exit(1);
	}
	for (size_t i = 0; i < count; i++) {
		portal_format(&rows[i].portal, portal, sizeof portal);
		printf("%s %s\n", rows[i].target, portal);
	}
}

static bool discovery_is_over(void *opaque)
{
	(void)opaque;
	return is_discovered;
}

static void discover(const struct nexus_settings *settings)
{
	if (!discovery_start(pump, settings, discovered, NULL))
		fail("out of memory");
	if (!loop_run_until(loop, discovery_is_over, NULL, 20000))
		fail("no end of discovery");
}

static void on_event(void *opaque, const struct event *event)
{
	(void)opaque;
	printf("%s: %s\n", event->name, event->reason);
}

/* How many arguments follow the mode's name; the user's name is next. */
static int mode_args(const char *mode)
{
	if (!strcmp(mode, "bench"))
		return 4;
	if (!strcmp(mode, "survive"))
		return 1;
	return !strcmp(mode, "read") || !strcmp(mode, "write") ? 2 : 0;
}

/* ARGV[0] is the mode. */
static void run_mode(char **argv)
{
	bool only_login = !strcmp(argv[0], "login");

	transport_start(transport);
	if (!loop_run_until(loop, only_login ? has_tried : is_up, NULL, 10000))
		fail("not up");
	if (!strcmp(argv[0], "write") || !strcmp(argv[0], "read")) {
		show_answers(argv);
	} else if (!strcmp(argv[0], "check")) {
		check_answers();
		check_sizes();
		check_probe();
	} else if (!strcmp(argv[0], "survive")) {
		survive((unsigned int)atoi(argv[1]));
	} else if (!strcmp(argv[0], "bench")) {
		bench(&argv[1]);
	}
}

int main(int argc, char **argv)
{
	struct nexus_settings settings = {
		.initiator = "iqn.2026-11.org.example:nexus-smoke",
		.timers = {
			.connect_timeout_us = 3000000,
			.login_timeout_us = 3000000,
			.probe_interval_us = 1000000,
			.probe_timeout_us = 1000000,
			.io_timeout_us = 30000000,
			.backoff_min_us = 100000,
			.backoff_max_us = 2000000,
		},
		.queue_depth = SLOTS,
	};
	char **credentials, error[128];

	if (argc < 5 || argc < 5 + mode_args(argv[4]))
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getenv("DEBUG"))
		log_set_sink(NULL, LOG_LEVEL_DEBUG);
	if (portal_parse(argv[1], &settings.portal, error, sizeof error)) {
		fprintf(stderr, "%s\n", error);
		return 2;
	}
	settings.target = argv[2];
	settings.isid_seed = nexus_isid_seed(settings.initiator, "host", "smoke", argv[1],
					     argv[2], 0);
	lun = (uint64_t)atoi(argv[3]) << 48;
	credentials = &argv[5 + mode_args(argv[4])];    /* up to four, then NULL */
	if (credentials[0] && credentials[1]) {
		settings.user = credentials[0];
		settings.password = credentials[1];
		settings.target_user = credentials[2];
		settings.target_password = credentials[2] ? credentials[3] : NULL;
	}
	loop = loop_new();
	pump = pump_new(loop);
	mpath_set_listener(pump_mpath(pump), on_event, NULL);
	if (!strcmp(argv[4], "discover")) {
		discover(&settings);
	} else {
		transport = nexus_new(pump, &settings);
		run_mode(&argv[4]);
		nexus_free(transport);
	}
	pump_free(pump);
	loop_free(loop);
	return 0;
}
