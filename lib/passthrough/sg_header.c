/* SPDX-License-Identifier: MIT */
/*
 * sg headers: see sg_header.h. The law of this file: what did not reach the device, or did not come
 * back from it, is never GOOD; and it is BUSY only where the device has surely not executed it,
 * because an initiator repeats a command that was answered BUSY, and a tape block must not be
 * written twice.
 */
#include "passthrough/sg_header.h"

#include <errno.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "passthrough/judge.h"

/* Host adapter results (the kernel's DID_ codes). */
enum {
	HOST_OK = 0x00,
	HOST_PASSTHROUGH = 0x0a,
};

#define TYPE_TAPE 0x01

#define DRIVER_MASK  0x0f /* the high nibble was a suggestion once */
#define DRIVER_SENSE 0x08

#define ABORTED  SPT_CHECK_CONDITION, SPT_KEY_ABORTED_COMMAND
#define HARDWARE SPT_CHECK_CONDITION, SPT_KEY_HARDWARE_ERROR
#define UNREADY  SPT_CHECK_CONDITION, SPT_KEY_NOT_READY
#define ILLEGAL  SPT_CHECK_CONDITION, SPT_KEY_ILLEGAL_REQUEST

struct row {
	int code;
	uint8_t status, key;
	spt_asc_t asc;
};

static const struct row HOST[] = {
	/* NO_CONNECT: nobody answers at its address. NOT READY, CAUSE NOT REPORTABLE */
	{ 0x01, UNREADY, 0x0400 },
	/* BUS_BUSY: never sent */
	{ 0x02, SPT_BUSY, 0, 0 },
	/* TIME_OUT: taken from the device by error recovery. COMMAND TIMEOUT DURING PROCESSING */
	{ 0x03, ABORTED, 0x2e02 },
	/* BAD_TARGET: the adapter knows no such device (any more) */
	{ 0x04, UNREADY, 0x0400 },
	/* ABORT: by the driver or by error recovery. NO ADDITIONAL SENSE INFORMATION */
	{ 0x05, ABORTED, 0x0000 },
	/* PARITY: corrupted on the way. SCSI PARITY ERROR */
	{ 0x06, ABORTED, 0x4700 },
	/* ERROR: inside the adapter, not known how far it came. INTERNAL TARGET FAILURE */
	{ 0x07, HARDWARE, 0x4400 },
	/* RESET: killed by a reset that somebody made; the unit attention follows by itself */
	{ 0x08, ABORTED, 0x0000 },
	/* BAD_INTR: the adapter is confused */
	{ 0x09, HARDWARE, 0x4400 },
	/* SOFT_ERROR: the driver wants a retry, which is the initiator's to decide */
	{ 0x0b, ABORTED, 0x4400 },
	/* IMM_RETRY, REQUEUE: given back before it was sent */
	{ 0x0c, SPT_BUSY, 0, 0 },
	{ 0x0d, SPT_BUSY, 0, 0 },
	/* TRANSPORT_DISRUPTED: the link broke with the command under way. LOGICAL UNIT
	 * COMMUNICATION FAILURE */
	{ 0x0e, ABORTED, 0x0800 },
	/* TRANSPORT_FAILFAST: the link has been down for longer than the transport class waits */
	{ 0x0f, UNREADY, 0x0400 },
	/* TRANSPORT_MARGINAL: the link is not to be relied on */
	{ 0x14, ABORTED, 0x0800 },
};

/* Results of the mid-layer (kernels before 5.14; later ones give OK and SENSE only). */
static const struct row DRIVER[] = {
	{ 0x01, SPT_BUSY, 0, 0 },  /* BUSY */
	{ 0x02, ABORTED, 0x4400 }, /* SOFT */
	{ 0x03, HARDWARE, 0x4400 }, /* MEDIA: with no sense to tell more */
	{ 0x04, HARDWARE, 0x4400 }, /* ERROR */
	{ 0x05, ILLEGAL, 0x2400 }, /* INVALID */
	{ 0x06, ABORTED, 0x2e02 }, /* TIMEOUT */
	{ 0x07, HARDWARE, 0x4400 }, /* HARD */
};

static const struct row ERRNO[] = {
	{ ENODEV, UNREADY, 0x0403 },  /* taken away. MANUAL INTERVENTION REQUIRED */
	{ ENXIO, UNREADY, 0x0403 },   /* likewise */
	{ EINVAL, ILLEGAL, 0x2400 },  /* more than the adapter can move, or a CDB it cannot hold */
	{ EMSGSIZE, ILLEGAL, 0x2000 }, /* a CDB shorter than 6 or longer than 252 bytes */
	{ ENOMEM, SPT_BUSY, 0, 0 },   /* the kernel has no pages for the transfer now; not sent */
	{ EAGAIN, SPT_BUSY, 0, 0 },
	{ EDOM, SPT_BUSY, 0, 0 },     /* 16 requests are outstanding on the descriptor; not sent */
	{ EBUSY, SPT_BUSY, 0, 0 },
};

static bool find(const struct row *rows, size_t n, int code, struct sg_verdict *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].code != code)
			continue;
		*ret = (struct sg_verdict){
			.status = rows[i].status,
			.key = rows[i].key,
			.asc = rows[i].asc,
			.own_sense = rows[i].status == SPT_CHECK_CONDITION,
		};
		return true;
	}
	return false;
}

static const struct sg_verdict UNKNOWN = {
	.status = SPT_CHECK_CONDITION,
	.key = SPT_KEY_HARDWARE_ERROR,
	.asc = 0x4400, /* INTERNAL TARGET FAILURE */
	.own_sense = true,
};

struct sg_verdict sg_verdict_of(unsigned status, unsigned host_status, unsigned driver_status,
	unsigned sense_bytes)
{
	unsigned driver = driver_status & DRIVER_MASK;
	struct sg_verdict v = UNKNOWN;

	/* The device has spoken: whatever the adapter thinks of it, this is what it said. */
	if (status == SPT_CHECK_CONDITION && sense_bytes)
		return (struct sg_verdict){ .status = SPT_CHECK_CONDITION, .moved = true };
	if (host_status != HOST_OK && host_status != HOST_PASSTHROUGH) {
		/* A status that is no success stands; older kernels say the same by both. */
		if (!find(HOST, ARRAY_SIZE(HOST), (int)host_status, &v) && status != SPT_GOOD &&
			status != SPT_CHECK_CONDITION)
			v = (struct sg_verdict){ .status = (uint8_t)status };
		return v;
	}
	if (driver && driver != DRIVER_SENSE) {
		find(DRIVER, ARRAY_SIZE(DRIVER), (int)driver, &v);
		return v;
	}
	if (status == SPT_CHECK_CONDITION)
		return v; /* and no sense: its reason is lost */
	return (struct sg_verdict){ .status = (uint8_t)status, .moved = true };
}

struct sg_verdict sg_verdict_of_errno(int err)
{
	struct sg_verdict v = UNKNOWN;

	find(ERRNO, ARRAY_SIZE(ERRNO), err, &v);
	return v;
}

void sg_header_fill(sg_io_hdr_t *h, struct spt_task *task, uint32_t timeout_ms, int slot)
{
	*h = (sg_io_hdr_t){
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_NONE,
		.cmd_len = (unsigned char)pass_cdb_length(task),
		.mx_sb_len = SPT_SENSE_MAX,
		.cmdp = task->cdb,
		.sbp = task->sense,
		.timeout = timeout_ms,
		.flags = SG_QUEUE_AT_TAIL,
		.pack_id = slot,
	};
	if (task->out.bytes) {
		h->dxfer_direction = SG_DXFER_TO_DEV;
		h->dxfer_len = task->out.bytes;
		h->dxferp = task->out.data;
	} else if (task->in.bytes) {
		h->dxfer_direction = SG_DXFER_FROM_DEV;
		h->dxfer_len = task->in.bytes;
		h->dxferp = task->in.data;
	}
}

static uint32_t moved_of(uint32_t whole, int left)
{
	return whole - (left < 0 ? 0 : MIN((uint32_t)left, whole));
}

void sg_count_moved(struct spt_task *task, int in_left, int out_left, bool moved)
{
	task->out_would_bytes = moved ? moved_of(task->out.bytes, out_left) : 0;
	task->in.bytes = moved ? moved_of(task->in.bytes, in_left) : 0;
	task->in_would_bytes = task->in.bytes;
}

/* The blocks of a READ or WRITE whose form of 6, 10, 12 or 16 bytes this is. */
static uint64_t blocks_of(const uint8_t *cdb)
{
	/* With protection information (RDPROTECT, WRPROTECT) they move more than blocks. */
	bool plain = !(cdb[1] >> 5);

	switch (cdb[0] >> 5) {
	case 0:
		return cdb[4] ? cdb[4] : 256;
	case 1:
		return plain ? be16_get(cdb + 7) : 0;
	case 5:
		return plain ? be32_get(cdb + 6) : 0;
	default:
		return plain ? be32_get(cdb + 10) : 0;
	}
}

/* SSC-5 5.3, 5.6: with FIXED the unit is a mode parameter, which nobody knows but the drive. */
static uint64_t tape_bytes_of(const uint8_t *cdb)
{
	const uint8_t *length = cdb + (cdb[0] >> 5 ? 12 : 2);

	return cdb[1] & 0x01 ? 0 : (uint32_t)length[0] << 16 | be16_get(length + 1);
}

static uint64_t transfer(const uint8_t *cdb, unsigned device_type, uint32_t block_bytes)
{
	if (device_type == TYPE_TAPE)
		return cdb[0] >> 5 == 0 || cdb[0] >> 5 == 4 ? tape_bytes_of(cdb) : 0;
	return blocks_of(cdb) * block_bytes;
}

uint64_t sg_read_transfer(const uint8_t *cdb, unsigned device_type, uint32_t block_bytes)
{
	bool read = cdb[0] == 0x08 || cdb[0] == 0x28 || cdb[0] == 0xa8 || cdb[0] == 0x88;

	return read ? transfer(cdb, device_type, block_bytes) : 0;
}

uint64_t sg_write_transfer(const uint8_t *cdb, unsigned device_type, uint32_t block_bytes)
{
	bool write = cdb[0] == 0x0a || cdb[0] == 0x2a || cdb[0] == 0xaa || cdb[0] == 0x8a;

	return write ? transfer(cdb, device_type, block_bytes) : 0;
}
