/* SPDX-License-Identifier: MIT */
/*
 * The receive path. One recv() into the loop's scratch buffer brings many small PDUs, which are
 * handled where they lie. A PDU whose data segment is not all there gets a place for it (the task's
 * own buffer, when there is one) and the rest is received straight into that place, with what
 * follows going to the scratch buffer in the same call. Between turns a connection holds nothing but
 * the start of a header, at most.
 */
#ifndef SESSION_RX_H
#define SESSION_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/bhs.h"

#define RX_HEAD_MAX (BHS_BYTES + AHS_MAX_BYTES + DIGEST_BYTES)

struct conn;

/* Why a connection is not read from. */
enum rx_pause_reason {
	RX_JOINING = 1 << 0, /* its login waits for an answer from above */
	RX_OWED = 1 << 1,    /* we owe the peer more than it takes */
	RX_REFUSED = 1 << 2, /* its login is refused: nothing more is of interest */
	RX_MOVING = 1 << 3,  /* its session is about to go to another loop */
};

/* A PDU as the phases see it. */
struct rx_pdu {
	const uint8_t *bhs;
	const uint8_t *ahs; /* bhs_ahs_bytes() of them */
	uint8_t *data;
	uint32_t data_bytes;
	/*
	 * The pool buffer that data lies in, when it was made for this PDU: a phase that keeps it sets
	 * this to NULL. buffer_bytes is what it was taken with.
	 */
	uint8_t *buffer;
	uint32_t buffer_bytes;
	bool discarded;    /* there was no room: data is NULL */
	bool digest_error; /* the data digest is wrong; data is not to be believed */
	void *placer;      /* place()'s own */
};

struct rx {
	/* The start of a header, or, in_body, the whole header of the PDU whose body is coming. */
	uint8_t *head;
	uint16_t head_bytes;
	bool in_body;
	bool large; /* the last PDU was: the next one may be */
	unsigned paused; /* enum rx_pause_reason; 0: it reads */
	struct rx_pdu pdu;
	uint32_t body_done;  /* bytes of the data segment that are there */
	uint8_t tail[8];     /* padding and digest */
	uint8_t tail_bytes, tail_done;
};

/* Reads once and handles what came. */
void rx_readable(struct conn *conn);
/* Nothing more will be received: gives back what a PDU in the middle holds. */
void rx_deinit(struct conn *conn);
/* Stops reading for a reason; what is in the scratch buffer is still handled, unless REFUSED. */
void rx_pause(struct conn *conn, enum rx_pause_reason reason);
/* That reason is no more: goes on when there is no other. */
void rx_resume(struct conn *conn, enum rx_pause_reason reason);

#endif
