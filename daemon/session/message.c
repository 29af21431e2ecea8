/* SPDX-License-Identifier: MIT */
/* Messages: see message.h. */
#include "session/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "session/conn.h"
#include "session/session.h"

static struct tx_message *message_of(struct tx_item *item)
{
	return (struct tx_message *)item; /* its first member */
}

static void fill_again(struct retained *retained, struct conn *conn, struct tx_frame *frame)
{
	const struct tx_message *m = container_of(retained, struct tx_message, retained);

	/* RFC 7143 11.16: an exact replica, but for ExpCmdSN and MaxCmdSN. */
	memcpy(frame->head, m->bhs, BHS_BYTES);
	be32_put(frame->head + 28, conn->session->exp_cmd_sn.v);
	be32_put(frame->head + 32, conn->session->max_cmd_sn.v);
	frame->data = m->data;
	frame->data_bytes = m->data_bytes;
}

static void release(struct retained *retained)
{
	free(container_of(retained, struct tx_message, retained));
}

static void lost(struct retained *retained, struct conn *conn)
{
	(void)conn;
	release(retained);
}

static const struct retained_ops RETAINED_OPS = { fill_again, release, lost };

static void message_fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct tx_message *m = message_of(item);

	m->retained.stat_sn = conn->stat_sn;
	m->encode(m, conn, frame->head);
	frame->data = m->data;
	frame->data_bytes = m->data_bytes;
	/* What has taken a StatSN carries status. */
	if (conn->params.error_recovery_level && !sn_eq(m->retained.stat_sn, conn->stat_sn)) {
		m->retained.ops = &RETAINED_OPS;
		memcpy(m->bhs, frame->head, BHS_BYTES);
	}
}

static void message_sent(struct tx_item *item, struct conn *conn)
{
	struct tx_message *m = message_of(item);

	conn->tx.owed_bytes -= m->data_bytes;
	if (m->after)
		m->after(m, conn);
	if (m->retained.ops && !conn->closing)
		retain_put(conn, &m->retained);
	else
		free(m);
}

struct tx_message *tx_message_new(struct conn *conn, size_t bytes)
{
	struct tx_message *m = calloc(1, sizeof(*m) + bytes);

	if (!m) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return NULL;
	}
	m->data_bytes = m->retained.bytes = (uint32_t)bytes;
	m->item.fill = message_fill;
	m->item.sent = message_sent;
	return m;
}

void tx_message_put(struct conn *conn, struct tx_message *message)
{
	conn->tx.owed_bytes += message->data_bytes;
	tx_put(conn, &message->item);
}
