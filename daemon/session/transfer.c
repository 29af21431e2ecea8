/* SPDX-License-Identifier: MIT */
/* Sessions between loops: see transfer.h. */
#include "session/transfer.h"

#include "base/list.h"
#include "session/conn.h"
#include "session/session.h"

bool transfer_possible(const struct session *s)
{
	return s->has_nexus && s->n_conns && !s->ending && !s->doomed && !s->farewell_asked &&
		!s->farewell_dropping && s->params.error_recovery_level == 0;
}

void transfer_begin(struct session *s)
{
	s->window_stays = true;
}

static bool in_body(const struct session *s)
{
	const struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (conn->rx.in_body)
			return true;
	}
	return false;
}

static void set_reading(struct session *s, bool on)
{
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (on)
			rx_resume(conn, RX_MOVING);
		else
			rx_pause(conn, RX_MOVING);
	}
}

/* What is received of a header stays with it, and so does a text negotiation between two requests. */
static bool conn_at_rest(const struct conn *conn)
{
	return !conn->closing && !conn->login && !conn->logging_out && !conn->rx.in_body &&
		conn->rx.paused == RX_MOVING && !conn->tx.n_items && !conn->tx.ring && !conn->tx.blocked &&
		!conn->immediate && !conn->tmfs && list_empty(&conn->retain.list);
}

/* A login that has found it here, and expects it to be here when it is over. */
static bool is_joined(const struct session *s)
{
	const struct conn *conn;

	list_foreach (conn, &s->env->conns, link) {
		if (conn->login && conn->joins == s->id)
			return true;
	}
	return false;
}

bool transfer_ready(struct session *s)
{
	const struct conn *conn;

	set_reading(s, s->env->phase->wants_more(s) || in_body(s));
	list_foreach (conn, &s->conns, session_link) {
		if (!conn_at_rest(conn))
			return false;
	}
	return !s->pending && !s->active && !s->immediate && !s->events && s->env->phase->at_rest(s) &&
		!is_joined(s);
}

/* RFC 7143 11.4.11: a window that opens has to be told. */
static void open_window(struct session *s)
{
	bool closed = sn_lt(s->max_cmd_sn, s->exp_cmd_sn);

	s->window_stays = false;
	session_window_move(s);
	struct conn *conn = session_any_conn(s);
	if (closed && conn && !s->ending)
		conn_announce_window(conn);
}

void transfer_give_up(struct session *s)
{
	set_reading(s, true);
	open_window(s);
}

void transfer_leave(struct session *s)
{
	struct session_env *env = s->env;
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link)
		conn_take_off(conn);
	env->phase->session_leaves(s);
	list_del(&s->link);
	env->n_sessions--;
	session_env_used(env); /* what it has left is looked after */
}

void transfer_settle(struct session *s, struct session_env *env, spt_session_cookie cookie)
{
	struct conn *conn;

	s->env = env;
	s->cookie = cookie;
	list_append(&env->sessions, &s->link);
	env->n_sessions++;
	list_foreach (conn, &s->conns, session_link) {
		conn->rx.paused &= ~(unsigned)RX_MOVING;
		conn_settle(conn, env);
	}
	open_window(s);
}
