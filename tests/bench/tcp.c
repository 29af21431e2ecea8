/* SPDX-License-Identifier: MIT */
/*
 * A bare TCP exchange over loopback: requests and responses of the sizes that iSCSI would send,
 * with nothing in between. It is the limit that no target can beat on the machine. The server is a
 * forked child so that its CPU time is counted apart; the client is the parent.
 *
 * --request 48 --response 4144 is a 4 KiB read; --request 1048624 --response 48 a 1 MiB write. With
 * --batch all that one call has received is answered by one call; without, each by a call of its
 * own. With --spin neither side sleeps. With --medium the server's messages lie one behind the other in so much memory, as those of
 * a disk in memory do, and the client's in as much as its queue needs; otherwise each side uses the same memory again and again, which is
 * then in its processor's cache.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/parse.h"
#include "base/util.h"
#include "result.h"

#define MAX_MESSAGE (UINT64_C(16) << 20)
#define MAX_DEPTH   1024
#define BUFFER      (UINT64_C(256) << 10)

struct exchange {
	uint64_t request_bytes;
	uint64_t response_bytes;
	uint64_t depth;
	uint64_t duration_us;
	uint64_t warmup_us;
	uint64_t server_cpu; /* and one, so that 0 is any */
	uint64_t medium_bytes; /* 0: the same memory again and again */
	bool spin;
	bool batch;
	const char *json_path;
};

/* One end: it sends messages of one size and receives messages of another. */
struct end {
	int fd;
	bool spin;
	uint64_t send_bytes;
	uint64_t receive_bytes;
	uint64_t received; /* of the message that has begun */
	uint64_t batch;    /* messages in one send call at most */
	char *out;
	char *in;
	uint64_t out_bytes, in_bytes; /* how much memory that is, and where in it the next call begins */
	uint64_t out_at, in_at;
	bool walks;
};

static int end_init(struct end *e, int fd, const struct exchange *x, uint64_t send, uint64_t receive, uint64_t memory)
{
	uint64_t batch = x->batch ? MIN(x->depth, MAX(BUFFER / send, UINT64_C(1))) : 1;
	bool sends = send > receive; /* the larger messages are the payload */

	*e = (struct end){
		.fd = fd,
		.spin = x->spin,
		.send_bytes = send,
		.receive_bytes = receive,
		.batch = batch,
		.out_bytes = MAX(batch * send, sends ? memory : 0),
		.in_bytes = MAX(MAX(BUFFER, receive), sends ? 0 : memory),
		.walks = memory,
	};
	e->out = malloc(e->out_bytes);
	e->in = malloc(e->in_bytes);
	if (!e->out || !e->in)
		return -ENOMEM;
	memset(e->out, 1, e->out_bytes);
	memset(e->in, 1, e->in_bytes);
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0 ? -errno : 0;
}

static void end_deinit(struct end *e)
{
	free(e->out);
	free(e->in);
	close(e->fd);
}

static int send_all(struct end *e, uint64_t bytes)
{
	uint64_t sent = 0;
	ssize_t n;

	if (e->out_bytes - e->out_at < bytes)
		e->out_at = 0;
	while (sent < bytes) {
		n = send(e->fd, e->out + e->out_at + sent, bytes - sent, MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		sent += (uint64_t)n;
	}
	if (e->walks)
		e->out_at += bytes;
	return 0;
}

static int send_messages(struct end *e, uint64_t count)
{
	int r = 0;

	while (!r && count) {
		uint64_t now = MIN(count, e->batch);

		r = send_all(e, now * e->send_bytes);
		count -= now;
	}
	return r;
}

/* One call's worth; the number of messages it completed, -EPIPE at the end of the stream. */
static int64_t receive_messages(struct end *e)
{
	int64_t whole;
	ssize_t n;

	do
		n = recv(e->fd, e->in + e->in_at, MIN(MAX(BUFFER, e->receive_bytes), e->in_bytes - e->in_at), e->spin ? MSG_DONTWAIT : 0);
	while (n < 0 && errno == EAGAIN);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	if (e->walks)
		e->in_at = (e->in_at + (uint64_t)n) % e->in_bytes;
	e->received += (uint64_t)n;
	whole = (int64_t)(e->received / e->receive_bytes);
	e->received %= e->receive_bytes;
	return whole;
}

/* @cpu counts from 1; 0 leaves it to the kernel. */
static int pin(uint64_t cpu)
{
	cpu_set_t set;

	if (!cpu)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu - 1, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int parse_cpu(const char *text, uint64_t *ret)
{
	uint64_t cpu;
	int r = parse_u64_range(text, 0, CPU_SETSIZE - 1, &cpu);

	if (!r)
		*ret = cpu + 1;
	return r;
}

static void serve(int fd, const struct exchange *x)
{
	struct end e;
	int64_t n;

	if (pin(x->server_cpu) < 0 || end_init(&e, fd, x, x->response_bytes, x->request_bytes, x->medium_bytes) < 0 ||
		send(fd, "", 1, MSG_NOSIGNAL) != 1) /* the client begins when the memory is there */
		_exit(1);
	while ((n = receive_messages(&e)) >= 0)
		if (send_messages(&e, (uint64_t)n) < 0)
			break;
	_exit(0);
}

/* Requests are answered in order: a ring of their starting times gives each its latency. */
struct client {
	struct end end;
	uint64_t start_ns[MAX_DEPTH];
	uint64_t head;
	uint64_t tail;
	uint64_t depth;
	struct histogram *histogram;
};

static int client_send(struct client *c, uint64_t count)
{
	uint64_t now = now_ns();

	for (uint64_t i = 0; i < count; i++)
		c->start_ns[c->head++ % c->depth] = now;
	return send_messages(&c->end, count);
}

static void client_record(struct client *c, int64_t count, bool measured)
{
	uint64_t now = now_ns();

	for (int64_t i = 0; i < count; i++) {
		uint64_t start = c->start_ns[c->tail++ % c->depth];

		if (measured)
			histogram_add(c->histogram, now - start);
	}
}

/* Keeps depth requests under way until @end_ns. */
static int client_run(struct client *c, uint64_t end_ns, bool measured)
{
	int64_t n;
	int r = 0;

	while (!r && now_ns() < end_ns) {
		n = receive_messages(&c->end);
		if (n < 0)
			return (int)n;
		client_record(c, n, measured);
		r = client_send(c, (uint64_t)n);
	}
	return r;
}

static int run_client(const struct exchange *x, int fd, pid_t server, struct result *res)
{
	struct client c = { .depth = x->depth, .histogram = &res->read };
	struct usage from, to;
	uint64_t memory = x->medium_bytes ? x->depth * MAX(x->request_bytes, x->response_bytes) : 0;
	char ready;
	int r;

	r = end_init(&c.end, fd, x, x->request_bytes, x->response_bytes, memory);
	if (!r && recv(fd, &ready, 1, MSG_WAITALL) != 1)
		r = -EPIPE;
	if (!r)
		r = client_send(&c, x->depth);
	if (!r)
		r = client_run(&c, now_ns() + x->warmup_us * 1000, false);
	if (!r)
		r = usage_sample(server, &from);
	if (!r)
		r = client_run(&c, now_ns() + x->duration_us * 1000, true);
	if (!r)
		r = usage_sample(server, &to);
	if (!r)
		res->spent = usage_between(&from, &to);
	end_deinit(&c.end);
	return r;
}

/* Two ends of one loopback connection. */
static int connect_pair(int *ret_client, int *ret_server)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	AUTO_FD int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_FD int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	int server;

	if (listener < 0 || client < 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&a, &len) < 0 ||
		connect(client, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		return -errno;
	*ret_server = server;
	*ret_client = client;
	client = -1;
	return 0;
}

static int run_exchange(const struct exchange *x, struct result *res)
{
	int client = -1, server = -1, r;
	pid_t pid;

	r = connect_pair(&client, &server);
	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		close(client);
		serve(server, x);
	}
	close(server);
	r = run_client(x, client, pid, res);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return r;
}

static int usage_error(void)
{
	fputs("usage: tcp [--request SIZE] [--response SIZE] [--depth N] [--duration TIME]\n"
	      "           [--warmup TIME] [--server-cpu N] [--medium SIZE] [--batch] [--spin]\n"
	      "           [--json FILE|-]\n",
		stderr);
	return -EINVAL;
}

static int parse_valued(const char *name, const char *value, struct exchange *x)
{
	if (!value)
		return -EINVAL;
	if (!strcmp(name, "--request"))
		return parse_size(value, &x->request_bytes);
	if (!strcmp(name, "--response"))
		return parse_size(value, &x->response_bytes);
	if (!strcmp(name, "--depth"))
		return parse_u64_range(value, 1, MAX_DEPTH, &x->depth);
	if (!strcmp(name, "--medium"))
		return parse_size(value, &x->medium_bytes);
	if (!strcmp(name, "--duration"))
		return parse_duration(value, &x->duration_us);
	if (!strcmp(name, "--warmup"))
		return parse_duration(value, &x->warmup_us);
	if (!strcmp(name, "--server-cpu"))
		return parse_cpu(value, &x->server_cpu);
	if (strcmp(name, "--json"))
		return -EINVAL;
	x->json_path = value;
	return 0;
}

static int parse_arguments(int argc, char **argv, struct exchange *x)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--spin"))
			x->spin = true;
		else if (!strcmp(argv[i], "--batch"))
			x->batch = true;
		else if (parse_valued(argv[i], i + 1 < argc ? argv[i + 1] : NULL, x) < 0)
			return usage_error();
		else
			i++;
	}
	if (x->request_bytes < 48 || x->response_bytes < 48 || x->request_bytes > MAX_MESSAGE ||
		x->response_bytes > MAX_MESSAGE)
		return usage_error();
	/* Both ends blocked in send() would wait for ever. */
	return MIN(x->request_bytes, x->response_bytes) * x->depth > BUFFER ? usage_error() : 0;
}

int main(int argc, char **argv)
{
	static struct result res = {
		.work = "tcp",
		.sessions = 1,
		.threads = 1,
		.digests = "none",
	};
	struct exchange x = {
		.request_bytes = 48,
		.response_bytes = 48 + 4096,
		.depth = 1,
		.duration_us = 5000000,
		.warmup_us = 1000000,
	};
	int r;

	if (parse_arguments(argc, argv, &x) < 0)
		return 2;
	res.block_bytes = MAX(x.request_bytes, x.response_bytes) - 48;
	res.queue_depth = (unsigned)x.depth;
	res.has_server = true;
	r = run_exchange(&x, &res);
	if (!r)
		r = result_print(&res, x.json_path);
	if (r < 0)
		fprintf(stderr, "tcp: %s\n", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
