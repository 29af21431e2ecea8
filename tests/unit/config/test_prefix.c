/* SPDX-License-Identifier: MIT */
/* Prefixes of IP addresses: what is one, what it is told otherwise, and who is in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/util.h"
#include "config/prefix.h"

static void refused(void **state)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{ "", "is no address" },
		{ "host.example.org", "is no address" },
		{ "10.0.0", "is no address" },
		{ "10.0.0.256", "is no address" },
		{ "010.0.0.1", "is no address" },
		{ "10.0.0.0/", "not a number up to 32" },
		{ "10.0.0.0/33", "not a number up to 32" },
		{ "10.0.0.0/-1", "not a number up to 32" },
		{ "10.0.0.0/0x8", "not a number up to 32" },
		{ "10.0.0.0/8/8", "not a number up to 32" },
		{ "10.0.0.0/255.0.0.0", "not a number up to 32" },
		{ "10.0.0.0/4294967304", "not a number up to 32" },
		{ "10.1.2.3/8", "is 10.0.0.0/8 meant?" },
		{ "0.0.0.1/0", "is 0.0.0.0/0 meant?" },
		{ "fd00::1/8", "is fd00::/8 meant?" },
		{ "2001:DB8:0:1::/63", "is 2001:db8::/63 meant?" },
		{ "fd00::/129", "not a number up to 128" },
		{ "fd00:::/8", "is no address" },
		{ "[fd00::/8", "the ] is missing" },
		{ "[", "the ] is missing" },
		{ "fd00::]/8", "is no address" },
		{ "[10.0.0.0]/8", "is no address" },
		{ "[::1]:3260", "the ] is missing" },
		{ "fe80::1%lo", "is no address" },
		{ "::ffff:10.0.0.0/90", "bits behind its prefix" },
		{ "1234:1234:1234:1234:1234:1234:1234:1234:1234:1234:1234:1234", "is no address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct prefix p = { .bits = 77 };
		struct spt_error error = { .text = "" };
		if (prefix_parse(rows[i].text, &p, &error) != -EINVAL || !strstr(error.text, rows[i].told))
			fail_msg("'%s': '%s'", rows[i].text, error.text);
		assert_int_equal(p.bits, 77);
	}
}

static void matches(void **state)
{
	static const struct {
		const char *prefix;
		const char *in, *out; /* addresses, blank between them */
	} rows[] = {
		{ "10.0.0.0/8", "10.0.0.0 10.255.255.255 ::ffff:10.1.2.3", "11.0.0.0 9.255.255.255 ::10.1.2.3 a00::" },
		{ "192.0.2.128/25", "192.0.2.128 192.0.2.255", "192.0.2.127" },
		{ "192.0.2.7", "192.0.2.7 ::ffff:192.0.2.7", "192.0.2.6" },
		{ "192.0.2.6/31", "192.0.2.6 192.0.2.7", "192.0.2.8 192.0.2.5" },
		{ "0.0.0.0/0", "1.2.3.4 255.255.255.255 ::ffff:1.2.3.4", "::1 fd00::1" },
		{ "::/0", "::1 fd00::1", "1.2.3.4 ::ffff:1.2.3.4" },
		{ "fd00::/8", "fd00::1 fdff:ffff::", "fc00:: fe00::" },
		{ "[fd00::]/8", "fd12::1", "fe80::1" },
		{ "[::1]", "::1", "::2 127.0.0.1" },
		{ "2001:db8::/63", "2001:db8:0:1::5", "2001:db8:0:2::5" },
		{ "::ffff:10.0.0.0/104", "10.3.2.1 ::ffff:10.3.2.1", "11.0.0.0" },
		{ "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int in = 0; in < 2; in++) {
			char list[200], *save = NULL;
			struct prefix p;
			struct spt_error error = { .text = "" };
			assert_int_equal(prefix_parse(rows[i].prefix, &p, &error), 0);
			strcpy(list, in ? rows[i].in : rows[i].out);
			for (char *w = strtok_r(list, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
				union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; } a = { .in = { 0 } };
				a.any.sa_family = strchr(w, ':') ? AF_INET6 : AF_INET;
				assert_int_equal(inet_pton(a.any.sa_family, w, strchr(w, ':') ?
					(void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr), 1);
				if (prefix_match(&p, &a.any) != in)
					fail_msg("%s and %s", rows[i].prefix, w);
			}
		}
	}
}

/* An empty list has everybody; one that is not empty has nobody without an address. */
static void lists(void **state)
{
	struct prefix two[2];
	const struct prefixes none = { .n = 0 }, some = { two, 2 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	struct spt_error error;

	assert_int_equal(prefix_parse("::/0", &two[0], &error), 0);
	assert_int_equal(prefix_parse("127.0.0.0/8", &two[1], &error), 0);
	assert_true(prefixes_match(&none, &nowhere));
	assert_true(prefixes_match(&none, (struct sockaddr *)&a));
	assert_true(prefixes_match(&some, (struct sockaddr *)&a));
	assert_false(prefixes_match(&some, &nowhere));
	a.sin_addr.s_addr = htonl(0x0a000001);
	assert_false(prefixes_match(&some, (struct sockaddr *)&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(matches),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests_name("config-prefix", tests, NULL, NULL);
}
