/* SPDX-License-Identifier: MIT */
/* A tgtd of the test's own: one target with a 32 MiB disk as LUN 1, on a free port of 127.0.0.1. */
#ifndef TESTS_PASSTHROUGH_TGTD_H
#define TESTS_PASSTHROUGH_TGTD_H

#include <stdbool.h>
#include <sys/types.h>

#define TGTD_TARGET "iqn.2026-11.org.sptgt:upstream"

struct tgtd {
	pid_t pid;
	int control; /* number of its control port */
	int port;
	char image[64];
};

/* False: there is none on this machine, or it cannot be started here. */
bool tgtd_start(struct tgtd *t);
/* Again, after tgtd_kill(), on the same port with the same disk. */
bool tgtd_restart(struct tgtd *t);
void tgtd_kill(struct tgtd *t);
void tgtd_stop(struct tgtd *t);

#endif
