/* SPDX-License-Identifier: MIT */
/* Listening sockets: see listener.h. */
#include "target/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "target/server.h"
#include "target/worker.h"

#define BACKLOG	       1024
#define ACCEPTS_A_TURN 16
/* After an accept() that failed for want of descriptors or memory, so that we do not spin. */
#define PAUSE_US 100000u

static bool is_wildcard(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr);
	return ((const struct sockaddr_in *)a)->sin_addr.s_addr == INADDR_ANY;
}

/* What the socket is really bound to: port 0 has become a number. */
static int learn_address(struct listener *l)
{
	struct sockaddr_storage a;
	socklen_t bytes = sizeof(a);
	char host[INET6_ADDRSTRLEN];

	if (getsockname(l->watch.fd, (struct sockaddr *)&a, &bytes) < 0)
		return -errno;
	if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		l->port = ntohs(in6->sin6_port);
		snprintf(l->text, sizeof(l->text), "[%s]:%u", host, l->port);
	} else if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (struct sockaddr_in *)&a;
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		l->port = ntohs(in->sin_port);
		snprintf(l->text, sizeof(l->text), "%s:%u", host, l->port);
	} else {
		return -EAFNOSUPPORT;
	}
	l->wildcard = is_wildcard(&a);
	return 0;
}

static int bind_and_listen(int fd, const struct config_address *address)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address->sockaddr, address->bytes) < 0 ||
		listen(fd, BACKLOG) < 0)
		return -errno;
	return 0;
}

/* What is to be done about it. */
static const char *hint(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return "; which program has it is told by: ss -ltnp";
	case -EADDRNOTAVAIL:
		return "; no interface of this machine has that address (yet?)";
	case -EACCES:
		return "; ports below 1024 are for root, or CAP_NET_BIND_SERVICE";
	default:
		return "";
	}
}

int listener_open(struct listener *l, const struct config_address *address,
	struct spt_error *error)
{
	int fd = socket(address->sockaddr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : bind_and_listen(fd, address);

	if (!r)
		r = listener_adopt(l, fd);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return spt_error_set(error, r, "portal %s: cannot listen on %s: %s%s", l->portal.name,
			address->text, strerror(-r), hint(r));
	}
	return 0;
}

/* Accepted sockets begin with these (Linux): once here instead of for each connection. */
static void set_options(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)); /* where nop-interval is 0 */
}

int listener_adopt(struct listener *l, int fd)
{
	set_options(fd);
	l->watch.fd = fd;
	int r = learn_address(l);
	if (r < 0)
		l->watch.fd = -1;
	return r;
}

int listener_watch(struct listener *l)
{
	bool waits = l->paused || l->server->admission.held;

	return spt_host_watch(loop_host(l->server->workers[0].loop), &l->watch, waits ? 0 : SPT_READABLE | SPT_YIELDS);
}

static void resume(struct spt_timer *timer)
{
	struct listener *l = timer->arg;

	l->paused = false;
	listener_watch(l);
}

static void pause_accepting(struct listener *l, int err)
{
	struct spt_host *host = loop_host(l->server->workers[0].loop);
	char more[LOG_LIMIT_TEXT];

	if (log_limit_line(&l->log, spt_host_now_us(host), more))
		log_error("portal %s: cannot accept connections: %s; those that wait are tried again "
			"every %u ms%s%s", l->portal.name, strerror(err), PAUSE_US / 1000,
			err == EMFILE ? " (see max-connections and LimitNOFILE)" : "", more);
	l->paused = true;
	listener_watch(l);
	spt_host_timer_set(host, &l->pause, PAUSE_US);
}

static bool accept_one(struct listener *l)
{
	struct sockaddr_storage peer;
	socklen_t bytes = sizeof(peer);
	int fd = accept4(l->watch.fd, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		server_accepted(l->server, fd, &l->portal, (struct sockaddr *)&peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_accepting(l, errno);
	return errno == ECONNABORTED || errno == EINTR;
}

static void ready(struct spt_watch *watch, unsigned events)
{
	struct listener *l = watch->arg;

	(void)events;
	if (admission_full(l->server)) {
		admission_hold(l->server, &l->portal);
		return;
	}
	/* A flood of connections does not keep the loop from its other work. */
	for (int i = 0; i < ACCEPTS_A_TURN && !admission_full(l->server) && accept_one(l); i++)
		;
}

int listener_start(struct listener *l, struct server *server)
{
	l->server = server;
	l->watch.fn = ready;
	l->watch.arg = l;
	l->pause = (struct spt_timer){ .fn = resume, .arg = l };
	log_notice("portal %s: listening on %s", l->portal.name, l->text);
	return listener_watch(l);
}

void listener_close(struct listener *l)
{
	if (l->watch.fd < 0)
		return;
	if (l->server) {
		struct spt_host *host = loop_host(l->server->workers[0].loop);
		spt_host_unwatch(host, &l->watch);
		spt_host_timer_clear(host, &l->pause);
	}
	close(l->watch.fd);
	l->watch.fd = -1;
}
