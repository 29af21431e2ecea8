/* SPDX-License-Identifier: MIT */
/* What the process may do: its limit of descriptors, and who it is. */
#ifndef SERVICE_PRIVILEGES_H
#define SERVICE_PRIVILEGES_H

#include <stdint.h>

#include <spt/error.h>

/*
 * Raises RLIMIT_NOFILE towards @wanted, as far as the hard limit goes. Returns how many may be
 * open, or -errno.
 */
int64_t privileges_raise_files(uint64_t wanted);
/* The same for so many connections and what else there is; where they are too many the log says so. */
void privileges_allow_connections(uint32_t connections);
/*
 * Becomes @user and @group (NULL: the user's own), keeping of the capabilities it has those that
 * pass-through needs (CAP_SYS_RAWIO, CAP_SYS_ADMIN, CAP_SYS_PTRACE). Both NULL: nothing. Before sg devices are
 * opened: the kernel refuses read() and write() on them when the credentials changed since.
 * Before threads. 0 or -errno with @error told.
 */
int privileges_drop(const char *user, const char *group, struct spt_error *error);

#endif
