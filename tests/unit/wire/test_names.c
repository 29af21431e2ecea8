/* SPDX-License-Identifier: MIT */
/* iSCSI names (RFC 7143 4.2.7, RFC 3722) and patterns of access lists. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "wire/names.h"

static const struct {
	const char *name;
	enum name_type type;
} NAMES[] = {
	{ "iqn.2001-04.com.example:storage:diskarrays-sn-a8675309", NAME_IQN },
	{ "iqn.2001-04.com.example", NAME_IQN },
	{ "IQN.2001-04.COM.EXAMPLE", NAME_IQN },
	{ "iqn.1994-05.com.redhat:b1", NAME_IQN },
	{ "iqn.2001-04.com.example:..", NAME_IQN },
	{ "iqn.2001-04.com.example:\xc3\xa9t\xc3\xa9", NAME_IQN },
	{ "eui.02004567A425678D", NAME_EUI },
	{ "naa.52004567BA64678D", NAME_NAA },
	{ "naa.62004567BA64678D0123456789ABCDEF", NAME_NAA },
	{ "", NAME_INVALID },
	{ "iqn.", NAME_INVALID },
	{ "iqn.2001-04.", NAME_INVALID },
	{ "iqn.2001-04..example", NAME_INVALID },
	{ "iqn.2001-04.:x", NAME_INVALID },
	{ "iqn.2001-4.com.example", NAME_INVALID },
	{ "iqn.2001-00.com.example", NAME_INVALID },
	{ "iqn.2001-13.com.example", NAME_INVALID },
	{ "iqn.2001-12.com.example", NAME_IQN },
	{ "iqn.2001-01.c", NAME_IQN },
	{ "iqn.2001-04.com.example:\xf0\x90\x8c\x80", NAME_IQN },
	{ "iqn.20x1-04.com.example", NAME_INVALID },
	{ "iqn-2001-04.com.example", NAME_INVALID },
	{ "iqn.2001-04.com.example:a b", NAME_INVALID },
	{ "iqn.2001-04.com.example:a_b", NAME_INVALID },
	{ "iqn.2001-04.com.example:a/b", NAME_INVALID },
	{ "iqn.2001-04.com.example:%n", NAME_INVALID },
	{ "iqn.2001-04.com.example:a\n", NAME_INVALID },
	{ "iqn.2001-04.com.example:*", NAME_INVALID },
	/* RFC 3722 5, RFC 3629: prohibited, overlong, surrogate, cut, stray, beyond Unicode */
	{ "iqn.2001-04.com.example:\xc2\xa0", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe3\x80\x82", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe2\x80\xae", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xc0\xaf", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe0\x80\xaf", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xed\xa0\x80", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe2\x82", NAME_INVALID },
	{ "iqn.2001-04.com.example:\x80", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xbf\xbf", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xc3(", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe2\xc3\xa9", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xe2\x82(", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xf4\x90\x80\x80", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xf8\x88\x80\x80\x80", NAME_INVALID },
	{ "iqn.2001-04.com.example:\xff", NAME_INVALID },
	{ "eui.02004567A425678", NAME_INVALID },
	{ "eui.02004567A425678DD", NAME_INVALID },
	{ "eui.02004567A425678G", NAME_INVALID },
	{ "naa.52004567BA64678", NAME_INVALID },
	{ "naa.52004567BA64678D0", NAME_INVALID },
	{ "wwn.52004567BA64678D", NAME_INVALID },
};

/* RFC 7143 4.2.7.4, 4.2.7.5, 4.2.7.6 */
static void test_types(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		if (name_type(NAMES[i].name, strlen(NAMES[i].name)) != NAMES[i].type)
			fail_msg("%s", NAMES[i].name);
	}
	/* shorter than its type */
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(name_type("iqn.2001-04.com.example", n), NAME_INVALID);
	/* a sequence whose end is beyond the name */
	assert_int_equal(name_type("iqn.2001-04.com.example:\xc3\xa9", 25), NAME_INVALID);
	/* a NUL inside */
	assert_int_equal(name_type("iqn.2001-04.com.example\0x", 25), NAME_INVALID);
}

/* RFC 7143 4.2.7.1: 223 bytes. */
static void test_length(void **state)
{
	char name[NAME_MAX_BYTES + 2];
	char normal[NAME_MAX_BYTES + 1];

	memset(name, 'X', sizeof(name));
	memcpy(name, "iqn.2001-04.com.example:", 24);
	assert_int_equal(name_type(name, NAME_MAX_BYTES), NAME_IQN);
	assert_int_equal(name_type(name, NAME_MAX_BYTES + 1), NAME_INVALID);
	assert_int_equal(name_normalize(name, NAME_MAX_BYTES, normal), 0);
	assert_int_equal(strlen(normal), NAME_MAX_BYTES);
	assert_int_equal(name_normalize(name, NAME_MAX_BYTES + 1, normal), -EINVAL);
}

/* RFC 7143 4.2.7.2, RFC 3722 3: capitals are folded. */
static void test_normalize(void **state)
{
	char ret[NAME_MAX_BYTES + 1] = "untouched";

	assert_int_equal(name_normalize("bad name", 8, ret), -EINVAL);
	assert_string_equal(ret, "untouched");
	assert_int_equal(name_normalize("IQN.2001-04.Com.Example:\xc3\x89XX", 27, ret), 0);
	assert_string_equal(ret, "iqn.2001-04.com.example:\xc3\x89x");
	assert_int_equal(name_normalize("eui.02004567A425678D", 20, ret), 0);
	assert_string_equal(ret, "eui.02004567a425678d");
}

static void test_equal(void **state)
{
	assert_true(name_equal("iqn.2001-04.com.EXAMPLE", "iqn.2001-04.com.example"));
	assert_false(name_equal("iqn.2001-04.com.example", "iqn.2001-04.com.exampl"));
	assert_false(name_equal("iqn.2001-04.com.exampl", "iqn.2001-04.com.example"));
	assert_false(name_equal("iqn.2001-04.com.example", "iqn.2001-04.com.exampla"));
}

static void test_match(void **state)
{
	static const struct {
		const char *pattern;
		const char *name;
		bool matches;
	} rows[] = {
		{ "*", "iqn.1994-05.com.redhat:b1", true },
		{ "iqn.1994-05.com.redhat:b1", "iqn.1994-05.com.redhat:b1", true },
		{ "iqn.1994-05.COM.redhat:B1", "iqn.1994-05.com.redhat:b1", true },
		{ "iqn.1994-05.com.redhat:*", "iqn.1994-05.com.redhat:b1", true },
		{ "iqn.1994-05.com.redhat:b?", "iqn.1994-05.com.redhat:b1", true },
		{ "iqn.1994-05.com.redhat:b?", "iqn.1994-05.com.redhat:b", false },
		{ "iqn.1994-05.com.redhat", "iqn.1994-05.com.redhat:b1", false },
		{ "iqn.1994-05.com.redhat:b1x", "iqn.1994-05.com.redhat:b1", false },
		{ "*redhat*", "iqn.1994-05.com.redhat:b1", true },
		{ "*:b1", "iqn.1994-05.com.redhat:b1", true },
		{ "*:b2", "iqn.1994-05.com.redhat:b1", false },
		{ "*a*a*a*", "banana", true },
		{ "*a*a*a*a", "banana", false },
		{ "**", "x", true },
		{ "*", "", true },
		{ "?", "", false },
		{ "", "", true },
		{ "", "x", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (name_match(rows[i].pattern, rows[i].name) != rows[i].matches)
			fail_msg("%s on %s", rows[i].pattern, rows[i].name);
	}
}

static void test_patterns(void **state)
{
	char longest[NAME_MAX_BYTES + 2];

	assert_true(name_pattern_valid("*"));
	assert_true(name_pattern_valid("iqn.1994-05.com.redhat:*"));
	assert_true(name_pattern_valid("iqn.1994-05.com.redhat:b1"));
	assert_true(name_pattern_valid("eui.*"));
	assert_false(name_pattern_valid(""));
	assert_false(name_pattern_valid("redhat"));
	assert_false(name_pattern_valid("iqn.1994-05.com.redhat:* b"));
	assert_false(name_pattern_valid("a/*"));
	memset(longest, '*', sizeof(longest));
	longest[NAME_MAX_BYTES] = 0;
	assert_true(name_pattern_valid(longest));
	longest[NAME_MAX_BYTES] = '*';
	longest[NAME_MAX_BYTES + 1] = 0;
	assert_false(name_pattern_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
