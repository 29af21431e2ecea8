/* SPDX-License-Identifier: MIT */
/*
 * Where the names of an upstream target's portals lead now. The system's resolver may take its time: it
 * is asked by a thread for what blocks, once for all channels of the device that want to know, and each
 * is told on its own loop. The device may be closed meanwhile; then the answer concerns nobody.
 *
 * One thread at a time does so, for one device after the other: when no name server answers, that takes many
 * seconds each, and the other threads are for disks.
 */
#include <stdlib.h>
#include <time.h>

#include "base/list.h"
#include "base/util.h"
#include "passthrough/up_device.h"

/* An answer is good for so long: sessions that are lost together ask once. */
#define FRESH_US UINT64_C(1000000)

struct up_lookup {
	struct spt_link link;     /* in queue */
	struct up_device *device; /* NULL: closed */
	struct up_hosts hosts;
};

/* Of what is up_lookup.c's in each device, of each lookup's device, and of the two below. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct spt_link queue = { &queue, &queue };
static bool working;

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void tell_change(const struct up_device *d, const struct up_portals *portals)
{
	char text[240];

	up_portals_print(portals, text, sizeof(text));
	spt_device_event(d->handle, "upstream portals have other addresses now: %s", text);
}

static void take_answer(struct up_device *d, const struct up_hosts *hosts)
{
	struct up_portals portals;

	d->hosts = *hosts;
	d->lookup = NULL;
	d->looked_us = clock_us();
	up_hosts_portals(hosts, &portals);
	pthread_mutex_lock(&d->lock);
	bool changed = !up_portals_equal(&portals, &d->portals);
	d->portals = portals;
	pthread_mutex_unlock(&d->lock);
	if (changed)
		tell_change(d, &portals);
	while (!list_empty(&d->waiting)) {
		struct up_channel *c = list_first(&d->waiting, struct up_channel, lookup_link);
		list_del(&c->lookup_link);
		spt_host_post(c->host, &c->looked);
	}
}

static struct up_lookup *take(void)
{
	struct up_lookup *l = list_empty(&queue) ? NULL : list_first(&queue, struct up_lookup, link);

	if (l)
		list_del(&l->link);
	return l;
}

static void look(struct spt_work *work)
{
	struct up_lookup *l;

	pthread_mutex_lock(&lock);
	while ((l = take())) {
		if (l->device) {
			pthread_mutex_unlock(&lock);
			up_hosts_look(&l->hosts);
			pthread_mutex_lock(&lock);
		}
		if (l->device)
			take_answer(l->device, &l->hosts);
		free(l);
	}
	working = false;
	pthread_mutex_unlock(&lock);
}

static void over(struct spt_work *work)
{
	free(work);
}

/* What begins to work when nobody does, or NULL. */
static struct spt_work *work_new(void)
{
	struct spt_work *work = working ? NULL : malloc(sizeof(*work));

	if (work)
		*work = (struct spt_work){ .work = look, .done = over };
	working |= work != NULL;
	return work;
}

static struct up_lookup *lookup_new(struct up_device *d)
{
	struct up_lookup *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->device = d;
	l->hosts = d->hosts;
	list_append(&queue, &l->link);
	return l;
}

bool up_lookup_begin(struct up_channel *c)
{
	struct up_device *d = c->device;
	struct spt_work *work = NULL;

	if (!d->named || c->lookup_waits)
		return false;
	pthread_mutex_lock(&lock);
	if (!d->lookup && clock_us() - d->looked_us >= FRESH_US)
		d->lookup = lookup_new(d);
	if (d->lookup) {
		work = work_new();
		list_append(&d->waiting, &c->lookup_link);
		c->lookup_waits = true;
	}
	pthread_mutex_unlock(&lock);
	if (work)
		spt_host_offload(c->host, work);
	return c->lookup_waits;
}

void up_lookup_forget(struct up_channel *c)
{
	pthread_mutex_lock(&lock);
	if (c->lookup_waits && list_in(&c->lookup_link)) {
		list_del(&c->lookup_link);
		c->lookup_waits = false;
	}
	pthread_mutex_unlock(&lock);
}

void up_lookup_open(struct up_device *d)
{
	list_init(&d->waiting);
	d->named = up_hosts_named(&d->hosts);
	d->looked_us = clock_us();
}

void up_lookup_close(struct up_device *d)
{
	pthread_mutex_lock(&lock);
	if (d->lookup)
		d->lookup->device = NULL;
	pthread_mutex_unlock(&lock);
}
