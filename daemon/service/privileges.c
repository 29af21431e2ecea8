/* SPDX-License-Identifier: MIT */
/*
 * Limits and credentials: see privileges.h. Capabilities are set by the system call itself: one
 * call with two words is not worth a library.
 */
#include "service/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "log/log.h"

/* Open files that are no connections: devices, loops, what is read for a moment. */
#define FILES_BESIDE 1024u

/* SG_IO beyond the kernel's list of harmless commands, and SG_SCSI_RESET, need the first two; who has a
 * tape drive open is seen with the third. */
#define KEPT ((1u << CAP_SYS_RAWIO) | (1u << CAP_SYS_ADMIN) | (1u << CAP_SYS_PTRACE))

int64_t privileges_raise_files(uint64_t wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = MIN((rlim_t)wanted, limit.rlim_max);
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			return -errno;
	}
	return (int64_t)MIN(limit.rlim_cur, (rlim_t)INT64_MAX);
}

void privileges_allow_connections(uint32_t connections)
{
	int64_t files = privileges_raise_files((uint64_t)connections + FILES_BESIDE);

	if (files >= 0 && (uint64_t)files < (uint64_t)connections + FILES_BESIDE)
		log_warning("max-connections is %u, but no more than %lld files may be open (LimitNOFILE, "
			"ulimit -Hn): connections beyond that wait to be accepted", connections,
			(long long)files);
}

static int find_ids(const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid,
	struct spt_error *error)
{
	*ret_uid = geteuid();
	*ret_gid = getegid();
	if (user) {
		const struct passwd *pw = getpwnam(user);

		if (!pw)
			return spt_error_set(error, -ENOENT, "there is no user '%s'", user);
		*ret_uid = pw->pw_uid;
		*ret_gid = pw->pw_gid;
	}
	if (group) {
		const struct group *gr = getgrnam(group);

		if (!gr)
			return spt_error_set(error, -ENOENT, "there is no group '%s'", group);
		*ret_gid = gr->gr_gid;
	}
	return 0;
}

/* Of what we have, permitted and effective, keep @mask. */
static int keep_capabilities(uint32_t mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].permitted &= mask;
	data[0].effective = data[0].permitted;
	data[0].inheritable = 0;
	data[1] = (struct __user_cap_data_struct){ 0 };
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static int become(uid_t uid, gid_t gid, const char *user)
{
	if (prctl(PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L) < 0)
		return -errno;
	if ((user ? initgroups(user, gid) : setgroups(0, NULL)) < 0)
		return -errno;
	if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	/* Who stays root with another group stays root. */
	return uid ? keep_capabilities(KEPT) : 0;
}

int privileges_drop(const char *user, const char *group, struct spt_error *error)
{
	uid_t uid;
	gid_t gid;

	if (!user && !group)
		return 0;
	int r = find_ids(user, group, &uid, &gid, error);
	if (r < 0)
		return r;
	/* Started as that user already, by the service manager for instance. */
	if (uid == geteuid() && gid == getegid())
		return 0;
	r = become(uid, gid, user);
	if (r < 0)
		return spt_error_set(error, r, "cannot become %s%s%s: %s", user ? user : "",
			group ? " group " : "", group ? group : "", strerror(-r));
	return 0;
}
