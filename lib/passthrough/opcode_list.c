/* SPDX-License-Identifier: MIT */
/* The list of supported commands without those that are refused: see opcode_list.h. */
#include "passthrough/opcode_list.h"

#include <string.h>

#include "base/be.h"
#include "base/util.h"

#define MAINTENANCE_IN	   0xa3
#define REPORT_OPCODES	   0x0c
#define OPTIONS_MASK	   0x07u
#define ROOM_BYTES	   16384u /* more than 800 commands */
#define HEADER_BYTES	   4u
#define DESCRIPTOR_BYTES   8u
#define TIMEOUTS_BYTES	   12u
#define SUPPORT_MASK	   0x07u
#define NOT_SUPPORTED	   0x01u
#define CTDP_OF_ONE	   0x80u
#define CTDP_OF_DESCRIPTOR 0x02u

static bool asks(const uint8_t *cdb)
{
	return cdb[0] == MAINTENANCE_IN && (cdb[1] & 0x1f) == REPORT_OPCODES;
}

static bool asks_all(const uint8_t *cdb)
{
	return asks(cdb) && (cdb[2] & OPTIONS_MASK) == 0;
}

uint32_t opcode_list_room(const struct pass_limits *limits, const uint8_t *cdb)
{
	return asks_all(cdb) ? MIN(ROOM_BYTES, limits->max_transfer_bytes) : 0;
}

void opcode_list_widen(const struct pass_limits *limits, uint8_t *cdb, uint32_t in_bytes)
{
	uint32_t room = opcode_list_room(limits, cdb);

	if (room && in_bytes >= room)
		be32_put(cdb + 6, MAX(room, be32_get(cdb + 6)));
}

static size_t descriptor_bytes(const uint8_t *p)
{
	return DESCRIPTOR_BYTES + (p[5] & CTDP_OF_DESCRIPTOR ? TIMEOUTS_BYTES : 0);
}

/* The descriptors that stay move up to the beginning; how many bytes they are. */
static uint32_t compact(const struct pass_limits *limits, uint8_t *list, size_t bytes)
{
	uint8_t *to = list;

	for (size_t at = 0; bytes - at >= DESCRIPTOR_BYTES;) {
		const uint8_t *from = list + at;
		size_t whole = MIN(descriptor_bytes(from), bytes - at);

		at += whole;
		if (pass_refuses(limits, from[0], be16_get(from + 6)))
			continue;
		memmove(to, from, whole);
		to += whole;
	}
	return (uint32_t)(to - list);
}

static void hide_in_list(const struct pass_limits *limits, struct spt_task *task)
{
	uint8_t *data = task->in.data;
	uint32_t allocation = be32_get(task->cdb + 6);

	/* All of it is there, or it is no list: then it stays as it is, but for its length. */
	if (task->in.bytes >= HEADER_BYTES && be32_get(data) <= task->in.bytes - HEADER_BYTES) {
		uint32_t left = compact(limits, data + HEADER_BYTES, be32_get(data));
		be32_put(data, left);
		task->in.bytes = HEADER_BYTES + left;
	}
	task->in.bytes = MIN(task->in.bytes, allocation);
	task->in_would_bytes = task->in.bytes;
}

/* The format of one command: CTDP and SUPPORT, and the length of a CDB usage map. */
static void hide_one(const struct pass_limits *limits, struct spt_task *task)
{
	uint8_t *data = task->in.data;
	uint16_t cdb_bytes = task->in.bytes >= HEADER_BYTES ? be16_get(data + 2) : 0;

	if (task->in.bytes < 2 || !pass_refuses(limits, task->cdb[3], cdb_bytes))
		return;
	data[1] = (uint8_t)((data[1] & ~(SUPPORT_MASK | CTDP_OF_ONE)) | NOT_SUPPORTED);
	if (task->in.bytes >= HEADER_BYTES)
		be16_put(data + 2, 0);
	task->in.bytes = MIN(task->in.bytes, HEADER_BYTES);
	task->in_would_bytes = MIN(task->in_would_bytes, (uint64_t)HEADER_BYTES);
}

void opcode_list_hide(const struct pass_limits *limits, struct spt_task *task, bool good)
{
	if (!asks(task->cdb) || !task->expected_in_bytes)
		return;
	if (good && asks_all(task->cdb))
		hide_in_list(limits, task);
	else if (good)
		hide_one(limits, task);
	else if (asks_all(task->cdb))
		task->in_would_bytes =
			MIN(task->in_would_bytes, (uint64_t)task->expected_in_bytes);
	task->in.bytes = MIN(task->in.bytes, task->expected_in_bytes);
}
