/* SPDX-License-Identifier: MIT */
/*
 * A connection that is gone, and what it has left in its session. With ErrorRecoveryLevel 2 its commands
 * go on without it for DefaultTime2Wait and DefaultTime2Retain and wait for TASK REASSIGN (RFC 7143
 * 7.2.2, 7.5); otherwise they are being aborted, and a Logout Request may wait for that.
 */
#ifndef FULLFEATURE_DEPARTED_H
#define FULLFEATURE_DEPARTED_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/host.h>
#include <spt/link.h>

struct command;
struct conn;
struct session;

struct departed {
	struct spt_link link; /* in session->departed */
	struct session *session;
	uint16_t cid;
	bool keeps;      /* its commands may be reassigned */
	bool logged_out; /* now, not only when it comes back */
	unsigned tasks;  /* commands that refer to it */
	struct spt_link done; /* command.retained.link of those that have their result */
	struct spt_timer timer;
	bool logout_waits; /* a Logout Request wants to know when no command is left: */
	uint32_t logout_conn, logout_itt;
};

/* @conn is closed: ends its commands or keeps them. */
void departed_lost(struct conn *conn);
/* The session ends. */
void departed_drop(struct session *session);
/* The one with this CID that is not logged out, or NULL. */
struct departed *departed_find(const struct session *session, uint16_t cid);
/* It is logged out by a new connection of the same CID, or for recovery: its commands may be reassigned. */
void departed_log_out(struct departed *departed);
/* It is logged out to be closed: ends its commands and then answers @itt on @conn. */
void departed_close(struct departed *departed, struct conn *conn, uint32_t itt);

void departed_add(struct departed *departed, struct command *command);
/* @command has its result and nobody to send it to. */
void departed_keep(struct command *command);
/* @command is over, or has found another connection. */
void departed_let_go(struct command *command);
/* One that has its result and is no task any more, or NULL. */
struct command *departed_find_done(const struct session *session, uint32_t itt);

#endif
