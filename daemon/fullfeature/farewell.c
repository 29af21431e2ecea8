/* SPDX-License-Identifier: MIT */
/*
 * The end of a session that we want: the initiator is asked to log out, and has a time for it; then it is told that its
 * connections are dropped, and they are (RFC 7143 11.9.1, events 1 and 3).
 */
#include "fullfeature/farewell.h"

#include "fullfeature/async.h"
#include "session/conn.h"

/* After that long the connections end, whether the message has been taken or not. */
#define DROP_US 1000000u

static uint16_t seconds(uint64_t us)
{
	return (uint16_t)MIN((us + 999999) / 1000000, (uint64_t)UINT16_MAX);
}

static void drop_now(struct spt_timer *timer)
{
	struct session *s = timer->arg;

	session_end(s, s->farewell_reason);
}

static void drop_sent(struct tx_message *message, struct conn *conn)
{
	(void)message;
	if (!conn->closing)
		session_end(conn->session, conn->session->farewell_reason);
}

void farewell_drop(struct session *s, enum close_reason reason)
{
	struct conn *conn = session_any_conn(s);
	const struct pdu_async pdu = {
		.event = ASYNC_DROP_SESSION,
		.parameter2 = s->params.default_time2wait_s,
		.parameter3 = s->params.default_time2retain_s,
	};

	if (s->farewell_dropping || s->ending)
		return;
	s->farewell_dropping = true;
	s->farewell_reason = reason;
	if (!conn || s->params.session_type == SESSION_DISCOVERY ||
		!async_put(conn, &pdu, drop_sent)) {
		session_end(s, reason);
		return;
	}
	s->farewell = (struct spt_timer){ .fn = drop_now, .arg = s, .impl = s->farewell.impl };
	spt_host_timer_set(s->env->host, &s->farewell, DROP_US);
}

static void waited_enough(struct spt_timer *timer)
{
	struct session *s = timer->arg;

	farewell_drop(s, s->farewell_reason);
}

void farewell_request(struct session *s, uint64_t wait_us)
{
	const struct pdu_async pdu = { .event = ASYNC_LOGOUT_REQUEST, .parameter3 = seconds(wait_us) };
	struct conn *conn;

	if (s->farewell_asked || s->ending || s->params.session_type == SESSION_DISCOVERY)
		return;
	s->farewell_asked = true;
	list_foreach (conn, &s->conns, session_link) {
		if (!conn->closing)
			async_put(conn, &pdu, NULL);
	}
}

void farewell_begin(struct session *s, enum close_reason reason, uint64_t wait_us)
{
	if (s->farewell_dropping || s->ending)
		return;
	if (!wait_us || s->params.session_type == SESSION_DISCOVERY) {
		farewell_drop(s, reason);
		return;
	}
	log_notice("session %llu of %s is asked to log out: %s", (unsigned long long)s->id,
		s->params.initiator_name, close_info(reason)->text);
	farewell_request(s, wait_us);
	s->farewell_reason = reason;
	s->farewell = (struct spt_timer){ .fn = waited_enough, .arg = s, .impl = s->farewell.impl };
	spt_host_timer_set(s->env->host, &s->farewell, wait_us);
}

void farewell_over(struct session *s)
{
	spt_host_timer_clear(s->env->host, &s->farewell);
}
