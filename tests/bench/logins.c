/* SPDX-License-Identifier: MIT */
/*
 * Logins a second: so many initiators at once, each of which connects, logs in, logs out and begins again. What is timed is
 * a login, from the connect() to the response that ends it; the time of the logout counts for the rate only.
 *
 * With --rate they begin no faster than that, so that what a steady stream of logins does to others can be seen.
 *
 * Raw sockets and one thread: an initiator costs less than the target's part.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/be.h"
#include "base/parse.h"
#include "base/util.h"
#include "result.h"

#define HEADER	     48u
#define TEXT_MAX     1024u
#define ANSWER_MAX   (HEADER + 8192u)
#define PARALLEL_MAX 1000u

enum { LOGIN_RESPONSE = 0x23, LOGOUT_RESPONSE = 0x26 };

struct options {
	uint64_t parallel, rate, duration_us, warmup_us, server_pid;
	const char *json_path;
	struct sockaddr_in address;
	char target[224];
};

struct initiator {
	int fd;
	unsigned number;
	uint64_t begun_ns;
	size_t have;
	uint8_t answer[ANSWER_MAX];
};

struct run {
	const struct options *options;
	int epoll;
	struct histogram *histogram;
	bool measured;
	struct initiator *initiators;
	uint64_t since_ns, begun; /* for the rate */
	unsigned *waiting, n_waiting; /* initiators whose next login is not due */
};

static size_t login_request(const struct run *run, const struct initiator *i, uint8_t *pdu)
{
	static const uint8_t ISID[6] = { 0x80 };
	char *text = (char *)pdu + HEADER;
	/* Each key with its NUL. */
	int n = snprintf(text, TEXT_MAX, "InitiatorName=iqn.2026-11.org.sptgt:logins-%u%cTargetName=%s%c"
		"SessionType=Normal%cHeaderDigest=None%cDataDigest=None%c", i->number, 0,
		run->options->target, 0, 0, 0, 0);

	memset(pdu, 0, HEADER);
	pdu[0] = 0x43; /* Login Request, immediate */
	pdu[1] = 0x87; /* T; from operational negotiation to full feature phase */
	be32_put(pdu + 4, (uint32_t)n);
	memcpy(pdu + 8, ISID, sizeof(ISID));
	pdu[19] = 1; /* ITT */
	pdu[27] = 1; /* CmdSN */
	memset(text + n, 0, 3);
	return ROUND_UP(HEADER + (size_t)n, 4u);
}

static int begin(struct run *run, struct initiator *i)
{
	uint8_t pdu[HEADER + TEXT_MAX + 4];
	int on = 1;

	i->begun_ns = now_ns();
	i->have = 0;
	i->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (i->fd < 0)
		return -errno;
	/* To the loopback it is connected at once, unless the target's queue is full. */
	if (connect(i->fd, (const struct sockaddr *)&run->options->address, sizeof(run->options->address)) < 0)
		return -errno;
	setsockopt(i->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	size_t n = login_request(run, i, pdu);
	if (send(i->fd, pdu, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -EIO;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = i };
	return epoll_ctl(run->epoll, EPOLL_CTL_ADD, i->fd, &event) < 0 ? -errno : 0;
}

/* As many as the rate allows by now. */
static int begin_due(struct run *run)
{
	uint64_t rate = run->options->rate;
	int r = 0;

	while (run->n_waiting && !r &&
		(!rate || run->begun < (now_ns() - run->since_ns) / 1000 * rate / 1000000)) {
		run->begun++;
		r = begin(run, &run->initiators[run->waiting[--run->n_waiting]]);
	}
	return r;
}

static int log_out(struct initiator *i)
{
	uint8_t pdu[HEADER] = { 0x46, 0x80 }; /* Logout Request, immediate: close the session */

	pdu[19] = 2;
	pdu[27] = 1;
	return send(i->fd, pdu, sizeof(pdu), MSG_NOSIGNAL) == sizeof(pdu) ? 0 : -EIO;
}

/* Without a trace: ports that wait for their time to be over would run out. */
static void hang_up(struct initiator *i)
{
	const struct linger now = { .l_onoff = 1 };

	if (i->fd < 0)
		return;
	setsockopt(i->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(i->fd);
	i->fd = -1;
}

static int answered(struct run *run, struct initiator *i)
{
	switch (i->answer[0]) {
	case LOGIN_RESPONSE:
		if (i->answer[36] || i->answer[37]) {
			fprintf(stderr, "logins: refused with status %02x%02x\n", i->answer[36], i->answer[37]);
			return -EACCES;
		}
		if (run->measured)
			histogram_add(run->histogram, now_ns() - i->begun_ns);
		return log_out(i);
	case LOGOUT_RESPONSE:
		hang_up(i);
		run->waiting[run->n_waiting++] = i->number;
		return begin_due(run);
	default: /* a NOP-In, an asynchronous message */
		return 0;
	}
}

static int readable(struct run *run, struct initiator *i)
{
	ssize_t n = recv(i->fd, i->answer + i->have, sizeof(i->answer) - i->have, MSG_DONTWAIT);

	if (n <= 0)
		return n == 0 ? -ECONNRESET : errno == EAGAIN ? 0 : -errno;
	i->have += (size_t)n;
	while (i->have >= HEADER) {
		size_t whole = ROUND_UP(HEADER + (be32_get(i->answer + 4) & 0xffffffu), (size_t)4);
		if (whole > sizeof(i->answer))
			return -EMSGSIZE;
		if (i->have < whole)
			return 0;
		int r = answered(run, i);
		if (r < 0 || i->fd < 0 || !i->have) /* hung up, or begun again */
			return r;
		memmove(i->answer, i->answer + whole, i->have - whole);
		i->have -= whole;
	}
	return 0;
}

static int run_until(struct run *run, uint64_t end_ns, bool measured)
{
	struct epoll_event events[64];

	run->measured = measured;
	while (now_ns() < end_ns) {
		int n = epoll_wait(run->epoll, events, ARRAY_SIZE(events), run->n_waiting ? 1 : 100);
		int due = n < 0 && errno != EINTR ? -errno : begin_due(run);
		if (due < 0)
			return due;
		for (int k = 0; k < n; k++) {
			int r = readable(run, events[k].data.ptr);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int run_all(struct run *run, struct result *res)
{
	const struct options *o = run->options;
	struct usage from, to;
	int r = 0;

	run->since_ns = now_ns();
	for (unsigned i = 0; i < o->parallel; i++) {
		run->initiators[i] = (struct initiator){ .fd = -1, .number = i };
		run->waiting[run->n_waiting++] = i;
	}
	r = begin_due(run);
	if (!r)
		r = run_until(run, now_ns() + o->warmup_us * 1000, false);
	if (!r)
		r = usage_sample((pid_t)o->server_pid, &from);
	if (!r)
		r = run_until(run, now_ns() + o->duration_us * 1000, true);
	if (!r)
		r = usage_sample((pid_t)o->server_pid, &to);
	if (!r)
		res->spent = usage_between(&from, &to);
	for (unsigned i = 0; i < o->parallel; i++)
		hang_up(&run->initiators[i]);
	return r;
}

static int parse_url(const char *url, struct options *o)
{
	char host[64], target[sizeof(o->target)];
	unsigned port;

	if (sscanf(url, "iscsi://%63[0-9.]:%u/%223[^/]", host, &port, target) != 3 ||
		inet_pton(AF_INET, host, &o->address.sin_addr) != 1 || port > 65535)
		return -EINVAL;
	o->address.sin_family = AF_INET;
	o->address.sin_port = htons((uint16_t)port);
	memcpy(o->target, target, sizeof(target));
	return 0;
}

static int parse_valued(const char *name, const char *value, struct options *o)
{
	if (!value)
		return -EINVAL;
	if (!strcmp(name, "--parallel"))
		return parse_u64_range(value, 1, PARALLEL_MAX, &o->parallel);
	if (!strcmp(name, "--rate"))
		return parse_u64(value, &o->rate);
	if (!strcmp(name, "--duration"))
		return parse_duration(value, &o->duration_us);
	if (!strcmp(name, "--warmup"))
		return parse_duration(value, &o->warmup_us);
	if (!strcmp(name, "--server-pid"))
		return parse_u64(value, &o->server_pid);
	if (strcmp(name, "--json"))
		return -EINVAL;
	o->json_path = value;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		int r = strncmp(argv[i], "--", 2)
			? parse_url(argv[i], o)
			: parse_valued(argv[i], i + 1 < argc ? argv[i + 1] : NULL, o);
		if (r < 0)
			return r;
		i += argv[i][0] == '-';
	}
	return o->target[0] ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	static struct result res = { .work = "logins", .queue_depth = 1, .threads = 1, .digests = "none" };
	struct options o = { .parallel = 32, .duration_us = 5000000, .warmup_us = 500000 };

	if (parse_arguments(argc, argv, &o) < 0) {
		fputs("usage: logins [--parallel N] [--rate PER-SECOND] [--duration TIME] [--warmup TIME]\n"
		      "              [--server-pid PID] [--json FILE|-] iscsi://ADDRESS:PORT/TARGET/LUN\n", stderr);
		return 2;
	}
	struct run run = {
		.options = &o,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.histogram = &res.read,
		.initiators = calloc(o.parallel, sizeof(*run.initiators)),
		.waiting = calloc(o.parallel, sizeof(*run.waiting)),
	};
	res.sessions = (unsigned)o.parallel;
	res.has_server = o.server_pid;
	int r = run.epoll < 0 || !run.initiators || !run.waiting ? -ENOMEM : run_all(&run, &res);
	if (!r)
		r = result_print(&res, o.json_path);
	if (r < 0)
		fprintf(stderr, "logins: %s\n", strerror(-r));
	free(run.initiators);
	free(run.waiting);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
