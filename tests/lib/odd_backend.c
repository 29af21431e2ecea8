/* SPDX-License-Identifier: MIT */
/* The tests' backend: see odd_backend.h. */
#include "odd_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct odd odd;

static void heard(enum odd_event event)
{
	if (odd.n_events < ODD_EVENTS)
		odd.events[odd.n_events++] = event;
}

static void keep_nexus(const struct spt_nexus *n, bool reinstated)
{
	snprintf(odd.initiator_name, sizeof(odd.initiator_name), "%s", n->initiator_name);
	snprintf(odd.target_name, sizeof(odd.target_name), "%s", n->target_name);
	snprintf(odd.peer_address, sizeof(odd.peer_address), "%s",
		n->peer_address ? n->peer_address : "");
	snprintf(odd.chap_user, sizeof(odd.chap_user), "%s", n->chap_user ? n->chap_user : "");
	odd.has_chap_user = n->chap_user != NULL;
	odd.reinstated = reinstated;
	memcpy(odd.isid, n->isid, sizeof(odd.isid));
	odd.tag = n->target_portal_group_tag;
}

static int open_device(const struct spt_open *o, struct spt_error *error, void **ret)
{
	if (odd.open_error)
		return spt_error_set(error, odd.open_error, "%s: as it was told", o->name);
	*ret = &odd;
	return 0;
}

static void close_device(void *device)
{
}

static void properties(void *device, struct spt_properties *ret)
{
	*ret = odd.properties;
}

static int channel_open(void *device, const struct spt_channel_params *params, void **ret)
{
	heard(ODD_CHANNEL);
	if (params->nexus)
		keep_nexus(params->nexus, params->reinstated);
	odd.channel_reinstated = params->reinstated;
	*ret = &odd;
	return 0;
}

static void channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	heard(ODD_CHANNEL_GONE);
	closed(arg);
}

static void nexus_start(void *channel, const struct spt_nexus *nexus, bool reinstated)
{
	heard(ODD_START);
	keep_nexus(nexus, reinstated);
}

static void nexus_stop(void *channel, const struct spt_nexus *nexus)
{
	heard(ODD_STOP);
}

static void judge(void *channel, struct spt_task *task)
{
	heard(ODD_JUDGE);
	odd.judged++;
	task->out_wanted_bytes = task->expected_out_bytes;
}

static void complete(struct spt_task *task)
{
	heard(ODD_COMPLETE);
	task->status = odd.status;
	if (odd.sense_bytes)
		memcpy(task->sense, odd.sense, odd.sense_bytes);
	task->sense_bytes = odd.sense_bytes;
	spt_task_complete(task);
}

/* Data-in is the data-out, each bit turned, and then a count. */
static void submit(void *channel, struct spt_task *task)
{
	odd.submitted++;
	memcpy(odd.cdb, task->cdb, sizeof(odd.cdb));
	odd.cdb_bytes = task->cdb_bytes;
	odd.out_data = task->out.data;
	task->out_would_bytes = task->out.bytes;
	task->in_would_bytes = task->expected_in_bytes;
	if (task->expected_in_bytes && !spt_task_take_in(task, task->expected_in_bytes)) {
		spt_task_full(task);
		return;
	}
	odd.in_data = task->in.data;
	for (uint32_t i = 0; i < task->in.bytes; i++)
		task->in.data[i] = i < task->out.bytes ? (uint8_t)~task->out.data[i] : (uint8_t)i;
	if (odd.hold)
		odd.held = task;
	else
		complete(task);
}

void odd_release(void)
{
	struct spt_task *task = odd.held;

	odd.held = NULL;
	complete(task);
}

static void cancel(void *channel, struct spt_task *task)
{
	if (odd.cancels && odd.held == task)
		odd_release();
}

static void reset(void *channel, struct spt_reset *reset)
{
	reset->done(reset, 0);
}

#define ODD(flags_)                                                                                \
	{ .name = "odd",                                                                           \
		.help = "for tests",                                                               \
		.flags = flags_,                                                                   \
		.open = open_device,                                                               \
		.close = close_device,                                                             \
		.properties = properties,                                                          \
		.channel_open = channel_open,                                                      \
		.channel_close = channel_close,                                                    \
		.nexus_start = nexus_start,                                                        \
		.nexus_stop = nexus_stop,                                                          \
		.judge = judge,                                                                    \
		.submit = submit,                                                                  \
		.cancel = cancel,                                                                  \
		.reset = reset }

const struct spt_backend_ops ODD_SHARED = ODD(SPT_BACKEND_TASK_SET_PER_NEXUS);
const struct spt_backend_ops ODD_MIRRORED = ODD(SPT_BACKEND_PER_NEXUS);

void odd_reset(void)
{
	memset(&odd, 0, sizeof(odd));
	odd.properties = (struct spt_properties){
		.alignment_mask = 511,
		.max_transfer_bytes = 1u << 20,
		.max_cdb_bytes = SPT_CDB_MAX,
		.bidirectional = true,
		.queue_depth = 1,
	};
}

struct spt_device *odd_open(const struct spt_backend_ops *ops, uint64_t wait_us)
{
	const struct spt_device_params params = {
		.name = "odd",
		.backend = ops,
		.escalation = { .wait_us = wait_us },
	};
	struct spt_error error;
	struct spt_device *device = NULL;

	return spt_device_open(&params, &error, &device) < 0 ? NULL : device;
}

int odd_when(enum odd_event event)
{
	for (unsigned i = 0; i < odd.n_events; i++) {
		if (odd.events[i] == event)
			return (int)i;
	}
	return -1;
}
