/* SPDX-License-Identifier: MIT */
/* Asynchronous Messages (RFC 7143 11.9). */
#ifndef FULLFEATURE_ASYNC_H
#define FULLFEATURE_ASYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "session/message.h"
#include "wire/async.h"

struct conn;
struct session;

/* Queues the message; @after (or NULL) when it is sent or never will be. False: out of memory, @conn is closing. */
bool async_put(struct conn *conn, const struct pdu_async *pdu,
	void (*after)(struct tx_message *message, struct conn *conn));

/*
 * From now on this is the longest data segment that we take: each connection that knows another value is asked to
 * negotiate (event 4) within @wait_us, and is told with its next Text Request. Who never sends one goes on as before.
 */
void async_recv_limit(struct session *session, uint32_t recv_limit_bytes, uint64_t wait_us);

#endif
