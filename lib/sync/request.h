/* SPDX-License-Identifier: MIT */
/*
 * A synchronous request without its clothes: what the four structures of <spt/pass_through.h> have
 * in common. check() looks and changes nothing; run() sends it.
 */
#ifndef SYNC_REQUEST_H
#define SYNC_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/pass_through.h>

struct sync_request {
	const uint8_t *cdb;
	uint32_t cdb_bytes;
	uint8_t direction; /* enum spt_data_direction */
	bool direct;       /* @out and @in are used in place */
	struct spt_data out, in;
	uint8_t *sense;
	uint8_t sense_bytes; /* room */
	uint32_t timeout_s;

	/* The result. */
	uint8_t status;
	uint8_t sense_moved;
	uint32_t out_moved, in_moved;
};

/* SPT_DATA_UNSPECIFIED becomes what the CDB tells; it stays where none is told. */
void sync_request_settle(struct sync_request *request, const struct spt_properties *properties);
/* May this be sent? 0, -EINVAL or -EOPNOTSUPP. The direction is settled. */
int sync_request_check(const struct sync_request *request, const struct spt_properties *properties);

/* run.c: checks, sends and waits; see <spt/pass_through.h> for the errors. */
int sync_request_run(struct spt_handle *handle, struct sync_request *request);

#endif
