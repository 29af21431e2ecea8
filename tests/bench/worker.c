/* SPDX-License-Identifier: MIT */
/* The thread that drives some of the sessions: see worker.h. */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/util.h"
#include "cursor.h"
#include "pattern.h"
#include "usage.h"

#define TICK_NS   UINT64_C(1000000000)
#define MAX_READY 64

enum pass {
	PASS_FILL,
	PASS_TIMED,
	PASS_SWEEP,
};

struct slot {
	struct cursor stripe; /* this slot's own units, in fill, sweep and --verify */
	uint64_t walk;        /* how far fill or sweep has come in the stripe */
	uint64_t unit;
	uint64_t start_ns;
	uint32_t generation; /* of the write under way */
	bool write;
	void *data;
};

struct client {
	struct worker *worker;
	struct session *session;
	struct cursor cursor; /* shared by the slots when nothing is verified */
	struct slot *slot;
	void *buffer; /* all slots' data */
	int events;   /* what epoll waits for */
};

struct worker {
	struct run *run;
	pthread_t thread;
	enum pass pass;
	int epoll_fd;
	unsigned clients;
	uint64_t under_way;
	uint64_t random;
	uint64_t verified;
	uint64_t tick_ns;
	struct histogram read;
	struct histogram write;
	struct client client[];
};

static void fail(struct worker *w)
{
	atomic_store(&w->run->failed, true);
}

/* The next unit of fill (every one) or sweep (those we have written). */
static bool choose_in_stripe(struct worker *w, struct slot *slot)
{
	const uint32_t *generation = w->run->generation;

	for (; slot->walk < slot->stripe.count; slot->walk++) {
		slot->unit = slot->stripe.first + slot->stripe.stride * slot->walk;
		slot->write = w->pass == PASS_FILL;
		if (slot->write || generation[slot->unit]) {
			slot->walk++;
			return true;
		}
	}
	return false;
}

static bool choose_timed(struct worker *w, struct client *c, struct slot *slot)
{
	const struct options *opt = w->run->opt;
	struct cursor *cursor = opt->verify ? &slot->stripe : &c->cursor;

	if (atomic_load_explicit(&w->run->phase, memory_order_relaxed) == PHASE_STOP)
		return false;
	slot->write = opt->read_percent < 100 && random_next(&w->random) % 100 >= opt->read_percent;
	slot->unit = opt->sequential ? cursor_step(cursor) : cursor_random(cursor, &w->random);
	return true;
}

static void stamp_data(struct worker *w, struct slot *slot)
{
	const struct run *run = w->run;
	struct stamp stamp = { .seed = run->opt->seed, .unit = slot->unit };

	if (!slot->write || !run->opt->verify)
		return;
	stamp.generation = slot->generation = run->generation[slot->unit] + 1;
	pattern_fill(slot->data, run->opt->block_bytes, &stamp);
}

/* Starts the slot's next command, if this pass has one for it. */
static void slot_next(struct client *c, unsigned index)
{
	struct slot *slot = &c->slot[index];
	struct worker *w = c->worker;
	const struct run *run = w->run;
	struct session_request req;
	bool more;

	more = w->pass == PASS_TIMED ? choose_timed(w, c, slot) : choose_in_stripe(w, slot);
	if (!more || atomic_load_explicit(&run->failed, memory_order_relaxed))
		return;
	stamp_data(w, slot);
	req = (struct session_request){
		.write = slot->write,
		.lba = slot->unit * run->blocks_per_unit,
		.blocks = run->blocks_per_unit,
		.data = slot->data,
		.bytes = run->opt->block_bytes,
	};
	slot->start_ns = now_ns();
	if (session_submit(c->session, index, &req) < 0)
		fail(w);
	else
		w->under_way++;
}

static void compare_data(struct worker *w, struct slot *slot)
{
	const struct run *run = w->run;
	struct stamp stamp = {
		.seed = run->opt->seed,
		.unit = slot->unit,
		.generation = run->generation[slot->unit],
	};
	size_t good;

	if (!stamp.generation)
		return;
	w->verified++;
	good = pattern_check(slot->data, run->opt->block_bytes, &stamp);
	if (good == run->opt->block_bytes)
		return;
	fprintf(stderr, "load: LBA %" PRIu64 " offset %zu: not what write %" PRIu32 " put there\n",
		slot->unit * run->blocks_per_unit, good, stamp.generation);
	fail(w);
}

static void slot_done(void *arg, unsigned index, int error)
{
	struct client *c = arg;
	struct worker *w = c->worker;
	struct slot *slot = &c->slot[index];

	w->under_way--;
	if (error) {
		fail(w);
		return;
	}
	if (w->pass == PASS_TIMED &&
		atomic_load_explicit(&w->run->phase, memory_order_relaxed) == PHASE_MEASURE)
		histogram_add(slot->write ? &w->write : &w->read, now_ns() - slot->start_ns);
	if (w->run->opt->verify) {
		if (slot->write)
			w->run->generation[slot->unit] = slot->generation;
		else
			compare_data(w, slot);
	}
	slot_next(c, index);
}

/* Tells epoll what libiscsi waits for, when that has changed. */
static void client_watch(struct client *c, int op)
{
	int events = session_events(c->session);
	struct epoll_event e = { .data.ptr = c };

	if (events == c->events && op == EPOLL_CTL_MOD)
		return;
	e.events = (events & POLLIN ? EPOLLIN : 0) | (events & POLLOUT ? EPOLLOUT : 0);
	if (epoll_ctl(c->worker->epoll_fd, op, session_fd(c->session), &e) < 0)
		fail(c->worker);
	c->events = events;
}

static void client_service(struct client *c, int revents)
{
	if (session_service(c->session, revents) < 0)
		fail(c->worker);
	else
		client_watch(c, EPOLL_CTL_MOD);
}

/* Once a second every session looks for commands that have waited too long. */
static void tick(struct worker *w)
{
	uint64_t now = now_ns();

	if (now - w->tick_ns < TICK_NS)
		return;
	w->tick_ns = now;
	for (unsigned i = 0; i < w->clients; i++)
		client_service(&w->client[i], 0);
}

static int poll_events(uint32_t epoll_events)
{
	return (epoll_events & EPOLLIN ? POLLIN : 0) | (epoll_events & EPOLLOUT ? POLLOUT : 0) |
	       (epoll_events & EPOLLERR ? POLLERR : 0) | (epoll_events & EPOLLHUP ? POLLHUP : 0);
}

static void run_pass(struct worker *w, enum pass pass)
{
	struct epoll_event ready[MAX_READY];
	int n;

	w->pass = pass;
	for (unsigned i = 0; i < w->clients; i++) {
		for (unsigned k = 0; k < w->run->opt->queue_depth; k++) {
			w->client[i].slot[k].walk = 0;
			slot_next(&w->client[i], k);
		}
		client_service(&w->client[i], 0);
	}
	while (w->under_way && !atomic_load_explicit(&w->run->failed, memory_order_relaxed)) {
		n = epoll_wait(w->epoll_fd, ready, MAX_READY, 1000);
		if (n < 0 && errno != EINTR)
			fail(w);
		for (int i = 0; i < n; i++)
			client_service(ready[i].data.ptr, poll_events(ready[i].events));
		tick(w);
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	const struct options *opt = w->run->opt;

	if (opt->fill)
		run_pass(w, PASS_FILL);
	pthread_barrier_wait(&w->run->filled);
	run_pass(w, PASS_TIMED);
	if (opt->verify)
		run_pass(w, PASS_SWEEP);
	return NULL;
}

/* Slot @number of all slots of the run has every unit whose remainder is @number. */
static struct cursor stripe_of(const struct run *run, uint64_t number)
{
	return (struct cursor){
		.first = number,
		.stride = run->slots,
		.count = (run->units - number + run->slots - 1) / run->slots,
	};
}

/* At random: all units. In sequence: session @index begins at its own part and goes round. */
static struct cursor cursor_of(const struct run *run, unsigned index)
{
	return (struct cursor){
		.stride = 1,
		.count = run->units,
		.next = run->units / run->opt->sessions * index,
	};
}

static int client_init(struct client *c, struct worker *w, struct session *session, unsigned index)
{
	const struct run *run = w->run;
	uint64_t depth = run->opt->queue_depth, block = run->opt->block_bytes;

	c->worker = w;
	c->session = session;
	c->cursor = cursor_of(run, index);
	c->slot = calloc(depth, sizeof(*c->slot));
	if (!c->slot)
		return -ENOMEM;
	c->buffer = mmap(NULL, depth * block, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c->buffer == MAP_FAILED)
		return -ENOMEM;
	memset(c->buffer, (int)(index + 1), depth * block);
	for (uint64_t k = 0; k < depth; k++) {
		c->slot[k].stripe = stripe_of(run, index * depth + k);
		c->slot[k].data = (char *)c->buffer + k * block;
	}
	session_on_done(session, slot_done, c);
	client_watch(c, EPOLL_CTL_ADD);
	return 0;
}

int worker_new(struct run *run, struct session **sessions, unsigned first, unsigned step,
	struct worker **ret)
{
	unsigned clients = ((unsigned)run->opt->sessions - first + step - 1) / step;
	struct worker *w = calloc(1, sizeof(*w) + clients * sizeof(w->client[0]));
	int r;

	if (!w)
		return -ENOMEM;
	w->run = run;
	w->random = run->opt->seed * UINT64_C(0x9e3779b97f4a7c15) + first + 1;
	w->tick_ns = now_ns();
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r = w->epoll_fd < 0 ? -errno : 0;
	for (unsigned i = 0; !r && i < clients; i++) {
		unsigned index = first + i * step;

		w->clients++;
		r = client_init(&w->client[i], w, sessions[index], index);
	}
	if (r < 0) {
		worker_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->clients; i++) {
		struct client *c = &w->client[i];

		if (c->buffer && c->buffer != MAP_FAILED)
			munmap(c->buffer, w->run->opt->queue_depth * w->run->opt->block_bytes);
		free(c->slot);
	}
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w);
}

int worker_start(struct worker *w)
{
	return -pthread_create(&w->thread, NULL, worker_main, w);
}

void worker_join(struct worker *w)
{
	pthread_join(w->thread, NULL);
}

const struct histogram *worker_reads(const struct worker *w)
{
	return &w->read;
}

const struct histogram *worker_writes(const struct worker *w)
{
	return &w->write;
}

uint64_t worker_verified(const struct worker *w)
{
	return w->verified;
}
