/* SPDX-License-Identifier: MIT */
/* What iSNS servers ask of us: see inquiry.h. */
#include "isns/inquiry.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "isns/answer.h"
#include "log/log.h"

#define PEER_QUIET_US 60000000u
#define PAUSE_US      1000000u

static void peer_close(struct isns_peer *peer)
{
	isns_link_close(&peer->link);
	spt_host_timer_clear(peer->inquiry->host, &peer->timer);
}

bool isns_inquiry_answer(struct isns_link *link, const struct isns_entity *entity,
	const struct isns_header *header, const uint8_t *payload, bool *ret_lost)
{
	AUTO_FREE uint8_t *pdu = malloc(ISNS_PDU_MAX);
	const char *why = "out of memory";
	struct writer w;

	*ret_lost = false;
	if (pdu) {
		w = wr_init(pdu, ISNS_PDU_MAX);
		if (!isns_reply(entity, header, payload, &w, ret_lost))
			why = "what it asks is malformed";
		else if (isns_link_send(link, pdu, wr_len(&w)) < 0)
			why = "it does not take our answers";
		else
			return true;
	}
	link->ops->broken(link, why);
	return false;
}

static void peer_pdu(struct isns_link *link, const struct isns_header *header,
	const uint8_t *payload)
{
	struct isns_peer *peer = link->arg;
	struct isns_inquiry *q = peer->inquiry;
	bool lost;

	/* an answer to nothing, or the rest of a message whose first PDU was answered */
	if ((header->function & ISNS_ANSWER) || header->sequence)
		return;
	spt_host_timer_set(q->host, &peer->timer, PEER_QUIET_US);
	if (isns_inquiry_answer(link, q->params->entity, header, payload, &lost) && lost)
		q->lost(q->arg);
}

static void peer_broken(struct isns_link *link, const char *why)
{
	log_debug("iSNS: a server's connection has ended: %s", why);
	peer_close(link->arg);
}

static void peer_quiet(struct spt_timer *timer)
{
	peer_close(timer->arg);
}

static const struct isns_link_ops PEER_OPS = { .pdu = peer_pdu, .broken = peer_broken };

/* As IPv6, so that an IPv4 address is the same by whatever socket it came. */
static void address_of(const struct sockaddr_storage *a, uint8_t *ret)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)a;

	if (a->ss_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
		return;
	}
	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	memcpy(ret + 12, &in->sin_addr, 4);
}

static bool is_server(const struct isns_inquiry *q, const struct sockaddr_storage *peer)
{
	uint8_t address[16], server[16];

	address_of(peer, address);
	for (size_t i = 0; i < q->params->n_servers; i++) {
		for (size_t k = 0; k < q->servers[i].n; k++) {
			address_of(&q->servers[i].list[k].sockaddr, server);
			if (!memcmp(address, server, sizeof(server)))
				return true;
		}
	}
	return false;
}

static struct isns_peer *free_peer(struct isns_inquiry *q)
{
	for (size_t i = 0; i < ISNS_PEERS_MAX; i++) {
		if (!isns_link_open(&q->peers[i].link))
			return &q->peers[i];
	}
	return NULL;
}

static void resume(struct spt_timer *timer)
{
	struct isns_inquiry *q = timer->arg;

	spt_host_watch(q->host, &q->watch, SPT_READABLE);
}

static void ready(struct spt_watch *watch, unsigned events)
{
	struct isns_inquiry *q = watch->arg;
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	int fd = accept4(watch->fd, (struct sockaddr *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			spt_host_watch(q->host, &q->watch, 0); /* so that we do not spin */
			spt_host_timer_set(q->host, &q->pause, PAUSE_US);
		}
		return;
	}
	struct isns_peer *p = is_server(q, &peer) ? free_peer(q) : NULL;
	if (!p) {
		close(fd);
		return;
	}
	if (isns_link_adopt(&p->link, fd) == 0)
		spt_host_timer_set(q->host, &p->timer, PEER_QUIET_US);
}

/* One socket for IPv6 and IPv4; for IPv4 alone where the machine has no IPv6. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0;
	bool v6 = fd >= 0;

	if (!v6)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, v6 ? (struct sockaddr *)&in6 : (struct sockaddr *)&in,
		    v6 ? sizeof(in6) : sizeof(in)) < 0 || listen(fd, ISNS_PEERS_MAX) < 0) {
		int r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t bytes = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &bytes) < 0)
		return 0;
	return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port)
				       : ntohs(((struct sockaddr_in *)&a)->sin_port);
}

int isns_inquiry_open(struct isns_inquiry *q, struct spt_host *host,
	const struct isns_params *params, const struct isns_addresses *servers, void (*lost)(void *arg),
	void *arg)
{
	*q = (struct isns_inquiry){
		.host = host, .params = params, .servers = servers, .lost = lost, .arg = arg };
	for (size_t i = 0; i < ISNS_PEERS_MAX; i++) {
		struct isns_peer *p = &q->peers[i];

		isns_link_init(&p->link, host, &PEER_OPS, p);
		p->timer = (struct spt_timer){ .fn = peer_quiet, .arg = p };
		p->inquiry = q;
	}
	q->pause = (struct spt_timer){ .fn = resume, .arg = q };
	int fd = listen_on(params->port);
	q->watch = (struct spt_watch){ .fd = fd < 0 ? -1 : fd, .fn = ready, .arg = q };
	if (fd < 0)
		return fd;
	q->port = port_of(fd);
	int r = spt_host_watch(host, &q->watch, SPT_READABLE);
	if (r < 0)
		isns_inquiry_close(q);
	return r;
}

void isns_inquiry_drop(struct isns_inquiry *q)
{
	for (size_t i = 0; i < ISNS_PEERS_MAX; i++) {
		if (q->peers[i].inquiry)
			peer_close(&q->peers[i]);
	}
}

void isns_inquiry_close(struct isns_inquiry *q)
{
	isns_inquiry_drop(q);
	if (q->watch.fd < 0)
		return;
	spt_host_timer_clear(q->host, &q->pause);
	spt_host_unwatch(q->host, &q->watch);
	close(q->watch.fd);
	q->watch.fd = -1;
	q->port = 0;
}
