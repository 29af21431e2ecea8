/* SPDX-License-Identifier: MIT */
/* The entry points of a login and the rules that Login Requests follow: see login.h. */
#include "login/login.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "login/machine.h"

static const struct login_auth_method NO_METHODS[] = { { NULL, NULL } };

int login_new(const struct login_limits *limits, sn_t stat_sn, struct login **ret)
{
	struct login *l = malloc(sizeof(*l));

	if (!l)
		return -ENOMEM;
	memset(l, 0, offsetof(struct login, text));
	l->n.limits = *limits;
	l->n.params = login_params_default();
	l->in = gather_init(LOGIN_TEXT_MAX);
	reply_start(l);
	l->stat_sn = stat_sn;
	l->methods = NO_METHODS;
	l->n_methods = ARRAY_SIZE(NO_METHODS);
	*ret = l;
	return 0;
}

void login_free(struct login *login)
{
	if (!login)
		return;
	if (login->auth)
		login->auth_ops->end(login->auth);
	gather_reset(&login->in);
	free(login->large);
	free(login);
}

/* The first Login Request says what all of them say. NULL, or what is wrong. */
static const char *check_first(struct login *l, const struct pdu_login_request *q)
{
	/* RFC 7143 6.3: a login starts in the security or in the operational stage */
	if (q->csg != STAGE_SECURITY && q->csg != STAGE_OPERATIONAL)
		return "the login starts in no stage";
	l->first = *q;
	l->stage = q->csg;
	memcpy(l->n.params.isid, q->isid, sizeof(q->isid));
	l->n.params.tsih = q->tsih;
	l->n.params.cid = q->cid;
	l->n.params.cmd_sn = q->cmd_sn;
	l->n.leading = !q->tsih;
	return NULL;
}

/* RFC 7143 11.12.4.1, 11.12.4.2, 11.12.5, 11.12.6, 11.12.7: these stay the same over all Login Requests of a login. */
static const char *check_same(const struct login *l, const struct pdu_login_request *q)
{
	const struct pdu_login_request *f = &l->first;

	if (memcmp(q->isid, f->isid, sizeof(q->isid)) || q->tsih != f->tsih)
		return "ISID or TSIH changed";
	if (q->cid != f->cid)
		return "CID changed";
	if (q->itt != f->itt)
		return "Initiator Task Tag changed";
	if (q->version_min != f->version_min || q->version_max != f->version_max)
		return "version changed";
	return NULL;
}

static const char *check_request(struct login *l, const struct pdu_login_request *q)
{
	const char *wrong = l->pdus == 1 ? check_first(l, q) : check_same(l, q);

	if (wrong)
		return wrong;
	if (l->pdus > LOGIN_PDUS_MAX)
		return "too many Login Requests";
	if (q->ahs_bytes)
		return "an AHS in a Login Request";
	/* RFC 7143 13.12: 8192 is the length in the login phase */
	if (q->data_bytes > LOGIN_SEGMENT_MAX)
		return "a Login Request over 8192 bytes";
	/* RFC 7143 6.3: the stage is the one agreed on */
	if (q->csg != l->stage)
		return "not the stage that is due";
	/* RFC 7143 11.12.2: with C set, T must not be */
	if (q->transit && q->continues)
		return "T and C together";
	return NULL;
}

/* RFC 7143 6.2: an unfinished text of ours is fetched with empty requests. */
static bool reply_unfinished(const struct login *l)
{
	return l->sent < key_writer_len(&l->out);
}

static void fill_question(struct login *l)
{
	const struct login_params *p = &l->n.params;

	l->question = (struct login_question){
		.session_type = p->session_type,
		.initiator_name = p->initiator_name,
		.target_name = p->target_name,
		.isid = p->isid,
		.tsih = p->tsih,
		.cid = p->cid,
	};
}

static enum login_action finish_turn(struct login *l)
{
	if (take_text(l) < 0)
		return LOGIN_REPLY_CLOSE;
	l->identified = true;
	gather_reset(&l->in);
	return reply_turn(l);
}

/* A complete text is in l->in. */
static enum login_action complete(struct login *l)
{
	if (reply_start_for_text(l) < 0)
		return login_fail(l, LOGIN_OUT_OF_RESOURCES, "no memory for the answers");
	if (l->identified)
		return finish_turn(l);
	if (take_identity(l) < 0)
		return LOGIN_REPLY_CLOSE;
	fill_question(l);
	l->state = STATE_ASK_TARGET;
	return LOGIN_ASK_TARGET;
}

static enum login_action add_text(struct login *l, const void *text)
{
	const struct pdu_login_request *q = &l->request;
	int r = gather_add(&l->in, text, q->data_bytes);

	if (r == -EMSGSIZE)
		return login_fail(l, LOGIN_INITIATOR_ERROR, "a text over %u bytes", LOGIN_TEXT_MAX);
	if (r < 0)
		return login_fail(l, LOGIN_OUT_OF_RESOURCES, "no memory for the text");
	if (!q->continues)
		return complete(l);
	/* RFC 7143 6.2: the pieces are answered by empty responses */
	reply_start(l);
	return reply_plain(l);
}

enum login_action login_request(struct login *login, const struct pdu_login_request *request,
	const void *text)
{
	struct login *l = login;
	const char *wrong;

	if (l->state == STATE_CLOSED)
		return LOGIN_REPLY_CLOSE;
	l->request = *request;
	if (l->state != STATE_START && l->state != STATE_REQUEST)
		return login_fail(l, LOGIN_INITIATOR_ERROR, "a Login Request out of turn");
	l->state = STATE_REQUEST;
	l->pdus++;
	/* RFC 7143 11.12.4: ours is version 0 */
	if (request->version_min > 0)
		return login_fail(l, LOGIN_UNSUPPORTED_VERSION, "version %u at least",
			request->version_min);
	wrong = check_request(l, request);
	if (wrong)
		return login_fail(l, LOGIN_INITIATOR_ERROR, "%s", wrong);
	if (!reply_unfinished(l))
		return add_text(l, text);
	if (request->data_bytes || request->continues)
		return login_fail(l, LOGIN_INITIATOR_ERROR, "text before ours was fetched");
	return reply_turn(l);
}

enum login_action login_refuse(struct login *login, enum login_status status, const char *reason)
{
	if (login->state == STATE_CLOSED)
		return LOGIN_REPLY_CLOSE;
	return login_fail(login, status, "%s", reason ? reason : login_status_name(status));
}

bool login_started(const struct login *login)
{
	return login->state != STATE_START;
}

const struct login_question *login_question(const struct login *login)
{
	return login->question.initiator_name ? &login->question : NULL;
}

/* RFC 7143 11.13.5: a redirection tells where to, and says nothing else. */
static enum login_action redirect(struct login *l, const struct login_target *t)
{
	login_fail(l, t->status, "redirected to %s", t->redirect_address);
	key_put(&l->out, "TargetAddress", t->redirect_address);
	return reply_fail(l, t->status);
}

/* A further connection takes over what its session agreed on (RFC 7143 6.3.3). */
static enum login_action join_session(struct login *l, const struct login_params *session)
{
	struct login_params own = l->n.params;
	struct login_params fresh = login_params_default();

	if (!name_equal(session->initiator_name, own.initiator_name) ||
		!name_equal(session->target_name, own.target_name) ||
		session->session_type != own.session_type)
		return login_fail(l, LOGIN_CANNOT_INCLUDE, "names differ from those of the session");
	l->n.params = *session;
	l->n.params.cid = own.cid;
	l->n.params.recv_limit_bytes = own.recv_limit_bytes;
	l->n.params.asked_to_negotiate = false;
	l->n.params.cmd_sn = own.cmd_sn;
	l->n.params.stat_sn = own.stat_sn;
	l->n.params.header_digest = fresh.header_digest;
	l->n.params.data_digest = fresh.data_digest;
	l->n.params.max_recv_data_segment_bytes = fresh.max_recv_data_segment_bytes;
	l->n.params.max_send_data_segment_bytes = fresh.max_send_data_segment_bytes;
	l->n.params.user[0] = 0;
	return LOGIN_REPLY;
}

static void take_target(struct login *l, const struct login_target *t)
{
	l->n.params.portal_group_tag = t->portal_group_tag;
	snprintf(l->target_alias, sizeof(l->target_alias), "%s", t->alias ? t->alias : "");
	if (t->limits)
		l->n.limits = *t->limits;
	l->n.params.recv_limit_bytes = l->n.limits.max_recv_data_segment_bytes;
	if (t->n_methods) {
		l->methods = t->methods;
		l->n_methods = t->n_methods;
	}
}

enum login_action login_answer_target(struct login *login, const struct login_target *target)
{
	struct login *l = login;

	/* refused in the meantime */
	if (l->state == STATE_CLOSED)
		return LOGIN_REPLY_CLOSE;
	assert(l->state == STATE_ASK_TARGET);
	if (target->status >> 8 == 1 && target->redirect_address)
		return redirect(l, target);
	if (target->status)
		return login_refuse(l, target->status, target->reason);
	if (target->session && join_session(l, target->session) == LOGIN_REPLY_CLOSE)
		return LOGIN_REPLY_CLOSE;
	assert((target->session == NULL) == l->n.leading);
	take_target(l, target);
	/* RFC 7143 6.3.1: who starts past the security stage has not authenticated */
	if (l->stage != STAGE_SECURITY && !security_allows_none(l))
		return login_fail(l, LOGIN_AUTHENTICATION_FAILURE,
			"started past the security stage");
	return finish_turn(l);
}

enum login_action login_answer_session(struct login *login, const struct login_session *session)
{
	if (login->state == STATE_CLOSED)
		return LOGIN_REPLY_CLOSE;
	assert(login->state == STATE_ASK_SESSION);
	if (session->status)
		return login_refuse(login, session->status, session->reason);
	assert(session->tsih);
	login->n.params.tsih = session->tsih;
	return reply_done(login);
}

struct login_message *login_reply(struct login *login)
{
	return &login->message;
}

const struct login_params *login_params(const struct login *login)
{
	return &login->n.params;
}

const char *login_reason(const struct login *login)
{
	return login->reason[0] ? login->reason : "none";
}

enum login_status login_status(const struct login *login)
{
	return login->status;
}
