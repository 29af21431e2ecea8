/* SPDX-License-Identifier: MIT */
/* Media that pass from one store to the next: see file_claim.h. */
#include "store/file_claim.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/util.h"

/* Opening and closing happen on any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool set_lock(const struct file_claim *c)
{
	return !c->is_lock || !flock(c->fd, (c->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB);
}

static bool is_medium(const struct file_claim *c, const struct stat *st)
{
	struct stat own;

	if (fstat(c->fd, &own) < 0 || (own.st_mode & S_IFMT) != (st->st_mode & S_IFMT))
		return false;
	if (S_ISBLK(st->st_mode))
		return own.st_rdev == st->st_rdev;
	return own.st_dev == st->st_dev && own.st_ino == st->st_ino;
}

static bool share(struct file_claim *heir, struct file_claim *from, const struct stat *st)
{
	if (from->heir || !is_medium(from, st))
		return false;
	heir->fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
	if (heir->fd < 0)
		return false;
	heir->is_lock = from->is_lock;
	/* A lock that cannot be had may have cost the one that was there (flock(2)). */
	if (from->read_only && !heir->read_only && !set_lock(heir)) {
		(void)set_lock(from);
		close(heir->fd);
		heir->fd = -1;
		return false;
	}
	heir->from = from;
	from->heir = heir;
	return true;
}

bool file_claim_share(struct file_claim *heir, struct file_claim *from, const struct stat *st)
{
	pthread_mutex_lock(&lock);
	bool shared = share(heir, from, st);
	pthread_mutex_unlock(&lock);
	return shared;
}

void file_claim_leave(struct file_claim *claim)
{
	pthread_mutex_lock(&lock);
	struct file_claim *from = TAKE(claim->from), *heir = TAKE(claim->heir);
	if (from) {
		from->heir = NULL;
		(void)set_lock(from);
	}
	if (heir) {
		heir->from = NULL;
		(void)set_lock(heir);
	}
	pthread_mutex_unlock(&lock);
}
