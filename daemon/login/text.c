/* SPDX-License-Identifier: MIT */
/* Text negotiation in full feature phase: see text.h. */
#include "login/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "login/login.h"
#include "login/negotiation.h"
#include "wire/reject.h"

static const char SEGMENT_LENGTH[] = "MaxRecvDataSegmentLength";

static void put_constant(struct key_writer *answer, const struct key_pair *pair, const char *text)
{
	key_put_n(answer, pair->name, pair->name_bytes, text, strlen(text));
}

static int take_send_targets(const struct key_pair *pair, struct text_outcome *out)
{
	if (pair->value_bytes > NAME_MAX_BYTES) {
		snprintf(out->reason, sizeof(out->reason), "value of SendTargets is too long");
		return REJECT_INVALID_PDU_FIELD;
	}
	out->send_targets = true;
	memcpy(out->send_targets_value, pair->value, pair->value_bytes);
	out->send_targets_value[pair->value_bytes] = 0;
	return 0;
}

static int take_unknown(const struct key_pair *pair, size_t *bytes, struct key_writer *answer,
	struct text_outcome *out)
{
	*bytes += pair->name_bytes + pair->value_bytes + 2;
	if (*bytes > LOGIN_UNKNOWN_BYTES) {
		snprintf(out->reason, sizeof(out->reason), "more than %u bytes of keys not understood",
			LOGIN_UNKNOWN_BYTES);
		return REJECT_PROTOCOL_ERROR;
	}
	if (key_is_answer(pair)) {
		snprintf(out->reason, sizeof(out->reason), "an answer to a key that we did not offer");
		return REJECT_PROTOCOL_ERROR;
	}
	put_constant(answer, pair, "NotUnderstood");
	return 0;
}

/*
 * RFC 7143 7.12: a failure to negotiate leaves what was agreed before, and the connection, as they
 * are: the key is answered by Reject.
 */
static int take_known(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer, struct text_outcome *out)
{
	switch (negotiation_take(n, row, pair, USE_FULL_FEATURE, answer)) {
	case VERDICT_DUPLICATE:
		snprintf(out->reason, sizeof(out->reason), "duplicate key %s", row->name);
		return REJECT_PROTOCOL_ERROR;
	case VERDICT_UNASKED: /* RFC 7143 6.2: a protocol error, not a failure to agree */
		snprintf(out->reason, sizeof(out->reason), "an answer to %s, which we did not offer",
			row->name);
		return REJECT_PROTOCOL_ERROR;
	case VERDICT_MISPLACED:
		put_constant(answer, pair, "Reject");
		return 0;
	case VERDICT_TAKEN:
		if (row->type == KEY_OWNER)
			return take_send_targets(pair, out);
		out->segment_length = out->segment_length || key_is(pair, SEGMENT_LENGTH);
		return 0;
	default:
		return 0;
	}
}

static int take_pairs(struct negotiation *n, struct key_reader *reader, struct key_writer *answer,
	struct text_outcome *out)
{
	size_t unknown_bytes = 0;
	struct key_pair pair;
	int r = 0;

	while (!r && key_next(reader, &pair)) {
		const struct key_row *row = key_find(pair.name, pair.name_bytes);

		if (row)
			r = take_known(n, row, &pair, answer, out);
		else
			r = take_unknown(&pair, &unknown_bytes, answer, out);
	}
	if (!r && reader->error) {
		snprintf(out->reason, sizeof(out->reason), "malformed text: %s",
			key_error_text(reader->error));
		r = REJECT_PROTOCOL_ERROR;
	}
	return r;
}

/*
 * RFC 7143 13.12: who passed the operational stage by has not heard what we take; it is told when
 * it declares its own. What is on its way may be as long as was told before, so the limit never shrinks.
 */
static void declare(struct login_params *p, struct key_writer *answer)
{
	if (p->max_recv_data_segment_bytes == p->recv_limit_bytes && !p->asked_to_negotiate)
		return;
	key_put_number(answer, SEGMENT_LENGTH, p->recv_limit_bytes);
	if (p->max_recv_data_segment_bytes < p->recv_limit_bytes)
		p->max_recv_data_segment_bytes = p->recv_limit_bytes;
	p->asked_to_negotiate = false;
}

int text_negotiate(struct login_params *params, uint64_t *seen, const void *text, size_t bytes,
	struct key_writer *answer, struct text_outcome *outcome)
{
	struct negotiation n = { .params = *params, .seen = *seen, .leading = true };
	struct key_reader reader = key_reader_init(text, bytes);
	struct text_outcome out = { .send_targets = false };
	int r = take_pairs(&n, &reader, answer, &out);

	if (!r && (out.segment_length || n.params.asked_to_negotiate))
		declare(&n.params, answer);
	if (!r && answer->err)
		r = answer->err;
	if (!r) {
		*params = n.params;
		*seen = n.seen;
	}
	*outcome = out;
	return r;
}
