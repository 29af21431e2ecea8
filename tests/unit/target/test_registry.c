/* SPDX-License-Identifier: MIT */
/* The registry of nexuses: one session a name, who waits for it, and the numbers that it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/be.h"
#include "base/list.h"
#include "base/util.h"
#include "fake_host.h"
#include "target/registry.h"
#include "target/target.h"

static struct config_target config = { .max_sessions = 4 };
static struct seat seat = { .refs = 1 };
static struct target target = { .config = &config, .seat = &seat };
/* Workers are told apart here and never looked at. */
static struct worker *const one = (struct worker *)1, *const two = (struct worker *)2;

static struct login_params params_of(const char *initiator, uint8_t isid, uint16_t tag)
{
	struct login_params p = { .isid = { 0x80, 0, 0, 0, 0, isid }, .portal_group_tag = tag };

	snprintf(p.initiator_name, sizeof(p.initiator_name), "%s", initiator);
	return p;
}

struct caller {
	struct waiter waiter;
	struct claim *claim;
	struct registry_holder holder;
	int called;
};

static void call(struct spt_post *post)
{
	struct caller *c = post->arg;
	c->called++;
}

static enum registry_result claim(struct registry *r, struct fake_host *host, struct caller *c,
	struct login_params p, struct worker *worker)
{
	memset(c, 0, sizeof(*c));
	c->waiter.host = &host->host;
	c->waiter.post = (struct spt_post){ .fn = call, .arg = c };
	const struct registry_name name = { &p, &target, NULL };

	return registry_claim(r, &name, worker, &c->waiter, &c->claim, &c->holder);
}

/* RFC 7143 4.4.3: initiator name, ISID, target and portal group tag make the name; all of them. */
static void names(void **state)
{
	static struct registry r;
	struct fake_host host;
	struct caller c[6];

	fake_host_init(&host);
	registry_init(&r);
	config.max_sessions = 10;
	assert_int_equal(claim(&r, &host, &c[0], params_of("iqn.a", 1, 1), one), REGISTRY_CLAIMED);
	assert_int_equal(claim(&r, &host, &c[1], params_of("iqn.b", 1, 1), one), REGISTRY_CLAIMED);
	assert_int_equal(claim(&r, &host, &c[2], params_of("iqn.a", 2, 1), one), REGISTRY_CLAIMED);
	assert_int_equal(claim(&r, &host, &c[3], params_of("iqn.a", 1, 2), two), REGISTRY_CLAIMED);
	assert_int_equal(seat.n_sessions, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_not_equal(c[i].claim->tsih, 0);
		for (unsigned k = 0; k < i; k++) {
			assert_int_not_equal(c[i].claim->tsih, c[k].claim->tsih);
			assert_int_not_equal(c[i].claim->id, c[k].claim->id);
		}
	}
	const uint8_t isid[6] = { 0x80, 0, 0, 0, 0, 1 };
	uint16_t tsih = c[0].claim->tsih;
	struct registry_holder holder;
	uint16_t tag = 0;
	struct login_question q = { .initiator_name = "iqn.a", .isid = isid, .tsih = tsih };
	assert_true(registry_find_tsih(&r, &q, &target, &holder, &tag));
	assert_int_equal(holder.id, c[0].claim->id);
	assert_ptr_equal(holder.worker, one);
	assert_int_equal(tag, 1);
	static struct seat other_seat = { .refs = 1 };
	const struct target other = { .config = &config, .seat = &other_seat };
	assert_false(registry_find_tsih(&r, &q, &other, &holder, &tag));
	q.initiator_name = "iqn.b";
	assert_false(registry_find_tsih(&r, &q, &target, &holder, &tag));
	q = (struct login_question){ .initiator_name = "iqn.a", .isid = isid, .tsih = (uint16_t)(tsih + 77) };
	assert_false(registry_find_tsih(&r, &q, &target, &holder, &tag));
	assert_ptr_equal(registry_find(&r, c[3].claim->id), two);
	assert_null(registry_find(&r, 4711));
	for (unsigned i = 0; i < 4; i++)
		registry_release(&r, c[i].claim);
	assert_int_equal(seat.n_sessions, 0);
	assert_int_equal(r.by_id.n, 0);
	assert_int_equal(r.by_name.n, 0);
	registry_deinit(&r);
	fake_host_deinit(&host);
}

/* The holder is asked to go once; all who wait hear of it; one may give up, before or after. */
static void waiting(void **state)
{
	static struct registry r;
	struct fake_host host;
	struct caller holder, a, b, c;

	fake_host_init(&host);
	registry_init(&r);
	config.max_sessions = 1;
	assert_int_equal(claim(&r, &host, &holder, params_of("iqn.a", 1, 1), one), REGISTRY_CLAIMED);
	/* The limit of sessions does not stand in the way of who takes a place over. */
	assert_int_equal(claim(&r, &host, &a, params_of("iqn.a", 1, 1), two), REGISTRY_TAKEN);
	assert_ptr_equal(a.holder.worker, one);
	assert_int_equal(a.holder.id, holder.claim->id);
	assert_int_equal(claim(&r, &host, &b, params_of("iqn.a", 1, 1), two), REGISTRY_TAKEN);
	assert_null(b.holder.worker); /* has been asked */
	assert_int_equal(claim(&r, &host, &c, params_of("iqn.a", 1, 1), two), REGISTRY_TAKEN);
	assert_true(registry_stop_waiting(&r, &b.waiter));
	registry_release(&r, holder.claim);
	assert_false(registry_stop_waiting(&r, &c.waiter)); /* too late: its post is on the way */
	fake_host_settle(&host);
	assert_int_equal(a.called, 1);
	assert_int_equal(b.called, 0);
	assert_int_equal(c.called, 1);
	/* Who comes first has it; the other waits for him now, and asks him to go. */
	assert_int_equal(claim(&r, &host, &a, params_of("iqn.a", 1, 1), two), REGISTRY_CLAIMED);
	assert_int_equal(claim(&r, &host, &c, params_of("iqn.a", 1, 1), one), REGISTRY_TAKEN);
	assert_ptr_equal(c.holder.worker, two);
	assert_int_equal(claim(&r, &host, &b, params_of("iqn.other", 1, 1), one), REGISTRY_FULL);
	assert_true(registry_stop_waiting(&r, &c.waiter));
	registry_release(&r, a.claim);
	fake_host_settle(&host);
	assert_int_equal(c.called, 0);
	registry_deinit(&r);
	fake_host_deinit(&host);
}

static struct login_params discovery_of(const char *initiator, uint8_t isid)
{
	struct login_params p = params_of(initiator, isid, 1);

	p.session_type = SESSION_DISCOVERY;
	return p;
}

/*
 * RFC 7143 7.4.2.1: without a target a discovery session is known by the address that it came to; 7.4.2.2: with one it has that
 * target's name. It does not count, and no connection is added to it.
 */
static void discovery(void **state)
{
	static struct registry r;
	struct fake_host host;
	struct caller normal;
	struct waiter w;
	struct registry_holder holder = { 0 };
	struct claim *claims[6], *taken;
	const struct login_params a = discovery_of("iqn.a", 1), b = discovery_of("iqn.b", 1), c = discovery_of("iqn.a", 2);
	const struct registry_name names[] = {
		{ &a, NULL, "here" }, { &b, NULL, "here" }, { &c, NULL, "here" }, { &a, NULL, "there" },
		{ &a, &target, "here" }, { &b, &target, "here" },
	};
	const struct registry_name elsewhere = { &a, &target, "there" };
	uint16_t tag;

	fake_host_init(&host);
	registry_init(&r);
	config.max_sessions = 1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(registry_claim(&r, &names[i], one, NULL, &claims[i], &holder), REGISTRY_CLAIMED);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(registry_claim(&r, &names[i], two, &w, &taken, &holder), REGISTRY_TAKEN);
		assert_int_equal(holder.id, claims[i]->id);
		assert_true(registry_stop_waiting(&r, &w));
	}
	/* With a target the address does not matter. */
	assert_int_equal(registry_claim(&r, &elsewhere, two, &w, &taken, &holder), REGISTRY_TAKEN);
	assert_int_equal(holder.id, claims[4]->id);
	assert_true(registry_stop_waiting(&r, &w));
	assert_int_equal(seat.n_sessions, 0);
	/* A normal session takes the place of one with a target, and the other way round; never of one without. */
	assert_int_equal(claim(&r, &host, &normal, params_of("iqn.a", 1, 1), one), REGISTRY_TAKEN);
	assert_true(registry_stop_waiting(&r, &normal.waiter));
	struct login_question q = { .initiator_name = "iqn.a", .isid = a.isid, .tsih = claims[4]->tsih };
	assert_false(registry_find_tsih(&r, &q, &target, &holder, &tag));
	registry_release(&r, claims[4]);
	assert_int_equal(claim(&r, &host, &normal, params_of("iqn.a", 1, 1), one), REGISTRY_CLAIMED);
	assert_int_equal(seat.n_sessions, 1);
	assert_int_equal(registry_claim(&r, &names[4], two, &w, &taken, &holder), REGISTRY_TAKEN);
	assert_int_equal(holder.id, normal.claim->id);
	assert_true(registry_stop_waiting(&r, &w));
	registry_release(&r, normal.claim);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (i != 4)
			registry_release(&r, claims[i]);
	}
	assert_int_equal(seat.n_sessions, 0);
	registry_deinit(&r);
	fake_host_deinit(&host);
}

/* RFC 7143 11.12.6: never zero, never one that is in use; when all are, that is an answer. */
static void numbers_run_out(void **state)
{
	static struct registry r;
	static struct claim *claims[65535];
	struct login_params p = discovery_of("iqn.a", 1);
	const struct registry_name name = { &p, NULL, "here" };
	struct registry_holder holder;
	struct claim *more;

	registry_init(&r);
	for (unsigned i = 0; i < 65535; i++) {
		be16_put(p.isid + 4, (uint16_t)i);
		assert_int_equal(registry_claim(&r, &name, one, NULL, &claims[i], &holder), REGISTRY_CLAIMED);
		assert_int_not_equal(claims[i]->tsih, 0);
	}
	be16_put(p.isid + 4, 65535);
	assert_int_equal(registry_claim(&r, &name, one, NULL, &more, &holder), REGISTRY_NO_MEMORY);
	uint16_t free_one = claims[4000]->tsih;
	registry_release(&r, claims[4000]);
	assert_int_equal(registry_claim(&r, &name, one, NULL, &claims[4000], &holder), REGISTRY_CLAIMED);
	assert_int_equal(claims[4000]->tsih, free_one);
	for (unsigned i = 0; i < 65535; i++)
		registry_release(&r, claims[i]);
	registry_deinit(&r);
}

/* Many sessions, of many initiators: each is found by its number and by its name, and nobody else is. */
static void crowd(void **state)
{
	enum { N = 3000 };
	static struct registry r;
	static struct claim *claims[N];
	struct registry_holder holder;
	struct waiter waiter;
	char name[32];

	registry_init(&r);
	config.max_sessions = N;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < N; i++) {
			snprintf(name, sizeof(name), "iqn.crowd-%u", i / 3);
			struct login_params p = params_of(name, (uint8_t)(i % 3), 1);
			const struct registry_name of = { &p, &target, NULL };
			enum registry_result result = registry_claim(&r, &of, i % 2 ? two : one, &waiter,
				&claims[i], &holder);
			assert_int_equal(result, round ? REGISTRY_TAKEN : REGISTRY_CLAIMED);
			if (round) {
				assert_int_equal(holder.id, claims[i]->id);
				assert_true(registry_stop_waiting(&r, &waiter));
			}
		}
	}
	for (unsigned i = 0; i < N; i++) {
		assert_ptr_equal(registry_find(&r, claims[i]->id), i % 2 ? two : one);
		uint64_t id = claims[i]->id;
		registry_release(&r, claims[i]);
		assert_null(registry_find(&r, id));
	}
	assert_int_equal(seat.n_sessions, 0);
	registry_deinit(&r);
}

static unsigned seen;

static void see(struct worker *worker, uint64_t id)
{
	assert_ptr_equal(worker, two);
	seen++;
}

static void each(void **state)
{
	static struct registry r;
	struct fake_host host;
	struct caller a, b;
	struct claim *other;
	const struct login_params p = discovery_of("iqn.a", 1);
	const struct registry_name name = { &p, NULL, "here" };

	fake_host_init(&host);
	registry_init(&r);
	config.max_sessions = 4;
	claim(&r, &host, &a, params_of("iqn.a", 1, 1), two);
	claim(&r, &host, &b, params_of("iqn.b", 1, 1), two);
	assert_int_equal(registry_claim(&r, &name, one, NULL, &other, &a.holder), REGISTRY_CLAIMED);
	seen = 0;
	registry_each(&r, &seat, see);
	assert_int_equal(seen, 2);
	registry_release(&r, a.claim);
	registry_release(&r, b.claim);
	registry_release(&r, other);
	registry_deinit(&r);
	fake_host_deinit(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(waiting),
		cmocka_unit_test(discovery),
		cmocka_unit_test(numbers_run_out),
		cmocka_unit_test(crowd),
		cmocka_unit_test(each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
