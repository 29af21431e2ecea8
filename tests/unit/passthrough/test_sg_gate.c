/* SPDX-License-Identifier: MIT */
/* The gate before a device: limits, those who wait, and that nobody is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/list.h"
#include "fake_host.h"
#include "passthrough/sg_gate.h"
#include "passthrough/sg_left.h"

struct user {
	struct sg_gate *gate;
	struct sg_waiter waiter;
	unsigned held, wanted, done, woken;
};

/* What a channel does: as much as it may, then it waits. */
static void pump(struct user *u, bool woken)
{
	while (u->wanted) {
		if (!sg_gate_enter(u->gate, u->held, woken)) {
			if (!sg_gate_wait(u->gate, &u->waiter))
				break;
			woken = true;
			continue;
		}
		woken = false;
		u->wanted--;
		u->held++;
	}
	sg_gate_kick(u->gate);
}

static void wake(struct spt_post *post)
{
	struct user *u = post->arg;

	sg_gate_woken(u->gate, &u->waiter);
	u->woken++;
	pump(u, true);
}

static void finish_one(struct user *u)
{
	assert_true(u->held > 0);
	u->held--;
	u->done++;
	sg_gate_leave(u->gate);
	pump(u, false);
}

static void test_limit(void **state)
{
	struct sg_gate *g = sg_gate_get(-1, 3);

	for (int i = 0; i < 3; i++)
		assert_true(sg_gate_enter(g, (unsigned)i, false));
	assert_false(sg_gate_enter(g, 3, false));
	sg_gate_leave(g);
	assert_true(sg_gate_enter(g, 2, false));
	sg_gate_put(g);
}

/* What was given up keeps its place until its descriptor says that it is back, or tells nothing more. */
static void test_left(void **state)
{
	struct sg_gate *g = sg_gate_get(-1, 2);
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	assert_true(sg_gate_enter(g, 0, false));
	assert_true(sg_gate_enter(g, 1, false));
	sg_left_add(g, fds[1], 2);
	assert_false(sg_gate_enter(g, 0, false));
	assert_int_equal(sg_left_collect(g), 0);
	assert_int_equal(read(fds[0], &byte, 1), 0); /* it was closed */
	assert_true(sg_gate_enter(g, 0, false));
	assert_true(sg_gate_enter(g, 1, false));
	assert_false(sg_gate_enter(g, 2, false));
	close(fds[0]);
	assert_int_equal(pipe(fds), 0);
	sg_left_add(g, fds[1], 2);
	sg_gate_put(g); /* closes it, too */
	assert_int_equal(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

static void test_shared_by_host(void **state)
{
	struct sg_gate *a = sg_gate_get(5, 1), *b = sg_gate_get(5, 1), *c = sg_gate_get(6, 1);

	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_true(sg_gate_enter(a, 0, false));
	assert_false(sg_gate_enter(b, 0, false));
	sg_gate_put(a);
	sg_gate_put(b);
	sg_gate_put(c);
}

/* Several users with endless work: all of it is done, the limit holds, and all have their share. */
static void run_users(unsigned limit, unsigned n_users, unsigned each)
{
	struct fake_host fake;
	struct sg_gate *g = sg_gate_get(-1, limit);
	struct user users[4] = { 0 };
	unsigned turns = 0;

	fake_host_init(&fake);
	for (unsigned i = 0; i < n_users; i++) {
		users[i] = (struct user){ .gate = g, .wanted = each };
		sg_waiter_init(&users[i].waiter, &fake.host, wake, &users[i]);
		pump(&users[i], false);
	}
	for (;;) {
		unsigned held = 0, done = 0, least = UINT32_MAX, most = 0;
		fake_host_settle(&fake);
		for (unsigned i = 0; i < n_users; i++) {
			held += users[i].held;
			done += users[i].done;
			least = users[i].done < least ? users[i].done : least;
			most = users[i].done > most ? users[i].done : most;
		}
		assert_true(held <= limit);
		if (done == n_users * each)
			break;
		assert_true(held > 0); /* or nothing would ever go on */
		if (most < each)
			assert_true(most - least <= 2 * limit + 2);
		assert_true(++turns < n_users * each + 10);
		for (unsigned i = 0; i < n_users; i++) {
			if (users[i].held)
				finish_one(&users[i]);
		}
	}
	for (unsigned i = 0; i < n_users; i++)
		assert_false(list_in(&users[i].waiter.link));
	sg_gate_put(g);
	fake_host_deinit(&fake);
}

static void test_fair(void **state)
{
	run_users(1, 1, 50);
	run_users(1, 2, 50);
	run_users(1, 4, 50);
	run_users(3, 2, 50);
	run_users(16, 4, 200);
}

/* One who waits and goes away passes his turn on. */
static void test_forget(void **state)
{
	struct fake_host fake;
	struct sg_gate *g = sg_gate_get(-1, 1);
	struct user a = { .gate = g, .wanted = 1 }, b = { .gate = g, .wanted = 1 },
		    c = { .gate = g, .wanted = 1 };

	fake_host_init(&fake);
	sg_waiter_init(&a.waiter, &fake.host, wake, &a);
	sg_waiter_init(&b.waiter, &fake.host, wake, &b);
	sg_waiter_init(&c.waiter, &fake.host, wake, &c);
	pump(&a, false);
	pump(&b, false);
	pump(&c, false);
	assert_int_equal(a.held, 1);
	sg_gate_forget(g, &b.waiter);
	finish_one(&a);
	fake_host_settle(&fake);
	assert_int_equal(b.held, 0);
	assert_int_equal(c.held, 1);
	sg_gate_leave(g);
	sg_gate_put(g);
	fake_host_deinit(&fake);
}

#define THREADS 3
#define EACH    3000u

static atomic_int at_device;

struct loop {
	struct fake_host fake;
	struct user user;
	pthread_t thread;
	bool over;
};

static void *run_loop(void *arg)
{
	struct loop *l = arg;
	struct user *u = &l->user;
	unsigned counted = 0;

	pump(u, false);
	while (u->done < EACH) {
		fake_host_turn(&l->fake);
		atomic_fetch_add(&at_device, (int)(u->held - counted));
		counted = u->held;
		if (atomic_load(&at_device) > (int)u->gate->limit)
			return NULL;
		if (!u->held)
			continue;
		atomic_fetch_sub(&at_device, 1); /* before others can count what replaces it */
		counted--;
		finish_one(u);
	}
	sg_gate_forget(u->gate, &u->waiter);
	while (atomic_load(&u->waiter.posted))
		fake_host_turn(&l->fake);
	l->over = true;
	return NULL;
}

/* The same on loops of their own: run it under the thread sanitizer. */
static void test_threads(void **state)
{
	static struct loop loops[THREADS];
	struct sg_gate *g = sg_gate_get(-1, 4);

	for (int i = 0; i < THREADS; i++) {
		struct loop *l = &loops[i];
		fake_host_init(&l->fake);
		l->fake.real_time = true;
		l->user = (struct user){ .gate = g, .wanted = EACH };
		sg_waiter_init(&l->user.waiter, &l->fake.host, wake, &l->user);
		assert_int_equal(pthread_create(&l->thread, NULL, run_loop, l), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(loops[i].thread, NULL);
	for (int i = 0; i < THREADS; i++) {
		assert_true(loops[i].over);
		fake_host_deinit(&loops[i].fake);
	}
	assert_int_equal(atomic_load(&g->free), 4);
	assert_int_equal(atomic_load(&g->waiting), 0);
	sg_gate_put(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_shared_by_host),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
