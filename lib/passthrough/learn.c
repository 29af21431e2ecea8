/* SPDX-License-Identifier: MIT */
/* Reading INQUIRY and READ CAPACITY data in passing: see learn.h. */
#include "passthrough/learn.h"

#include "base/be.h"

#define INQUIRY            0x12
#define READ_CAPACITY_10   0x25
#define SERVICE_ACTION_IN  0x9e
#define READ_CAPACITY_16   0x10

void learned_init(struct learned *l)
{
	atomic_init(&l->device_type, DEVICE_TYPE_UNKNOWN);
	atomic_init(&l->block_bytes, 0);
	atomic_init(&l->blocks, 0);
}

bool learned_has_blocks(unsigned device_type)
{
	/* Disk, write-once, CD/DVD, optical memory, simplified, zoned (SPC-5 table 142). */
	return device_type == 0x00 || device_type == 0x04 || device_type == 0x05 ||
		device_type == 0x07 || device_type == 0x0e || device_type == 0x14;
}

bool learn_wants(const uint8_t *cdb)
{
	switch (cdb[0]) {
	case INQUIRY:
		return !(cdb[1] & 0x01); /* EVPD */
	case READ_CAPACITY_10:
		return true;
	case SERVICE_ACTION_IN:
		return (cdb[1] & 0x1f) == READ_CAPACITY_16;
	default:
		return false;
	}
}

static void set_capacity(struct learned *l, uint64_t last_block, uint32_t block_bytes)
{
	unsigned type = atomic_load_explicit(&l->device_type, memory_order_relaxed);

	if (!block_bytes || last_block == UINT64_MAX)
		return;
	/* 25h is GET WINDOW to a scanner. */
	if (type != DEVICE_TYPE_UNKNOWN && !learned_has_blocks(type))
		return;
	atomic_store_explicit(&l->block_bytes, block_bytes, memory_order_relaxed);
	atomic_store_explicit(&l->blocks, last_block + 1, memory_order_relaxed);
}

void learn(struct learned *l, const uint8_t *cdb, const uint8_t *data, uint32_t bytes)
{
	if (!learn_wants(cdb))
		return;
	if (cdb[0] == INQUIRY) {
		/* SPC-5 6.7.2: a peripheral qualifier other than 000b: no such device is there. */
		if (bytes >= 1 && !(data[0] >> 5))
			atomic_store_explicit(&l->device_type, data[0] & 0x1fu,
				memory_order_relaxed);
	} else if (cdb[0] == READ_CAPACITY_10) {
		/* SBC-4 5.20.2: FFFFFFFFh sends one to READ CAPACITY (16). */
		if (bytes >= 8 && be32_get(data) != UINT32_MAX)
			set_capacity(l, be32_get(data), be32_get(data + 4));
	} else if (bytes >= 12) {
		set_capacity(l, be64_get(data), be32_get(data + 8));
	}
}
