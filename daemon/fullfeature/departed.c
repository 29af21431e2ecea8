/* SPDX-License-Identifier: MIT */
/* Connections that are gone: see departed.h. Nothing here lasts without its timer. */
#include "fullfeature/departed.h"

#include <stdlib.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "fullfeature/messages.h"
#include "wire/logout_response.h"

/* That a session remembers; for one more the oldest is given up. */
#define DEPARTED_MAX 16u

/* How long the end of its commands may take a Logout Request, where nothing is to be retained. */
#define CLEANUP_MIN_S 5u

static void answer_logout(struct departed *d, uint8_t response)
{
	struct conn *conn = d->logout_waits ? session_conn(d->session, d->logout_conn) : NULL;

	if (conn)
		logout_respond(conn, d->logout_itt, response);
}

static void let_go(struct departed *d)
{
	struct spt_host *host = d->session->env->host;

	d->tasks--;
	if (d->tasks || !d->logout_waits)
		return;
	/* It may be the last that the session waits for, whose end is not for under the caller's feet. */
	if (!d->session->n_conns) {
		spt_host_timer_set(host, &d->timer, 0);
		return;
	}
	answer_logout(d, LOGOUT_CLOSED);
	list_del(&d->link);
	spt_host_timer_clear(host, &d->timer);
	free(d);
}

void departed_add(struct departed *d, struct command *c)
{
	c->departed = d;
	d->tasks++;
}

void departed_keep(struct command *c)
{
	list_init(&c->retained.link);
	list_append(&c->departed->done, &c->retained.link);
	c->waits = true;
}

void departed_let_go(struct command *c)
{
	struct departed *d = TAKE(c->departed);

	if (c->waits)
		list_del(&c->retained.link);
	c->waits = false;
	let_go(d);
}

static bool refers(struct spt_task *task, void *arg)
{
	struct command *c = command_of(task);

	if (c->departed != arg)
		return false;
	c->departed = NULL;
	c->waits = false;
	return true;
}

/* Ends its commands and itself. */
static void give_up(struct departed *d)
{
	struct session *s = d->session;
	struct spt_link done;
	struct command *c;

	answer_logout(d, LOGOUT_CLEANUP_FAILED);
	list_del(&d->link);
	spt_host_timer_clear(s->env->host, &d->timer);
	list_init(&done);
	while ((c = list_first(&d->done, struct command, retained.link))) {
		list_del(&c->retained.link);
		list_append(&done, &c->retained.link);
		c->departed = NULL;
		c->waits = false;
	}
	if (s->has_nexus)
		spt_session_abort(s->env->host->context, s->cookie, refers, d);
	free(d);
	while ((c = list_first(&done, struct command, retained.link))) {
		list_del(&c->retained.link);
		command_release(c);
	}
}

static void expired(struct spt_timer *timer)
{
	struct departed *d = timer->arg;
	struct session *s = d->session;

	if (d->tasks)
		log_notice("connection %u of %s at %s, session %llu, was not recovered: %u commands are aborted",
			d->cid, s->params.initiator_name, s->params.target_name,
			(unsigned long long)s->id, d->tasks);
	give_up(d);
	session_left(s);
}

/* RFC 7143 6.3.6, 13.15, 13.16 */
static uint64_t retain_us(const struct session *s, bool keeps)
{
	unsigned seconds = s->params.default_time2wait_s + s->params.default_time2retain_s;

	return (keeps ? seconds : MAX(seconds, CLEANUP_MIN_S)) * 1000000ull;
}

static struct departed *departed_new(struct conn *conn, bool keeps)
{
	struct session *s = conn->session;
	struct departed *d = calloc(1, sizeof(*d)), *each;
	unsigned n = 0;

	if (!d)
		return NULL;
	list_foreach (each, &s->departed, link)
		n++;
	if (n >= DEPARTED_MAX)
		give_up(list_first(&s->departed, struct departed, link));
	d->session = s;
	d->cid = conn->cid;
	d->keeps = keeps;
	d->logged_out = conn->replaced || conn->close_reason == CLOSE_REMOVED ||
		conn->close_reason == CLOSE_CONN_REINSTATED;
	s->env->counters.conns_recovered += keeps && d->logged_out;
	d->logout_waits = conn->logout_waits;
	d->logout_conn = conn->logout_conn;
	d->logout_itt = conn->logout_itt;
	list_init(&d->done);
	d->timer = (struct spt_timer){ .fn = expired, .arg = d };
	list_append(&s->departed, &d->link);
	spt_host_timer_set(s->env->host, &d->timer, retain_us(s, keeps));
	return d;
}

/* RFC 7143 7.1.4.3, 7.5: of what fails, not of what was meant to end. Time2Retain 0 discards at once. */
static bool keeps_tasks(const struct conn *conn)
{
	const struct session *s = conn->session;

	return s->params.error_recovery_level == 2 && !s->doomed && s->params.default_time2retain_s &&
		conn->close_reason != CLOSE_LOGOUT;
}

struct walk {
	struct conn *conn;
	struct departed *departed;
};

/*
 * What has not got its turn is discarded with its connection (RFC 7143 11.14), and so is what is immediate: that is not
 * recoverable (7.14).
 */
static bool came_on(struct spt_task *task, void *arg)
{
	struct walk *w = arg;
	struct command *c = command_of(task);

	if (c->conn != w->conn)
		return false;
	c->conn = NULL;
	if (!w->departed)
		return true;
	departed_add(w->departed, c);
	return !w->departed->keeps || c->early || c->immediate;
}

void departed_lost(struct conn *conn)
{
	struct session *s = conn->session;
	bool keeps = keeps_tasks(conn);
	struct walk w = { .conn = conn };

	if (keeps || conn->logout_waits || (s->params.error_recovery_level && s->n_conns))
		w.departed = departed_new(conn, keeps);
	if (keeps)
		conn->departed = w.departed;
	if (w.departed)
		w.departed->tasks++;
	if (s->has_nexus)
		spt_session_abort(s->env->host->context, s->cookie, came_on, &w);
	if (w.departed)
		let_go(w.departed);
}

void departed_drop(struct session *s)
{
	struct departed *d;

	while ((d = list_first(&s->departed, struct departed, link)))
		give_up(d);
}

static bool is_left(struct spt_task *task, void *arg)
{
	return command_of(task)->departed == arg;
}

struct departed *departed_find(const struct session *s, uint16_t cid)
{
	struct departed *d;

	list_foreach (d, &s->departed, link) {
		if (d->cid == cid && !d->logged_out && !d->logout_waits)
			return d;
	}
	return NULL;
}

void departed_log_out(struct departed *d)
{
	d->session->env->counters.conns_recovered += d->keeps && !d->logged_out;
	d->logged_out = true;
}

void departed_close(struct departed *d, struct conn *conn, uint32_t itt)
{
	struct session *s = d->session;
	struct command *c;

	d->logout_waits = true;
	d->logout_conn = conn->number;
	d->logout_itt = itt;
	d->keeps = false;
	d->tasks++;
	spt_host_timer_set(s->env->host, &d->timer, retain_us(s, false));
	while ((c = list_first(&d->done, struct command, retained.link)))
		command_release(c);
	spt_session_abort(s->env->host->context, s->cookie, is_left, d);
	let_go(d);
}

struct command *departed_find_done(const struct session *s, uint32_t itt)
{
	struct departed *d;
	struct command *c;

	list_foreach (d, &s->departed, link) {
		list_foreach (c, &d->done, retained.link) {
			if (c->task.aux.task.tag == itt)
				return c;
		}
	}
	return NULL;
}
