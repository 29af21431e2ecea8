/* SPDX-License-Identifier: MIT */
/* Ways back to a device: see sg_return.h. */
#include "passthrough/sg_return.h"

#include <assert.h>

#include "base/util.h"

#define PERIOD_US 1000000u

static void work(struct spt_work *w)
{
	struct sg_return *r = w->arg;
	struct sg_attachment *a = sg_device_search(r->device);

	if (a && r->ops->open && r->ops->open(r, a) < 0) {
		sg_attachment_unref(a);
		a = NULL;
	}
	r->found = a;
}

static void done(struct spt_work *w)
{
	struct sg_return *r = w->arg;

	r->working = false;
	r->ops->back(r, TAKE(r->found));
}

static void due(struct spt_timer *timer)
{
	struct sg_return *r = timer->arg;

	r->armed = false;
	r->working = true;
	r->work = (struct spt_work){ .work = work, .done = done, .arg = r };
	spt_host_offload(r->host, &r->work);
}

void sg_return_init(struct sg_return *r, const struct sg_return_ops *ops, struct sg_device *device,
	struct spt_host *host)
{
	*r = (struct sg_return){ .ops = ops, .device = device, .host = host };
	r->timer = (struct spt_timer){ .fn = due, .arg = r };
}

void sg_return_start(struct sg_return *r)
{
	if (r->armed || r->working)
		return;
	r->armed = true;
	spt_host_timer_set(r->host, &r->timer, PERIOD_US);
}

void sg_return_stop(struct sg_return *r)
{
	assert(!r->working);
	spt_host_timer_clear(r->host, &r->timer);
	r->armed = false;
}
