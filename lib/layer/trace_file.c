/* SPDX-License-Identifier: MIT */
/* Files of bounded size: see trace.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "layer/trace.h"

static int open_new(struct trace_file *f)
{
	/* A trace shows payload: it is its owner's. */
	int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	f->to = fdopen(fd, "w");
	if (!f->to) {
		close(fd);
		return -ENOMEM;
	}
	f->bytes = 0;
	if (f->begin)
		f->begin(f->to);
	return fflush(f->to) ? -errno : 0;
}

int trace_file_open(struct trace_file *f, struct spt_error *error)
{
	int r = f->path ? open_new(f) : 0;

	return r < 0 ? spt_error_set(error, r, "%.200s: %s", f->path, strerror(-r)) : 0;
}

FILE *trace_file_get(struct trace_file *f)
{
	char old[4096];

	if (!f->to || f->failed)
		return NULL;
	if (f->bytes < f->most_bytes)
		return f->to;
	snprintf(old, sizeof(old), "%s.1", f->path);
	fclose(TAKE(f->to));
	f->failed = rename(f->path, old) < 0 || open_new(f) < 0;
	return f->failed ? NULL : f->to;
}

void trace_file_put(struct trace_file *f)
{
	long at = f->to ? ftell(f->to) : 0;

	if (at >= 0)
		f->bytes = (uint64_t)at;
	f->failed |= f->to && ferror(f->to);
}

void trace_file_close(struct trace_file *f)
{
	if (f->to)
		fclose(f->to);
	free(f->path);
}
