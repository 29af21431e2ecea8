/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the event loop it runs on. The library owns no loop and no thread: its
 * host gives it these operations, and the host's loop calls everything back on one thread, called
 * below "the loop's thread". Everything except post() is to be called on that thread only.
 *
 * All objects are embedded in their owners; the host keeps what it needs in @impl, which is NULL
 * at first. An owner must clear() or stop() an object before its memory goes away.
 */
#ifndef SPT_HOST_H
#define SPT_HOST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spt_host;

enum {
	SPT_READABLE = 1 << 0,
	SPT_WRITABLE = 1 << 1,
	/* For spt_host_watch() only: what comes may wait while others have something. A host may ignore it; the
	 * library itself never asks for it. */
	SPT_YIELDS = 1 << 2,
};

/* A file descriptor that is watched, level-triggered. */
struct spt_watch {
	int fd;
	/* @ready: the SPT_READABLE and SPT_WRITABLE that hold; hang-up and error count as all that
	 * was asked for, and perhaps more. */
	void (*fn)(struct spt_watch *watch, unsigned ready);
	void *arg;
	void *impl;
	unsigned events;
};

/* Fires once, @delay_us after it was set; setting it again moves it. */
struct spt_timer {
	void (*fn)(struct spt_timer *timer);
	void *arg;
	void *impl;
};

/* Something to run on a loop's thread; in one queue at a time. The owner keeps the memory until it ran. */
struct spt_post {
	void (*fn)(struct spt_post *post);
	void *arg;
	struct spt_post *next;
	unsigned queued;
};

/* A call that may block: @work runs on some other thread, then @done on the loop's thread. */
struct spt_work {
	void (*work)(struct spt_work *work);
	void (*done)(struct spt_work *work);
	void *arg;
	struct spt_host *host; /* set by offload() */
	struct spt_work *next;
};

struct spt_host_ops {
	/* Watch @watch->fd for @events from now on; 0 is "none for now". 0 or -errno. */
	int (*watch)(struct spt_host *host, struct spt_watch *watch, unsigned events);
	void (*unwatch)(struct spt_host *host, struct spt_watch *watch);
	void (*timer_set)(struct spt_host *host, struct spt_timer *timer, uint64_t delay_us);
	/* Disarms @timer and releases what the host holds for it. */
	void (*timer_clear)(struct spt_host *host, struct spt_timer *timer);
	/* Monotonic time, read once a turn of the loop. */
	uint64_t (*now_us)(struct spt_host *host);
	/* Run @post->fn on the loop's thread. Callable from any thread. */
	void (*post)(struct spt_host *host, struct spt_post *post);
	/* Run @post->fn at the end of this turn of the loop, before it sleeps: for work that is
	 * cheaper in one go (submitting to io_uring, sending). No-op if it is queued already. */
	void (*defer)(struct spt_host *host, struct spt_post *post);
	void (*undefer)(struct spt_host *host, struct spt_post *post);
	void (*offload)(struct spt_host *host, struct spt_work *work);
};

struct spt_pool;
struct spt_context;

/* Embedded as the first member in the host's own loop object. */
struct spt_host {
	const struct spt_host_ops *ops;
	struct spt_pool *pool;       /* buffers of this loop: <spt/buffer.h> */
	struct spt_context *context; /* set by spt_context_new() */
};

static inline int spt_host_watch(struct spt_host *h, struct spt_watch *w, unsigned events)
{
	return h->ops->watch(h, w, events);
}

static inline void spt_host_unwatch(struct spt_host *h, struct spt_watch *w)
{
	h->ops->unwatch(h, w);
}

static inline void spt_host_timer_set(struct spt_host *h, struct spt_timer *t, uint64_t delay_us)
{
	h->ops->timer_set(h, t, delay_us);
}

static inline void spt_host_timer_clear(struct spt_host *h, struct spt_timer *t)
{
	h->ops->timer_clear(h, t);
}

static inline uint64_t spt_host_now_us(struct spt_host *h)
{
	return h->ops->now_us(h);
}

static inline void spt_host_post(struct spt_host *h, struct spt_post *p)
{
	h->ops->post(h, p);
}

static inline void spt_host_defer(struct spt_host *h, struct spt_post *p)
{
	h->ops->defer(h, p);
}

static inline void spt_host_undefer(struct spt_host *h, struct spt_post *p)
{
	h->ops->undefer(h, p);
}

static inline void spt_host_offload(struct spt_host *h, struct spt_work *w)
{
	h->ops->offload(h, w);
}

#ifdef __cplusplus
}
#endif

#endif
