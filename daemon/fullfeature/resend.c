/* SPDX-License-Identifier: MIT */
/* Data-In PDUs once more (RFC 7143 11.16): made one by one from where the data is, like the first time. */
#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "wire/data_in.h"

struct resend {
	struct tx_item tx;
	struct command *command;
	struct segments segments; /* as it was cut then */
	uint32_t next, end;
};

static void fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct resend *r = container_of(item, struct resend, tx);
	const struct command *c = r->command;
	const struct spt_task *t = &c->task;
	struct segment s = segments_at(&r->segments, r->next, t->in.bytes);
	/* MaxRecvDataSegmentLength has become less meanwhile: the rest needs an R-Data SNACK. */
	bool shrunk = s.bytes > tx_segment_bytes(&conn->params);

	s.bytes = MIN(s.bytes, tx_segment_bytes(&conn->params));
	bool end = s.offset_bytes + s.bytes == t->in.bytes;
	bool acknowledge = s.final && !end;
	struct pdu_data_in pdu = {
		.final = s.final,
		.acknowledge = acknowledge,
		.data_bytes = s.bytes,
		.lun = acknowledge ? t->aux.lun : 0,
		.itt = t->aux.task.tag,
		.ttt = acknowledge ? t->aux.task.tag : TAG_NONE,
		.sns = conn_sns(conn),
		.data_sn = r->next++,
		.offset_bytes = s.offset_bytes,
	};

	frame->data = t->in.data + s.offset_bytes;
	frame->data_bytes = s.bytes;
	frame->lent = t->in_lent;
	frame->last = shrunk || r->next == r->end;
	pdu_data_in_encode(&pdu, frame->head);
}

static void sent(struct tx_item *item, struct conn *conn)
{
	struct resend *r = container_of(item, struct resend, tx);
	struct command *c = r->command;

	(void)conn;
	free(r);
	command_unuse(c);
}

static void fill_rest(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	struct resend *r = container_of(item, struct resend, tx);

	data_in_fill(r->command, conn, frame);
}

static void sent_rest(struct tx_item *item, struct conn *conn)
{
	struct resend *r = container_of(item, struct resend, tx);

	r->command->restarting = false;
	sent(item, conn);
}

static struct resend *resend_new(struct command *c, struct conn *conn)
{
	struct resend *r = calloc(1, sizeof(*r));

	if (!r) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return NULL;
	}
	r->command = c;
	c->users++;
	return r;
}

void resend_data(struct command *c, struct conn *conn, uint32_t first, uint32_t end)
{
	struct resend *r = resend_new(c, conn);

	if (!r)
		return;
	r->tx.fill = fill;
	r->tx.sent = sent;
	r->segments = c->segments;
	r->next = first;
	r->end = end;
	tx_put(conn, &r->tx);
}

bool resend_all(struct command *c, struct conn *conn)
{
	if (c->restarting)
		return false;
	command_rewind(c);
	if (!c->answered)
		return true; /* it is not all made yet: what is on its way goes back */
	struct resend *r = resend_new(c, conn);
	if (!r)
		return true;
	c->restarting = true;
	r->tx.fill = fill_rest;
	r->tx.sent = sent_rest;
	tx_put(conn, &r->tx);
	return true;
}
