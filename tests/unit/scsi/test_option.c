/* SPDX-License-Identifier: MIT */
/* Option values: each type, its limits, and what a person is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <spt/error.h>
#include <spt/option.h>

#include "base/util.h"

static const char *const COLOURS[] = { "red", "green", NULL };

static const struct spt_option TEXT = { "name", SPT_OPTION_STRING, false, NULL, 1, 4, NULL, "" };
static const struct spt_option ANY_TEXT = { "name", SPT_OPTION_STRING, false, NULL, 0, 0, NULL,
	"" };
static const struct spt_option FLAG = { "flag", SPT_OPTION_BOOL, false, NULL, 0, 0, NULL, "" };
static const struct spt_option NUMBER = { "count", SPT_OPTION_NUMBER, false, NULL, 2, 64, NULL,
	"" };
static const struct spt_option SIZE = { "size", SPT_OPTION_SIZE, false, NULL, 1024, 1 << 30, NULL,
	"" };
static const struct spt_option TIME = { "time", SPT_OPTION_DURATION, false, NULL, 1000, 60000000,
	NULL, "" };
static const struct spt_option COLOUR = { "colour", SPT_OPTION_CHOICE, false, NULL, 0, 0, COLOURS,
	"" };

static void test_values(void **state)
{
	static const struct {
		const struct spt_option *option;
		const char *text;
		int result;
		uint64_t number;
		const char *told; /* part of the error */
	} rows[] = {
		{ &TEXT, "abcd", 0, 0, NULL },
		{ &TEXT, "", -ERANGE, 0, "0 characters" },
		{ &TEXT, "abcde", -ERANGE, 0, "5 characters" },
		{ &ANY_TEXT, "", 0, 0, NULL },
		{ &ANY_TEXT, "a long text with anything in it", 0, 0, NULL },
		{ &FLAG, "yes", 0, 0, NULL },
		{ &FLAG, "OFF", 0, 0, NULL },
		{ &FLAG, "perhaps", -EINVAL, 0, "neither yes nor no" },
		{ &NUMBER, "64", 0, 64, NULL },
		{ &NUMBER, "0x10", 0, 16, NULL },
		{ &NUMBER, "1", -ERANGE, 0, "out of range (2 to 64)" },
		{ &NUMBER, "65", -ERANGE, 0, "out of range" },
		{ &NUMBER, "12abc", -EINVAL, 0, "is not a number" },
		{ &NUMBER, "-3", -EINVAL, 0, "is not a number" },
		{ &NUMBER, "", -EINVAL, 0, "is not a number" },
		{ &NUMBER, "99999999999999999999", -ERANGE, 0, "too large" },
		{ &SIZE, "1M", 0, 1 << 20, NULL },
		{ &SIZE, "2KiB", 0, 2048, NULL },
		{ &SIZE, "512", -ERANGE, 0, "bytes is out of range" },
		{ &SIZE, "1Q", -EINVAL, 0, "such as 512M" },
		{ &SIZE, "99999999T", -ERANGE, 0, "too large" },
		{ &TIME, "5ms", 0, 5000, NULL },
		{ &TIME, "2", 0, 2000000, NULL },
		{ &TIME, "2 s", -EINVAL, 0, "such as 500ms" },
		{ &TIME, "5min", -ERANGE, 0, "out of range" },
		{ &COLOUR, "green", 0, 1, NULL },
		{ &COLOUR, "Green", -EINVAL, 0, "not one of red, green" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_option_value v = { .number = 77 };
		struct spt_error e = { "" };
		assert_int_equal(spt_option_parse(rows[i].option, rows[i].text, &v, &e),
			rows[i].result);
		if (rows[i].result == 0) {
			assert_true(v.set && v.given && v.text == rows[i].text);
			assert_int_equal(v.number, rows[i].number);
			continue;
		}
		assert_int_equal(v.number, 77); /* untouched */
		assert_false(v.set);
		if (!strstr(e.text, rows[i].told) || !strstr(e.text, rows[i].option->name))
			fail_msg("'%s': %s", rows[i].text, e.text);
	}
}

static void test_flag(void **state)
{
	struct spt_option_value v;

	assert_int_equal(spt_option_parse(&FLAG, "true", &v, NULL), 0);
	assert_true(v.flag);
	assert_int_equal(spt_option_parse(&FLAG, "0", &v, NULL), 0);
	assert_false(v.flag);
}

/* Text from outside is data, not a format, and does not overflow. */
static void test_error_text(void **state)
{
	char longer[1000];
	struct spt_error e;
	struct spt_option_value v;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(spt_option_parse(&NUMBER, longer, &v, &e), -EINVAL);
	assert_true(strlen(e.text) < sizeof(e.text));
	assert_int_equal(spt_option_parse(&NUMBER, "%n%s", &v, &e), -EINVAL);
	assert_non_null(strstr(e.text, "%n%s"));
	assert_int_equal(spt_error_set(NULL, -EIO, "%s", "nobody listens"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_flag),
		cmocka_unit_test(test_error_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
