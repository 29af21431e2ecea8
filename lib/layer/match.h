/* SPDX-License-Identifier: MIT */
/*
 * Which tasks a rule of a layer means: the operation code, the logical blocks, the initiator, and then
 * which of those (every Nth, some by chance, so many at most). Counted over all loops.
 */
#ifndef LAYER_MATCH_H
#define LAYER_MATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <spt/backend.h>

#define MATCH_CODES 64u

struct match_code {
	uint8_t opcode;
	uint16_t service_action; /* or CDB_NO_SERVICE_ACTION: any */
};

struct match {
	struct match_code *codes; /* n_codes 0: every command */
	size_t n_codes;
	bool has_lba;
	uint64_t first_lba, last_lba;
	char *initiator; /* a pattern as of fnmatch(3), or NULL */
	uint64_t skip, every, count; /* 0: none, each, without limit */
	uint32_t chance;	     /* of a million; 0: always */
	atomic_ullong seen, hits;
};

/* @key=@value is one of ours: 1 and taken; 0: not ours; -EINVAL with @error told, -ENOMEM. */
int match_word(struct match *match, const char *key, const char *value, struct spt_error *error);
void match_deinit(struct match *match);
/* Counts, and says whether @task is meant. */
bool match_hits(struct match *match, struct spt_device *device, const struct spt_task *task);

/* A number in [0, @below) that is the same for the same @serial. */
uint64_t match_random(uint64_t serial, uint64_t below);

#endif
