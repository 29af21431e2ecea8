/* SPDX-License-Identifier: MIT */
/*
 * Opening a file or block device for a disk. A medium is held for as long as it is open, against
 * ourselves too: a block device by O_EXCL, which mounts and device mappers honour, a file by a lock
 * (shared when read-only). The store that this one takes the place of may hold it as well.
 */
#include "store/file_open.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/util.h"

static int cannot_open(const struct store_file_params *p, int err, struct spt_error *error)
{
	if (err == EBUSY)
		return spt_error_set(error, -err, "%s: in use (mounted, or held by another device)",
			p->path);
	return spt_error_set(error, -err, "%s: %s", p->path, strerror(err));
}

static int neither(const struct store_file_params *p, struct spt_error *error)
{
	return spt_error_set(error, -EINVAL, "%s: neither a file nor a block device", p->path);
}

/* A path that does not exist becomes a file if a size was given. */
static int open_path(const struct store_file_params *p, struct file_medium *leaving,
	struct spt_error *error, struct file_medium *m, bool *ret_created)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (p->read_only ? O_RDONLY : O_RDWR) |
		(p->direct ? O_DIRECT : 0);
	struct stat st;

	*ret_created = false;
	if (stat(p->path, &st) < 0) {
		if (errno != ENOENT || !p->bytes || p->read_only)
			return cannot_open(p, errno, error);
		flags |= O_CREAT | O_EXCL;
		*ret_created = true;
	} else if (S_ISBLK(st.st_mode)) {
		flags |= O_EXCL;
	} else if (!S_ISREG(st.st_mode)) {
		return neither(p, error);
	}
	int fd = open(p->path, flags, 0600);
	if (fd < 0 && errno == EBUSY && leaving && file_claim_share(&m->claim, &leaving->claim, &st))
		fd = open(p->path, flags & ~O_EXCL);
	if (fd < 0 && errno == EINVAL && p->direct)
		return spt_error_set(error, -EINVAL, "%s: no direct I/O there", p->path);
	return fd < 0 ? cannot_open(p, errno, error) : fd;
}

static int lock_file(const struct store_file_params *p, struct file_medium *leaving,
	const struct stat *st, struct spt_error *error, struct file_medium *m)
{
	m->claim.is_lock = true;
	if (!flock(m->fd, (p->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK && leaving && file_claim_share(&m->claim, &leaving->claim, st))
		return 0;
	if (errno == EWOULDBLOCK)
		return cannot_open(p, EBUSY, error);
	return cannot_open(p, errno, error);
}

/* A limit of the block device's queue from sysfs, 0 when it does not say. */
static uint64_t queue_limit(dev_t dev, const char *name)
{
	char path[128], text[32];
	uint64_t value = 0;

	/* A partition has its queue in the directory above. */
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/queue/%s", major(dev), minor(dev), name);
	FILE *f = fopen(path, "re");
	if (!f) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../queue/%s", major(dev),
			minor(dev), name);
		f = fopen(path, "re");
	}
	if (!f)
		return 0;
	if (fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		(void)parse_u64(text, &value);
	}
	fclose(f);
	return value;
}

/* Asked of the file past its end, where there is nothing to lose. */
static bool file_punches(int fd, off_t end)
{
	return !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, end, 4096);
}

static int measure(const struct store_file_params *p, struct file_medium *leaving, bool created,
	struct spt_error *error, struct file_medium *m)
{
	struct stat st;
	uint64_t bytes;

	if (fstat(m->fd, &st) < 0)
		return cannot_open(p, errno, error);
	m->block_device = S_ISBLK(st.st_mode);
	if (!m->block_device && !S_ISREG(st.st_mode))
		return neither(p, error);
	if (m->block_device) {
		if (ioctl(m->fd, BLKGETSIZE64, &bytes) < 0)
			return cannot_open(p, errno, error);
		/* Holes are of whole blocks of the device: smaller ones of a disk above it cannot be given back. */
		m->punches = queue_limit(st.st_rdev, "write_zeroes_max_bytes") &&
			queue_limit(st.st_rdev, "logical_block_size") <= p->block_bytes;
	} else {
		int r = lock_file(p, leaving, &st, error, m);
		if (r < 0)
			return r;
		if (created && (ftruncate(m->fd, (off_t)p->bytes) < 0 || fsync(m->fd) < 0))
			return cannot_open(p, errno, error);
		bytes = created ? p->bytes : (uint64_t)st.st_size;
		m->punches = !p->read_only && file_punches(m->fd, (off_t)bytes);
	}
	if (p->bytes > bytes)
		return spt_error_set(error, -EINVAL,
			"%s: size is %" PRIu64 " bytes, but only %" PRIu64 " are there", p->path,
			p->bytes, bytes);
	m->bytes = p->bytes ? p->bytes : bytes;
	return 0;
}

/* Direct I/O has an alignment that the block size must satisfy: one read tells. */
static int check_direct(const struct store_file_params *p, struct spt_error *error,
	const struct file_medium *m)
{
	AUTO_FREE void *buffer = NULL;

	if (m->bytes < p->block_bytes)
		return 0;
	if (posix_memalign(&buffer, 4096, p->block_bytes))
		return spt_error_set(error, -ENOMEM, "out of memory");
	if (pread(m->fd, buffer, p->block_bytes, 0) >= 0)
		return 0;
	if (errno == EINVAL)
		return spt_error_set(error, -EINVAL,
			"%s: direct I/O needs a larger block-size than %" PRIu32, p->path,
			p->block_bytes);
	return cannot_open(p, errno, error);
}

int file_medium_open(const struct store_file_params *p, struct file_medium *leaving,
	struct spt_error *error, struct file_medium *m)
{
	bool created;

	*m = (struct file_medium){ .direct = p->direct, .claim = { .fd = -1, .read_only = p->read_only } };
	m->fd = open_path(p, leaving, error, m, &created);
	int r = m->fd < 0 ? m->fd : measure(p, leaving, created, error, m);
	if (r == 0 && p->direct)
		r = check_direct(p, error, m);
	if (r < 0) {
		if (created && m->fd >= 0)
			unlink(p->path);
		file_medium_close(m);
		return r;
	}
	if (m->claim.fd < 0)
		m->claim.fd = m->fd;
	return 0;
}

void file_medium_close(struct file_medium *m)
{
	file_claim_leave(&m->claim);
	if (m->claim.fd >= 0 && m->claim.fd != m->fd)
		close(m->claim.fd);
	if (m->fd >= 0)
		close(m->fd);
	m->fd = m->claim.fd = -1;
}
