/* SPDX-License-Identifier: MIT */
/*
 * A session that goes over to another loop with all its connections. Its command window stays where it is and, when no
 * command wants data any more, nothing is read; so in a moment it is at rest: what it was asked for is answered and
 * sent. Then it is taken off its loop and put on the other. The initiator sees nothing but a pause.
 */
#ifndef SESSION_TRANSFER_H
#define SESSION_TRANSFER_H

#include <stdbool.h>

#include <spt/session.h>

struct session;
struct session_env;

/* A normal session that nobody has asked to end, and where nothing sent is kept until it is acknowledged. */
bool transfer_possible(const struct session *session);
/* It shall come to rest. */
void transfer_begin(struct session *session);
/* Is it at rest? To be asked again and again: it is what stops the reading, or goes on with it. */
bool transfer_ready(struct session *session);
/* It goes on where it is. */
void transfer_give_up(struct session *session);
/* At rest: nothing of it is on this loop any more. */
void transfer_leave(struct session *session);
/* On the loop of @env from here on, and going on; @cookie: the library's session's there. */
void transfer_settle(struct session *session, struct session_env *env, spt_session_cookie cookie);

#endif
