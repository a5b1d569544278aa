// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One iSCSI session driven as fast as libiscsi on libuv reasonably can: the
 * ceiling that the plugin is measured against (docs/BENCHMARKING.md).
 *
 * One thread.  Every slot is one command in flight with its own buffer; a
 * callback only records its result, and on_socket(), which runs after the
 * whole batch of answers was taken off the socket, counts the finished slots,
 * reissues them and sends the new PDUs in one go.  libiscsi writes each PDU
 * with its own send(), so batches of small PDUs go out under TCP_CORK; a
 * single PDU does not (it would wait for the cork), nor do large payloads.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <uv.h>

#include "histogram.h"

#define CORK_MAX_BYTES	8192	/* larger payloads fill segments anyway */
#define MAX_DEPTH	1024
#define MAX_SIZE	(16u << 20)
#define MAX_RETRIES	1000	/* unit attentions tolerated in one run */
#define SETUP_S		20	/* login and drain may take this long */

/* One command in flight, or waiting on a list to be issued again. */
struct slot {
	struct bench *bench;
	struct slot *next;
	struct scsi_task *task;
	struct scsi_iovec iov;
	uint64_t lba;
	uint64_t start_ns;
	int status;
};

/* The command line. */
struct options {
	const char *url;
	unsigned int depth;
	unsigned int size;
	unsigned int seconds;
	bool write;
	bool sequential;
};

struct bench {
	struct options opt;
	struct iscsi_context *iscsi;
	struct iscsi_url *url;
	uv_loop_t loop;
	uv_poll_t socket;
	uv_timer_t deadline;
	int fd;
	int wanted_events;
	bool loop_made;
	bool stopping;
	bool failed;
	uint32_t block_size;
	uint64_t nblocks;
	uint64_t nissued;
	uint64_t random;
	uint64_t start_ns;
	uint64_t start_cpu_ns;
	struct slot *slots;
	uint8_t *buffers;
	struct slot *finished;
	unsigned int in_flight;
	unsigned int retries;
	struct histogram latency_ns;
	uint64_t elapsed_ns;
	uint64_t cpu_used_ns;
};

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void fail(struct bench *b, const char *what, const char *why)
{
	if (!b->failed)
		fprintf(stderr, "raw-libiscsi: %s: %s\n", what, why);
	b->failed = true;
	if (b->loop_made)
		uv_stop(&b->loop);
}

static void on_done(struct iscsi_context *iscsi, int status, void *task, void *private_data)
{
	struct slot *slot = private_data;
	struct bench *b = slot->bench;

	(void)iscsi;
	(void)task;
	slot->status = status;
	slot->next = b->finished;
	b->finished = slot;
}

static uint64_t pick_lba(struct bench *b)
{
	uint64_t per_io = b->opt.size / b->block_size;
	uint64_t nslots = b->nblocks / per_io;

	if (b->opt.sequential)
		return b->nissued++ % nslots * per_io;
	/* xorshift64: cheap, and the same sequence in every run */
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return b->random % nslots * per_io;
}

static void issue(struct bench *b, struct slot *slot)
{
	int lun = b->url->lun;

	if (b->opt.write)
		slot->task = iscsi_write16_iov_task(b->iscsi, lun, slot->lba, NULL, b->opt.size,
						    (int)b->block_size, 0, 0, 0, 0, 0,
						    on_done, slot, &slot->iov, 1);
	else
		slot->task = iscsi_read16_iov_task(b->iscsi, lun, slot->lba, b->opt.size,
						   (int)b->block_size, 0, 0, 0, 0, 0,
						   on_done, slot, &slot->iov, 1);
	if (slot->task == NULL) {
		fail(b, "submit", iscsi_get_error(b->iscsi));
		return;
	}
	b->in_flight++;
}

static void issue_next(struct bench *b, struct slot *slot)
{
	slot->lba = pick_lba(b);
	slot->start_ns = uv_hrtime();
	issue(b, slot);
}

static bool is_unit_attention(const struct slot *slot)
{
	return slot->status == SCSI_STATUS_CHECK_CONDITION &&
	       slot->task->sense.key == SCSI_SENSE_UNIT_ATTENTION;
}

/* Judges one finished slot; 0, or -EAGAIN if it has to be sent again. */
static int finish(struct bench *b, struct slot *slot, uint64_t now_ns)
{
	bool again = is_unit_attention(slot);
	bool short_transfer = slot->task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL;
	int status = slot->status;

	scsi_free_scsi_task(slot->task);
	slot->task = NULL;
	b->in_flight--;
	if (again) {
		/* another session's LUN reset or login tells everybody */
		if (++b->retries > MAX_RETRIES)
			fail(b, "command", "unit attentions without end");
		return -EAGAIN;
	}
	if (status != SCSI_STATUS_GOOD)
		fail(b, "command", iscsi_get_error(b->iscsi));
	else if (short_transfer)
		fail(b, "command", "short transfer");
	else if (!b->stopping)
		histogram_record(&b->latency_ns, now_ns - slot->start_ns);
	return 0;
}

/* Works the finished list off; returns how many commands it issued. */
static unsigned int reap(struct bench *b)
{
	struct slot *list = b->finished;
	uint64_t now_ns = uv_hrtime();
	unsigned int n = 0;

	b->finished = NULL;
	while (list != NULL && !b->failed) {
		struct slot *slot = list;

		list = slot->next;
		if (finish(b, slot, now_ns) == -EAGAIN)
			issue(b, slot);
		else if (!b->stopping)
			issue_next(b, slot);
		else
			continue;
		n++;
	}
	return n;
}

static void cork(const struct bench *b, int on)
{
	setsockopt(b->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static void push(struct bench *b, unsigned int nissued)
{
	bool corked = nissued >= 2 && b->opt.size <= CORK_MAX_BYTES;

	if (corked)
		cork(b, 1);
	if (iscsi_service(b->iscsi, POLLOUT) < 0)
		fail(b, "send", iscsi_get_error(b->iscsi));
	if (corked && !b->failed)
		cork(b, 0);
}

static void on_socket(uv_poll_t *handle, int status, int events);

static void watch(struct bench *b)
{
	int wanted = UV_READABLE;

	if (iscsi_which_events(b->iscsi) & POLLOUT)
		wanted |= UV_WRITABLE;
	if (wanted == b->wanted_events)
		return;
	b->wanted_events = wanted;
	if (uv_poll_start(&b->socket, wanted, on_socket) < 0)
		fail(b, "poll", "uv_poll_start");
}

static void on_socket(uv_poll_t *handle, int status, int events)
{
	struct bench *b = handle->data;
	int revents = 0;

	if (status < 0)
		revents |= POLLERR;
	if (events & UV_READABLE)
		revents |= POLLIN;
	if (events & UV_WRITABLE)
		revents |= POLLOUT;
	if (iscsi_service(b->iscsi, revents) < 0) {
		fail(b, "session", iscsi_get_error(b->iscsi));
		return;
	}
	/* a loop because newer libiscsi may call back while submitting */
	while (b->finished != NULL && !b->failed) {
		unsigned int nissued = reap(b);

		if (nissued > 0 && !b->failed)
			push(b, nissued);
	}
	if (b->failed)
		return;
	watch(b);
	if (b->stopping && b->in_flight == 0)
		uv_stop(&b->loop);
}

static void on_deadline(uv_timer_t *timer)
{
	struct bench *b = timer->data;

	b->elapsed_ns = uv_hrtime() - b->start_ns;
	b->cpu_used_ns = cpu_ns() - b->start_cpu_ns;
	b->stopping = true;
}

/* Logs in and learns the LUN's geometry; says itself what went wrong. */
static void connect_lun(struct bench *b)
{
	struct scsi_readcapacity16 *cap = NULL;
	struct scsi_task *task;

	b->iscsi = iscsi_create_context("iqn.2026-11.org.nbdkit-mpio:bench-raw");
	if (b->iscsi == NULL) {
		fail(b, "session", strerror(ENOMEM));
		return;
	}
	b->url = iscsi_parse_full_url(b->iscsi, b->opt.url);
	if (b->url == NULL) {
		fail(b, b->opt.url, iscsi_get_error(b->iscsi));
		return;
	}
	iscsi_set_targetname(b->iscsi, b->url->target);
	iscsi_set_session_type(b->iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(b->iscsi, ISCSI_HEADER_DIGEST_NONE);
	iscsi_set_noautoreconnect(b->iscsi, 1);
	iscsi_set_cache_allocations(b->iscsi, 1);
	iscsi_set_timeout(b->iscsi, 0);
	if (b->url->user[0] != '\0')
		iscsi_set_initiator_username_pwd(b->iscsi, b->url->user, b->url->passwd);
	if (iscsi_full_connect_sync(b->iscsi, b->url->portal, b->url->lun) < 0) {
		fail(b, b->opt.url, iscsi_get_error(b->iscsi));
		return;
	}

	task = iscsi_readcapacity16_sync(b->iscsi, b->url->lun);
	if (task != NULL && task->status == SCSI_STATUS_GOOD)
		cap = scsi_datain_unmarshall(task);
	if (cap != NULL) {
		b->block_size = cap->block_length;
		b->nblocks = cap->returned_lba + 1;
	}
	scsi_free_scsi_task(task);
	if (cap == NULL)
		fail(b, "READ CAPACITY(16)", iscsi_get_error(b->iscsi));
	else if (b->block_size == 0 || b->opt.size % b->block_size != 0 ||
		 b->nblocks < b->opt.size / b->block_size)
		fail(b, b->opt.url, "--size is no multiple of the block size, or exceeds the LUN");
}

static int make_slots(struct bench *b)
{
	b->slots = calloc(b->opt.depth, sizeof(*b->slots));
	b->buffers = aligned_alloc(4096, ((size_t)b->opt.depth * b->opt.size + 4095) / 4096 * 4096);
	if (b->slots == NULL || b->buffers == NULL)
		return -ENOMEM;
	memset(b->buffers, 0x5a, (size_t)b->opt.depth * b->opt.size);
	for (unsigned int i = 0; i < b->opt.depth; i++) {
		b->slots[i].bench = b;
		b->slots[i].iov.iov_base = b->buffers + (size_t)i * b->opt.size;
		b->slots[i].iov.iov_len = b->opt.size;
	}
	return 0;
}

static int start_loop(struct bench *b)
{
	b->fd = iscsi_get_fd(b->iscsi);
	if (uv_loop_init(&b->loop) < 0)
		return -ENOMEM;
	if (uv_poll_init(&b->loop, &b->socket, b->fd) < 0) {
		uv_loop_close(&b->loop);
		return -EIO;
	}
	b->loop_made = true;
	uv_timer_init(&b->loop, &b->deadline);
	b->socket.data = b;
	b->deadline.data = b;
	uv_timer_start(&b->deadline, on_deadline, (uint64_t)b->opt.seconds * 1000, 0);
	return 0;
}

/* Runs the measured time and waits for what is still in flight after it. */
static void run(struct bench *b)
{
	b->random = 0x9e3779b97f4a7c15u;
	b->start_ns = uv_hrtime();
	b->start_cpu_ns = cpu_ns();
	for (unsigned int i = 0; i < b->opt.depth && !b->failed; i++)
		issue_next(b, &b->slots[i]);
	if (!b->failed)
		push(b, b->opt.depth);
	if (!b->failed)
		watch(b);
	if (!b->failed)
		uv_run(&b->loop, UV_RUN_DEFAULT);
}

/* The poll handle goes before the context: closing the socket frees its fd number. */
static void stop_loop(struct bench *b)
{
	if (!b->loop_made)
		return;
	uv_close((uv_handle_t *)&b->socket, NULL);
	uv_close((uv_handle_t *)&b->deadline, NULL);
	while (uv_loop_close(&b->loop) == UV_EBUSY)
		uv_run(&b->loop, UV_RUN_DEFAULT);
}

static void release(struct bench *b)
{
	stop_loop(b);
	if (b->iscsi != NULL && !b->failed)
		iscsi_logout_sync(b->iscsi);
	if (b->url != NULL)
		iscsi_destroy_url(b->url);
	if (b->iscsi != NULL)
		iscsi_destroy_context(b->iscsi);
	free(b->slots);
	free(b->buffers);
}

static void report(const struct bench *b)
{
	const struct histogram *h = &b->latency_ns;
	double ios = (double)h->count;
	double seconds = (double)b->elapsed_ns / 1e9;

	printf("{\"ios\": %" PRIu64 ", \"seconds\": %.3f, \"iops\": %.1f, "
	       "\"bytes_per_second\": %.0f, \"mean_us\": %.2f, \"p99_us\": %.2f, "
	       "\"cpu_us_per_io\": %.3f, \"retries\": %u}\n",
	       h->count, seconds, ios / seconds, ios * b->opt.size / seconds,
	       (double)h->sum / ios / 1e3, (double)histogram_percentile(h, 0.99) / 1e3,
	       (double)b->cpu_used_ns / ios / 1e3, b->retries);
}

static void usage(FILE *to)
{
	fputs("usage: raw-libiscsi [OPTION]... iscsi://HOST[:PORT]/TARGET/LUN\n"
	      "Measures one iSCSI session and prints one line of JSON.\n"
	      "With --rw write the LUN's content is overwritten.\n\n"
	      "  --depth N           commands in flight, 1 to 1024 (1)\n"
	      "  --size BYTES        of each command, up to 16 MiB (4096)\n"
	      "  --rw read|write     (read)\n"
	      "  --random | --seq    (--random)\n"
	      "  --seconds N         measured time, 1 to 3600 (1)\n", to);
}

static bool parse_number(const char *text, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || n < 1 || n > max)
		return false;
	*value = (unsigned int)n;
	return true;
}

static void parse_options(int argc, char **argv, struct options *opt)
{
	static const struct option table[] = {
		{ "depth", required_argument, NULL, 'd' },
		{ "size", required_argument, NULL, 's' },
		{ "rw", required_argument, NULL, 'w' },
		{ "random", no_argument, NULL, 'r' },
		{ "seq", no_argument, NULL, 'q' },
		{ "seconds", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool ok = true;
	int c;

	*opt = (struct options){ .depth = 1, .size = 4096, .seconds = 1 };
	while (ok && (c = getopt_long(argc, argv, "h", table, NULL)) != -1) {
		switch (c) {
		case 'd': ok = parse_number(optarg, MAX_DEPTH, &opt->depth); break;
		case 's': ok = parse_number(optarg, MAX_SIZE, &opt->size); break;
		case 't': ok = parse_number(optarg, 3600, &opt->seconds); break;
		case 'w':
			opt->write = strcmp(optarg, "write") == 0;
			ok = opt->write || strcmp(optarg, "read") == 0;
			break;
		case 'r': opt->sequential = false; break;
		case 'q': opt->sequential = true; break;
		case 'h': usage(stdout); exit(EXIT_SUCCESS);
		default: ok = false;
		}
	}
	if (!ok || optind != argc - 1) {
		usage(stderr);
		exit(2);
	}
	opt->url = argv[optind];
}

int main(int argc, char **argv)
{
	static struct bench b;
	int err;

	parse_options(argc, argv, &b.opt);
	/* libiscsi's connect has no time-out: whatever hangs ends here */
	alarm(b.opt.seconds + SETUP_S);

	connect_lun(&b);
	if (!b.failed && (err = make_slots(&b)) < 0)
		fail(&b, "buffers", strerror(-err));
	if (!b.failed && (err = start_loop(&b)) < 0)
		fail(&b, "event loop", strerror(-err));
	if (!b.failed)
		run(&b);
	if (!b.failed && b.latency_ns.count == 0)
		fail(&b, b.opt.url, "no command was answered in time");
	release(&b);
	if (b.failed)
		return EXIT_FAILURE;
	report(&b);
	return EXIT_SUCCESS;
}
