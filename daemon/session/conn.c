/* SPDX-License-Identifier: MIT */
/*
 * The life of a connection. Closing is in two steps: conn_close() says why and stops everything;
 * the reaper takes it apart at the end of the turn, when nobody below on the stack still uses it.
 */
#include "session/conn.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "session/session.h"

static void address_text(const struct sockaddr *a, socklen_t bytes, char *text)
{
	char host[INET6_ADDRSTRLEN + 12], port[8];

	if (a->sa_family == AF_INET) { /* the usual one, without three printf() inside others */
		const struct sockaddr_in *in = (const struct sockaddr_in *)a;
		uint32_t ip = ntohl(in->sin_addr.s_addr);
		snprintf(text, CONN_ADDRESS_MAX, "%u.%u.%u.%u:%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255,
			ntohs(in->sin_port));
		return;
	}
	if (getnameinfo(a, bytes, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV)) {
		snprintf(text, CONN_ADDRESS_MAX, "unknown");
		return;
	}
	/* What comes over IPv4 into a socket of both kinds is shown as IPv4. */
	const char *v4 = strncmp(host, "::ffff:", 7) ? NULL : host + 7;
	if (a->sa_family == AF_INET6 && !v4)
		snprintf(text, CONN_ADDRESS_MAX, "[%s]:%s", host, port);
	else
		snprintf(text, CONN_ADDRESS_MAX, "%s:%s", v4 ? v4 : host, port);
}

static void set_addresses(struct conn *conn, const struct sockaddr *peer)
{
	struct sockaddr_storage local;
	socklen_t bytes = sizeof(local);

	memcpy(&conn->remote, peer, peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
								: sizeof(struct sockaddr_in));
	address_text(peer, peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						       : sizeof(struct sockaddr_in), conn->peer);
	if (getsockname(conn->fd, (struct sockaddr *)&local, &bytes) < 0)
		snprintf(conn->local, sizeof(conn->local), "unknown");
	else
		address_text((struct sockaddr *)&local, bytes, conn->local);
}

static void ready(struct spt_watch *watch, unsigned events)
{
	struct conn *conn = watch->arg;

	if (events & SPT_WRITABLE && conn->tx.blocked)
		tx_writable(conn);
	if (events & SPT_READABLE && !conn->closing)
		rx_readable(conn);
}

static void login_deadline(struct spt_timer *timer)
{
	conn_login_deadline(timer->arg);
}

/*
 * Anybody may connect as often as he likes, but does not fill the log; who guesses secrets is kept waiting anyway.
 * @more: see log_limit_line().
 */
static bool may_log_close(struct conn *conn, char *more)
{
	*more = 0;
	return conn->session || conn->refusing ||
		log_limit_line(&conn->env->strangers, spt_host_now_us(conn->env->host), more);
}

static void log_close(struct conn *conn)
{
	char more[LOG_LIMIT_TEXT];

	if (!may_log_close(conn, more))
		return;
	const struct close_info *info = close_info(conn->close_reason);
	const char *initiator = conn->session ? conn->params.initiator_name : "";
	const char *target = conn->session ? conn->params.target_name : "";
	const struct log_field fields[] = {
		{ "SPTGT_PEER", conn->peer },
		{ "SPTGT_REASON", info->counter },
		{ "SPTGT_INITIATOR", initiator[0] ? initiator : NULL },
		{ "SPTGT_TARGET", target[0] ? target : NULL },
	};

	log_fields(info->level, fields, ARRAY_SIZE(fields),
		"connection from %s%s%s%s%s closed: %s%s%s%s", conn->peer, initiator[0] ? ", " : "",
		initiator, target[0] ? " at " : "", target, info->text,
		conn->close_detail[0] ? ": " : "", conn->close_detail, more);
}

static void reap(struct spt_post *post)
{
	struct conn *conn = post->arg;
	struct session_env *env = conn->env;
	struct session *session = conn->session;

	log_close(conn);
	env->counters.closed[conn->close_reason]++;
	spt_host_unwatch(env->host, &conn->watch);
	spt_host_timer_clear(env->host, &conn->timer);
	if (conn->joining)
		env->ops->join_cancelled(conn);
	if (session)
		session_remove(session, conn);
	rx_deinit(conn);
	tx_drop(conn);
	retain_drop(conn);
	free(conn->text.data);
	free(conn->text.agreed);
	list_del(&conn->link);
	env->n_conns--;
	close(conn->fd);
	env->ops->conn_gone(conn);
	login_free(conn->login);
	free(conn);
	if (session)
		session_left(session);
}

void conn_watch(struct conn *conn)
{
	unsigned events = (conn->rx.paused ? 0u : SPT_READABLE) | (conn->tx.blocked ? SPT_WRITABLE : 0u) |
		(conn->login ? SPT_YIELDS : 0u); /* a thousand who log in do not keep those waiting who are in */

	if (spt_host_watch(conn->env->host, &conn->watch, events) < 0)
		conn_close(conn, CLOSE_NO_MEMORY, "cannot watch the socket");
}

/* Puts it on the loop of @env. */
void conn_settle(struct conn *conn, struct session_env *env)
{
	uint64_t now = spt_host_now_us(env->host);

	conn->env = env;
	list_append(&env->conns, &conn->link);
	env->n_conns++;
	if (conn_full_feature(conn))
		conn_keepalive_start(conn);
	else
		spt_host_timer_set(env->host, &conn->timer,
			conn->login_end_us > now ? conn->login_end_us - now : 0);
	conn_watch(conn);
}

void conn_take_off(struct conn *conn)
{
	struct session_env *env = conn->env;

	spt_host_undefer(env->host, &conn->tx.flush);
	spt_host_unwatch(env->host, &conn->watch);
	spt_host_timer_clear(env->host, &conn->timer);
	list_del(&conn->link);
	env->n_conns--;
}

bool conn_leave(struct conn *conn)
{
	/* RFC 7143 6.3: a login goes by turns; who answers what he has not read has not waited for his. */
	if (conn->tx.n_items) {
		conn_close(conn, CLOSE_PROTOCOL_ERROR, "sent more before its login was answered");
		return false;
	}
	conn_take_off(conn);
	return true;
}

struct conn *conn_new(struct session_env *env, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn || login_new(&env->limits, sn(0), &conn->login) < 0) {
		free(conn);
		close(fd);
		return NULL;
	}
	conn->fd = fd;
	conn->portal = *portal;
	conn->nop_ttt = conn->text.ttt = TAG_NONE;
	conn->last_rx_us = conn->last_tx_us = spt_host_now_us(env->host);
	conn->watch = (struct spt_watch){ .fd = fd, .fn = ready, .arg = conn };
	conn->timer = (struct spt_timer){ .fn = login_deadline, .arg = conn };
	conn->reaper = (struct spt_post){ .fn = reap, .arg = conn };
	conn->login_end_us = spt_host_now_us(env->host) + env->login_timeout_us;
	list_init(&conn->link);
	list_init(&conn->session_link);
	env->counters.connections++;
	tx_init(conn);
	retain_init(conn);
	set_addresses(conn, peer);
	conn_settle(conn, env);
	return conn;
}

void conn_close(struct conn *conn, enum close_reason reason, const char *detail, ...)
{
	va_list args;

	if (conn->closing)
		return;
	conn->closing = true;
	conn->close_reason = reason;
	if (detail) {
		va_start(args, detail);
		vsnprintf(conn->close_detail, sizeof(conn->close_detail), detail, args);
		va_end(args);
	}
	spt_host_watch(conn->env->host, &conn->watch, 0);
	spt_host_defer(conn->env->host, &conn->reaper);
}

/* RFC 7143 11.8.5, 11.19.1 */
uint32_t conn_take_ttt(struct conn *conn)
{
	uint32_t ttt = conn->next_ttt++;

	return ttt == TAG_NONE ? conn->next_ttt++ : ttt;
}

struct pdu_sns conn_sns(const struct conn *conn)
{
	return (struct pdu_sns){
		.stat_sn = conn->stat_sn,
		.exp_cmd_sn = conn->session->exp_cmd_sn,
		.max_cmd_sn = conn->session->max_cmd_sn,
	};
}

struct pdu_sns conn_status_sns(struct conn *conn)
{
	struct pdu_sns sns = conn_sns(conn);

	conn->stat_sn = sn_add(conn->stat_sn, 1);
	return sns;
}
