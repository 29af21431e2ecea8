/* SPDX-License-Identifier: MIT */
/*
 * What is known of each key while a connection negotiates, and how one pair of the initiator
 * changes that (RFC 7143 6.2). Shared by the login and by text in full feature phase; what a
 * verdict means for the connection is theirs.
 */
#ifndef LOGIN_NEGOTIATION_H
#define LOGIN_NEGOTIATION_H

#include <stdbool.h>
#include <stdint.h>

#include "login/keytable.h"
#include "login/params.h"

struct negotiation {
	struct login_limits limits;
	struct login_params params;
	uint64_t seen;    /* rows that the initiator has sent */
	uint64_t offered; /* rows that we have offered and that are not answered */
	bool leading;     /* the first connection of its session */
};

/* What became of a pair. With ANSWERED and REFUSED something is written, else nothing. */
enum key_verdict {
	VERDICT_TAKEN,     /* declared, or the answer to an offer of ours */
	VERDICT_ANSWERED,  /* negotiated: the result is in params */
	VERDICT_REFUSED,   /* the value is inadmissible: Reject is written */
	VERDICT_WRONG,     /* the answer to our offer is none */
	VERDICT_DUPLICATE, /* RFC 7143 6.3, 6.4: a key may be sent once */
	VERDICT_MISPLACED, /* not from an initiator, or not in this stage */
	VERDICT_UNASKED,   /* RFC 7143 6.2: an answer, and nothing was offered */
};

/* @stage: one of USE_SECURITY, USE_OPERATIONAL, USE_FULL_FEATURE. Not for KEY_METHODS and
 * KEY_OWNER, which are judged for place and repetition only, and are then VERDICT_TAKEN. */
enum key_verdict negotiation_take(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, unsigned stage, struct key_writer *answer);

/*
 * Offers every key that the initiator has left at a default which we cannot keep. How many; they
 * are in n->offered.
 */
unsigned negotiation_offer(struct negotiation *n, struct key_writer *out);
/* The first such key, without offering anything; NULL: none. */
const struct key_row *negotiation_missing(const struct negotiation *n);
/* A boolean offer whose result is certain needs no answer (RFC 7143 6.2.2): settles those. */
void negotiation_settle(struct negotiation *n);
/* Do the results go together (RFC 7143 13.14)? Where one is irrelevant it is made to. */
bool negotiation_consistent(struct negotiation *n);

#endif
