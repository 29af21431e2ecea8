/* SPDX-License-Identifier: MIT */
/*
 * The Response Fence (RFC 7143 4.2.2.3.3): on a session with several connections nothing tells the initiator in which
 * order answers were given, since each connection has its own way. An answer that ends tasks of others, or says that
 * they have been ended, is therefore fenced, where TaskReporting (13.23) is ResponseFence or FastAbort:
 *
 *   before it everything that carried status on any connection has been acknowledged by ExpStatSN
 *   after it no answer of the same logical unit is sent before it has been acknowledged itself
 *
 * A NOP-In on each connection with something unacknowledged asks for that, and is the mark of how far the
 * initiator has to be. A connection that ends has no part in it any more; one that says nothing in
 * time (policy.fence_wait_us) is closed.
 */
#ifndef FULLFEATURE_FENCE_H
#define FULLFEATURE_FENCE_H

#include <stdbool.h>

#include <spt/link.h>
#include <spt/task.h>

#include "session/session.h"

struct conn;

/* An answer on its way from the library to a connection. The owner keeps it until go(). */
struct fence_hold {
	struct spt_link link; /* in session->fence.held */
	struct conn *conn;
	const struct spt_itl *itl; /* of whose logical unit it is */
	bool all;    /* of every logical unit of the session */
	bool fences;
	/* Puts it into the transmit queue of @hold->conn, which may be closing. */
	void (*go)(struct fence_hold *hold);
};

/* False: nothing of the session is ever held, and nothing has to be asked. */
static inline bool fence_concerns(const struct session *s)
{
	return s->params.task_reporting != REPORTING_RFC3720 && (s->n_conns > 1 || s->fence.state);
}

/* Is this result one of those that RFC 7143 4.2.2.3.4 lists? */
bool fence_is_due(const struct spt_task *task);
/* go() follows: now, or when what is in front of it has been acknowledged, or the connection is gone. */
void fence_pass(struct session *session, struct fence_hold *hold);
/* ExpStatSN of a connection has moved. */
void fence_poll(struct session *session);
/* @conn is not the session's any more; what is held for it goes, before its transmit queue is dropped. */
void fence_conn_lost(struct session *session, struct conn *conn);
/* The session has no connections and ends. */
void fence_drop(struct session *session);

#endif
