/* SPDX-License-Identifier: MIT */
/*
 * The gate before a device: see sg_gate.h. A waiter is queued before it looks at @free again, and
 * @free is raised before @waiting is looked at, both sequentially consistent: one of the two sides
 * always sees the other.
 */
#include "passthrough/sg_gate.h"

#include <stdlib.h>

#include "base/list.h"
#include "passthrough/sg_left.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct spt_link registry = { &registry, &registry };

static struct sg_gate *gate_new(int host, unsigned limit)
{
	struct sg_gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->host = host;
	g->limit = limit;
	g->refs = 1;
	atomic_init(&g->free, (int)limit);
	pthread_mutex_init(&g->lock, NULL);
	list_init(&g->waiters);
	list_init(&g->left);
	atomic_init(&g->n_left, 0);
	list_init(&g->link);
	return g;
}

struct sg_gate *sg_gate_get(int host, unsigned limit)
{
	struct sg_gate *g;

	if (host < 0)
		return gate_new(host, limit);
	pthread_mutex_lock(&registry_lock);
	list_foreach (g, &registry, link) {
		if (g->host == host) {
			g->refs++;
			goto out;
		}
	}
	g = gate_new(host, limit);
	if (g)
		list_append(&registry, &g->link);
out:
	pthread_mutex_unlock(&registry_lock);
	return g;
}

void sg_gate_put(struct sg_gate *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&registry_lock);
	bool last = --g->refs == 0;
	if (last)
		list_del(&g->link);
	pthread_mutex_unlock(&registry_lock);
	if (!last)
		return;
	sg_left_close(g);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

void sg_waiter_init(struct sg_waiter *w, struct spt_host *host, void (*wake)(struct spt_post *post),
	void *arg)
{
	list_init(&w->link);
	w->host = host;
	w->post = (struct spt_post){ .fn = wake, .arg = arg };
	atomic_init(&w->posted, false);
}

static bool take(struct sg_gate *g)
{
	int n = atomic_load(&g->free);

	while (n > 0) {
		if (atomic_compare_exchange_weak(&g->free, &n, n - 1))
			return true;
	}
	return false;
}

bool sg_gate_enter(struct sg_gate *g, unsigned held, bool woken)
{
	unsigned others = atomic_load(&g->waiting);

	/* Who was woken gets one in any case, or two who let each other go first would both
	 * stand. */
	if (others && !woken && (held + 1) * (others + 1) > g->limit)
		return false;
	return take(g);
}

void sg_gate_kick(struct sg_gate *g)
{
	if (!atomic_load(&g->waiting) || atomic_load(&g->free) <= 0)
		return;
	pthread_mutex_lock(&g->lock);
	struct sg_waiter *w = list_first(&g->waiters, struct sg_waiter, link);
	/* One for each free slot: who is woken for nothing has lost his turn. */
	if (w && atomic_load(&g->free) > g->woken) {
		g->woken++;
		/* Still counted among those who wait, or the room would be gone before he comes. */
		list_del(&w->link);
		atomic_store(&w->posted, true);
		spt_host_post(w->host, &w->post);
	}
	pthread_mutex_unlock(&g->lock);
}

void sg_gate_woken(struct sg_gate *g, struct sg_waiter *w)
{
	pthread_mutex_lock(&g->lock);
	g->woken--;
	pthread_mutex_unlock(&g->lock);
	atomic_store(&w->posted, false);
	atomic_fetch_sub(&g->waiting, 1);
}

void sg_gate_leave(struct sg_gate *g)
{
	atomic_fetch_add(&g->free, 1);
	sg_gate_kick(g);
}

bool sg_gate_wait(struct sg_gate *g, struct sg_waiter *w)
{
	pthread_mutex_lock(&g->lock);
	if (atomic_load(&w->posted)) {
		pthread_mutex_unlock(&g->lock);
		return false; /* it will be woken as it is */
	}
	if (!list_in(&w->link)) {
		list_append(&g->waiters, &w->link);
		atomic_fetch_add(&g->waiting, 1);
	}
	/* Alone, or the room is for one who has been woken. */
	bool room = atomic_load(&g->waiting) == 1 && atomic_load(&g->free) > 0;
	if (room) {
		list_del(&w->link);
		atomic_fetch_sub(&g->waiting, 1);
	}
	pthread_mutex_unlock(&g->lock);
	return room;
}

void sg_gate_forget(struct sg_gate *g, struct sg_waiter *w)
{
	if (!atomic_load(&g->waiting))
		return;
	pthread_mutex_lock(&g->lock);
	if (list_in(&w->link)) {
		list_del(&w->link);
		atomic_fetch_sub(&g->waiting, 1);
	}
	pthread_mutex_unlock(&g->lock);
	sg_gate_kick(g);
}
