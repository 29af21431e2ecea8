/* SPDX-License-Identifier: MIT */
/* The watchdog: see watch.h. */
#include "watch.h"

#include "service/notify.h"
#include "target/server.h"
#include "target/worker.h"

static struct spt_host *host_of(struct watch *w, unsigned worker)
{
	return loop_host(w->server->workers[worker].loop);
}

static void round_trip(struct spt_post *post)
{
	struct watch *w = post->arg;

	if (++w->at < w->server->n_workers) {
		spt_host_post(host_of(w, w->at), post);
		return;
	}
	if (w->at == w->server->n_workers && w->server->n_workers > 1) {
		spt_host_post(host_of(w, 0), post); /* home again */
		return;
	}
	w->under_way = false;
	if (!w->stopped)
		notify_watchdog_ping();
}

static void tick(struct spt_timer *timer)
{
	struct watch *w = timer->arg;

	if (!w->under_way) {
		w->under_way = true;
		w->at = 0;
		round_trip(&w->post);
	}
	spt_host_timer_set(host_of(w, 0), timer, w->interval_us);
}

void watch_start(struct watch *w, struct server *server)
{
	*w = (struct watch){
		.server = server,
		.timer = { .fn = tick, .arg = w },
		.post = { .fn = round_trip, .arg = w },
		.interval_us = notify_watchdog_us() / 2,
	};
	if (w->interval_us)
		tick(&w->timer);
}

void watch_stop(struct watch *w)
{
	w->stopped = true;
	if (w->server)
		spt_host_timer_clear(host_of(w, 0), &w->timer);
}
