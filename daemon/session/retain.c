/* SPDX-License-Identifier: MIT */
/* What was sent and not acknowledged: see retain.h. */
#include "session/retain.h"

#include <stdlib.h>

#include "base/list.h"
#include "session/conn.h"

/* A retained PDU on its way once more, with the StatSN that it had (RFC 7143 11.4.9). */
struct again {
	struct tx_item tx; /* first */
	struct retained *retained;
};

void retain_init(struct conn *conn)
{
	list_init(&conn->retain.list);
	conn->retain.acked = conn->retain.forgotten = conn->stat_sn;
}

static void settle(struct conn *conn, struct retained *r)
{
	list_del(&r->link);
	conn->retain.n--;
	conn->retain.bytes -= r->bytes;
	r->settled = true;
	if (!r->users)
		r->ops->release(r);
}

void retain_put(struct conn *conn, struct retained *r)
{
	struct retain *retain = &conn->retain;

	r->users = 0;
	r->settled = false;
	if (sn_lt(r->stat_sn, retain->acked)) { /* before all of it had left */
		r->ops->release(r);
		return;
	}
	list_append(&retain->list, &r->link);
	retain->n++;
	retain->bytes += r->bytes;
	while (retain->n > RETAIN_MAX || retain->bytes > RETAIN_MAX_BYTES) {
		struct retained *oldest = list_first(&retain->list, struct retained, link);
		retain->forgotten = sn_add(oldest->stat_sn, 1);
		settle(conn, oldest);
	}
}

void retain_ack(struct conn *conn, sn_t exp_stat_sn)
{
	struct retain *retain = &conn->retain;
	struct retained *r;

	if (!sn_lt(retain->acked, exp_stat_sn) || sn_lt(conn->stat_sn, exp_stat_sn))
		return;
	retain->acked = exp_stat_sn;
	while ((r = list_first(&retain->list, struct retained, link)) &&
		sn_lt(r->stat_sn, exp_stat_sn))
		settle(conn, r);
}

static void fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct again *a = (struct again *)item;

	a->retained->ops->fill(a->retained, conn, frame);
}

static void sent(struct tx_item *item, struct conn *conn)
{
	struct again *a = (struct again *)item;
	struct retained *r = a->retained;

	(void)conn;
	free(a);
	if (--r->users == 0 && r->settled)
		r->ops->release(r);
}

void retain_again(struct conn *conn, struct retained *r)
{
	if (r->users)
		return;
	struct again *a = calloc(1, sizeof(*a));
	if (!a) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	a->tx.fill = fill;
	a->tx.sent = sent;
	a->retained = r;
	r->users++;
	tx_put(conn, &a->tx);
}

void retain_drop(struct conn *conn)
{
	struct retained *r;

	while ((r = list_first(&conn->retain.list, struct retained, link))) {
		list_del(&r->link);
		r->ops->lost(r, conn);
	}
	conn->retain.n = 0;
	conn->retain.bytes = 0;
}
