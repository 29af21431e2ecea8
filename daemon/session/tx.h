/* SPDX-License-Identifier: MIT */
/*
 * The transmit path: a queue of items, each of which makes one or more PDUs when its turn comes, so
 * that a long answer costs no memory before it is sent and every PDU carries the newest StatSN,
 * ExpCmdSN and MaxCmdSN. PDUs made in one turn of the loop leave in one sendmsg(); payload is sent
 * from where it lies.
 */
#ifndef SESSION_TX_H
#define SESSION_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/host.h>

#include "wire/bhs.h"

struct conn;
struct tx_item;
struct retained;
struct login_params;

/* A PDU on its way out. */
struct tx_frame {
	uint8_t head[BHS_BYTES + DIGEST_BYTES];
	uint8_t tail[8]; /* padding, data digest */
	uint8_t head_bytes, tail_bytes;
	bool last;   /* its item has nothing more to say */
	bool lent;   /* others may write to its data meanwhile */
	bool copied; /* its data is no longer where fill() said, but in one of the path's own buffers */
	uint32_t data_bytes;
	const uint8_t *data;
	struct tx_item *item;
};

struct tx_item {
	struct tx_item *next;
	bool plain; /* no digests: the last Login Response, sent when they are already agreed */
	/*
	 * Makes the item's next PDU: frame->head (48 bytes), data, data_bytes, lent, last. Digests and padding are
	 * the path's. It is called again until it sets last. Lent data of more than tx_segment_bytes() is not possible.
	 */
	void (*fill)(struct tx_item *item, struct conn *conn, struct tx_frame *frame);
	/* Every byte is sent, or (@conn is closing) never will be: the memory is the owner's again. */
	void (*sent)(struct tx_item *item, struct conn *conn);
};

#define TX_RING_FRAMES 64u
/*
 * What is sealed at once where there is a data digest: little enough to be in the processor's cache still when it is sent. Lent memory is
 * copied first, as somebody's write between digest and sending would cost the initiator its connection.
 */
#define TX_STEADY_BYTES (256u << 10)

struct tx_ring {
	unsigned first, n;     /* frames in use */
	unsigned sealed;       /* of them have their digests, and may be sent */
	size_t first_done;     /* bytes of the first one that are sent */
	struct tx_frame frames[TX_RING_FRAMES];
};

struct tx {
	struct tx_item *first, **last; /* not yet all made into frames */
	unsigned n_items;              /* until sent() */
	size_t owed_bytes;             /* of messages: memory of their own */
	struct tx_ring *ring;          /* while something is on its way */
	uint8_t *rest;                 /* of the loop's pool: copied data of frames that the socket did not take at once */
	uint32_t rest_bytes;
	struct spt_post flush;
	bool blocked; /* the socket is full */
};

/* The longest data segment of a command's data: what the initiator takes, with a data digest no more than is sealed at once. */
uint32_t tx_segment_bytes(const struct login_params *params);

void tx_init(struct conn *conn);
/* Queues @item and has the queue flushed at the end of this turn. */
void tx_put(struct conn *conn, struct tx_item *item);
/* The socket takes more. */
void tx_writable(struct conn *conn);
/* Gives every item back, unsent. */
void tx_drop(struct conn *conn);
#endif
