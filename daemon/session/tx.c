/* SPDX-License-Identifier: MIT */
/* The transmit path: see tx.h. */
#include "session/tx.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <spt/buffer.h>

#include "session/conn.h"
#include "wire/digest.h"

/* A connection that owes this many answers, or bytes beside those of tasks, is not read from until it has
 * taken half of them. */
#define ITEMS_HIGH 1024u
#define OWED_HIGH  (1u << 20)
/* System calls for one connection in one turn, so that none keeps the others waiting. */
#define SENDS_A_TURN 8u

static void flush(struct spt_post *post);

uint32_t tx_segment_bytes(const struct login_params *params)
{
	uint32_t most = params->data_digest == DIGEST_CRC32C ? TX_STEADY_BYTES : UINT32_MAX;

	return MIN(params->max_send_data_segment_bytes, most);
}

void tx_init(struct conn *conn)
{
	conn->tx.last = &conn->tx.first;
	conn->tx.flush = (struct spt_post){ .fn = flush, .arg = conn };
}

/* Every byte that a peer can make us hold has a bound: who does not read his answers is not read from. */
static void judge_debt(struct conn *conn)
{
	const struct tx *tx = &conn->tx;

	if (tx->n_items >= ITEMS_HIGH || tx->owed_bytes >= OWED_HIGH)
		rx_pause(conn, RX_OWED);
	else if (conn->rx.paused && tx->n_items <= ITEMS_HIGH / 2 && tx->owed_bytes <= OWED_HIGH / 2)
		rx_resume(conn, RX_OWED);
}

void tx_put(struct conn *conn, struct tx_item *item)
{
	struct tx *tx = &conn->tx;

	item->next = NULL;
	*tx->last = item;
	tx->last = &item->next;
	if (tx->n_items++ == 0) /* a stall is counted from here */
		conn->last_tx_us = spt_host_now_us(conn->env->host);
	judge_debt(conn);
	if (!tx->blocked)
		spt_host_defer(conn->env->host, &tx->flush);
}

static void item_sent(struct conn *conn, struct tx_item *item)
{
	conn->tx.n_items--;
	item->sent(item, conn);
	judge_debt(conn);
}

static bool ring_take(struct conn *conn)
{
	struct tx_ring *ring = spares_take(&conn->env->rings);

	if (!ring)
		ring = malloc(sizeof(*ring));
	if (!ring) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return false;
	}
	ring->first = ring->n = ring->sealed = 0;
	ring->first_done = 0;
	conn->tx.ring = ring;
	return true;
}

static void ring_put(struct conn *conn)
{
	struct tx_ring *ring = TAKE(conn->tx.ring);

	if (ring)
		spares_put(&conn->env->rings, ring);
}

static void rest_put(struct conn *conn)
{
	struct tx *tx = &conn->tx;

	spt_pool_put(conn->env->host->pool, TAKE(tx->rest), tx->rest_bytes);
}

static void copy(struct tx_frame *f, uint8_t *to)
{
	memcpy(to, f->data, f->data_bytes);
	f->data = to;
	f->copied = true;
}

static struct tx_frame *ring_at(struct tx_ring *ring, unsigned i)
{
	return &ring->frames[(ring->first + i) % TX_RING_FRAMES];
}

static bool digested(const struct conn *conn, const struct tx_frame *f, uint8_t digest)
{
	return digest == DIGEST_CRC32C && conn_full_feature(conn) && !f->item->plain;
}

/* Padding and digests (RFC 7143 11.2.3, 11.2.4). */
static void seal(const struct conn *conn, struct tx_frame *f)
{
	f->head_bytes = BHS_BYTES;
	f->tail_bytes = 0;
	if (digested(conn, f, conn->params.header_digest)) {
		crc32c_put(crc32c_add(crc32c_begin(), f->head, BHS_BYTES), f->head + BHS_BYTES);
		f->head_bytes += DIGEST_BYTES;
	}
	if (!f->data_bytes)
		return;
	f->tail_bytes = (uint8_t)bhs_padding(f->data_bytes);
	memset(f->tail, 0, f->tail_bytes);
	if (digested(conn, f, conn->params.data_digest)) {
		crc32c_t crc = crc32c_add(crc32c_begin(), f->data, f->data_bytes);
		crc = crc32c_add(crc, f->tail, f->tail_bytes);
		crc32c_put(crc, f->tail + f->tail_bytes);
		f->tail_bytes += DIGEST_BYTES;
	}
}

/* Makes PDUs of the queued items while the ring has room. */
static void make_frames(struct conn *conn)
{
	struct tx *tx = &conn->tx;
	struct tx_ring *ring = tx->ring;

	while (tx->first && ring->n < TX_RING_FRAMES) {
		struct tx_item *item = tx->first;
		struct tx_frame *f = ring_at(ring, ring->n);
		f->item = item;
		f->data = NULL;
		f->data_bytes = 0;
		f->last = true;
		f->lent = f->copied = false;
		item->fill(item, conn, f);
		ring->n++;
		if (f->last) {
			tx->first = item->next;
			if (!tx->first)
				tx->last = &tx->first;
		}
	}
}

/*
 * Seals what may be sent next. @used: bytes of this batch that have a digest. What the socket did not take of an earlier batch,
 * and was copied, goes first.
 */
static void seal_frames(struct conn *conn, uint32_t *used)
{
	struct tx_ring *ring = conn->tx.ring;

	if (!ring->sealed) {
		*used = 0;
		rest_put(conn);
	}
	while (!conn->tx.rest && ring->sealed < ring->n) {
		struct tx_frame *f = ring_at(ring, ring->sealed);
		if (digested(conn, f, conn->params.data_digest)) {
			if (*used && *used + f->data_bytes > TX_STEADY_BYTES)
				return;
			assert(!f->lent || f->data_bytes <= TX_STEADY_BYTES);
			if (f->lent)
				copy(f, conn->env->steady + *used);
			*used += f->data_bytes;
		}
		seal(conn, f);
		ring->sealed++;
	}
}

static uint32_t copied_bytes(struct tx_ring *ring)
{
	uint32_t bytes = 0;

	for (unsigned i = 0; i < ring->sealed; i++) {
		const struct tx_frame *f = ring_at(ring, i);
		bytes += f->copied ? f->data_bytes : 0;
	}
	return bytes;
}

/* The socket is full, or others have their turn: the loop's buffer is for the next one that sends. False: the connection is closed. */
static bool keep_rest(struct conn *conn)
{
	struct tx *tx = &conn->tx;
	uint32_t at = 0, bytes = tx->rest ? 0 : copied_bytes(tx->ring);

	if (!bytes)
		return true;
	tx->rest = spt_pool_get(conn->env->host->pool, bytes);
	tx->rest_bytes = bytes;
	if (!tx->rest) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return false;
	}
	for (unsigned i = 0; i < tx->ring->sealed; i++) {
		struct tx_frame *f = ring_at(tx->ring, i);
		if (!f->copied)
			continue;
		copy(f, tx->rest + at);
		at += f->data_bytes;
	}
	return true;
}

static void add_iov(struct iovec *iov, int *n, const void *data, size_t bytes, size_t *skip)
{
	if (*skip >= bytes) {
		*skip -= bytes;
		return;
	}
	iov[(*n)++] = (struct iovec){ (uint8_t *)(uintptr_t)data + *skip, bytes - *skip };
	*skip = 0;
}

static size_t frame_bytes(const struct tx_frame *f)
{
	return (size_t)f->head_bytes + f->data_bytes + f->tail_bytes;
}

static ssize_t send_ring(struct conn *conn)
{
	struct tx_ring *ring = conn->tx.ring;
	struct iovec iov[3 * TX_RING_FRAMES];
	size_t skip = ring->first_done;
	int n = 0;

	for (unsigned i = 0; i < ring->sealed; i++) {
		const struct tx_frame *f = ring_at(ring, i);
		add_iov(iov, &n, f->head, f->head_bytes, &skip);
		add_iov(iov, &n, f->data, f->data_bytes, &skip);
		add_iov(iov, &n, f->tail, f->tail_bytes, &skip);
	}
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = (size_t)n };
	/* The rest of the ring follows at once, and fills the segment that this would end in. */
	int more = ring->sealed < ring->n ? MSG_MORE : 0;
	return sendmsg(conn->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT | more);
}

static void account(struct conn *conn, size_t sent)
{
	struct tx_ring *ring = conn->tx.ring;

	conn->last_tx_us = spt_host_now_us(conn->env->host);
	ring->first_done += sent;
	while (ring->sealed && ring->first_done >= frame_bytes(ring_at(ring, 0))) {
		const struct tx_frame *f = ring_at(ring, 0);
		struct tx_item *item = f->last ? f->item : NULL;
		ring->first_done -= frame_bytes(f);
		ring->first = (ring->first + 1) % TX_RING_FRAMES;
		ring->n--;
		ring->sealed--;
		if (item)
			item_sent(conn, item);
	}
}

static void set_blocked(struct conn *conn, bool blocked)
{
	if (conn->tx.blocked == blocked)
		return;
	conn->tx.blocked = blocked;
	conn_watch(conn);
}

static void send_failed(struct conn *conn, int err)
{
	if (err == EAGAIN || err == EINTR) {
		if (keep_rest(conn))
			set_blocked(conn, true);
	} else if (err == ECONNRESET || err == EPIPE) {
		conn_close(conn, CLOSE_PEER_RESET, NULL);
	} else {
		conn_close(conn, CLOSE_SOCKET_ERROR, "%s", strerror(err));
	}
}

static void flush(struct spt_post *post)
{
	struct conn *conn = post->arg;
	struct tx *tx = &conn->tx;
	uint32_t used = 0;

	for (unsigned i = 0; !conn->closing; i++) {
		if (!tx->ring && (!tx->first || !ring_take(conn)))
			return;
		make_frames(conn);
		if (!tx->ring->n) {
			ring_put(conn);
			rest_put(conn);
			set_blocked(conn, false);
			return;
		}
		if (i == SENDS_A_TURN) {
			if (keep_rest(conn))
				set_blocked(conn, true); /* the others first: the socket calls us back */
			return;
		}
		seal_frames(conn, &used);
		ssize_t n = send_ring(conn);
		if (n < 0) {
			send_failed(conn, errno);
			return;
		}
		account(conn, (size_t)n);
	}
}

void tx_writable(struct conn *conn)
{
	flush(&conn->tx.flush);
}

void tx_drop(struct conn *conn)
{
	struct tx *tx = &conn->tx;

	assert(conn->closing);
	spt_host_undefer(conn->env->host, &tx->flush);
	/* Items whose last PDU is in the ring first, then those still in the queue. */
	for (unsigned i = 0; tx->ring && i < tx->ring->n; i++) {
		struct tx_frame *f = ring_at(tx->ring, i);
		if (f->last)
			f->item->sent(f->item, conn);
	}
	ring_put(conn);
	rest_put(conn);
	while (tx->first) {
		struct tx_item *item = tx->first;
		tx->first = item->next;
		item->sent(item, conn);
	}
	tx->last = &tx->first;
	tx->n_items = 0;
}
