/* SPDX-License-Identifier: MIT */
/* One command by any of the library's synchronous calls: what sptraw sends, in its own words. */
#ifndef TOOLS_CALLS_H
#define TOOLS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/pass_through.h>

struct raw_command {
	uint8_t cdb[SPT_CDB_MAX];
	uint32_t cdb_bytes;
	uint32_t timeout_s;
	uint8_t *out, *in; /* aligned */
	uint32_t out_bytes, in_bytes;

	/* The result. */
	uint8_t status;
	uint8_t sense_bytes;
	uint8_t sense[SPT_SENSE_MAX];
	uint32_t out_moved, in_moved;
};

/* By the name of its call: "buffered", "direct", "ex", "direct-ex". NULL: there is no such. */
typedef int (*raw_call)(struct spt_handle *handle, struct raw_command *command);
raw_call raw_call_find(const char *name);

#endif
