/* SPDX-License-Identifier: MIT */
/* Who is who: designators, serial numbers, and data that is no page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/lu_name.h"

#define NAA_A 0x50, 0, 0xc5, 0, 0xa1, 0xb2, 0xc3, 0xd4
#define NAA_B 0x50, 0, 0xc5, 0, 0xa1, 0xb2, 0xc3, 0xd5

struct device {
	const char *model, *serial;
	uint8_t page[64]; /* 83h; [1] is 0: none */
};

static struct lu_name name_of(const struct device *d)
{
	struct lu_name name = { 0 };
	uint8_t inquiry[36] = { 0 }, serial[64] = { 0, 0x80 };

	snprintf((char *)inquiry + 8, 25, "%-24s", d->model);
	lu_name_inquiry(&name, inquiry, sizeof(inquiry));
	if (d->serial) {
		serial[3] = (uint8_t)snprintf((char *)serial + 4, 60, "%s", d->serial);
		lu_name_vpd_80(&name, serial, 4u + serial[3]);
	}
	if (d->page[1])
		lu_name_vpd_83(&name, d->page, sizeof(d->page));
	return name;
}

static void test_compare(void **state)
{
	static const uint8_t port_first[] = { 0, 0x83, 0, 24, 1, 0x93, 0, 8, NAA_B, 1, 3, 0, 8, NAA_A };
	static const struct {
		struct device a, b;
		enum lu_same want;
	} rows[] = {
		{ { "A D", "1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
			{ "A D", "1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } }, LU_SAME },
		{ { "A D", "1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
			{ "A D", "1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_B } }, LU_OTHER },
		{ { "A D", "1", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
			{ "A D", "2", { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } }, LU_OTHER },
		{ { "A D", " 1 ", { 0 } }, { "A D", "1", { 0 } }, LU_SAME },
		{ { "A D", "1", { 0 } }, { "A E", "1", { 0 } }, LU_OTHER },
		{ { "A D", NULL, { 0 } }, { "A D", NULL, { 0 } }, LU_UNTOLD },
		{ { "A D", "1", { 0 } }, { "A D", NULL, { 0 } }, LU_OTHER },
		{ { "A D", NULL, { 0, 0x83, 0, 12, 1, 3, 0, 8, NAA_A } },
			{ "A D", NULL, { 0 } }, LU_OTHER },
		/* One name of several is enough; that of a port counts for nothing. */
		{ { "A D", NULL, { 0, 0x83, 0, 24, 1, 3, 0, 8, NAA_B, 1, 2, 0, 8, NAA_A } },
			{ "A D", NULL, { 0, 0x83, 0, 12, 1, 2, 0, 8, NAA_A } }, LU_SAME },
		/* A vendor specific designator is no name. */
		{ { "A D", NULL, { 0, 0x83, 0, 12, 1, 0, 0, 8, NAA_A } },
			{ "A D", NULL, { 0, 0x83, 0, 12, 1, 0, 0, 8, NAA_B } }, LU_UNTOLD },
	};
	static const uint8_t a[8] = { NAA_A }, b[8] = { NAA_B };
	struct lu_name name = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lu_name x = name_of(&rows[i].a), y = name_of(&rows[i].b);
		if (lu_name_compare(&x, &y) != rows[i].want || lu_name_compare(&y, &x) != rows[i].want)
			fail_msg("row %zu: %d", i, lu_name_compare(&x, &y));
	}
	lu_name_vpd_83(&name, port_first, sizeof(port_first));
	assert_true(lu_name_has(&name, LU_NAA, a, 8));
	assert_false(lu_name_has(&name, LU_NAA, b, 8));
	assert_false(lu_name_has(&name, LU_EUI64, a, 8));
}

static void test_texts(void **state)
{
	static const struct {
		struct device device;
		const char *want;
	} rows[] = {
		{ { "A D", "1", { 0, 0x83, 0, 24, 1, 2, 0, 8, NAA_B, 1, 3, 0, 8, NAA_A } },
			"naa.5000c500a1b2c3d4" },
		{ { "A D", "1", { 0, 0x83, 0, 12, 1, 2, 0, 8, NAA_B } }, "eui.5000c500a1b2c3d5" },
		{ { "A D", "X%n\x1b", { 0 } }, "serial:X%n." },
		{ { "A D", NULL, { 0 } }, "A D, which tells no serial number" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct lu_name name = name_of(&rows[i].device);
		char text[LU_NAME_TEXT];
		assert_string_equal(lu_name_text(&name, text), rows[i].want);
	}
}

/* Devices send anything: nothing is read behind the data, and nothing grows over its place. */
static void test_malformed(void **state)
{
	static const uint8_t seed[] = { 0, 0x83, 0xff, 0xff, 1, 3, 0, 8, NAA_A, 1, 3, 0, 255, 1 };
	struct lu_name name = { 0 };

	for (size_t n = 0; n <= sizeof(seed); n++) {
		AUTO_FREE uint8_t *data = malloc(n ? n : 1);
		memcpy(data, seed, n);
		lu_name_vpd_83(&name, data, n);
		assert_int_equal(name.designator_bytes, n < 16 ? 0 : 10);
		lu_name_vpd_80(&name, data, n);
		lu_name_inquiry(&name, data, n);
		assert_string_equal(name.serial, "");
	}
	AUTO_FREE uint8_t *large = calloc(1, 65535);
	large[1] = 0x83;
	large[2] = large[3] = 0xff;
	for (size_t at = 4; at + 12 <= 65535; at += 12) {
		large[at + 1] = 3;
		large[at + 3] = 8;
	}
	lu_name_vpd_83(&name, large, 65535);
	assert_true(name.designator_bytes <= sizeof(name.designators));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_malformed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
