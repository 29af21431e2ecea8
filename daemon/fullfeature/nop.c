/* SPDX-License-Identifier: MIT */
/* NOP-Out (RFC 7143 11.18, 11.19): a ping gets its data back; the answer to our ping ends the wait. */
#include "wire/nop_out.h"

#include <string.h>

#include "fullfeature/messages.h"
#include "session/session.h"
#include "wire/nop_in.h"

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_nop_in pdu = {
		.data_bytes = message->data_bytes,
		.itt = (uint32_t)message->arg[0],
		.ttt = TAG_NONE,
		.sns = conn_status_sns(conn),
	};

	pdu_nop_in_encode(&pdu, bhs);
}

void nop_out(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_nop_out nop;
	int r = pdu_nop_out_decode(pdu->bhs, &nop);

	if (r) {
		refuse_pdu(conn, r, pdu->bhs, "malformed");
		return;
	}
	/* RFC 7143 11.18.2: an answer, and not answered. */
	if (nop.ttt != TAG_NONE && nop.ttt == conn->nop_ttt)
		conn->nop_ttt = TAG_NONE;
	if (nop.itt == TAG_NONE)
		return;
	/* RFC 7143 11.18.3: the data of the ping, as much as the initiator takes in one PDU. */
	uint32_t bytes = pdu->discarded ? 0
		: MIN(pdu->data_bytes, conn->params.max_send_data_segment_bytes);
	struct tx_message *m = tx_message_new(conn, bytes);
	if (!m)
		return;
	m->arg[0] = nop.itt;
	if (bytes)
		memcpy(m->data, pdu->data, bytes);
	m->encode = encode;
	tx_message_put(conn, m);
}
