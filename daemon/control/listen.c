/* SPDX-License-Identifier: MIT */
/* See listen.h. */
#include "control/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/util.h"

/* Does somebody answer at @address? -ECONNREFUSED: nobody does, the socket is a leftover. */
static int try_connect(const struct sockaddr_un *address)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* EAGAIN: its queue is full, so it lives. */
	if (!connect(fd, (const struct sockaddr *)address, sizeof(*address)) || errno == EAGAIN)
		return 0;
	return -errno;
}

/* Makes sure that nothing is at the path. */
static int clear_path(const struct sockaddr_un *address, struct spt_error *error)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0) {
		int r = -errno;

		return r == -ENOENT ? 0 :
			spt_error_set(error, r, "%s: %s", path, strerror(-r));
	}
	if (!S_ISSOCK(st.st_mode))
		return spt_error_set(error, -EEXIST, "%s: something else is there that is no "
			"socket", path);
	int r = try_connect(address);
	if (!r)
		return spt_error_set(error, -EADDRINUSE, "%s: another daemon answers there", path);
	if (r != -ECONNREFUSED)
		return spt_error_set(error, r, "%s: %s", path, strerror(-r));
	if (unlink(path) < 0 && errno != ENOENT) {
		r = -errno;
		return spt_error_set(error, r, "%s: the socket left behind cannot be removed: "
			"%s", path, strerror(-r));
	}
	return 0;
}

/* As the directory below /run is gone after every boot, it is made when only it is missing. */
static int bind_path(int fd, const struct sockaddr_un *address)
{
	char directory[sizeof(address->sun_path)];
	const struct sockaddr *name = (const struct sockaddr *)address;

	if (!bind(fd, name, sizeof(*address)))
		return 0;
	if (errno != ENOENT)
		return -errno;
	strcpy(directory, address->sun_path);
	char *slash = strrchr(directory, '/');
	if (!slash || slash == directory)
		return -ENOENT;
	*slash = 0;
	if (mkdir(directory, 0755) < 0 && errno != EEXIST)
		return -errno;
	return bind(fd, name, sizeof(*address)) < 0 ? -errno : 0;
}

int listen_unix(const char *path, struct listen_mark *ret_mark, struct spt_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return spt_error_set(error, -ENAMETOOLONG, "the path may have 1 to %zu "
			"characters", sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	int r = clear_path(&address, error);
	if (r < 0)
		return r;
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The mode of the descriptor is the mode that bind() gives the file (unix(7)): there is no
	 * moment at which somebody else may connect, and the umask of the process stays alone. */
	r = fd < 0 || fchmod(fd, 0600) < 0 ? -errno : bind_path(fd, &address);
	if (r < 0)
		return spt_error_set(error, r, "%s: %s", path, strerror(-r));
	if (listen(fd, 16) < 0 || stat(path, &st) < 0) {
		r = -errno;
		unlink(path);
		return spt_error_set(error, r, "%s: %s", path, strerror(-r));
	}
	*ret_mark = (struct listen_mark){ st.st_dev, st.st_ino };
	int taken = fd;
	fd = -1;
	return taken;
}

void listen_remove(const char *path, const struct listen_mark *mark)
{
	struct stat st;

	if (!lstat(path, &st) && st.st_dev == mark->device && st.st_ino == mark->inode)
		unlink(path);
}
