/* SPDX-License-Identifier: MIT */
/* Asynchronous Messages (RFC 7143 11.9). */
#ifndef FULLFEATURE_ASYNC_H
#define FULLFEATURE_ASYNC_H

#include <stdbool.h>

#include "session/message.h"
#include "wire/async.h"

struct conn;

/* Queues the message; @after (or NULL) when it is sent or never will be. False: out of memory, @conn is closing. */
bool async_put(struct conn *conn, const struct pdu_async *pdu,
	void (*after)(struct tx_message *message, struct conn *conn));

#endif
