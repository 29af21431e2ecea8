/* SPDX-License-Identifier: MIT */
/* CHAP (RFC 7143 12.1.3, 9.2.1; RFC 1994 4.1): each hash, the whole exchange, and every attack. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "login/chap.h"
#include "login/hash.h"
#include "talk.h"
#include "wire/binary.h"

#define SECRET "the secret of the one"
#define MUTUAL "the secret of the target"
#define WHO_I  "iqn.1994-05.com.redhat:b1"

static char *const FROM[] = { "iqn.1994-05.com.redhat:*" };
static char *const ELSEWHERE[] = { "iqn.1991-05.com.microsoft:*" };
#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }
static const struct chap_user USERS[] = {
	{ .name = "one", .secret = S(SECRET), .mutual_name = "target", .mutual = S(MUTUAL) },
	{ .name = "plain", .secret = S(SECRET) },
	{ .name = "here", .secret = S(SECRET), .initiators = FROM, .n_initiators = 1 },
	{ .name = "there", .secret = S(SECRET), .initiators = ELSEWHERE, .n_initiators = 1 },
	{ .name = "mirror", .secret = S(SECRET), .mutual_name = "target", .mutual = S(SECRET) },
	{ .name = "zeros", .secret = S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
};
static const struct chap_config CONFIG = {
	.users = USERS, .n_users = ARRAY_SIZE(USERS),
	.algorithms = { HASH_SHA3_256, HASH_SHA256, HASH_SHA1, HASH_MD5 }, .n_algorithms = 4,
};
static const struct chap_config OWN_ORDER = {
	.users = USERS, .n_users = ARRAY_SIZE(USERS),
	.algorithms = { HASH_SHA3_256, HASH_SHA256, HASH_SHA1, HASH_MD5 }, .n_algorithms = 4, .own_order = true,
};
static const struct chap_config ONLY_SHA1 = {
	.users = USERS, .n_users = ARRAY_SIZE(USERS),
	.algorithms = { HASH_SHA1 }, .n_algorithms = 1,
};

/* An exchange, and what the target has said last. */
struct exchange {
	struct login_auth *auth;
	char said[4096];
	struct key_writer out;
	uint8_t algorithm, identifier, challenge[64];
	size_t challenge_bytes;
};

static struct exchange start(const struct chap_config *config)
{
	struct exchange x = { .auth = CHAP_OPS.begin(config, WHO_I) };

	assert_non_null(x.auth);
	return x;
}

/* Pairs between blanks. */
static enum login_auth_result say(struct exchange *x, const char *text)
{
	char *copy = strdup(text);
	size_t bytes = strlen(copy) + 1, n = 0;
	struct key_pair pairs[8];

	for (char *p = copy; *p; p++) {
		if (*p == ' ')
			*p = 0;
	}
	struct key_reader reader = key_reader_init(copy, bytes);
	while (n < ARRAY_SIZE(pairs) && key_next(&reader, &pairs[n]))
		n++;
	x->out = key_writer_init(x->said, sizeof(x->said));
	enum login_auth_result r = CHAP_OPS.step(x->auth, pairs, n, &x->out);
	free(copy);
	return r;
}

/* The value of @name in what was said, or NULL. */
static const char *heard(const struct exchange *x, const char *name)
{
	struct key_reader reader = key_reader_init(x->said, key_writer_len(&x->out));
	struct key_pair pair;

	while (key_next(&reader, &pair)) {
		if (key_is(&pair, name))
			return pair.value;
	}
	return NULL;
}

/* Begins an exchange: what is asked is in @x. */
static void ask(struct exchange *x, const char *algorithms)
{
	enum binary_form form;
	const char *c;

	*x = start(&CONFIG);
	assert_int_equal(say(x, algorithms), LOGIN_AUTH_MORE);
	x->algorithm = (uint8_t)atoi(heard(x, "CHAP_A"));
	x->identifier = (uint8_t)atoi(heard(x, "CHAP_I"));
	c = heard(x, "CHAP_C");
	assert_int_equal(binary_decode(c, strlen(c), x->challenge, sizeof(x->challenge),
		&x->challenge_bytes, &form), 0);
	/* RFC 7143 12.1.3: as long as the hash at least */
	assert_int_equal(x->challenge_bytes, hash_bytes(x->algorithm));
}

static const char *response(const struct exchange *x, const char *secret, size_t secret_bytes,
	enum binary_form form)
{
	static char text[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];
	const struct hash_part parts[] = {
		{ &x->identifier, 1 }, { secret, secret_bytes }, { x->challenge, x->challenge_bytes },
	};
	uint8_t out[HASH_BYTES_MAX];

	assert_int_equal(hash_compute(x->algorithm, parts, 3, out), 0);
	binary_encode(form, out, hash_bytes(x->algorithm), text);
	return text;
}

static enum login_auth_result prove(struct exchange *x, const char *user, const char *secret,
	const char *more)
{
	char text[9000];

	snprintf(text, sizeof(text), "CHAP_N=%s CHAP_R=%s%s", user,
		response(x, secret, strlen(secret), BINARY_HEX), more);
	return say(x, text);
}

/* Of "abc" (FIPS 180-4, FIPS 202, RFC 1321), and of a response whose parts are given. */
static void test_vectors(void **state)
{
	static const struct {
		enum hash hash;
		const char *abc, *response;
	} VECTORS[] = {
		{ HASH_MD5, "0x900150983cd24fb0d6963f7d28e17f72",
			"0xd928c7952ab917f1c8babb661ff66800" },
		{ HASH_SHA1, "0xa9993e364706816aba3e25717850c26c9cd0d89d",
			"0x6ce27fbf62fadb3cc230eeb7b2bb1b42bb60b1db" },
		{ HASH_SHA256,
			"0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"0x2c422a6c594f3bbd481b3ab0a3a2bb7d3d3de681621f76568804160af91c4029" },
		{ HASH_SHA3_256,
			"0x3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
			"0x7929638b8a5ec5710188ad99bdd6cfb8f933e70d53d932f3a1b02ed09ddfa0d1" },
	};
	const struct hash_part abc[] = { { "a", 1 }, { "", 0 }, { "bc", 2 } };
	struct exchange x = { .identifier = 0x42, .challenge_bytes = 16 };
	char text[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];
	uint8_t out[HASH_BYTES_MAX];

	for (uint8_t i = 0; i < 16; i++)
		x.challenge[i] = i;
	for (size_t i = 0; i < ARRAY_SIZE(VECTORS); i++) {
		x.algorithm = (uint8_t)VECTORS[i].hash;
		assert_int_equal(hash_compute(x.algorithm, abc, 3, out), 0);
		binary_encode(BINARY_HEX, out, hash_bytes(x.algorithm), text);
		assert_string_equal(text, VECTORS[i].abc);
		assert_string_equal(response(&x, "a long secret of 24 byte", 24, BINARY_HEX),
			VECTORS[i].response);
	}
	assert_int_equal(hash_bytes(4), 0);
	assert_int_equal(hash_compute(9, abc, 3, out), -ENOTSUP);
}

/* RFC 7143 12.1.3: one of those offered; ours is the order. */
static void test_choice(void **state)
{
	static const struct {
		const char *offer;
		const char *chosen; /* NULL: refused */
	} ROWS[] = {
		{ "CHAP_A=5", "5" }, { "CHAP_A=6", "6" }, { "CHAP_A=7", "7" }, { "CHAP_A=8", "8" },
		{ "CHAP_A=5,6,7,8", "5" }, { "CHAP_A=7,5", "7" }, { "CHAP_A=0x5", "5" },
		{ "CHAP_A=9,5,x", "5" }, { "CHAP_A=", NULL }, { "CHAP_A=9", NULL },
		{ "CHAP_A=,,", NULL }, { "CHAP_A=261", NULL }, { "CHAP_A=-5", NULL },
		{ "CHAP_A=55", NULL }, { "CHAP_A=MD5", NULL }, { "CHAP_A=0", NULL },
		{ "CHAP_A=99999999999999999999999999999999999999999", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		struct exchange x = start(&CONFIG);
		enum login_auth_result r = say(&x, ROWS[i].offer);

		if (r != (ROWS[i].chosen ? LOGIN_AUTH_MORE : LOGIN_AUTH_FAILED))
			fail_msg("%s", ROWS[i].offer);
		if (ROWS[i].chosen)
			assert_string_equal(heard(&x, "CHAP_A"), ROWS[i].chosen);
		else
			assert_int_equal(key_writer_len(&x.out), 0);
		CHAP_OPS.end(x.auth);
	}
	struct exchange x = start(&ONLY_SHA1);
	assert_int_equal(say(&x, "CHAP_A=8,7,5"), LOGIN_AUTH_FAILED);
	CHAP_OPS.end(x.auth);
	x = start(&OWN_ORDER);
	assert_int_equal(say(&x, "CHAP_A=5,6,7"), LOGIN_AUTH_MORE);
	assert_string_equal(heard(&x, "CHAP_A"), "7");
	CHAP_OPS.end(x.auth);
}

/* Each algorithm, one way and both, in both forms. */
static void test_exchanges(void **state)
{
	static const char *const OFFERS[] = { "CHAP_A=5", "CHAP_A=6", "CHAP_A=7", "CHAP_A=8" };
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(OFFERS); i++) {
		for (int form = BINARY_HEX; form <= BINARY_BASE64; form++) {
			struct exchange x;

			ask(&x, OFFERS[i]);
			snprintf(text, sizeof(text), "CHAP_R=%s CHAP_N=plain",
				response(&x, SECRET, strlen(SECRET), (enum binary_form)form));
			assert_int_equal(say(&x, text), LOGIN_AUTH_DONE);
			assert_int_equal(key_writer_len(&x.out), 0);
			assert_string_equal(CHAP_OPS.user(x.auth), "plain");
			CHAP_OPS.end(x.auth);

			ask(&x, OFFERS[i]);
			assert_int_equal(prove(&x, "one", SECRET, form == BINARY_HEX ?
				" CHAP_I=7 CHAP_C=0x00010203" : " CHAP_I=7 CHAP_C=0bAAECAw=="),
				LOGIN_AUTH_DONE);
			x.identifier = 7;
			memcpy(x.challenge, "\0\1\2\3", 4);
			x.challenge_bytes = 4;
			assert_string_equal(heard(&x, "CHAP_N"), "target");
			/* RFC 7143 6.1: the form that the initiator uses, it can read */
			assert_string_equal(heard(&x, "CHAP_R"),
				response(&x, MUTUAL, strlen(MUTUAL), (enum binary_form)form));
			CHAP_OPS.end(x.auth);
		}
	}
}

#define RIGHT NULL /* the right response stands here */

static const struct {
	const char *what;
	const char *user;
	const char *r; /* NULL: the right one */
	const char *more;
	enum login_auth_result result;
} RESPONSES[] = {
	{ "right", "plain", RIGHT, "", LOGIN_AUTH_DONE },
	{ "from where the user may come", "here", RIGHT, "", LOGIN_AUTH_DONE },
	{ "from elsewhere", "there", RIGHT, "", LOGIN_AUTH_FAILED },
	{ "nobody", "nobody", RIGHT, "", LOGIN_AUTH_FAILED },
	{ "no name", "", RIGHT, "", LOGIN_AUTH_MALFORMED },
	{ "another's case", "PLAIN", RIGHT, "", LOGIN_AUTH_FAILED },
	{ "the begin of a name", "plai", RIGHT, "", LOGIN_AUTH_FAILED },
	{ "empty", "plain", "0x", "", LOGIN_AUTH_MALFORMED },
	{ "nothing", "plain", "", "", LOGIN_AUTH_MALFORMED },
	{ "short", "plain", "0x00", "", LOGIN_AUTH_MALFORMED },
	{ "6.1: odd, with a zero in front", "plain", "0x123456789abcdef0123456789abcdef", "", LOGIN_AUTH_FAILED },
	{ "odd and short", "plain", "0x3456789abcdef0123456789abcdef", "", LOGIN_AUTH_MALFORMED },
	{ "odd and long", "plain", "0x0123456789abcdef0123456789abcdef0", "", LOGIN_AUTH_MALFORMED },
	{ "wrong", "plain", "0x0123456789abcdef0123456789abcdef", "", LOGIN_AUTH_FAILED },
	{ "long", "plain", "0x0123456789abcdef0123456789abcdef00", "", LOGIN_AUTH_MALFORMED },
	{ "base64 of 15 bytes", "plain", "0bAAAAAAAAAAAAAAAAAAAA", "", LOGIN_AUTH_MALFORMED },
	{ "bad base64", "plain", "0bAAAAAAAAAAAAAAAAAAAAA===", "", LOGIN_AUTH_MALFORMED },
	{ "decimal", "plain", "12345678901234567890123456789012", "", LOGIN_AUTH_MALFORMED },
	{ "mutual", "one", RIGHT, " CHAP_I=0 CHAP_C=0x01", LOGIN_AUTH_DONE },
	{ "mutual without a secret for it", "plain", RIGHT, " CHAP_I=0 CHAP_C=0x01",
		LOGIN_AUTH_FAILED },
	{ "9.2.1: one secret both ways", "mirror", RIGHT, " CHAP_I=0 CHAP_C=0x01",
		LOGIN_AUTH_FAILED },
	{ "a question by whom we do not know", "one", "0x0123456789abcdef0123456789abcdef",
		" CHAP_I=0 CHAP_C=0x01", LOGIN_AUTH_FAILED },
	{ "CHAP_C alone", "one", RIGHT, " CHAP_C=0x01", LOGIN_AUTH_MISSING },
	{ "CHAP_I alone", "one", RIGHT, " CHAP_I=1", LOGIN_AUTH_MISSING },
	{ "CHAP_I 256", "one", RIGHT, " CHAP_I=256 CHAP_C=0x01", LOGIN_AUTH_MALFORMED },
	{ "CHAP_I empty", "one", RIGHT, " CHAP_I= CHAP_C=0x01", LOGIN_AUTH_MALFORMED },
	{ "CHAP_C empty", "one", RIGHT, " CHAP_I=1 CHAP_C=0x", LOGIN_AUTH_MALFORMED },
	{ "CHAP_C empty", "one", RIGHT, " CHAP_I=1 CHAP_C=0b", LOGIN_AUTH_MALFORMED },
	{ "CHAP_C nothing", "one", RIGHT, " CHAP_I=1 CHAP_C=", LOGIN_AUTH_MALFORMED },
	{ "6.1: CHAP_C odd", "one", RIGHT, " CHAP_I=1 CHAP_C=0x012", LOGIN_AUTH_DONE },
	{ "CHAP_C no number", "one", RIGHT, " CHAP_I=1 CHAP_C=0xzz", LOGIN_AUTH_MALFORMED },
	{ "CHAP_A again", "plain", RIGHT, " CHAP_A=5", LOGIN_AUTH_MALFORMED },
};

static void test_responses(void **state)
{
	char text[512];

	for (size_t i = 0; i < ARRAY_SIZE(RESPONSES); i++) {
		struct exchange x;

		ask(&x, "CHAP_A=5");
		snprintf(text, sizeof(text), "CHAP_N=%s CHAP_R=%s%s", RESPONSES[i].user,
			RESPONSES[i].r ? RESPONSES[i].r :
				response(&x, SECRET, strlen(SECRET), BINARY_HEX),
			RESPONSES[i].more);
		if (say(&x, text) != RESPONSES[i].result)
			fail_msg("%s: %s", RESPONSES[i].what, CHAP_OPS.reason(x.auth));
		/* who fails hears nothing, and the log a reason that tells no secret */
		if (RESPONSES[i].result != LOGIN_AUTH_DONE) {
			assert_int_equal(key_writer_len(&x.out), 0);
			assert_true(strlen(CHAP_OPS.reason(x.auth)) > 5);
			assert_null(strstr(CHAP_OPS.reason(x.auth), "secret of"));
			assert_string_equal(CHAP_OPS.user(x.auth), RESPONSES[i].user);
			/* and stays failed */
			assert_int_equal(prove(&x, "plain", SECRET, ""), LOGIN_AUTH_MALFORMED);
		}
		CHAP_OPS.end(x.auth);
	}
}

/* RFC 7143 12.1.3: a challenge has at most 1024 bytes; a user has a bound of ours. */
static void test_bounds(void **state)
{
	static const struct {
		size_t challenge, user;
		bool base64, good;
	} ROWS[] = {
		{ 1024, 3, false, true }, { 1025, 3, false, false }, { 3000, 3, false, false },
		{ 1023, 3, true, true },  { 1026, 3, true, false },  { 3, 300, false, false },
	};
	static char more[8192], user[400];

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		struct exchange x;
		size_t digits = ROWS[i].base64 ? ROWS[i].challenge / 3 * 4 : 2 * ROWS[i].challenge;
		int n = snprintf(more, sizeof(more), " CHAP_I=1 CHAP_C=0%c",
			ROWS[i].base64 ? 'b' : 'x');

		memset(more + n, 'A', digits);
		more[(size_t)n + digits] = 0;
		memset(user, 'u', ROWS[i].user);
		user[ROWS[i].user] = 0;
		ask(&x, "CHAP_A=8");
		if (prove(&x, ROWS[i].user == 3 ? "one" : user, SECRET, more) !=
			(ROWS[i].good ? LOGIN_AUTH_DONE : LOGIN_AUTH_MALFORMED))
			fail_msg("row %zu", i);
		CHAP_OPS.end(x.auth);
	}
}

/* 12.1.3: our own question back, whatever its identifier; and another's answer is none. */
static void test_reflection(void **state)
{
	struct exchange x, y;
	char more[200], text[BINARY_TEXT_BYTES(64)], *answer;

	for (int form = BINARY_HEX; form <= BINARY_BASE64; form++) {
		ask(&x, "CHAP_A=5");
		binary_encode((enum binary_form)form, x.challenge, x.challenge_bytes, text);
		snprintf(more, sizeof(more), " CHAP_I=%u CHAP_C=%s", x.identifier ^ (unsigned)form,
			text);
		assert_int_equal(prove(&x, "one", SECRET, more), LOGIN_AUTH_FAILED);
		assert_non_null(strstr(CHAP_OPS.reason(x.auth), "own challenge"));
		CHAP_OPS.end(x.auth);
	}
	/* a replayed response */
	ask(&x, "CHAP_A=5");
	ask(&y, "CHAP_A=5");
	answer = strdup(response(&x, SECRET, strlen(SECRET), BINARY_HEX));
	snprintf(more, sizeof(more), "CHAP_N=plain CHAP_R=%s", answer);
	assert_int_equal(say(&y, more), LOGIN_AUTH_FAILED);
	free(answer);
	CHAP_OPS.end(x.auth);
	CHAP_OPS.end(y.auth);
}

/* RFC 7143 9.2: The steps have an order, and each comes once; what is missing or too much is told from a failure. */
static void test_order(void **state)
{
	static const struct {
		const char *says;
		enum login_auth_result result;
	} FIRST[] = {
		{ "CHAP_N=plain CHAP_R=0x00", LOGIN_AUTH_MISSING },
		{ "CHAP_I=1", LOGIN_AUTH_MISSING },
		{ "CHAP_A=5 CHAP_N=plain", LOGIN_AUTH_MALFORMED },
		{ "CHAP_C=0x00", LOGIN_AUTH_MISSING },
		{ "CHAP_A=5 CHAP_I=1 CHAP_C=0x00112233445566778899aabbccddeeff", LOGIN_AUTH_MALFORMED },
	};
	struct exchange x;

	for (size_t i = 0; i < ARRAY_SIZE(FIRST); i++) {
		x = start(&CONFIG);
		assert_int_equal(say(&x, FIRST[i].says), FIRST[i].result);
		CHAP_OPS.end(x.auth);
	}
	ask(&x, "CHAP_A=5");
	assert_int_equal(say(&x, "CHAP_A=5"), LOGIN_AUTH_MISSING); /* no new challenge */
	assert_int_equal(prove(&x, "plain", SECRET, ""), LOGIN_AUTH_MALFORMED);
	CHAP_OPS.end(x.auth);
	ask(&x, "CHAP_A=5");
	assert_int_equal(prove(&x, "plain", SECRET, ""), LOGIN_AUTH_DONE);
	assert_int_equal(prove(&x, "plain", SECRET, ""), LOGIN_AUTH_MALFORMED);
	CHAP_OPS.end(x.auth);
}

/* CVE-2024-45751: nobody can tell the next question from those before. */
static void test_challenges_differ(void **state)
{
	enum { N = 200 };
	static uint8_t seen[N][32];

	for (size_t i = 0; i < N; i++) {
		struct exchange x;

		ask(&x, "CHAP_A=8");
		memcpy(seen[i], x.challenge, 32);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[k], seen[i], 8);
		CHAP_OPS.end(x.auth);
	}
}

/* Who is unknown is held against a secret of zeros: knowing that does not help. */
static void test_nobodys_secret(void **state)
{
	static const char ZEROS[16];
	static const struct {
		const char *user;
		enum login_auth_result result;
	} ROWS[] = { { "nobody", LOGIN_AUTH_FAILED }, { "zeros", LOGIN_AUTH_DONE } };
	struct exchange x;
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		ask(&x, "CHAP_A=7");
		snprintf(text, sizeof(text), "CHAP_N=%s CHAP_R=%s", ROWS[i].user,
			response(&x, ZEROS, sizeof(ZEROS), BINARY_HEX));
		assert_int_equal(say(&x, text), ROWS[i].result);
		CHAP_OPS.end(x.auth);
	}
}

/* RFC 7143 9.2: In a login: the status, the reason, and the user as he said. */
static void test_login(void **state)
{
	static const struct login_auth_method METHOD[] = { { &CHAP_OPS, &CONFIG } };
	static const struct {
		const char *says;
		enum login_status status;
		const char *reason;
	} ROWS[] = {
		{ "CHAP_N=me CHAP_R=0x00112233445566778899aabbccddeeff ", LOGIN_AUTHENTICATION_FAILURE,
			"CHAP failed: no such user for this initiator" },
		{ "CHAP_N=me CHAP_R=0x00 ", LOGIN_INITIATOR_ERROR,
			"CHAP failed: CHAP_R is no binary value of the hash's length" },
		{ "CHAP_N=me CHAP_I=1 CHAP_C=0x01 ", LOGIN_MISSING_PARAMETER,
			"CHAP failed: CHAP_N and CHAP_R are due, with both CHAP_I and CHAP_C or none" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		struct talk talk = talk_start();

		talk.target.methods = METHOD;
		talk.target.n_methods = 1;
		assert_int_equal(talk_say(&talk, "0>1", WHO "AuthMethod=CHAP,None "), LOGIN_REPLY);
		assert_int_equal(talk_say(&talk, "0>1", "CHAP_A=5 "), LOGIN_REPLY);
		assert_false(talk.reply.transit);
		assert_int_equal(talk_say(&talk, "0>1", ROWS[i].says), LOGIN_REPLY_CLOSE);
		assert_int_equal(talk.reply.status, ROWS[i].status);
		assert_int_equal(talk.reply.data_bytes, 0);
		assert_string_equal(login_user_given(talk.login), "me");
		assert_string_equal(login_reason(talk.login), ROWS[i].reason);
		assert_string_equal(login_params(talk.login)->user, "");
		talk_end(&talk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_reflection),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_challenges_differ),
		cmocka_unit_test(test_nobodys_secret),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
