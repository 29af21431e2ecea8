/* SPDX-License-Identifier: MIT */
/*
 * A connection that wants to join a session lives on the loop that accepted it; the session lives on
 * another. It is moved there in the middle of its login, as soon as it has said which session it
 * means: between a Login Request and its answer, when nothing is read and nothing is unsent.
 */
#ifndef TARGET_MOVE_H
#define TARGET_MOVE_H

#include <stdbool.h>

struct conn;
struct worker;

/* @conn leaves its loop at the end of this turn; conn_arrived() follows on @to's. False: out of memory. */
bool move_begin(struct conn *conn, struct worker *to);
/* It is closed before it could leave. */
void move_cancel(struct conn *conn);

#endif
