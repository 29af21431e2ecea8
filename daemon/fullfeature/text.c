/* SPDX-License-Identifier: MIT */
/*
 * Text (RFC 7143 11.10, 11.11): joins a request that comes in pieces, has it judged by the key
 * table, and tells the answer in pieces of the size that the initiator takes. One negotiation at a
 * time on a connection, as the RFC has it.
 */
#include "login/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fullfeature/messages.h"
#include "login/login.h"
#include "session/session.h"
#include "wire/text_request.h"
#include "wire/text_response.h"

#define ANSWER_MIN_BYTES (8u << 10)
#define ANSWER_MAX_BYTES (1u << 20) /* some thousand targets */

static void forget(struct conn_text *text)
{
	free(text->data);
	free(text->agreed);
	*text = (struct conn_text){ .ttt = TAG_NONE };
}

enum { F_FINAL = 1, F_CONTINUES = 2 };

static void encode(struct tx_message *message, struct conn *conn, uint8_t *bhs)
{
	struct pdu_text_response pdu = {
		.final = message->arg[2] & F_FINAL,
		.continues = message->arg[2] & F_CONTINUES,
		.data_bytes = message->data_bytes,
		.itt = (uint32_t)message->arg[0],
		.ttt = (uint32_t)message->arg[1],
		.sns = conn_status_sns(conn),
	};

	pdu_text_response_encode(&pdu, bhs);
}

static void send_text(struct conn *conn, uint32_t itt, const void *data, size_t bytes, unsigned flags)
{
	struct tx_message *m = tx_message_new(conn, bytes);

	if (!m)
		return;
	m->arg[0] = itt;
	m->arg[1] = flags & F_FINAL ? TAG_NONE : conn->text.ttt;
	m->arg[2] = flags;
	if (bytes)
		memcpy(m->data, data, bytes);
	m->encode = encode;
	tx_message_put(conn, m);
}

/*
 * RFC 7143 6.4, 7.12: what the texts of a negotiation change holds when it is over, or never. Only the keys
 * that may be sent now; what we take may have been set anew meanwhile, and never shrinks.
 */
static void take_effect(struct conn *conn)
{
	struct login_params *now = &conn->params;
	const struct login_params *agreed = conn->text.agreed;

	if (!agreed)
		return;
	memcpy(now->initiator_alias, agreed->initiator_alias, sizeof(now->initiator_alias));
	now->max_send_data_segment_bytes = agreed->max_send_data_segment_bytes;
	now->max_recv_data_segment_bytes =
		MAX(now->max_recv_data_segment_bytes, agreed->max_recv_data_segment_bytes);
	if (!agreed->asked_to_negotiate && agreed->recv_limit_bytes == now->recv_limit_bytes)
		now->asked_to_negotiate = false;
}

/*
 * The next piece of the answer, as long as the initiator takes it. The last one has F, if the request had it, and no tag:
 * RFC 7143 11.10.1, 11.11.1, 11.11.4, 11.11.6. If not,
 * the initiator's next one is answered by an empty F, unless it brings more text.
 */
static void send_piece(struct conn *conn, uint32_t itt)
{
	struct conn_text *text = &conn->text;
	size_t left = text->bytes - text->offset;
	size_t n = MIN(left, (size_t)conn->params.max_send_data_segment_bytes);

	if (n < left || !text->final) {
		send_text(conn, itt, text->data + text->offset, n, n < left ? F_CONTINUES : 0);
		text->offset += n;
		return;
	}
	send_text(conn, itt, text->data + text->offset, n, F_FINAL);
	take_effect(conn);
	forget(text);
}

/* The answer to the whole request into @buffer; 0, -EMSGSIZE, or a Reject reason. */
static int answer(struct conn *conn, struct login_params *params, uint64_t *seen, char *buffer,
	size_t room, size_t *ret_bytes, struct text_outcome *outcome)
{
	struct key_writer w = key_writer_init(buffer, room);
	int r = text_negotiate(params, seen, conn->text.data, conn->text.bytes, &w, outcome);

	if (r)
		return r;
	/* RFC 7143 4.3: nothing else is asked in a discovery session */
	if (conn->params.session_type == SESSION_DISCOVERY && !outcome->send_targets) {
		snprintf(outcome->reason, sizeof(outcome->reason), "no SendTargets in a discovery session");
		return REJECT_PROTOCOL_ERROR;
	}
	if (outcome->send_targets)
		conn->env->ops->send_targets(conn, outcome->send_targets_value, &w);
	*ret_bytes = key_writer_len(&w);
	return w.err;
}

static bool begin_changes(struct conn *conn)
{
	struct conn_text *text = &conn->text;

	if (!text->agreed) {
		text->agreed = malloc(sizeof(*text->agreed));
		if (text->agreed)
			*text->agreed = conn->params;
	}
	return text->agreed;
}

static void negotiate(struct conn *conn, struct rx_pdu *pdu)
{
	struct text_outcome outcome;
	int r = -EMSGSIZE;

	if (!begin_changes(conn)) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return;
	}
	for (size_t room = ANSWER_MIN_BYTES; r == -EMSGSIZE && room <= ANSWER_MAX_BYTES; room *= 2) {
		struct login_params params = *conn->text.agreed;
		uint64_t seen = conn->text.seen;
		char *buffer = malloc(room);
		size_t bytes = 0;
		if (!buffer) {
			conn_close(conn, CLOSE_NO_MEMORY, NULL);
			return;
		}
		memset(&outcome, 0, sizeof(outcome));
		r = answer(conn, &params, &seen, buffer, room, &bytes, &outcome);
		if (r) {
			free(buffer);
			continue;
		}
		*conn->text.agreed = params;
		conn->text.seen = seen;
		free(conn->text.data);
		conn->text.data = buffer;
		conn->text.bytes = bytes;
		conn->text.offset = 0;
		conn->text.answering = true;
	}
	if (r) {
		forget(&conn->text);
		reject(conn, r > 0 ? (uint8_t)r : REJECT_LONG_OPERATION, pdu->bhs,
			r > 0 ? outcome.reason : "the answer is too long");
		return;
	}
	send_piece(conn, bhs_itt(pdu->bhs));
}

static bool append(struct conn *conn, const struct rx_pdu *pdu)
{
	struct conn_text *text = &conn->text;

	if (pdu->data_bytes > LOGIN_TEXT_MAX - text->bytes || pdu->discarded) {
		forget(text);
		reject(conn, REJECT_LONG_OPERATION, pdu->bhs, "the text is too long");
		return false;
	}
	char *data = realloc(text->data, text->bytes + pdu->data_bytes + 1);
	if (!data) {
		conn_close(conn, CLOSE_NO_MEMORY, NULL);
		return false;
	}
	if (pdu->data_bytes)
		memcpy(data + text->bytes, pdu->data, pdu->data_bytes);
	text->data = data;
	text->bytes += pdu->data_bytes;
	return true;
}

void text_request(struct conn *conn, struct rx_pdu *pdu)
{
	struct conn_text *text = &conn->text;
	struct pdu_text_request request;
	int r = pdu_text_request_decode(pdu->bhs, &request);

	if (r) {
		reject(conn, (uint8_t)r, pdu->bhs, "malformed");
		return;
	}
	/* RFC 7143 11.10.4: a reset of the negotiation, by a request without a tag. */
	if (request.ttt == TAG_NONE) {
		forget(text);
		text->itt = request.itt;
	} else if (request.ttt != text->ttt) {
		reject(conn, REJECT_PROTOCOL_ERROR, pdu->bhs, "Target Transfer Tag that was not given");
		return;
	} else if (request.itt != text->itt) {
		/* RFC 7143 11.10.3: the requests of one negotiation have one tag */
		forget(text);
		reject(conn, REJECT_PROTOCOL_ERROR, pdu->bhs, "another Initiator Task Tag in a negotiation");
		return;
	}
	text->final = request.final;
	if (text->answering && text->offset == text->bytes && request.data_bytes) {
		text->answering = false; /* all is told: the negotiation goes on */
		text->bytes = 0;
	}
	if (text->answering) {
		if (request.data_bytes) {
			forget(text);
			reject(conn, REJECT_PROTOCOL_ERROR, pdu->bhs, "text while the answer is being told");
			return;
		}
		send_piece(conn, request.itt);
		return;
	}
	if (!append(conn, pdu))
		return;
	if (text->ttt == TAG_NONE)
		text->ttt = conn_take_ttt(conn);
	if (request.continues)
		send_text(conn, request.itt, NULL, 0, 0);
	else
		negotiate(conn, pdu);
}
