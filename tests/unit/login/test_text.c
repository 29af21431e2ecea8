/* SPDX-License-Identifier: MIT */
/* Text negotiation in full feature phase (RFC 7143 6.4, 7.12, 13). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "login/login.h"
#include "login/text.h"
#include "wire/reject.h"

static const struct {
	const char *clause;
	const char *say; /* blanks are NULs */
	int result;
	const char *answer; /* or the reason */
	uint32_t max_send;
	const char *send_targets; /* NULL: not there */
} ROWS[] = {
	{ "nothing", "", 0, "", 8192, NULL },
	{ "13.12: declared anew", "MaxRecvDataSegmentLength=65536 ", 0, "", 65536, NULL },
	{ "13.12: out of range", "MaxRecvDataSegmentLength=1 ", 0,
		"MaxRecvDataSegmentLength=Reject ", 8192, NULL },
	{ "13.3", "SendTargets=All ", 0, "", 8192, "All" },
	{ "13.3: the target of the session", "SendTargets= ", 0, "", 8192, "" },
	{ "13.3: by name", "SendTargets=iqn.2026-11.org.sptgt:demo ", 0, "", 8192,
		"iqn.2026-11.org.sptgt:demo" },
	{ "13.7", "InitiatorAlias=x ", 0, "", 8192, NULL },
	{ "13: only at login", "MaxBurstLength=512 HeaderDigest=None AuthMethod=None ", 0,
		"MaxBurstLength=Reject HeaderDigest=Reject AuthMethod=Reject ", 8192, NULL },
	{ "13: only at login", "InitiatorName=iqn.1994-05.com.redhat:b1 SessionType=Normal ", 0,
		"InitiatorName=Reject SessionType=Reject ", 8192, NULL },
	{ "13.9: the target's", "TargetPortalGroupTag=1 ", 0, "TargetPortalGroupTag=Reject ", 8192,
		NULL },
	{ "6.2", "Foo=1 X-org.y=2 ", 0, "Foo=NotUnderstood X-org.y=NotUnderstood ", 8192, NULL },
	{ "6.2: an answer to nothing", "Foo=NotUnderstood ", REJECT_PROTOCOL_ERROR,
		"an answer to a key that we did not offer", 8192, NULL },
	{ "6.2: an answer to nothing", "MaxRecvDataSegmentLength=512 InitiatorAlias=Reject ",
		REJECT_PROTOCOL_ERROR, "an answer to InitiatorAlias, which we did not offer", 8192, NULL },
	{ "6.2: an answer to nothing", "SendTargets=Irrelevant ", REJECT_PROTOCOL_ERROR,
		"an answer to SendTargets, which we did not offer", 8192, NULL },
	{ "6.2: once", "MaxRecvDataSegmentLength=512 MaxRecvDataSegmentLength=1024 ",
		REJECT_PROTOCOL_ERROR, "duplicate key MaxRecvDataSegmentLength", 8192, NULL },
	{ "6.2: once", "SendTargets=All SendTargets=All ", REJECT_PROTOCOL_ERROR,
		"duplicate key SendTargets", 8192, NULL },
	{ "6.1: all or nothing", "MaxRecvDataSegmentLength=512 garbage ", REJECT_PROTOCOL_ERROR,
		"malformed text: a pair without '='", 8192, NULL },
	{ "6.1", "SendTargets=All", REJECT_PROTOCOL_ERROR,
		"malformed text: a pair without its NUL", 8192, NULL },
};

static size_t to_text(const char *say, char *text)
{
	size_t n = strlen(say);

	for (size_t i = 0; i < n; i++)
		text[i] = say[i] == ' ' ? 0 : say[i];
	return n;
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		struct login_params params = login_params_default(), before = params;
		char text[300], said[300];
		struct key_writer answer = key_writer_init(said, sizeof(said) - 1);
		struct text_outcome out;
		uint64_t seen = 0;
		size_t n = to_text(ROWS[i].say, text);

		if (text_negotiate(&params, &seen, text, n, &answer, &out) != ROWS[i].result)
			fail_msg("%s: %s", ROWS[i].clause, ROWS[i].say);
		assert_int_equal(params.max_send_data_segment_bytes, ROWS[i].max_send);
		if (ROWS[i].result) {
			assert_string_equal(out.reason, ROWS[i].answer);
			assert_memory_equal(&params, &before, sizeof(params));
			continue;
		}
		for (char *p = said; p < answer.pos; p++)
			*p = *p ? *p : ' ';
		*answer.pos = 0;
		assert_string_equal(said, ROWS[i].answer);
		assert_int_equal(out.send_targets, ROWS[i].send_targets != NULL);
		if (out.send_targets)
			assert_string_equal(out.send_targets_value, ROWS[i].send_targets);
	}
}

/* A name of 223 bytes is a name, one of 224 is none (RFC 7143 4.2.7.1). */
static void test_long_send_targets(void **state)
{
	struct login_params params = login_params_default();
	char text[300] = "SendTargets=", said[64];
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;

	memset(text + 12, 'x', NAME_MAX_BYTES + 1);
	text[12 + NAME_MAX_BYTES] = 0;
	assert_int_equal(text_negotiate(&params, &seen, text, 13 + NAME_MAX_BYTES, &answer, &out), 0);
	assert_int_equal(strlen(out.send_targets_value), NAME_MAX_BYTES);
	text[12 + NAME_MAX_BYTES] = 'x';
	seen = 0;
	text[13 + NAME_MAX_BYTES] = 0;
	assert_int_equal(text_negotiate(&params, &seen, text, 14 + NAME_MAX_BYTES, &answer, &out),
		REJECT_INVALID_PDU_FIELD);
}

/* RFC 7143 6.1: so many bytes of keys nobody knows are answered, be they as short as can be. */
static void test_unknown_at_the_bound(void **state)
{
	struct login_params params = login_params_default();
	static char text[LOGIN_TEXT_MAX], said[LOGIN_ANSWER_MAX];
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;
	size_t n = 0;

	for (unsigned i = 0; i < LOGIN_UNKNOWN_BYTES / 4; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%c=", 'A' + i / 26 % 26, 'a' + i % 26) + 1;
	assert_int_equal(text_negotiate(&params, &seen, text, n, &answer, &out), 0);
	assert_int_equal(key_writer_len(&answer), LOGIN_UNKNOWN_BYTES / 4 * (2 + 15));
}

/* Whatever comes, the answer fits in what the header promises. */
static void test_answer_is_bounded(void **state)
{
	struct login_params params = login_params_default();
	static char text[LOGIN_TEXT_MAX], said[LOGIN_ANSWER_MAX];
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;
	size_t n = 0;

	for (unsigned i = 0; n + 8 < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "K%u=", i) + 1;
	assert_int_equal(text_negotiate(&params, &seen, text, n, &answer, &out), REJECT_PROTOCOL_ERROR);
	assert_string_equal(out.reason, "more than 8192 bytes of keys not understood");
	/* and too small a place for it is said */
	answer = key_writer_init(said, 8);
	n = to_text("Foo=1 ", text);
	assert_int_equal(text_negotiate(&params, &seen, text, n, &answer, &out), -EMSGSIZE);
}

/* RFC 7143 13.12: what we take is told once to who has not heard it, and not with a value that is refused. */
static void test_our_own(void **state)
{
	struct login_params params = login_params_default();
	char text[100], said[100];
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;

	params.recv_limit_bytes = 65536;
	assert_int_equal(text_negotiate(&params, &seen, text, to_text("InitiatorAlias=x ", text),
		&answer, &out), 0);
	assert_int_equal(key_writer_len(&answer), 0);
	assert_int_equal(text_negotiate(&params, &seen, text,
		to_text("MaxRecvDataSegmentLength=1 ", text), &answer, &out), 0);
	assert_int_equal(key_writer_len(&answer), sizeof("MaxRecvDataSegmentLength=Reject"));
	answer = key_writer_init(said, sizeof(said));
	seen = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(text_negotiate(&params, &seen, text,
			to_text("MaxRecvDataSegmentLength=1024 ", text), &answer, &out), 0);
		assert_int_equal(key_writer_len(&answer), sizeof("MaxRecvDataSegmentLength=65536"));
		assert_string_equal(said, "MaxRecvDataSegmentLength=65536");
		assert_int_equal(params.max_recv_data_segment_bytes, 65536);
		seen = 0;
	}
}

/* RFC 7143 6.4: once in a negotiation, however many texts it takes; what failed was not taken. */
static void test_several_texts(void **state)
{
	struct login_params params = login_params_default();
	char text[100], said[100];
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;

	assert_int_equal(text_negotiate(&params, &seen, text,
		to_text("MaxRecvDataSegmentLength=512 garbage ", text), &answer, &out),
		REJECT_PROTOCOL_ERROR);
	assert_int_equal(seen, 0);
	assert_int_equal(text_negotiate(&params, &seen, text,
		to_text("MaxRecvDataSegmentLength=1024 ", text), &answer, &out), 0);
	assert_int_equal(text_negotiate(&params, &seen, text, to_text("InitiatorAlias=x ", text),
		&answer, &out), 0);
	assert_int_equal(text_negotiate(&params, &seen, text,
		to_text("MaxRecvDataSegmentLength=2048 ", text), &answer, &out),
		REJECT_PROTOCOL_ERROR);
	assert_int_equal(params.max_send_data_segment_bytes, 1024);
	seen = 0; /* the next negotiation */
	assert_int_equal(text_negotiate(&params, &seen, text,
		to_text("MaxRecvDataSegmentLength=2048 ", text), &answer, &out), 0);
	assert_int_equal(params.max_send_data_segment_bytes, 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long_send_targets),
		cmocka_unit_test(test_unknown_at_the_bound),
		cmocka_unit_test(test_answer_is_bounded),
		cmocka_unit_test(test_several_texts),
		cmocka_unit_test(test_our_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
