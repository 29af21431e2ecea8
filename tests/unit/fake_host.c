/* SPDX-License-Identifier: MIT */
/* The tests' host loop: see fake_host.h. */
#include "fake_host.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct fake_host *fake_of(struct spt_host *host)
{
	return (struct fake_host *)host;
}

static uint64_t clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t fake_now(struct spt_host *host)
{
	struct fake_host *f = fake_of(host);
	if (f->real_time)
		f->now_us = clock_us();
	return f->now_us;
}

static int fake_watch(struct spt_host *host, struct spt_watch *watch, unsigned events)
{
	struct fake_host *f = fake_of(host);
	int slot = -1;

	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		if (f->watches[i] == watch) {
			slot = i;
			break;
		}
		if (!f->watches[i] && slot < 0)
			slot = i;
	}
	assert(slot >= 0);
	f->watches[slot] = watch;
	watch->events = events;
	watch->impl = f;
	return 0;
}

static void fake_unwatch(struct spt_host *host, struct spt_watch *watch)
{
	struct fake_host *f = fake_of(host);
	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		if (f->watches[i] == watch)
			f->watches[i] = NULL;
	}
	watch->impl = NULL;
}

static void fake_timer_clear(struct spt_host *host, struct spt_timer *timer)
{
	struct fake_host *f = fake_of(host);
	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		if (f->timers[i].timer == timer)
			f->timers[i].timer = NULL;
	}
}

static void fake_timer_set(struct spt_host *host, struct spt_timer *timer, uint64_t delay_us)
{
	struct fake_host *f = fake_of(host);
	fake_timer_clear(host, timer);
	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		if (!f->timers[i].timer) {
			f->timers[i].timer = timer;
			f->timers[i].due_us = fake_now(host) + delay_us;
			return;
		}
	}
	assert(!"too many timers");
}

static void append(struct spt_post **list, struct spt_post *post)
{
	post->next = NULL;
	while (*list)
		list = &(*list)->next;
	*list = post;
}

static void fake_post(struct spt_host *host, struct spt_post *post)
{
	struct fake_host *f = fake_of(host);
	pthread_mutex_lock(&f->lock);
	if (!post->queued) {
		post->queued = 1;
		append(&f->posts, post);
	}
	pthread_mutex_unlock(&f->lock);
	ssize_t n = write(f->wake[1], "", 1);
	(void)n;
}

static void fake_defer(struct spt_host *host, struct spt_post *post)
{
	if (post->queued)
		return;
	post->queued = 1;
	append(&fake_of(host)->defers, post);
}

static bool take_out(struct spt_post **list, struct spt_post *post)
{
	for (struct spt_post **p = list; *p; p = &(*p)->next) {
		if (*p == post) {
			*p = post->next;
			post->queued = 0;
			return true;
		}
	}
	return false;
}

static void fake_undefer(struct spt_host *host, struct spt_post *post)
{
	struct fake_host *f = fake_of(host);

	if (!take_out(&f->defers, post))
		take_out(&f->running, post);
}

static void fake_offload(struct spt_host *host, struct spt_work *work)
{
	struct fake_host *f = fake_of(host);
	struct spt_work **p = &f->works;
	work->host = host;
	work->next = NULL;
	while (*p)
		p = &(*p)->next;
	*p = work;
}

static const struct spt_host_ops FAKE_OPS = {
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.timer_set = fake_timer_set,
	.timer_clear = fake_timer_clear,
	.now_us = fake_now,
	.post = fake_post,
	.defer = fake_defer,
	.undefer = fake_undefer,
	.offload = fake_offload,
};

void fake_host_init(struct fake_host *f)
{
	memset(f, 0, sizeof(*f));
	f->host.ops = &FAKE_OPS;
	f->now_us = 1000000;
	pthread_mutex_init(&f->lock, NULL);
	int r = pipe2(f->wake, O_NONBLOCK | O_CLOEXEC);
	assert(!r);
	(void)r;
}

void fake_host_deinit(struct fake_host *f)
{
	close(f->wake[0]);
	close(f->wake[1]);
	pthread_mutex_destroy(&f->lock);
}

/* One at a time: until it runs, a post is in the queue for everybody. */
static bool run_posts(struct fake_host *f)
{
	pthread_mutex_lock(&f->lock);
	struct spt_post *list = f->posts;
	f->posts = NULL;
	pthread_mutex_unlock(&f->lock);
	bool any = list != NULL;

	while (list) {
		struct spt_post *p = list;
		pthread_mutex_lock(&f->lock);
		list = p->next;
		p->queued = 0;
		pthread_mutex_unlock(&f->lock);
		p->fn(p);
	}
	return any;
}

static bool run_defers(struct fake_host *f)
{
	f->running = f->defers;
	f->defers = NULL;
	bool any = f->running != NULL;

	while (f->running) {
		struct spt_post *p = f->running;
		f->running = p->next;
		p->queued = 0;
		p->fn(p);
	}
	return any;
}

static bool run_ready(struct fake_host *f, int timeout_ms)
{
	struct pollfd fds[FAKE_HOST_SLOTS + 1];
	struct spt_watch *who[FAKE_HOST_SLOTS];
	nfds_t n = 0;
	bool any = false;

	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		struct spt_watch *w = f->watches[i];
		if (!w || !w->events)
			continue;
		fds[n].fd = w->fd;
		fds[n].events = (short)((w->events & SPT_READABLE ? POLLIN : 0) |
			(w->events & SPT_WRITABLE ? POLLOUT : 0));
		who[n++] = w;
	}
	fds[n] = (struct pollfd){ .fd = f->wake[0], .events = POLLIN };
	if (poll(fds, n + 1, timeout_ms) <= 0)
		return false;
	if (fds[n].revents) {
		char drain[64];
		while (read(f->wake[0], drain, sizeof(drain)) > 0)
			any = true;
	}
	for (nfds_t i = 0; i < n; i++) {
		unsigned ready = (fds[i].revents & POLLIN ? SPT_READABLE : 0) |
			(fds[i].revents & POLLOUT ? SPT_WRITABLE : 0);
		if (fds[i].revents & (POLLERR | POLLHUP))
			ready = SPT_READABLE | SPT_WRITABLE;
		if (!ready || who[i]->impl != f)
			continue;
		who[i]->fn(who[i], ready);
		any = true;
	}
	return any;
}

static uint64_t next_due(const struct fake_host *f)
{
	uint64_t due = UINT64_MAX;
	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		if (f->timers[i].timer && f->timers[i].due_us < due)
			due = f->timers[i].due_us;
	}
	return due;
}

static bool run_timers(struct fake_host *f)
{
	bool any = false;
	uint64_t now = fake_now(&f->host);

	for (int i = 0; i < FAKE_HOST_SLOTS; i++) {
		struct spt_timer *t = f->timers[i].timer;
		if (!t || f->timers[i].due_us > now)
			continue;
		f->timers[i].timer = NULL;
		t->fn(t);
		any = true;
	}
	return any;
}

static bool turn(struct fake_host *f, int timeout_ms)
{
	bool any = run_posts(f);

	struct spt_work *works = f->works;
	f->works = NULL;
	while (works) {
		struct spt_work *w = works;
		works = w->next;
		w->work(w);
		w->done(w);
		any = true;
	}
	any |= run_ready(f, any || f->defers ? 0 : timeout_ms);
	any |= run_timers(f);
	any |= run_defers(f);
	return any;
}

bool fake_host_turn(struct fake_host *f)
{
	return turn(f, 0);
}

void fake_host_settle(struct fake_host *f)
{
	while (turn(f, 0))
		;
}

bool fake_host_until(struct fake_host *f, const int *flag, uint64_t limit_us)
{
	uint64_t end = fake_now(&f->host) + limit_us;

	while (!*flag) {
		if (fake_now(&f->host) >= end)
			return false;
		if (turn(f, 2))
			continue;
		if (f->real_time)
			continue;
		uint64_t due = next_due(f);
		bool watching = false;
		for (int i = 0; i < FAKE_HOST_SLOTS; i++)
			watching |= f->watches[i] && f->watches[i]->events;
		if (due != UINT64_MAX)
			f->now_us = due > end ? end : due > f->now_us ? due : f->now_us;
		else if (watching)
			f->now_us += 2000;
		else
			return false;
	}
	return true;
}
