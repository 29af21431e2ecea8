/* SPDX-License-Identifier: MIT */
/*
 * The little of HTTP/1.0 that a question needs: a request, and an answer that ends with the
 * connection. See client.h.
 */
#include "cli/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/util.h"

#define ANSWER_MAX     (64u << 20)
#define ANSWER_SECONDS 30

static int connect_error(const char *path, int err, struct spt_error *error)
{
	if (err == -ENOENT)
		return spt_error_set(error, err, "%s does not exist: is sptgtd running?", path);
	if (err == -ECONNREFUSED)
		return spt_error_set(error, err, "nobody answers at %s: sptgtd is not "
			"running", path);
	if (err == -EACCES)
		return spt_error_set(error, err, "%s: only the user sptgtd runs as may use "
			"it", path);
	return spt_error_set(error, err, "%s: %s", path, strerror(-err));
}

static int open_socket(const char *path, struct spt_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };

	if (strlen(path) >= sizeof(address.sun_path))
		return spt_error_set(error, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return connect_error(path, -errno, error);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return connect_error(path, -errno, error);
	int taken = fd;
	fd = -1;
	return taken;
}

static int send_request(int fd, const char *method, const char *path, const char *body,
	struct spt_error *error)
{
	char text[8192];
	int n = snprintf(text, sizeof(text), "%s %s HTTP/1.0\r\nHost: localhost\r\n"
		"Connection: close\r\nContent-Length: %zu\r\n\r\n%s", method, path,
		body ? strlen(body) : 0, body ? body : "");

	if (n >= (int)sizeof(text))
		return spt_error_set(error, -EINVAL, "the question is too long");
	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return spt_error_set(error, -EIO, "cannot ask: %s", strerror(errno));
	return 0;
}

/* Everything until the far side closes, terminated. */
static int receive(int fd, char **ret, size_t *ret_bytes, struct spt_error *error)
{
	AUTO_FREE char *text = NULL;
	size_t have = 0, room = 0;

	for (;;) {
		if (have + 1 >= room) {
			size_t more = room ? 2 * room : 16384;
			char *grown = more > ANSWER_MAX ? NULL : realloc(text, more);

			if (!grown)
				return spt_error_set(error, -EMSGSIZE, "the answer is too large");
			text = grown;
			room = more;
		}
		ssize_t n = recv(fd, text + have, room - have - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return spt_error_set(error, -ETIMEDOUT, "sptgtd did not answer in %d s",
				ANSWER_SECONDS);
		if (n < 0)
			return spt_error_set(error, -errno, "no answer: %s", strerror(errno));
		if (!n)
			break;
		have += (size_t)n;
	}
	text[have] = 0;
	*ret = TAKE(text);
	*ret_bytes = have;
	return 0;
}

static int split_answer(char *text, size_t bytes, struct client_answer *ret,
	struct spt_error *error)
{
	static const char END[] = "\r\n\r\n";
	const char *body = memmem(text, bytes, END, 4);

	if (!body || sscanf(text, "HTTP/1.%*1[01] %3d ", &ret->status) != 1)
		return spt_error_set(error, -EBADMSG, "the answer is not one of sptgtd's");
	body += 4;
	ret->bytes = bytes - (size_t)(body - text);
	ret->body = malloc(ret->bytes + 1);
	if (!ret->body)
		return spt_error_set(error, -ENOMEM, "out of memory");
	memcpy(ret->body, body, ret->bytes + 1);
	return 0;
}

int client_ask(const char *socket_path, const char *method, const char *path, const char *body,
	struct client_answer *ret, struct spt_error *error)
{
	AUTO_FREE char *text = NULL;
	size_t bytes = 0;
	AUTO_FD int fd = open_socket(socket_path, error);

	if (fd < 0)
		return fd;
	int r = send_request(fd, method, path, body, error);
	if (!r)
		r = receive(fd, &text, &bytes, error);
	return r < 0 ? r : split_answer(text, bytes, ret, error);
}
