/* SPDX-License-Identifier: MIT */
/* The receive path: see rx.h. Every length is compared with its limit before it is used. */
#include "session/rx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <spt/buffer.h>

#include "session/conn.h"
#include "wire/digest.h"

/*
 * How far to read into the scratch buffer. After a large PDU not far: what follows is probably as
 * large, and what is received into the scratch buffer of it has to be copied to its place.
 */
#define LARGE_BYTES       (32u << 10)
#define LARGE_AHEAD_BYTES (8u << 10)

static size_t ahead_bytes(const struct rx *rx)
{
	return rx->large ? LARGE_AHEAD_BYTES : RX_SCRATCH_BYTES;
}

static bool header_digest(const struct conn *conn)
{
	return conn_full_feature(conn) && conn->params.header_digest == DIGEST_CRC32C;
}

static bool data_digest(const struct conn *conn)
{
	return conn_full_feature(conn) && conn->params.data_digest == DIGEST_CRC32C;
}

static uint32_t tail_bytes(const struct conn *conn, uint32_t data_bytes)
{
	if (!data_bytes)
		return 0;
	return bhs_padding(data_bytes) + (data_digest(conn) ? DIGEST_BYTES : 0);
}

static size_t head_bytes(const struct conn *conn, const uint8_t *bhs)
{
	return BHS_BYTES + bhs_ahs_bytes(bhs) + (header_digest(conn) ? DIGEST_BYTES : 0);
}

/* RFC 7143 11.2.1.6, 13.12: a data segment may not be longer than we declared. */
static bool check_length(struct conn *conn, const uint8_t *bhs)
{
	uint32_t limit = conn_full_feature(conn) ? conn->params.max_recv_data_segment_bytes
						 : LOGIN_SEGMENT_MAX;

	if (bhs_data_bytes(bhs) <= limit)
		return true;
	conn_close(conn, CLOSE_PDU_TOO_LONG, "%s with a data segment of %u bytes, the limit is %u",
		opcode_name(bhs_opcode(bhs)), bhs_data_bytes(bhs), limit);
	return false;
}

/* With a wrong header digest nothing in the header can be believed, its lengths neither: RFC 7143 7.8. */
static bool check_header_digest(struct conn *conn, const uint8_t *bhs)
{
	if (!header_digest(conn))
		return true;
	size_t bytes = BHS_BYTES + bhs_ahs_bytes(bhs);
	crc32c_t crc = crc32c_add(crc32c_begin(), bhs, bytes);
	if (crc32c_equal(crc, bhs + bytes))
		return true;
	conn_close(conn, CLOSE_HEADER_DIGEST, NULL);
	return false;
}

static bool data_digest_wrong(const struct conn *conn, const uint8_t *data, uint32_t bytes,
	const uint8_t *tail)
{
	if (!data_digest(conn) || !bytes || !data)
		return false;
	uint32_t padding = bhs_padding(bytes);
	crc32c_t crc = crc32c_add(crc32c_begin(), data, bytes);
	crc = crc32c_add(crc, tail, padding);
	return !crc32c_equal(crc, tail + padding);
}

static void deliver(struct conn *conn, struct rx_pdu *pdu)
{
	conn->rx.large = pdu->data_bytes > LARGE_BYTES;
	if (conn->login)
		conn_login_pdu(conn, pdu);
	else
		conn->env->phase->pdu(conn, pdu);
	if (pdu->buffer)
		spt_pool_put(conn->env->host->pool, pdu->buffer, pdu->buffer_bytes);
	pdu->buffer = NULL;
}

static bool own_head(struct conn *conn)
{
	if (!conn->rx.head)
		conn->rx.head = malloc(RX_HEAD_MAX);
	if (!conn->rx.head)
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
	return conn->rx.head;
}

/* The start of a header stays for the next time. */
static void stash(struct conn *conn, const uint8_t *bytes, size_t n)
{
	if (n && own_head(conn)) {
		memmove(conn->rx.head, bytes, n);
		conn->rx.head_bytes = (uint16_t)n;
	}
}

/* The header is whole, the data segment is not: give it a place and begin with what is there. */
static void begin_body(struct conn *conn, const uint8_t *head, size_t n_head, const uint8_t *more,
	size_t n_more)
{
	struct rx *rx = &conn->rx;

	if (!own_head(conn))
		return;
	memmove(rx->head, head, n_head);
	rx->in_body = true;
	rx->body_done = 0;
	rx->tail_done = 0;
	rx->pdu = (struct rx_pdu){
		.bhs = rx->head,
		.ahs = rx->head + BHS_BYTES,
		.data_bytes = bhs_data_bytes(rx->head),
	};
	rx->tail_bytes = (uint8_t)tail_bytes(conn, rx->pdu.data_bytes);
	if (conn_full_feature(conn))
		rx->pdu.data = conn->env->phase->place(conn, &rx->pdu);
	if (!rx->pdu.data) {
		rx->pdu.buffer = spt_pool_get(conn->env->host->pool, rx->pdu.data_bytes);
		rx->pdu.buffer_bytes = rx->pdu.data_bytes;
		rx->pdu.data = rx->pdu.buffer;
	}
	rx->pdu.discarded = !rx->pdu.data;
	size_t n = MIN(n_more, (size_t)rx->pdu.data_bytes);
	if (n && rx->pdu.data)
		memcpy(rx->pdu.data, more, n);
	rx->body_done = (uint32_t)n;
	rx->tail_done = (uint8_t)(n_more - n);
	memcpy(rx->tail, more + n, n_more - n);
}

/* @n bytes at @view: whole PDUs are handled in place. */
static void consume(struct conn *conn, uint8_t *view, size_t n)
{
	while (!conn->closing) {
		if (conn->rx.paused & RX_REFUSED)
			return;
		if (n && conn->joining) {
			conn_close(conn, CLOSE_PROTOCOL_ERROR, "sent more before its login was answered");
			return;
		}
		if (n < BHS_BYTES)
			break;
		if (!check_length(conn, view))
			return;
		size_t head = head_bytes(conn, view);
		if (n < head)
			break;
		if (!check_header_digest(conn, view))
			return;
		uint32_t data = bhs_data_bytes(view), tail = tail_bytes(conn, data);
		if (n - head < (size_t)data + tail) {
			begin_body(conn, view, head, view + head, n - head);
			return;
		}
		struct rx_pdu pdu = {
			.bhs = view,
			.ahs = view + BHS_BYTES,
			.data = data ? view + head : NULL,
			.data_bytes = data,
			.digest_error = data_digest_wrong(conn, view + head, data, view + head + data),
		};
		deliver(conn, &pdu);
		view += head + data + tail;
		n -= head + data + tail;
	}
	if (!conn->closing)
		stash(conn, view, n);
}

static void finish_body(struct conn *conn)
{
	struct rx *rx = &conn->rx;

	rx->in_body = false;
	rx->head_bytes = 0;
	rx->pdu.digest_error =
		data_digest_wrong(conn, rx->pdu.data, rx->pdu.data_bytes, rx->tail);
	deliver(conn, &rx->pdu);
}

/* Shares @n received bytes out; what is left of them is returned. */
static size_t fill_body(struct rx *rx, size_t n)
{
	size_t data = MIN(n, (size_t)(rx->pdu.data_bytes - rx->body_done));
	rx->body_done += (uint32_t)data;
	n -= data;
	size_t tail = MIN(n, (size_t)(rx->tail_bytes - rx->tail_done));
	rx->tail_done = (uint8_t)(rx->tail_done + tail);
	return n - tail;
}

static ssize_t receive(struct conn *conn, struct iovec *iov, size_t n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t r = recvmsg(conn->fd, &m, MSG_DONTWAIT);

	if (r > 0) {
		session_env_used(conn->env);
		conn->last_rx_us = spt_host_now_us(conn->env->host);
		return r;
	}
	if (r == 0)
		conn_close(conn, CLOSE_PEER_CLOSED, NULL);
	else if (errno == ECONNRESET || errno == EPIPE)
		conn_close(conn, CLOSE_PEER_RESET, NULL);
	else if (errno != EAGAIN && errno != EINTR)
		conn_close(conn, CLOSE_SOCKET_ERROR, "%s", strerror(errno));
	return 0;
}

static void read_body(struct conn *conn)
{
	struct rx *rx = &conn->rx;
	uint8_t *scratch = conn->env->scratch;
	size_t rest = rx->pdu.data_bytes - rx->body_done;
	struct iovec iov[3];
	size_t n = 0;

	if (rx->pdu.discarded && rest) {
		iov[n++] = (struct iovec){ scratch, MIN(rest, (size_t)RX_SCRATCH_BYTES) };
	} else {
		if (rest)
			iov[n++] = (struct iovec){ rx->pdu.data + rx->body_done, rest };
		if (rx->tail_bytes > rx->tail_done)
			iov[n++] = (struct iovec){ rx->tail + rx->tail_done,
				(size_t)(rx->tail_bytes - rx->tail_done) };
		iov[n++] = (struct iovec){ scratch, ahead_bytes(rx) };
	}
	ssize_t r = receive(conn, iov, n);
	if (r <= 0)
		return;
	size_t left = fill_body(rx, (size_t)r);
	if (rx->body_done < rx->pdu.data_bytes || rx->tail_done < rx->tail_bytes)
		return;
	finish_body(conn);
	consume(conn, scratch, left);
}

static void read_heads(struct conn *conn)
{
	struct rx *rx = &conn->rx;
	uint8_t *scratch = conn->env->scratch;
	size_t kept = rx->head_bytes;

	if (kept)
		memcpy(scratch, rx->head, kept);
	struct iovec iov = { scratch + kept, ahead_bytes(rx) - kept };
	ssize_t r = receive(conn, &iov, 1);
	if (r <= 0)
		return;
	rx->head_bytes = 0;
	consume(conn, scratch, kept + (size_t)r);
}

void rx_readable(struct conn *conn)
{
	if (conn->rx.paused)
		conn_watch(conn);
	else if (conn->rx.in_body)
		read_body(conn);
	else
		read_heads(conn);
}

void rx_deinit(struct conn *conn)
{
	struct rx *rx = &conn->rx;

	if (rx->in_body) {
		rx->in_body = false;
		if (conn_full_feature(conn))
			conn->env->phase->dropped(conn, &rx->pdu);
		spt_pool_put(conn->env->host->pool, TAKE(rx->pdu.buffer), rx->pdu.buffer_bytes);
	}
	free(TAKE(rx->head));
}

/* The socket is watched until it has something that must wait: most pauses are over before. */
void rx_pause(struct conn *conn, enum rx_pause_reason reason)
{
	conn->rx.paused |= reason;
}

void rx_resume(struct conn *conn, enum rx_pause_reason reason)
{
	conn->rx.paused &= ~(unsigned)reason;
	if (!conn->rx.paused && !conn->closing)
		conn_watch(conn);
}
