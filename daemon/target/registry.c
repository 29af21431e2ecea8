/* SPDX-License-Identifier: MIT */
/* The registry of nexuses: see registry.h. */
#include "target/registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/list.h"
#include "login/login.h"
#include "target/target.h"

void registry_init(struct registry *r)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	buckets_init(&r->by_name);
	buckets_init(&r->by_id);
	r->next_id = 1;
	/* Without it those who know the function could choose names that meet in one bucket, which is slow and no more. */
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) < 0)
		r->seed = (uintptr_t)r;
}

void registry_deinit(struct registry *r)
{
	buckets_deinit(&r->by_name);
	buckets_deinit(&r->by_id);
	pthread_mutex_destroy(&r->lock);
}

/* Of a nexus's name but for the portal group tag, which a TSIH is looked up without. */
static uint64_t name_hash(const struct registry *r, const char *initiator_name, const uint8_t isid[6],
	const struct seat *seat)
{
	uint64_t h = hash_add(r->seed, initiator_name, strlen(initiator_name));

	h = hash_add(h, isid, 6);
	return hash_add(h, &seat, sizeof(seat));
}

static struct seat *seat_of(const struct registry_name *name)
{
	return name->target ? name->target->seat : NULL;
}

static bool is_named(const struct claim *c, const struct registry_name *name)
{
	const struct login_params *p = name->params;

	return c->seat == seat_of(name) && c->portal_group_tag == p->portal_group_tag &&
		!memcmp(c->isid, p->isid, sizeof(c->isid)) &&
		!strcmp(c->initiator_name, p->initiator_name) &&
		(c->seat || !strcmp(c->address, name->address));
}

static struct claim *find_name(struct registry *r, const struct registry_name *name)
{
	const struct login_params *p = name->params;
	uint64_t hash = name_hash(r, p->initiator_name, p->isid, seat_of(name));
	struct claim *c;

	list_foreach (c, bucket_of(&r->by_name, hash), by_name.link) {
		if (is_named(c, name))
			return c;
	}
	return NULL;
}

/* RFC 7143 11.12.6: a TSIH is never zero, and one that is in use is not given again. */
static uint16_t take_tsih(struct registry *r)
{
	for (unsigned i = 0; i < 65535; i++) {
		uint16_t t = ++r->next_tsih;
		if (t == 0 || r->tsih_used[t / 8] & 1u << t % 8)
			continue;
		r->tsih_used[t / 8] |= (uint8_t)(1u << t % 8);
		return t;
	}
	return 0;
}

static struct claim *claim_new(struct registry *r, const struct registry_name *name, struct worker *worker)
{
	const struct login_params *p = name->params;
	struct claim *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tsih = take_tsih(r);
	if (!c->tsih) {
		free(c);
		return NULL;
	}
	c->id = r->next_id++;
	c->seat = name->target ? seat_ref(name->target->seat) : NULL;
	c->discovery = p->session_type == SESSION_DISCOVERY;
	c->worker = worker;
	c->portal_group_tag = p->portal_group_tag;
	memcpy(c->isid, p->isid, sizeof(c->isid));
	snprintf(c->initiator_name, sizeof(c->initiator_name), "%s", p->initiator_name);
	if (!c->seat)
		snprintf(c->address, sizeof(c->address), "%s", name->address);
	list_init(&c->waiters);
	buckets_add(&r->by_name, &c->by_name, name_hash(r, c->initiator_name, c->isid, c->seat));
	buckets_add(&r->by_id, &c->by_id, c->id);
	return c;
}

static enum registry_result claim_locked(struct registry *r, const struct registry_name *name,
	struct worker *worker, struct waiter *waiter, struct claim **ret,
	struct registry_holder *ret_holder)
{
	struct claim *holder = find_name(r, name);
	bool counts = name->params->session_type == SESSION_NORMAL;

	if (holder) {
		*ret_holder = (struct registry_holder){ holder->ending ? NULL : holder->worker, holder->id };
		holder->ending = true;
		waiter->posted = false;
		list_append(&holder->waiters, &waiter->link);
		return REGISTRY_TAKEN;
	}
	if (counts && name->target->seat->n_sessions >= name->target->config->max_sessions)
		return REGISTRY_FULL;
	*ret = claim_new(r, name, worker);
	if (!*ret)
		return REGISTRY_NO_MEMORY;
	if (counts)
		name->target->seat->n_sessions++;
	return REGISTRY_CLAIMED;
}

enum registry_result registry_claim(struct registry *r, const struct registry_name *name,
	struct worker *worker, struct waiter *waiter, struct claim **ret,
	struct registry_holder *ret_holder)
{
	assert(name->target || name->params->session_type == SESSION_DISCOVERY);
	pthread_mutex_lock(&r->lock);
	enum registry_result result = claim_locked(r, name, worker, waiter, ret, ret_holder);
	pthread_mutex_unlock(&r->lock);
	return result;
}

void registry_release(struct registry *r, struct claim *c)
{
	struct waiter *w;

	pthread_mutex_lock(&r->lock);
	buckets_del(&r->by_name, &c->by_name);
	buckets_del(&r->by_id, &c->by_id);
	r->tsih_used[c->tsih / 8] &= (uint8_t)~(1u << c->tsih % 8);
	if (!c->discovery)
		c->seat->n_sessions--;
	while ((w = list_first(&c->waiters, struct waiter, link))) {
		list_del(&w->link);
		w->posted = true;
		spt_host_post(w->host, &w->post);
	}
	pthread_mutex_unlock(&r->lock);
	seat_unref(c->seat);
	free(c);
}

bool registry_stop_waiting(struct registry *r, struct waiter *w)
{
	pthread_mutex_lock(&r->lock);
	bool out = !w->posted;
	if (out)
		list_del(&w->link);
	pthread_mutex_unlock(&r->lock);
	return out;
}

void registry_move(struct registry *r, struct claim *c, struct worker *to, struct spt_host *host,
	struct spt_post *arrival)
{
	pthread_mutex_lock(&r->lock);
	c->worker = to;
	spt_host_post(host, arrival);
	pthread_mutex_unlock(&r->lock);
}

struct worker *registry_find(struct registry *r, uint64_t id)
{
	struct worker *worker = NULL;
	struct claim *c;

	pthread_mutex_lock(&r->lock);
	list_foreach (c, bucket_of(&r->by_id, id), by_id.link) {
		if (c->id == id)
			worker = c->worker;
	}
	pthread_mutex_unlock(&r->lock);
	return worker;
}

bool registry_find_tsih(struct registry *r, const struct login_question *q,
	const struct target *target, struct registry_holder *ret, uint16_t *ret_tag)
{
	struct claim *c;
	bool found = false;
	uint64_t hash = name_hash(r, q->initiator_name, q->isid, target->seat);

	pthread_mutex_lock(&r->lock);
	list_foreach (c, bucket_of(&r->by_name, hash), by_name.link) {
		if (c->tsih != q->tsih || c->seat != target->seat || c->ending || c->discovery ||
			memcmp(c->isid, q->isid, sizeof(c->isid)) ||
			strcmp(c->initiator_name, q->initiator_name))
			continue;
		*ret = (struct registry_holder){ c->worker, c->id };
		*ret_tag = c->portal_group_tag;
		found = true;
	}
	pthread_mutex_unlock(&r->lock);
	return found;
}

void registry_each(struct registry *r, const struct seat *seat,
	void (*fn)(struct worker *worker, uint64_t id))
{
	struct claim *c;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->by_id.n_lists; i++) {
		list_foreach (c, &r->by_id.lists[i], by_id.link) {
			if (c->seat == seat && !c->discovery)
				fn(c->worker, c->id);
		}
	}
	pthread_mutex_unlock(&r->lock);
}
