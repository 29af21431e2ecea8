/* SPDX-License-Identifier: MIT */
/* The grammar of INI files: what is taken, and the line and words of what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/ini.h"

struct value_case {
	const char *line;
	const char *value;
};

static const struct value_case VALUES[] = {
	{ "key = value", "value" },
	{ "key=value", "value" },
	{ "  key\t=\tvalue  ", "value" },
	{ "KEY = Value", "Value" },
	{ "key = two words", "two words" },
	{ "key = a=b", "a=b" },
	{ "key = value ; comment", "value" },
	{ "key = value # comment ; more", "value" },
	{ "key = \"a;b#c\"", "a;b#c" },
	{ "key = 'a;b' ; comment", "a;b" },
	{ "key = \"  kept  \"", "  kept  " },
	{ "key = \"it's\"", "it's" },
	{ "key = it's", "it's" },
	{ "key = \"\"", "" },
	{ "key = value\r", "value" },
	{ "key = %n%s", "%n%s" },
	{ "key = gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "key = [::]:3260", "[::]:3260" },
};

static void test_values(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(VALUES); i++) {
		struct config_errors errors;
		struct ini *ini = NULL;
		char text[200];

		config_errors_init(&errors, "f");
		snprintf(text, sizeof(text), "[s]\n%s\n", VALUES[i].line);
		if (ini_parse(text, strlen(text), &errors, &ini) < 0)
			fail_msg("%s: %s", VALUES[i].line, errors.list[0].text);
		assert_int_equal(ini->n_sections, 1);
		assert_int_equal(ini->sections[0].n_keys, 1);
		assert_string_equal(ini->sections[0].keys[0].name, "key");
		assert_string_equal(ini->sections[0].keys[0].value, VALUES[i].value);
		assert_int_equal(ini->sections[0].keys[0].line, 2);
		ini_free(ini);
	}
}

struct fault_case {
	const char *text;
	unsigned line;
	const char *words;
};

static const struct fault_case FAULTS[] = {
	{ "[s]\nnonsense\n", 2, "neither a section" },
	{ "key = value\n", 1, "before the first section" },
	{ "[s]\na = 1\na = 2\n", 3, "already, on line 2" },
	{ "[s]\na = 1\nA = 2\n", 3, "already, on line 2" },
	{ "[s]\n[t]\n[S]\n", 3, "already, on line 1" },
	{ "[s\n", 1, "ends with ]" },
	{ "[s] ; comment\n", 1, "nothing may follow" },
	{ "[]\n", 1, "no section name" },
	{ "[a:b]\n", 1, "no section name" },
	{ "[a b]\n", 1, "no section name" },
	{ "[s]\na =\n", 2, "no value" },
	{ "[s]\na = ; comment\n", 2, "no value" },
	{ "[s]\n= 1\n", 2, "is no key" },
	{ "[s]\na:b = 1\n", 2, "is no key" },
	{ "[s]\na b = 1\n", 2, "is no key" },
	{ "[s]\na = x;y\n", 2, "begins a comment" },
	{ "[s]\na = x#y\n", 2, "begins a comment" },
	{ "[s]\na = \"x\n", 2, "closing quote" },
	{ "[s]\na = 'x\" y\n", 2, "closing quote" },
	{ "[s]\na = \"x\" y\n", 2, "follow the closing quote" },
	{ "[s]\na = x \\\nb = 1\n", 2, "backslash" },
	{ "[s]\na = \x01\n", 2, "control character 01h" },
	{ "[s]\na = x\x7f\n", 2, "control character 7fh" },
	{ "[s]\na\r = x\n", 2, "control character 0dh" },
	{ "\xef\xbb\xbf[s]\n", 1, "byte order mark" },
	{ "[0123456789012345678901234567890123456789012345678901234567890123456789]\n", 1,
		"no section name" },
};

static void test_faults(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(FAULTS); i++) {
		struct config_errors errors;
		struct ini *ini = NULL;

		config_errors_init(&errors, "f");
		assert_int_equal(ini_parse(FAULTS[i].text, strlen(FAULTS[i].text), &errors, &ini),
			-EINVAL);
		assert_non_null(ini);
		assert_int_equal(errors.n, 1);
		if (errors.list[0].line != FAULTS[i].line ||
			!strstr(errors.list[0].text, FAULTS[i].words))
			fail_msg("case %zu: line %u: %s", i, errors.list[0].line, errors.list[0].text);
		ini_free(ini);
	}
}

static void test_nul(void **state)
{
	static const char TEXT[] = "[s]\na = x\0y\n";
	struct config_errors errors;
	struct ini *ini = NULL;

	config_errors_init(&errors, "f");
	assert_int_equal(ini_parse(TEXT, sizeof(TEXT) - 1, &errors, &ini), -EINVAL);
	assert_int_equal(errors.list[0].line, 2);
	assert_non_null(strstr(errors.list[0].text, "column 6"));
	ini_free(ini);
}

/* Lines, keys, sections and the file have limits, kept to the byte. */
static void test_limits(void **state)
{
	struct config_errors errors;
	char text[INI_LINE_MAX + 40];

	for (unsigned over = 0; over < 2; over++) {
		struct ini *ini = NULL;
		int n = snprintf(text, sizeof(text), "[s]\nkey = ");

		memset(text + n, 'x', INI_LINE_MAX - 6 + over);
		n += (int)(INI_LINE_MAX - 6 + over);
		text[n++] = '\n';
		config_errors_init(&errors, "f");
		assert_int_equal(ini_parse(text, (size_t)n, &errors, &ini), over ? -EINVAL : 0);
		if (!over)
			assert_int_equal(strlen(ini->sections[0].keys[0].value), INI_LINE_MAX - 6);
		ini_free(ini);
	}
}

static void test_file_too_large(void **state)
{
	struct config_errors errors;
	struct ini *ini = NULL;
	char *text = test_malloc(INI_BYTES_MAX + 1);

	memset(text, '\n', INI_BYTES_MAX + 1);
	config_errors_init(&errors, "f");
	assert_int_equal(ini_parse(text, INI_BYTES_MAX + 1, &errors, &ini), -EINVAL);
	assert_non_null(strstr(errors.list[0].text, "larger than"));
	ini_free(ini);
	ini = NULL;
	config_errors_init(&errors, "f");
	assert_int_equal(ini_parse(text, INI_BYTES_MAX, &errors, &ini), 0);
	assert_int_equal(ini->n_sections, 0);
	ini_free(ini);
	test_free(text);
}

static void test_too_many_keys(void **state)
{
	struct config_errors errors;
	struct ini *ini = NULL;
	size_t n = 0, room = (INI_KEYS_MAX + 2) * 16;
	char *text = test_malloc(room);

	n += (size_t)snprintf(text, room, "[s]\n");
	for (unsigned i = 0; i <= INI_KEYS_MAX; i++)
		n += (size_t)snprintf(text + n, room - n, "k%u=v\n", i);
	config_errors_init(&errors, "f");
	assert_int_equal(ini_parse(text, n, &errors, &ini), -EINVAL);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.list[0].text, "too many keys");
	assert_int_equal(ini->sections[0].n_keys, INI_KEYS_MAX);
	ini_free(ini);
	test_free(text);
}

/* All faults are told, up to the bound, and the rest is counted. */
static void test_many_faults(void **state)
{
	struct config_errors errors;
	struct ini *ini = NULL;
	char text[3 * 100 + 1] = "";

	for (unsigned i = 0; i < 100; i++)
		memcpy(text + 3 * i, "x!\n", 4);
	config_errors_init(&errors, "f");
	assert_int_equal(ini_parse(text, 300, &errors, &ini), -EINVAL);
	assert_int_equal(errors.n, CONFIG_ERRORS_MAX);
	assert_int_equal(errors.left_out, 100 - CONFIG_ERRORS_MAX);
	assert_int_equal(errors.n_fatal, 100);
	assert_int_equal(errors.list[CONFIG_ERRORS_MAX - 1].line, CONFIG_ERRORS_MAX);
	ini_free(ini);
}

static void test_no_file(void **state)
{
	struct config_errors errors;
	void *data;
	size_t bytes;

	config_errors_init(&errors, "/nonexistent/sptgt.conf");
	assert_int_equal(ini_read("/nonexistent/sptgt.conf", &errors, &data, &bytes), -ENOENT);
	assert_int_equal(errors.n_fatal, 1);
	config_errors_init(&errors, "/");
	assert_int_equal(ini_read("/", &errors, &data, &bytes), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_file_too_large),
		cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_many_faults),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
