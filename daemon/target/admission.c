/* SPDX-License-Identifier: MIT */
/* Who is let in: see admission.h. */
#include "target/admission.h"

#include "target/server.h"
#include "target/worker.h"

static const struct config_daemon *limits(const struct server *s)
{
	return &s->generation->config->daemon;
}

/* May a line be written now? @more: how it ends. */
static bool may_log(struct server *s, char more[LOG_LIMIT_TEXT])
{
	return log_limit_line(&s->admission.log, spt_host_now_us(loop_host(s->workers[0].loop)), more);
}

static void watch_listeners(struct server *s)
{
	for (size_t i = 0; i < s->listening.n; i++)
		listener_watch(s->listening.slots[i].listener);
}

static void go_on(struct spt_post *post)
{
	struct server *s = post->arg;

	s->admission.held = false;
	watch_listeners(s);
}

/* Once for each time that they are held. */
static void ask_to_go_on(struct server *s)
{
	if (atomic_load(&s->admission.wanted) && atomic_exchange(&s->admission.wanted, false))
		spt_host_post(loop_host(s->workers[0].loop), &s->admission.go_on);
}

void admission_init(struct server *s)
{
	s->admission.go_on = (struct spt_post){ .fn = go_on, .arg = s };
}

bool admission_full(const struct server *s)
{
	return atomic_load(&s->admission.logins) >= limits(s)->max_logins;
}

void admission_hold(struct server *s, const struct conn_portal *portal)
{
	char more[LOG_LIMIT_TEXT];

	if (s->admission.held)
		return;
	if (may_log(s, more))
		log_warning("portal %s: max-logins (%u) are under way: others wait to be accepted%s", portal->name,
			limits(s)->max_logins, more);
	s->admission.held = true;
	watch_listeners(s);
	atomic_store(&s->admission.wanted, true);
	if (!admission_full(s)) /* one has ended before it could see that it is wanted */
		ask_to_go_on(s);
}

void admission_changed(struct server *s)
{
	ask_to_go_on(s);
}

/* Why a connection from @peer is not to stay, or NULL. */
static const char *refusal(struct server *s, const struct sockaddr *peer)
{
	if (atomic_load(&s->admission.conns) >= limits(s)->max_connections)
		return "max-connections are open";
	return slowdown_allows(&s->slowdown, peer) ? NULL :
		"too many failed authentications of its address wait to be answered";
}

bool admission_take(struct server *s, const struct conn_portal *portal, const struct sockaddr *peer)
{
	const char *why = refusal(s, peer);
	char more[LOG_LIMIT_TEXT];

	if (why && may_log(s, more))
		log_warning("portal %s: connection refused: %s%s", portal->name, why, more);
	if (why)
		return false;
	atomic_fetch_add(&s->admission.conns, 1);
	atomic_fetch_add(&s->admission.logins, 1);
	return true;
}

void admission_login_over(struct server *s)
{
	atomic_fetch_sub(&s->admission.logins, 1);
	ask_to_go_on(s);
}

void admission_gone(struct server *s, bool in_login)
{
	atomic_fetch_sub(&s->admission.conns, 1);
	if (in_login)
		admission_login_over(s);
}
