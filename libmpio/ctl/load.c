// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The file: a header, then rows of one size, so that it is sparse and never
 * grows. Byte 0 is locked by whoever joins; under that lock the header is
 * written, and a row is found or taken. Rows keep their key when everybody has
 * left, and are taken by another key only when there is no fresh one. A cell is
 * claimed by its lock alone.
 *
 * Each transport has a file description of its own: two sessions of one process
 * are to the map what two processes are. What others have written is never
 * trusted: figures are bounded, and the file may be shortened under us (guard.h).
 */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"
#include "log.h"
#include "transport.h"

#define MAGIC "mpioload"
#define MAP_VERSION 1
#define ROWS 1024
#define CELLS 248
#define HEADER_SIZE 16384
#define MAP_SIZE (HEADER_SIZE + (off_t)ROWS * (off_t)sizeof(struct row))

/* Whose locks are held is asked so often, and less often where that takes
 * longer, because there are many. */
#define CHECK_US 50000
#define CHECK_CELL_US 2000

/* Joining takes microseconds; who takes longer hangs. */
#define JOIN_TRIES 1000

/* What no honest session exceeds. */
#define MOST_COMMANDS 65536
#define MOST_BYTES ((uint64_t)1 << 31)

struct header {
	char magic[8];
	uint32_t version, rows, cells, row_size;
};

/* "iqn.2026-11.org.example:array 192.0.2.10:3260", padded with zeroes. */
struct key {
	char text[sizeof(((struct transport *)NULL)->target) +
		  sizeof(((struct transport *)NULL)->portal)];
};

/* On a cache line of its own: it is written for every I/O. */
struct cell {
	_Atomic uint64_t commands, bytes;
	uint64_t unused[6];
};

struct row {
	struct key key;
	char unused[512 - sizeof(struct key)];
	struct cell cells[CELLS];
};

_Static_assert(sizeof(struct row) == 16384, "rows are whole pages");

struct load_cell {
	int fd;
	unsigned int row_index;
	struct row *row;
	struct cell *own;
	struct cell nowhere;            /* what is own once the map is left alone */
	void *mapping;                  /* the pages with the row */
	size_t mapping_len;
	struct guard guard;
	struct key key;
	uint64_t check_us, read_us;     /* when to look again */
	struct nexus_load others;
	unsigned int nlive;
	uint16_t live[CELLS];           /* the others' cells */
};

static off_t row_offset(unsigned int row)
{
	return HEADER_SIZE + (off_t)row * (off_t)sizeof(struct row);
}

static off_t cell_offset(unsigned int row, unsigned int cell)
{
	return row_offset(row) + (off_t)offsetof(struct row, cells) +
		(off_t)(cell * sizeof(struct cell));
}

/*
 * Locks
 */

/* 0, or -EAGAIN where another description holds a lock there. */
static int take_lock(int fd, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES ? -EAGAIN : -errno;
}

static void drop_lock(int fd, off_t start, off_t len)
{
	struct flock lock = {
		.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};

	fcntl(fd, F_OFD_SETLK, &lock);
}

/* A lock of somebody else in [START, START + LEN); its place in *LOCK. */
static bool find_lock(int fd, off_t start, off_t len, struct flock *lock)
{
	*lock = (struct flock) {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len,
	};
	return fcntl(fd, F_OFD_GETLK, lock) == 0 && lock->l_type != F_UNLCK;
}

static int lock_header(int fd)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int error = take_lock(fd, 0, 1);

	for (int i = 0; error == -EAGAIN && i < JOIN_TRIES; i++) {
		nanosleep(&pause, NULL);
		error = take_lock(fd, 0, 1);
	}
	return error;
}

/*
 * Joining
 */

/* Whoever may make files in the directory may share the map. */
static void inherit_access(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *directory = slash && slash > path ? strndup(path, (size_t)(slash - path)) : NULL;

	if (directory && stat(directory, &st) == 0) {
		uid_t owner = geteuid() == 0 ? st.st_uid : (uid_t)-1;

		if (fchown(fd, owner, st.st_gid) < 0)
			st.st_mode &= 0606;     /* its group is not the directory's */
		fchmod(fd, st.st_mode & 0666);
	}
	free(directory);
}

static int open_map(const char *path)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd;

	for (int i = 0; i < 10; i++) {
		fd = open(path, flags);
		if (fd >= 0 || errno != ENOENT)
			break;
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0)
			inherit_access(fd, path);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	return fd < 0 ? -errno : fd;
}

static int write_header(int fd)
{
	struct header header = {
		.magic = MAGIC, .version = MAP_VERSION, .rows = ROWS, .cells = CELLS,
		.row_size = sizeof(struct row),
	};

	if (ftruncate(fd, 0) < 0 || ftruncate(fd, MAP_SIZE) < 0)
		return -errno;
	if (pwrite(fd, &header, sizeof(header), 0) != sizeof(header))
		return -EIO;
	return 0;
}

/* Makes the map, or finds that it is one. The header is locked. */
static int check_map(int fd, char *error, size_t len)
{
	struct header header = { .version = 0 };
	struct flock lock;
	struct stat st;
	bool is_whole;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, len, "not a regular file");
		return -EINVAL;
	}
	if (st.st_size == 0)
		return write_header(fd);
	if (pread(fd, &header, sizeof(header), 0) < 0)
		return -errno;
	/* Whoever made it died before it had written the header. */
	if (!*header.magic && st.st_size == MAP_SIZE)
		return write_header(fd);
	if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0) {
		snprintf(error, len, "not a load map");
		return -EINVAL;
	}
	is_whole = st.st_size == MAP_SIZE && header.rows == ROWS && header.cells == CELLS &&
		header.row_size == sizeof(struct row);
	if (is_whole && header.version == MAP_VERSION)
		return 0;
	/* Left by others than us, who are all gone. */
	if (!find_lock(fd, 0, 0, &lock))
		return write_header(fd);
	if (header.version != MAP_VERSION)
		snprintf(error, len, "of version %u, and in use", header.version);
	else
		snprintf(error, len, "damaged, and in use");
	return -EPROTO;
}

/* The index of KEY's row, which is made if it is not there. The header is
 * locked. */
static int take_row(int fd, const struct key *key)
{
	unsigned int fresh = ROWS;
	struct flock lock;

	for (unsigned int i = 0; i < ROWS && fresh == ROWS; i++) {
		struct key found;

		if (pread(fd, &found, sizeof(found), row_offset(i)) != sizeof(found))
			return -EIO;
		if (!memcmp(&found, key, sizeof(found)))
			return (int)i;
		if (!*found.text)
			fresh = i;
	}
	for (unsigned int i = 0; i < ROWS && fresh == ROWS; i++)
		if (!find_lock(fd, row_offset(i), sizeof(struct row), &lock))
			fresh = i;
	if (fresh == ROWS)
		return -ENOSPC;
	if (pwrite(fd, key, sizeof(*key), row_offset(fresh)) != sizeof(*key))
		return -EIO;
	return (int)fresh;
}

static int take_cell(int fd, unsigned int row)
{
	for (unsigned int i = 0; i < CELLS; i++) {
		int error = take_lock(fd, cell_offset(row, i), sizeof(struct cell));

		if (error == 0)
			return (int)i;
		if (error != -EAGAIN)
			return error;
	}
	return -ENOSPC;
}

static int map_row(struct load_cell *cell)
{
	off_t offset = row_offset(cell->row_index);
	off_t skew = offset % sysconf(_SC_PAGESIZE);
	int error;

	/* A page that the file system has no room for would be missed later. */
	if (fallocate(cell->fd, 0, offset, sizeof(struct row)) < 0 && errno != EOPNOTSUPP)
		return -errno;
	cell->mapping_len = sizeof(struct row) + (size_t)skew;
	cell->mapping = mmap(NULL, cell->mapping_len, PROT_READ | PROT_WRITE, MAP_SHARED,
			     cell->fd, offset - skew);
	if (cell->mapping == MAP_FAILED) {
		cell->mapping = NULL;
		return -errno;
	}
	error = guard_add(&cell->guard, cell->mapping, cell->mapping_len);
	cell->row = (struct row *)((char *)cell->mapping + skew);
	return error;
}

/* The header is locked. */
static int take_place(struct load_cell *cell, char *error, size_t len)
{
	int result = check_map(cell->fd, error, len);
	int own;

	if (result < 0)
		return result;
	result = take_row(cell->fd, &cell->key);
	if (result < 0)
		return result;
	cell->row_index = (unsigned int)result;
	own = take_cell(cell->fd, cell->row_index);
	if (own < 0)
		return own;
	result = map_row(cell);
	if (result < 0)
		return result;
	cell->own = &cell->row->cells[own];
	return 0;
}

static void free_cell(struct load_cell *cell)
{
	if (cell->mapping) {
		guard_remove(&cell->guard);
		munmap(cell->mapping, cell->mapping_len);
	}
	if (cell->fd >= 0)
		close(cell->fd);        /* and its locks are gone */
	free(cell);
}

static void load_publish(struct transport *transport)
{
	struct cell *own = transport->load->own;

	atomic_store_explicit(&own->commands, transport->in_flight_count, memory_order_relaxed);
	atomic_store_explicit(&own->bytes, transport->in_flight_bytes, memory_order_relaxed);
}

int load_join(struct transport *transport, const char *path, char *error, size_t len)
{
	struct load_cell *cell = calloc(1, sizeof(*cell));
	char why[64] = "";
	int result = -ENOMEM;

	if (!cell)
		goto failed;
	snprintf(cell->key.text, sizeof(cell->key.text), "%s %s", transport->target,
		 transport->portal);
	result = cell->fd = open_map(path);
	if (result < 0)
		goto failed;
	result = lock_header(cell->fd);
	if (result < 0)
		goto failed;
	result = take_place(cell, why, sizeof(why));
	drop_lock(cell->fd, 0, 1);
	if (result < 0)
		goto failed;
	transport->load = cell;
	transport->mpath->load_ops = &load_map_ops;
	load_publish(transport);
	return 0;

failed:
	snprintf(error, len, "%s: %s", path, *why ? why : strerror(-result));
	if (cell)
		free_cell(cell);
	return result;
}

void load_leave(struct transport *transport)
{
	struct load_cell *cell = transport->load;

	if (!cell)
		return;
	transport->load = NULL;
	atomic_store(&cell->own->commands, 0);
	atomic_store(&cell->own->bytes, 0);
	free_cell(cell);
}

/*
 * Reading
 */

/* The kernel names any lock in a range, not the first one. */
static void find_live(struct load_cell *cell, unsigned int from, unsigned int to)
{
	off_t base = cell_offset(cell->row_index, 0);
	struct flock lock;

	while (from < to && find_lock(cell->fd, cell_offset(cell->row_index, from),
				      (off_t)((to - from) * sizeof(struct cell)), &lock)) {
		off_t end = lock.l_len ? lock.l_start + lock.l_len - base
			: (off_t)(CELLS * sizeof(struct cell));
		unsigned int first = from, last = to;

		if (lock.l_start > cell_offset(cell->row_index, from))
			first = (unsigned int)((lock.l_start - base) / (off_t)sizeof(struct cell));
		if (end < (off_t)(to * sizeof(struct cell)))
			last = (unsigned int)((end - 1) / (off_t)sizeof(struct cell)) + 1;
		for (unsigned int i = first; i < last; i++)
			cell->live[cell->nlive++] = (uint16_t)i;
		find_live(cell, from, first);
		from = last;
	}
}

static const char *damage(const struct load_cell *cell)
{
	struct stat st;

	if (cell->guard.is_broken || fstat(cell->fd, &st) < 0 || st.st_size < MAP_SIZE)
		return "was shortened";
	if (st.st_nlink == 0)
		return "was removed";
	if (memcmp(&cell->row->key, &cell->key, sizeof(cell->key)) != 0)
		return "was overwritten";
	return NULL;
}

/* What is left to do with a map that is none any more. */
static void abandon(struct load_cell *cell)
{
	cell->own = &cell->nowhere;
	close(cell->fd);
	cell->fd = -1;
	cell->check_us = MPATH_NEVER;
}

/* Finds out who is there. */
static void check_others(struct load_cell *cell, const struct transport *transport)
{
	const char *how = damage(cell);

	cell->nlive = 0;
	if (how) {
		abandon(cell);
		log_warning("portal %s: the load map %s: what other processes have in flight "
			    "does not count any more", transport->portal, how);
		return;
	}
	find_live(cell, 0, CELLS);
	cell->check_us = transport->mpath->now_us + CHECK_US + cell->nlive * CHECK_CELL_US;
}

static uint64_t bounded(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void read_others(struct load_cell *cell)
{
	struct nexus_load others = { .commands = 0 };

	for (unsigned int i = 0; i < cell->nlive; i++) {
		struct cell *other = &cell->row->cells[cell->live[i]];

		others.commands += bounded(atomic_load_explicit(&other->commands,
								memory_order_relaxed),
					   MOST_COMMANDS);
		others.bytes += bounded(atomic_load_explicit(&other->bytes,
							     memory_order_relaxed),
					MOST_BYTES);
	}
	cell->others.commands = bounded(others.commands, MOST_COMMANDS);
	cell->others.bytes = bounded(others.bytes, MOST_BYTES);
}

/*
 * Called for every path of every I/O, and mostly one comparison. Figures are
 * read once at an instant, and with many others there less often, so that
 * reading takes a few percent of the time however many they are.
 */
static struct nexus_load load_others(const struct transport *transport)
{
	struct load_cell *cell = transport->load;
	uint64_t now_us = transport->mpath->now_us;

	if (now_us < cell->read_us)
		return cell->others;
	if (now_us >= cell->check_us)
		check_others(cell, transport);
	read_others(cell);
	cell->read_us = cell->nlive ? now_us + cell->nlive : cell->check_us;
	return cell->others;
}

const struct load_ops load_map_ops = {
	.publish = load_publish,
	.others = load_others,
};
