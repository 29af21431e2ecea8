/* SPDX-License-Identifier: MIT */
/* Judging and answering pairs by the rows of the key table: see negotiation.h. */
#include "login/negotiation.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static void answer_pair(struct key_writer *answer, const struct key_row *row, const char *value)
{
	key_put(answer, row->name, value);
}

static enum key_verdict refuse(struct key_writer *answer, const struct key_row *row)
{
	answer_pair(answer, row, "Reject");
	return VERDICT_REFUSED;
}

static bool value_is(const struct key_pair *pair, const char *text)
{
	return pair->value_bytes == strlen(text) && !memcmp(pair->value, text, pair->value_bytes);
}

static bool is_boolean(const struct key_row *row)
{
	return row->type == KEY_AND || row->type == KEY_OR;
}

static bool is_negotiated(const struct key_row *row)
{
	return is_boolean(row) || row->type == KEY_MIN || row->type == KEY_MAX ||
		row->type == KEY_LIST;
}

/* Is @row the one of this member of struct login_params? */
#define IS(row, member) \
	((row)->param.bytes && (row)->param.offset == offsetof(struct login_params, member))

/* What we offer and accept of a key whose other keys are what they are now. */
static uint64_t our_value(const struct negotiation *n, const struct key_row *row)
{
	const struct login_params *p = &n->params;
	uint64_t ours = key_get(&n->limits, row->limit);

	/* RFC 7143 13.14: FirstBurstLength never exceeds MaxBurstLength */
	if (IS(row, first_burst_bytes))
		return MIN(ours, (uint64_t)p->max_burst_bytes);
	/* RFC 7143 7.4.1: in a discovery session nothing is recovered */
	if (IS(row, error_recovery_level) && p->session_type == SESSION_DISCOVERY)
		return 0;
	/* RFC 7143 13.19: where what is lost is asked for again, and in order, there is one R2T at a time */
	if (IS(row, max_outstanding_r2t) && p->error_recovery_level && p->data_sequence_in_order)
		return 1;
	return ours;
}

/*
 * RFC 7143 13: rows marked so have no meaning in a discovery session; FirstBurstLength has none
 * where nothing may come unsolicited (13.14); what belongs to the session was settled on its first
 * connection.
 */
static bool irrelevant(const struct negotiation *n, const struct key_row *row)
{
	if ((row->use & USE_NORMAL) && n->params.session_type == SESSION_DISCOVERY)
		return true;
	if (IS(row, first_burst_bytes) && n->params.initial_r2t && !n->params.immediate_data)
		return true;
	return (row->use & USE_LEADING) && !n->leading;
}

/* The number or boolean that the pair offers. */
static bool parse_value(const struct key_row *row, const struct key_pair *pair, uint64_t *ret)
{
	uint64_t value;

	if (is_boolean(row)) {
		if (!value_is(pair, "Yes") && !value_is(pair, "No"))
			return false;
		*ret = value_is(pair, "Yes");
		return true;
	}
	if (key_number(pair->value, pair->value_bytes, &value) || value < row->min ||
		value > row->max)
		return false;
	*ret = value;
	return true;
}

static uint64_t combine(const struct key_row *row, uint64_t ours, uint64_t theirs)
{
	switch (row->type) {
	case KEY_OR:
	case KEY_MAX:
		return MAX(ours, theirs);
	default:
		return MIN(ours, theirs);
	}
}

static void put_value(struct key_writer *out, const struct key_row *row, uint64_t value)
{
	if (row->type == KEY_LIST)
		answer_pair(out, row, key_word_name(row, (uint8_t)value));
	else if (is_boolean(row))
		answer_pair(out, row, value ? "Yes" : "No");
	else
		key_put_number(out, row->name, value);
}

/* RFC 7143 6.2.2: the result of a boolean or number is computed and answered. */
static enum key_verdict take_value(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	uint64_t theirs;

	if (!parse_value(row, pair, &theirs))
		return refuse(answer, row);
	uint64_t result = combine(row, our_value(n, row), theirs);
	key_set(&n->params, row->param, result);
	put_value(answer, row, result);
	return VERDICT_ANSWERED;
}

/* RFC 7143 6.2.1: the first value of the list that is acceptable. */
static enum key_verdict take_list(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	struct key_list list = key_list_init(pair->value, pair->value_bytes);
	uint64_t ours = our_value(n, row);
	const char *word;
	size_t bytes;

	while (key_list_next(&list, &word, &bytes)) {
		uint8_t bit = key_word_bit(row, word, bytes);

		if (!(bit & ours))
			continue;
		key_set(&n->params, row->param, bit);
		put_value(answer, row, bit);
		return VERDICT_ANSWERED;
	}
	return refuse(answer, row);
}

static enum key_verdict take_number(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	uint64_t value;

	if (!parse_value(row, pair, &value))
		return refuse(answer, row);
	key_set(&n->params, row->param, value);
	return VERDICT_TAKEN;
}

static enum key_verdict take_name(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	assert(row->param.bytes == NAME_MAX_BYTES + 1);
	char *place = (char *)&n->params + row->param.offset;

	if (name_normalize(pair->value, pair->value_bytes, place) < 0)
		return refuse(answer, row);
	return VERDICT_TAKEN;
}

static enum key_verdict take_text(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	char *place = (char *)&n->params + row->param.offset;

	if (pair->value_bytes > KEY_VALUE_MAX)
		return refuse(answer, row);
	if (row->param.bytes) {
		assert(row->param.bytes > KEY_VALUE_MAX);
		memcpy(place, pair->value, pair->value_bytes);
		place[pair->value_bytes] = 0;
	}
	return VERDICT_TAKEN;
}

static enum key_verdict take_word(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	uint8_t bit = key_word_bit(row, pair->value, pair->value_bytes);

	if (!bit)
		return refuse(answer, row);
	key_set(&n->params, row->param, bit - 1u);
	return VERDICT_TAKEN;
}

static enum key_verdict take_fixed(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	answer_pair(answer, row, row->words[0].word);
	return VERDICT_ANSWERED;
}

static enum key_verdict take_nothing(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer)
{
	return VERDICT_TAKEN;
}

typedef enum key_verdict (*take_fn)(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, struct key_writer *answer);

static const take_fn TAKE_BY_TYPE[] = {
	[KEY_AND] = take_value,
	[KEY_OR] = take_value,
	[KEY_MIN] = take_value,
	[KEY_MAX] = take_value,
	[KEY_LIST] = take_list,
	[KEY_NUMBER] = take_number,
	[KEY_NAME] = take_name,
	[KEY_TEXT] = take_text,
	[KEY_WORD] = take_word,
	[KEY_FIXED] = take_fixed,
	[KEY_METHODS] = take_nothing,
	[KEY_OWNER] = take_nothing,
};

/* RFC 7143 6.2.2: the answer to an offer of ours is a value that the offer allows. */
static enum key_verdict take_answer(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair)
{
	uint64_t ours = our_value(n, row);
	uint64_t value;

	n->offered &= ~key_bit(row);
	if (value_is(pair, "Irrelevant"))
		return VERDICT_TAKEN;
	if (row->type == KEY_LIST) {
		value = key_word_bit(row, pair->value, pair->value_bytes);
		if (!(value & ours))
			return VERDICT_WRONG;
	} else if (!parse_value(row, pair, &value) || combine(row, ours, value) != value) {
		return VERDICT_WRONG;
	}
	key_set(&n->params, row->param, value);
	return VERDICT_TAKEN;
}

enum key_verdict negotiation_take(struct negotiation *n, const struct key_row *row,
	const struct key_pair *pair, unsigned stage, struct key_writer *answer)
{
	if (n->seen & key_bit(row))
		return VERDICT_DUPLICATE;
	n->seen |= key_bit(row);
	if (!(row->use & BY_INITIATOR) || !(row->use & stage))
		return VERDICT_MISPLACED;
	if (n->offered & key_bit(row))
		return take_answer(n, row, pair);
	if (key_is_answer(pair))
		return VERDICT_UNASKED;
	if (irrelevant(n, row)) {
		answer_pair(answer, row, "Irrelevant");
		return VERDICT_ANSWERED;
	}
	return TAKE_BY_TYPE[row->type](n, row, pair, answer);
}

/* Was @row left at a default that does not go with our limit? */
static bool needs_offer(const struct negotiation *n, const struct key_row *row)
{
	if (!is_negotiated(row) || ((n->seen | n->offered) & key_bit(row)) || irrelevant(n, row))
		return false;
	uint64_t ours = our_value(n, row);
	uint64_t now = key_get(&n->params, row->param);
	if (row->type == KEY_LIST)
		return !(now & ours);
	return combine(row, ours, now) != now;
}

const struct key_row *negotiation_missing(const struct negotiation *n)
{
	for (size_t i = 0; i < KEY_ROWS; i++) {
		if (needs_offer(n, &KEY_TABLE[i]))
			return &KEY_TABLE[i];
	}
	return NULL;
}

/* A set as a list, in the order of the row's words. */
static void offer_list(struct key_writer *out, const struct key_row *row, uint64_t set)
{
	char text[KEY_VALUE_MAX + 1];
	size_t n = 0;

	for (const struct key_word *w = row->words; w->word; w++) {
		if (w->bit & set)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "", w->word);
	}
	answer_pair(out, row, text);
}

unsigned negotiation_offer(struct negotiation *n, struct key_writer *out)
{
	const struct key_row *row;
	unsigned count = 0;

	for (; (row = negotiation_missing(n)); count++) {
		if (row->type == KEY_LIST)
			offer_list(out, row, our_value(n, row));
		else
			put_value(out, row, our_value(n, row));
		n->offered |= key_bit(row);
	}
	return count;
}

void negotiation_settle(struct negotiation *n)
{
	for (size_t i = 0; i < KEY_ROWS; i++) {
		const struct key_row *row = &KEY_TABLE[i];

		if (!(n->offered & key_bit(row)) || !is_boolean(row))
			continue;
		/* offered only where it differs from the default: Yes for OR, No for AND */
		key_set(&n->params, row->param, our_value(n, row));
		n->offered &= ~key_bit(row);
		n->seen |= key_bit(row);
	}
}

bool negotiation_consistent(struct negotiation *n)
{
	const struct key_row *first = key_find("FirstBurstLength", strlen("FirstBurstLength"));

	if (n->params.first_burst_bytes <= n->params.max_burst_bytes)
		return true;
	if (!irrelevant(n, first))
		return false;
	n->params.first_burst_bytes = n->params.max_burst_bytes;
	return true;
}
