/* SPDX-License-Identifier: MIT */
/*
 * The sg backend: a SCSI device of this machine, of any type, by its SCSI generic node. Every
 * command goes to the device as it came and every answer comes back as it was given.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <scsi/sg.h>

#include <spt/buffer.h>
#include <spt/option.h>

#include "base/util.h"
#include "passthrough/backends.h"
#include "passthrough/identity_options.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_probe.h"
#include "passthrough/sg_timeouts.h"

#define CDB_MAX 32u /* what the kernel's mid-layer holds */

enum {
	OPTION_PATH,
	OPTION_FORCE,
	OPTION_QUEUE_DEPTH,
	OPTION_QUEUE_LIMIT,
	OPTION_TIMEOUT_SHORT,
	OPTION_TIMEOUT_REGULAR,
	OPTION_TIMEOUT_LONG,
	OPTION_THIRD_PARTY_COPY,
	OPTION_IDENTITY, /* the first of them */
	OPTIONS = OPTION_IDENTITY + IDENTITY_OPTIONS,
};

#define SECOND UINT64_C(1000000)
#define DAY    (86400 * SECOND)

static const struct spt_option OPTION_ROWS[OPTIONS] = {
	[OPTION_PATH] = {
		.name = "path",
		.type = SPT_OPTION_STRING,
		.required = true,
		.min = 1,
		.max = 4095,
		.help = "the device: any of its nodes (/dev/sg3, /dev/sdb, /dev/st0, /dev/sr0) or, "
			"better, a link that does not move (/dev/disk/by-id/..., "
			"/dev/tape/by-id/...)",
	},
	[OPTION_FORCE] = {
		.name = "force",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "use the device even if it is mounted, swapped on or held on this machine, "
			"which destroys data as soon as both sides write",
	},
	[OPTION_QUEUE_DEPTH] = {
		.name = "queue-depth",
		.type = SPT_OPTION_NUMBER,
		.fallback = "64",
		.min = 1,
		.max = 256,
		.help = "how many commands may be at the device at once; the device and its host "
			"adapter may lower it",
	},
	[OPTION_QUEUE_LIMIT] = {
		.name = "queue-limit",
		.type = SPT_OPTION_NUMBER,
		.fallback = "256",
		.min = 0,
		.max = 4096,
		.help = "how many commands may wait above queue-depth before TASK SET FULL is "
			"answered",
	},
	[OPTION_TIMEOUT_SHORT] = {
		.name = "timeout-short",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = DAY,
		.help = "limit for commands that a device answers from memory; by default 30s for "
			"disks and 60s for all others",
	},
	[OPTION_TIMEOUT_REGULAR] = {
		.name = "timeout-regular",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = DAY,
		.help = "limit for reading and writing the medium; by default 60s for disks, 2400s "
			"for tapes and 900s for all others",
	},
	[OPTION_TIMEOUT_LONG] = {
		.name = "timeout-long",
		.type = SPT_OPTION_DURATION,
		.min = SECOND,
		.max = 7 * DAY,
		.help = "limit for formatting, erasing, positioning and moving media; by default "
			"3600s for disks and 14400s for all others",
	},
	[OPTION_THIRD_PARTY_COPY] = {
		.name = "third-party-copy",
		.type = SPT_OPTION_BOOL,
		.fallback = "no",
		.help = "let EXTENDED COPY and its relatives through, by which a device reads and "
			"writes other devices",
	},
	IDENTITY_OPTION_ROWS(OPTION_IDENTITY),
};

static void device_free(struct sg_device *d)
{
	if (d->control >= 0)
		close(d->control);
	sg_gate_put(d->gate);
	free(d);
}

/*
 * A queue that another program holds exclusively (btrfs, an open database) is in none of the lists.
 * Not for removable media: opening them asks the drive, which takes its unit attentions.
 */
static int check_exclusive(const struct sg_device *d, const struct sg_limits *limits,
	struct spt_error *error)
{
	char path[64];

	if (!d->identity.block[0] || limits->removable)
		return 0;
	snprintf(path, sizeof(path), "/dev/%s", d->identity.block);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return spt_error_set(error, -EBUSY, "%s is held exclusively by another program",
			path);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int check_claimed(const struct sg_device *d, const struct sg_limits *limits,
	const struct spt_option_value *force, struct spt_error *error)
{
	struct spt_error why;

	if (force->set && force->flag)
		return 0;
	int r = sg_check_unused("", &d->identity, &why);
	if (!r)
		r = check_exclusive(d, limits, &why);
	if (!r)
		return 0;
	return spt_error_set(error, r, "%.200s; it cannot be exported too, unless with force = yes",
		why.text);
}

/* Fair shares of the adapter's command slots, so that write() finds one (see sg_gate.h). */
static int make_gate(struct sg_device *d, const struct sg_limits *limits, unsigned wanted)
{
	unsigned share = limits->can_queue ? limits->can_queue / limits->host_units : wanted;
	bool shared = share == 0;

	d->depth = MIN(wanted, shared ? limits->can_queue : share);
	if (limits->queue_depth)
		d->depth = MIN(d->depth, limits->queue_depth);
	d->gate = shared ? sg_gate_get((int)d->identity.host, limits->can_queue) :
			   sg_gate_get(-1, d->depth);
	return d->gate ? 0 : -ENOMEM;
}

static uint32_t max_transfer(const struct sg_device *d, const struct sg_limits *limits)
{
	uint64_t bytes = SPT_BUFFER_MAX;
	int elements = 0;

	if (limits->max_hw_sectors_kb)
		bytes = MIN(bytes, (uint64_t)limits->max_hw_sectors_kb * 1024);
	if (ioctl(d->control, SG_GET_SG_TABLESIZE, &elements) == 0 && elements > 0)
		bytes = MIN(bytes, (uint64_t)elements * limits->scatter_element_bytes);
	return (uint32_t)bytes;
}

static void fill_tables(struct sg_device *d, const struct spt_option_value *values)
{
	static const int options[SG_CLASSES] = {
		[SG_CLASS_SHORT] = OPTION_TIMEOUT_SHORT,
		[SG_CLASS_REGULAR] = OPTION_TIMEOUT_REGULAR,
		[SG_CLASS_LONG] = OPTION_TIMEOUT_LONG,
	};
	enum sg_family family = sg_family_of((uint8_t)atomic_load(&d->learned.device_type));

	for (unsigned op = 0; op < 256; op++) {
		enum sg_class class = sg_class_of(family, (uint8_t)op);
		const struct spt_option_value *v = &values[options[class]];
		d->timeout_ms[op] = v->set ? (uint32_t)(v->number / 1000) :
					     sg_timeout_ms(family, class);
	}
}

/* Not a reason to refuse the device: it is read all the same. */
static void warn_of_polling(struct sg_device *d)
{
	uint32_t ms = sg_poll_interval_ms("", &d->identity);

	if (ms)
		spt_device_event(d->handle,
			"the kernel polls /dev/%s every %" PRIu32 " ms and takes the unit attentions of a new "
			"medium before initiators see them; to stop that: "
			"echo 0 >/sys/block/%s/events_poll_msecs",
			d->identity.block, ms, d->identity.block);
}

static int open_device(struct sg_device *d, const struct spt_open *open, struct spt_error *error)
{
	const struct spt_option_value *v = open->values;
	struct sg_limits limits;

	int r = identity_options_apply(open->device, &v[OPTION_IDENTITY], error);
	if (r < 0)
		return r;
	r = sg_resolve("", v[OPTION_PATH].text, &d->identity, error);
	if (r < 0)
		return r;
	snprintf(d->node, sizeof(d->node), "/dev/%s", d->identity.sg);
	sg_read_limits("", &d->identity, &limits);
	r = check_claimed(d, &limits, &v[OPTION_FORCE], error);
	if (r < 0)
		return r;
	d->control = sg_node_open(d, error);
	if (d->control < 0)
		return d->control;
	r = sg_probe(d->control, &d->learned);
	if (r < 0)
		return spt_error_set(error, r, "%s (%s) does not answer INQUIRY: %s",
			v[OPTION_PATH].text, d->node, strerror(-r));
	if (make_gate(d, &limits, (unsigned)v[OPTION_QUEUE_DEPTH].number) < 0)
		return spt_error_set(error, -ENOMEM, "out of memory");
	d->queue_limit = (unsigned)v[OPTION_QUEUE_LIMIT].number;
	d->limits = (struct pass_limits){
		.max_cdb_bytes = CDB_MAX,
		.max_transfer_bytes = max_transfer(d, &limits),
		.third_party_copy = v[OPTION_THIRD_PARTY_COPY].flag,
	};
	fill_tables(d, v);
	warn_of_polling(d);
	return 0;
}

static int sg_open(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	struct sg_device *d = calloc(1, sizeof(*d));

	if (!d)
		return spt_error_set(error, -ENOMEM, "out of memory");
	d->handle = open->device;
	d->control = -1;
	atomic_init(&d->gone, false);
	learned_init(&d->learned);
	int r = open_device(d, open, error);
	if (r < 0) {
		device_free(d);
		return r;
	}
	*ret_device = d;
	return 0;
}

static void sg_close(void *device)
{
	device_free(device);
}

static void sg_properties(void *device, struct spt_properties *ret)
{
	struct sg_device *d = device;

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

const struct spt_backend_ops spt_backend_sg = {
	.name = "sg",
	.help = "a SCSI device of this machine of any type, passed through by its SCSI generic "
		"node",
	.options = OPTION_ROWS,
	.n_options = OPTIONS,
	.open = sg_open,
	.close = sg_close,
	.properties = sg_properties,
	.channel_open = sg_channel_open,
	.channel_close = sg_channel_close,
	.judge = sg_channel_judge,
	.submit = sg_channel_submit,
	.cancel = sg_channel_cancel,
	.reset = sg_channel_reset,
	.fence = sg_channel_fence,
};
