/* SPDX-License-Identifier: MIT */
/* The end of a session that we want, told to the initiator first (RFC 7143 11.9). On the session's loop. */
#ifndef FULLFEATURE_FAREWELL_H
#define FULLFEATURE_FAREWELL_H

#include "base/list.h"
#include "session/session.h"

/* Asks for a logout, and drops the session after @wait_us; 0: at once. */
void farewell_begin(struct session *session, enum close_reason reason, uint64_t wait_us);
/* The request alone (event 1), once; its sender sees to the rest. */
void farewell_request(struct session *session, uint64_t wait_us);
/* Tells that the session is dropped (event 3), and ends it. */
void farewell_drop(struct session *session, enum close_reason reason);
/* The session has ended. */
void farewell_over(struct session *session);

#endif
