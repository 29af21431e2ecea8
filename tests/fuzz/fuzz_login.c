/* SPDX-License-Identifier: MIT */
/*
 * A login: the first four bytes choose what the target is like, the rest is Login Requests, each a
 * byte that says which header fields stray, the flags byte of the PDU, two bytes of length and
 * the text.
 */
#include <string.h>

#include "fuzz.h"

#include "base/be.h"
#include "login/login.h"

/* A method whose answers depend on what it is told. */
struct login_auth {
	unsigned steps;
};

static unsigned exchanges;

static struct login_auth *auth_begin(const void *config, const char *initiator_name)
{
	CHECK(name_type(initiator_name, strlen(initiator_name)));
	exchanges++;
	return calloc(1, sizeof(struct login_auth));
}

static enum login_auth_result auth_step(struct login_auth *auth, const struct key_pair *pairs,
	size_t n, struct key_writer *answer)
{
	CHECK(n >= 1 && n <= 16);
	switch (pairs[0].value[0]) {
	case 'd':
		return LOGIN_AUTH_DONE;
	case 'f':
		return LOGIN_AUTH_FAILED;
	case 'b':
		return LOGIN_AUTH_BROKEN;
	default:
		for (size_t i = 0; i < n; i++)
			key_put_n(answer, pairs[i].name, pairs[i].name_bytes, pairs[i].value,
				pairs[i].value_bytes);
		return ++auth->steps > 8 ? LOGIN_AUTH_FAILED : LOGIN_AUTH_MORE;
	}
}

static const char *auth_user(const struct login_auth *auth)
{
	return "user";
}

static const char *auth_reason(const struct login_auth *auth)
{
	return "made to fail";
}

static void auth_end(struct login_auth *auth)
{
	exchanges--;
	free(auth);
}

static const char *const AUTH_KEYS[] = { "CHAP_A", "CHAP_N", "CHAP_R", NULL };
static const struct login_auth_ops CHAP = { .name = "CHAP", .keys = AUTH_KEYS, .begin = auth_begin,
	.step = auth_step, .user = auth_user, .reason = auth_reason, .end = auth_end };
static const struct login_auth_method METHODS[] = { { &CHAP, NULL }, { NULL, NULL } };

struct run {
	struct login *login;
	struct login_limits limits;
	struct login_target target;
	struct login_session session;
	struct login_params joined;
	const uint8_t *pos, *end;
	sn_t stat_sn;
};

/* What the owner is like: bits of the four bytes. */
static void choose(struct run *run, const uint8_t *c)
{
	struct login_limits *l = &run->limits;

	*l = login_limits_default();
	if (c[0] & 0x01)
		l->header_digest = DIGEST_CRC32C;
	if (c[0] & 0x02)
		l->immediate_data = false;
	if (c[0] & 0x04)
		l->first_burst_bytes = 1024;
	if (c[0] & 0x08)
		l->max_burst_bytes = l->first_burst_bytes = 4096;
	if (c[0] & 0x10)
		l->max_connections = 4;
	if (c[0] & 0x20)
		l->default_time2wait_s = 9;
	if (c[0] & 0x40)
		l->initial_r2t = true;
	if (c[0] & 0x80)
		l->task_reporting = REPORTING_FAST_ABORT;
	CHECK(!login_limits_check(l));
	run->target = (struct login_target){ .limits = l, .portal_group_tag = c[1],
		.alias = c[1] & 1 ? "alias" : NULL, .methods = METHODS, .n_methods = c[1] >> 1 & 3 };
	if (run->target.n_methods == 3) {
		run->target.methods = METHODS + 1;
		run->target.n_methods = 1;
	}
	if (c[2] & 0x80) {
		run->target.status = c[2] & 0x40 ? LOGIN_MOVED_TEMPORARILY : LOGIN_FORBIDDEN;
		run->target.redirect_address = "127.0.0.1:3260";
	}
	run->session = (struct login_session){ .tsih = 7,
		.status = c[3] & 1 ? LOGIN_OUT_OF_RESOURCES : LOGIN_SUCCESS };
}

static void check_params(const struct login_params *p)
{
	CHECK(name_type(p->initiator_name, strlen(p->initiator_name)));
	CHECK(p->session_type == SESSION_DISCOVERY ||
		name_type(p->target_name, strlen(p->target_name)));
	CHECK(memchr(p->initiator_alias, 0, sizeof(p->initiator_alias)));
	CHECK(p->tsih);
	CHECK(p->first_burst_bytes <= p->max_burst_bytes);
	CHECK(p->max_burst_bytes >= 512 && p->max_burst_bytes <= 0xffffff);
	CHECK(p->max_send_data_segment_bytes >= 512 && p->max_recv_data_segment_bytes >= 512);
	CHECK(p->header_digest == DIGEST_NONE || p->header_digest == DIGEST_CRC32C);
	CHECK(p->max_connections >= 1 && p->max_outstanding_r2t >= 1);
	CHECK(p->error_recovery_level <= 2 && p->default_time2wait_s <= 3600);
	CHECK(p->default_time2retain_s <= 3600 && p->protocol_level <= 31);
}

static enum login_action answer_target(struct run *run)
{
	const struct login_question *q = login_question(run->login);

	CHECK(q && name_type(q->initiator_name, strlen(q->initiator_name)));
	CHECK(q->session_type == SESSION_DISCOVERY || q->target_name[0]);
	if (q->tsih) {
		run->joined = login_params_default();
		strcpy(run->joined.initiator_name, q->initiator_name);
		strcpy(run->joined.target_name, q->target_name);
		run->joined.tsih = q->tsih;
		run->session.tsih = q->tsih;
		run->target.session = &run->joined;
	}
	return login_answer_target(run->login, &run->target);
}

static void check_reply(struct run *run, enum login_action action)
{
	const struct login_message *m = login_reply(run->login);
	const struct pdu_login_response *r = &m->response;
	struct key_reader reader = key_reader_init(m->text, r->data_bytes);
	struct key_pair pair;
	uint8_t bhs[BHS_BYTES];

	CHECK(r->data_bytes <= LOGIN_SEGMENT_MAX);
	CHECK(!(r->transit && r->continues));
	CHECK((action == LOGIN_REPLY_CLOSE) == (r->status != LOGIN_SUCCESS));
	CHECK(login_status(run->login) == r->status);
	pdu_login_response_encode(r, bhs);
	if (action == LOGIN_REPLY_CLOSE) {
		CHECK(!r->transit && login_reason(run->login)[0]);
		return;
	}
	CHECK(sn_eq(r->sns.stat_sn, run->stat_sn));
	run->stat_sn = sn_add(run->stat_sn, 1);
	/* a text of one PDU is well-formed */
	while (!r->continues && key_next(&reader, &pair))
		CHECK(pair.name_bytes);
	if (action == LOGIN_REPLY_DONE) {
		CHECK(r->transit && r->nsg == STAGE_FULL_FEATURE && r->tsih);
		check_params(login_params(run->login));
	}
}

/* One request; false when the login is over. */
static bool say(struct run *run, unsigned *count)
{
	struct pdu_login_request q;
	uint8_t bhs[BHS_BYTES] = { 0x43, [10] = 1, [19] = 5, [21] = 1, [27] = 9 };

	if (run->end - run->pos < 4)
		return false;
	uint8_t stray = run->pos[0];
	size_t n = MIN((size_t)be16_get(run->pos + 2), (size_t)(run->end - run->pos - 4));
	bhs[1] = run->pos[1];
	bhs[3] = (stray & 0x01) ? 1 : 0;
	bhs[4] = (stray & 0x02) ? 1 : 0;
	bhs[13] = (stray & 0x04) ? 9 : 0;
	bhs[15] = (stray & 0x08) ? 1 : 0;
	bhs[21] = (stray & 0x10) ? 2 : 1;
	bhs[16] = (stray & 0x20) ? 1 : 0;
	be24_put(bhs + 5, (uint32_t)n);
	CHECK(!pdu_login_request_decode(bhs, &q));
	/* the text is gone when the call is over */
	uint8_t *text = malloc(n + !n);
	CHECK(text);
	memcpy(text, run->pos + 4, n);
	run->pos += 4 + n;
	enum login_action action = login_request(run->login, &q, text);
	free(text);
	if (action == LOGIN_ASK_TARGET && !(stray & 0x40))
		action = answer_target(run);
	if (action == LOGIN_ASK_SESSION && !(stray & 0x80))
		action = login_answer_session(run->login, &run->session);
	if (action == LOGIN_ASK_TARGET || action == LOGIN_ASK_SESSION)
		return true;
	check_reply(run, action);
	CHECK(++*count <= LOGIN_PDUS_MAX + 2 || action == LOGIN_REPLY_CLOSE);
	return action == LOGIN_REPLY;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { .stat_sn = { 0xfffffffe } };
	unsigned count = 0;

	if (size < 4)
		return 0;
	choose(&run, data);
	run.pos = data + 4;
	run.end = data + size;
	CHECK(!login_new(&run.limits, run.stat_sn, &run.login));
	while (say(&run, &count))
		;
	if (size & 1)
		CHECK(login_refuse(run.login, LOGIN_TARGET_ERROR, "over") == LOGIN_REPLY_CLOSE);
	login_free(run.login);
	CHECK(!exchanges);
	return 0;
}
