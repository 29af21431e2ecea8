/* SPDX-License-Identifier: MIT */
/*
 * The result of a command on the wire: SCSI Data-In PDUs (RFC 7143 11.7) made one by one as the
 * transmit path gets to them, the status in the last one when it is GOOD, else in a SCSI Response
 * (RFC 7143 11.4).
 */
#include "wire/data_in.h"

#include <string.h>

#include "base/list.h"
#include "fullfeature/command.h"
#include "wire/scsi_response.h"

struct residual {
	uint8_t flags;
	uint32_t bytes;
};

/* RFC 7143 11.4.5, 11.4.5.2, 11.4.5.3: what the command would have moved against what the initiator had expected. */
static struct residual residual_of(uint32_t expected, uint64_t would, uint8_t under, uint8_t over)
{
	if (would < expected)
		return (struct residual){ under, (uint32_t)(expected - would) };
	if (would > expected)
		return (struct residual){ over, (uint32_t)MIN(would - expected, (uint64_t)UINT32_MAX) };
	return (struct residual){ 0, 0 };
}

/* Of a command that goes one way only; of the write half of a bidirectional one. */
static struct residual residual(const struct command *c)
{
	const struct spt_task *t = &c->task;

	/* A command without R and W may want to move data all the same: an overflow of all of it. */
	if (c->write || (!c->read && t->out_would_bytes))
		return residual_of(t->expected_out_bytes, t->out_would_bytes, RESIDUAL_UNDERFLOW,
			RESIDUAL_OVERFLOW);
	return residual_of(t->expected_in_bytes, t->in_would_bytes, RESIDUAL_UNDERFLOW,
		RESIDUAL_OVERFLOW);
}

/* The last PDU of a command: its place in the window is free from here on. */
static struct pdu_sns last_sns(struct command *c, struct conn *conn)
{
	if (c->counted) {
		c->counted = false;
		session_window_gain(c->session);
	}
	return conn_status_sns(conn);
}

/* One that is sent again has the StatSN that it had; RFC 7143 11.16.3 also with another SNACK Tag. */
static struct pdu_sns response_sns(struct command *c, struct conn *conn)
{
	struct pdu_sns sns;

	if (!c->answered) {
		c->answered = true;
		c->retained.stat_sn = conn->stat_sn;
		return last_sns(c, conn);
	}
	sns = conn_sns(conn);
	sns.stat_sn = c->retained.stat_sn;
	return sns;
}

void response_fill(struct command *c, struct conn *conn, struct tx_frame *frame)
{
	const struct spt_task *t = &c->task;
	bool completed = t->outcome == SPT_COMPLETED;
	/* RFC 7143 11.4.1, 11.4.2: they mean nothing with another response */
	struct residual r = completed ? residual(c) : (struct residual){ 0, 0 };
	struct pdu_scsi_response pdu = {
		.residual_flags = r.flags,
		.residual = r.bytes,
		.response = completed ? RESPONSE_COMPLETED : RESPONSE_TARGET_FAILURE,
		.status = completed ? t->status : 0,
		.itt = t->aux.task.tag,
		.snack_tag = c->snack_tag,
		.sns = response_sns(c, conn),
		/* RFC 7143 11.4.8: of Data-In PDUs only; zero where none was sent */
		.exp_data_sn = completed && c->sent_bytes ? c->data_sn - c->first_in_sn : 0,
	};

	/* RFC 7143 11.4.6 */
	if (completed && c->write && c->read) {
		struct residual in = residual_of(t->expected_in_bytes, t->in_would_bytes,
			BIDI_RESIDUAL_UNDERFLOW, BIDI_RESIDUAL_OVERFLOW);
		pdu.residual_flags |= in.flags;
		pdu.bidi_residual = in.bytes;
	}
	/* RFC 7143 4.6.1.2, 10.2, 11.4.7: autosense */
	if (completed && t->sense_bytes) {
		be16_put(c->sense_segment, t->sense_bytes);
		memcpy(c->sense_segment + 2, t->sense, t->sense_bytes);
		pdu.data_bytes = 2u + t->sense_bytes;
		frame->data = c->sense_segment;
		frame->data_bytes = pdu.data_bytes;
	}
	pdu_scsi_response_encode(&pdu, frame->head);
	frame->last = true;
}

/* How what follows is cut, so that it can be sent again as it was. */
static void note_segments(struct command *c, const struct login_params *p)
{
	if (c->segments.segment_bytes == tx_segment_bytes(p))
		return;
	c->segments = (struct segments){
		.first_sn = c->data_sn,
		.offset_bytes = c->sent_bytes,
		.burst_done_bytes = c->burst_bytes,
		.segment_bytes = tx_segment_bytes(p),
		.burst_bytes = p->max_burst_bytes,
	};
}

/* RFC 7143 11.7.1, 11.7.7: within what the initiator takes; F ends each sequence. */
static void fill_data(struct command *c, struct conn *conn, struct tx_frame *frame)
{
	const struct spt_task *t = &c->task;
	const struct login_params *p = &conn->params;
	uint32_t bytes = MIN(t->in.bytes - c->sent_bytes, tx_segment_bytes(p));

	bytes = MIN(bytes, p->max_burst_bytes - c->burst_bytes);
	if (p->error_recovery_level)
		note_segments(c, p);
	struct pdu_data_in pdu = {
		.data_bytes = bytes,
		.itt = t->aux.task.tag,
		.ttt = TAG_NONE,
		.data_sn = c->data_sn++,
		.offset_bytes = c->sent_bytes,
	};
	frame->data = t->in.data + c->sent_bytes;
	frame->data_bytes = bytes;
	frame->lent = t->in_lent;
	c->sent_bytes += bytes;
	c->burst_bytes += bytes;
	bool end = c->sent_bytes == t->in.bytes;
	pdu.final = end || c->burst_bytes == p->max_burst_bytes;
	if (pdu.final)
		c->burst_bytes = 0;
	/* RFC 7143 11.7.2, 11.7.4: once every MaxBurstLength; the end is acknowledged with the status. */
	if (p->error_recovery_level && pdu.final && !end) {
		pdu.acknowledge = true;
		pdu.ttt = pdu.itt;
		pdu.lun = t->aux.lun;
	}
	/* What can be asked for again has a PDU of its own. */
	pdu.has_status = end && !p->error_recovery_level && t->outcome == SPT_COMPLETED && t->status == SPT_GOOD && !c->write &&
		!t->sense_bytes;
	if (pdu.has_status) {
		struct residual r = residual(c);
		pdu.residual_flags = r.flags;
		pdu.residual = r.bytes;
		pdu.status = t->status;
		pdu.sns = last_sns(c, conn);
	} else {
		pdu.sns = conn_sns(conn);
	}
	pdu_data_in_encode(&pdu, frame->head);
	frame->last = pdu.has_status;
}

void data_in_fill(struct command *c, struct conn *conn, struct tx_frame *frame)
{
	if (c->sent_bytes < c->task.in.bytes)
		fill_data(c, conn, frame);
	else
		response_fill(c, conn, frame);
}
