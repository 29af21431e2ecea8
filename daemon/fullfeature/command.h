/* SPDX-License-Identifier: MIT */
/*
 * A SCSI command of the session: the library's task and what iSCSI adds to it (how its data comes
 * and goes). From command_new() until command_release() has let it go; the memory is then kept for
 * the next one.
 *
 * It can be over (aborted) while its memory is still in use: by R2Ts that wait to be sent, or by the
 * receive path in the middle of a Data-Out. Then it is dead, and the last user releases it.
 */
#ifndef FULLFEATURE_COMMAND_H
#define FULLFEATURE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/task.h>

#include "fullfeature/fence.h"
#include "fullfeature/segments.h"
#include "fullfeature/sequence.h"
#include "session/conn.h"
#include "session/session.h"
#include "wire/scsi_command.h"

#define COMMAND_R2T_MAX 16u /* MaxOutstandingR2T that we agree to, at most */

/* A sequence of Data-Out PDUs that was asked for by an R2T. */
struct burst {
	struct tx_item tx;
	struct command *command;
	bool open;
	bool told; /* the R2T has left: before that nobody can know the tag */
	bool queued; /* it is about to be told again */
	uint32_t ttt;
	uint32_t r2t_sn;
	sn_t stat_sn; /* that it was told with */
	struct sequence sequence;
};

struct command {
	struct spt_task task; /* first */
	struct session *session;
	struct conn *conn; /* its allegiance (RFC 7143 4.2.5.1); NULL: that connection is gone */
	struct spt_link spare; /* tmf_wait.c */
	struct tx_item tx;
	struct fence_hold hold; /* between its result and the transmit queue */
	bool immediate, read, write;
	bool counted; /* against the window */
	bool dead;
	/* ErrorRecoveryLevel above 0 only, from the response on; see kept.c, resend.c, departed.h. */
	bool answered;   /* retained.stat_sn is the StatSN of its response */
	bool ended;      /* it is no task any more, and has no data; the status is there */
	bool data_lost;  /* its data was given back before all of it was acknowledged */
	bool kept;       /* sent, on a connection, and not acknowledged */
	bool waits;      /* has its result, and no connection */
	bool restarting; /* all of its data is on the way once more */
	struct retained retained;
	struct departed *departed; /* where it waits for a connection, or for its end */
	unsigned users; /* R2Ts in the transmit queue, the receive path */
	uint64_t number;    /* in the order in which commands came */
	unsigned held_back; /* task management functions that wait to end it: see tmf_wait.c */

	/* Data-Out. The gaps in what is there belong to sequences that are open. */
	bool unsolicited_open; /* unsolicited Data-Out PDUs are still to come */
	bool early; /* its turn, by CmdSN, has not come */
	struct sequence unsolicited;
	uint32_t unsolicited_limit_bytes;
	uint32_t collected_bytes;
	uint32_t solicited_bytes; /* how far R2Ts have asked */
	unsigned open_bursts, first_burst;
	unsigned recoveries; /* recovery R2Ts */
	uint64_t heard_us;   /* when its data was asked for or came, last: data_wait.h */
	unsigned silences;
	bool overdue;          /* it was asked for again: what comes late is dropped, */
	uint32_t overdue_ttt;  /* with tags before this one */
	spt_asc_t failed; /* the transfer went wrong: the sense when the rest of it has come */
	struct burst bursts[COMMAND_R2T_MAX];

	/* Data-In */
	uint32_t sent_bytes, burst_bytes;
	uint32_t data_sn; /* of the next Data-In or R2T: they share the numbers */
	uint32_t first_in_sn; /* of its first Data-In; R2Ts came before */
	uint32_t acked_sn, acked_bytes; /* what the initiator has acknowledged of it: DataACK, TASK REASSIGN */
	uint32_t snack_tag;
	struct segments segments; /* of those sent with ErrorRecoveryLevel above 0; segment_bytes 0: none */
	uint8_t sense_segment[2 + SPT_SENSE_MAX];
};

static inline struct command *command_of(struct spt_task *task)
{
	return (struct command *)task;
}

/* A Reject reason (positive) or 0 and the command, entered and waiting for command_start(); @waits: for
 * longer than the PDU lives. */
int command_new(struct conn *conn, struct rx_pdu *pdu, bool waits, struct command **ret);
/* Its turn has come. @data: what came with it and is not in task.offered, or NULL. */
void command_start(struct command *command, const uint8_t *data);
/* Its turn has come, after it has waited for that: whatever has become of it meanwhile. */
void command_turn(struct command *command);
/* The result is sent or will not be: lets go of the task and, when nobody uses it, the memory. */
void command_release(struct command *command);
/* One user less. */
void command_unuse(struct command *command);
/* Puts its result into the transmit queue, when the Response Fence lets it through. */
void command_send(struct command *command, struct conn *conn);
/* It has its result, and its connection is gone. */
void command_orphan(struct command *command);
/* No data will come for it any more. */
void command_forget_sequences(struct command *command);
/* The library lets go of the task; the status stays. */
void command_end_task(struct command *command);
/* kept.c: until its response is acknowledged. */
void command_keep(struct command *command, struct conn *conn);
/* Gives back the data of one that is kept. False: it is not, or the data is in use. */
bool command_forget_data(struct command *command);
/* One that is kept on @conn, task or not, or NULL. */
struct command *command_find_kept(const struct conn *conn, uint32_t itt);
/* resend.c: sends Data-In PDUs [@first, @end) of @command again. */
void resend_data(struct command *command, struct conn *conn, uint32_t first, uint32_t end);
/* All data that is not acknowledged, cut anew, and the response. False: that is under way already. */
bool resend_all(struct command *command, struct conn *conn);
/* r2t.c: tells an R2T again. */
void resend_r2t(struct burst *burst);
/* The initiator has all Data-In PDUs before @data_sn. */
void command_data_acked(struct command *command, uint32_t data_sn);
/* From the acknowledged data on. */
void command_rewind(struct command *command);
/* The session's command with this Initiator Task Tag that is not over, or NULL. */
struct command *command_find(struct session *session, uint32_t itt);

/* r2t.c: asks for what is still missing, or hands the data over when nothing is. */
void r2t_continue(struct command *command);
/* A sequence has ended and not all of it is there: asks again for what is missing (RFC 7143 11.8). False:
 * it has been tried too often. */
bool r2t_recover(struct burst *burst);
/* The same on another connection, of the command that @burst belongs to. False: no place is left. */
bool r2t_reassign(struct burst *burst);
/* data_out.c: no unsolicited data will come any more. */
void data_out_end_unsolicited(struct command *command);
/* The sequence with this Target Transfer Tag, TAG_NONE: the unsolicited one, has ended, whatever has come of it. */
void data_out_end_sequence(struct command *command, uint32_t ttt);
/* data_in.c: the next PDU of its result. */
void data_in_fill(struct command *command, struct conn *conn, struct tx_frame *frame);
void response_fill(struct command *command, struct conn *conn, struct tx_frame *frame);
/* The transfer is spoilt: the command ends with this ABORTED COMMAND sense when its data has come. */
void command_spoil(struct command *command, spt_asc_t asc);

#endif
