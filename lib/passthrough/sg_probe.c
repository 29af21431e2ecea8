/* SPDX-License-Identifier: MIT */
/*
 * Questions at start-up: see sg_probe.h. A unit attention that they meet is older than any nexus of
 * ours, and each nexus is told of a power on when it begins; so it is no loss.
 */
#include "passthrough/sg_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <spt/sense.h>

#include "passthrough/judge.h"
#include "passthrough/sg_header.h"

#define DEADLINE_MS 10000u
#define ATTEMPTS    4 /* unit attentions may be queued: power on, medium, parameters */

/* GOOD data into @data: how many bytes, or -errno. -EIO: another status. */
static int ask(int fd, const uint8_t *cdb, uint8_t *data, uint32_t bytes)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct spt_task task = { .cdb_bytes = 16 };
		struct spt_sense sense;
		sg_io_hdr_t h;

		memcpy(task.cdb, cdb, 16);
		memset(data, 0, bytes);
		task.in = (struct spt_data){ .data = data, .bytes = bytes };
		sg_header_fill(&h, &task, DEADLINE_MS, 0);
		if (ioctl(fd, SG_IO, &h) < 0)
			return -errno;
		struct sg_verdict v =
			sg_verdict_of(h.status, h.host_status, h.driver_status, h.sb_len_wr);
		if (v.status == SPT_GOOD) {
			sg_count_moved(&task, h.resid, v.moved);
			return (int)task.in.bytes;
		}
		if (v.own_sense || spt_sense_decode(task.sense, h.sb_len_wr, &sense) < 0 ||
			sense.key != SPT_KEY_UNIT_ATTENTION)
			return -EIO;
	}
	return -EIO;
}

int sg_probe(int fd, struct learned *ret)
{
	static const uint8_t inquiry[16] = { 0x12, 0, 0, 0, 36 };
	static const uint8_t capacity_10[16] = { 0x25 };
	static const uint8_t capacity_16[16] = { 0x9e, 0x10, [13] = 32 };
	uint8_t data[36];
	int n = ask(fd, inquiry, data, 36);

	if (n < 0)
		return n;
	learn(ret, inquiry, data, (uint32_t)n);
	if (!learned_has_blocks(atomic_load(&ret->device_type)))
		return 0;
	n = ask(fd, capacity_10, data, 8);
	if (n > 0)
		learn(ret, capacity_10, data, (uint32_t)n);
	if (n < 0 || atomic_load(&ret->blocks))
		return 0; /* no medium perhaps: not a reason to refuse the device */
	n = ask(fd, capacity_16, data, 32);
	if (n > 0)
		learn(ret, capacity_16, data, (uint32_t)n);
	return 0;
}
