/* SPDX-License-Identifier: MIT */
/*
 * The loop of the synchronous calls as a host (<spt/host.h>): what is set fires once and in time, what is
 * taken back does not, from inside callbacks too; posts come from other threads, and work is done there.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "sync/loop.h"

#define MANY 40

static struct sync_loop loop;
static int order[2 * MANY], n_order;

static int setup(void **state)
{
	n_order = 0;
	return sync_loop_init(&loop);
}

static int teardown(void **state)
{
	sync_loop_deinit(&loop);
	return 0;
}

static void turn_for(uint64_t us)
{
	uint64_t end = sync_clock_us() + us;

	while (sync_clock_us() < end)
		sync_loop_turn(&loop, end);
}

static void note(const void *arg)
{
	order[n_order++] = (int)(intptr_t)arg;
}

static void timer_fn(struct spt_timer *timer)
{
	note(timer->arg);
}

static void test_timers(void **state)
{
	struct spt_timer t[MANY];

	for (intptr_t i = 0; i < MANY; i++) {
		t[i] = (struct spt_timer){ .fn = timer_fn, .arg = (void *)i };
		spt_host_timer_set(&loop.host, &t[i], i < 6 ? 1000 + (uint64_t)i * 20000 : 60000000);
	}
	for (int i = 0; i < MANY; i++) {
		if (i % 3)
			spt_host_timer_clear(&loop.host, &t[i]);
	}
	spt_host_timer_set(&loop.host, &t[0], 30000); /* moved, between the second and the third */
	spt_host_timer_clear(&loop.host, &t[1]);      /* twice is allowed */
	turn_for(100000);
	assert_int_equal(n_order, 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 3);
	for (int i = 0; i < MANY; i++)
		spt_host_timer_clear(&loop.host, &t[i]);
	turn_for(30000);
	assert_int_equal(n_order, 2);
}

/* One that sets itself again for now does not keep the loop from anything else. */
static void again(struct spt_timer *timer)
{
	note(timer->arg);
	spt_host_timer_set(&loop.host, timer, 0);
}

static void test_timer_sets_itself(void **state)
{
	struct spt_timer t = { .fn = again };

	spt_host_timer_set(&loop.host, &t, 0);
	sync_loop_turn(&loop, UINT64_MAX);
	assert_int_equal(n_order, 1);
	sync_loop_turn(&loop, UINT64_MAX);
	assert_int_equal(n_order, 2);
	spt_host_timer_clear(&loop.host, &t);
}

struct pipe_watch {
	struct spt_watch watch; /* first */
	int write_fd;
	struct pipe_watch *other; /* to be unwatched by this one */
	int called;
};

static void pipe_ready(struct spt_watch *watch, unsigned ready)
{
	struct pipe_watch *p = (struct pipe_watch *)watch;
	char byte;

	p->called++;
	assert_true(ready & SPT_READABLE);
	assert_int_equal(read(watch->fd, &byte, 1), 1);
	if (p->other)
		spt_host_unwatch(&loop.host, &p->other->watch);
}

static void pipe_open(struct pipe_watch *p)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	*p = (struct pipe_watch){ .watch = { .fd = fds[0], .fn = pipe_ready }, .write_fd = fds[1] };
	assert_int_equal(spt_host_watch(&loop.host, &p->watch, SPT_READABLE), 0);
}

static void pipe_close(struct pipe_watch *p)
{
	spt_host_unwatch(&loop.host, &p->watch);
	close(p->watch.fd);
	close(p->write_fd);
}

static void test_watches(void **state)
{
	struct pipe_watch p[MANY];

	for (int i = 0; i < MANY; i++)
		pipe_open(&p[i]);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(write(p[i].write_fd, "x", 1), 1);
	p[0].other = &p[1]; /* which is ready, too, and must not be called */
	assert_int_equal(spt_host_watch(&loop.host, &p[2].watch, 0), 0);
	sync_loop_turn(&loop, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(p[i].called, i != 1 && i != 2);
	assert_int_equal(spt_host_watch(&loop.host, &p[2].watch, SPT_READABLE), 0);
	assert_int_equal(spt_host_watch(&loop.host, &p[1].watch, SPT_READABLE), 0);
	sync_loop_turn(&loop, 0);
	assert_int_equal(p[1].called, 1);
	assert_int_equal(p[2].called, 1);
	for (int i = 0; i < MANY; i++)
		pipe_close(&p[i]);
}

static void post_fn(struct spt_post *post)
{
	note(post->arg);
}

static void undefer_next(struct spt_post *post)
{
	note(post->arg);
	spt_host_undefer(&loop.host, post + 1);
}

static void test_defers(void **state)
{
	struct spt_post p[4];

	for (intptr_t i = 0; i < 4; i++) {
		p[i] = (struct spt_post){ .fn = i == 1 ? undefer_next : post_fn, .arg = (void *)i };
		spt_host_defer(&loop.host, &p[i]);
	}
	spt_host_defer(&loop.host, &p[0]); /* it is queued already */
	spt_host_undefer(&loop.host, &p[3]);
	sync_loop_turn(&loop, 0);
	assert_int_equal(n_order, 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(order[1], 1);
	spt_host_defer(&loop.host, &p[3]);
	sync_loop_turn(&loop, 0);
	assert_int_equal(order[2], 3);
}

static void *post_from_elsewhere(void *arg)
{
	struct spt_post *p = arg;

	usleep(20000);
	for (int i = 0; i < MANY; i++)
		spt_host_post(&loop.host, &p[i]);
	return NULL;
}

static void test_posts(void **state)
{
	struct spt_post p[MANY];
	pthread_t thread;

	for (intptr_t i = 0; i < MANY; i++)
		p[i] = (struct spt_post){ .fn = post_fn, .arg = (void *)i };
	assert_int_equal(pthread_create(&thread, NULL, post_from_elsewhere, p), 0);
	while (n_order < MANY)
		sync_loop_turn(&loop, UINT64_MAX); /* it sleeps until it is woken */
	pthread_join(thread, NULL);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(order[i], i);
}

struct job {
	struct spt_work work; /* first */
	pthread_t where;
};

static void work_fn(struct spt_work *work)
{
	((struct job *)work)->where = pthread_self();
	usleep(1000);
}

static void work_done(struct spt_work *work)
{
	assert_ptr_equal(work->host, &loop.host);
	assert_false(pthread_equal(((struct job *)work)->where, pthread_self()));
	note(NULL);
}

static void test_work(void **state)
{
	struct job jobs[MANY];

	for (int round = 1; round <= 2; round++) {
		for (int i = 0; i < MANY; i++) {
			jobs[i] = (struct job){ .work = { .work = work_fn, .done = work_done } };
			spt_host_offload(&loop.host, &jobs[i].work);
		}
		while (n_order < round * MANY)
			sync_loop_turn(&loop, UINT64_MAX);
	}
	assert_in_range(loop.helpers.n, 1, HELPERS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timer_sets_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watches, setup, teardown),
		cmocka_unit_test_setup_teardown(test_defers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_posts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_work, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
