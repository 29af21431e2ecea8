/* SPDX-License-Identifier: MIT */
/* The misbehaving target: see hostile.h. One thread, one connection at a time, blocking. */
#include "hostile.h"

#include <assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/be.h"
#include "base/util.h"
#include "hostile_link.h"

static bool get(struct link *l, void *to, size_t bytes)
{
	uint8_t *p = to;

	while (bytes) {
		struct pollfd poll_fd = { .fd = l->fd, .events = POLLIN };
		if (atomic_load(&l->h->stop))
			return false;
		if (poll(&poll_fd, 1, 50) <= 0)
			continue;
		ssize_t n = recv(l->fd, p, bytes, 0);
		if (n <= 0)
			return false;
		p += n;
		bytes -= (size_t)n;
	}
	return true;
}

/* Towards an initiator that wants mutual CHAP. */
static void login_chap(struct link *l, uint8_t *bhs, int way)
{
	static const char zeros[] = "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x00\0CHAP_N=far\0"
				    "CHAP_R=0x@0@0@0@0@0@0@0@0@0@0@0@0@0@0@0@0";
	static const char odd[] = "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x123";
	static const char keys[] = "TargetPortalGroupTag=1\0HeaderDigest=None\0DataDigest=None";

	if (way == HOSTILE_CHAP_SKIPPED) {
		link_put(l, bhs, keys, sizeof(keys)); /* from operational negotiation to full feature */
	} else if (way == HOSTILE_CHAP_ODD) {
		bhs[1] = 0x00;
		link_put(l, bhs, odd, sizeof(odd));
	} else if (l->bhs[1] & 0x04) {
		link_put(l, bhs, keys, sizeof(keys));
	} else {
		bhs[1] = 0x81; /* the security stage is over */
		link_put(l, bhs, zeros, sizeof(zeros));
	}
}

static void login(struct link *l)
{
	static const char keys[] = "TargetPortalGroupTag=1\0HeaderDigest=None\0DataDigest=None\0"
				   "InitialR2T=Yes\0ImmediateData=No\0MaxBurstLength=16776192\0"
				   "FirstBurstLength=65536";
	static const char no_length[] = "MaxRecvDataSegmentLength=0\0HeaderDigest=None";
	uint8_t bhs[48];
	char text[64];
	int way = atomic_load(&l->h->way);

	l->exp_cmd_sn = be32_get(l->bhs + 24);
	atomic_store(&l->h->isid, be64_get(l->bhs + 8) >> 16);
	link_answer(l, bhs, 0x23, 0x87);
	memcpy(bhs + 8, l->bhs + 8, 6);
	be16_put(bhs + 14, 1); /* TSIH */
	l->stat_sn++;
	if (way >= HOSTILE_CHAP_SKIPPED && way <= HOSTILE_CHAP_ODD) {
		login_chap(l, bhs, way);
	} else if (way == HOSTILE_LOGIN_REFUSED) {
		be16_put(bhs + 36, (uint16_t)atomic_load(&l->h->login_status));
		link_put(l, bhs, NULL, 0);
	} else if (way == HOSTILE_REDIRECT) {
		be16_put(bhs + 36, 0x0101);
		int n = snprintf(text, sizeof(text), "TargetAddress=127.0.0.1:%d,1",
			atomic_load(&l->h->redirect_port));
		link_put(l, bhs, text, (uint32_t)n + 1);
	} else if (way == HOSTILE_NO_LENGTH) {
		link_put(l, bhs, no_length, sizeof(no_length));
	} else {
		link_put(l, bhs, keys, sizeof(keys));
	}
}

static void inquiry(struct link *l, enum hostile_way way)
{
	uint8_t standard[36] = { way == HOSTILE_INQUIRY_NONE ? 0x7f : 0x00, 0, 6, 2, 31 };
	uint8_t serial[] = { 0, 0x80, 0, 4, 'b', 'a', 'd',
		(uint8_t)('0' + atomic_load(&l->h->serial)) };
	uint8_t designator[] = { 0, 0x83, 0, 12, 1, 3, 0, 8, 0x50, 1, 2, 3, 4, 5, 6, 7 };
	uint8_t *data = standard, page = l->bhs[34], evpd = l->bhs[33] & 1;
	uint32_t n = sizeof(standard), itt = be32_get(l->bhs + 16), asked = be16_get(l->bhs + 35);
	uint8_t bhs[48];

	if (way == HOSTILE_INQUIRY_SILENT)
		return;
	if (evpd && way == HOSTILE_PAGE_BUSY) {
		link_respond(l, 0, 0x08, 0, 0, NULL, 0);
		return;
	}
	if (evpd && (page == 0x80 || way == HOSTILE_PAGE_WRONG)) {
		data = serial;
		n = sizeof(serial);
	} else if (evpd) {
		data = designator;
		n = way == HOSTILE_PAGE_SHORT ? 13 : sizeof(designator);
	} else if (way == HOSTILE_INQUIRY_SHORT) {
		n = 3;
	}
	n = MIN(n, asked);
	link_answer(l, bhs, 0x25, n < asked ? 0x83 : 0x81);
	be32_put(bhs + 16, itt);
	be32_put(bhs + 20, 0xffffffff);
	be32_put(bhs + 44, asked - n);
	link_put(l, bhs, data, n);
	l->stat_sn++;
}

static bool unit_attention(struct link *l)
{
	static const uint8_t sense[20] = { 0, 18, 0x70, 0, 6, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x28 };

	if (atomic_load(&l->h->attentions) <= 0)
		return false;
	atomic_fetch_sub(&l->h->attentions, 1);
	link_respond(l, 0, 0x02, 0, 0, sense, sizeof(sense)); /* NOT READY TO READY CHANGE */
	return true;
}

static bool command(struct link *l)
{
	bool read = l->bhs[1] & 0x40;
	uint32_t expected = be32_get(l->bhs + 20);
	enum hostile_way way = (enum hostile_way)atomic_load(&l->h->way);

	l->exp_cmd_sn = be32_get(l->bhs + 24) + 1;
	atomic_fetch_add(&l->h->commands, 1);
	if (l->bhs[32] == 0x12) {
		inquiry(l, way);
		return true;
	}
	if (unit_attention(l))
		return true;
	/* TEST UNIT READY is always answered: the test waits for the session with it */
	if (l->bhs[32] == 0 || l->misbehaved) {
		link_good(l, read, expected);
		return true;
	}
	l->misbehaved = way != HOSTILE_NOT;
	return link_misbehave(l, way, read, expected);
}

static void task_management(struct link *l)
{
	uint8_t bhs[48];

	link_answer(l, bhs, 0x22, 0x80);
	bhs[2] = (uint8_t)atomic_load(&l->h->tmf_response);
	link_put(l, bhs, NULL, 0);
	l->stat_sn++;
	if (atomic_load(&l->h->way) == HOSTILE_LATE_DATA)
		link_data_in(l, l->silent_itt, 0, 4096, true);
}

static void take_data(struct link *l)
{
	for (uint32_t i = 0; i < l->data_bytes; i++) {
		if (l->data[i])
			atomic_fetch_add(&l->h->nonzero, 1);
	}
	if (l->out_expected && (l->out_expected -= MIN(l->data_bytes, l->out_expected)) == 0) {
		be32_put(l->bhs + 16, l->silent_itt);
		link_respond(l, 0, 0, 0, 0, NULL, 0);
	}
}

static bool one_pdu(struct link *l)
{
	uint8_t bhs[48];
	bool go_on = true;

	if (!get(l, l->bhs, 48))
		return false;
	l->data_bytes = be24_get(l->bhs + 5);
	l->data = malloc(ROUND_UP(l->data_bytes, 4u) + 1);
	if (!get(l, l->data, ROUND_UP(l->data_bytes, 4u))) {
		free(l->data);
		return false;
	}
	switch (l->bhs[0] & 0x3f) {
	case 0x03:
		login(l);
		go_on = atomic_load(&l->h->way) != HOSTILE_LOGIN_CLOSE;
		break;
	case 0x01:
		go_on = command(l);
		break;
	case 0x02:
		task_management(l);
		break;
	case 0x05:
		take_data(l);
		break;
	case 0x06:
		link_answer(l, bhs, 0x26, 0x80);
		link_put(l, bhs, NULL, 0);
		break;
	case 0x00:
		if (be32_get(l->bhs + 16) == 0xffffffff) {
			atomic_fetch_add(&l->h->pongs, 1);
			break;
		}
		l->exp_cmd_sn = be32_get(l->bhs + 24) + 1;
		link_answer(l, bhs, 0x20, 0x80);
		be32_put(bhs + 20, 0xffffffff);
		link_put(l, bhs, NULL, 0);
		l->stat_sn++;
		break;
	}
	free(l->data);
	return go_on;
}

static void *serve(void *arg)
{
	struct hostile *h = arg;

	while (!atomic_load(&h->stop)) {
		struct pollfd poll_fd = { .fd = h->fd, .events = POLLIN };
		if (poll(&poll_fd, 1, 50) <= 0)
			continue;
		struct link l = { .h = h, .fd = accept(h->fd, NULL, NULL) };
		if (l.fd < 0)
			continue;
		atomic_fetch_add(&h->connections, 1);
		while (one_pdu(&l))
			;
		close(l.fd);
	}
	return NULL;
}

void hostile_start(struct hostile *h)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(a);

	memset(h, 0, sizeof(*h));
	int little = 128 << 10; /* so that a large write does not fit in the kernel's buffers */

	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->fd < 0 || setsockopt(h->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)) < 0 ||
		bind(h->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		listen(h->fd, 5) < 0 ||
		getsockname(h->fd, (struct sockaddr *)&a, &bytes) < 0 ||
		pthread_create(&h->thread, NULL, serve, h) != 0)
		abort();
	h->port = ntohs(a.sin_port);
}

void hostile_stop(struct hostile *h)
{
	atomic_store(&h->stop, true);
	pthread_join(h->thread, NULL);
	close(h->fd);
}
