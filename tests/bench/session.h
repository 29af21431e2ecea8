/* SPDX-License-Identifier: MIT */
/*
 * One session of the load generator: a libiscsi context, logged in to one logical unit, with a
 * fixed number of slots, each of which carries one READ(16) or WRITE(16) at a time. The tasks live
 * in the session, the data in its owner's buffers: nothing is allocated for a command here. All
 * calls on one thread at a time. session.c is the only place that knows libiscsi; raw.c does without it.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct session;

struct session_request {
	bool write;
	uint64_t lba;
	uint32_t blocks;
	void *data;
	size_t bytes;
};

/* Called from session_service(); @error is 0 or -errno, whose reason has been said on stderr. */
typedef void session_done_fn(void *arg, unsigned slot, int error);

struct capacity {
	uint64_t blocks;
	uint32_t block_bytes;
};

/* Connects, logs in and reads the capacity; blocks. Each session's @index makes its ISID. */
int session_new(const struct options *opt, unsigned index, struct capacity *ret_capacity, struct session **ret);
/* Logs out, when no command is under way; commands that are, are forgotten without a call. */
void session_free(struct session *s);
void session_on_done(struct session *s, session_done_fn *done, void *arg);

int session_submit(struct session *s, unsigned slot, const struct session_request *req);
int session_fd(struct session *s);
/* POLLIN and POLLOUT as wanted now. */
int session_events(struct session *s);
/* Negative when the connection is lost. Call it with 0 every second or so: it finds timeouts. */
int session_service(struct session *s, int revents);

#endif
