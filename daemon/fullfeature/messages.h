/* SPDX-License-Identifier: MIT */
/* The messages of full feature phase: each is handled by the file of its name. */
#ifndef FULLFEATURE_MESSAGES_H
#define FULLFEATURE_MESSAGES_H

#include "session/conn.h"
#include "wire/reject.h"

/* order.c: the PDUs that carry CmdSN, in order. */
void order_pdu(struct conn *conn, struct rx_pdu *pdu);
/* RFC 7143 11.5.5 b: a command that was aborted before it came counts as received. False: @cmd_sn is
 * not in the window or not before @before. */
bool order_consider_received(struct session *session, sn_t cmd_sn, sn_t before);
/* The same for all of them up to @before. */
void order_plug(struct session *session, sn_t before);
void order_drop(struct session *session);
/* What came on @conn and waits for its turn is discarded: RFC 7143 11.14. */
void order_drop_conn(struct conn *conn);

struct command;
struct spt_itl;
/* tmf_wait.c: something has changed that a function of @session may wait for. */
void tmf_poll(struct session *session);
/* A command has come, while functions wait. */
void tmf_command_new(struct command *command);
/* The functions that wait for something will not be done. */
void tmf_drop(struct session *session);

/* async.c: the Asynchronous Message of a fast abort (RFC 7143 4.2.3.4), where it was negotiated. */
void async_tasks_terminated(struct session *session, const struct spt_itl *itl);

/* async.c: a unit attention waits, and is told (RFC 7143 11.9.1, event 0). */
void async_attention(struct session *session, uint64_t lun, const uint8_t *sense, size_t bytes);
/* An ending connection that we have given up: another one of the session tells the initiator. */
void async_conn_dropped(struct conn *conn);
/* logout.c: enum logout_response_code. */
void logout_respond(struct conn *conn, uint32_t itt, uint8_t response);
/* A command has ended, while Logout Requests wait for that. */
void logout_poll(struct session *session);
/* @conn is closed. */
void logout_conn_lost(struct conn *conn);

/* rest.c: see struct phase_ops. */
bool rest_wants_more(const struct session *session);
bool rest_reached(const struct session *session);
void rest_leave(struct session *session);

/* Handlers; the PDU's turn has come. */
void nop_out(struct conn *conn, struct rx_pdu *pdu);
void tmf_request(struct conn *conn, struct rx_pdu *pdu);
void text_request(struct conn *conn, struct rx_pdu *pdu);
void logout_request(struct conn *conn, struct rx_pdu *pdu);
void data_out(struct conn *conn, struct rx_pdu *pdu);
void snack(struct conn *conn, struct rx_pdu *pdu);
/* Runs the handler of the PDU's opcode. */
void dispatch(struct conn *conn, struct rx_pdu *pdu);

/* data_out.c: where the data of a Data-Out goes, or NULL. */
uint8_t *data_out_place(struct conn *conn, struct rx_pdu *pdu);
void data_out_dropped(struct rx_pdu *pdu);
/* command.c: likewise for immediate data. */
uint8_t *command_place(struct conn *conn, struct rx_pdu *pdu);

/* reject.c */
void reject(struct conn *conn, uint8_t reason, const uint8_t *bhs, const char *why);
/* What a decoder or bhs_check() has said: a Reject with reason @r, or the end of the session (PDU_FORMAT_ERROR). */
void refuse_pdu(struct conn *conn, int r, const uint8_t *bhs, const char *why);
/* The same of a Data/R2T SNACK: @next is the number that the task's next Data-In or R2T would have. */
void reject_run(struct conn *conn, uint8_t reason, const uint8_t *bhs, const char *why, uint32_t next);

#endif
