/* SPDX-License-Identifier: MIT */
/*
 * A tgtd of the test's own: one target with a 32 MiB disk (or a drive of another type) as LUN 1, on a
 * free port of 127.0.0.1.
 */
#ifndef TESTS_PASSTHROUGH_TGTD_H
#define TESTS_PASSTHROUGH_TGTD_H

#include <stdbool.h>
#include <sys/types.h>

#define TGTD_TARGET "iqn.2026-11.org.sptgt:upstream"

struct tgtd {
	pid_t pid;
	int control; /* number of its control port */
	int port;
	char image[64]; /* the medium */
	const char *type; /* "disk", "tape", "cd", "changer" */
	const char *host; /* as in a portal */
	bool borrowed; /* the image is another's */
};

/* Is there one on this machine? A test of its own that does not start is a fault where there is. */
bool tgtd_installed(void);
/* False: it cannot be started. */
bool tgtd_start(struct tgtd *t);
/* The same with a drive of @type. The CD is full of 'C'; the tape is empty; a changer has two slots. */
bool tgtd_start_type(struct tgtd *t, const char *type);
/* Another way to the disk of @with, which is the same logical unit, on @host ("[::1]"). */
bool tgtd_start_beside(struct tgtd *t, const struct tgtd *with, const char *host);
/* tgtadm --lld iscsi ... */
bool tgtd_admin(const struct tgtd *t, const char *rest);
/* Again, after tgtd_kill(), on the same port with the same disk. */
bool tgtd_restart(struct tgtd *t);
void tgtd_kill(struct tgtd *t);
void tgtd_stop(struct tgtd *t);

#endif
