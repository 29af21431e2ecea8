/* SPDX-License-Identifier: MIT */
/* Login Requests in order and out of it: stages, headers, identity, the owner's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "talk.h"

#define MINE "TargetPortalGroupTag=1 "
#define RECV "MaxRecvDataSegmentLength=262144 "

/* RFC 7143 B: what a login looks like, and what is known after it. */
static void test_one_request(void **state)
{
	struct talk talk = talk_start();

	talk.target.alias = "demo";
	assert_int_equal(talk_say(&talk, "1>3",
		WHO "InitiatorAlias=host MaxRecvDataSegmentLength=65536 HeaderDigest=CRC32C "),
		LOGIN_REPLY_DONE);
	assert_string_equal(talk_heard(&talk),
		"1>3 0000 HeaderDigest=CRC32C " MINE "TargetAlias=demo " RECV);
	const struct login_params *p = login_params(talk.login);
	assert_string_equal(p->initiator_name, "iqn.1994-05.com.redhat:b1");
	assert_string_equal(p->initiator_alias, "host");
	assert_string_equal(p->target_name, "iqn.2026-11.org.sptgt:demo");
	assert_string_equal(p->user, "");
	assert_int_equal(p->session_type, SESSION_NORMAL);
	assert_memory_equal(p->isid, talk.request.isid, 6);
	assert_int_equal(p->tsih, 7);
	assert_int_equal(p->cid, 1);
	assert_int_equal(p->portal_group_tag, 1);
	assert_int_equal(p->cmd_sn.v, 100);
	assert_int_equal(p->max_recv_data_segment_bytes, 262144);
	assert_int_equal(p->max_send_data_segment_bytes, 65536);
	/* RFC 7143 11.13.4: the response took 0xffffffff, the next is 0 */
	assert_int_equal(talk.reply.sns.stat_sn.v, 0xffffffff);
	assert_int_equal(p->stat_sn.v, 0);
	assert_int_equal(talk.reply.sns.exp_cmd_sn.v, 100);
	/* RFC 7143 11.13.3: the TSIH is told at the end */
	assert_int_equal(talk.reply.tsih, 7);
	assert_int_equal(talk.reply.itt, 5);
	assert_memory_equal(talk.reply.isid, talk.request.isid, 6);
	assert_int_equal(login_status(talk.login), LOGIN_SUCCESS);
	assert_string_equal(login_reason(talk.login), "none");
	talk_end(&talk);
}

struct line {
	const char *flags;
	const char *say;
	const char *hear; /* NULL: refused */
};

/* Conversations over all legal ways between the stages (RFC 7143 6.3, 11.12.3). */
static const struct {
	const char *what;
	struct line lines[5];
	enum login_status status; /* of the refusal that ends it */
} WAYS[] = {
	{ "security, operational, full feature",
		{ { "0>1", WHO "AuthMethod=None ", "0>1 0000 AuthMethod=None " MINE },
			{ "1>3", "", "1>3 0000 " RECV } }, 0 },
	{ "security and at once full feature",
		{ { "0>3", WHO "AuthMethod=CHAP,None ", "0>3 0000 AuthMethod=None " MINE } }, 0 },
	{ "without AuthMethod", { { "0>3", WHO, "0>3 0000 " MINE } }, 0 },
	{ "the stage goes on until T",
		{ { "0", WHO, "0 0000 " MINE }, { "0", "AuthMethod=None ", "0 0000 AuthMethod=None " },
			{ "0>1", "", "0>1 0000 " }, { "1", "InitialR2T=No ",
			"1 0000 InitialR2T=No " RECV }, { "1>3", "", "1>3 0000 " } }, 0 },
	{ "discovery", { { "1>3", DISCO, "1>3 0000 " MINE RECV } }, 0 },
	{ "discovery at a target", { { "1>3", DISCO TNAME, "1>3 0000 " MINE RECV } }, 0 },
	{ "a text in pieces",
		{ { "1C", "InitiatorName=iqn.1994-05", "1 0000 " },
			{ "1C", ".com.redhat:b1 TargetNa", "1 0000 " },
			{ "1>3", "me=iqn.2026-11.org.sptgt:demo ", "1>3 0000 " MINE RECV } }, 0 },
	{ "11.12.3: the reserved stage", { { "2>3", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.3: full feature is no stage", { { "3>3", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.3: back", { { "1>0", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.3: on the spot", { { "1>1", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.3: on the spot", { { "0>0", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.3: to the reserved stage", { { "0>2", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "11.12.2: T with C", { { "1>3C", WHO, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.3: a stage not agreed on",
		{ { "0", WHO, "0 0000 " MINE }, { "1>3", "", NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.3: back to a stage that is over",
		{ { "0>1", WHO, "0>1 0000 " MINE }, { "0>1", "", NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.3: no InitiatorName", { { "1>3", TNAME, NULL } }, LOGIN_MISSING_PARAMETER },
	{ "6.3: no TargetName", { { "1>3", INAME, NULL } }, LOGIN_MISSING_PARAMETER },
	{ "6.3: nothing", { { "1", "", NULL } }, LOGIN_MISSING_PARAMETER },
	{ "6.3: the name comes too late",
		{ { "1", DISCO, "1 0000 " MINE RECV }, { "1>3", TNAME, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.2: the name comes twice",
		{ { "1", WHO, "1 0000 " MINE RECV }, { "1>3", INAME, NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.2: the name comes twice at once", { { "1", WHO INAME, NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "6.2: a key comes twice",
		{ { "1", WHO "InitialR2T=No ", "1 0000 InitialR2T=No " MINE RECV },
			{ "1>3", "InitialR2T=No ", NULL } }, LOGIN_INITIATOR_ERROR },
	{ "4.2.7: not a name",
		{ { "1", "InitiatorName=me TargetName=iqn.2026-11.org.sptgt:demo ", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "4.2.7: not a target's name", { { "1", INAME "TargetName=../etc ", NULL } },
		LOGIN_NOT_FOUND },
	{ "13: an operational key in the security stage",
		{ { "0", WHO "InitialR2T=No ", NULL } }, LOGIN_INITIATOR_ERROR },
	{ "12.1: no method of ours", { { "0", WHO "AuthMethod=KRB5,SRP ", NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "6.1: no '='", { { "1", WHO "garbage ", NULL } }, LOGIN_INITIATOR_ERROR },
	{ "6.1: no NUL", { { "1", "InitiatorName=iqn.1994-05.com.redhat:b1", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "6.1: an endless text", { { "1C", "InitiatorName=iqn", "1 0000 " },
		{ "1>3", "", NULL } }, LOGIN_INITIATOR_ERROR },
};

static void run_way(size_t i)
{
	struct talk talk = talk_start();

	for (size_t k = 0; k < ARRAY_SIZE(WAYS[i].lines) && WAYS[i].lines[k].flags; k++) {
		const struct line *line = &WAYS[i].lines[k];

		talk_say(&talk, line->flags, line->say);
		if (line->hear && strcmp(talk_heard(&talk), line->hear))
			fail_msg("%s: %s (%s)", WAYS[i].what, talk_heard(&talk),
				login_reason(talk.login));
	}
	if (talk.action != (WAYS[i].status ? LOGIN_REPLY_CLOSE : LOGIN_REPLY_DONE) ||
		talk.reply.status != WAYS[i].status || login_status(talk.login) != WAYS[i].status)
		fail_msg("%s: %s (%s)", WAYS[i].what, talk_heard(&talk), login_reason(talk.login));
	if (WAYS[i].status) {
		/* RFC 7143 11.13.5, 6.3.1: nothing but the status (6.3.2: and Reject), and no way to go on */
		assert_false(talk.reply.transit);
		assert_int_equal(talk.reply.csg, 0);
		assert_int_equal(talk.reply.nsg, 0);
		if (strcmp(talk.said, "AuthMethod=Reject "))
			assert_int_equal(talk.reply.data_bytes, 0);
		assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_CLOSE);
		assert_int_equal(talk.reply.status, WAYS[i].status);
	}
	talk_end(&talk);
}

/* RFC 7143 6.3, 6.3.1, 11.12.3. */
static void test_ways(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(WAYS); i++)
		run_way(i);
}

#define CHANGE(name, statement)                                                                    \
	static void change_##name(struct pdu_login_request *q)                                     \
	{                                                                                          \
		statement;                                                                         \
	}

CHANGE(nothing, (void)q)
CHANGE(isid, q->isid[5]++)
CHANGE(tsih, q->tsih = 9)
CHANGE(itt, q->itt++)
CHANGE(cid, q->cid++)
CHANGE(version_max, q->version_max = 1)
CHANGE(version_min, q->version_min = 1)
CHANGE(ahs, q->ahs_bytes = 4)

/* A second request with one header field changed (RFC 7143 11.12). */
static const struct {
	const char *reason;
	void (*change)(struct pdu_login_request *q);
	enum login_status status;
} CHANGES[] = {
	{ "none", change_nothing, LOGIN_SUCCESS },
	{ "ISID or TSIH changed", change_isid, LOGIN_INITIATOR_ERROR },
	{ "ISID or TSIH changed", change_tsih, LOGIN_INITIATOR_ERROR },
	{ "Initiator Task Tag changed", change_itt, LOGIN_INITIATOR_ERROR },
	{ "CID changed", change_cid, LOGIN_INITIATOR_ERROR },
	{ "version changed", change_version_max, LOGIN_INITIATOR_ERROR },
	{ "version 1 at least", change_version_min, LOGIN_UNSUPPORTED_VERSION },
	{ "an AHS in a Login Request", change_ahs, LOGIN_INITIATOR_ERROR },
};

static void test_header_changes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(CHANGES); i++) {
		struct talk talk = talk_start();

		assert_int_equal(talk_say(&talk, "1", WHO), LOGIN_REPLY);
		CHANGES[i].change(&talk.request);
		talk_say(&talk, "1>3", "");
		assert_int_equal(talk.reply.status, CHANGES[i].status);
		assert_string_equal(login_reason(talk.login), CHANGES[i].reason);
		talk_end(&talk);
	}
}

/* RFC 7143 11.12.4, 11.13.1: a later version may be offered, not demanded. */
static void test_version(void **state)
{
	struct talk talk = talk_start();

	talk.request.version_max = 3;
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_DONE);
	assert_int_equal(talk.reply.version_max, 0);
	assert_int_equal(talk.reply.version_active, 0);
	talk_end(&talk);
	talk = talk_start();
	talk.request.version_max = 3;
	talk.request.version_min = 1;
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_CLOSE);
	assert_int_equal(talk.reply.status, LOGIN_UNSUPPORTED_VERSION);
	assert_int_equal(talk.asked_target, 0);
	talk_end(&talk);
}

/* RFC 7143 11.13.5: every status that the owner may answer with is passed on. */
static void test_owner_refuses(void **state)
{
	static const enum login_status statuses[] = { LOGIN_FORBIDDEN, LOGIN_NOT_FOUND,
		LOGIN_REMOVED, LOGIN_TOO_MANY_CONNECTIONS, LOGIN_CANNOT_INCLUDE, LOGIN_NO_SESSION,
		LOGIN_TARGET_ERROR, LOGIN_SERVICE_UNAVAILABLE, LOGIN_OUT_OF_RESOURCES };

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		struct talk talk = talk_start();

		talk.target.status = statuses[i];
		assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_CLOSE);
		assert_int_equal(talk.reply.status, statuses[i]);
		assert_string_equal(login_reason(talk.login), login_status_name(statuses[i]));
		assert_int_equal(talk.asked_session, 0);
		talk_end(&talk);

		talk = talk_start();
		talk.session = (struct login_session){ .status = statuses[i], .reason = "so" };
		assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_CLOSE);
		assert_int_equal(talk.reply.status, statuses[i]);
		assert_false(talk.reply.transit);
		assert_string_equal(login_reason(talk.login), "so");
		talk_end(&talk);
	}
}

/* RFC 7143 11.13.5, 13.8 */
static void test_redirection(void **state)
{
	struct talk talk = talk_start();

	talk.target.status = LOGIN_MOVED_TEMPORARILY;
	talk.target.redirect_address = "[2001:db8::1]:3260";
	assert_int_equal(talk_say(&talk, "0>1", WHO), LOGIN_REPLY_CLOSE);
	assert_string_equal(talk_heard(&talk), "0 0101 TargetAddress=[2001:db8::1]:3260 ");
	assert_string_equal(login_reason(talk.login), "redirected to [2001:db8::1]:3260");
	talk_end(&talk);
	talk = talk_start();
	talk.target.status = LOGIN_MOVED_PERMANENTLY;
	talk.target.redirect_address = "10.0.0.1";
	assert_int_equal(talk_say(&talk, "0>1", WHO), LOGIN_REPLY_CLOSE);
	assert_string_equal(talk_heard(&talk), "0 0102 TargetAddress=10.0.0.1 ");
	talk_end(&talk);
}

/* The owner may take its time with both questions, and the text waits with it. */
static void test_owner_is_slow(void **state)
{
	struct talk talk = talk_start();

	talk.hold = true;
	assert_int_equal(talk_say(&talk, "1>3", WHO "MaxConnections=3 "), LOGIN_ASK_TARGET);
	const struct login_question *q = login_question(talk.login);
	assert_string_equal(q->initiator_name, "iqn.1994-05.com.redhat:b1");
	assert_string_equal(q->target_name, "iqn.2026-11.org.sptgt:demo");
	assert_int_equal(q->session_type, SESSION_NORMAL);
	assert_int_equal(q->tsih, 0);
	assert_int_equal(q->cid, 1);
	assert_memory_equal(q->isid, talk.request.isid, 6);
	talk.action = login_answer_target(talk.login, &talk.target);
	assert_int_equal(talk.action, LOGIN_ASK_SESSION);
	assert_int_equal(login_params(talk.login)->max_connections, 1);
	assert_int_equal(talk_answer(&talk), LOGIN_REPLY_DONE);
	assert_string_equal(talk_heard(&talk), "1>3 0000 MaxConnections=1 " MINE RECV);
	talk_end(&talk);
}

/* Who speaks while the owner thinks speaks out of turn; the late answer changes nothing. */
static void test_out_of_turn(void **state)
{
	struct talk talk = talk_start();

	talk.hold = true;
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_ASK_TARGET);
	assert_int_equal(talk_say(&talk, "1>3", ""), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "a Login Request out of turn");
	assert_int_equal(login_answer_target(talk.login, &talk.target), LOGIN_REPLY_CLOSE);
	assert_int_equal(login_answer_session(talk.login, &talk.session), LOGIN_REPLY_CLOSE);
	assert_int_equal(login_reply(talk.login)->response.status, LOGIN_INITIATOR_ERROR);
	talk_end(&talk);
	talk = talk_start();
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_DONE);
	assert_int_equal(talk_say(&talk, "1>3", ""), LOGIN_REPLY_CLOSE);
	talk_end(&talk);
}

/* RFC 7143 11.13.5: 020b for any other PDU; also our own deadline. The first reason stays. */
static void test_refuse(void **state)
{
	struct talk talk = talk_start();

	assert_false(login_started(talk.login));
	assert_null(login_question(talk.login));
	assert_int_equal(talk_say(&talk, "1", WHO), LOGIN_REPLY);
	assert_true(login_started(talk.login));
	assert_non_null(login_question(talk.login));
	assert_int_equal(login_refuse(talk.login, LOGIN_INVALID_REQUEST, "NOP-Out during login"),
		LOGIN_REPLY_CLOSE);
	assert_int_equal(login_reply(talk.login)->response.status, LOGIN_INVALID_REQUEST);
	assert_int_equal(login_reply(talk.login)->response.itt, 5);
	assert_string_equal(login_reason(talk.login), "NOP-Out during login");
	assert_int_equal(login_refuse(talk.login, LOGIN_TARGET_ERROR, NULL), LOGIN_REPLY_CLOSE);
	assert_int_equal(login_status(talk.login), LOGIN_INVALID_REQUEST);
	talk_end(&talk);
}

/* RFC 7143 6.3.3: a further connection has the session's parameters, and its own. */
static void test_further_connection(void **state)
{
	struct talk talk = talk_start();
	struct login_params session = login_params_default();

	strcpy(session.initiator_name, "iqn.1994-05.com.redhat:b1");
	strcpy(session.target_name, "iqn.2026-11.org.sptgt:demo");
	strcpy(session.user, "somebody");
	session.tsih = 9;
	session.cid = 1;
	session.max_connections = 4;
	session.max_burst_bytes = 4096;
	session.first_burst_bytes = 1024;
	session.header_digest = DIGEST_CRC32C;
	session.max_send_data_segment_bytes = 512;
	memcpy(session.isid, talk.request.isid, 6);
	talk.request.tsih = 9;
	talk.request.cid = 2;
	talk.target.session = &session;
	talk.session.tsih = 9;
	/* keys of the leading connection are of no concern here; those of the connection are */
	assert_int_equal(talk_say(&talk, "1>3",
		WHO "MaxBurstLength=8192 DataDigest=CRC32C MaxRecvDataSegmentLength=4096 "),
		LOGIN_REPLY_DONE);
	assert_string_equal(talk_heard(&talk),
		"1>3 0000 MaxBurstLength=Irrelevant DataDigest=CRC32C " MINE RECV);
	const struct login_params *p = login_params(talk.login);
	assert_int_equal(p->tsih, 9);
	assert_int_equal(p->cid, 2);
	assert_int_equal(p->max_connections, 4);
	assert_int_equal(p->max_burst_bytes, 4096);
	assert_int_equal(p->header_digest, DIGEST_NONE);
	assert_int_equal(p->data_digest, DIGEST_CRC32C);
	assert_int_equal(p->max_send_data_segment_bytes, 4096);
	assert_string_equal(p->user, "");
	talk_end(&talk);

	/* RFC 7143 11.13.3: until the end the TSIH is the request's; names must be the session's */
	talk = talk_start();
	strcpy(session.target_name, "iqn.2026-11.org.sptgt:other");
	talk.request.tsih = 9;
	talk.target.session = &session;
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY_CLOSE);
	assert_int_equal(talk.reply.status, LOGIN_CANNOT_INCLUDE);
	assert_int_equal(talk.reply.tsih, 9);
	talk_end(&talk);
}

/* Without the operational stage nothing was declared: 8192 holds (RFC 7143 13.12). */
static void test_no_operational_stage(void **state)
{
	struct talk talk = talk_start();

	assert_int_equal(talk_say(&talk, "0>3", WHO), LOGIN_REPLY_DONE);
	assert_int_equal(login_params(talk.login)->max_recv_data_segment_bytes, 8192);
	talk_end(&talk);
	/* and who passes it by must be able to live with the defaults */
	talk = talk_start();
	talk.limits.first_burst_bytes = 4096;
	talk.target.limits = &talk.limits;
	assert_int_equal(talk_say(&talk, "0>3", WHO), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login),
		"passed by the operational stage without FirstBurstLength");
	talk_end(&talk);
}

/* Bounds on what a stranger makes us hold and do. */
static void test_bounds(void **state)
{
	static char big[LOGIN_SEGMENT_MAX + 1];
	struct talk talk = talk_start();

	/* RFC 7143 13.12 */
	assert_int_equal(talk_say_bytes(&talk, "1", big, sizeof(big)), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "a Login Request over 8192 bytes");
	talk_end(&talk);

	talk = talk_start();
	assert_int_equal(talk_say_bytes(&talk, "1C", big, LOGIN_SEGMENT_MAX), LOGIN_REPLY);
	assert_int_equal(talk_say_bytes(&talk, "1C", big, LOGIN_SEGMENT_MAX), LOGIN_REPLY);
	assert_int_equal(talk_say_bytes(&talk, "1C", big, 1), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "a text over 16384 bytes");
	talk_end(&talk);

	talk = talk_start();
	assert_int_equal(talk_say(&talk, "1", WHO), LOGIN_REPLY);
	for (unsigned i = 1; i < LOGIN_PDUS_MAX; i++)
		assert_int_equal(talk_say(&talk, "1", ""), LOGIN_REPLY);
	assert_int_equal(talk_say(&talk, "1", ""), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "too many Login Requests");
	talk_end(&talk);
}

/*
 * RFC 7143 6.1: 8192 bytes of keys that nobody knows are answered each, as short as they may be, in several PDUs; and not
 * one more in this stage.
 */
static void test_unknown_keys(void **state)
{
	for (unsigned more = 0; more < 2; more++) {
		struct talk talk = talk_start();
		char say[LOGIN_SEGMENT_MAX] = "";
		size_t n = 0, heard;

		assert_int_equal(talk_say(&talk, "1", WHO), LOGIN_REPLY);
		for (unsigned i = 0; i < LOGIN_UNKNOWN_BYTES / 4 - 1; i++)
			n += (size_t)snprintf(say + n, sizeof(say) - n, "%c%c= ", 'A' + i / 26 % 26, 'a' + i % 26);
		assert_int_equal(talk_say(&talk, "1", say), LOGIN_REPLY);
		heard = talk.reply.data_bytes;
		while (talk.reply.continues) {
			assert_int_equal(talk_say(&talk, "1", ""), LOGIN_REPLY);
			heard += talk.reply.data_bytes;
		}
		assert_int_equal(heard, (LOGIN_UNKNOWN_BYTES / 4 - 1) * (2 + 15));
		assert_int_equal(talk_say(&talk, "1>3", more ? "Ab=1 " : "Ab= "),
			more ? LOGIN_REPLY_CLOSE : LOGIN_REPLY_DONE);
		if (more)
			assert_string_equal(login_reason(talk.login), "more than 8192 bytes of keys not understood");
		talk_end(&talk);
	}
}

/* 4096 of them in two PDUs, each as short as a key can be. */
static void test_flood_of_unknown_keys(void **state)
{
	struct talk talk = talk_start();
	char say[LOGIN_SEGMENT_MAX] = WHO;
	size_t n = strlen(say);

	for (unsigned i = 0; n < sizeof(say) - 4; i++)
		n += (size_t)snprintf(say + n, sizeof(say) - n, "%c= ", 'a' + i % 26);
	assert_int_equal(talk_say(&talk, "1C", say), LOGIN_REPLY);
	assert_int_equal(talk_say(&talk, "1>3", say + strlen(WHO)), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "more than 8192 bytes of keys not understood");
	talk_end(&talk);
}

static void test_alias_of_full_length(void **state)
{
	struct talk talk = talk_start();
	char say[600] = WHO "InitiatorAlias=";
	char alias[LOGIN_ALIAS_MAX + 1];
	size_t n = strlen(say);

	memset(alias, 'a', LOGIN_ALIAS_MAX);
	alias[LOGIN_ALIAS_MAX] = 0;
	talk.target.alias = alias;
	snprintf(say + n, sizeof(say) - n, "%s ", alias);
	assert_int_equal(talk_say(&talk, "1>3", say), LOGIN_REPLY_DONE);
	assert_string_equal(login_params(talk.login)->initiator_alias, alias);
	assert_non_null(strstr(talk.said, alias));
	talk_end(&talk);

	/* RFC 7143 6.1: 255 bytes */
	talk = talk_start();
	snprintf(say + n, sizeof(say) - n, "%sa ", alias);
	assert_int_equal(talk_say(&talk, "1>3", say), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "inadmissible value of InitiatorAlias");
	talk_end(&talk);
}

static void test_free_half_way(void **state)
{
	struct talk talk = talk_start();

	talk_end(&talk);
	login_free(NULL);
	talk = talk_start();
	assert_int_equal(talk_say(&talk, "1C", "Initia"), LOGIN_REPLY);
	talk_end(&talk);
	talk = talk_start();
	talk.hold = true;
	assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_ASK_TARGET);
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_request),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_header_changes),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_owner_refuses),
		cmocka_unit_test(test_redirection),
		cmocka_unit_test(test_owner_is_slow),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_further_connection),
		cmocka_unit_test(test_no_operational_stage),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_unknown_keys),
		cmocka_unit_test(test_flood_of_unknown_keys),
		cmocka_unit_test(test_alias_of_full_length),
		cmocka_unit_test(test_free_half_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
