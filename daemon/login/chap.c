/* SPDX-License-Identifier: MIT */
/* CHAP: see chap.h. */
#include "login/chap.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"
#include "login/hash.h"
#include "login/params.h"
#include "wire/binary.h"
#include "wire/names.h"

enum chap_step {
	STEP_ALGORITHM, /* CHAP_A is due */
	STEP_RESPONSE,  /* CHAP_N and CHAP_R are */
	STEP_OVER,
};

struct login_auth {
	const struct chap_config *config;
	enum chap_step step;
	uint8_t algorithm; /* enum hash */
	uint8_t identifier;
	uint8_t challenge[HASH_BYTES_MAX]; /* as long as the hash (RFC 7143 12.1.3) */
	char initiator_name[NAME_MAX_BYTES + 1];
	char user[LOGIN_USER_MAX + 1]; /* as given */
	const char *reason;
};

static const char *const KEYS[] = { "CHAP_A", "CHAP_I", "CHAP_C", "CHAP_N", "CHAP_R", NULL };

static enum login_auth_result failed(struct login_auth *auth, const char *reason)
{
	auth->step = STEP_OVER;
	auth->reason = reason;
	return LOGIN_AUTH_FAILED;
}

static enum login_auth_result missing(struct login_auth *auth, const char *reason)
{
	(void)failed(auth, reason);
	return LOGIN_AUTH_MISSING;
}

static enum login_auth_result malformed(struct login_auth *auth, const char *reason)
{
	(void)failed(auth, reason);
	return LOGIN_AUTH_MALFORMED;
}

static enum login_auth_result broken(struct login_auth *auth, const char *reason)
{
	(void)failed(auth, reason);
	return LOGIN_AUTH_BROKEN;
}

static struct login_auth *begin(const void *config, const char *initiator_name)
{
	struct login_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return NULL;
	auth->config = config;
	auth->reason = "";
	strncpy(auth->initiator_name, initiator_name, sizeof(auth->initiator_name) - 1);
	return auth;
}

static void end(struct login_auth *auth)
{
	free(auth);
}

static const char *user(const struct login_auth *auth)
{
	return auth->user;
}

static const char *reason(const struct login_auth *auth)
{
	return auth->reason;
}

static const struct key_pair *find(const struct key_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (key_is(&pairs[i], name))
			return &pairs[i];
	}
	return NULL;
}

/* In time that depends on the length only. */
static bool same(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	volatile uint8_t differ = 0;

	for (size_t i = 0; i < bytes; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

/* Its place among ours; n_algorithms: it is none of them. */
static size_t place_of(const struct chap_config *config, uint64_t algorithm)
{
	size_t i = 0;

	while (i < config->n_algorithms && config->algorithms[i] != algorithm)
		i++;
	return i;
}

/*
 * RFC 7143 6.2.1: the first of the offer that we support and may use; 0: none. In our own order we may use no other than the
 * one of the offer that we like best.
 */
static uint8_t choose(const struct chap_config *config, const struct key_pair *list)
{
	struct key_list words = key_list_init(list->value, list->value_bytes);
	size_t n = config->n_algorithms, best = n;
	const char *word;
	uint64_t number;
	size_t bytes;

	while ((best == n || config->own_order) && key_list_next(&words, &word, &bytes)) {
		if (!key_number(word, bytes, &number))
			best = MIN(best, place_of(config, number));
	}
	return best < n ? config->algorithms[best] : 0;
}

static bool random_bytes(void *out, size_t bytes)
{
	return getrandom(out, bytes, 0) == (ssize_t)bytes;
}

static enum login_auth_result take_algorithm(struct login_auth *auth, const struct key_pair *pairs,
	size_t n, struct key_writer *answer)
{
	const struct key_pair *a = find(pairs, n, "CHAP_A");
	char text[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];

	/* RFC 7143 12.1.3: CHAP_A, and nothing before we have chosen */
	if (!a || n != 1)
		return (a ? malformed : missing)(auth, "CHAP_A alone is due");
	auth->algorithm = choose(auth->config, a);
	if (!auth->algorithm)
		return failed(auth, "no acceptable algorithm in CHAP_A");
	if (!random_bytes(&auth->identifier, 1) ||
		!random_bytes(auth->challenge, sizeof(auth->challenge)))
		return broken(auth, "no random numbers");
	binary_encode(BINARY_HEX, auth->challenge, hash_bytes(auth->algorithm), text);
	key_put_number(answer, "CHAP_A", auth->algorithm);
	key_put_number(answer, "CHAP_I", auth->identifier);
	key_put(answer, "CHAP_C", text);
	auth->step = STEP_RESPONSE;
	return LOGIN_AUTH_MORE;
}

/* RFC 1994 4.1: the hash of identifier, secret and challenge. */
static int respond(uint8_t algorithm, uint8_t identifier, const struct chap_secret *secret,
	const uint8_t *challenge, size_t challenge_bytes, uint8_t *out)
{
	const struct hash_part parts[] = {
		{ &identifier, 1 },
		{ secret->data, secret->bytes },
		{ challenge, challenge_bytes },
	};

	return hash_compute(algorithm, parts, ARRAY_SIZE(parts), out);
}

static bool comes_from(const struct chap_user *u, const char *initiator_name)
{
	for (size_t i = 0; i < u->n_initiators; i++) {
		if (name_match(u->initiators[i], initiator_name))
			return true;
	}
	return !u->n_initiators;
}

bool chap_admits(const struct chap_config *config, const char *initiator_name)
{
	for (size_t i = 0; i < config->n_users; i++) {
		if (comes_from(&config->users[i], initiator_name))
			return true;
	}
	return false;
}

const struct chap_user *chap_find_user(const struct chap_config *config, const char *name,
	const char *initiator_name)
{
	for (size_t i = 0; i < config->n_users; i++) {
		const struct chap_user *u = &config->users[i];

		if (!strcmp(u->name, name))
			return comes_from(u, initiator_name) ? u : NULL;
	}
	return NULL;
}

/* 0, 1: it is not the right one, or -errno. Who is unknown takes as long as who is known. */
static int judge(const struct login_auth *auth, const struct chap_user *u, const uint8_t *response)
{
	static const uint8_t NOBODY[16];
	const struct chap_secret nobody = { NOBODY, sizeof(NOBODY) };
	size_t bytes = hash_bytes(auth->algorithm);
	uint8_t right[HASH_BYTES_MAX];

	int r = respond(auth->algorithm, auth->identifier, u ? &u->secret : &nobody,
		auth->challenge, bytes, right);
	if (r < 0)
		return r;
	return same(right, response, bytes) && u ? 0 : 1;
}

/* What the initiator asks of us. */
struct ask {
	uint8_t identifier;
	uint8_t challenge[CHAP_CHALLENGE_MAX];
	size_t bytes;
	enum binary_form form;
};

/* NULL, or what is wrong. */
static const char *take_ask(const struct key_pair *i, const struct key_pair *c, struct ask *ask)
{
	uint64_t number;

	/* RFC 7143 12.1.3: one octet */
	if (key_number(i->value, i->value_bytes, &number) || number > 255)
		return "CHAP_I is no number from 0 to 255";
	ask->identifier = (uint8_t)number;
	/* RFC 7143 12.1.3: at most 1024 bytes */
	if (binary_decode(c->value, c->value_bytes, ask->challenge, sizeof(ask->challenge),
		    &ask->bytes, &ask->form) || !ask->bytes)
		return "CHAP_C is no binary value of 1 to 1024 bytes";
	return NULL;
}

/* RFC 7143 9.2.1: what we ask must not be what we are asked. */
static bool reflects(const struct login_auth *auth, const struct ask *ask)
{
	return ask->bytes == hash_bytes(auth->algorithm) &&
		!memcmp(ask->challenge, auth->challenge, ask->bytes);
}

/* The target's half of a mutual authentication. */
static enum login_auth_result prove(struct login_auth *auth, const struct chap_user *u,
	const struct ask *ask, struct key_writer *answer)
{
	uint8_t response[HASH_BYTES_MAX];
	char text[BINARY_TEXT_BYTES(HASH_BYTES_MAX)];

	if (!u->mutual_name)
		return failed(auth, "there is no mutual secret for this user");
	/* RFC 7143 9.2.1: with one secret both ways we would answer our own questions */
	if (u->mutual.bytes == u->secret.bytes &&
		same(u->mutual.data, u->secret.data, u->secret.bytes))
		return failed(auth, "the secret is the same both ways");
	if (respond(auth->algorithm, ask->identifier, &u->mutual, ask->challenge, ask->bytes,
		    response) < 0)
		return broken(auth, "the hash cannot be computed");
	binary_encode(ask->form, response, hash_bytes(auth->algorithm), text);
	key_put(answer, "CHAP_N", u->mutual_name);
	key_put(answer, "CHAP_R", text);
	return LOGIN_AUTH_DONE;
}

static enum login_auth_result take_response(struct login_auth *auth, const struct key_pair *pairs,
	size_t n, struct key_writer *answer)
{
	const struct key_pair *name = find(pairs, n, "CHAP_N"), *r = find(pairs, n, "CHAP_R");
	const struct key_pair *i = find(pairs, n, "CHAP_I"), *c = find(pairs, n, "CHAP_C");
	size_t want = hash_bytes(auth->algorithm), bytes;
	uint8_t response[HASH_BYTES_MAX];
	enum binary_form form;
	struct ask ask;

	if (name && name->value_bytes < sizeof(auth->user))
		memcpy(auth->user, name->value, name->value_bytes);
	/* RFC 7143 9.2: else our answer could be had for CHAP_R, by who leaves it out and asks us the same. */
	if (!name || !r || !i != !c)
		return missing(auth, "CHAP_N and CHAP_R are due, with both CHAP_I and CHAP_C or none");
	if (n != (i ? 4 : 2))
		return malformed(auth, "more than CHAP_N, CHAP_R, CHAP_I and CHAP_C");
	if (!auth->user[0])
		return malformed(auth, "CHAP_N is empty or too long");
	if (binary_decode(r->value, r->value_bytes, response, want, &bytes, &form) || bytes != want)
		return malformed(auth, "CHAP_R is no binary value of the hash's length");
	const char *wrong = i ? take_ask(i, c, &ask) : NULL;
	if (wrong)
		return malformed(auth, wrong);
	if (i && reflects(auth, &ask))
		return failed(auth, "our own challenge comes back");
	const struct chap_user *u = chap_find_user(auth->config, auth->user, auth->initiator_name);
	int verdict = judge(auth, u, response);
	if (verdict < 0)
		return broken(auth, "the hash cannot be computed");
	if (verdict)
		return failed(auth, u ? "wrong response" : "no such user for this initiator");
	auth->step = STEP_OVER;
	return i ? prove(auth, u, &ask, answer) : LOGIN_AUTH_DONE;
}

static enum login_auth_result step(struct login_auth *auth, const struct key_pair *pairs, size_t n,
	struct key_writer *answer)
{
	switch (auth->step) {
	case STEP_ALGORITHM:
		return take_algorithm(auth, pairs, n, answer);
	case STEP_RESPONSE:
		return take_response(auth, pairs, n, answer);
	default:
		return malformed(auth, "the exchange is over");
	}
}

const struct login_auth_ops CHAP_OPS = {
	.name = "CHAP",
	.keys = KEYS,
	.begin = begin,
	.step = step,
	.user = user,
	.reason = reason,
	.end = end,
};
