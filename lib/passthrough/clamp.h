/* SPDX-License-Identifier: MIT */
/*
 * A device tells limits of its own; the way to it has others. Where a reply tells how much one
 * command may move, the smaller of the two is put in its place, so that initiators do not learn it
 * by failing.
 */
#ifndef PASSTHROUGH_CLAMP_H
#define PASSTHROUGH_CLAMP_H

#include <stdint.h>

/*
 * @data of @bytes came back from the command @cdb with GOOD status: the Block Limits page (VPD B0h,
 * SBC-4 6.6.4), or READ BLOCK LIMITS (SSC-5 7.3). Only fields that are in it whole are rewritten;
 * nothing else of it, and no length. @block_bytes: 0, not known.
 */
void clamp_reply(const uint8_t *cdb, uint8_t *data, uint32_t bytes, uint32_t max_transfer_bytes,
	uint32_t block_bytes);

#endif
