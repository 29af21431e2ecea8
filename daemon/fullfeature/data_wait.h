/* SPDX-License-Identifier: MIT */
/*
 * The sequence reception timeout (RFC 7143 7.1.4.1, 7.9): data of a write that was announced or asked for and does not come. Above
 * ErrorRecoveryLevel 0 what is missing is asked for again, a few times; then, or at level 0 at once, the command ends
 * with INITIATOR RESPONSE TIMEOUT and gives back what it holds. A command that has its result already and waits for the rest of its data
 * to pass (drain.h) is answered then.
 *
 * A command that came before its turn has as long to wait for those before it (RFC 7143 4.2.2.1), at every level.
 *
 * One timer a session looks at all of its commands, so that a write costs a note of the time and no timer.
 */
#ifndef FULLFEATURE_DATA_WAIT_H
#define FULLFEATURE_DATA_WAIT_H

struct command;
struct session;

/* @command waits for data, or some of it has come: its time begins now. */
void data_wait_note(struct command *command);
/* The session ends. */
void data_wait_drop(struct session *session);

#endif
