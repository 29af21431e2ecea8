/* SPDX-License-Identifier: MIT */
/* Commands that were given up: see sg_left.h. Each descriptor has a place taken, so the gate's limit bounds them. */
#include "passthrough/sg_left.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <scsi/sg.h>

#include "base/list.h"
#include "base/util.h"

struct left {
	struct spt_link link; /* in gate->left; under its lock */
	int fd;
	unsigned count; /* that went in */
	unsigned back;	/* that are known to be back */
};

void sg_left_add(struct sg_gate *g, int fd, unsigned count)
{
	struct left *l = calloc(1, sizeof(*l));

	if (!l) {
		close(fd); /* nobody can tell when they are back */
		while (count-- > 0)
			sg_gate_leave(g);
		return;
	}
	l->fd = fd;
	l->count = count;
	pthread_mutex_lock(&g->lock);
	list_append(&g->left, &l->link);
	atomic_fetch_add(&g->n_left, count);
	pthread_mutex_unlock(&g->lock);
}

/* How many are back now. A descriptor that does not tell has no device any more. */
static unsigned back(const struct left *l)
{
	int n = 0;

	if (ioctl(l->fd, SG_GET_NUM_WAITING, &n) < 0)
		return l->count;
	return MAX(l->back, MIN((unsigned)MAX(n, 0), l->count));
}

unsigned sg_left_collect(struct sg_gate *g)
{
	struct left *l, *next;
	unsigned freed = 0;

	if (!atomic_load(&g->n_left))
		return 0;
	pthread_mutex_lock(&g->lock);
	list_foreach_safe (l, next, &g->left, link) {
		unsigned n = back(l);
		freed += n - l->back;
		l->back = n;
		if (n < l->count)
			continue;
		list_del(&l->link);
		close(l->fd);
		free(l);
	}
	unsigned left = atomic_fetch_sub(&g->n_left, freed) - freed;
	pthread_mutex_unlock(&g->lock);
	while (freed-- > 0)
		sg_gate_leave(g);
	return left;
}

void sg_left_close(struct sg_gate *g)
{
	struct left *l, *next;

	list_foreach_safe (l, next, &g->left, link) {
		list_del(&l->link);
		close(l->fd);
		free(l);
	}
}
