/* SPDX-License-Identifier: MIT */
/*
 * From a login to a session: which target, may this initiator, and whose place does it take. Session
 * reinstatement (RFC 7143 6.3.5) ends the old session first and waits until none of its tasks can
 * touch a device; other logins go on meanwhile.
 */
#include "target/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log/log.h"
#include "session/conn.h"
#include "session/session.h"
#include "target/discovery.h"
#include "target/generation.h"
#include "target/move.h"
#include "target/registry.h"
#include "target/server.h"
#include "target/target.h"
#include "target/worker.h"
#include "wire/tmf_response.h"

/* A login that waits for the end of an older session of its name. */
struct join {
	struct waiter waiter; /* first */
	struct conn *conn;    /* NULL: given up */
	struct spt_timer timer;
};

static void attempt(struct conn *conn, struct join *join, bool reinstated);

static struct server *server_of(const struct conn *conn)
{
	return worker_of(conn->env)->server;
}

static void refuse(struct login_target *ret, enum login_status status, const char *reason)
{
	ret->status = status;
	ret->reason = reason;
}

/* RFC 7143 11.13.5: what the target itself says to whoever may log in. True: come in. */
static bool is_here(struct target *target, struct login_target *ret)
{
	const struct config_target *c = target->config;

	if (c->state == CONFIG_STATE_REMOVED) {
		refuse(ret, LOGIN_REMOVED, "the target is removed");
		return false;
	}
	ret->redirect_address = target_redirect(target);
	if (ret->redirect_address) {
		refuse(ret, c->redirect_permanent ? LOGIN_MOVED_PERMANENTLY : LOGIN_MOVED_TEMPORARILY,
			NULL);
		return false;
	}
	if (c->state == CONFIG_STATE_OFFLINE) {
		refuse(ret, LOGIN_SERVICE_UNAVAILABLE, "the target is offline");
		return false;
	}
	return true;
}

/*
 * RFC 7143 6.3.1, 11.12.6: a login with a TSIH is for one more connection of that session, or for one that
 * takes the place of its connection with this CID (6.3.4). Where the session is not known by the
 * initiator's name and ISID there is none, whoever else may have this TSIH.
 */
static bool find_session(struct conn *conn, const struct login_question *q,
	const struct target *target, struct login_target *ret)
{
	struct registry_holder holder;
	uint16_t tag;

	if (!registry_find_tsih(&server_of(conn)->registry, q, target, &holder, &tag)) {
		refuse(ret, LOGIN_NO_SESSION, NULL);
		return true;
	}
	if (tag != conn->portal.tag) { /* RFC 7143 4.4.1: a session does not span portal groups */
		refuse(ret, LOGIN_CANNOT_INCLUDE, "the session is in another portal group");
		return true;
	}
	/* It may be about to arrive here: then the way round goes behind it. */
	bool here = holder.worker == worker_of(conn->env);
	const struct session *session = here ? session_by_id(conn->env, holder.id) : NULL;
	if (!session) {
		if (move_begin(conn, holder.worker))
			return false;
		refuse(ret, LOGIN_OUT_OF_RESOURCES, "out of memory");
		return true;
	}
	enum login_status status = session_may_add(session, q->cid);
	if (status) {
		refuse(ret, status, NULL);
		return true;
	}
	ret->session = &session->params;
	conn->joins = holder.id;
	return true;
}

/* What the login sees stays until it is over, though there may be a new configuration meanwhile. */
static struct generation *hold_generation(struct conn *conn)
{
	struct generation *g = worker_of(conn->env)->generation;

	if (conn->generation != g) {
		generation_unref(conn->generation);
		conn->generation = generation_ref(g);
	}
	return g;
}

static void let_go_of_generation(struct conn *conn)
{
	generation_unref(TAKE(conn->generation));
	conn->target = NULL;
}

static bool find_target(struct conn *conn, const struct login_question *q,
	struct login_target *ret)
{
	struct generation *g = hold_generation(conn);

	conn->target = NULL;
	ret->portal_group_tag = conn->portal.tag;
	if (q->session_type == SESSION_DISCOVERY) {
		if (q->tsih)
			refuse(ret, LOGIN_NO_SESSION, "discovery sessions have one connection");
		authentication_demand(&g->discovery_auth, ret);
		return true;
	}
	struct target *target = generation_find(g, q->target_name, conn->portal.name);
	if (!target) {
		refuse(ret, LOGIN_NOT_FOUND, "no such target at this portal");
		return true;
	}
	const char *denied = target_denies(target, (struct visitor){ q->initiator_name, &conn->remote.any });
	if (denied) {
		refuse(ret, LOGIN_FORBIDDEN, denied);
		return true;
	}
	if (!is_here(target, ret))
		return true;
	ret->alias = target->config->alias;
	ret->limits = &target->limits;
	authentication_demand(&target->auth, ret);
	conn->target = target;
	return q->tsih ? find_session(conn, q, target, ret) : true;
}

static struct session_policy policy_of(const struct config_target *config)
{
	static const uint8_t RESPONSES[] = {
		[CONFIG_RESET_ALLOW] = TMF_COMPLETE,
		[CONFIG_RESET_DENY] = TMF_NOT_AUTHORIZED,
		[CONFIG_RESET_UNSUPPORTED] = TMF_NOT_SUPPORTED,
	};

	return (struct session_policy){
		.target_reset_response = RESPONSES[config->target_reset],
		.abort_data_wait_us = config->abort_data_wait_us,
		.fence_wait_us = config->fence_wait_us,
		.data_out_wait_us = config->data_out_wait_us,
		.scsi_events = config->scsi_events,
	};
}

static void start_session(struct conn *conn, struct claim *claim, bool reinstated)
{
	const struct target *target = conn->target;
	const struct visitor visitor = { login_params(conn->login)->initiator_name, &conn->remote.any };
	struct spt_lun_map *luns = target ? target_luns_of(target, visitor) : NULL;
	struct session_params params = {
		.login = login_params(conn->login),
		.tsih = claim->tsih,
		.id = claim->id,
		.target = claim,
		.luns = luns,
		.reinstated = reinstated,
		.several_ports = target && target->several_ports,
		.window = target ? target->config->queue_depth : 1,
		.budget_bytes = target ? target->config->budget_bytes : 0,
		.portal = conn->portal.name,
		.peer = conn->peer,
		.remote = &conn->remote,
		.local = conn->local,
	};
	struct session *session;

	if (target)
		params.policy = policy_of(target->config);
	int r = target && !luns ? -ENOMEM : session_new(conn->env, &params, &session);
	spt_lun_map_unref(luns);
	if (r < 0) {
		registry_release(&server_of(conn)->registry, claim);
		conn_joined(conn, LOGIN_OUT_OF_RESOURCES, "out of memory", NULL);
		return;
	}
	conn_joined(conn, LOGIN_SUCCESS, NULL, session);
}

static void join_free(struct conn *conn, struct join *join)
{
	spt_host_timer_clear(conn->env->host, &join->timer);
	conn->owner[0] = 0;
	free(join);
}

/* The name is free (for whoever is first). */
static void name_free(struct spt_post *post)
{
	struct join *join = post->arg;

	if (join->conn)
		attempt(join->conn, join, true);
	else
		free(join);
}

/* The old session's tasks are still at a device: the initiator may try again (RFC 7143 11.13.5). */
static void waited_enough(struct spt_timer *timer)
{
	struct join *join = timer->arg;
	struct conn *conn = join->conn;

	if (!registry_stop_waiting(&server_of(conn)->registry, &join->waiter))
		return; /* its turn is on the way */
	join_free(conn, join);
	conn_joined(conn, LOGIN_SERVICE_UNAVAILABLE,
		"tasks of the session that it replaces are still at their device", NULL);
}

static struct join *join_new(struct conn *conn)
{
	struct join *join = calloc(1, sizeof(*join));

	if (!join)
		return NULL;
	join->conn = conn;
	join->waiter.host = conn->env->host;
	join->waiter.post = (struct spt_post){ .fn = name_free, .arg = join };
	join->timer = (struct spt_timer){ .fn = waited_enough, .arg = join };
	conn->owner[0] = (uintptr_t)join;
	return join;
}

/* A configuration that came during the login may not have the target any more, or not for this initiator. */
static bool still_allowed(struct conn *conn)
{
	const struct login_params *p = login_params(conn->login);
	const struct generation *g = worker_of(conn->env)->generation;

	if (!conn->target || conn->generation == g)
		return true;
	struct target *target = generation_find(g, p->target_name, conn->portal.name);
	if (!target || target_denies(target, (struct visitor){ p->initiator_name, &conn->remote.any }) ||
		!generation_has_portal(g, conn->portal.name, conn->portal.tag))
		return false;
	conn->target = target; /* of the worker's generation, which is asked for it in this turn of the loop only */
	return true;
}

/*
 * RFC 7143 7.4.2.2: a discovery session that names a target belongs to it, and takes the place of any session of this name. Not
 * where the target would not let it in: who has proved less than that must not end the session of who has.
 */
static const struct target *named_target(const struct conn *conn)
{
	const struct login_params *p = login_params(conn->login);

	if (p->session_type == SESSION_NORMAL || !p->target_name[0])
		return conn->target;
	const struct generation *g = conn->generation;
	const struct target *t = generation_find(g, p->target_name, conn->portal.name);
	bool admitted = t && !target_denies(t, (struct visitor){ p->initiator_name, &conn->remote.any }) &&
		authentication_admits(&t->auth, &g->discovery_auth, p->user, p->initiator_name);
	return admitted ? t : NULL;
}

static void attempt(struct conn *conn, struct join *join, bool reinstated)
{
	struct server *server = server_of(conn);
	struct registry_holder holder;
	struct claim *claim;

	if (!still_allowed(conn)) {
		join_free(conn, join);
		conn_joined(conn, LOGIN_NOT_FOUND, "the target is not for it any more", NULL);
		return;
	}
	const struct registry_name name = { login_params(conn->login), named_target(conn), conn->local };
	switch (registry_claim(&server->registry, &name, worker_of(conn->env), &join->waiter, &claim, &holder)) {
	case REGISTRY_CLAIMED:
		join_free(conn, join);
		start_session(conn, claim, reinstated);
		break;
	case REGISTRY_TAKEN:
		/* Before the login's own deadline, so that there is an answer; once, however often it is overtaken. */
		if (!reinstated)
			spt_host_timer_set(conn->env->host, &join->timer, conn->env->login_timeout_us * 2 / 3);
		if (holder.worker)
			worker_end_session(holder.worker, holder.id, CLOSE_REINSTATED);
		break;
	case REGISTRY_FULL:
		join_free(conn, join);
		conn_joined(conn, LOGIN_OUT_OF_RESOURCES, "the target has max-sessions sessions", NULL);
		break;
	case REGISTRY_NO_MEMORY:
		join_free(conn, join);
		conn_joined(conn, LOGIN_OUT_OF_RESOURCES, "out of memory", NULL);
		break;
	}
}

/* One more connection of a session that is here. */
static void join_session(struct conn *conn)
{
	const struct login_params *p = login_params(conn->login);
	struct session *session = session_by_id(conn->env, conn->joins);
	enum login_status status = session ? session_may_add(session, p->cid) : LOGIN_NO_SESSION;

	if (status) {
		conn_joined(conn, status, NULL, NULL);
		return;
	}
	/* Who the session is was proved on its first connection; nobody else gets into it. */
	if (strcmp(p->user, session->params.user)) {
		conn_joined(conn, LOGIN_FORBIDDEN, "the session is another user's", NULL);
		return;
	}
	/* RFC 7143 6.3.4: the login is the logout of the connection whose place it takes. */
	struct conn *old = session_by_cid(session, p->cid);
	if (old)
		conn_close(old, CLOSE_CONN_REINSTATED, NULL);
	else
		session->env->phase->conn_reinstated(session, p->cid);
	conn_joined(conn, LOGIN_SUCCESS, NULL, session);
}

static void join(struct conn *conn)
{
	if (login_params(conn->login)->tsih) {
		join_session(conn);
		return;
	}
	struct join *j = join_new(conn);

	if (j)
		attempt(conn, j, false);
	else
		conn_joined(conn, LOGIN_OUT_OF_RESOURCES, "out of memory", NULL);
}

static void join_cancelled(struct conn *conn)
{
	struct join *j = (struct join *)(uintptr_t)conn->owner[0];

	if (conn->moving) {
		move_cancel(conn);
		return;
	}
	if (!j)
		return;
	spt_host_timer_clear(conn->env->host, &j->timer);
	if (registry_stop_waiting(&server_of(conn)->registry, &j->waiter))
		free(j);
	else
		j->conn = NULL; /* name_free() frees it */
}

static void session_gone(struct session *session)
{
	struct server *server = worker_of(session->env)->server;

	registry_release(&server->registry, session->target);
}

static void end_for_cold_reset(struct worker *worker, uint64_t id)
{
	worker_end_session(worker, id, CLOSE_TARGET_RESET);
}

static void cold_reset(struct session *session)
{
	const struct claim *claim = session->target;

	registry_each(&worker_of(session->env)->server->registry, claim->seat, end_for_cold_reset);
}

/* The log tells who it was and how it failed; the answer waits the longer the more have failed. */
static uint64_t auth_failed(struct conn *conn)
{
	const struct login_params *p = login_params(conn->login);
	struct server *server = server_of(conn);
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	const char *user = login_user_given(conn->login);
	const struct log_field fields[] = {
		{ "SPTGT_PEER", conn->peer },
		{ "SPTGT_INITIATOR", p->initiator_name },
		{ "SPTGT_TARGET", p->target_name[0] ? p->target_name : NULL },
		{ "SPTGT_USER", user[0] ? user : NULL },
	};

	if (getpeername(conn->fd, (struct sockaddr *)&peer, &bytes) < 0)
		peer.ss_family = AF_UNSPEC; /* gone already: one entry for all of them */
	struct slowdown_entry *entry;
	uint64_t delay_us = slowdown_failed(&server->slowdown, (struct sockaddr *)&peer,
		spt_host_now_us(conn->env->host), &entry);

	conn->owner[1] = (uintptr_t)entry;
	log_fields(LOG_LEVEL_WARNING, fields, ARRAY_SIZE(fields),
		"authentication from %s failed: %s at %s%s%s%s: %s; answered after %llu ms", conn->peer,
		p->initiator_name, p->target_name[0] ? p->target_name : "discovery",
		user[0] ? ", user '" : "", user, user[0] ? "'" : "", login_reason(conn->login),
		(unsigned long long)delay_us / 1000);
	return delay_us;
}

static void login_over(struct conn *conn)
{
	if (!conn->refusing)
		let_go_of_generation(conn);
	admission_login_over(server_of(conn));
}

static void conn_gone(struct conn *conn)
{
	let_go_of_generation(conn);
	slowdown_answered(&server_of(conn)->slowdown,
		(struct slowdown_entry *)(uintptr_t)conn->owner[1]);
	server_conn_gone(server_of(conn), worker_of(conn->env), conn->login && !conn->refusing);
}

const struct session_ops JOIN_OPS = {
	.find_target = find_target,
	.join = join,
	.join_cancelled = join_cancelled,
	.session_gone = session_gone,
	.send_targets = discovery_send_targets,
	.cold_reset = cold_reset,
	.auth_failed = auth_failed,
	.login_over = login_over,
	.conn_gone = conn_gone,
};
