/* SPDX-License-Identifier: MIT */
/* The Unix socket itself: made, owned and removed safely. */
#ifndef CONTROL_LISTEN_H
#define CONTROL_LISTEN_H

#include <sys/types.h>

#include <spt/error.h>

/* Tells whether the socket at a path is still the one we made. */
struct listen_mark {
	dev_t device;
	ino_t inode;
};

/*
 * A listening, non-blocking socket that only its owner may connect to; see control_new(). fd or
 * -errno.
 */
int listen_unix(const char *path, struct listen_mark *ret_mark, struct spt_error *error);
/* Removes the socket at @path if it is the marked one. */
void listen_remove(const char *path, const struct listen_mark *mark);

#endif
