/* SPDX-License-Identifier: MIT */
/* Opening a bsg node: see bsg_node.h. */
#include "passthrough/bsg_node.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/bsg.h>
#include <scsi/sg.h>

#include "base/util.h"
#include "passthrough/sg_device.h"

#define DEADLINE_MS 10000u

/*
 * Kernels before 5.1 could do it where the adapter could; later ones say so (EOPNOTSUPP) before they
 * look at the command. This one (TEST UNIT READY) moves nothing either way.
 */
static bool bidirectional(int fd)
{
	static const uint8_t test_unit_ready[6] = { 0 };
	uint8_t in[512], out[512] = { 0 }, sense[96];
	struct sg_io_v4 io = {
		.guard = 'Q',
		.protocol = BSG_PROTOCOL_SCSI,
		.subprotocol = BSG_SUB_PROTOCOL_SCSI_CMD,
		.request_len = sizeof(test_unit_ready),
		.request = (uintptr_t)test_unit_ready,
		.max_response_len = sizeof(sense),
		.response = (uintptr_t)sense,
		.dout_xfer_len = sizeof(out),
		.dout_xferp = (uintptr_t)out,
		.din_xfer_len = sizeof(in),
		.din_xferp = (uintptr_t)in,
		.timeout = DEADLINE_MS,
	};

	return ioctl(fd, SG_IO, &io) == 0;
}

int bsg_node_attach(struct sg_attachment *a, struct spt_error *error)
{
	const struct sg_address *at = &a->address;
	char path[64];

	snprintf(path, sizeof(path), "/dev/bsg/%u:%u:%u:%" PRIu64, at->host, at->channel, at->id,
		at->lun);
	a->bsg = open(path, O_RDWR | O_CLOEXEC);
	if (a->bsg < 0)
		return spt_error_set(error, -errno, "%s: %s%s", path, strerror(errno),
			errno == ENOENT ? "; has the kernel no CONFIG_BLK_DEV_BSG?" : "");
	a->limits.bidirectional = bidirectional(a->bsg);
	return 0;
}
