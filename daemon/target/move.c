/* SPDX-License-Identifier: MIT */
/* Connections on their way between loops: see move.h. Its memory is that of whoever has the connection. */
#include "target/move.h"

#include <stdlib.h>

#include "target/worker.h"

struct move {
	struct spt_post post;
	struct conn *conn;
	struct worker *to;
};

static void arrive(struct spt_post *post)
{
	struct move *m = post->arg;
	struct conn *conn = m->conn;
	struct worker *to = m->to;

	free(m);
	conn_settle(conn, &to->env);
	if (to->env.draining)
		conn_close(conn, CLOSE_DRAINED, NULL);
	else
		conn_arrived(conn);
}

/* The stack below has let go of the connection. */
static void leave(struct spt_post *post)
{
	struct move *m = post->arg;
	struct conn *conn = m->conn;
	struct worker *from = worker_of(conn->env);

	conn->owner[0] = 0;
	conn->moving = false;
	if (conn->closing || !conn_leave(conn)) {
		free(m);
		return;
	}
	from->n_conns--;
	m->to->n_conns++;
	m->post = (struct spt_post){ .fn = arrive, .arg = m };
	spt_host_post(loop_host(m->to->loop), &m->post);
}

bool move_begin(struct conn *conn, struct worker *to)
{
	struct move *m = calloc(1, sizeof(*m));

	if (!m)
		return false;
	m->conn = conn;
	m->to = to;
	m->post = (struct spt_post){ .fn = leave, .arg = m };
	conn->owner[0] = (uintptr_t)m;
	conn->moving = true;
	spt_host_defer(conn->env->host, &m->post);
	return true;
}

void move_cancel(struct conn *conn)
{
	struct move *m = (struct move *)(uintptr_t)conn->owner[0];

	conn->owner[0] = 0;
	conn->moving = false;
	spt_host_undefer(conn->env->host, &m->post);
	free(m);
}
