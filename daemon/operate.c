/* SPDX-License-Identifier: MIT */
/*
 * Operations on devices. Changing a layer may open files, so it runs off the loops; its answer then
 * walks round all of them, so that whoever gets it knows that every loop goes by what was changed.
 */
#include "operate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spt/layer.h>
#include <spt/operate.h>

#include "base/list.h"
#include "log/log.h"
#include "show.h"
#include "target/server.h"
#include "target/worker.h"

struct work {
	struct server *server;
	struct control_query *query;
	struct spt_device *device; /* a reference */
	struct spt_work work;
	struct spt_operation operation;
	int result;
};

/* The one called @name, or NULL with the query told. */
static struct spt_device *find(struct server *server, struct control_query *q)
{
	const char *name = q->request.device;
	const struct generation *g = server->generation;

	for (size_t i = 0; i < g->config->n_devices; i++) {
		if (strcmp(g->config->devices[i].name, name))
			continue;
		if (!g->devices[i])
			spt_error_set(&q->error, 0, "device %s could not be opened; the log says why", name);
		return g->devices[i];
	}
	spt_error_set(&q->error, 0, "there is no device '%.60s'", name);
	return NULL;
}

static void finish(struct work *w, int result)
{
	struct control_query *q = w->query;
	struct server *server = w->server;

	spt_device_let_go(server->workers[0].context, w->device);
	if (w->query->what & CONTROL_RESET)
		migrations_release(server);
	free(w);
	if (result < 0)
		control_answer(q, result);
	else
		show_walk(server, q);
}

static void operated(struct spt_operation *operation)
{
	struct work *w = operation->arg;

	w->query->error = operation->error;
	finish(w, operation->result);
}

static void change(struct spt_work *work)
{
	struct work *w = work->arg;
	const struct snapshot_request *r = &w->query->request;

	w->result = spt_layer_set(w->device, r->layer, r->setting, &w->query->error);
}

static void changed(struct spt_work *work)
{
	struct work *w = work->arg;
	const struct snapshot_request *r = &w->query->request;

	if (w->result == 0)
		log_notice("device %s: layer %s, by the operator: %s", r->device, r->layer, r->setting);
	finish(w, w->result);
}

void operate(struct server *server, struct control_query *q)
{
	struct worker *first = &server->workers[0];
	struct spt_device *device = find(server, q);
	struct work *w = device ? calloc(1, sizeof(*w)) : NULL;

	if (!w) {
		control_answer(q, device ? -ENOMEM : -ENOENT);
		return;
	}
	w->server = server;
	w->query = q;
	w->device = spt_device_ref(device);
	w->operation = (struct spt_operation){ .device = device, .done = operated, .arg = w };
	if (q->what & CONTROL_CHANGE_LAYER) {
		w->work = (struct spt_work){ .work = change, .done = changed, .arg = w };
		spt_host_offload(loop_host(first->loop), &w->work);
	} else if (q->what & CONTROL_UNFENCE) {
		spt_device_unfence(first->context, &w->operation);
	} else {
		migrations_hold(server); /* it goes by the loops that have a session at the device */
		spt_device_reset(first->context, &w->operation);
	}
}
