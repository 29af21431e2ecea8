/* SPDX-License-Identifier: MIT */
/*
 * The event loop: see loop.h. libevent is seen by this file only. Its own evbuffers and bufferevents
 * are not used: they read 4 KiB at a time and copy.
 */
#include "loop/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/util.h"
#include "loop/gather.h"
#include "loop/later.h"
#include "loop/offload.h"
#include "loop/queue.h"
#include "loop/spin.h"

/* How late a pause of some microseconds may end; by itself the kernel takes 50 us. */
#define SLACK_NS 1000ul

struct loop {
	struct spt_host host; /* first */
	unsigned number;
	struct event_base *base;
	struct event *wake_event;
	int wake_fd;
	atomic_bool stop;
	uint64_t now_us; /* 0: not read in this turn */
	struct spin spin;
	struct gather gather;
	const uint64_t *commands; /* how many there have been */
	long preemptions; /* of this thread, when they were last counted */
	struct later later;
	bool usual; /* in this turn one that does not yield had something */
	struct queue deferred, running; /* running: deferred ones whose turn is now */
	pthread_mutex_t lock;           /* the two below, and queued of what was posted */
	struct queue posted;
	struct spt_work *works;
};

/* When in this turn of the thread's loop the first descriptor was ready (a timer is no arrival); 0: none was. */
static _Thread_local uint64_t arrived_ns;

static const uint64_t NO_COMMANDS;

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void arrival(void)
{
	if (!arrived_ns)
		arrived_ns = clock_ns();
}

static struct loop *loop_of(struct spt_host *host)
{
	return (struct loop *)host;
}

static void wake(struct loop *loop)
{
	uint64_t one = 1;
	ssize_t n = write(loop->wake_fd, &one, sizeof(one));
	(void)n; /* full: it is awake already */
}

/* The loop of this thread, while it has a turn. */
static _Thread_local struct loop *turning;

static void ready(evutil_socket_t fd, short what, void *arg)
{
	struct spt_watch *watch = arg;
	unsigned events = (what & EV_READ ? SPT_READABLE : 0u) | (what & EV_WRITE ? SPT_WRITABLE : 0u);

	(void)fd;
	arrival();
	if (watch->events & SPT_YIELDS) {
		later_put(&turning->later, watch);
		return;
	}
	turning->usual = true;
	watch->fn(watch, events);
}

static short to_libevent(unsigned events)
{
	return (short)(EV_PERSIST | (events & SPT_READABLE ? EV_READ : 0) |
		(events & SPT_WRITABLE ? EV_WRITE : 0));
}

static int host_watch(struct spt_host *host, struct spt_watch *watch, unsigned events)
{
	struct loop *loop = loop_of(host);
	struct event *e = watch->impl;

	if (e && !((watch->events ^ events) & ~(unsigned)SPT_YIELDS) && event_get_fd(e) == watch->fd) {
		watch->events = events;
		return 0;
	}
	if (!e) {
		e = event_new(loop->base, watch->fd, to_libevent(events), ready, watch);
		if (!e)
			return -ENOMEM;
		watch->impl = e;
	} else {
		event_del(e);
		event_assign(e, loop->base, watch->fd, to_libevent(events), ready, watch);
	}
	watch->events = events;
	if (to_libevent(events) & (EV_READ | EV_WRITE) && event_add(e, NULL) < 0)
		return -EIO;
	return 0;
}

static void host_unwatch(struct spt_host *host, struct spt_watch *watch)
{
	later_forget(&loop_of(host)->later, watch);
	if (watch->impl)
		event_free(TAKE(watch->impl));
	watch->events = 0;
}

static void expired(evutil_socket_t fd, short what, void *arg)
{
	struct spt_timer *timer = arg;

	(void)fd;
	(void)what;
	timer->fn(timer);
}

static void host_timer_set(struct spt_host *host, struct spt_timer *timer, uint64_t delay_us)
{
	struct timeval delay = {
		.tv_sec = (time_t)(delay_us / 1000000),
		.tv_usec = (suseconds_t)(delay_us % 1000000),
	};

	if (!timer->impl)
		timer->impl = evtimer_new(loop_of(host)->base, expired, timer);
	if (timer->impl)
		evtimer_add(timer->impl, &delay);
}

static void host_timer_clear(struct spt_host *host, struct spt_timer *timer)
{
	(void)host;
	if (timer->impl)
		event_free(TAKE(timer->impl));
}

static uint64_t host_now_us(struct spt_host *host)
{
	struct loop *loop = loop_of(host);

	if (!loop->now_us)
		loop->now_us = clock_ns() / 1000;
	return loop->now_us;
}

static void host_post(struct spt_host *host, struct spt_post *post)
{
	struct loop *loop = loop_of(host);

	pthread_mutex_lock(&loop->lock);
	bool was_empty = !loop->posted.first && !loop->works;
	if (!post->queued)
		queue_put(&loop->posted, post);
	pthread_mutex_unlock(&loop->lock);
	if (was_empty)
		wake(loop);
}

static void host_defer(struct spt_host *host, struct spt_post *post)
{
	if (!post->queued)
		queue_put(&loop_of(host)->deferred, post);
}

/* Also one whose turn is now: its memory may be gone next. */
static void host_undefer(struct spt_host *host, struct spt_post *post)
{
	struct loop *loop = loop_of(host);

	if (post->queued && !queue_remove(&loop->deferred, post))
		queue_remove(&loop->running, post);
}

static void host_offload(struct spt_host *host, struct spt_work *work)
{
	work->host = host;
	offload_put(work);
}

static const struct spt_host_ops HOST_OPS = {
	.watch = host_watch,
	.unwatch = host_unwatch,
	.timer_set = host_timer_set,
	.timer_clear = host_timer_clear,
	.now_us = host_now_us,
	.post = host_post,
	.defer = host_defer,
	.undefer = host_undefer,
	.offload = host_offload,
};

void loop_work_done(struct spt_host *host, struct spt_work *work)
{
	struct loop *loop = loop_of(host);

	pthread_mutex_lock(&loop->lock);
	bool was_empty = !loop->posted.first && !loop->works;
	work->next = loop->works;
	loop->works = work;
	pthread_mutex_unlock(&loop->lock);
	if (was_empty)
		wake(loop);
}

/* In the order in which they were finished. */
static struct spt_work *reversed(struct spt_work *list)
{
	struct spt_work *r = NULL;

	while (list) {
		struct spt_work *next = list->next;
		list->next = r;
		r = list;
		list = next;
	}
	return r;
}

/*
 * One at a time: until a post runs it is in the queue for everybody, so that posting it again does
 * nothing, neither to it nor to those behind it.
 */
static void run_posted(struct loop *loop, struct queue *q)
{
	struct spt_post *post;

	while ((post = q->first)) {
		pthread_mutex_lock(&loop->lock);
		q->first = post->next;
		post->queued = 0;
		pthread_mutex_unlock(&loop->lock);
		post->fn(post);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct queue posted;
	uint64_t n;

	(void)what;
	arrival();
	loop->usual = true;
	ssize_t r = read(fd, &n, sizeof(n));
	(void)r;
	pthread_mutex_lock(&loop->lock);
	struct spt_work *works = reversed(TAKE(loop->works));
	queue_move(&posted, &loop->posted);
	pthread_mutex_unlock(&loop->lock);

	run_posted(loop, &posted);
	while (works) {
		struct spt_work *w = works;
		works = w->next;
		w->done(w);
	}
}

int loop_new(unsigned number, struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->number = number;
	loop->commands = &NO_COMMANDS;
	loop->host.ops = &HOST_OPS;
	queue_init(&loop->deferred);
	queue_init(&loop->running);
	queue_init(&loop->posted);
	pthread_mutex_init(&loop->lock, NULL);
	loop->host.pool = spt_pool_new(0);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->base = event_base_new();
	if (loop->base && loop->wake_fd >= 0)
		loop->wake_event = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake,
			loop);
	if (!loop->host.pool || !loop->wake_event || event_add(loop->wake_event, NULL) < 0) {
		loop_free(loop);
		return -ENOMEM;
	}
	*ret = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->wake_event)
		event_free(loop->wake_event);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->wake_fd >= 0)
		close(loop->wake_fd);
	spt_pool_free(loop->host.pool);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

static void run_deferred(struct loop *loop)
{
	struct spt_post *post;

	/* What defers more defers it to the same turn: nothing waits for the next event. */
	while (loop->deferred.first) {
		queue_move(&loop->running, &loop->deferred);
		while ((post = loop->running.first)) {
			loop->running.first = post->next;
			post->queued = 0;
			post->fn(post);
		}
	}
}

/* One turn. False: the event base is broken. */
static bool turn(struct loop *loop, int flags)
{
	run_deferred(loop);
	loop->now_us = 0;
	loop->usual = false;
	turning = loop;
	bool ok = event_base_loop(loop->base, EVLOOP_ONCE | (loop->later.n ? EVLOOP_NONBLOCK : flags)) >= 0;
	run_deferred(loop);
	if (loop->later.n) {
		later_run(&loop->later, loop->usual);
		run_deferred(loop);
	}
	return ok;
}

/* Has the kernel taken the processor from this thread since the last time? */
static bool preempted(struct loop *loop)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage) < 0)
		return false;
	bool more = usage.ru_nivcsw != loop->preemptions;
	loop->preemptions = usage.ru_nivcsw;
	return more;
}

/* Turns without sleeping, as long as that is expected to be worth it; true: something came. */
static bool stay_awake(struct loop *loop, uint64_t since_ns)
{
	uint64_t limit_ns = spin_begin(&loop->spin);

	if (!limit_ns)
		return false;
	for (;;) {
		bool ok = turn(loop, EVLOOP_NONBLOCK);
		if (arrived_ns) {
			spin_hit(&loop->spin, arrived_ns - since_ns, preempted(loop));
			return true;
		}
		if (!ok || clock_ns() - since_ns >= limit_ns) {
			preempted(loop);
			spin_miss(&loop->spin);
			return false;
		}
	}
}

/* Lets commands gather, if it should. Returns the time. */
static uint64_t pause_at(struct loop *loop, uint64_t now_ns)
{
	struct timespec pause = { .tv_nsec = (long)gather_pause(&loop->gather, now_ns, *loop->commands) };

	if (!pause.tv_nsec)
		return now_ns;
	nanosleep(&pause, NULL);
	return clock_ns();
}

void loop_run(struct loop *loop)
{
	uint64_t since_ns = clock_ns();

	prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
	while (!atomic_load_explicit(&loop->stop, memory_order_acquire)) {
		arrived_ns = 0;
		bool awake = stay_awake(loop, since_ns);
		uint64_t commands = *loop->commands;
		if (!awake && !turn(loop, 0))
			break;
		if (!arrived_ns)
			continue;
		uint64_t end_ns = clock_ns();
		if (!awake)
			spin_slept(&loop->spin, arrived_ns - since_ns, *loop->commands - commands, end_ns - arrived_ns);
		since_ns = pause_at(loop, end_ns);
	}
}

void loop_learn(struct loop *loop, uint64_t poll_us, uint64_t gather_us, const uint64_t *commands)
{
	loop->commands = commands;
	spin_init(&loop->spin, poll_us);
	gather_init(&loop->gather, gather_us);
}

void loop_stop(struct loop *loop)
{
	atomic_store_explicit(&loop->stop, true, memory_order_release);
	wake(loop);
}

struct spt_host *loop_host(struct loop *loop)
{
	return &loop->host;
}

unsigned loop_number(const struct loop *loop)
{
	return loop->number;
}

struct event_base *loop_event_base(struct loop *loop)
{
	return loop->base;
}
