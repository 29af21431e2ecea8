/* SPDX-License-Identifier: MIT */
/* Secrets files: what a good one becomes, and every fault with its line and without the secret. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/secrets.h"

static const char GOOD[] =
	"# comment\n"
	"\n"
	"backup \"long secret with # and 0x\" \n"
	"\tvmhost 0x6B1dd9ed8c1a4b7ea80d1b5e3c2f4a90\r\n"
	"cluster Ahn7ohs9quie mutual \"the storage\" 0bZm9vYmFyZm9vYmFy from IQN.1994-05.com.Redhat:* eui.02004567A425678D\n"
	"\"from\" \"0x-is-a-text-here\" from iqn.*\n"
	"mutual from-is-no-keyword";

static void test_good(void **state)
{
	struct config_errors errors;
	struct secrets *s = NULL;

	config_errors_init(&errors, "t");
	assert_int_equal(secrets_parse("f", GOOD, strlen(GOOD), 7, &errors, &s), 0);
	assert_int_equal(errors.n, 0);
	assert_int_equal(s->n_users, 5);
	assert_string_equal(s->users[0].name, "backup");
	assert_int_equal(s->users[0].line, 3);
	assert_int_equal(s->users[0].secret.bytes, 25);
	assert_memory_equal(s->users[0].secret.data, "long secret with # and 0x", 25);
	assert_null(s->users[0].mutual_name);
	assert_int_equal(s->users[0].n_initiators, 0);
	assert_int_equal(s->users[1].secret.bytes, 16);
	assert_memory_equal(s->users[1].secret.data,
		"\x6b\x1d\xd9\xed\x8c\x1a\x4b\x7e\xa8\x0d\x1b\x5e\x3c\x2f\x4a\x90", 16);
	assert_string_equal(s->users[2].mutual_name, "the storage");
	assert_int_equal(s->users[2].mutual.bytes, 12);
	assert_memory_equal(s->users[2].mutual.data, "foobarfoobar", 12);
	assert_int_equal(s->users[2].n_initiators, 2);
	assert_string_equal(s->users[2].initiators[0], "iqn.1994-05.com.redhat:*");
	assert_string_equal(s->users[2].initiators[1], "eui.02004567a425678d");
	assert_string_equal(s->users[3].name, "from");
	assert_memory_equal(s->users[3].secret.data, "0x-is-a-text-here", 17);
	assert_string_equal(s->users[3].initiators[0], "iqn.*");
	assert_string_equal(s->users[4].name, "mutual");
	secrets_free(s);
}

static const struct {
	const char *text, *told; /* NULL: good */
	bool warning;
} ROWS[] = {
	{ "a hidden-secret", NULL, false },
	{ "a hidden-secret\nb\n", "f:2: a line is", false },
	{ "a hidden-secret more", "f:1: a line is", false },
	{ "a hidden-secret mutual b", "f:1: 'mutual' is followed", false },
	{ "a hidden-secret mutual b \"\"", "f:1: an empty secret", false },
	{ "a hidden-secret mutual \"\" hidden-again", "f:1: the name of a user", false },
	{ "a hidden-secret from", "f:1: a line is", false },
	{ "a hidden-secret from hidden]", "f:1: after 'from'", false },
	{ "a hidden-secret \"from\" iqn.*", "f:1: a line is", false },
	{ "a hidden-secret from iqn.* mutual b hidden-again", "f:1: after 'from'", false },
	{ "a \"hidden-secret", "f:1: a word in quotes", false },
	{ "a \"hidden-secret\"x", "f:1: a word in quotes", false },
	{ "a \"\"", "f:1: an empty secret", false },
	{ "\"\" hidden-secret", "f:1: the name of a user", false },
	{ "a 0x", "f:1: an empty secret", false },
	{ "a 0x123", "f:1: a binary secret", false },
	{ "a 0bhidden-secret", "f:1: a binary secret", false },
	{ "a hidden-secret\n\na hidden-again\n", "f:3: this user has a line already", false },
	{ "a hidden", "f:1: a secret of less than 96 bits", true },
	{ "a 0x0011223344556677889900", "f:1: a secret of less than 96 bits", true },
	{ "a 0x001122334455667788990011", NULL, false },
	{ "a hidden-secret mutual b hidden", "f:1: a secret of less than 96 bits", true },
	{ "# nobody\n", "f has no users", true },
	{ "", "f has no users", true },
};

static void test_faults(void **state)
{
	struct config_errors errors;

	for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
		bool good = !ROWS[i].told || ROWS[i].warning;
		struct secrets *s = NULL;

		config_errors_init(&errors, "t");
		int r = secrets_parse("f", ROWS[i].text, strlen(ROWS[i].text), 7, &errors, &s);
		if (r != (good ? 0 : -EINVAL) || !s == good || errors.n != !!ROWS[i].told)
			fail_msg("%s: %d, %zu faults", ROWS[i].text, r, errors.n);
		if (ROWS[i].told) {
			assert_int_equal(errors.list[0].line, 7);
			assert_int_equal(errors.list[0].warning, ROWS[i].warning);
			if (strncmp(errors.list[0].text, ROWS[i].told, strlen(ROWS[i].told)))
				fail_msg("%s: %s", ROWS[i].text, errors.list[0].text);
			assert_null(strstr(errors.list[0].text, "hidden"));
		}
		secrets_free(s);
	}
}

/* All faults are told, not the first only; and what is too long is refused before it is stored. */
static void test_bounds(void **state)
{
	static const char LINES[] = "a\n\"\" hidden-secret\nb 0xz\nc hidden-secret\nc hidden-secret\n";
	struct config_errors errors;
	struct secrets *s = NULL;
	char text[SECRETS_LINE_MAX + 2];

	config_errors_init(&errors, "t");
	assert_int_equal(secrets_parse("f", LINES, strlen(LINES), 1, &errors, &s), -EINVAL);
	assert_int_equal(errors.n_fatal, 4);
	memset(text, 's', sizeof(text));
	memcpy(text, "a ", 2);
	for (size_t n = SECRET_BYTES_MAX - 1; n <= SECRET_BYTES_MAX + 1; n++) {
		config_errors_init(&errors, "t");
		assert_int_equal(secrets_parse("f", text, n + 2, 1, &errors, &s),
			n <= SECRET_BYTES_MAX ? 0 : -EINVAL);
		secrets_free(s);
		s = NULL;
	}
	memset(text, 's', sizeof(text));
	assert_int_equal(secrets_parse("f", text, sizeof(text), 1, &errors, &s), -EINVAL);
	assert_int_equal(secrets_parse("f", "a b\0c", 5, 1, &errors, &s), -EINVAL);
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
