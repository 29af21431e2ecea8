/* SPDX-License-Identifier: MIT */
/* CPU time of client, server and machine from /proc: see usage.h. */
#include "usage.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

#define NS_PER_S UINT64_C(1000000000)

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

static uint64_t ticks_ns(uint64_t ticks)
{
	return ticks * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static int read_text(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -errno;
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return n ? 0 : -EIO;
}

/* /proc/PID/stat: utime and stime are the 12th and 13th field after the name's parenthesis. */
static int process_ticks_ns(pid_t pid, uint64_t *ret)
{
	char path[64], text[1024], *p;
	uint64_t user, sys;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = read_text(path, text, sizeof(text));
	if (r < 0)
		return r;
	p = strrchr(text, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
			  &user, &sys) != 2)
		return -EIO;
	*ret = ticks_ns(user + sys);
	return 0;
}

/* The first number of a task's schedstat is its CPU time in ns. */
static int task_ns(pid_t pid, const char *tid, uint64_t *ret)
{
	char path[300], text[128];

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid, tid);
	if (read_text(path, text, sizeof(text)) < 0)
		return -ENOENT;
	return sscanf(text, "%" SCNu64, ret) == 1 ? 0 : -ENOENT;
}

/* The sum over the threads, exact where the kernel keeps schedstat, else the process's ticks. */
static int server_ns(pid_t pid, uint64_t *ret)
{
	char path[64];
	uint64_t sum = 0, one;
	unsigned found = 0;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || task_ns(pid, e->d_name, &one) < 0)
			continue;
		sum += one;
		found++;
	}
	closedir(d);
	if (!found)
		return process_ticks_ns(pid, ret);
	*ret = sum;
	return 0;
}

/* The first line of /proc/stat: user nice system idle iowait irq softirq steal. */
static int machine_ns(uint64_t *ret_busy, uint64_t *ret_steal)
{
	uint64_t user, nice, sys, idle, iowait, irq, softirq, steal;
	char text[512];
	int r;

	r = read_text("/proc/stat", text, sizeof(text));
	if (r < 0)
		return r;
	r = sscanf(text,
		"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %" SCNu64 " %" SCNu64,
		&user, &nice, &sys, &idle, &iowait, &irq, &softirq, &steal);
	if (r != 8)
		return -EIO;
	*ret_busy = ticks_ns(user + nice + sys + irq + softirq);
	*ret_steal = ticks_ns(steal);
	return 0;
}

int usage_sample(pid_t server, struct usage *ret)
{
	struct usage u = { 0 };
	int r;

	r = machine_ns(&u.busy_ns, &u.steal_ns);
	if (r < 0)
		return r;
	if (server) {
		r = server_ns(server, &u.server_ns);
		if (r < 0)
			return r;
	}
	u.client_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	u.wall_ns = now_ns();
	*ret = u;
	return 0;
}

struct usage usage_between(const struct usage *from, const struct usage *to)
{
	return (struct usage){
		.wall_ns = to->wall_ns - from->wall_ns,
		.client_ns = to->client_ns - from->client_ns,
		.server_ns = to->server_ns - MIN(from->server_ns, to->server_ns),
		.busy_ns = to->busy_ns - from->busy_ns,
		.steal_ns = to->steal_ns - from->steal_ns,
	};
}
