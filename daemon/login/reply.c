/* SPDX-License-Identifier: MIT */
/*
 * What goes back to the initiator: what the target has to declare and to offer, whether the stage
 * may be left (RFC 7143 6.3, 11.13.6), and texts that are longer than a PDU.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "login/machine.h"

/* RFC 7143 11.12.3: where each stage may lead. */
static const bool MAY_LEAD[4][4] = {
	[STAGE_SECURITY] = { [STAGE_OPERATIONAL] = true, [STAGE_FULL_FEATURE] = true },
	[STAGE_OPERATIONAL] = { [STAGE_FULL_FEATURE] = true },
};

void reply_start(struct login *l)
{
	l->out = key_writer_init(l->large ? l->large : l->text, l->large ? LOGIN_ANSWER_MAX : sizeof(l->text));
	l->sent = 0;
}

/* Could all of its keys be answered in the half of @text? Who is asked has the other half. */
static bool is_short(const struct login *l)
{
	size_t bytes = l->in.bytes;

	for (size_t i = 0; i < l->in.bytes; i++)
		bytes += l->in.data[i] ? 0 : strlen("NotUnderstood");
	return bytes <= sizeof(l->text) / 2;
}

int reply_start_for_text(struct login *l)
{
	if (!l->large && !is_short(l)) {
		l->large = malloc(LOGIN_ANSWER_MAX);
		if (!l->large)
			return -ENOMEM;
	}
	reply_start(l);
	return 0;
}

static struct pdu_login_response *start(struct login *l)
{
	const struct pdu_login_request *q = &l->request;
	struct pdu_login_response *r = &l->message.response;

	/* RFC 7143 11.13.1, 11.13.2: version 0 is all there is; the TSIH is the request's until the end */
	*r = (struct pdu_login_response){
		.csg = q->csg,
		.itt = q->itt,
		.tsih = q->tsih,
		.sns = { .stat_sn = l->stat_sn, .exp_cmd_sn = q->cmd_sn, .max_cmd_sn = q->cmd_sn },
	};
	memcpy(r->isid, q->isid, sizeof(r->isid));
	l->message.text = l->out.start;
	return r;
}

/* The next piece of the text; the last one when it says so. RFC 7143 11.13.7: T is for that only. */
static bool fill(struct login *l, struct pdu_login_response *r)
{
	size_t left = key_writer_len(&l->out) - l->sent;
	bool last = left <= LOGIN_SEGMENT_MAX;

	r->data_bytes = (uint32_t)MIN(left, (size_t)LOGIN_SEGMENT_MAX);
	r->continues = !last;
	l->message.text = l->out.start + l->sent;
	l->sent += r->data_bytes;
	/* RFC 7143 11.13.4: StatSN advances with every response of status class 0 */
	l->stat_sn = sn_add(l->stat_sn, 1);
	l->n.params.stat_sn = l->stat_sn;
	return last;
}

enum login_action reply_plain(struct login *l)
{
	l->state = STATE_REQUEST;
	(void)fill(l, start(l));
	return LOGIN_REPLY;
}

static enum login_action reply_transit(struct login *l)
{
	struct pdu_login_response *r = start(l);

	r->transit = true;
	r->nsg = l->request.nsg;
	l->stage = l->request.nsg;
	l->unknown_bytes = 0; /* RFC 7143 6.2: every stage is a negotiation by itself */
	l->state = STATE_REQUEST;
	(void)fill(l, r);
	return LOGIN_REPLY;
}

enum login_action reply_done(struct login *l)
{
	struct pdu_login_response *r = start(l);

	r->transit = true;
	r->nsg = STAGE_FULL_FEATURE;
	r->tsih = l->n.params.tsih; /* RFC 7143 11.13.3 */
	l->state = STATE_DONE;
	(void)fill(l, r);
	return LOGIN_REPLY_DONE;
}

enum login_action reply_fail(struct login *l, enum login_status status)
{
	struct pdu_login_response *r = start(l);

	r->csg = 0; /* RFC 7143 6.3.1: with T and NSG it is reserved where a login is rejected */
	r->status = (uint16_t)status;
	r->data_bytes = (uint32_t)key_writer_len(&l->out);
	l->state = STATE_CLOSED;
	l->status = (uint16_t)status;
	return LOGIN_REPLY_CLOSE;
}

enum login_action login_fail(struct login *l, enum login_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->reason, sizeof(l->reason), format, args);
	va_end(args);
	reply_start(l);
	return reply_fail(l, status);
}

/* RFC 7143 6.3.1, 13.9: with the first response, of discovery sessions as well; 13.6: and the alias, if any. */
static void tell_target(struct login *l)
{
	if (l->tag_told)
		return;
	l->tag_told = true;
	key_put_number(&l->out, "TargetPortalGroupTag", l->n.params.portal_group_tag);
	if (l->target_alias[0])
		key_put(&l->out, "TargetAlias", l->target_alias);
}

/* RFC 7143 13.12: each side declares its own; until it did, 8192 holds. */
static void declare(struct login *l)
{
	if (l->declared || l->stage != STAGE_OPERATIONAL)
		return;
	l->declared = true;
	key_put_number(&l->out, "MaxRecvDataSegmentLength",
		l->n.limits.max_recv_data_segment_bytes);
	l->n.params.max_recv_data_segment_bytes = l->n.limits.max_recv_data_segment_bytes;
}

/* Leaving the operational stage: 1 may go, 0 stays for what we offer, -1 refused. */
static int settle_operational(struct login *l)
{
	struct negotiation *n = &l->n;

	negotiation_settle(n);
	if (n->offered) {
		const struct key_row *row = KEY_TABLE + __builtin_ctzll(n->offered);

		login_fail(l, LOGIN_INITIATOR_ERROR, "no answer to our %s", row->name);
		return -1;
	}
	if (negotiation_offer(n, &l->out))
		return 0;
	/* RFC 7143 13.14, where MaxBurstLength came after FirstBurstLength was settled */
	if (!negotiation_consistent(n)) {
		login_fail(l, LOGIN_INITIATOR_ERROR, "FirstBurstLength is over MaxBurstLength");
		return -1;
	}
	return 1;
}

/* Leaving the security stage, perhaps for full feature phase at once. As above. */
static int settle_security(struct login *l)
{
	const struct key_row *missing;

	if (!security_satisfied(l)) {
		if (l->auth_chosen)
			return 0;
		login_fail(l, LOGIN_AUTHENTICATION_FAILURE, "left the security stage unauthenticated");
		return -1;
	}
	if (l->request.nsg != STAGE_FULL_FEATURE)
		return 1;
	missing = negotiation_missing(&l->n);
	if (!missing)
		return 1;
	login_fail(l, LOGIN_INITIATOR_ERROR, "passed by the operational stage without %s",
		missing->name);
	return -1;
}

static enum login_action transit(struct login *l)
{
	int r;

	if (!MAY_LEAD[l->stage][l->request.nsg])
		return login_fail(l, LOGIN_INITIATOR_ERROR, "no way from stage %u to stage %u",
			l->stage, l->request.nsg);
	r = l->stage == STAGE_SECURITY ? settle_security(l) : settle_operational(l);
	if (r < 0)
		return LOGIN_REPLY_CLOSE;
	/* what we offer may have made the text long */
	if (!r || key_writer_len(&l->out) - l->sent > LOGIN_SEGMENT_MAX)
		return reply_plain(l);
	if (l->request.nsg != STAGE_FULL_FEATURE)
		return reply_transit(l);
	l->state = STATE_ASK_SESSION;
	return LOGIN_ASK_SESSION;
}

enum login_action reply_turn(struct login *l)
{
	tell_target(l);
	declare(l);
	if (l->out.err)
		return login_fail(l, LOGIN_TARGET_ERROR, "the answers do not fit");
	if (!l->request.transit || key_writer_len(&l->out) - l->sent > LOGIN_SEGMENT_MAX)
		return reply_plain(l);
	enum login_action action = transit(l);
	if (l->out.err && action != LOGIN_REPLY_CLOSE)
		return login_fail(l, LOGIN_TARGET_ERROR, "the answers do not fit");
	return action;
}
