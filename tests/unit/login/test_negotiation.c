/* SPDX-License-Identifier: MIT */
/* Every key of RFC 7143 13: an offer, what we answer to it, and what holds from then on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "login/keytable.h"
#include "talk.h"

#define MINE "TargetPortalGroupTag=1 "
#define RECV "MaxRecvDataSegmentLength=262144 "

struct offer {
	const char *clause;
	const char *say;    /* beside the names, in one Login Request from stage 1 to 3 */
	const char *answer; /* NULL: the login is refused with @status */
	enum login_status status;
	const char *param;  /* a number of struct login_params, as its key is called */
	uint64_t value;
};

#define REFUSED NULL, LOGIN_INITIATOR_ERROR, NULL, 0

/* Our side is login_limits_default(), but for max_connections 4 and error_recovery_level 1. */
static const struct offer OFFERS[] = {
	{ "13.1: first of ours", "HeaderDigest=None,CRC32C ", "HeaderDigest=None ", 0,
		"HeaderDigest", DIGEST_NONE },
	{ "13.1: order is the initiator's", "HeaderDigest=CRC32C,None ", "HeaderDigest=CRC32C ", 0,
		"HeaderDigest", DIGEST_CRC32C },
	{ "6.2.1: unknown ones are skipped", "HeaderDigest=X#a,CRC32C ", "HeaderDigest=CRC32C ", 0,
		"HeaderDigest", DIGEST_CRC32C },
	{ "6.2.1: none of ours", "HeaderDigest=X#a ", REFUSED },
	{ "6.2.1: an empty list", "HeaderDigest= ", REFUSED },
	{ "6.1: case matters", "HeaderDigest=crc32c ", REFUSED },
	{ "13.1", "DataDigest=CRC32C ", "DataDigest=CRC32C ", 0, "DataDigest", DIGEST_CRC32C },
	{ "13.2: the smaller", "MaxConnections=8 ", "MaxConnections=4 ", 0, "MaxConnections", 4 },
	{ "13.2: the smaller", "MaxConnections=2 ", "MaxConnections=2 ", 0, "MaxConnections", 2 },
	{ "13.2: 1 is the least", "MaxConnections=0 ", REFUSED },
	{ "13.2: 65535 is the most", "MaxConnections=65535 ", "MaxConnections=4 ", 0,
		"MaxConnections", 4 },
	{ "13.2: 65535 is the most", "MaxConnections=65536 ", REFUSED },
	{ "6.1: hexadecimal", "MaxConnections=0x3 ", "MaxConnections=3 ", 0, "MaxConnections", 3 },
	{ "6.1: no number", "MaxConnections=few ", REFUSED },
	{ "6.1: no number", "MaxConnections= ", REFUSED },
	{ "6.1: no 2^64", "MaxConnections=18446744073709551617 ", REFUSED },
	{ "13.10: OR", "InitialR2T=No ", "InitialR2T=No ", 0, "InitialR2T", 0 },
	{ "13.10: OR", "InitialR2T=Yes ", "InitialR2T=Yes ", 0, "InitialR2T", 1 },
	{ "6.1: no boolean", "InitialR2T=yes ", REFUSED },
	{ "13.11: AND", "ImmediateData=No ", "ImmediateData=No ", 0, "ImmediateData", 0 },
	{ "13.11: AND", "ImmediateData=Yes ", "ImmediateData=Yes ", 0, "ImmediateData", 1 },
	{ "13.12: declared", "MaxRecvDataSegmentLength=65536 ", "", 0, "MaxRecvDataSegmentLength",
		65536 },
	{ "13.12: 512", "MaxRecvDataSegmentLength=512 ", "", 0, "MaxRecvDataSegmentLength", 512 },
	{ "13.12: 512", "MaxRecvDataSegmentLength=511 ", REFUSED },
	{ "13.12: 2^24-1", "MaxRecvDataSegmentLength=16777215 ", "", 0, "MaxRecvDataSegmentLength",
		16777215 },
	{ "13.12: 2^24-1", "MaxRecvDataSegmentLength=16777216 ", REFUSED },
	{ "13.13: the smaller", "MaxBurstLength=16776192 ", "MaxBurstLength=1048576 ", 0,
		"MaxBurstLength", 1048576 },
	{ "13.13: 512", "MaxBurstLength=511 ", REFUSED },
	{ "13.14: the smaller", "FirstBurstLength=131072 ", "FirstBurstLength=131072 ", 0,
		"FirstBurstLength", 131072 },
	{ "13.14: not over MaxBurstLength", "FirstBurstLength=65536 MaxBurstLength=4096 ",
		"MaxBurstLength=4096 FirstBurstLength=4096 ", 0, "FirstBurstLength", 4096 },
	{ "13.14: irrelevant where nothing is unsolicited",
		"FirstBurstLength=65536 InitialR2T=Yes ImmediateData=No MaxBurstLength=4096 ",
		"InitialR2T=Yes ImmediateData=No MaxBurstLength=4096 FirstBurstLength=Irrelevant ", 0,
		"FirstBurstLength", 4096 },
	{ "13.15: the larger", "DefaultTime2Wait=0 ", "DefaultTime2Wait=2 ", 0, "DefaultTime2Wait",
		2 },
	{ "13.15: the larger", "DefaultTime2Wait=3600 ", "DefaultTime2Wait=3600 ", 0,
		"DefaultTime2Wait", 3600 },
	{ "13.15: 3600", "DefaultTime2Wait=3601 ", REFUSED },
	{ "13.16: the smaller", "DefaultTime2Retain=0 ", "DefaultTime2Retain=0 ", 0,
		"DefaultTime2Retain", 0 },
	{ "13.16: the smaller", "DefaultTime2Retain=100 ", "DefaultTime2Retain=20 ", 0,
		"DefaultTime2Retain", 20 },
	{ "13.17: the smaller", "MaxOutstandingR2T=32 ", "MaxOutstandingR2T=16 ", 0,
		"MaxOutstandingR2T", 16 },
	{ "13.17: 1", "MaxOutstandingR2T=0 ", REFUSED },
	{ "13.18: OR", "DataPDUInOrder=No ", "DataPDUInOrder=Yes ", 0, "DataPDUInOrder", 1 },
	{ "13.19: OR", "DataSequenceInOrder=No ", "DataSequenceInOrder=Yes ", 0,
		"DataSequenceInOrder", 1 },
	{ "13.20: the smaller", "ErrorRecoveryLevel=2 ", "ErrorRecoveryLevel=1 ", 0,
		"ErrorRecoveryLevel", 1 },
	{ "13.20: 2", "ErrorRecoveryLevel=3 ", REFUSED },
	{ "13.23", "TaskReporting=FastAbort,RFC3720 ", "TaskReporting=FastAbort ", 0,
		"TaskReporting", REPORTING_FAST_ABORT },
	{ "13.23", "TaskReporting=Slow,ResponseFence,FastAbort ", "TaskReporting=ResponseFence ", 0,
		"TaskReporting", REPORTING_RESPONSE_FENCE },
	{ "13.23", "TaskReporting=Slow ", REFUSED },
	{ "4.2.2.3.3: the fence, and several connections",
		"MaxConnections=8 TaskReporting=ResponseFence,RFC3720 ",
		"MaxConnections=4 TaskReporting=ResponseFence ", 0, "MaxConnections", 4 },
	{ "13.26", "X#NodeArchitecture=Linux,amd64 ", "", 0, NULL, 0 },
	{ "13.24: the smaller", "iSCSIProtocolLevel=3 ", "iSCSIProtocolLevel=2 ", 0,
		"iSCSIProtocolLevel", 2 },
	{ "13.24: 31", "iSCSIProtocolLevel=32 ", REFUSED },
	{ "13.25: No", "IFMarker=No OFMarker=Yes ", "IFMarker=No OFMarker=No ", 0, NULL, 0 },
	{ "13.25: Reject", "IFMarkInt=2048~8192 OFMarkInt=2048 ",
		"IFMarkInt=Reject OFMarkInt=Reject ", 0, NULL, 0 },
	{ "13.7: an alias", "InitiatorAlias=a\xc3\xa9/~! ", "", 0, NULL, 0 },
	{ "13.22: private keys", "X-com.example.k=1 ", "X-com.example.k=NotUnderstood ", 0, NULL, 0 },
	{ "6.2: not understood", "Foo=Bar Baz= ", "Foo=NotUnderstood Baz=NotUnderstood ", 0, NULL,
		0 },
	{ "6.2: an answer to nothing", "Foo=NotUnderstood ", REFUSED },
	{ "6.2: an answer to nothing", "X-com.example.k=Reject ", REFUSED },
	{ "6.2: an answer to nothing", "InitiatorAlias=NotUnderstood ", REFUSED },
	{ "6.2: an answer to nothing", "HeaderDigest=Irrelevant ", REFUSED },
	{ "6.2: an answer to nothing", "FirstBurstLength=Irrelevant InitialR2T=Yes ImmediateData=No ", REFUSED },
	{ "6.2: an answer to nothing", "IFMarker=NotUnderstood ", REFUSED },
	{ "6.2: an answer to nothing", "X#NodeArchitecture=Irrelevant ", REFUSED },
	{ "6.2: only whole", "InitiatorAlias=Rejected X-com.example.k=reject ",
		"X-com.example.k=NotUnderstood ", 0, NULL, 0 },
	{ "6.2: None is a value", "HeaderDigest=None X-com.example.k=None ",
		"HeaderDigest=None X-com.example.k=NotUnderstood ", 0, NULL, 0 },
	{ "6.2: that is no answer", "Foo=NotUnderstooD Bar=NotUnderstood2 ",
		"Foo=NotUnderstood Bar=NotUnderstood ", 0, NULL, 0 },
	{ "6.2: once", "MaxConnections=1 MaxConnections=1 ", REFUSED },
	{ "6.2: once", INAME, REFUSED },
	{ "13.3: not at login", "SendTargets=All ", REFUSED },
	{ "13.6: the target's", "TargetAlias=x ", REFUSED },
	{ "13.8: the target's", "TargetAddress=127.0.0.1 ", REFUSED },
	{ "13.9: the target's", "TargetPortalGroupTag=1 ", REFUSED },
	{ "12.1: not in this stage", "AuthMethod=None ", REFUSED },
	{ "6.2.2: a constant is no value", "MaxConnections=Irrelevant ", REFUSED },
	{ "6.2.2: a constant is no value", "MaxConnections=Reject ", REFUSED },
	{ "13.21", "SessionType=Normal ", "", 0, NULL, 0 },
	{ "13.21: 0209", "SessionType=Strange ", NULL, LOGIN_SESSION_TYPE, NULL, 0 },
};

static uint64_t param_of(const struct talk *talk, const char *key)
{
	const struct key_row *row = key_find(key, strlen(key));

	assert_non_null(row);
	assert_true(row->param.bytes > 0);
	return key_get(login_params(talk->login), row->param);
}

static struct talk offer_talk(void)
{
	struct talk talk = talk_start();

	talk.limits.max_connections = 4;
	talk.limits.error_recovery_level = 1;
	return talk;
}

static void check_offer(const struct offer *row)
{
	struct talk talk = offer_talk();
	char say[512], expect[512];

	talk.target.limits = &talk.limits;
	snprintf(say, sizeof(say), WHO "%s", row->say);
	enum login_action action = talk_say(&talk, "1>3", say);
	if (!row->answer) {
		if (action != LOGIN_REPLY_CLOSE || talk.reply.status != row->status)
			fail_msg("%s: %s was taken", row->clause, row->say);
		assert_int_equal(talk.reply.data_bytes, 0);
		assert_int_equal(talk.asked_session, 0);
	} else {
		snprintf(expect, sizeof(expect), "1>3 0000 %s" MINE RECV, row->answer);
		if (action != LOGIN_REPLY_DONE || strcmp(talk_heard(&talk), expect))
			fail_msg("%s: %s gave %s (%s)", row->clause, row->say, talk_heard(&talk),
				login_reason(talk.login));
		if (row->param && param_of(&talk, row->param) != row->value)
			fail_msg("%s: %s", row->clause, row->param);
	}
	talk_end(&talk);
}

/* RFC 7143 6.2, 13: what each offer is answered with, and which are none. */
static void test_offers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(OFFERS); i++)
		check_offer(&OFFERS[i]);
}

/* RFC 7143 13: what a discovery session has no use for is answered so, and its value stays. */
static void test_irrelevant_in_discovery(void **state)
{
	static const char *const keys[] = { "MaxConnections", "InitialR2T", "ImmediateData",
		"MaxBurstLength", "FirstBurstLength", "MaxOutstandingR2T", "DataPDUInOrder",
		"DataSequenceInOrder", "TaskReporting", "iSCSIProtocolLevel" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct talk talk = talk_start();
		char say[200], expect[200];

		snprintf(say, sizeof(say), DISCO "%s=No ", keys[i]);
		snprintf(expect, sizeof(expect), "1>3 0000 %s=Irrelevant " MINE RECV, keys[i]);
		assert_int_equal(talk_say(&talk, "1>3", say), LOGIN_REPLY_DONE);
		assert_string_equal(talk_heard(&talk), expect);
		talk_end(&talk);
	}
}

/* RFC 7143 11.13.8: each row of the table has been offered above in some way, or is a name or security key. */
static void test_no_key_is_left_out(void **state)
{
	for (size_t i = 0; i < KEY_ROWS; i++) {
		const struct key_row *row = &KEY_TABLE[i];
		char start[80];
		bool found = row->type == KEY_NAME;

		snprintf(start, sizeof(start), "%s=", row->name);
		for (size_t k = 0; k < ARRAY_SIZE(OFFERS); k++)
			found |= strstr(OFFERS[k].say, start) != NULL;
		if (!found)
			fail_msg("%s", row->name);
	}
}

/*
 * What the initiator leaves at a default that we cannot keep, we offer (RFC 7143 6.2): then it is
 * its turn to answer, and T waits.
 */
struct our_offer {
	const char *clause;
	void (*limit)(struct login_limits *limits);
	const char *we_offer;
	const char *they_answer;
	const char *param; /* NULL: the answer is refused */
	uint64_t value;
};

static void limit_immediate(struct login_limits *l)
{
	l->immediate_data = false;
}

static void limit_burst(struct login_limits *l)
{
	l->max_burst_bytes = 65536;
	l->first_burst_bytes = 32768;
}

static void limit_digest(struct login_limits *l)
{
	l->header_digest = DIGEST_CRC32C;
}

static void limit_wait(struct login_limits *l)
{
	l->default_time2wait_s = 5;
}

static const struct our_offer OUR_OFFERS[] = {
	{ "6.2.2: AND, answered", limit_immediate, "ImmediateData=No ", "ImmediateData=No ",
		"ImmediateData", 0 },
	{ "6.2.2: AND, certain without an answer", limit_immediate, "ImmediateData=No ", "",
		"ImmediateData", 0 },
	{ "6.2.2: AND, answered wrongly", limit_immediate, "ImmediateData=No ",
		"ImmediateData=Yes ", NULL, 0 },
	{ "13.13, 13.14", limit_burst, "MaxBurstLength=65536 FirstBurstLength=32768 ",
		"MaxBurstLength=65536 FirstBurstLength=4096 ", "FirstBurstLength", 4096 },
	{ "13.13, 13.14: over our offer", limit_burst,
		"MaxBurstLength=65536 FirstBurstLength=32768 ",
		"MaxBurstLength=65537 FirstBurstLength=4096 ", NULL, 0 },
	{ "13.14: over the other", limit_burst, "MaxBurstLength=65536 FirstBurstLength=32768 ",
		"FirstBurstLength=32768 MaxBurstLength=4096 ", NULL, 0 },
	{ "6.2: one is not answered", limit_burst, "MaxBurstLength=65536 FirstBurstLength=32768 ",
		"MaxBurstLength=65536 ", NULL, 0 },
	{ "13.1", limit_digest, "HeaderDigest=CRC32C ", "HeaderDigest=CRC32C ", "HeaderDigest",
		DIGEST_CRC32C },
	{ "13.1: not offered", limit_digest, "HeaderDigest=CRC32C ", "HeaderDigest=None ", NULL, 0 },
	{ "6.2: rejected", limit_digest, "HeaderDigest=CRC32C ", "HeaderDigest=Reject ", NULL, 0 },
	{ "13.15: larger", limit_wait, "DefaultTime2Wait=5 ", "DefaultTime2Wait=9 ",
		"DefaultTime2Wait", 9 },
	{ "13.15: smaller", limit_wait, "DefaultTime2Wait=5 ", "DefaultTime2Wait=4 ", NULL, 0 },
	{ "6.2.2: irrelevant, its default stays", limit_wait, "DefaultTime2Wait=5 ",
		"DefaultTime2Wait=Irrelevant ", "DefaultTime2Wait", 2 },
};

static void test_our_offers(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(OUR_OFFERS); i++) {
		const struct our_offer *row = &OUR_OFFERS[i];
		struct talk talk = talk_start();
		char expect[300];

		row->limit(&talk.limits);
		talk.target.limits = &talk.limits;
		assert_int_equal(talk_say(&talk, "1>3", WHO), LOGIN_REPLY);
		snprintf(expect, sizeof(expect), "1 0000 " MINE RECV "%s", row->we_offer);
		assert_string_equal(talk_heard(&talk), expect);
		enum login_action action = talk_say(&talk, "1>3", row->they_answer);
		if (action != (row->param ? LOGIN_REPLY_DONE : LOGIN_REPLY_CLOSE))
			fail_msg("%s: %s", row->clause, login_reason(talk.login));
		if (row->param)
			assert_int_equal(param_of(&talk, row->param), row->value);
		else
			assert_int_equal(talk.reply.status, LOGIN_INITIATOR_ERROR);
		talk_end(&talk);
	}
}

/* A first burst that its own maximum undercut later (RFC 7143 13.14). */
static void test_bursts_in_two_texts(void **state)
{
	struct talk talk = talk_start();

	assert_int_equal(talk_say(&talk, "1", WHO "FirstBurstLength=65536 "), LOGIN_REPLY);
	assert_int_equal(talk_say(&talk, "1>3", "MaxBurstLength=4096 "), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "FirstBurstLength is over MaxBurstLength");
	talk_end(&talk);
}

/* The initiator lowers only MaxBurstLength: the default of the other must follow (13.14). */
static void test_default_follows(void **state)
{
	struct talk talk = talk_start();

	assert_int_equal(talk_say(&talk, "1>3", WHO "MaxBurstLength=4096 "), LOGIN_REPLY);
	assert_string_equal(talk_heard(&talk),
		"1 0000 MaxBurstLength=4096 " MINE RECV "FirstBurstLength=4096 ");
	assert_int_equal(talk_say(&talk, "1>3", "FirstBurstLength=2048 "), LOGIN_REPLY_DONE);
	assert_int_equal(login_params(talk.login)->first_burst_bytes, 2048);
	talk_end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_irrelevant_in_discovery),
		cmocka_unit_test(test_no_key_is_left_out),
		cmocka_unit_test(test_our_offers),
		cmocka_unit_test(test_bursts_in_two_texts),
		cmocka_unit_test(test_default_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
