/* SPDX-License-Identifier: MIT */
/* One command by each of the synchronous calls: see calls.h. */
#include "tools/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* As the caller wants it: data that goes nowhere is no direction. */
static uint8_t direction_of(const struct raw_command *c)
{
	if (c->out_bytes && c->in_bytes)
		return SPT_DATA_BIDIRECTIONAL;
	if (c->in_bytes)
		return SPT_DATA_IN;
	return c->out_bytes ? SPT_DATA_OUT : SPT_DATA_UNSPECIFIED;
}

/* The two without extensions take neither. */
static bool is_plain(const struct raw_command *c)
{
	return c->cdb_bytes <= SPT_PASS_THROUGH_CDB_MAX && !(c->out_bytes && c->in_bytes);
}

static int send_buffered(struct spt_handle *handle, struct raw_command *c)
{
	uint32_t data_bytes = c->out_bytes + c->in_bytes;
	size_t bytes = sizeof(struct spt_pass_through) + SPT_SENSE_MAX + data_bytes;

	if (!is_plain(c))
		return -EOPNOTSUPP;
	AUTO_FREE struct spt_pass_through *q = calloc(1, bytes);
	if (!q)
		return -ENOMEM;
	uint8_t *sense = (uint8_t *)(q + 1), *data = sense + SPT_SENSE_MAX;
	*q = (struct spt_pass_through){
		.length = sizeof(*q),
		.cdb_length = (uint8_t)c->cdb_bytes,
		.sense_info_length = SPT_SENSE_MAX,
		.data_in = direction_of(c),
		.data_transfer_length = data_bytes,
		.timeout_s = c->timeout_s,
		.sense_info_offset = (size_t)(sense - (uint8_t *)q),
		.data_buffer_offset = (size_t)(data - (uint8_t *)q),
	};
	memcpy(q->cdb, c->cdb, c->cdb_bytes);
	if (c->out_bytes)
		memcpy(data, c->out, c->out_bytes);
	int r = spt_pass_through(handle, q, bytes);
	if (r < 0)
		return r;
	c->status = q->scsi_status;
	c->sense_bytes = q->sense_info_length;
	memcpy(c->sense, sense, c->sense_bytes);
	if (c->in_bytes)
		memcpy(c->in, data, q->data_transfer_length);
	*(c->in_bytes ? &c->in_moved : &c->out_moved) = q->data_transfer_length;
	return 0;
}

static int send_direct(struct spt_handle *handle, struct raw_command *c)
{
	struct {
		struct spt_pass_through_direct q;
		uint8_t sense[SPT_SENSE_MAX];
	} b = { .q = {
		.length = sizeof(b.q),
		.cdb_length = (uint8_t)c->cdb_bytes,
		.sense_info_length = SPT_SENSE_MAX,
		.data_in = direction_of(c),
		.data_transfer_length = c->in_bytes + c->out_bytes,
		.data_buffer = c->in_bytes ? c->in : c->out,
		.timeout_s = c->timeout_s,
		.sense_info_offset = offsetof(__typeof__(b), sense),
	} };

	if (!is_plain(c))
		return -EOPNOTSUPP;
	memcpy(b.q.cdb, c->cdb, c->cdb_bytes);
	int r = spt_pass_through_direct(handle, &b.q, sizeof(b));
	if (r < 0)
		return r;
	c->status = b.q.scsi_status;
	c->sense_bytes = b.q.sense_info_length;
	memcpy(c->sense, b.sense, c->sense_bytes);
	*(c->in_bytes ? &c->in_moved : &c->out_moved) = b.q.data_transfer_length;
	return 0;
}

static int send_ex(struct spt_handle *handle, struct raw_command *c)
{
	size_t bytes = sizeof(struct spt_pass_through_ex) + SPT_SENSE_MAX + c->out_bytes +
		c->in_bytes;
	AUTO_FREE struct spt_pass_through_ex *q = calloc(1, bytes);

	if (!q)
		return -ENOMEM;
	uint8_t *sense = (uint8_t *)(q + 1), *out = sense + SPT_SENSE_MAX, *in = out + c->out_bytes;
	*q = (struct spt_pass_through_ex){
		.length = sizeof(*q),
		.cdb_length = c->cdb_bytes,
		.sense_info_length = SPT_SENSE_MAX,
		.data_direction = direction_of(c),
		.data_out_transfer_length = c->out_bytes,
		.data_in_transfer_length = c->in_bytes,
		.timeout_s = c->timeout_s,
		.sense_info_offset = (size_t)(sense - (uint8_t *)q),
		.data_out_buffer_offset = (size_t)(out - (uint8_t *)q),
		.data_in_buffer_offset = (size_t)(in - (uint8_t *)q),
	};
	memcpy(q->cdb, c->cdb, c->cdb_bytes);
	if (c->out_bytes)
		memcpy(out, c->out, c->out_bytes);
	int r = spt_pass_through_ex(handle, q, bytes);
	if (r < 0)
		return r;
	c->status = q->scsi_status;
	c->sense_bytes = q->sense_info_length;
	memcpy(c->sense, sense, c->sense_bytes);
	c->out_moved = q->data_out_transfer_length;
	c->in_moved = q->data_in_transfer_length;
	if (c->in_moved)
		memcpy(c->in, in, c->in_moved);
	return 0;
}

static int send_direct_ex(struct spt_handle *handle, struct raw_command *c)
{
	struct {
		struct spt_pass_through_direct_ex q;
		uint8_t sense[SPT_SENSE_MAX];
	} b = { .q = {
		.length = sizeof(b.q),
		.cdb_length = c->cdb_bytes,
		.sense_info_length = SPT_SENSE_MAX,
		.data_direction = direction_of(c),
		.data_out_transfer_length = c->out_bytes,
		.data_in_transfer_length = c->in_bytes,
		.data_out_buffer = c->out,
		.data_in_buffer = c->in,
		.timeout_s = c->timeout_s,
		.sense_info_offset = offsetof(__typeof__(b), sense),
	} };

	memcpy(b.q.cdb, c->cdb, c->cdb_bytes);
	int r = spt_pass_through_direct_ex(handle, &b.q, sizeof(b));
	if (r < 0)
		return r;
	c->status = b.q.scsi_status;
	c->sense_bytes = b.q.sense_info_length;
	memcpy(c->sense, b.sense, c->sense_bytes);
	c->out_moved = b.q.data_out_transfer_length;
	c->in_moved = b.q.data_in_transfer_length;
	return 0;
}

raw_call raw_call_find(const char *name)
{
	static const struct {
		const char *name;
		raw_call call;
	} CALLS[] = {
		{ "buffered", send_buffered },
		{ "direct", send_direct },
		{ "ex", send_ex },
		{ "direct-ex", send_direct_ex },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CALLS); i++) {
		if (!strcmp(CALLS[i].name, name))
			return CALLS[i].call;
	}
	return NULL;
}
