/* SPDX-License-Identifier: MIT */
/* One connection of the misbehaving target (hostile.h), and the PDUs that it sends there. */
#ifndef TESTS_PASSTHROUGH_HOSTILE_LINK_H
#define TESTS_PASSTHROUGH_HOSTILE_LINK_H

#include "hostile.h"

struct link {
	struct hostile *h;
	int fd;
	uint8_t bhs[48];
	uint8_t *data;
	uint32_t data_bytes;
	uint32_t stat_sn, exp_cmd_sn;
	uint32_t silent_itt; /* of the command that gets no response */
	uint32_t out_expected; /* GOOD when so much data-out has come */
	bool misbehaved;
};

/* @bhs with its DataSegmentLength, and the segment padded. */
void link_put(struct link *l, const uint8_t *bhs, const void *data, uint32_t bytes);
/* The fields that every answer to l->bhs has. */
void link_answer(struct link *l, uint8_t *bhs, uint8_t opcode, uint8_t flags);
void link_respond(struct link *l, uint8_t response, uint8_t status, uint8_t flags, uint32_t residual,
	const void *data, uint32_t bytes);
void link_data_in(struct link *l, uint32_t itt, uint32_t offset, uint32_t bytes, bool with_status);
void link_r2t(struct link *l, uint32_t itt, uint32_t offset, uint32_t bytes);
/* As a target should: all that was asked for, or GOOD. */
void link_good(struct link *l, bool read, uint32_t expected);

/* What it was told to do instead of answering the command in l->bhs. False: the connection is to be closed. */
bool link_misbehave(struct link *l, enum hostile_way way, bool read, uint32_t expected);

#endif
