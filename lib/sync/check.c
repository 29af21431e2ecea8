/* SPDX-License-Identifier: MIT */
/* What must not be sent: see request.h. */
#include <errno.h>

#include "base/util.h"
#include "scsi/cdb.h"
#include "sync/request.h"

#define CDB_BYTES_MIN 6u

/* Commands by which one logical unit reaches others (SPC-5 5.17, and what SPC-2 had before). */
static bool is_copy(uint8_t opcode)
{
	static const uint8_t COPIES[] = {
		0x18, /* COPY */
		0x39, /* COMPARE */
		0x3a, /* COPY AND VERIFY */
		0x83, /* EXTENDED COPY, POPULATE TOKEN, WRITE USING TOKEN */
		0x84, /* RECEIVE COPY RESULTS, RECEIVE ROD TOKEN INFORMATION */
	};

	for (size_t i = 0; i < ARRAY_SIZE(COPIES); i++) {
		if (COPIES[i] == opcode)
			return true;
	}
	return false;
}

static int check_support(const struct sync_request *r, const struct spt_properties *p)
{
	if (r->cdb_bytes > MAX((unsigned)p->max_cdb_bytes, SPT_PASS_THROUGH_CDB_MAX))
		return -EOPNOTSUPP;
	if (r->direction == SPT_DATA_BIDIRECTIONAL && !p->bidirectional)
		return -EOPNOTSUPP;
	if (is_copy(r->cdb[0]) && !p->third_party_copy)
		return -EOPNOTSUPP;
	return 0;
}

/* What the CDB says of the direction, as a direction; UNSPECIFIED with *ret_known set: no data. */
static uint8_t direction_of(const struct sync_request *r, const struct spt_properties *p,
	bool *ret_known)
{
	*ret_known = true;
	switch (cdb_direction(r->cdb, r->cdb_bytes, cdb_families_of(p->device_type))) {
	case CDB_IN:
		return SPT_DATA_IN;
	case CDB_OUT:
		return SPT_DATA_OUT;
	case CDB_BOTH:
		return SPT_DATA_BIDIRECTIONAL;
	case CDB_NO_DATA:
		return SPT_DATA_UNSPECIFIED;
	default:
		*ret_known = false;
		return SPT_DATA_UNSPECIFIED;
	}
}

void sync_request_settle(struct sync_request *r, const struct spt_properties *p)
{
	bool known;

	if (r->direction == SPT_DATA_UNSPECIFIED && r->cdb_bytes >= CDB_BYTES_MIN &&
		r->cdb_bytes <= SPT_CDB_MAX)
		r->direction = direction_of(r, p, &known);
}

static int check_direction(const struct sync_request *r, const struct spt_properties *p)
{
	bool known;
	uint8_t told = direction_of(r, p, &known);

	/* Neither the caller nor the CDB tells, or there is none: then nothing may be there to move. */
	if (r->direction == SPT_DATA_UNSPECIFIED || (known && told == SPT_DATA_UNSPECIFIED))
		return r->out.bytes || r->in.bytes ? -EINVAL : 0;
	if (known && r->direction != told)
		return -EINVAL;
	if ((r->direction == SPT_DATA_IN && r->out.bytes) ||
		(r->direction == SPT_DATA_OUT && r->in.bytes))
		return -EINVAL;
	return 0;
}

static int check_data(const struct sync_request *r, const struct spt_data *data,
	const struct spt_properties *p)
{
	if (data->bytes > p->max_transfer_bytes || (data->bytes && !data->data))
		return -EINVAL;
	if (r->direct && data->bytes && ((uintptr_t)data->data & p->alignment_mask))
		return -EINVAL;
	return 0;
}

int sync_request_check(const struct sync_request *r, const struct spt_properties *p)
{
	if (r->cdb_bytes < CDB_BYTES_MIN || r->cdb_bytes > SPT_CDB_MAX ||
		r->direction > SPT_DATA_BIDIRECTIONAL)
		return -EINVAL;
	int e = check_support(r, p);
	if (!e)
		e = check_data(r, &r->out, p);
	if (!e)
		e = check_data(r, &r->in, p);
	return e ? e : check_direction(r, p);
}
