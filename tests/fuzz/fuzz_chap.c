/* SPDX-License-Identifier: MIT */
/*
 * CHAP from the initiator's side: the input is texts, each a length of two bytes and its pairs. In
 * them @R@ stands for the right response and @C@ for the target's own challenge, so that what lies
 * behind them is reached. Nobody is let in without a right response, and nobody who fails hears or
 * gets anything afterwards.
 */
#include <string.h>

#include "fuzz.h"

#include "base/util.h"
#include "login/chap.h"
#include "login/hash.h"
#include "login/login.h"
#include "wire/binary.h"

#define SECRET "the secret of the one"
#define MUTUAL "the secret of the target"
#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }

static char *const FROM[] = { "iqn.1994-05.com.redhat:*" };
static char *const ELSEWHERE[] = { "iqn.1991-05.com.microsoft:*" };
static const struct chap_user USERS[] = {
	{ .name = "one", .secret = S(SECRET), .mutual_name = "target", .mutual = S(MUTUAL) },
	{ .name = "plain", .secret = S(SECRET), .initiators = FROM, .n_initiators = 1 },
	{ .name = "there", .secret = S(SECRET), .initiators = ELSEWHERE, .n_initiators = 1 },
	{ .name = "mirror", .secret = S(SECRET), .mutual_name = "target", .mutual = S(SECRET) },
};
static const struct chap_config CONFIG = {
	.users = USERS, .n_users = ARRAY_SIZE(USERS),
	.algorithms = { HASH_SHA3_256, HASH_SHA256, HASH_SHA1, HASH_MD5 }, .n_algorithms = 4,
};

struct exchange {
	char right[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];
	char challenge[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];
	bool over;
};

static void take_question(struct exchange *x, char *said, size_t bytes)
{
	struct key_reader reader = key_reader_init(said, bytes);
	struct hash_part parts[3] = { { 0 }, { SECRET, strlen(SECRET) }, { 0 } };
	uint8_t challenge[HASH_BYTES_MAX], out[HASH_BYTES_MAX], identifier;
	struct key_pair a, i, c;
	enum binary_form form;
	uint64_t number;
	size_t n;

	CHECK(key_next(&reader, &a) && key_next(&reader, &i) && key_next(&reader, &c));
	CHECK(key_is(&a, "CHAP_A") && key_is(&i, "CHAP_I") && key_is(&c, "CHAP_C"));
	CHECK(!binary_decode(c.value, c.value_bytes, challenge, sizeof(challenge), &n, &form));
	CHECK(!key_number(i.value, i.value_bytes, &number) && number < 256);
	snprintf(x->challenge, sizeof(x->challenge), "%s", c.value);
	identifier = (uint8_t)number;
	parts[0] = (struct hash_part){ &identifier, 1 };
	parts[2] = (struct hash_part){ challenge, n };
	CHECK(!key_number(a.value, a.value_bytes, &number) && hash_bytes((unsigned)number) == n);
	CHECK(!hash_compute((unsigned)number, parts, 3, out));
	binary_encode(BINARY_HEX, out, n, x->right);
}

/* @text with what the placeholders stand for; true if the right response is in it. */
static bool expand(const struct exchange *x, const uint8_t *text, size_t bytes, char *out,
	size_t room, size_t *ret)
{
	bool right = false;
	size_t n = 0;

	for (size_t i = 0; i < bytes && n + sizeof(x->right) < room; i++) {
		bool r = bytes - i >= 3 && !memcmp(text + i, "@R@", 3);
		const char *put = r ? x->right : x->challenge;

		if (!r && (bytes - i < 3 || memcmp(text + i, "@C@", 3))) {
			out[n++] = (char)text[i];
			continue;
		}
		memcpy(out + n, put, strlen(put));
		n += strlen(put);
		right |= r && *x->right;
		i += 2;
	}
	*ret = n;
	return right;
}

static void step(struct login_auth *auth, struct exchange *x, const uint8_t *text, size_t bytes)
{
	static char in[LOGIN_TEXT_MAX], said[LOGIN_TEXT_MAX];
	struct key_writer out = key_writer_init(said, sizeof(said));
	struct key_pair pairs[16];
	size_t n = 0, in_bytes;
	bool right = expand(x, text, bytes, in, sizeof(in), &in_bytes);
	struct key_reader reader = key_reader_init(in, in_bytes);

	while (n < ARRAY_SIZE(pairs) && key_next(&reader, &pairs[n]))
		n++;
	if (!n)
		return;
	enum login_auth_result r = CHAP_OPS.step(auth, pairs, n, &out);
	CHECK(!out.err && r != LOGIN_AUTH_BROKEN);
	CHECK(strlen(CHAP_OPS.user(auth)) <= LOGIN_USER_MAX);
	bool failed = r != LOGIN_AUTH_MORE && r != LOGIN_AUTH_DONE;
	CHECK(failed == (CHAP_OPS.reason(auth)[0] != 0));
	if (x->over)
		CHECK(r == LOGIN_AUTH_MALFORMED);
	if (r == LOGIN_AUTH_MORE)
		take_question(x, said, key_writer_len(&out));
	if (r == LOGIN_AUTH_DONE)
		CHECK(right && strcmp(CHAP_OPS.user(auth), "there"));
	if (failed)
		CHECK(!key_writer_len(&out));
	x->over |= r != LOGIN_AUTH_MORE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct login_auth *auth = CHAP_OPS.begin(&CONFIG, "iqn.1994-05.com.redhat:b1");
	struct exchange x = { .over = false };

	CHECK(auth);
	for (unsigned i = 0; i < 8 && size >= 2; i++) {
		size_t bytes = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		bytes = MIN(bytes, size);
		step(auth, &x, data, bytes);
		data += bytes;
		size -= bytes;
	}
	CHAP_OPS.end(auth);
	return 0;
}
