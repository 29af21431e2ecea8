/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend: a logical unit of another iSCSI target. Mirrored, each downstream nexus has an
 * upstream nexus of its own, so that reservations, unit attentions and task management are the
 * upstream target's and pass through untouched. Shared, there is one for each loop, and the library
 * keeps those for the nexuses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <spt/buffer.h>
#include <spt/option.h>

#include "base/list.h"
#include "base/util.h"
#include "passthrough/backends.h"
#include "passthrough/up_device.h"

#define CDB_MAX 16u /* libiscsi sends no additional header segments */

static void device_free(struct up_device *d)
{
	up_lookup_close(d);
	if (d->zeros != MAP_FAILED)
		munmap(d->zeros, SPT_BUFFER_MAX);
	explicit_bzero(&d->url, sizeof(d->url));
	explicit_bzero(&d->secret, sizeof(d->secret));
	pthread_mutex_destroy(&d->lock);
	free(d->name);
	free(d);
}

static int open_device(struct up_device *d, const struct spt_open *open, struct spt_error *error)
{
	int r = up_options_read(d, open->values, error);

	if (r < 0)
		return r;
	up_lookup_open(d);
	d->limits.max_cdb_bytes = CDB_MAX;
	d->limits.max_transfer_bytes = SPT_BUFFER_MAX;
	d->name = strdup(open->name);
	/* Read-only and never written: one page of zeros, many times. */
	d->zeros = mmap(NULL, SPT_BUFFER_MAX, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!d->name || d->zeros == MAP_FAILED)
		return spt_error_set(error, -ENOMEM, "out of memory");
	if (getrandom(&d->canary, sizeof(d->canary), 0) != (ssize_t)sizeof(d->canary))
		return spt_error_set(error, -EIO, "no random numbers: %s", strerror(errno));
	return 0;
}

/* Does not ask for the target: it may be down now and up when an initiator comes. */
static int up_open(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	struct up_device *d = calloc(1, sizeof(*d));

	if (!d)
		return spt_error_set(error, -ENOMEM, "out of memory");
	d->handle = open->device;
	d->zeros = MAP_FAILED;
	pthread_mutex_init(&d->lock, NULL);
	list_init(&d->channels);
	learned_init(&d->learned);
	int r = open_device(d, open, error);
	if (r < 0) {
		device_free(d);
		return r;
	}
	*ret_device = d;
	return 0;
}

static void up_close(void *device)
{
	device_free(device);
}

/* Type and size are known once an initiator has asked for them. */
static void up_properties(void *device, struct spt_properties *ret)
{
	struct up_device *d = device;

	*ret = (struct spt_properties){
		.max_transfer_bytes = d->limits.max_transfer_bytes,
		.max_cdb_bytes = d->limits.max_cdb_bytes,
		.third_party_copy = d->limits.third_party_copy,
		.device_type = (uint8_t)atomic_load(&d->learned.device_type),
		.queue_depth = d->depth,
		.block_bytes = atomic_load(&d->learned.block_bytes),
		.blocks = atomic_load(&d->learned.blocks),
	};
}

static unsigned up_flags(void *device)
{
	const struct up_device *d = device;

	return d->shared ? SPT_BACKEND_STAYS : SPT_BACKEND_PER_NEXUS;
}

const struct spt_backend_ops spt_backend_iscsi = {
	.name = "iscsi",
	.help = "a logical unit of another iSCSI target, with an upstream session for each of our "
		"own, or one for all",
	.device_flags = up_flags,
	.describe = up_describe,
	.options = UP_OPTIONS,
	.n_options = UP_N_OPTIONS,
	.check = up_options_check,
	.open = up_open,
	.close = up_close,
	.properties = up_properties,
	.channel_open = up_channel_open,
	.channel_close = up_channel_close,
	.judge = up_channel_judge,
	.submit = up_channel_submit,
	.cancel = up_channel_cancel,
	.reset = up_channel_reset,
	.fence = up_channel_fence,
};
