/* SPDX-License-Identifier: MIT */
/* A secrets file as a file: who may read it is looked at on the open file, before a byte is read. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "config/secrets.h"

/* NULL, or what is wrong. */
static const char *judge(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to somebody else than root or the user of the daemon";
	if (st->st_mode & (S_IRWXG | S_IRWXO))
		return "is open to its group or to others: its mode must be 0600 or less";
	if (st->st_size > SECRETS_BYTES_MAX)
		return "is too large";
	return NULL;
}

static int read_all(int fd, char *data, size_t room, size_t *ret_bytes)
{
	size_t n = 0;

	while (n < room) {
		ssize_t r = read(fd, data + n, room - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
	}
	*ret_bytes = n;
	return 0;
}

static int load(int fd, const char *path, size_t room, unsigned line,
	struct config_errors *errors, struct secrets **ret)
{
	char *data = malloc(room + 1);
	size_t bytes = 0;

	if (!data)
		return -ENOMEM;
	int r = read_all(fd, data, room, &bytes);
	if (r < 0)
		config_error_add(errors, line, "%.200s cannot be read: %s", path, strerror(-r));
	else
		r = secrets_parse(path, data, bytes, line, errors, ret);
	explicit_bzero(data, room + 1);
	free(data);
	return r;
}

int secrets_load(const char *path, unsigned line, struct config_errors *errors,
	struct secrets **ret)
{
	/* without waiting for a writer, should it be a FIFO */
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = -errno;

		config_error_add(errors, line, "%.200s cannot be read: %s", path, strerror(-r));
		return r;
	}
	const char *wrong = judge(&st);
	if (wrong) {
		config_error_add(errors, line, "%.200s %s", path, wrong);
		return -EPERM;
	}
	return load(fd, path, (size_t)st.st_size, line, errors, ret);
}
