/* SPDX-License-Identifier: MIT */
/* Binary values in text (RFC 7143 6.1; RFC 4648 for base64). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "wire/binary.h"

#define ROOM 6u

static const struct {
	const char *text;
	int result;
	const char *value;
} ROWS[] = {
	{ "0x", 0, "" },
	{ "0x61", 0, "a" },
	{ "0X6162", 0, "ab" },
	{ "0x4a4B6a6b2f2B", 0, "JKjk/+" },
	{ "0x6", 0, "\x06" },
	{ "0x616", 0, "\x06\x16" },
	{ "0x61626364656", 0, "\x06\x16\x26\x36\x46\x56" },
	{ "0x6162636465666", -EMSGSIZE, NULL },
	{ "0x61g", -EINVAL, NULL },
	{ "0x6g", -EINVAL, NULL },
	{ "0x 61", -EINVAL, NULL },
	{ "0x61 ", -EINVAL, NULL },
	{ "0x-1", -EINVAL, NULL },
	{ "0x61626364656667", -EMSGSIZE, NULL },
	{ "0x616263646566676", -EMSGSIZE, NULL },
	{ "0b", 0, "" },
	/* RFC 4648 10 */
	{ "0bZg==", 0, "f" },
	{ "0bZm8=", 0, "fo" },
	{ "0bZm9v", 0, "foo" },
	{ "0BZm9vYg==", 0, "foob" },
	{ "0bZm9vYmE=", 0, "fooba" },
	{ "0bZm9vYmFy", 0, "foobar" },
	{ "0b+/+/", 0, "\xfb\xff\xbf" },
	{ "0bZg", -EINVAL, NULL },
	{ "0bZg=", -EINVAL, NULL },
	{ "0bZ===", -EINVAL, NULL },
	{ "0b====", -EINVAL, NULL },
	{ "0b=", -EINVAL, NULL },
	{ "0b==", -EINVAL, NULL },
	{ "0bZh==", -EINVAL, NULL }, /* RFC 4648 3.5: stray bits */
	{ "0bZm9=", -EINVAL, NULL },
	{ "0bZg==Zg==", -EINVAL, NULL },
	{ "0bZm9v\n", -EINVAL, NULL },
	{ "0bZm-v", -EINVAL, NULL }, /* the alphabet of URLs */
	{ "0bZm9vYmFyYg==", -EMSGSIZE, NULL },
	{ "0bZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy", -EMSGSIZE, NULL },
	{ "", -EINVAL, NULL },
	{ "0", -EINVAL, NULL },
	{ "12", -EINVAL, NULL },
	{ "61", -EINVAL, NULL },
	{ "1x61", -EINVAL, NULL },
	{ "0o61", -EINVAL, NULL },
};

static void test_decode(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		size_t n = strlen(ROWS[i].text), bytes = 99;
		/* at their exact lengths, for a sanitizer */
		char *text = malloc(n + !n);
		uint8_t *out = malloc(ROOM);
		enum binary_form form;

		memcpy(text, ROWS[i].text, n);
		memset(out, 0xee, ROOM);
		if (binary_decode(text, n, out, ROOM, &bytes, &form) != ROWS[i].result)
			fail_msg("%s", ROWS[i].text);
		if (!ROWS[i].result) {
			assert_int_equal(bytes, strlen(ROWS[i].value));
			assert_memory_equal(out, ROWS[i].value, bytes);
		}
		for (size_t k = ROWS[i].result ? 0 : bytes; k < ROOM; k++)
			assert_int_equal(out[k], 0xee);
		free(out);
		free(text);
	}
}

static void test_there_and_back(void **state)
{
	uint8_t data[64], again[64];
	char text[BINARY_TEXT_BYTES(sizeof(data))];
	enum binary_form form;
	size_t bytes;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 200);
	for (size_t n = 0; n <= sizeof(data); n++) {
		for (int f = BINARY_HEX; f <= BINARY_BASE64; f++) {
			binary_encode((enum binary_form)f, data, n, text);
			assert_true(strlen(text) < BINARY_TEXT_BYTES(n));
			assert_int_equal(binary_decode(text, strlen(text), again, n, &bytes, &form), 0);
			assert_int_equal(form, f);
			assert_int_equal(bytes, n);
			assert_memory_equal(again, data, n);
		}
	}
	binary_encode(BINARY_BASE64, (const uint8_t *)"foob", 4, text);
	assert_string_equal(text, "0bZm9vYg==");
	binary_encode(BINARY_HEX, (const uint8_t *)"\x01\xfe", 2, text);
	assert_string_equal(text, "0x01fe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
