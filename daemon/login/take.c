/* SPDX-License-Identifier: MIT */
/*
 * One complete text of a login. The first is walked twice: once for who is asking for what, so
 * that the owner can be asked about it, and, with the target's limits at hand, once for the rest.
 */
#include <string.h>

#include "login/machine.h"

/* What a refused value of an identity key means beside "initiator error". */
static const struct {
	const char *key;
	enum login_status status;
} REFUSALS[] = {
	{ "SessionType", LOGIN_SESSION_TYPE },
	{ "TargetName", LOGIN_NOT_FOUND },
};

static enum login_status refusal_status(const struct key_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(REFUSALS); i++) {
		if (!strcmp(REFUSALS[i].key, row->name))
			return REFUSALS[i].status;
	}
	return LOGIN_INITIATOR_ERROR;
}

/* RFC 7143 6.2, 7.12: in the login phase every failure to negotiate ends the login. */
static int judge(struct login *l, const struct key_row *row, enum key_verdict verdict)
{
	switch (verdict) {
	case VERDICT_TAKEN:
	case VERDICT_ANSWERED:
		return 0;
	case VERDICT_REFUSED:
		login_fail(l, refusal_status(row), "inadmissible value of %s", row->name);
		return -1;
	case VERDICT_WRONG:
		login_fail(l, LOGIN_INITIATOR_ERROR, "wrong answer to our %s", row->name);
		return -1;
	case VERDICT_DUPLICATE:
		login_fail(l, LOGIN_INITIATOR_ERROR, "duplicate key %s", row->name);
		return -1;
	case VERDICT_UNASKED:
		login_fail(l, LOGIN_INITIATOR_ERROR, "an answer to %s, which we did not offer", row->name);
		return -1;
	default:
		login_fail(l, LOGIN_INITIATOR_ERROR, "key %s is out of place", row->name);
		return -1;
	}
}

static unsigned stage_use(const struct login *l)
{
	return l->stage == STAGE_SECURITY ? USE_SECURITY : USE_OPERATIONAL;
}

static int end_of_text(struct login *l, const struct key_reader *reader)
{
	if (!reader->error)
		return 0;
	login_fail(l, LOGIN_INITIATOR_ERROR, "malformed text: %s", key_error_text(reader->error));
	return -1;
}

/* RFC 7143 6.3, 13.21: who asks, and unless for discovery for what, is in the first text. */
static int check_identity(struct login *l)
{
	const struct login_params *p = &l->n.params;
	const char *missing = NULL;

	if (!p->initiator_name[0])
		missing = "InitiatorName";
	else if (!p->target_name[0] && p->session_type == SESSION_NORMAL)
		missing = "TargetName";
	if (!missing)
		return 0;
	login_fail(l, LOGIN_MISSING_PARAMETER, "no %s in the first Login Request", missing);
	return -1;
}

int take_identity(struct login *l)
{
	struct key_reader reader = key_reader_init(l->in.data, l->in.bytes);
	struct key_pair pair;

	while (key_next(&reader, &pair)) {
		const struct key_row *row = key_find(pair.name, pair.name_bytes);

		if (!row || !(row->use & USE_IDENTITY))
			continue;
		enum key_verdict verdict =
			negotiation_take(&l->n, row, &pair, stage_use(l), &l->out);
		if (judge(l, row, verdict) < 0)
			return -1;
	}
	return end_of_text(l, &reader) < 0 ? -1 : check_identity(l);
}

/* RFC 7143 6.2, 13.22: a key that we do not know is answered so; how many of them is our bound. */
static int take_unknown(struct login *l, const struct key_pair *pair)
{
	static const char answer[] = "NotUnderstood";

	l->unknown_bytes += (uint32_t)(pair->name_bytes + pair->value_bytes + 2);
	if (l->unknown_bytes > LOGIN_UNKNOWN_BYTES) {
		login_fail(l, LOGIN_INITIATOR_ERROR, "more than %u bytes of keys not understood",
			LOGIN_UNKNOWN_BYTES);
		return -1;
	}
	/* RFC 7143 6.2: reserved words are no values, and what we offer are no keys that we do not know */
	if (key_is_answer(pair)) {
		login_fail(l, LOGIN_INITIATOR_ERROR, "an answer to %.*s, which we did not offer",
			(int)pair->name_bytes, pair->name);
		return -1;
	}
	key_put_n(&l->out, pair->name, pair->name_bytes, answer, strlen(answer));
	return 0;
}

static int take_known(struct login *l, const struct key_row *row, const struct key_pair *pair)
{
	/* those were taken before the question; later ones are out of place */
	if (row->use & USE_IDENTITY) {
		if (!l->identified)
			return 0;
		return judge(l, row, l->n.seen & key_bit(row) ? VERDICT_DUPLICATE :
			VERDICT_MISPLACED);
	}
	enum key_verdict verdict = negotiation_take(&l->n, row, pair, stage_use(l), &l->out);
	if (judge(l, row, verdict) < 0)
		return -1;
	return row->type == KEY_METHODS ? security_choose(l, pair) : 0;
}

/* The pairs of one text that belong to the authentication method. */
struct auth_pairs {
	struct key_pair pair[LOGIN_AUTH_PAIRS_MAX];
	size_t n;
};

static int take_auth(struct login *l, struct auth_pairs *auth, const struct key_pair *pair)
{
	if (auth->n == ARRAY_SIZE(auth->pair) || l->stage != STAGE_SECURITY) {
		login_fail(l, LOGIN_INITIATOR_ERROR, "key %.*s is out of place",
			(int)pair->name_bytes, pair->name);
		return -1;
	}
	auth->pair[auth->n++] = *pair;
	return 0;
}

/* All pairs whose rows are late, or all others. */
static int take_pairs(struct login *l, bool late, struct auth_pairs *auth)
{
	struct key_reader reader = key_reader_init(l->in.data, l->in.bytes);
	struct key_pair pair;

	while (key_next(&reader, &pair)) {
		const struct key_row *row = key_find(pair.name, pair.name_bytes);
		int r = 0;

		if (late != (row && (row->use & USE_LATE)))
			continue;
		if (row)
			r = take_known(l, row, &pair);
		else if (security_owns(l, &pair))
			r = take_auth(l, auth, &pair);
		else
			r = take_unknown(l, &pair);
		if (r < 0)
			return r;
	}
	return end_of_text(l, &reader);
}

int take_text(struct login *l)
{
	struct auth_pairs auth = { .n = 0 };

	if (take_pairs(l, false, &auth) < 0 || take_pairs(l, true, &auth) < 0)
		return -1;
	return auth.n ? security_step(l, auth.pair, auth.n) : 0;
}
