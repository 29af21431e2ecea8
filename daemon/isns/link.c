/* SPDX-License-Identifier: MIT */
/* Connections that carry iSNS PDUs: see link.h. */
#include "isns/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

static void ready(struct spt_watch *watch, unsigned events);

void isns_link_init(struct isns_link *l, struct spt_host *host, const struct isns_link_ops *ops,
	void *arg)
{
	*l = (struct isns_link){ .host = host, .ops = ops, .arg = arg };
	l->watch = (struct spt_watch){ .fd = -1, .fn = ready, .arg = l };
}

bool isns_link_open(const struct isns_link *l)
{
	return l->watch.fd >= 0;
}

void isns_link_close(struct isns_link *l)
{
	if (!isns_link_open(l))
		return;
	spt_host_unwatch(l->host, &l->watch);
	close(l->watch.fd);
	l->watch.fd = -1;
	l->connecting = false;
	free(TAKE(l->in));
	free(TAKE(l->out));
	l->in_bytes = l->out_bytes = l->out_sent = 0;
}

static int begin(struct isns_link *l, int fd, bool connecting)
{
	l->in = malloc(ISNS_PDU_MAX);
	l->watch.fd = fd;
	l->connecting = connecting;
	int r = l->in ? spt_host_watch(l->host, &l->watch, connecting ? SPT_WRITABLE : SPT_READABLE)
		      : -ENOMEM;
	if (r < 0)
		isns_link_close(l);
	return r;
}

int isns_link_adopt(struct isns_link *l, int fd)
{
	return begin(l, fd, false);
}

int isns_link_connect(struct isns_link *l, const struct sockaddr *address, socklen_t bytes)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, address, bytes) < 0 && errno != EINPROGRESS) {
		int r = -errno;
		close(fd);
		return r;
	}
	return begin(l, fd, true);
}

static void rewatch(struct isns_link *l)
{
	spt_host_watch(l->host, &l->watch, SPT_READABLE | (l->out_bytes ? SPT_WRITABLE : 0u));
}

/* False: the link is broken, and that has been told. */
static bool flush(struct isns_link *l)
{
	while (l->out_sent < l->out_bytes) {
		ssize_t n = send(l->watch.fd, l->out + l->out_sent, l->out_bytes - l->out_sent,
			MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return true;
		if (n < 0) {
			l->ops->broken(l, strerror(errno));
			return false;
		}
		l->out_sent += (size_t)n;
	}
	free(TAKE(l->out));
	l->out_bytes = l->out_sent = 0;
	rewatch(l);
	return true;
}

int isns_link_send(struct isns_link *l, const void *pdu, size_t bytes)
{
	if (bytes > ISNS_OUT_MAX - l->out_bytes)
		return -ENOBUFS;
	uint8_t *out = realloc(l->out, l->out_bytes + bytes);
	if (!out)
		return -ENOMEM;
	memcpy(out + l->out_bytes, pdu, bytes);
	l->out = out;
	l->out_bytes += bytes;
	rewatch(l); /* it leaves when the loop finds the socket writable */
	return 0;
}

/* Every whole PDU that is there; false: the link is not what it was. */
static bool consume(struct isns_link *l)
{
	struct isns_header h;
	size_t at = 0;

	while (l->in_bytes - at >= ISNS_HEADER_BYTES) {
		if (isns_header_decode(l->in + at, &h) < 0) {
			l->ops->broken(l, "what came is no iSNS PDU");
			return false;
		}
		if (l->in_bytes - at - ISNS_HEADER_BYTES < h.bytes)
			break;
		l->ops->pdu(l, &h, l->in + at + ISNS_HEADER_BYTES);
		if (!isns_link_open(l))
			return false;
		at += ISNS_HEADER_BYTES + h.bytes;
	}
	memmove(l->in, l->in + at, l->in_bytes - at);
	l->in_bytes -= at;
	return true;
}

static void receive(struct isns_link *l)
{
	ssize_t n = recv(l->watch.fd, l->in + l->in_bytes, ISNS_PDU_MAX - l->in_bytes, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		l->ops->broken(l, n ? strerror(errno) : "the connection was closed");
		return;
	}
	l->in_bytes += (size_t)n;
	(void)consume(l);
}

static void finish_connect(struct isns_link *l)
{
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (getsockopt(l->watch.fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
		error = errno;
	if (error) {
		l->ops->broken(l, strerror(error));
		return;
	}
	l->connecting = false;
	rewatch(l);
	l->ops->connected(l);
}

static void ready(struct spt_watch *watch, unsigned events)
{
	struct isns_link *l = watch->arg;

	if (l->connecting) {
		finish_connect(l);
		return;
	}
	if ((events & SPT_WRITABLE) && l->out_bytes && !flush(l))
		return;
	if ((events & SPT_READABLE) && isns_link_open(l))
		receive(l);
}
