/* SPDX-License-Identifier: MIT */
/*
 * A command that has its result while data for it still comes: refused by its logical unit, or for a Data-Out that was
 * wrong. Its response waits for the F of every sequence that was announced or asked for (RFC 7143 11.4.2, 11.17.1): an initiator
 * that has heard of the end may use the tag again, and what is still on its way would be another command's data. What comes is
 * dropped. Task management ends it meanwhile like one that waits for its data (RFC 7143 7.8), and what stays away for
 * data-out-wait is waited for no longer (data_wait.h).
 *
 * So does the response of a command that has come to its end before its turn (RFC 7143 4.2.2.1: no status before the command is acknowledged); the gap
 * before it is the initiator's to close, and nothing but the command itself is held until then.
 */
#ifndef FULLFEATURE_DRAIN_H
#define FULLFEATURE_DRAIN_H

#include <stdbool.h>

#include "wire/data_out.h"

struct command;
struct conn;

/* From done(): @command has its result, and data for it is expected, or its turn has not come. False: that does not matter. */
bool drain_begin(struct command *command);
/* A Data-Out that its command has no use for. */
void drain_data_out(struct conn *conn, const struct pdu_data_out *pdu);
/* Something has changed that the response of @command, which is drained, may wait for. */
void drain_poll(struct command *command);
/* No more is waited for. */
void drain_over(struct command *command);

#endif
