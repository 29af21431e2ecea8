/* SPDX-License-Identifier: MIT */
/* Upstream addresses and names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/up_isid.h"
#include "passthrough/up_url.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *user, *password, *host;
		unsigned port;
		const char *target;
		unsigned lun;
	} rows[] = {
		{ "iscsi://h/iqn.2001-04.com.example:x/0", "", "", "h", 3260,
			"iqn.2001-04.com.example:x", 0 },
		{ "iscsi://192.0.2.1:3261/iqn.a/7", "", "", "192.0.2.1", 3261, "iqn.a", 7 },
		{ "iscsi://[2001:db8::1]/iqn.a/16383", "", "", "2001:db8::1", 3260, "iqn.a",
			16383 },
		{ "iscsi://[::1]:860/eui.02004567A425678D/1", "", "", "::1", 860,
			"eui.02004567A425678D", 1 },
		{ "iscsi://me%secret@h:1/iqn.a/1", "me", "secret", "h", 1, "iqn.a", 1 },
		{ "iscsi://me%a@b%c@h/iqn.a/1", "me", "a@b%c", "h", 3260, "iqn.a", 1 },
		{ "iscsi://h/iqn.a%3Ab%2f/1", "", "", "h", 3260, "iqn.a:b/", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct up_url u;
		struct spt_error error = { "" };
		if (up_url_parse(rows[i].text, &u, &error) < 0)
			fail_msg("%s: %s", rows[i].text, error.text);
		assert_string_equal(u.user, rows[i].user);
		assert_string_equal(u.password, rows[i].password);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_string_equal(u.target, rows[i].target);
		assert_int_equal(u.lun, rows[i].lun);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "does not begin" },
		{ "http://h/iqn.a/0", "does not begin" },
		{ "iscsi://h", "target name is missing" },
		{ "iscsi:///iqn.a/0", "host" },
		{ "iscsi://h:/iqn.a/0", "port" },
		{ "iscsi://h:0/iqn.a/0", "port" },
		{ "iscsi://h:65536/iqn.a/0", "port" },
		{ "iscsi://h:3260x/iqn.a/0", "port" },
		{ "iscsi://[::1/iqn.a/0", "host" },
		{ "iscsi://[::1]3260/iqn.a/0", "port" },
		{ "iscsi://h/iqn.a", "LUN is missing" },
		{ "iscsi://h/iqn.a/", "LUN" },
		{ "iscsi://h/iqn.a/-1", "LUN" },
		{ "iscsi://h/iqn.a/1x", "LUN" },
		{ "iscsi://h/iqn.a/16384", "LUN" },
		{ "iscsi://h/iqn.a/1?header_digest=crc32c", "LUN" },
		{ "iscsi://h/iqn.a/b/1", "too many" },
		{ "iscsi://h//1", "empty" },
		{ "iscsi://h/target/1", "iqn." },
		{ "iscsi://h/iqn.%zz/1", "hexadecimal" },
		{ "iscsi://h/iqn.%0/1", "hexadecimal" },
		{ "iscsi://h/iqn.%00/1", "hexadecimal" },
		{ "iscsi://me@h/iqn.a/1", "password" },
		{ "iscsi://%secret@h/iqn.a/1", "user" },
		{ "iscsi://me%@h/iqn.a/1", "password" },
		{ "iscsi://@h/iqn.a/1", "user" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct up_url u = { .port = 77 };
		struct spt_error error = { "" };
		assert_int_equal(up_url_parse(rows[i].text, &u, &error), -EINVAL);
		if (!strstr(error.text, rows[i].says))
			fail_msg("'%s': %s", rows[i].text, error.text);
		assert_int_equal(u.port, 77); /* untouched */
		assert_null(strstr(error.text, "secret"));
	}
}

/* Names of 223 characters are the longest (RFC 7143 4.2.7.1); hosts, users and secrets of any
 * length. */
static void test_long(void **state)
{
	static const struct {
		size_t host, target, user;
		int want;
	} rows[] = {
		{ 255, 223, 255, 0 },
		{ 256, 223, 255, -EINVAL },
		{ 255, 224, 255, -EINVAL },
		{ 255, 223, 256, -EINVAL },
		{ 100000, 100000, 100000, -EINVAL },
	};
	static char text[400000], as[100001];

	memset(as, 'a', sizeof(as) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct up_url u;
		snprintf(text, sizeof(text), "iscsi://%.*s%%%.*s@%.*s/iqn.%.*s/0",
			(int)rows[i].user, as, (int)rows[i].user, as, (int)rows[i].host, as,
			(int)rows[i].target - 4, as);
		assert_int_equal(up_url_parse(text, &u, NULL), rows[i].want);
	}
}

static void test_resolve(void **state)
{
	struct up_address a[UP_ADDRESSES];
	struct spt_error error = { "" };
	struct up_url u;
	size_t n = 0;

	assert_int_equal(up_url_parse("iscsi://127.0.0.1:99/iqn.a/0", &u, NULL), 0);
	assert_int_equal(up_resolve("url", u.host, u.port, a, &n, &error), 0);
	assert_int_equal(n, 1);
	assert_string_equal(a[0].text, "127.0.0.1:99");
	assert_int_equal(up_url_parse("iscsi://[::1]:99/iqn.a/0", &u, NULL), 0);
	assert_int_equal(up_resolve("url", u.host, u.port, a, &n, &error), 0);
	assert_string_equal(a[0].text, "[::1]:99");
	assert_int_equal(up_url_parse("iscsi://no-such-host.invalid/iqn.a/0", &u, NULL), 0);
	assert_int_equal(up_resolve("url", u.host, u.port, a, &n, &error), -EHOSTUNREACH);
	assert_non_null(strstr(error.text, "no-such-host.invalid"));
}

/* RFC 7143 13.8; a name would have to be looked up, which blocks. */
static void test_target_address(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "192.0.2.9:3261,1", "192.0.2.9:3261" },
		{ "192.0.2.9", "192.0.2.9:3260" },
		{ "[2001:db8::9]:5,17", "[2001:db8::9]:5" },
		{ "storage.example:3260,1", NULL },
		{ "192.0.2.9:x,1", NULL },
		{ "", NULL },
		{ "[", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct up_address a;
		int r = up_target_address(rows[i].text, &a);
		assert_int_equal(r, rows[i].want ? 0 : -EINVAL);
		if (rows[i].want)
			assert_string_equal(a.text, rows[i].want);
	}
}

static void test_lun_field(void **state)
{
	assert_int_equal(up_lun_field(0), 0x0000);
	assert_int_equal(up_lun_field(255), 0x00ff);
	assert_int_equal(up_lun_field(256), 0x4100);
	assert_int_equal(up_lun_field(16383), 0x7fff);
}

/* The same nexus has the same ISID whenever it comes; any difference makes another. */
static void test_isids(void **state)
{
	struct spt_nexus nexus[] = {
		{ .initiator_name = "iqn.i:1", .isid = { 1 }, .target_name = "iqn.t" },
		{ .initiator_name = "iqn.i:2", .isid = { 1 }, .target_name = "iqn.t" },
		{ .initiator_name = "iqn.i:1", .isid = { 2 }, .target_name = "iqn.t" },
		{ .initiator_name = "iqn.i:1", .isid = { 1 }, .target_name = "iqn.u" },
		{ .initiator_name = "iqn.i:1", .isid = { 1 }, .target_name = "iqn.t",
			.target_portal_group_tag = 2 },
		{ .initiator_name = "iqn.i:1iqn.", .isid = { 1 }, .target_name = "t" },
	};
	struct up_isid ids[ARRAY_SIZE(nexus) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(nexus); i++) {
		ids[i] = up_isid_of("dev", &nexus[i]);
		struct up_isid again = up_isid_of("dev", &nexus[i]);
		assert_memory_equal(&ids[i].random, &again.random, sizeof(again.random));
		assert_int_equal(ids[i].qualifier, again.qualifier);
		assert_true(ids[i].random <= 0xffffff);
	}
	ids[ARRAY_SIZE(nexus)] = up_isid_of("dev2", &nexus[0]);
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(ids[i].random == ids[j].random &&
				ids[i].qualifier == ids[j].qualifier);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_target_address),
		cmocka_unit_test(test_lun_field),
		cmocka_unit_test(test_isids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
