/* SPDX-License-Identifier: MIT */
/* Opening and closing what synchronous calls are made on: see handle.h. */
#include "sync/handle.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/be.h"
#include "base/util.h"

static void raise_flag(void *arg)
{
	*(bool *)arg = true;
}

static void turn_until(struct sync_loop *loop, const bool *flag)
{
	while (!*flag)
		sync_loop_turn(loop, UINT64_MAX);
}

/* Each handle is a nexus of its own: the ISID (of random format, RFC 7143 11.12.5) tells them apart. */
static void own_nexus(struct spt_nexus *nexus)
{
	static atomic_uint count;
	uint32_t n = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);

	*nexus = (struct spt_nexus){
		.initiator_name = "iqn.2026-11.org.sptgt:local",
		.isid = { 0x80 },
		.target_name = "iqn.2026-11.org.sptgt:device",
		.target_portal_group_tag = 1,
		.peer_address = "local",
	};
	be24_put(nexus->isid + 1, (uint32_t)getpid());
	be16_put(nexus->isid + 4, (uint16_t)n);
}

static int start_session(struct spt_handle *h, const struct spt_handle_params *params)
{
	struct spt_session_params p = {
		.luns = h->luns,
		.budget_bytes = 2 * (size_t)SPT_BUFFER_MAX,
		.known = !(params && params->announce),
	};

	if (params && params->nexus)
		p.nexus = *params->nexus;
	else
		own_nexus(&p.nexus);
	return spt_session_start(h->context, &p, &h->session);
}

static int open_on_loop(struct spt_handle *h, const struct spt_handle_params *params)
{
	const struct spt_lun_entry entry = { .lun = 0, .device = h->device };
	int r = spt_lun_map_new(&entry, 1, &h->luns);

	if (r < 0)
		return r;
	r = spt_context_new(&h->loop.host, &h->context);
	if (r < 0)
		return r;
	return start_session(h, params);
}

static void leave_loop(struct spt_handle *h)
{
	bool stopped = false, freed = false;

	if (h->session.v && spt_session_stop(h->context, h->session, raise_flag, &stopped) == 0)
		turn_until(&h->loop, &stopped);
	if (h->context) {
		spt_context_free(h->context, raise_flag, &freed);
		turn_until(&h->loop, &freed);
	}
	spt_lun_map_unref(h->luns);
}

int spt_handle_open(struct spt_device *device, const struct spt_handle_params *params,
	struct spt_handle **ret)
{
	struct spt_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	int r = sync_loop_init(&h->loop);
	if (r < 0) {
		free(h);
		return r;
	}
	pthread_mutex_init(&h->lock, NULL);
	h->device = spt_device_ref(device);
	r = open_on_loop(h, params);
	if (r < 0) {
		spt_handle_close(h);
		return r;
	}
	*ret = h;
	return 0;
}

void spt_handle_close(struct spt_handle *h)
{
	if (!h)
		return;
	leave_loop(h);
	spt_device_unref(h->device);
	pthread_mutex_destroy(&h->lock);
	sync_loop_deinit(&h->loop);
	free(h);
}

int spt_adapter_properties(struct spt_handle *h, struct spt_adapter_properties *ret)
{
	struct spt_properties p;

	if (ret->length != sizeof(*ret))
		return -EINVAL;
	spt_device_properties(h->device, &p);
	*ret = (struct spt_adapter_properties){
		.length = sizeof(*ret),
		.alignment_mask = p.alignment_mask,
		.max_transfer_bytes = p.max_transfer_bytes,
		.max_cdb_bytes = p.max_cdb_bytes,
		.srb_type = p.bidirectional || p.max_cdb_bytes > SPT_PASS_THROUGH_CDB_MAX ?
			SPT_STORAGE_REQUEST_BLOCK :
			SPT_SCSI_REQUEST_BLOCK,
		.bidirectional = p.bidirectional,
	};
	return 0;
}
