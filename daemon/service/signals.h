/* SPDX-License-Identifier: MIT */
/*
 * Signals as events of one loop. They are blocked in every thread and read from a descriptor, so
 * that a handler never runs in the middle of anything.
 */
#ifndef SERVICE_SIGNALS_H
#define SERVICE_SIGNALS_H

#include <spt/host.h>

struct signals_ops {
	void (*terminate)(void *arg); /* SIGTERM, SIGINT: drain; a second one arrives here again */
	void (*reload)(void *arg);    /* SIGHUP */
};

struct signals {
	struct spt_host *host;
	struct spt_watch watch;
	const struct signals_ops *ops;
	void *arg;
};

/* Blocks what signals_start() will read and ignores SIGPIPE: before the first thread is made. */
void signals_block(void);
/* 0 or -errno. On @host's loop, as signals_stop(). */
int signals_start(struct signals *signals, struct spt_host *host, const struct signals_ops *ops,
	void *arg);
void signals_stop(struct signals *signals);

#endif
