/* SPDX-License-Identifier: MIT */
/*
 * The session of a channel: connecting, being up, being lost, trying again. Every state but UP and
 * FENCED has a deadline; in UP, silence has one, and so has an abort.
 *
 *   DOWN --deadline--> CONNECT --logged in--> PROBE --who it should be--> UP --lost--> DOWN
 *   DOWN --a new round, with names--> LOOKUP --looked up, deadline--> CONNECT
 *                      CONNECT, PROBE --refused, deadline--> DOWN (longer and longer)
 *   UP, PROBE --close--> LOGOUT --left, lost, deadline--> (closed)
 */
#include <errno.h>
#include <sys/random.h>

#include "base/util.h"
#include "passthrough/up_device.h"

#define RETRY_MIN_US UINT64_C(100000)
/* What is known of a name will do if the system's resolver takes longer. */
#define LOOKUP_MAX_US UINT64_C(2000000)
#define REDIRECTS_MAX 3u
#define TICK_US      UINT64_C(1000000)
/* A session that lasted for so long was a good one: the next failure is the first again. */
#define STEADY_US UINT64_C(10000000)

static void watch(struct up_channel *c)
{
	unsigned events = up_engine_events(c->engine);

	if (c->watched && c->watch.events == events)
		return;
	c->watched = spt_host_watch(c->host, &c->watch, events) == 0;
}

static void unwatch(struct up_channel *c)
{
	if (c->watched)
		spt_host_unwatch(c->host, &c->watch);
	c->watched = false;
}

/* When to look again, whatever happens. */
static uint64_t next_us(const struct up_channel *c)
{
	switch (c->state) {
	case UP_STATE_UP:
		return spt_host_now_us(c->host) + TICK_US;
	case UP_STATE_FENCED:
		return UINT64_MAX;
	default:
		return MIN(c->deadline_us, up_channel_next_us(c));
	}
}

void up_session_arm(struct up_channel *c)
{
	uint64_t next = next_us(c), now = spt_host_now_us(c->host);

	if (next == UINT64_MAX || (c->armed_us && c->armed_us <= next))
		return;
	c->armed_us = MAX(next, now + 1);
	spt_host_timer_set(c->host, &c->timer, c->armed_us - now);
}

/* Once for each time that upstream goes away, and once when it is there again. */
static void tell(const struct up_channel *c, const char *what, const char *why)
{
	spt_device_event(c->device->handle, "upstream session of %s by %s %s%s%.160s",
		c->initiator_name, c->address->text, what, why ? ": " : "", why ? why : "");
}

/* Many sessions that were lost together shall not all come back in one moment. */
static uint64_t jitter(uint64_t wait_us)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)wait_us;
	return wait_us / 2 + (wait_us / 2 * random >> 32);
}

/* How long until the next attempt: every portal has its turn before there is a pause. */
static uint64_t pause_us(struct up_channel *c)
{
	const struct up_device *d = c->device;
	uint64_t wait = RETRY_MIN_US << MIN(c->failures, 20u);

	if (c->attempt % c->n_portals)
		return 0;
	c->failures++;
	return jitter(c->refused ? d->retry_refused_us : MIN(wait, d->retry_max_us));
}

static void tell_down(struct up_channel *c, bool was_up, const char *why)
{
	if (was_up)
		tell(c, "lost, trying again", why);
	else if (!c->told || (c->refused && !c->told_refused))
		tell(c, "cannot be made, trying again", why);
	c->told = true;
	c->told_refused |= c->refused;
}

/* @why: NULL when it is no failure, and nothing to speak of. */
static void down(struct up_channel *c, const char *why)
{
	uint64_t now = spt_host_now_us(c->host);
	bool was_up = c->state == UP_STATE_UP;

	if (was_up) {
		c->lost_us = now;
		c->lost_portal = c->portal;
		c->attempt = 0;
	}
	if (why)
		tell_down(c, was_up, why);
	up_report_down(c->device, was_up, why);
	c->state = UP_STATE_DOWN;
	c->deadline_us = now + (why ? pause_us(c) : 0);
	c->refused = false;
	if (was_up)
		up_channel_hold(c);
}

static const struct up_address *pick_address(struct up_channel *c)
{
	struct up_device *d = c->device;

	if (c->redirected) {
		c->redirected = false; /* once: if it fails, we ask at the door again */
		return &c->redirect;
	}
	pthread_mutex_lock(&d->lock);
	c->n_portals = d->portals.n;
	c->portal = up_portals_pick(&d->portals, c->lost_portal, c->attempt++);
	c->door = d->portals.address[c->portal];
	pthread_mutex_unlock(&d->lock);
	return &c->door;
}

static void dial(struct up_channel *c)
{
	const struct up_device *d = c->device;

	c->address = pick_address(c);
	struct up_engine_params params = {
		.initiator_name = c->initiator_name,
		.isid = c->isid,
		.url = &d->url,
		.address = c->address,
		.secret = &d->secret,
		.header_digest = d->header_digest,
		.commands = d->depth,
		.tcp_timeout_ms = (unsigned)((d->nop_interval_us + d->nop_timeout_us) / 1000),
		.zeros = d->zeros,
	};

	c->engine = up_engine_new(&params);
	if (!c->engine) {
		down(c, "out of memory");
		return;
	}
	if (up_engine_phase(c->engine) == UP_DEAD) {
		up_session_end(c, UP_STATE_DOWN, up_engine_error(c->engine));
		return;
	}
	c->watch.fd = up_engine_fd(c->engine);
	c->state = UP_STATE_CONNECT;
	c->deadline_us = spt_host_now_us(c->host) + d->connect_timeout_us;
	watch(c);
}

/* Each round of attempts begins with the question where the names lead now. */
void up_session_connect(struct up_channel *c)
{
	bool begins = !c->redirected && (!c->n_portals || c->attempt % c->n_portals == 0);

	if (!begins || !up_lookup_begin(c)) {
		dial(c);
		return;
	}
	c->state = UP_STATE_LOOKUP;
	c->deadline_us = spt_host_now_us(c->host) + MIN(c->device->connect_timeout_us, LOOKUP_MAX_US);
}

void up_session_looked(struct spt_post *post)
{
	struct up_channel *c = post->arg;

	up_channel_enter(c);
	c->lookup_waits = false;
	if (c->state == UP_STATE_LOOKUP) {
		dial(c);
		up_session_look(c);
	}
	up_channel_leave(c);
}

void up_session_end(struct up_channel *c, enum up_state state, const char *why)
{
	struct up_engine *e = TAKE(c->engine);
	struct up_command *cmd;
	struct up_reset *reset;

	unwatch(c);
	spt_host_undefer(c->host, &c->flush);
	if (c->state == UP_STATE_UP && spt_host_now_us(c->host) - c->up_us >= STEADY_US)
		c->failures = 0;
	c->refused |= e && up_engine_refused(e);
	if (state == UP_STATE_DOWN) {
		down(c, why);
	} else {
		up_report_down(c->device, c->state == UP_STATE_UP, NULL);
		c->state = state;
	}
	if (!e)
		return;
	up_engine_kill(e);
	while ((cmd = up_places_take(up_engine_places(e))))
		up_channel_finish(c, e, cmd);
	while ((reset = up_places_take_reset(up_engine_places(e))))
		up_channel_reset_done(c, reset);
	up_engine_free(e);
}

void up_session_up(struct up_channel *c)
{
	if (c->told || c->portal > 0)
		tell(c, "is up", NULL);
	c->told = c->told_refused = false;
	c->redirects = 0;
	c->state = UP_STATE_UP;
	c->was_up = true;
	c->up_us = c->heard_us = spt_host_now_us(c->host);
	up_report_up(c->device, c->address);
}

static void redirect(struct up_channel *c)
{
	const char *text = up_engine_redirect(c->engine);

	c->redirected = text && up_target_address(text, &c->redirect) == 0;
	if (!c->redirected) {
		up_session_end(c, UP_STATE_DOWN, "redirected to an address that is not numeric");
	} else if (c->redirects++ < REDIRECTS_MAX) {
		up_session_end(c, UP_STATE_DOWN, NULL);
	} else {
		/* The next door, and where all had their turn a pause: not round and round here. */
		c->redirected = false;
		c->redirects = 0;
		up_session_end(c, UP_STATE_DOWN, "redirected again and again");
	}
}

static void follow_phase(struct up_channel *c)
{
	switch (up_engine_phase(c->engine)) {
	case UP_CONNECTING:
		break;
	case UP_READY:
		if (c->state == UP_STATE_CONNECT)
			up_login_begin(c);
		if (c->state == UP_STATE_PROBE)
			up_login_look(c);
		break;
	case UP_REDIRECTED:
		redirect(c);
		break;
	case UP_LEFT:
	case UP_DEAD:
		up_session_end(c, c->state == UP_STATE_LOGOUT ? UP_STATE_FENCED : UP_STATE_DOWN,
			up_engine_error(c->engine));
		break;
	}
}

void up_session_look(struct up_channel *c)
{
	struct up_command *cmd;
	struct up_reset *reset;

	while (c->engine && (cmd = up_places_take(up_engine_places(c->engine))))
		up_channel_finish(c, c->engine, cmd);
	while (c->engine && (reset = up_places_take_reset(up_engine_places(c->engine))))
		up_channel_reset_done(c, reset);
	if (c->engine)
		follow_phase(c);
	up_channel_pump(c);
	if (c->engine)
		watch(c);
	up_session_arm(c);
}

void up_session_ready(struct spt_watch *w, unsigned ready)
{
	struct up_channel *c = w->arg;

	up_channel_enter(c);
	up_engine_service(c->engine, ready);
	up_session_look(c);
	up_channel_leave(c);
}

void up_session_flush(struct spt_post *post)
{
	struct up_channel *c = post->arg;

	up_channel_enter(c);
	if (c->engine && c->state != UP_STATE_CONNECT) {
		up_engine_service(c->engine, SPT_WRITABLE);
		up_session_look(c);
	}
	up_channel_leave(c);
}

/* Is upstream still there? Silence, then a NOP-Out, then silence again: it is not. */
static void check_alive(struct up_channel *c, uint64_t now)
{
	const struct up_device *d = c->device;

	uint64_t since = up_places_abort_since(up_engine_places(c->engine));

	/* Upstream does not abort what we asked it to: dropping the session does (SAM-5 6.3.4). */
	if (since <= now && now - since >= d->abort_timeout_us) {
		up_session_end(c, UP_STATE_DOWN, "it did not abort a command");
		return;
	}
	if (up_engine_heard(c->engine))
		c->heard_us = now;
	if (!d->nop_interval_us || now - c->heard_us < d->nop_interval_us)
		return;
	if (up_engine_nop(c->engine))
		c->nop_us = now;
	else if (up_engine_nop_pending(c->engine) &&
		now - MAX(c->nop_us, c->heard_us) >= d->nop_timeout_us)
		up_session_end(c, UP_STATE_DOWN, "no answer to NOP-Out");
}

void up_session_tick(struct spt_timer *timer)
{
	struct up_channel *c = timer->arg;
	uint64_t now = spt_host_now_us(c->host);

	up_channel_enter(c);
	c->armed_us = 0;
	if (c->state == UP_STATE_UP)
		check_alive(c, now);
	else if (c->state == UP_STATE_DOWN && now >= c->deadline_us)
		up_session_connect(c);
	else if (c->state == UP_STATE_LOOKUP && now >= c->deadline_us)
		dial(c);
	else if (c->state == UP_STATE_CONNECT && now >= c->deadline_us)
		up_session_end(c, UP_STATE_DOWN, "no login within connect-timeout");
	else if (c->state == UP_STATE_PROBE && now >= c->deadline_us)
		up_session_end(c, UP_STATE_DOWN, "it does not tell within connect-timeout who it is");
	else if (c->state == UP_STATE_LOGOUT && now >= c->deadline_us)
		up_session_end(c, UP_STATE_FENCED, NULL);
	up_channel_expire(c);
	if (c->engine && c->state == UP_STATE_UP) {
		up_engine_unstick(c->engine);
		up_engine_service(c->engine, SPT_WRITABLE);
	}
	up_session_look(c);
	up_channel_leave(c);
}
