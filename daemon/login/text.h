/* SPDX-License-Identifier: MIT */
/*
 * Text negotiation in full feature phase (RFC 7143 6.4): the same key table as the login, for the
 * keys that may be sent at any time. SendTargets is recognised and left to the owner.
 */
#ifndef LOGIN_TEXT_H
#define LOGIN_TEXT_H

#include <stdbool.h>

#include "login/params.h"
#include "wire/keys.h"

struct text_outcome {
	bool send_targets;         /* SendTargets was there */
	char send_targets_value[NAME_MAX_BYTES + 1]; /* "All", a name as written, or empty */
	bool segment_length;       /* MaxRecvDataSegmentLength was declared */
	char reason[96];           /* when refused, for the log */
};

/*
 * Judges one complete text (its PDUs joined), writes the answers to @answer and then, only if all
 * went well, changes @params, and adds its keys to @seen: those of the negotiation so far, none of
 * which may come again (RFC 7143 6.4); 0 at its start. 0; or the Reject reason that the request deserves (positive,
 * wire/reject.h), with nothing changed and outcome->reason set; -EMSGSIZE: @answer is too small (it
 * never is with LOGIN_ANSWER_MAX bytes).
 */
int text_negotiate(struct login_params *params, uint64_t *seen, const void *text, size_t bytes,
	struct key_writer *answer, struct text_outcome *outcome);

#endif
