/* SPDX-License-Identifier: MIT */
/*
 * Making an attachment of a device that was found: is it free, who is it, what can its adapter do?
 * All of it blocks, for seconds if the device is slow.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <scsi/sg.h>

#include <spt/buffer.h>

#include "base/util.h"
#include "passthrough/bsg_node.h"
#include "passthrough/sg_device.h"
#include "passthrough/sg_openers.h"

/* udev and the like look at what is new. */
#define OPENER_PATIENCE_MS 2000u

#define CDB_MAX 32u /* what the kernel's mid-layer holds */

#define SG_DEPTH      64u
#define BSG_DEPTH     8u
#define BSG_DEPTH_MAX 64u

int sg_node_open(const struct sg_attachment *a, struct spt_error *error)
{
	const struct sg_address *at = &a->address;
	struct sg_scsi_id now;
	AUTO_FD int fd = open(a->node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		int e = errno;
		return spt_error_set(error, -e, "%s: %s", a->node,
			e == EBUSY ? "another program has it for itself (O_EXCL)" : strerror(e));
	}
	/* The name may have passed to another device since it was found. */
	if (ioctl(fd, SG_GET_SCSI_ID, &now) < 0 || now.host_no != (int)at->host ||
		now.channel != (int)at->channel || now.scsi_id != (int)at->id ||
		(uint32_t)now.lun != (uint32_t)at->lun)
		return spt_error_set(error, -ENODEV, "%s is no longer the device at %u:%u:%u",
			a->node, at->host, at->channel, at->id);
	int ret = fd;
	fd = -1;
	return ret;
}

bool sg_hung_up(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/*
 * A queue that another program holds exclusively (ZFS, btrfs, an open database) is in none of the
 * lists; the kernel does not say whose it is. Not for removable media: opening them asks the drive,
 * which takes its unit attentions.
 */
static int check_exclusive(const struct sg_address *at, const struct sg_limits *limits,
	struct spt_error *error)
{
	char path[64];

	if (!at->block[0] || limits->removable)
		return 0;
	snprintf(path, sizeof(path), "/dev/%s", at->block);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		return spt_error_set(error, -EBUSY,
			"%s is held exclusively by another program or filesystem (a ZFS pool?)",
			path);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int check_claimed(const struct sg_device *d, const struct sg_address *at,
	const struct sg_limits *limits, struct spt_error *error)
{
	struct spt_error why;

	if (d->settings.force)
		return 0;
	int r = sg_check_unused("", at, &why);
	if (!r)
		r = check_exclusive(at, limits, &why);
	if (!r)
		r = sg_check_unopened("", at, OPENER_PATIENCE_MS, &why);
	if (!r)
		return 0;
	return spt_error_set(error, r, "%.200s; it cannot be exported too, unless with force = yes",
		why.text);
}

unsigned sg_wanted_depth(const struct sg_device *d)
{
	unsigned n = d->settings.queue_depth;

	if (!d->bsg)
		return n ? n : SG_DEPTH;
	return MIN(n ? n : BSG_DEPTH, BSG_DEPTH_MAX);
}

/* Fair shares of the adapter's command slots, so that write() finds one (see sg_gate.h). */
static int make_gate(struct sg_attachment *a, const struct sg_limits *limits, unsigned wanted)
{
	unsigned share = limits->can_queue ? limits->can_queue / limits->host_units : wanted;
	bool shared = share == 0;

	a->depth = MIN(wanted, shared ? limits->can_queue : share);
	if (limits->queue_depth)
		a->depth = MIN(a->depth, limits->queue_depth);
	a->gate = shared ? sg_gate_get((int)a->address.host, limits->can_queue) :
			   sg_gate_get(-1, a->depth);
	return a->gate ? 0 : -ENOMEM;
}

/*
 * What one command can move. The limit is max_hw_sectors_kb: the softer max_sectors_kb beside it is for
 * the block layer's own requests and need not be raised. Tapes have no such file; there the
 * segments of the adapter limit: sg makes each of scatter_elem_sz bytes (32 KiB, so 64 segments carry a
 * block of 2 MiB), bsg maps pages.
 */
static uint32_t max_transfer(const struct sg_device *d, const struct sg_attachment *a,
	const struct sg_limits *limits)
{
	uint32_t element = d->bsg ? (uint32_t)sysconf(_SC_PAGESIZE) : limits->scatter_element_bytes;
	uint64_t bytes = SPT_BUFFER_MAX;
	int elements = 0;

	if (limits->max_hw_sectors_kb)
		bytes = MIN(bytes, (uint64_t)limits->max_hw_sectors_kb * 1024);
	if (ioctl(a->control.fd, SG_GET_SG_TABLESIZE, &elements) == 0 && elements > 0)
		bytes = MIN(bytes, (uint64_t)elements * element);
	return (uint32_t)bytes;
}

/* What the device recommends is asked for each time that it is found: its firmware may be new. */
static void fill_timeouts(const struct sg_device *d, struct sg_attachment *a,
	const struct sg_found *found)
{
	const struct sg_timeout_rules *rules = &d->settings.timeouts;
	struct sg_told told[256] = { 0 };
	enum sg_family family = sg_family_of((uint8_t)a->device_type);

	if (rules->ask)
		sg_probe_timeouts(&a->control, &found->pages, told);
	for (unsigned op = 0; op < 256; op++) {
		a->timeout_ms[op] = sg_timeout_choose(rules, family, (uint8_t)op, &told[op]);
		a->told += told[op].recommended_s || told[op].nominal_s;
	}
}

static int check_name(const struct sg_device *d, const struct lu_name *name, const char *node,
	struct spt_error *error)
{
	char was[LU_NAME_TEXT], is[LU_NAME_TEXT];

	if (!d->known || lu_name_compare(&d->name, name) != LU_OTHER)
		return 0;
	return spt_error_set(error, -ESTALE,
		"%s is another device, %s instead of %s, and is not used; to export it, restart the "
		"daemon with it in place",
		node, lu_name_text(name, is), lu_name_text(&d->name, was));
}

/* Not a reason to refuse the device: it is read all the same. */
static void warn_of_polling(const struct sg_device *d, const struct sg_address *at)
{
	uint32_t ms = sg_poll_interval_ms("", at);

	if (ms)
		spt_device_event(d->handle,
			"the kernel polls /dev/%s every %" PRIu32 " ms and takes the unit attentions of a new "
			"medium before initiators see them; to stop that: "
			"echo 0 >/sys/block/%s/events_poll_msecs",
			at->block, ms, at->block);
}

static int fill(const struct sg_device *d, struct sg_attachment *a, struct sg_found *found,
	struct spt_error *error)
{
	struct sg_limits limits;

	sg_read_limits("", &a->address, &limits);
	int r = check_claimed(d, &a->address, &limits, error);
	if (r < 0)
		return r;
	a->control.fd = sg_node_open(a, error);
	if (a->control.fd < 0)
		return a->control.fd;
	r = sg_reserve_map(&a->control.reserve, a->control.fd, 0);
	if (r < 0)
		return spt_error_set(error, r, "the buffer of %s cannot be mapped: %s", a->node,
			strerror(-r));
	r = sg_probe(&a->control, &found->learned, &found->name, &found->pages);
	if (r < 0)
		return spt_error_set(error, r, "%s does not answer INQUIRY: %s", a->node,
			strerror(-r));
	r = check_name(d, &found->name, a->node, error);
	if (r < 0)
		return r;
	if (make_gate(a, &limits, sg_wanted_depth(d)) < 0)
		return spt_error_set(error, -ENOMEM, "out of memory");
	a->device_type = atomic_load(&found->learned.device_type);
	a->limits = (struct pass_limits){
		.max_cdb_bytes = CDB_MAX,
		.max_transfer_bytes = max_transfer(d, a, &limits),
		.third_party_copy = d->settings.third_party_copy,
	};
	fill_timeouts(d, a, found);
	warn_of_polling(d, &a->address);
	if (!d->bsg)
		return 0;
	a->pool = bsg_pool_new(a, a->depth, bsg_io);
	if (!a->pool)
		return spt_error_set(error, -ENOMEM, "out of memory");
	return bsg_node_attach(a, error);
}

int sg_attach(struct sg_device *d, const struct sg_address *address, struct sg_found *ret,
	struct spt_error *error)
{
	struct sg_attachment *a = calloc(1, sizeof(*a));

	if (!a)
		return spt_error_set(error, -ENOMEM, "out of memory");
	atomic_init(&a->refs, 1);
	atomic_init(&a->gone, false);
	a->address = *address;
	a->control.fd = -1;
	a->bsg = -1;
	snprintf(a->node, sizeof(a->node), "/dev/%s", address->sg);
	learned_init(&ret->learned);
	int r = fill(d, a, ret, error);
	if (r < 0) {
		sg_attachment_unref(a);
		return r;
	}
	ret->attachment = a;
	return 0;
}

void sg_attachment_retire(struct sg_attachment *a)
{
	if (a && a->pool)
		bsg_pool_close(a->pool);
	sg_attachment_unref(a);
}

void sg_attachment_unref(struct sg_attachment *a)
{
	if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) > 1)
		return;
	sg_reserve_unmap(&a->control.reserve);
	if (a->control.fd >= 0)
		close(a->control.fd);
	if (a->bsg >= 0)
		close(a->bsg);
	bsg_pool_free(a->pool);
	sg_gate_put(a->gate);
	free(a);
}
