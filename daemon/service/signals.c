/* SPDX-License-Identifier: MIT */
/* signalfd(2) as a watch of a loop: see signals.h. */
#include "service/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log/log.h"

static void wanted(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void signals_block(void)
{
	sigset_t set;

	wanted(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* A peer that is gone is an errno of send(), not the end of the daemon. */
	signal(SIGPIPE, SIG_IGN);
	/* So is a file that may not grow: EFBIG of the write, which its command reports. */
	signal(SIGXFSZ, SIG_IGN);
}

static void deliver(struct signals *signals, uint32_t signo)
{
	if (signo == SIGHUP) {
		if (signals->ops->reload)
			signals->ops->reload(signals->arg);
	} else {
		signals->ops->terminate(signals->arg);
	}
}

static void on_ready(struct spt_watch *watch, unsigned ready)
{
	struct signals *signals = watch->arg;
	struct signalfd_siginfo info;

	/* A callback may stop us: look at the descriptor again each time. */
	while (signals->watch.fd >= 0 &&
		read(signals->watch.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		log_debug("signal %u from process %u", info.ssi_signo, info.ssi_pid);
		deliver(signals, info.ssi_signo);
	}
}

int signals_start(struct signals *signals, struct spt_host *host, const struct signals_ops *ops,
	void *arg)
{
	sigset_t set;

	wanted(&set);
	AUTO_FD int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	*signals = (struct signals){
		.host = host,
		.watch = { .fd = fd, .fn = on_ready, .arg = signals },
		.ops = ops,
		.arg = arg,
	};
	int r = spt_host_watch(host, &signals->watch, SPT_READABLE);
	if (r < 0) {
		signals->watch.fd = -1;
		return r;
	}
	fd = -1;
	return 0;
}

void signals_stop(struct signals *signals)
{
	if (!signals->host || signals->watch.fd < 0)
		return;
	spt_host_unwatch(signals->host, &signals->watch);
	close(signals->watch.fd);
	signals->watch.fd = -1;
}
