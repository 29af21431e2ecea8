/* SPDX-License-Identifier: MIT */
/*
 * The security stage (RFC 7143 6.3.2, 12) with a method that is satisfied by Word=open, which it
 * asks for after Who=NAME.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "talk.h"

#define MINE "TargetPortalGroupTag=1 "

struct login_auth {
	char user[32];
	const char *mode;
};

static unsigned exchanges;

static struct login_auth *begin(const void *config, const char *initiator_name)
{
	struct login_auth *auth = calloc(1, sizeof(*auth));

	assert_string_equal(initiator_name, "iqn.1994-05.com.redhat:b1");
	if (!strcmp(config, "no memory")) {
		free(auth);
		return NULL;
	}
	auth->mode = config;
	exchanges++;
	return auth;
}

/* Fills up what one PDU holds. */
static void say_exactly(struct key_writer *answer)
{
	char value[LOGIN_SEGMENT_MAX];
	size_t n = LOGIN_SEGMENT_MAX - key_writer_len(answer) - 6;

	memset(value, 'v', n);
	value[n] = 0;
	key_put(answer, "Much", value);
}

static void say_much(struct key_writer *answer)
{
	char value[6000];

	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = 0;
	key_put(answer, "Much", value);
	key_put(answer, "More", value);
}

static enum login_auth_result step(struct login_auth *auth, const struct key_pair *pairs, size_t n,
	struct key_writer *answer)
{
	assert_true(n >= 1);
	for (size_t i = 0; i < n; i++) {
		if (key_is(&pairs[i], "Who")) {
			assert_true(pairs[i].value_bytes < sizeof(auth->user));
			memcpy(auth->user, pairs[i].value, pairs[i].value_bytes + 1);
			key_put(answer, "Word", "?");
			if (!strcmp(auth->mode, "much"))
				say_much(answer);
			if (!strcmp(auth->mode, "exactly"))
				say_exactly(answer);
			for (unsigned k = 0; k < 2 && !strcmp(auth->mode, "too much"); k++)
				say_much(answer);
		} else if (!strcmp(pairs[i].value, "open")) {
			return LOGIN_AUTH_DONE;
		} else if (!strcmp(pairs[i].value, "broken")) {
			return LOGIN_AUTH_BROKEN;
		} else {
			return LOGIN_AUTH_FAILED;
		}
	}
	return LOGIN_AUTH_MORE;
}

static const char *user(const struct login_auth *auth)
{
	return auth->user;
}

static const char *reason(const struct login_auth *auth)
{
	return "the word is wrong";
}

static void end(struct login_auth *auth)
{
	exchanges--;
	free(auth);
}

static const char *const KEYS[] = { "Who", "Word", NULL };
static const struct login_auth_ops WORD = { .name = "WORD", .keys = KEYS, .begin = begin,
	.step = step, .user = user, .reason = reason, .end = end };

static const struct login_auth_method ONLY_WORD[] = { { &WORD, "" } };
static const struct login_auth_method WORD_OR_NONE[] = { { &WORD, "" }, { NULL, NULL } };
static const struct login_auth_method NO_MEMORY[] = { { &WORD, "no memory" } };
static const struct login_auth_method MUCH[] = { { &WORD, "much" } };
static const struct login_auth_method TOO_MUCH[] = { { &WORD, "too much" } };
static const struct login_auth_method EXACTLY[] = { { &WORD, "exactly" } };

struct line {
	const char *flags;
	const char *say;
	const char *hear; /* NULL: refused */
};

#define CHOSEN "0 0000 AuthMethod=WORD " MINE
#define OFFER  { "0>1", WHO "AuthMethod=WORD,None ", CHOSEN }
#define ASKED  { "0>1", "Who=me ", "0 0000 Word=? " }

static const struct {
	const char *what;
	const struct login_auth_method *methods;
	struct line lines[5];
	enum login_status status;
} TALKS[] = {
	{ "12: the whole exchange", ONLY_WORD,
		{ OFFER, ASKED, { "0>1", "Word=open ", "0>1 0000 " },
			{ "1>3", "", "1>3 0000 MaxRecvDataSegmentLength=262144 " } }, 0 },
	{ "6.3: and straight to full feature", ONLY_WORD,
		{ OFFER, ASKED, { "0>3", "Word=open ", "0>3 0000 " } }, 0 },
	{ "6.3: T only at the end", ONLY_WORD,
		{ OFFER, ASKED, { "0", "Word=open ", "0 0000 " }, { "0>3", "", "0>3 0000 " } }, 0 },
	{ "12: all in one text", ONLY_WORD, { OFFER, { "0>3", "Who=me Word=open ",
		"0>3 0000 Word=? " } }, 0 },
	{ "6.2: keys of nobody beside those of the method", ONLY_WORD,
		{ OFFER, { "0>3", "X-a=1 Who=me Word=open ",
			"0>3 0000 X-a=NotUnderstood Word=? " } }, 0 },
	{ "our failure: no room for the answers", TOO_MUCH,
		{ OFFER, { "0>1", "Who=me ", NULL } }, LOGIN_TARGET_ERROR },
	{ "12.1: None where it is acceptable", WORD_OR_NONE,
		{ { "0>3", WHO "AuthMethod=None,WORD ", "0>3 0000 AuthMethod=None " MINE } }, 0 },
	{ "12.1: the initiator's order", WORD_OR_NONE,
		{ OFFER, ASKED, { "0>3", "Word=open ", "0>3 0000 " } }, 0 },
	{ "6.3.1: past the stage where None is acceptable", WORD_OR_NONE,
		{ { "1>3", WHO, "1>3 0000 " MINE "MaxRecvDataSegmentLength=262144 " } }, 0 },
	{ "12.1: T is held back while it goes on", ONLY_WORD,
		{ OFFER, { "0>1", "", "0 0000 " }, { "0>1", "", "0 0000 " }, ASKED,
			{ "0>3", "Word=open ", "0>3 0000 " } }, 0 },
	{ "12: wrong word", ONLY_WORD, { OFFER, ASKED, { "0>1", "Word=shut ", NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "our failure", ONLY_WORD, { OFFER, ASKED, { "0>1", "Word=broken ", NULL } },
		LOGIN_TARGET_ERROR },
	{ "our failure", NO_MEMORY, { { "0>1", WHO "AuthMethod=WORD ", NULL } },
		LOGIN_OUT_OF_RESOURCES },
	{ "6.3.1: past the stage", ONLY_WORD, { { "1>3", WHO, NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "6.3.1: past the stage, for discovery", ONLY_WORD, { { "1>3", DISCO, NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "12.1: T without a word about it", ONLY_WORD, { { "0>1", WHO, NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "12.1: T without a word about it", ONLY_WORD, { { "0>3", WHO, NULL } },
		LOGIN_AUTHENTICATION_FAILURE },
	{ "12.1: only None", ONLY_WORD, { { "0>1", WHO "AuthMethod=None ",
		"0 0201 AuthMethod=Reject " } }, LOGIN_AUTHENTICATION_FAILURE },
	{ "6.3: to the next stage unasked", ONLY_WORD, { OFFER, { "1>3", "", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "12.1: chosen twice", WORD_OR_NONE, { OFFER, { "0>1", "AuthMethod=None ", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "6.2: a key twice", ONLY_WORD, { OFFER, { "0>1", "Who=me Who=you ", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "proven twice", ONLY_WORD,
		{ OFFER, ASKED, { "0", "Word=open ", "0 0000 " }, { "0", "Who=you ", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "proven in the wrong stage", ONLY_WORD,
		{ OFFER, ASKED, { "0>1", "Word=open ", "0>1 0000 " }, { "1", "Who=you ", NULL } },
		LOGIN_INITIATOR_ERROR },
	{ "6.2: keys of a method not chosen are not understood", WORD_OR_NONE,
		{ { "0>3", WHO "AuthMethod=None Who=me ",
			"0>3 0000 AuthMethod=None Who=NotUnderstood " MINE } }, 0 },
};

static void run(size_t i)
{
	struct talk talk = talk_start();

	talk.target.methods = TALKS[i].methods;
	talk.target.n_methods = TALKS[i].methods == WORD_OR_NONE ? 2 : 1;
	for (size_t k = 0; k < ARRAY_SIZE(TALKS[i].lines) && TALKS[i].lines[k].flags; k++) {
		const struct line *line = &TALKS[i].lines[k];

		talk_say(&talk, line->flags, line->say);
		if (line->hear && strcmp(talk_heard(&talk), line->hear))
			fail_msg("%s: %s (%s)", TALKS[i].what, talk_heard(&talk),
				login_reason(talk.login));
	}
	if (talk.action != (TALKS[i].status ? LOGIN_REPLY_CLOSE : LOGIN_REPLY_DONE) ||
		talk.reply.status != TALKS[i].status)
		fail_msg("%s: %s (%s)", TALKS[i].what, talk_heard(&talk), login_reason(talk.login));
	/* RFC 7143 6.3.2: Reject where no method is acceptable; else a refusal says no more than its status */
	if (TALKS[i].status && strcmp(talk.said, "AuthMethod=Reject "))
		assert_int_equal(talk.reply.data_bytes, 0);
	if (!TALKS[i].status)
		assert_string_equal(login_params(talk.login)->user, exchanges ? "me" : "");
	talk_end(&talk);
	assert_int_equal(exchanges, 0);
}

/* RFC 7143 6.3.1, 6.3.2, 11.13.5: each way through the stage, and past it. */
static void test_talks(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(TALKS); i++)
		run(i);
}

static struct talk much_talk(void)
{
	struct talk talk = talk_start();

	talk.target.methods = MUCH;
	talk.target.n_methods = 1;
	assert_int_equal(talk_say(&talk, "0", WHO "AuthMethod=WORD "), LOGIN_REPLY);
	assert_int_equal(talk_say(&talk, "0>1", "Who=me "), LOGIN_REPLY);
	assert_true(talk.reply.continues);
	assert_false(talk.reply.transit);
	assert_int_equal(talk.reply.data_bytes, LOGIN_SEGMENT_MAX);
	return talk;
}

/* RFC 7143 6.2, 11.13.7: an answer longer than a PDU is fetched by empty requests. */
static void test_long_answer(void **state)
{
	struct talk talk = much_talk();
	size_t whole = 7 + 2 * (5 + 5999 + 1);

	assert_int_equal(talk_say(&talk, "0>1", ""), LOGIN_REPLY);
	assert_false(talk.reply.continues);
	assert_false(talk.reply.transit);
	assert_int_equal(talk.reply.data_bytes, whole - LOGIN_SEGMENT_MAX);
	assert_int_equal(talk_say(&talk, "0>1", "Word=open "), LOGIN_REPLY);
	assert_true(talk.reply.transit);
	/* RFC 7143 11.13.4: each of the four took a StatSN */
	assert_int_equal(login_params(talk.login)->stat_sn.v, 3);
	talk_end(&talk);

	talk = much_talk();
	assert_int_equal(talk_say(&talk, "0>1", "Word=open "), LOGIN_REPLY_CLOSE);
	assert_string_equal(login_reason(talk.login), "text before ours was fetched");
	talk_end(&talk);
}

/* One that fills a PDU to its last byte is not continued, and T goes with it. */
static void test_exact_answer(void **state)
{
	struct talk talk = talk_start();

	talk.target.methods = EXACTLY;
	talk.target.n_methods = 1;
	assert_int_equal(talk_say(&talk, "0", WHO "AuthMethod=WORD "), LOGIN_REPLY);
	assert_int_equal(talk_say(&talk, "0>1", "Who=me Word=open "), LOGIN_REPLY);
	assert_int_equal(talk.reply.data_bytes, LOGIN_SEGMENT_MAX);
	assert_false(talk.reply.continues);
	assert_true(talk.reply.transit);
	talk_end(&talk);
}

/* More pairs than any method has. */
static void test_many_pairs(void **state)
{
	struct talk talk = talk_start();
	char say[400] = "";

	talk.target.methods = ONLY_WORD;
	talk.target.n_methods = 1;
	assert_int_equal(talk_say(&talk, "0", WHO "AuthMethod=WORD "), LOGIN_REPLY);
	for (unsigned i = 0; i < 17; i++)
		strcat(say, "Who=me ");
	assert_int_equal(talk_say(&talk, "0", say), LOGIN_REPLY_CLOSE);
	assert_int_equal(talk.reply.status, LOGIN_INITIATOR_ERROR);
	talk_end(&talk);
	assert_int_equal(exchanges, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talks),
		cmocka_unit_test(test_long_answer),
		cmocka_unit_test(test_exact_answer),
		cmocka_unit_test(test_many_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
