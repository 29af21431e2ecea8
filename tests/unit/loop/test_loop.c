/* SPDX-License-Identifier: MIT */
/* Event loops: posts from anywhere, deferred calls and their order, timers, descriptors, offloaded work. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/list.h"
#include "base/util.h"
#include "loop/loop.h"
#include "loop/offload.h"

static struct loop *loop;
static struct spt_host *host;
static char trace[64];
static unsigned n_trace;

static int set_up(void **state)
{
	assert_int_equal(loop_new(3, &loop), 0);
	host = loop_host(loop);
	n_trace = 0;
	memset(trace, 0, sizeof(trace));
	return 0;
}

static int tear_down(void **state)
{
	loop_free(loop);
	return 0;
}

static void note(char c)
{
	assert_true(n_trace + 1 < sizeof(trace));
	trace[n_trace++] = c;
}

static void stop(struct spt_post *post)
{
	loop_stop(loop);
}

static struct spt_post stopper = { .fn = stop };

/* A post that notes its letter, and may do something else. */
struct letter {
	struct spt_post post;
	char c;
	void (*then)(struct letter *letter);
	struct letter *other;
};

static void say(struct spt_post *post)
{
	struct letter *l = (struct letter *)post;

	note(l->c);
	if (l->then)
		l->then(l);
}

static struct letter letter(char c, void (*then)(struct letter *), struct letter *other)
{
	return (struct letter){ .post = { .fn = say }, .c = c, .then = then, .other = other };
}

static void numbers(void **state)
{
	assert_int_equal(loop_number(loop), 3);
	assert_non_null(host->pool);
	loop_free(NULL);
}

static void posts_in_order(void **state)
{
	struct letter a = letter('a', NULL, NULL), b = letter('b', NULL, NULL);

	spt_host_post(host, &a.post);
	spt_host_post(host, &b.post);
	spt_host_post(host, &a.post); /* it is in the queue */
	spt_host_post(host, &stopper);
	loop_run(loop);
	assert_string_equal(trace, "ab");
}

static void post_other(struct letter *l)
{
	l->then = NULL;
	spt_host_post(host, &l->other->post);
}

/* A post that waits for its turn and is posted again runs once, and those behind it run too. */
static void posted_again_while_waiting(void **state)
{
	struct letter c = letter('c', NULL, NULL), b = letter('b', NULL, NULL);
	struct letter a = letter('a', post_other, &b);

	spt_host_post(host, &a.post);
	spt_host_post(host, &b.post);
	spt_host_post(host, &c.post);
	spt_host_post(host, &stopper);
	loop_run(loop);
	assert_string_equal(trace, "abc");
}

static void post_stopper(struct letter *l)
{
	spt_host_post(host, &stopper);
}

/* One that posts itself runs again in another turn. */
static void posts_itself(void **state)
{
	struct letter a = letter('a', post_other, &a), b = letter('b', NULL, NULL);
	struct letter s = letter('s', post_stopper, NULL);

	spt_host_post(host, &a.post);
	spt_host_post(host, &b.post);
	spt_host_post(host, &s.post);
	loop_run(loop);
	assert_string_equal(trace, "absa");
}

static void defer_other(struct letter *l)
{
	l->then = NULL;
	spt_host_defer(host, &l->other->post);
}

static void undefer_other(struct letter *l)
{
	spt_host_undefer(host, &l->other->post);
	assert_int_equal(l->other->post.queued, 0);
}

/* Deferred calls run at the end of the turn, those they defer in the same one. */
static void deferred_in_order(void **state)
{
	struct letter b = letter('b', NULL, NULL), c = letter('c', NULL, NULL);
	struct letter a = letter('a', defer_other, &c), p = letter('p', NULL, NULL);

	spt_host_defer(host, &a.post);
	spt_host_defer(host, &b.post);
	spt_host_defer(host, &a.post);
	spt_host_post(host, &p.post);
	spt_host_post(host, &stopper);
	loop_run(loop);
	assert_string_equal(trace, "abcp");
}

/* What is taken back never runs, even when its turn is next: its memory may be gone. */
static void undeferred(void **state)
{
	struct letter b = letter('b', NULL, NULL), c = letter('c', NULL, NULL);
	struct letter a = letter('a', undefer_other, &b), d = letter('d', NULL, NULL);
	struct letter e = letter('e', undefer_other, &c);

	spt_host_defer(host, &d.post);
	spt_host_undefer(host, &d.post);
	spt_host_undefer(host, &d.post);
	spt_host_defer(host, &a.post);
	spt_host_defer(host, &b.post);
	spt_host_defer(host, &e.post);
	spt_host_defer(host, &c.post); /* the last of the queue */
	spt_host_post(host, &stopper);
	loop_run(loop);
	assert_string_equal(trace, "ae");
	spt_host_defer(host, &d.post);
	spt_host_undefer(host, &d.post);
}

static void fired(struct spt_timer *timer)
{
	note(*(char *)timer->arg);
}

static void last_timer(struct spt_timer *timer)
{
	note('.');
	loop_stop(loop);
}

static void timers(void **state)
{
	char a = 'a', b = 'b', c = 'c';
	struct spt_timer ta = { .fn = fired, .arg = &a }, tb = { .fn = fired, .arg = &b };
	struct spt_timer tc = { .fn = fired, .arg = &c }, end = { .fn = last_timer };
	uint64_t before = spt_host_now_us(host);

	spt_host_timer_set(host, &ta, 30000);
	spt_host_timer_set(host, &tb, 10000);
	spt_host_timer_set(host, &tc, 5000);
	spt_host_timer_clear(host, &tc);
	spt_host_timer_clear(host, &tc);
	spt_host_timer_set(host, &tb, 45000); /* moved */
	spt_host_timer_set(host, &end, 60000);
	loop_run(loop);
	assert_string_equal(trace, "ab.");
	assert_true(spt_host_now_us(host) >= before + 50000); /* the clock of the timers is coarse */
	spt_host_timer_clear(host, &ta);
	spt_host_timer_clear(host, &tb);
	spt_host_timer_clear(host, &end);
}

static void on_readable(struct spt_watch *watch, unsigned ready)
{
	char c;

	assert_true(ready & SPT_READABLE);
	if (read(watch->fd, &c, 1) == 1)
		note(c);
	if (n_trace == 4)
		loop_stop(loop);
	if (n_trace == 2) {
		spt_host_watch(host, watch, 0); /* none for now */
		spt_host_post(host, watch->arg);
	}
}

/*
 * Twenty that yield and one that does not, all with something in every turn: the one has a turn, and what it deferred has
 * its, before a few of the others have theirs; and when it has nothing more the others do not wait for one another.
 */
#define YIELDING 20u

static struct spt_watch yielding[YIELDING];

static void on_yielding(struct spt_watch *watch, unsigned ready)
{
	assert_int_equal(ready, SPT_READABLE);
	note('y');
	spt_host_watch(host, watch, SPT_YIELDS); /* for nothing more */
	if (n_trace == 4)
		spt_host_unwatch(host, &yielding[watch == yielding]); /* perhaps its turn is the next */
	if (n_trace >= YIELDING - 1 + 6) /* all, but for the one that is gone */
		spt_host_post(host, &stopper);
}

static void on_usual(struct spt_watch *watch, unsigned ready)
{
	note('u');
	spt_host_defer(host, watch->arg);
	if (n_trace > 10)
		spt_host_watch(host, watch, 0);
}

/* So many of them in a row; what follows. */
static const char *row(const char *at, char c, size_t least, size_t most)
{
	size_t n = strspn(at, (char[]){ c, 0 });

	assert_in_range(n, least, most);
	return at + n;
}

static void yields(void **state)
{
	struct letter after = letter('d', NULL, NULL);
	struct spt_watch usual = { .fn = on_usual, .arg = &after.post };
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	for (unsigned i = 0; i < YIELDING; i++) {
		yielding[i] = (struct spt_watch){ .fd = fds[0], .fn = on_yielding };
		assert_int_equal(spt_host_watch(host, &yielding[i], SPT_READABLE | SPT_YIELDS), 0);
	}
	usual.fd = fds[0];
	assert_int_equal(spt_host_watch(host, &usual, SPT_READABLE), 0);
	loop_run(loop);
	const char *at = trace;
	for (int i = 0; i < 3; i++) {
		assert_memory_equal(at, "ud", 2);
		at = row(at + 2, 'y', 3, i < 2 ? 4 : YIELDING);
	}
	assert_string_equal(at, "");
	assert_in_range(n_trace, YIELDING - 1 + 6, YIELDING + 6);
	spt_host_unwatch(host, &usual);
	for (unsigned i = 0; i < YIELDING; i++)
		spt_host_unwatch(host, &yielding[i]);
	close(fds[0]);
	close(fds[1]);
}

static struct spt_watch *watched;

static void watch_again(struct letter *l)
{
	spt_host_watch(host, watched, SPT_READABLE);
}

static void descriptors(void **state)
{
	int fds[2];
	struct letter again = letter('+', watch_again, NULL);
	struct spt_watch w = { .fn = on_readable, .arg = &again.post };

	assert_int_equal(pipe(fds), 0);
	w.fd = fds[0];
	watched = &w;
	assert_int_equal(write(fds[1], "xyz", 3), 3);
	assert_int_equal(spt_host_watch(host, &w, SPT_READABLE), 0);
	loop_run(loop);
	assert_string_equal(trace, "xy+z");
	spt_host_unwatch(host, &w);
	spt_host_unwatch(host, &w);
	close(fds[0]);
	close(fds[1]);
}

/* Many threads post the same few posts, whose owner is done when the count is right. */
#define THREADS 4
#define ROUNDS  20000

static atomic_uint wanted[THREADS], ran[THREADS];

struct counted {
	struct spt_post post;
	unsigned i;
};

static struct counted counted[THREADS];

static void count(struct spt_post *post)
{
	struct counted *c = (struct counted *)post;

	/* Everything that was wanted before the post ran is seen by it. */
	atomic_store(&ran[c->i], atomic_load(&wanted[c->i]));
}

static void *poster(void *arg)
{
	unsigned from = *(unsigned *)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned at = (from + i) % THREADS;
		atomic_fetch_add(&wanted[at], 1);
		spt_host_post(host, &counted[at].post);
	}
	return NULL;
}

static void *posters(void *arg)
{
	pthread_t threads[THREADS];
	unsigned numbers_[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		numbers_[i] = i;
		pthread_create(&threads[i], NULL, poster, &numbers_[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	spt_host_post(host, &stopper);
	return NULL;
}

static void posts_from_threads(void **state)
{
	pthread_t thread;

	for (unsigned i = 0; i < THREADS; i++) {
		counted[i] = (struct counted){ .post = { .fn = count }, .i = i };
		wanted[i] = ran[i] = 0;
	}
	assert_int_equal(pthread_create(&thread, NULL, posters, NULL), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(ran[i], ROUNDS);
}

struct job {
	struct spt_work work;
	pthread_t worker;
	bool done;
};

static atomic_uint jobs_left;

static void do_job(struct spt_work *work)
{
	((struct job *)work)->worker = pthread_self();
}

static void job_done(struct spt_work *work)
{
	struct job *j = (struct job *)work;

	assert_false(pthread_equal(j->worker, pthread_self()));
	j->done = true;
	if (atomic_fetch_sub(&jobs_left, 1) == 1)
		loop_stop(loop);
}

static void offloaded(void **state)
{
	static struct job jobs[100];

	assert_int_equal(offload_start(3), 0);
	jobs_left = ARRAY_SIZE(jobs);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = (struct job){ .work = { .work = do_job, .done = job_done } };
		spt_host_offload(host, &jobs[i].work);
	}
	loop_run(loop);
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		assert_true(jobs[i].done);
	offload_stop();
	/* And once more, after a stop. */
	assert_int_equal(offload_start(1), 0);
	offload_stop();
}

/* A loop that stays awake between arrivals which come close together sleeps when none does. */
static void drained(struct spt_watch *watch, unsigned ready)
{
	char c[64];
	ssize_t n = read(watch->fd, c, sizeof(c));
	(void)n;
}

static void *run_it(void *arg)
{
	loop_run(loop);
	return NULL;
}

static uint64_t cpu_us(pthread_t thread)
{
	struct timespec t;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
	assert_int_equal(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void idle_is_asleep(void **state)
{
	static const uint64_t commands;
	struct spt_watch watch = { .fn = drained };
	pthread_t thread;
	int fds[2];

	loop_learn(loop, 5000, 0, &commands);
	assert_int_equal(pipe(fds), 0);
	watch.fd = fds[0];
	assert_int_equal(spt_host_watch(host, &watch, SPT_READABLE), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_it, NULL), 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(write(fds[1], "x", 1), 1);
		usleep(100);
	}
	usleep(20000);
	uint64_t before = cpu_us(thread);
	usleep(300000);
	assert_true(cpu_us(thread) - before < 5000);
	loop_stop(loop);
	pthread_join(thread, NULL);
	spt_host_unwatch(host, &watch);
	close(fds[0]);
	close(fds[1]);
}

/* Always something to do, and a command each 4 us however seldom it is looked at: a queue that is never empty. */
struct busy {
	struct spt_watch watch;
	uint64_t commands, begun_us, turns;
};

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void busy_turn(struct spt_watch *watch, unsigned events)
{
	struct busy *b = container_of(watch, struct busy, watch);
	uint64_t us = clock_us() - b->begun_us;

	b->commands = us / 4;
	b->turns += us > 400000; /* the trials are over */
	if (us > 600000)
		loop_stop(loop);
}

/* The longest pause serves as many in the fewest turns; without, there are some hundred thousand. */
static void pauses(void **state)
{
	struct busy b = { .watch = { .fn = busy_turn }, .begun_us = clock_us() };
	int fds[2];

	loop_learn(loop, 0, 100, &b.commands);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	b.watch.fd = fds[0];
	assert_int_equal(spt_host_watch(host, &b.watch, SPT_READABLE), 0);
	loop_run(loop);
	assert_in_range(b.turns, 1, 8000);
	spt_host_unwatch(host, &b.watch);
	close(fds[0]);
	close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers),
		TEST(posts_in_order),
		TEST(posted_again_while_waiting),
		TEST(posts_itself),
		TEST(deferred_in_order),
		TEST(undeferred),
		TEST(timers),
		TEST(descriptors),
		TEST(yields),
		TEST(posts_from_threads),
		TEST(offloaded),
		TEST(idle_is_asleep),
		TEST(pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
