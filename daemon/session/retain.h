/* SPDX-License-Identifier: MIT */
/*
 * What carried a StatSN is kept until the initiator has acknowledged it by ExpStatSN, so that it can be
 * sent again (RFC 7143 4.2.2.2, 11.16); only where ErrorRecoveryLevel is above 0. Of what nobody
 * acknowledges the oldest is forgotten: a Status SNACK for that is rejected.
 */
#ifndef SESSION_RETAIN_H
#define SESSION_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/link.h>

#include "base/sn.h"
#include "session/tx.h"

/* Of one connection. */
#define RETAIN_MAX       256u
#define RETAIN_MAX_BYTES (1u << 20) /* of messages; commands are charged to their session */

struct conn;
struct retained;

struct retained_ops {
	/* Makes the PDU again, with its StatSN and today's ExpCmdSN and MaxCmdSN. */
	void (*fill)(struct retained *retained, struct conn *conn, struct tx_frame *frame);
	/* It is acknowledged or forgotten: the memory is the owner's again. */
	void (*release)(struct retained *retained);
	/* The connection is gone and nothing has been acknowledged. */
	void (*lost)(struct retained *retained, struct conn *conn);
};

struct retained {
	struct spt_link link; /* in conn->retain.list, in the order of StatSN */
	sn_t stat_sn;
	uint32_t bytes;   /* of memory of its own */
	unsigned users;   /* on the way once more */
	bool settled;     /* out of the list; goes when nobody uses it */
	const struct retained_ops *ops;
};

struct retain {
	struct spt_link list;
	unsigned n;
	size_t bytes;
	sn_t acked;     /* ExpStatSN */
	sn_t forgotten; /* nothing below is there any more */
};

void retain_init(struct conn *conn);
/* @retained, whose ops, stat_sn and bytes are set, was sent. */
void retain_put(struct conn *conn, struct retained *retained);
/* ExpStatSN of a PDU; one that acknowledges what was never sent is ignored. */
void retain_ack(struct conn *conn, sn_t exp_stat_sn);
/* Sends it once more, unless it is about to be. -ENOMEM closes the connection. */
void retain_again(struct conn *conn, struct retained *retained);
/* The connection is closed and its transmit queue dropped. */
void retain_drop(struct conn *conn);

#endif
