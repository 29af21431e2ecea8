/* SPDX-License-Identifier: MIT */
/* The Response Fence: see fence.h. One is up at a time; what would raise another waits like the rest. */
#include "fullfeature/fence.h"

#include <assert.h>

#include <spt/sense.h>

#include "base/list.h"
#include "session/conn.h"
#include "wire/nop_in.h"

#define OP_PERSISTENT_RESERVE_OUT 0x5f
#define PREEMPT_AND_ABORT         0x05

bool fence_is_due(const struct spt_task *t)
{
	struct spt_sense sense;

	if (t->outcome != SPT_COMPLETED)
		return false;
	switch (t->status) {
	case SPT_GOOD:
		return t->cdb[0] == OP_PERSISTENT_RESERVE_OUT && (t->cdb[1] & 0x1f) == PREEMPT_AND_ABORT;
	case SPT_CHECK_CONDITION:
		return spt_sense_decode(t->sense, t->sense_bytes, &sense) == 0 &&
			sense.key == SPT_KEY_UNIT_ATTENTION;
	case SPT_ACA_ACTIVE:
		return true;
	default:
		return false;
	}
}

static void encode_mark(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	const struct pdu_nop_in nop = {
		.lun = 0, /* as that of a ping: RFC 7143 11.19.3 */
		.itt = TAG_NONE,
		.ttt = conn_take_ttt(conn),
		.sns = conn_sns(conn),
	};

	(void)message;
	pdu_nop_in_encode(&nop, bhs);
	conn->fence.mark = conn->stat_sn;
	conn->fence.marked = true;
	fence_poll(conn->session);
}

/* What is in its transmit queue now has to be acknowledged, and all that was sent before. */
static void await(struct conn *conn)
{
	if (conn->closing || (!conn->tx.n_items && !sn_lt(conn->retain.acked, conn->stat_sn)))
		return;
	struct tx_message *m = tx_message_new(conn, 0);
	if (!m)
		return;
	conn->fence.waits = true;
	conn->fence.marked = false;
	m->encode = encode_mark;
	tx_message_put(conn, m);
}

static bool awaited(const struct conn *conn)
{
	return conn->fence.waits && !conn->closing &&
		(!conn->fence.marked || sn_lt(conn->retain.acked, conn->fence.mark));
}

/* They hold up every answer of the logical unit, and the one that nobody acknowledges may be lost. */
static void waited_enough(struct spt_timer *timer)
{
	struct session *s = timer->arg;
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (awaited(conn))
			conn_close(conn, CLOSE_FENCE_TIMEOUT, "for %llu s, while the response fence is up",
				(unsigned long long)s->policy.fence_wait_us / 1000000);
	}
	fence_poll(s);
}

static bool overlap(bool all, const struct spt_itl *itl, const struct fence_hold *hold)
{
	return all || hold->all || (itl && itl == hold->itl);
}

/* A fence that is up, or waits to be, is in front of it. */
static bool is_held(const struct session *s, const struct fence_hold *hold)
{
	const struct fence_hold *h;

	if (!s->fence.state)
		return false;
	if (hold->fences || overlap(s->fence.all, s->fence.itl, hold))
		return true;
	list_foreach (h, &s->fence.held, link) {
		if (h->fences && overlap(h->all, h->itl, hold))
			return true;
	}
	return false;
}

static void set_state(struct session *s, enum fence_state state)
{
	struct session_fence *f = &s->fence;

	f->state = state;
	if (state == FENCE_DOWN) {
		spt_host_timer_clear(s->env->host, &f->timer);
		return;
	}
	f->timer.fn = waited_enough;
	f->timer.arg = s;
	spt_host_timer_set(s->env->host, &f->timer, s->policy.fence_wait_us);
}

static void raise_fence(struct session *s, struct fence_hold *hold)
{
	struct session_fence *f = &s->fence;
	struct conn *conn;

	s->env->counters.fences++;
	f->hold = hold;
	f->itl = hold->itl;
	f->all = hold->all;
	set_state(s, FENCE_BEFORE);
	list_foreach (conn, &s->conns, session_link)
		await(conn);
	fence_poll(s);
}

void fence_pass(struct session *s, struct fence_hold *hold)
{
	list_init(&hold->link);
	if (is_held(s, hold))
		list_append(&s->fence.held, &hold->link);
	else if (hold->fences && s->n_conns > 1)
		raise_fence(s, hold);
	else
		hold->go(hold);
}

/* The answer goes, and is awaited itself. */
static void let_through(struct session *s)
{
	struct fence_hold *hold = TAKE(s->fence.hold);
	struct conn *conn = hold->conn;

	hold->go(hold);
	set_state(s, FENCE_AFTER);
	await(conn);
	fence_poll(s);
}

/* In their order; one of them may raise the fence again. */
static void lower(struct session *s)
{
	struct spt_link held;
	struct fence_hold *h;

	set_state(s, FENCE_DOWN);
	list_init(&held);
	while ((h = list_first(&s->fence.held, struct fence_hold, link))) {
		list_del(&h->link);
		list_append(&held, &h->link);
	}
	while ((h = list_first(&held, struct fence_hold, link))) {
		list_del(&h->link);
		fence_pass(s, h);
	}
}

static void poll(struct spt_post *post)
{
	struct session *s = post->arg;
	struct conn *conn;
	bool waits = false;

	list_foreach (conn, &s->conns, session_link) {
		conn->fence.waits = awaited(conn);
		waits |= conn->fence.waits;
	}
	if (waits)
		return;
	if (s->fence.state == FENCE_BEFORE)
		let_through(s);
	else if (s->fence.state == FENCE_AFTER)
		lower(s);
}

void fence_poll(struct session *s)
{
	if (!s->fence.state)
		return;
	s->fence.poll.fn = poll;
	s->fence.poll.arg = s;
	spt_host_defer(s->env->host, &s->fence.poll);
}

void fence_conn_lost(struct session *s, struct conn *conn)
{
	struct fence_hold *h, *next;
	struct conn *other;

	list_foreach_safe (h, next, &s->fence.held, link) {
		if (h->conn != conn)
			continue;
		list_del(&h->link);
		h->go(h);
	}
	if (s->fence.hold && s->fence.hold->conn == conn) {
		h = TAKE(s->fence.hold);
		h->go(h);
		set_state(s, FENCE_AFTER); /* of an answer that is gone: nothing is awaited */
		list_foreach (other, &s->conns, session_link)
			other->fence.waits = false;
	}
	fence_poll(s);
}

void fence_drop(struct session *s)
{
	assert(list_empty(&s->fence.held) && !s->fence.hold);
	spt_host_undefer(s->env->host, &s->fence.poll);
	set_state(s, FENCE_DOWN);
}
