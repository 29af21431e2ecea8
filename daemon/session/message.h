/* SPDX-License-Identifier: MIT */
/* PDUs in memory of their own, on their way and until they are acknowledged. */
#ifndef SESSION_MESSAGE_H
#define SESSION_MESSAGE_H

#include "session/retain.h"
#include "session/tx.h"

/* A PDU with up to @bytes of text or sense, in memory of its own; @data (copied) may be NULL.
 * -ENOMEM closes the connection. @encode writes the header, being called when its turn comes. */
struct tx_message {
	struct tx_item item;
	void (*encode)(struct tx_message *message, struct conn *conn, uint8_t *bhs);
	void (*after)(struct tx_message *message, struct conn *conn); /* when sent; or NULL */
	uint64_t arg[6]; /* encode()'s */
	struct retained retained; /* once it is sent, if it carried status */
	uint8_t bhs[BHS_BYTES];   /* as it was sent then */
	uint32_t data_bytes;
	uint8_t data[];
};

/* Zeroed, with room for @bytes of data; NULL: out of memory, the connection is being closed. */
struct tx_message *tx_message_new(struct conn *conn, size_t bytes);
void tx_message_put(struct conn *conn, struct tx_message *message);

#endif
