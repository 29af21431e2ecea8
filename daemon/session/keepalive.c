/* SPDX-License-Identifier: MIT */
/*
 * The keep-alive of a connection in full feature phase: after a silence a NOP-In that wants an
 * answer (RFC 7143 11.19.1, 11.19.2); no answer, or a peer that takes nothing of what it is owed, ends the
 * connection.
 */
#include "session/conn.h"
#include "wire/nop_in.h"

static void encode_ping(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_nop_in nop = {
		.lun = 0, /* RFC 7143 11.19.3: the one that is answered in every session, mapped or not */
		.itt = TAG_NONE,
		.ttt = (uint32_t)message->arg[0],
		.sns = conn_sns(conn),
	};

	pdu_nop_in_encode(&nop, bhs);
	if (nop.ttt != TAG_NONE)
		conn->nop_sent_us = spt_host_now_us(conn->env->host);
}

void conn_announce_window(struct conn *conn)
{
	/* What is still to be made will say so; what is made already says what was before. */
	if (conn->closing || conn->tx.first)
		return;
	struct tx_message *m = tx_message_new(conn, 0);
	if (!m)
		return;
	m->arg[0] = TAG_NONE;
	m->encode = encode_ping;
	tx_message_put(conn, m);
}

static void ping(struct conn *conn)
{
	struct tx_message *m = tx_message_new(conn, 0);

	if (!m)
		return;
	conn->nop_ttt = conn_take_ttt(conn);
	conn->nop_sent_us = spt_host_now_us(conn->env->host);
	m->arg[0] = conn->nop_ttt;
	m->encode = encode_ping;
	tx_message_put(conn, m);
}

static void tick(struct spt_timer *timer)
{
	struct conn *conn = timer->arg;
	const struct conn_portal *p = &conn->portal;
	uint64_t now = spt_host_now_us(conn->env->host);
	/* While we do not read, what the peer takes is his sign of life. */
	uint64_t heard = conn->rx.paused ? MAX(conn->last_rx_us, conn->last_tx_us) : conn->last_rx_us;
	uint64_t silence = now - heard;

	if (conn->closing)
		return;
	if (conn->tx.n_items && now - conn->last_tx_us >= p->nop_interval_us + p->nop_timeout_us) {
		conn_close(conn, CLOSE_SEND_STALLED, "for %llu s",
			(unsigned long long)(now - conn->last_tx_us) / 1000000);
		return;
	}
	if (conn->nop_ttt != TAG_NONE && now - conn->nop_sent_us >= p->nop_timeout_us &&
		silence >= p->nop_timeout_us) {
		conn_close(conn, CLOSE_NOP_TIMEOUT, "for %llu s",
			(unsigned long long)(now - conn->nop_sent_us) / 1000000);
		return;
	}
	if (conn->nop_ttt == TAG_NONE && silence >= p->nop_interval_us)
		ping(conn);
	/* Often enough that neither limit is overshot by more than half of itself. */
	spt_host_timer_set(conn->env->host, timer, MIN(p->nop_interval_us, p->nop_timeout_us) / 2);
}

void conn_keepalive_start(struct conn *conn)
{
	spt_host_timer_clear(conn->env->host, &conn->timer);
	conn->timer.fn = tick;
	if (conn->portal.nop_interval_us && conn->portal.nop_timeout_us)
		spt_host_timer_set(conn->env->host, &conn->timer,
			MIN(conn->portal.nop_interval_us, conn->portal.nop_timeout_us) / 2);
}
