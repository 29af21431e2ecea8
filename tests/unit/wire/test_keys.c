/* SPDX-License-Identifier: MIT */
/* Text segments of strangers, and ours (RFC 7143 6.1). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "wire/keys.h"

#define N63 "K23456789012345678901234567890123456789012345678901234567890123"

/* @seen: the pairs that come out before @error, written "name>value|". */
static const struct {
	const char *what;
	const char *text;
	size_t bytes;
	const char *seen;
	enum key_error error;
} TEXTS[] = {
#define TEXT(s) s, sizeof(s) - 1
	{ "nothing", TEXT(""), "", KEY_END },
	{ "only NULs", TEXT("\0\0\0"), "", KEY_END },
	{ "two pairs", TEXT("A=1\0B=2\0"), "A>1|B>2|", KEY_END },
	{ "more than one NUL", TEXT("\0A=1\0\0\0B=2\0\0"), "A>1|B>2|", KEY_END },
	{ "an empty value", TEXT("A=\0"), "A>|", KEY_END },
	{ "'=' in a value", TEXT("CHAP_R=0bQQ==\0"), "CHAP_R>0bQQ==|", KEY_END },
	{ "every character of a label", TEXT("X-a.b+c@d_E9=v\0"), "X-a.b+c@d_E9>v|", KEY_END },
	{ "the RFC's own small letter", TEXT("iSCSIProtocolLevel=1\0"), "iSCSIProtocolLevel>1|",
		KEY_END },
	{ "a public extension", TEXT("X#NodeArchitecture=a\0"), "X#NodeArchitecture>a|", KEY_END },
	{ "UTF-8 in a value", TEXT("InitiatorAlias=\xc3\xa9\0"), "InitiatorAlias>\xc3\xa9|", KEY_END },
	{ "63 bytes of name", TEXT(N63 "=1\0"), N63 ">1|", KEY_END },
	{ "64 bytes of name", TEXT("A=1\0" N63 "4=1\0"), "A>1|", KEY_E_NAME_LONG },
	{ "no '='", TEXT("A=1\0B\0C=3\0"), "A>1|", KEY_E_NO_EQUALS },
	{ "no NUL", TEXT("A=1\0B=2"), "A>1|", KEY_E_NO_NUL },
	{ "no NUL and no '='", TEXT("garbage"), "", KEY_E_NO_NUL },
	{ "no key", TEXT("=1\0"), "", KEY_E_NAME_EMPTY },
	{ "a blank in the key", TEXT("A B=1\0"), "", KEY_E_NAME_CHAR },
	{ "a digit first", TEXT("1A=1\0"), "", KEY_E_NAME_CHAR },
	{ "a dash first", TEXT("-A=1\0"), "", KEY_E_NAME_CHAR },
	{ "a format in the key", TEXT("A%n=1\0"), "", KEY_E_NAME_CHAR },
	{ "a high byte in the key", TEXT("A\xff=1\0"), "", KEY_E_NAME_CHAR },
	{ "a blank in the value", TEXT("A=1 2~\0"), "A>1 2~|", KEY_END },
	{ "a newline in the value", TEXT("A=1\n2\0"), "", KEY_E_VALUE_CHAR },
	{ "DEL in the value", TEXT("A=\x7f\0"), "", KEY_E_VALUE_CHAR },
	{ "an escape in the value", TEXT("A=\x1b[2J\0"), "", KEY_E_VALUE_CHAR },
};

static void test_reader(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++) {
		/* exactly as long as it is, so that a sanitizer sees every step beyond it */
		char *copy = malloc(TEXTS[i].bytes + !TEXTS[i].bytes);
		char seen[256] = "";
		struct key_pair pair;

		assert_non_null(copy);
		memcpy(copy, TEXTS[i].text, TEXTS[i].bytes);
		struct key_reader reader = key_reader_init(copy, TEXTS[i].bytes);
		while (key_next(&reader, &pair)) {
			strncat(seen, pair.name, pair.name_bytes);
			strcat(seen, ">");
			strncat(seen, pair.value, pair.value_bytes);
			strcat(seen, "|");
			assert_int_equal(pair.value[pair.value_bytes], 0);
		}
		if (strcmp(seen, TEXTS[i].seen) || reader.error != TEXTS[i].error)
			fail_msg("%s: %s, %s", TEXTS[i].what, seen, key_error_text(reader.error));
		/* a fault stays */
		assert_false(key_next(&reader, &pair));
		assert_int_equal(reader.error, TEXTS[i].error);
		free(copy);
	}
}

static void test_reader_without_text(void **state)
{
	struct key_reader reader = key_reader_init(NULL, 0);
	struct key_pair pair;

	assert_false(key_next(&reader, &pair));
	assert_int_equal(reader.error, KEY_END);
}

/* RFC 7143 6.1: a value may be long if its key says so; nothing says more than 8192. */
static void test_value_lengths(void **state)
{
	static char text[KEY_VALUE_LONG_MAX + 8];
	struct key_pair pair;

	memset(text, 'v', sizeof(text));
	memcpy(text, "A=", 2);
	text[2 + KEY_VALUE_LONG_MAX] = 0;
	struct key_reader reader = key_reader_init(text, 3 + KEY_VALUE_LONG_MAX);
	assert_true(key_next(&reader, &pair));
	assert_int_equal(pair.value_bytes, KEY_VALUE_LONG_MAX);
	text[2 + KEY_VALUE_LONG_MAX] = 'v';
	text[3 + KEY_VALUE_LONG_MAX] = 0;
	reader = key_reader_init(text, 4 + KEY_VALUE_LONG_MAX);
	assert_false(key_next(&reader, &pair));
	assert_int_equal(reader.error, KEY_E_VALUE_LONG);
}

static void test_key_is(void **state)
{
	struct key_pair pair = { .name = "HeaderDigest=None", .name_bytes = 12 };

	assert_true(key_is(&pair, "HeaderDigest"));
	assert_false(key_is(&pair, "HeaderDiges"));
	assert_false(key_is(&pair, "HeaderDigest="));
	assert_false(key_is(&pair, "headerdigest"));
}

static void test_list(void **state)
{
	static const struct {
		const char *value;
		const char *seen;
	} rows[] = { { "", "|" }, { "None", "None|" }, { "CRC32C,None", "CRC32C|None|" },
		{ ",", "||" }, { "a,,b", "a||b|" }, { "a,", "a||" } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct key_list list = key_list_init(rows[i].value, strlen(rows[i].value));
		char seen[64] = "";
		const char *word;
		size_t bytes;

		while (key_list_next(&list, &word, &bytes)) {
			strncat(seen, word, bytes);
			strcat(seen, "|");
		}
		assert_string_equal(seen, rows[i].seen);
	}
}

/* RFC 7143 6.1: decimal-constant and hex-constant. */
static void test_number(void **state)
{
	static const struct {
		const char *value;
		int result;
		uint64_t number;
	} rows[] = {
		{ "0", 0, 0 }, { "262144", 0, 262144 }, { "0x10", 0, 16 }, { "0XfF", 0, 255 },
		{ "18446744073709551615", 0, UINT64_MAX }, { "18446744073709551616", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "0x", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 }, { "12abc", -EINVAL, 0 },
		{ "1~2", -EINVAL, 0 }, { "00000000000000000000000000000001", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t number = 4711;

		assert_int_equal(key_number(rows[i].value, strlen(rows[i].value), &number),
			rows[i].result);
		assert_true(number == (rows[i].result ? 4711 : rows[i].number));
	}
	uint64_t number;
	assert_int_equal(key_number("12\0", 3, &number), -EINVAL);
}

static void test_writer(void **state)
{
	char buffer[16];
	struct key_writer w = key_writer_init(buffer, sizeof(buffer));

	key_put(&w, "A", "1");
	key_put_number(&w, "B", 65535);
	assert_int_equal(w.err, 0);
	assert_int_equal(key_writer_len(&w), 12);
	assert_memory_equal(buffer, "A=1\0B=65535\0", 12);
	/* five bytes are left over by none: four are left */
	key_put(&w, "C", "12");
	assert_int_equal(w.err, -EMSGSIZE);
	assert_int_equal(key_writer_len(&w), 12);
	/* and the fault stays */
	key_put(&w, "C", "1");
	assert_int_equal(key_writer_len(&w), 12);
}

static void test_writer_fills_to_the_last_byte(void **state)
{
	char buffer[5] = { 0, 0, 0, 0, 'x' };
	struct key_writer w = key_writer_init(buffer, 4);

	key_put_n(&w, "Cxx", 1, "1yy", 1);
	assert_int_equal(w.err, 0);
	assert_memory_equal(buffer, "C=1\0x", 5);
	w = key_writer_init(buffer, 1);
	key_put(&w, "", "");
	assert_int_equal(w.err, -EMSGSIZE);
}

static void test_error_texts(void **state)
{
	assert_string_equal(key_error_text(KEY_E_NO_EQUALS), "a pair without '='");
	assert_string_equal(key_error_text((enum key_error)99), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_reader_without_text),
		cmocka_unit_test(test_value_lengths),
		cmocka_unit_test(test_key_is),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_fills_to_the_last_byte),
		cmocka_unit_test(test_error_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
