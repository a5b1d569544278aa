// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Drives a fuzzer where libFuzzer is not there: runs every file given (files in
 * directories too), then deterministic mutations of them.
 *
 *	fuzz_x [-runs=N] [-seed=S] [-max_total_time=SECONDS] FILE|DIRECTORY...
 *
 * -runs counts mutations; without it and without -max_total_time only the files
 * are run.  The input that breaks a property is left in ./crash-SEED-RUN; so is
 * one that a sanitizer finds, if it runs with abort_on_error=1.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define INPUT_MAX 65536
#define SEEDS_MAX 4096

struct seed {
	uint8_t *bytes;
	size_t len;
};

static struct seed seeds[SEEDS_MAX];
static size_t nseeds;

static uint64_t random_state;

/* What is being run, for the crash file. */
static const uint8_t *current;
static size_t current_len;
static char crash_name[64];

/* splitmix64: any seed will do, and equal seeds give equal runs. */
static uint64_t random64(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static size_t random_below(size_t n)
{
	return (size_t)(random64() % n);
}

static void save_crash(int sig)
{
	int fd = open(crash_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0) {
		if (write(fd, current, current_len) == (ssize_t)current_len) {
			static const char note[] = "the input is in ";

			(void)!write(STDERR_FILENO, note, sizeof(note) - 1);
			(void)!write(STDERR_FILENO, crash_name, strlen(crash_name));
			(void)!write(STDERR_FILENO, "\n", 1);
		}
		close(fd);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

/* The input lies on the heap with nothing behind it, so that over-reads are seen. */
static void run(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	MUST(copy);
	if (len)
		memcpy(copy, bytes, len);
	current = copy;
	current_len = len;
	LLVMFuzzerTestOneInput(copy, len);
	current_len = 0;
	free(copy);
}

static int load_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct seed *s;

	if (!f || nseeds == SEEDS_MAX)
		goto fail;
	s = &seeds[nseeds];
	s->bytes = malloc(INPUT_MAX);
	if (!s->bytes)
		goto fail;
	s->len = fread(s->bytes, 1, INPUT_MAX, f);
	nseeds++;
	fclose(f);
	return 0;
fail:
	fprintf(stderr, "%s: %s\n", path, f ? "too many inputs" : strerror(errno));
	if (f)
		fclose(f);
	return -1;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);	/* not the locale's order */
}

static int load_path(const char *path)
{
	struct dirent **entries;
	struct stat st;
	int n, r = 0;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		return load_file(path);
	n = scandir(path, &entries, NULL, compare_names);
	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char name[4096];

		if (entries[i]->d_name[0] != '.' && r == 0) {
			snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
			r = load_file(name);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

static size_t insert_or_remove(uint8_t *p, size_t len)
{
	size_t at = random_below(len + 1), n = 1 + random_below(8);

	if (random64() & 1) {
		if (len + n > INPUT_MAX)
			return len;
		memmove(p + at + n, p + at, len - at);
		memset(p + at, (int)random64(), n);
		return len + n;
	}
	if (n > len - at)
		n = len - at;
	memmove(p + at, p + at + n, len - at - n);
	return len - n;
}

/* One change; returns the new length. */
static size_t mutate(uint8_t *p, size_t len)
{
	static const uint8_t edges[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xfe, 0xff };
	const struct seed *other;
	size_t at, n;

	if (len == 0)
		return insert_or_remove(p, len);
	at = random_below(len);
	switch (random_below(6)) {
	case 0:
		p[at] ^= (uint8_t)(1 << random_below(8));
		return len;
	case 1:
		p[at] = (uint8_t)random64();
		return len;
	case 2:
		p[at] = edges[random_below(sizeof(edges))];
		return len;
	case 3:
		return at;		/* cut */
	case 4:
		return insert_or_remove(p, len);
	default:
		other = &seeds[random_below(nseeds)];
		n = random_below(other->len + 1);
		if (n > INPUT_MAX - at)
			n = INPUT_MAX - at;
		memcpy(p + at, other->bytes, n);
		return at + n > len ? at + n : len;
	}
}

static void run_mutation(void)
{
	static uint8_t input[INPUT_MAX];
	const struct seed *s = &seeds[random_below(nseeds)];
	size_t len = s->len;

	memcpy(input, s->bytes, len);
	for (size_t n = 1 + random_below(6); n > 0; n--)
		len = mutate(input, len);
	run(input, len);
}

static void usage(const char *name)
{
	fprintf(stderr, "usage: %s [-runs=N] [-seed=S] [-max_total_time=SECONDS] "
		"FILE|DIRECTORY...\n", name);
	exit(2);
}

static unsigned long long number(const char *text, const char *program)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		usage(program);
	return n;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

int main(int argc, char **argv)
{
	unsigned long long runs = 0, seed = 1, seconds = 0, done = 0;
	time_t start = now();
	bool has_runs = false;

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "-runs=", 6) == 0) {
			runs = number(argv[i] + 6, argv[0]);
			has_runs = true;
		} else if (strncmp(argv[i], "-seed=", 6) == 0) {
			seed = number(argv[i] + 6, argv[0]);
		} else if (strncmp(argv[i], "-max_total_time=", 16) == 0) {
			seconds = number(argv[i] + 16, argv[0]);
		} else if (argv[i][0] == '-') {
			usage(argv[0]);
		} else if (load_path(argv[i]) < 0) {
			return 1;
		}
	}
	if (nseeds == 0)
		usage(argv[0]);

	signal(SIGABRT, save_crash);
	random_state = seed;
	for (size_t i = 0; i < nseeds; i++) {
		snprintf(crash_name, sizeof(crash_name), "crash-seed-file-%zu", i);
		run(seeds[i].bytes, seeds[i].len);
	}
	if (!has_runs && seconds)
		runs = UINT64_MAX;
	while (done < runs && (!seconds || now() - start < (time_t)seconds)) {
		snprintf(crash_name, sizeof(crash_name), "crash-%llu-%llu", seed, done);
		run_mutation();
		done++;
	}
	printf("%zu inputs, %llu mutations, seed %llu: nothing broke\n", nseeds, done, seed);
	for (size_t i = 0; i < nseeds; i++)
		free(seeds[i].bytes);
	return 0;
}
