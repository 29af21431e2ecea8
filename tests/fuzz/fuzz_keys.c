/* SPDX-License-Identifier: MIT */
/* Text segments, and what stands in their values: lists, numbers, names, patterns. */
#include <string.h>

#include "fuzz.h"

#include "login/text.h"
#include "login/login.h"
#include "wire/keys.h"
#include "wire/names.h"

static void check_number(const struct key_pair *pair)
{
	uint64_t number, again;
	char text[64];
	struct key_writer w = key_writer_init(text, sizeof(text));

	if (key_number(pair->value, pair->value_bytes, &number))
		return;
	key_put_number(&w, "N", number);
	CHECK(!w.err);
	CHECK(!key_number(text + 2, key_writer_len(&w) - 3, &again) && number == again);
}

static void check_list(const struct key_pair *pair)
{
	struct key_list list = key_list_init(pair->value, pair->value_bytes);
	size_t total = 0, n = 0, bytes;
	const char *word;

	while (key_list_next(&list, &word, &bytes)) {
		CHECK(word >= pair->value && word + bytes <= pair->value + pair->value_bytes);
		CHECK(!memchr(word, ',', bytes));
		total += bytes;
		n++;
	}
	CHECK(n >= 1 && total + n - 1 == pair->value_bytes);
}

static void check_name(const struct key_pair *pair)
{
	char normal[NAME_MAX_BYTES + 1], again[NAME_MAX_BYTES + 1];
	enum name_type type = name_type(pair->value, pair->value_bytes);

	CHECK((name_normalize(pair->value, pair->value_bytes, normal) == 0) == (type != 0));
	if (type) {
		CHECK(name_type(normal, strlen(normal)) == type);
		CHECK(!name_normalize(normal, strlen(normal), again) && !strcmp(normal, again));
		CHECK(name_equal(normal, pair->value) && name_match(pair->value, normal));
		CHECK(name_pattern_valid(normal));
	}
	if (pair->value_bytes <= NAME_MAX_BYTES) {
		(void)name_pattern_valid(pair->value);
		(void)name_match(pair->value, "iqn.1994-05.com.redhat:aaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	}
}

/* What is read is written again and read to the same end. */
static void check_text(const uint8_t *data, size_t size)
{
	struct key_reader reader = key_reader_init(data, size);
	char *copy = malloc(size + 1);
	struct key_writer w = key_writer_init(copy, size);
	struct key_pair pair;
	size_t n = 0;

	CHECK(copy);
	while (key_next(&reader, &pair)) {
		CHECK(pair.name_bytes >= 1 && pair.name_bytes <= KEY_NAME_MAX);
		CHECK(pair.value_bytes <= KEY_VALUE_LONG_MAX && !pair.value[pair.value_bytes]);
		CHECK(pair.value_bytes == strlen(pair.value));
		check_number(&pair);
		check_list(&pair);
		check_name(&pair);
		key_put_n(&w, pair.name, pair.name_bytes, pair.value, pair.value_bytes);
		n++;
	}
	CHECK(!w.err);
	reader = key_reader_init(copy, key_writer_len(&w));
	while (key_next(&reader, &pair))
		n--;
	CHECK(!reader.error && !n);
	free(copy);
}

/* As a Text Request in full feature phase. */
static void check_negotiation(const uint8_t *data, size_t size)
{
	static char said[LOGIN_ANSWER_MAX];
	struct login_params params = login_params_default(), before = params;
	struct key_writer answer = key_writer_init(said, sizeof(said));
	struct text_outcome out;
	uint64_t seen = 0;
	int r = text_negotiate(&params, &seen, data, size, &answer, &out);

	CHECK(r >= 0);
	CHECK(memchr(out.reason, 0, sizeof(out.reason)) && (r == 0) == !out.reason[0]);
	CHECK(memchr(out.send_targets_value, 0, sizeof(out.send_targets_value)));
	if (r)
		CHECK(!memcmp(&params, &before, sizeof(params)));
	CHECK(params.max_send_data_segment_bytes >= 512 &&
		params.max_send_data_segment_bytes <= 0xffffff);
	/* What was a good text is none a second time in the same negotiation, unless it had no keys. */
	CHECK(!r || !seen);
	if (!r && seen) {
		answer = key_writer_init(said, sizeof(said));
		CHECK(text_negotiate(&params, &seen, data, size, &answer, &out) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > LOGIN_TEXT_MAX)
		return 0;
	check_text(data, size);
	check_negotiation(data, size);
	return 0;
}
