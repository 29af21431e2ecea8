/* SPDX-License-Identifier: MIT */
/* Reject (RFC 7143 11.17, 11.17.4): the header of what was refused goes back with the reason. */
#include "wire/reject.h"

#include <string.h>

#include "fullfeature/messages.h"
#include "session/session.h"

/* A peer that sends nothing but nonsense gets its answers, but does not fill the log. */
#define REJECTS_LOGGED 8u

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_reject pdu = {
		.reason = (uint8_t)message->arg[0],
		.data_bytes = BHS_BYTES,
		.data_sn = (uint32_t)message->arg[1], /* RFC 7143 11.17.2 */
		.sns = conn_status_sns(conn), /* RFC 7143 11.17.3 */
	};

	pdu_reject_encode(&pdu, bhs);
}

void reject(struct conn *conn, uint8_t reason, const uint8_t *bhs, const char *why)
{
	reject_run(conn, reason, bhs, why, 0);
}

/*
 * RFC 7143 7.7: who cannot lay out a PDU is believed nothing more: all connections of the session are closed at once, and it is for session
 * recovery (7.1.4.4).
 */
static void format_error(struct conn *conn, const uint8_t *bhs)
{
	conn_close(conn, CLOSE_FORMAT_ERROR, "%s with flags %02x, %u words of AHS and %u bytes of data", opcode_name(bhs_opcode(bhs)),
		bhs[1], bhs[4], bhs_data_bytes(bhs));
	session_end(conn->session, CLOSE_FORMAT_ERROR);
}

void refuse_pdu(struct conn *conn, int r, const uint8_t *bhs, const char *why)
{
	if (r == PDU_FORMAT_ERROR)
		format_error(conn, bhs);
	else
		reject(conn, (uint8_t)r, bhs, why);
}

void reject_run(struct conn *conn, uint8_t reason, const uint8_t *bhs, const char *why, uint32_t next)
{
	struct tx_message *m = tx_message_new(conn, BHS_BYTES);

	if (!m)
		return;
	conn->env->counters.rejects++;
	if (++conn->rejects <= REJECTS_LOGGED)
		log_notice("rejected %s from %s (%s): %s: %s%s", opcode_name(bhs_opcode(bhs)),
			conn->params.initiator_name, conn->peer, reject_reason_name(reason), why,
			conn->rejects == REJECTS_LOGGED ? "; further ones are not logged" : "");
	m->arg[0] = reason;
	m->arg[1] = next;
	memcpy(m->data, bhs, BHS_BYTES);
	m->encode = encode;
	tx_message_put(conn, m);
}
