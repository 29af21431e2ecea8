/* SPDX-License-Identifier: MIT */
/*
 * The way of backend bsg: a command is an ioctl() that does not return before the device has
 * answered, so each takes a thread. An attachment has as many *jobs* as commands may be at the device,
 * and threads for them, started when they are needed and ended when they idle; a device that is stuck
 * keeps its own threads and nobody else's.
 *
 * The kernel moves data from and to the memory that it was given for as long as the command lasts,
 * which nobody can shorten. So that memory is the job's, never the task's: a task can be given up
 * at any time, and the job is of use again when its ioctl() has returned.
 */
#ifndef PASSTHROUGH_BSG_JOB_H
#define PASSTHROUGH_BSG_JOB_H

#include <spt/host.h>

struct sg_attachment;
struct bsg_pool;
struct sg_io_v4;

/* A channel's sg descriptor, on which nothing is sent: it hangs up when the device is taken away. */
struct bsg_watch {
	struct spt_watch watch;
	int new_fd;
};

/* ioctl(SG_IO), or what a test has instead: 0 or -errno. */
typedef int bsg_io_fn(int fd, struct sg_io_v4 *io);

/* For @depth commands on @attachment's bsg descriptor; NULL: out of memory. */
struct bsg_pool *bsg_pool_new(struct sg_attachment *attachment, unsigned depth, bsg_io_fn *io);
/* Threads that are idle end, the others when their ioctl() returns; each has a reference to the
 * attachment. */
void bsg_pool_close(struct bsg_pool *pool);
/* No thread is left. NULL is allowed. */
void bsg_pool_free(struct bsg_pool *pool);

int bsg_io(int fd, struct sg_io_v4 *io);

#endif
