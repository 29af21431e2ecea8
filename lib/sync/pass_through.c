/* SPDX-License-Identifier: MIT */
/*
 * The four structures of <spt/pass_through.h>, each into a request and back. What is wrong with the
 * block of memory is found here, what is wrong with the command in check.c.
 */
#include <spt/pass_through.h>

#include <errno.h>

#include "sync/handle.h"
#include "sync/request.h"

/* An area of the caller's block; @beyond: what to say when it does not lie within. */
struct area {
	size_t offset;
	size_t bytes;
	int beyond;
};

struct block {
	uint8_t *start;
	size_t bytes;
	size_t head_bytes; /* the structure */
};

static int place(const struct block *block, const struct area *area, uint8_t **ret)
{
	*ret = NULL;
	if (!area->bytes)
		return 0;
	if (area->offset < block->head_bytes)
		return -EINVAL;
	if (area->offset > block->bytes || area->bytes > block->bytes - area->offset)
		return area->beyond;
	*ret = block->start + area->offset;
	return 0;
}

static bool overlap(const struct area *a, const struct area *b)
{
	return a->bytes && b->bytes && a->offset < b->offset + b->bytes &&
		b->offset < a->offset + a->bytes;
}

static int place_sense(const struct block *block, size_t offset, struct sync_request *r)
{
	const struct area sense = { offset, r->sense_bytes, -EMSGSIZE };

	return place(block, &sense, &r->sense);
}

/* The data of one area, by the settled direction. */
static struct spt_data *data_of(struct sync_request *r)
{
	return r->direction == SPT_DATA_OUT ? &r->out : &r->in;
}

/* What the request without extensions has moved. */
static uint32_t moved(const struct sync_request *r)
{
	return r->direction == SPT_DATA_OUT ? r->out_moved : r->in_moved;
}

static void settle(const struct spt_handle *h, struct sync_request *r)
{
	struct spt_properties p;

	if (r->direction != SPT_DATA_UNSPECIFIED)
		return;
	spt_device_properties(h->device, &p);
	sync_request_settle(r, &p);
}

int spt_pass_through(struct spt_handle *h, struct spt_pass_through *q, size_t bytes)
{
	const struct block block = { (uint8_t *)q, bytes, sizeof(*q) };

	if (bytes < sizeof(*q) || q->length != sizeof(*q) || q->data_in > SPT_DATA_UNSPECIFIED ||
		q->cdb_length > sizeof(q->cdb))
		return -EINVAL;
	struct sync_request r = {
		.cdb = q->cdb,
		.cdb_bytes = q->cdb_length,
		.direction = q->data_in,
		.sense_bytes = q->sense_info_length,
		.timeout_s = q->timeout_s,
	};
	settle(h, &r);
	struct spt_data *d = data_of(&r);
	const struct area data = { q->data_buffer_offset, q->data_transfer_length,
		d == &r.out ? -EINVAL : -EMSGSIZE };
	const struct area sense = { q->sense_info_offset, q->sense_info_length, -EMSGSIZE };
	int e = place(&block, &sense, &r.sense);
	if (!e)
		e = place(&block, &data, &d->data);
	if (!e && overlap(&data, &sense))
		e = -EINVAL;
	if (e)
		return e;
	d->bytes = q->data_transfer_length;
	e = sync_request_run(h, &r);
	if (e)
		return e;
	q->scsi_status = r.status;
	q->sense_info_length = r.sense_moved;
	q->data_transfer_length = moved(&r);
	return 0;
}

int spt_pass_through_direct(struct spt_handle *h, struct spt_pass_through_direct *q, size_t bytes)
{
	const struct block block = { (uint8_t *)q, bytes, sizeof(*q) };

	if (bytes < sizeof(*q) || q->length != sizeof(*q) || q->data_in > SPT_DATA_UNSPECIFIED ||
		q->cdb_length > sizeof(q->cdb))
		return -EINVAL;
	struct sync_request r = {
		.cdb = q->cdb,
		.cdb_bytes = q->cdb_length,
		.direction = q->data_in,
		.direct = true,
		.sense_bytes = q->sense_info_length,
		.timeout_s = q->timeout_s,
	};
	settle(h, &r);
	*data_of(&r) = (struct spt_data){ q->data_buffer, q->data_transfer_length };
	int e = place_sense(&block, q->sense_info_offset, &r);
	if (!e)
		e = sync_request_run(h, &r);
	if (e)
		return e;
	q->scsi_status = r.status;
	q->sense_info_length = r.sense_moved;
	q->data_transfer_length = moved(&r);
	return 0;
}

int spt_pass_through_ex(struct spt_handle *h, struct spt_pass_through_ex *q, size_t bytes)
{
	const struct block block = { (uint8_t *)q, bytes, sizeof(*q) };

	if (bytes < sizeof(*q) || q->length != sizeof(*q) || q->version != 0)
		return -EINVAL;
	struct sync_request r = {
		.cdb = q->cdb,
		.cdb_bytes = q->cdb_length,
		.direction = q->data_direction,
		.out.bytes = q->data_out_transfer_length,
		.in.bytes = q->data_in_transfer_length,
		.sense_bytes = q->sense_info_length,
		.timeout_s = q->timeout_s,
	};
	const struct area sense = { q->sense_info_offset, r.sense_bytes, -EMSGSIZE };
	const struct area out = { q->data_out_buffer_offset, r.out.bytes, -EINVAL };
	const struct area in = { q->data_in_buffer_offset, r.in.bytes, -EMSGSIZE };
	settle(h, &r);
	int e = place(&block, &sense, &r.sense);
	if (!e)
		e = place(&block, &out, &r.out.data);
	if (!e)
		e = place(&block, &in, &r.in.data);
	if (!e && (overlap(&in, &sense) || overlap(&in, &out) || overlap(&out, &sense)))
		e = -EINVAL;
	if (!e)
		e = sync_request_run(h, &r);
	if (e)
		return e;
	q->scsi_status = r.status;
	q->sense_info_length = r.sense_moved;
	q->data_out_transfer_length = r.out_moved;
	q->data_in_transfer_length = r.in_moved;
	return 0;
}

int spt_pass_through_direct_ex(struct spt_handle *h, struct spt_pass_through_direct_ex *q,
	size_t bytes)
{
	const struct block block = { (uint8_t *)q, bytes, sizeof(*q) };

	if (bytes < sizeof(*q) || q->length != sizeof(*q) || q->version != 0)
		return -EINVAL;
	struct sync_request r = {
		.cdb = q->cdb,
		.cdb_bytes = q->cdb_length,
		.direction = q->data_direction,
		.direct = true,
		.out = { q->data_out_buffer, q->data_out_transfer_length },
		.in = { q->data_in_buffer, q->data_in_transfer_length },
		.sense_bytes = q->sense_info_length,
		.timeout_s = q->timeout_s,
	};
	settle(h, &r);
	int e = place_sense(&block, q->sense_info_offset, &r);
	if (!e)
		e = sync_request_run(h, &r);
	if (e)
		return e;
	q->scsi_status = r.status;
	q->sense_info_length = r.sense_moved;
	q->data_out_transfer_length = r.out_moved;
	q->data_in_transfer_length = r.in_moved;
	return 0;
}
