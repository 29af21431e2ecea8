/* SPDX-License-Identifier: MIT */
/*
 * A connection: a socket from accept to close. It lives on one loop; its parts are the receive path
 * (rx.h), the transmit path (tx.h), a login while there is one (enter.c), and a session afterwards.
 *
 * conn_close() may be called anywhere, more than once: the first reason counts and is logged. The
 * connection does nothing more from then on and goes away at the end of the loop's turn.
 */
#ifndef SESSION_CONN_H
#define SESSION_CONN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <spt/host.h>
#include <spt/link.h>

#include "base/sn.h"
#include "login/login.h"
#include "session/close.h"
#include "session/env.h"
#include "session/message.h"
#include "session/remote.h"
#include "session/retain.h"
#include "session/rx.h"
#include "session/tx.h"
#include "wire/bhs.h"

#define CONN_ADDRESS_MAX (INET6_ADDRSTRLEN + 24)

struct session;
struct departed;

/* Portal settings that a connection keeps. */
struct conn_portal {
	const char *name; /* lives as long as the daemon */
	uint16_t tag;
	uint64_t nop_interval_us, nop_timeout_us;
};

/* A Text Request whose answer is still being told. */
struct conn_text {
	char *data; /* joined request, then the answer */
	size_t bytes, offset;
	uint32_t ttt; /* TAG_NONE: none open */
	uint32_t itt;
	uint64_t seen; /* keys of this negotiation: text_negotiate() */
	struct login_params *agreed; /* what its texts have changed so far; NULL: nothing */
	bool answering;
	bool final; /* the request had F: so may the answer */
};

/* fullfeature/fence.h: its part in the session's Response Fence. */
struct conn_fence {
	bool waits;  /* for ExpStatSN to come to the mark */
	bool marked; /* the NOP-In that asks for it is made */
	sn_t mark;
};

/* A Logout Request on it that waits for commands to end. */
struct conn_logout {
	bool waits;
	uint8_t reason;
	uint32_t itt;
	struct spt_timer timer;
};

struct conn {
	struct spt_link link; /* in env->conns */
	struct session_env *env;
	struct spt_watch watch;
	int fd;
	char peer[CONN_ADDRESS_MAX], local[CONN_ADDRESS_MAX];
	union remote remote; /* peer, as it was accepted */
	struct conn_portal portal;

	bool closing;
	bool logging_out; /* the Logout Response is on its way: close when it is sent */
	bool joining;     /* ops->find_target() or ops->join() is under way */
	bool moving;      /* and will go on on another loop */
	bool refusing;    /* the answer to a failed authentication waits its time */
	bool refused;     /* and is on its way */
	enum close_reason close_reason;
	char close_detail[160];
	struct spt_post reaper;

	struct login *login; /* NULL from full feature phase on */
	struct login_params params;
	struct session *session;
	struct spt_link session_link; /* in session->conns */
	uint32_t number;              /* within the session; never given twice */
	uint16_t cid;                 /* the initiator's number for it */
	struct departed *departed;    /* fullfeature/departed.h: where its commands wait, when it is closed */
	bool replaced;                /* a login has taken its place when it was closed already */
	bool logout_waits;            /* closed by a Logout Request on another one: */
	uint32_t logout_conn, logout_itt;
	void *target; /* what find_target() found: target/'s */
	void *generation; /* target/'s, while there is a login */
	uint64_t joins; /* id of the session that it wants to join */
	uint64_t owner[2]; /* join()'s, and auth_failed()'s */

	struct rx rx;
	struct tx tx;
	struct retain retain;
	struct conn_fence fence;
	struct conn_logout logout;
	sn_t stat_sn;

	struct spt_timer timer;
	uint64_t login_end_us; /* of the login's deadline */
	uint64_t last_rx_us, last_tx_us;
	uint64_t nop_sent_us;
	uint32_t nop_ttt; /* TAG_NONE: no NOP-In of ours is unanswered */
	uint32_t next_ttt;
	struct conn_text text;
	unsigned rejects;
	unsigned immediate, tmfs; /* immediate commands and task management of it that are under way */
};

/* Takes over @fd, which is non-blocking and has the options that its listening socket had. NULL: out of memory, @fd is closed. */
struct conn *conn_new(struct session_env *env, int fd, const struct conn_portal *portal,
	const struct sockaddr *peer);
void conn_close(struct conn *conn, enum close_reason reason, const char *detail, ...)
	PRINTF_LIKE(3, 4);
/* Its socket is watched for what it waits for at present: with each change of that. */
void conn_watch(struct conn *conn);
/*
 * Takes it off its loop in the login phase, to be put on another by conn_settle() there; not while anything is
 * unsent. False: it is closed.
 */
bool conn_leave(struct conn *conn);
/* The same with nothing asked, of one at rest: transfer.h. */
void conn_take_off(struct conn *conn);
void conn_settle(struct conn *conn, struct session_env *env);
/* ops->find_target() had it moved: asks again, on the loop where it is now. */
void conn_arrived(struct conn *conn);
/* Answer of ops->join(): @session is the connection's from here on when @status is success. */
void conn_joined(struct conn *conn, enum login_status status, const char *reason,
	struct session *session);
/* What every PDU to the initiator says now: StatSN not used up (RFC 7143 11.8.3, 11.19.2). */
struct pdu_sns conn_sns(const struct conn *conn);
/* The same for a PDU that carries status: takes a StatSN. */
struct pdu_sns conn_status_sns(struct conn *conn);
/* A fresh Target Transfer Tag, never TAG_NONE. */
uint32_t conn_take_ttt(struct conn *conn);
static inline bool conn_full_feature(const struct conn *conn)
{
	return !conn->login;
}

/* enter.c: the login phase. */
void conn_login_pdu(struct conn *conn, struct rx_pdu *pdu);
/* The login's deadline has passed, or the time that its refusal had to wait. */
void conn_login_deadline(struct conn *conn);
/* keepalive.c */
void conn_keepalive_start(struct conn *conn);
/* Tells the initiator that the command window has opened, if nothing else is about to. */
void conn_announce_window(struct conn *conn);

#endif
