/* SPDX-License-Identifier: MIT */
/* Sessions: see session.h. */
#include "session/session.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "session/conn.h"

static void terminating(void *arg, const struct spt_itl *itl)
{
	struct session *s = arg;

	s->env->phase->tasks_terminated(s, itl);
}

static void attention(void *arg, uint64_t lun, const uint8_t *sense, size_t bytes)
{
	struct session *s = arg;

	s->env->phase->attention(s, lun, sense, bytes);
}

static int start_nexus(struct session *s, const struct session_params *p)
{
	struct spt_session_params params = {
		.nexus = {
			.initiator_name = s->params.initiator_name,
			.target_name = s->params.target_name,
			.target_portal_group_tag = s->params.portal_group_tag,
			.relative_port = s->params.portal_group_tag,
			.several_ports = p->several_ports,
			.protocol_level = s->params.protocol_level,
			.peer_address = s->peer,
			.chap_user = s->params.user[0] ? s->params.user : NULL,
		},
		.reinstated = p->reinstated,
		.luns = p->luns,
		.budget_bytes = p->budget_bytes,
		.terminating = terminating,
		.attention = p->policy.scsi_events ? attention : NULL,
		.arg = s,
	};

	memcpy(params.nexus.isid, s->params.isid, sizeof(params.nexus.isid));
	int r = spt_session_start(s->env->host->context, &params, &s->cookie);
	s->has_nexus = r == 0;
	return r;
}

int session_new(struct session_env *env, const struct session_params *p, struct session **ret)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->env = env;
	s->params = *p->login;
	s->params.tsih = p->tsih;
	s->id = p->id;
	s->target = p->target;
	s->window = p->window;
	s->portal = p->portal;
	s->login_time = time(NULL);
	snprintf(s->peer, sizeof(s->peer), "%s", p->peer);
	if (p->remote)
		s->remote = *p->remote;
	snprintf(s->local, sizeof(s->local), "%s", p->local);
	list_init(&s->conns);
	list_init(&s->held);
	list_init(&s->tmfs);
	list_init(&s->functions);
	list_init(&s->departed);
	list_init(&s->fence.held);
	s->keep_bytes = p->budget_bytes / 2;
	s->policy = p->policy;
	if (p->luns) {
		int r = start_nexus(s, p);
		if (r < 0) {
			free(s);
			return r;
		}
	}
	list_append(&env->sessions, &s->link);
	env->n_sessions++;
	*ret = s;
	return 0;
}

static void session_free(struct session *s)
{
	struct session_env *env = s->env;

	assert(list_empty(&s->held) && list_empty(&s->conns) && list_empty(&s->departed));
	list_del(&s->link);
	env->n_sessions--;
	env->sessions_ended++;
	session_env_used(env);
	env->ops->session_gone(s);
	free(s);
}

void session_pending_done(struct session *s)
{
	assert(s->pending > 0);
	if (--s->pending == 0 && s->ending)
		session_free(s);
}

static void nexus_stopped(void *arg)
{
	session_pending_done(arg);
}

/* RFC 7143 7.6, E: its tasks end with it, and what its nexus held; nobody else's. */
static void stop(struct session *s)
{
	s->ending = true;
	s->pending++; /* for the nexus */
	s->env->phase->session_ending(s);
	if (!s->has_nexus || spt_session_stop(s->env->host->context, s->cookie, nexus_stopped, s) < 0)
		session_pending_done(s);
}

void session_end(struct session *s, enum close_reason reason)
{
	struct conn *conn;

	s->doomed = true;
	list_foreach (conn, &s->conns, session_link)
		conn_close(conn, reason, NULL);
	session_left(s);
}

struct session *session_by_id(const struct session_env *env, uint64_t id)
{
	struct session *s;

	list_foreach (s, &env->sessions, link) {
		if (s->id == id)
			return s;
	}
	return NULL;
}

struct conn *session_by_cid(const struct session *s, uint16_t cid)
{
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (conn->cid == cid && !conn->closing)
			return conn;
	}
	return NULL;
}

enum login_status session_may_add(const struct session *s, uint16_t cid)
{
	const struct conn *conn;
	unsigned open = 0;

	if (s->ending || s->doomed)
		return LOGIN_NO_SESSION;
	list_foreach (conn, &s->conns, session_link)
		open += !conn->closing;
	/* RFC 7143 6.3.4, 13.2: one that takes the place of another is always welcome */
	if (open >= s->params.max_connections && !session_by_cid(s, cid))
		return LOGIN_TOO_MANY_CONNECTIONS;
	return LOGIN_SUCCESS;
}

void session_add(struct session *s, struct conn *conn)
{
	conn->session = s;
	conn->number = ++s->last_number;
	conn->cid = conn->login ? login_params(conn->login)->cid : conn->params.cid;
	list_append(&s->conns, &conn->session_link);
	s->n_conns++;
}

void session_remove(struct session *s, struct conn *conn)
{
	list_del(&conn->session_link);
	s->n_conns--;
	s->env->phase->conn_lost(conn);
}

void session_left(struct session *s)
{
	/* RFC 7143 13.16: with a DefaultTime2Retain of 0 there is nothing to come back to. */
	bool waits = s->params.error_recovery_level == 2 && s->params.default_time2retain_s && !s->doomed &&
		!list_empty(&s->departed);

	if (!s->n_conns && !s->ending && !waits)
		stop(s);
}

struct conn *session_conn(const struct session *s, uint32_t number)
{
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (conn->number == number)
			return conn->closing ? NULL : conn;
	}
	return NULL;
}

struct conn *session_any_conn(const struct session *s)
{
	struct conn *conn;

	list_foreach (conn, &s->conns, session_link) {
		if (!conn->closing)
			return conn;
	}
	return NULL;
}

/* RFC 7143 4.2.2.1: MaxCmdSN never goes back; it grows as commands end. */
void session_window_move(struct session *s)
{
	unsigned window = s->window_stays ? 0 : s->window;
	unsigned room = window > s->active ? window - s->active : 0;
	sn_t max = sn_add(s->exp_cmd_sn, room - 1u);

	if (sn_lt(s->max_cmd_sn, max))
		s->max_cmd_sn = max;
}

void session_window_take(struct session *s)
{
	s->active++;
	session_window_move(s);
}

/* RFC 7143 11.4.11: that a closed window has opened is told by a NOP-In, where nothing else would. */
void session_window_gain(struct session *s)
{
	bool closed = sn_lt(s->max_cmd_sn, s->exp_cmd_sn);

	assert(s->active > 0);
	s->active--;
	session_window_move(s);
	if (closed) {
		struct conn *conn = session_any_conn(s);
		if (conn)
			conn_announce_window(conn);
	}
}
