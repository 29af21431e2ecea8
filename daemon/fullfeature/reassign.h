/* SPDX-License-Identifier: MIT */
/* TASK REASSIGN (RFC 7143 7.2.2, 11.5, 11.6): a command whose connection is gone goes on on another. */
#ifndef FULLFEATURE_REASSIGN_H
#define FULLFEATURE_REASSIGN_H

#include <stdint.h>

#include "wire/tmf_request.h"

struct conn;
struct command;

/* The response, and with TMF_COMPLETE the command; nothing is changed. */
uint8_t reassign_judge(const struct conn *conn, const struct pdu_tmf_request *request,
	struct command **ret);
/* After the response: RFC 7143 7.2.2 has it issued before the reassignment becomes effective. */
void reassign_run(struct conn *conn, struct command *command, uint32_t exp_data_sn);

#endif
