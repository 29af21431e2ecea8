/* SPDX-License-Identifier: MIT */
/*
 * Questions to a device that was found: see sg_probe.h. A unit attention that they meet is older than any nexus of
 * ours, and each nexus is told of a power on when it begins and when the device comes back; so it is
 * no loss.
 */
#include "passthrough/sg_probe.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <spt/sense.h>

#include "base/be.h"
#include "base/util.h"
#include "passthrough/judge.h"
#include "passthrough/sg_header.h"
#include "passthrough/sg_opcodes.h"

#define DEADLINE_MS 10000u
#define ALL_BYTES   16384u /* more than 800 commands */
#define ATTEMPTS    4 /* unit attentions may be queued: power on, medium, parameters */

/* GOOD data into @data: how many bytes, or -errno. -EIO: another status. */
static int ask(struct sg_control *control, const uint8_t *cdb, uint8_t *data, uint32_t bytes)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		struct spt_task task = { .cdb_bytes = 16 };
		struct spt_sense sense;
		sg_io_hdr_t h;

		memcpy(task.cdb, cdb, 16);
		memset(data, 0, bytes);
		task.in = (struct spt_data){ .data = data, .bytes = bytes };
		sg_header_fill(&h, &task, DEADLINE_MS, 0);
		sg_reserve_prepare(&control->reserve, &h); /* nobody else can have it */
		if (ioctl(control->fd, SG_IO, &h) < 0)
			return -errno;
		struct sg_verdict v =
			sg_verdict_of(h.status, h.host_status, h.driver_status, h.sb_len_wr);
		if (v.status == SPT_GOOD) {
			sg_count_moved(&task, h.resid, 0, v.moved);
			return (int)task.in.bytes;
		}
		if (v.own_sense || spt_sense_decode(task.sense, h.sb_len_wr, &sense) < 0 ||
			sense.key != SPT_KEY_UNIT_ATTENTION)
			return -EIO;
	}
	return -EIO;
}

static void read_capacity(struct sg_control *control, struct learned *ret)
{
	static const uint8_t capacity_10[16] = { 0x25 };
	static const uint8_t capacity_16[16] = { 0x9e, 0x10, [13] = 32 };
	uint8_t data[32];

	int n = ask(control, capacity_10, data, 8);
	if (n > 0)
		learn(ret, capacity_10, data, (uint32_t)n);
	if (n < 0 || atomic_load(&ret->blocks))
		return; /* no medium perhaps: not a reason to refuse the device */
	n = ask(control, capacity_16, data, 32);
	if (n > 0)
		learn(ret, capacity_16, data, (uint32_t)n);
}

/* A device that ignores EVPD sends its standard data: no page then. */
static void read_page(struct sg_control *control, uint8_t code, struct sg_page *ret)
{
	const uint8_t cdb[16] = { 0x12, 0x01, code, 0, 252 };

	int n = ask(control, cdb, ret->data, 252);
	if (n >= 4 && be16_get(ret->data + 2) + 4u > 252) {
		uint8_t longer[16] = { 0x12, 0x01, code };
		be16_put(longer + 3, sizeof(ret->data));
		n = ask(control, longer, ret->data, sizeof(ret->data));
	}
	ret->bytes = n >= 4 && ret->data[1] == code ? (uint16_t)n : 0;
}

int sg_probe(struct sg_control *control, struct learned *learned, struct lu_name *name,
	struct sg_pages *pages)
{
	static const uint8_t inquiry[16] = { 0x12, 0, 0, 0, 36 };
	static const uint8_t whole_inquiry[16] = { 0x12, 0, 0, 0, 252 };
	struct sg_page *standard = &pages->standard;

	/* 36 bytes first: there are devices that stop at any other length. */
	int n = ask(control, inquiry, standard->data, 36);
	if (n < 0)
		return n;
	if (n > 4 && standard->data[4] + 5u > 36) {
		struct sg_page whole;
		int more = ask(control, whole_inquiry, whole.data, 252);
		if (more > n) {
			*standard = whole;
			n = more;
		}
	}
	standard->bytes = (uint16_t)n;
	learn(learned, inquiry, standard->data, (uint32_t)n);
	read_page(control, 0x80, &pages->serial);
	read_page(control, 0x83, &pages->identification);
	*name = (struct lu_name){ 0 };
	lu_name_inquiry(name, standard->data, (size_t)n);
	lu_name_vpd_80(name, pages->serial.data, pages->serial.bytes);
	lu_name_vpd_83(name, pages->identification.data, pages->identification.bytes);
	if (learned_has_blocks(atomic_load(&learned->device_type)))
		read_capacity(control, learned);
	return 0;
}

/* There is a device for every command that stops at it; those of SPC-3 and later may be asked. */
static bool may_ask(const struct sg_pages *pages)
{
	return pages->standard.bytes >= 3 && pages->standard.data[2] >= 0x05;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* One by one, of a device that does not tell the times of all commands together. */
static void ask_each(struct sg_control *control, enum sg_family family, struct sg_told told[256])
{
	uint64_t end_ms = now_ms() + DEADLINE_MS;
	uint8_t cdb[16], data[64];
	unsigned refused = 0;

	for (unsigned op = 0; op < 0xc0 && refused < 3 && now_ms() < end_ms; op++) {
		if (sg_class_of(family, (uint8_t)op) == SG_CLASS_SHORT)
			continue;
		sg_opcodes_ask_one(cdb, (uint8_t)op, sizeof(data));
		int n = ask(control, cdb, data, sizeof(data));
		if (n < 0)
			refused++; /* one with service actions, or it tells nothing at all */
		else if (sg_opcodes_read_one(data, (size_t)n, (uint8_t)op, told))
			refused = 0;
	}
}

void sg_probe_timeouts(struct sg_control *control, const struct sg_pages *pages,
	struct sg_told told[256])
{
	AUTO_FREE uint8_t *data = malloc(ALL_BYTES);
	uint8_t cdb[16];

	if (!data || !may_ask(pages))
		return;
	sg_opcodes_ask_all(cdb, ALL_BYTES);
	int n = ask(control, cdb, data, ALL_BYTES);
	if (n < 0)
		ask_each(control, sg_family_of(pages->standard.data[0]), told);
	else
		sg_opcodes_read_all(data, (size_t)n, told);
}
