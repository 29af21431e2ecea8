/* SPDX-License-Identifier: MIT */
/* The loop of a synchronous call: see loop.h. */
#include "sync/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/util.h"

#define KEEP_BYTES  (1u << 20)
#define SLOTS_FIRST 16u

/* A slot of the table; the object's impl is the slot's number plus one. */
struct sync_watch {
	struct spt_watch *watch;
	nfds_t polled; /* which of fds in this turn; 0: none */
};

struct sync_timer {
	struct spt_timer *timer;
	uint64_t due_us;
	uint32_t turn; /* in which it was set: it does not fire in the same */
};

static struct sync_loop *loop_of(struct spt_host *host)
{
	return (struct sync_loop *)host;
}

uint64_t sync_clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t now_us(struct spt_host *host)
{
	return loop_of(host)->now_us;
}

static size_t slot_of(const void *impl)
{
	return (uintptr_t)impl - 1;
}

static void *impl_of(size_t slot)
{
	return (void *)(uintptr_t)(slot + 1);
}

static int more_watches(struct sync_loop *l)
{
	size_t n = l->n_watches ? 2 * l->n_watches : SLOTS_FIRST;
	struct pollfd *fds = realloc(l->fds, (n + 1) * sizeof(*fds));

	if (!fds)
		return -ENOMEM;
	l->fds = fds;
	struct sync_watch *more = realloc(l->watches, n * sizeof(*more));
	if (!more)
		return -ENOMEM;
	for (; l->n_watches < n; l->n_watches++)
		more[l->n_watches] = (struct sync_watch){ 0 };
	l->watches = more;
	return 0;
}

static int watch(struct spt_host *host, struct spt_watch *w, unsigned events)
{
	struct sync_loop *l = loop_of(host);
	size_t i = 0;

	w->events = events;
	if (w->impl)
		return 0;
	while (i < l->n_watches && l->watches[i].watch)
		i++;
	if (i == l->n_watches && more_watches(l) < 0)
		return -ENOMEM;
	l->watches[i] = (struct sync_watch){ .watch = w };
	w->impl = impl_of(i);
	return 0;
}

static void unwatch(struct spt_host *host, struct spt_watch *w)
{
	if (!w->impl)
		return;
	loop_of(host)->watches[slot_of(w->impl)] = (struct sync_watch){ 0 };
	w->impl = NULL;
}

static void timer_clear(struct spt_host *host, struct spt_timer *t)
{
	if (!t->impl)
		return;
	loop_of(host)->timers[slot_of(t->impl)].timer = NULL;
	t->impl = NULL;
}

/* A timer that cannot be set would be a wait without an end, and nobody can be told of it. */
static void more_timers(struct sync_loop *l)
{
	size_t n = l->n_timers ? 2 * l->n_timers : SLOTS_FIRST;
	struct sync_timer *more = realloc(l->timers, n * sizeof(*more));

	if (!more)
		abort();
	for (; l->n_timers < n; l->n_timers++)
		more[l->n_timers] = (struct sync_timer){ 0 };
	l->timers = more;
}

static void timer_set(struct spt_host *host, struct spt_timer *t, uint64_t delay_us)
{
	struct sync_loop *l = loop_of(host);
	size_t i = 0;

	timer_clear(host, t);
	while (i < l->n_timers && l->timers[i].timer)
		i++;
	if (i == l->n_timers)
		more_timers(l);
	uint64_t now = sync_clock_us(); /* the loop may have stood still for long */
	uint64_t due = delay_us > UINT64_MAX - now ? UINT64_MAX : now + delay_us;
	l->timers[i] = (struct sync_timer){ .timer = t, .due_us = due, .turn = l->turn };
	t->impl = impl_of(i);
}

static void post(struct spt_host *host, struct spt_post *p)
{
	struct sync_loop *l = loop_of(host);
	const uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	if (!p->queued) {
		p->queued = 1;
		p->next = NULL;
		*l->last_post = p;
		l->last_post = &p->next;
	}
	pthread_mutex_unlock(&l->lock);
	ssize_t n = write(l->wake, &one, sizeof(one)); /* full: it is awake */
	(void)n;
}

static void defer(struct spt_host *host, struct spt_post *p)
{
	struct sync_loop *l = loop_of(host);

	if (p->queued)
		return;
	p->queued = 1;
	p->next = NULL;
	*l->last_defer = p;
	l->last_defer = &p->next;
}

static void undefer(struct spt_host *host, struct spt_post *post)
{
	struct sync_loop *l = loop_of(host);

	for (struct spt_post **p = &l->defers; *p; p = &(*p)->next) {
		if (*p != post)
			continue;
		*p = post->next;
		if (!*p)
			l->last_defer = p;
		post->queued = 0;
		return;
	}
}

static void offload(struct spt_host *host, struct spt_work *work)
{
	work->host = host;
	helpers_add(&loop_of(host)->helpers, work);
}

static const struct spt_host_ops LOOP_OPS = {
	.watch = watch,
	.unwatch = unwatch,
	.timer_set = timer_set,
	.timer_clear = timer_clear,
	.now_us = now_us,
	.post = post,
	.defer = defer,
	.undefer = undefer,
	.offload = offload,
};

int sync_loop_init(struct sync_loop *l)
{
	*l = (struct sync_loop){ .host = { .ops = &LOOP_OPS }, .now_us = sync_clock_us() };
	l->last_defer = &l->defers;
	l->last_post = &l->posts;
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake < 0)
		return -errno;
	int r = helpers_init(&l->helpers, l->wake);
	if (r < 0) {
		close(l->wake);
		return r;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->host.pool = spt_pool_new(KEEP_BYTES);
	if (l->host.pool && more_watches(l) == 0)
		return 0;
	sync_loop_deinit(l);
	return -ENOMEM;
}

void sync_loop_deinit(struct sync_loop *l)
{
	helpers_deinit(&l->helpers);
	pthread_mutex_destroy(&l->lock);
	spt_pool_free(l->host.pool);
	free(l->watches);
	free(l->fds);
	free(l->timers);
	close(l->wake);
}

/* Each once: what it queues by itself comes in the next round. */
static void run_list(struct spt_post *p)
{
	while (p) {
		struct spt_post *next = p->next;
		p->queued = 0;
		p->fn(p);
		p = next;
	}
}

static void run_defers(struct sync_loop *l)
{
	/* One that is taken back while another runs must be found: so one by one. */
	while (l->defers) {
		struct spt_post *p = l->defers;
		undefer(&l->host, p);
		p->fn(p);
	}
}

static void run_posts(struct sync_loop *l)
{
	pthread_mutex_lock(&l->lock);
	struct spt_post *p = l->posts;
	l->posts = NULL;
	l->last_post = &l->posts;
	pthread_mutex_unlock(&l->lock);
	run_list(p);
}

static void run_timers(struct sync_loop *l)
{
	for (size_t i = 0; i < l->n_timers; i++) {
		struct spt_timer *t = l->timers[i].timer;
		if (!t || l->timers[i].due_us > l->now_us || l->timers[i].turn == l->turn)
			continue;
		timer_clear(&l->host, t);
		t->fn(t);
	}
}

static uint64_t next_due(const struct sync_loop *l, uint64_t deadline_us)
{
	for (size_t i = 0; i < l->n_timers; i++) {
		if (l->timers[i].timer)
			deadline_us = MIN(deadline_us, l->timers[i].due_us);
	}
	return deadline_us;
}

static int wait_ms(const struct sync_loop *l, uint64_t deadline_us)
{
	uint64_t due = next_due(l, deadline_us), now = sync_clock_us();

	if (due == UINT64_MAX)
		return -1;
	return due <= now ? 0 : (int)MIN((due - now + 999) / 1000, UINT64_C(3600000));
}

static unsigned ready_of(short revents)
{
	if (revents & (POLLERR | POLLHUP | POLLNVAL))
		return SPT_READABLE | SPT_WRITABLE;
	return (revents & POLLIN ? SPT_READABLE : 0u) | (revents & POLLOUT ? SPT_WRITABLE : 0u);
}

/* The descriptors to look at: the wake-up first. */
static nfds_t collect(struct sync_loop *l)
{
	nfds_t n = 0;

	l->fds[n++] = (struct pollfd){ .fd = l->wake, .events = POLLIN };
	for (size_t i = 0; i < l->n_watches; i++) {
		const struct spt_watch *w = l->watches[i].watch;
		l->watches[i].polled = 0;
		if (!w || !w->events)
			continue;
		l->watches[i].polled = n;
		l->fds[n++] = (struct pollfd){ .fd = w->fd,
			.events = (short)((w->events & SPT_READABLE ? POLLIN : 0) |
				(w->events & SPT_WRITABLE ? POLLOUT : 0)) };
	}
	return n;
}

/* A slot that changes hands meanwhile has nothing polled. */
static void run_watches(struct sync_loop *l)
{
	for (size_t i = 0; i < l->n_watches; i++) {
		nfds_t polled = l->watches[i].polled;
		unsigned ready = polled ? ready_of(l->fds[polled].revents) : 0;
		if (ready)
			l->watches[i].watch->fn(l->watches[i].watch, ready);
	}
}

static void drain(int wake)
{
	uint64_t n;
	ssize_t r = read(wake, &n, sizeof(n));
	(void)r;
}

void sync_loop_turn(struct sync_loop *l, uint64_t deadline_us)
{
	run_defers(l);
	nfds_t n_fds = collect(l);
	int n = poll(l->fds, n_fds, wait_ms(l, deadline_us));
	l->now_us = sync_clock_us();
	l->turn++;
	if (n > 0) {
		drain(l->wake);
		run_watches(l);
	}
	run_posts(l);
	helpers_finish(&l->helpers);
	run_timers(l);
	run_defers(l);
}
