/* SPDX-License-Identifier: MIT */
/*
 * A command between its response and the acknowledgement of that (ErrorRecoveryLevel above 0). Its
 * read data stays where the backend has put it, and the task in the task table; without data only
 * the status is kept, in the command's own memory. What a session keeps has a bound: beyond that
 * the oldest data is given back, and a SNACK for it is rejected.
 */
#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/departed.h"
#include "session/retain.h"

static struct command *kept_of(struct retained *retained)
{
	return container_of(retained, struct command, retained);
}

static void fill(struct retained *retained, struct conn *conn, struct tx_frame *frame)
{
	response_fill(kept_of(retained), conn, frame);
}

static void release(struct retained *retained)
{
	struct command *c = kept_of(retained);

	c->kept = false;
	if (!c->ended)
		c->session->kept_bytes -= c->task.in.bytes;
	command_release(c);
}

static void lost(struct retained *retained, struct conn *conn)
{
	struct command *c = kept_of(retained);

	c->conn = NULL;
	if (conn->departed && !c->departed)
		departed_add(conn->departed, c);
	c->kept = false;
	if (!c->ended)
		c->session->kept_bytes -= c->task.in.bytes;
	command_orphan(c);
}

static const struct retained_ops KEPT = { fill, release, lost };

bool command_forget_data(struct command *c)
{
	if (!c->kept || c->ended || c->users)
		return false;
	c->session->kept_bytes -= c->task.in.bytes;
	c->data_lost = c->acked_bytes < c->task.in.bytes;
	command_end_task(c);
	return true;
}

static bool forget_oldest(struct conn *conn)
{
	struct retained *r;

	list_foreach (r, &conn->retain.list, link) {
		if (r->ops == &KEPT && command_forget_data(kept_of(r)))
			return true;
	}
	return false;
}

void command_keep(struct command *c, struct conn *conn)
{
	struct session *s = c->session;

	c->kept = true;
	c->retained.ops = &KEPT;
	c->retained.bytes = 0;
	/* A Data-Out that is still coming in is received into the task's buffer. */
	if (!c->ended && !c->task.in.bytes && !c->users)
		command_end_task(c);
	if (!c->ended)
		s->kept_bytes += c->task.in.bytes;
	retain_put(conn, &c->retained);
	while (s->kept_bytes > s->keep_bytes && forget_oldest(conn))
		;
}

struct command *command_find_kept(const struct conn *conn, uint32_t itt)
{
	struct retained *r;

	list_foreach (r, &conn->retain.list, link) {
		if (r->ops == &KEPT && kept_of(r)->task.aux.task.tag == itt)
			return kept_of(r);
	}
	return NULL;
}
