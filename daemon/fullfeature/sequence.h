/* SPDX-License-Identifier: MIT */
/*
 * A sequence of Data-Out PDUs, unsolicited or in answer to an R2T (RFC 7143 11.7, 13.18): what it
 * covers and what of that is there. In the usual order that is one number; what comes ahead of a gap is
 * kept track of beside it.
 */
#ifndef FULLFEATURE_SEQUENCE_H
#define FULLFEATURE_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "fullfeature/ranges.h"
#include "wire/data_out.h"

struct sequence {
	uint32_t offset_bytes, bytes;
	uint32_t done_bytes; /* from its offset on, without a gap */
	uint32_t data_sn;    /* of the next PDU */
	bool broken;         /* a PDU of it is lost */
	struct ranges ahead; /* offsets of what is there behind a gap */
};

struct sequence_rules {
	bool in_order; /* DataPDUInOrder=Yes */
	bool recovers; /* ErrorRecoveryLevel above 0: what is lost is asked for again */
	bool exact;    /* it is an R2T's and ends with its last byte; unsolicited, it may end before */
	bool early;    /* all the same it may end early */
};

static inline void sequence_init(struct sequence *s, uint32_t offset_bytes, uint32_t bytes)
{
	s->offset_bytes = offset_bytes;
	s->bytes = bytes;
	s->done_bytes = s->data_sn = 0;
	s->broken = false;
	ranges_init(&s->ahead);
}

static inline void sequence_deinit(struct sequence *s)
{
	if (s->ahead.room)
		ranges_deinit(&s->ahead);
}

enum sequence_verdict {
	SEQUENCE_TAKE,
	SEQUENCE_DROP, /* as if it had not come, but for its end: one before it is lost */
	SEQUENCE_WRONG,
};

/* Looks and changes nothing. @ret_wrong: what is wrong. */
enum sequence_verdict sequence_judge(const struct sequence *s, const struct sequence_rules *rules,
	const struct pdu_data_out *pdu, const char **ret_wrong);
/* A PDU that was judged TAKE. How many bytes more are there without a gap; without the memory to
 * note the piece it is lost. */
uint32_t sequence_take(struct sequence *s, const struct pdu_data_out *pdu);
/* A PDU that was not taken. */
void sequence_lose(struct sequence *s, const struct pdu_data_out *pdu);

static inline bool sequence_complete(const struct sequence *s)
{
	return s->done_bytes == s->bytes;
}

#endif
