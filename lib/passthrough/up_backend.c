/* SPDX-License-Identifier: MIT */
/*
 * The iscsi backend: a logical unit of another iSCSI target. Each downstream nexus has an upstream
 * nexus of its own, so that reservations, unit attentions and task management are the upstream
 * target's and pass through untouched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <spt/buffer.h>
#include <spt/option.h>

#include "base/util.h"
#include "passthrough/backends.h"
#include "passthrough/identity_options.h"
#include "passthrough/up_device.h"

#define CDB_MAX 16u /* libiscsi sends no additional header segments */

enum {
	OPTION_URL,
	OPTION_INITIATOR_NAME,
	OPTION_HEADER_DIGEST,
	OPTION_CONNECT_TIMEOUT,
	OPTION_HOLD_TIME,
	OPTION_NOP_INTERVAL,
	OPTION_NOP_TIMEOUT,
	OPTION_ABORT_TIMEOUT,
	OPTION_RETRY_MAX,
	OPTION_QUEUE_DEPTH,
	OPTION_QUEUE_LIMIT,
	OPTION_THIRD_PARTY_COPY,
	OPTION_IDENTITY, /* the first of them */
	OPTIONS = OPTION_IDENTITY + IDENTITY_OPTIONS,
};

#define MS     UINT64_C(1000)
#define SECOND UINT64_C(1000000)

static const char *const DIGESTS[] = { "none", "crc32c", NULL };

static const struct spt_option OPTION_ROWS[OPTIONS] = {
	[OPTION_URL] = {
		.name = "url",
		.type = SPT_OPTION_STRING,
		.required = true,
		.min = 1,
		.max = 1023,
		.help = "the logical unit: iscsi://[user[%password]@]host[:port]/target-name/lun; "
			"a host name is looked up once, at start",
	},
	[OPTION_INITIATOR_NAME] = {
		.name = "initiator-name",
		.type = SPT_OPTION_STRING,
		.min = 5,
		.max = SPT_NAME_MAX,
		.help = "one iSCSI name for all towards the upstream target; by default each "
			"initiator has its own there too, so that the target tells them apart in "
			"its access lists and persistent reservations",
	},
	[OPTION_HEADER_DIGEST] = {
		.name = "header-digest",
		.type = SPT_OPTION_CHOICE,
		.fallback = "none",
		.choices = DIGESTS,
		.help = "check the headers of iSCSI PDUs with CRC32C, which the upstream target "
			"must offer",
	},
	[OPTION_CONNECT_TIMEOUT] = {
		.name = "connect-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 600 * SECOND,
		.help = "how long connecting and logging in may take",
	},
	[OPTION_HOLD_TIME] = {
		.name = "hold-time",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 0,
		.max = 600 * SECOND,
		.help = "how long a command waits for a lost session to come back before BUSY is "
			"answered",
	},
	[OPTION_NOP_INTERVAL] = {
		.name = "nop-interval",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 0,
		.max = 3600 * SECOND,
		.help = "after so much silence the upstream target is asked whether it is there "
			"(NOP-Out); 0 is never",
	},
	[OPTION_NOP_TIMEOUT] = {
		.name = "nop-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 3600 * SECOND,
		.help = "how long it may take to answer before the session is given up",
	},
	[OPTION_ABORT_TIMEOUT] = {
		.name = "abort-timeout",
		.type = SPT_OPTION_DURATION,
		.fallback = "5s",
		.min = 100 * MS,
		.max = 600 * SECOND,
		.help = "how long it may take to abort a command before the session is dropped, "
			"which aborts it too",
	},
	[OPTION_RETRY_MAX] = {
		.name = "retry-max",
		.type = SPT_OPTION_DURATION,
		.fallback = "10s",
		.min = 100 * MS,
		.max = 3600 * SECOND,
		.help = "the longest pause between two attempts to connect; the first is 100 ms "
			"and each doubles it",
	},
	[OPTION_QUEUE_DEPTH] = {
		.name = "queue-depth",
		.type = SPT_OPTION_NUMBER,
		.fallback = "64",
		.min = 1,
		.max = 1024,
		.help = "how many commands of a session may be upstream at once; the upstream "
			"target's command window may lower it",
	},
	[OPTION_QUEUE_LIMIT] = {
		.name = "queue-limit",
		.type = SPT_OPTION_NUMBER,
		.fallback = "256",
		.min = 1,
		.max = 4096,
		.help = "how many commands may wait above queue-depth, or for a session, before "
			"TASK SET FULL is answered",
	},
	[OPTION_THIRD_PARTY_COPY] = {
		.name = "third-party-copy",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "let EXTENDED COPY and its relatives through, which reach every logical "
			"unit that the upstream target shows to our initiator name",
	},
	IDENTITY_OPTION_ROWS(OPTION_IDENTITY),
};

static void device_free(struct up_device *d)
{
	if (d->zeros != MAP_FAILED)
		munmap(d->zeros, SPT_BUFFER_MAX);
	explicit_bzero(d->url.password, sizeof(d->url.password));
	free(d->name);
	free(d);
}

/* RFC 7143 4.2.7.2 */
static bool is_iscsi_name(const char *name)
{
	return !strncmp(name, "iqn.", 4) || !strncmp(name, "eui.", 4) || !strncmp(name, "naa.", 4);
}

static int set_initiator_name(struct up_device *d, const struct spt_option_value *v,
	struct spt_error *error)
{
	if (!v->set)
		return 0; /* each nexus brings its own */
	if (!is_iscsi_name(v->text) || strlen(v->text) > SPT_NAME_MAX)
		return spt_error_set(error, -EINVAL,
			"initiator-name: '%.230s' is no iSCSI name (iqn., eui. or naa.)", v->text);
	snprintf(d->initiator_name, sizeof(d->initiator_name), "%s", v->text);
	return 0;
}

static int open_device(struct up_device *d, const struct spt_open *open, struct spt_error *error)
{
	const struct spt_option_value *v = open->values;

	int r = identity_options_apply(open->device, &v[OPTION_IDENTITY], error);
	if (r < 0)
		return r;
	r = up_url_parse(v[OPTION_URL].text, &d->url, error);
	if (r < 0)
		return r;
	r = set_initiator_name(d, &v[OPTION_INITIATOR_NAME], error);
	if (r < 0)
		return r;
	r = up_resolve(&d->url, d->addresses, &d->n_addresses, error);
	if (r < 0)
		return r;
	d->name = strdup(open->name);
	/* Read-only and never written: one page of zeros, many times. */
	d->zeros = mmap(NULL, SPT_BUFFER_MAX, PROT_READ,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!d->name || d->zeros == MAP_FAILED)
		return spt_error_set(error, -ENOMEM, "out of memory");
	if (getrandom(&d->canary, sizeof(d->canary), 0) != (ssize_t)sizeof(d->canary))
		return spt_error_set(error, -EIO, "no random numbers: %s", strerror(errno));
	d->header_digest = v[OPTION_HEADER_DIGEST].number != 0;
	d->connect_timeout_us = v[OPTION_CONNECT_TIMEOUT].number;
	d->hold_us = v[OPTION_HOLD_TIME].number;
	d->nop_interval_us = v[OPTION_NOP_INTERVAL].number;
	d->nop_timeout_us = v[OPTION_NOP_TIMEOUT].number;
	d->abort_timeout_us = v[OPTION_ABORT_TIMEOUT].number;
	d->retry_max_us = v[OPTION_RETRY_MAX].number;
	d->depth = (unsigned)v[OPTION_QUEUE_DEPTH].number;
	d->queue_limit = (unsigned)v[OPTION_QUEUE_LIMIT].number;
	d->limits = (struct pass_limits){
		.max_cdb_bytes = CDB_MAX,
		.max_transfer_bytes = SPT_BUFFER_MAX,
		.third_party_copy = v[OPTION_THIRD_PARTY_COPY].flag,
	};
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

const struct spt_backend_ops spt_backend_iscsi = {
	.name = "iscsi",
	.help = "a logical unit of another iSCSI target, with an upstream session for each of our "
		"own",
	.flags = SPT_BACKEND_PER_NEXUS,
	.options = OPTION_ROWS,
	.n_options = OPTIONS,
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
