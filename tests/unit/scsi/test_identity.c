/* SPDX-License-Identifier: MIT */
/* The members of an identity by their names, as a person writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <spt/device.h>

#include "base/util.h"

static void members(void **state)
{
	static const struct {
		const char *name, *text;
		int result;
		const char *told;
	} rows[] = {
		{ "vendor", "12345678", 0, NULL },
		{ "vendor", "123456789", -EINVAL, "vendor: longer than 8 characters" },
		{ "product", "1234567890123456", 0, NULL },
		{ "product", "12345678901234567", -EINVAL, "longer than 16" },
		{ "revision", "1.20", 0, NULL },
		{ "revision", "1.200", -EINVAL, "longer than 4" },
		{ "serial", "A\tB", -EINVAL, "serial: only printable ASCII" },
		{ "naa", "3000000000000001", 0, NULL },
		{ "naa", "60000000000000000000000000000001", 0, NULL },
		{ "naa", "300000000000000g", -EINVAL, "naa: 'g' is no hexadecimal digit" },
		{ "naa", "1000000000000001", -EINVAL, "naa: 16 digits that begin with 2, 3 or 5" },
		{ "naa", "", -EINVAL, "naa: 16 digits" },
		{ "colour", "red", -EINVAL, "colour: an identity has no such member" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_identity id = { .naa_bytes = 0 };
		struct spt_error error = { .text = "" };
		assert_int_equal(spt_identity_parse(rows[i].name, rows[i].text, &id, &error), rows[i].result);
		if (rows[i].told && !strstr(error.text, rows[i].told))
			fail_msg("%s: %s", rows[i].name, error.text);
	}
}

static void all_of_them(void **state)
{
	struct spt_identity id = { .naa_bytes = 0 };
	struct spt_error error;

	assert_int_equal(spt_identity_parse("vendor", "V", &id, &error), 0);
	assert_int_equal(spt_identity_parse("product", "P", &id, &error), 0);
	assert_int_equal(spt_identity_parse("revision", "R", &id, &error), 0);
	assert_int_equal(spt_identity_parse("serial", "S", &id, &error), 0);
	assert_int_equal(spt_identity_parse("naa", "500000000000000a", &id, &error), 0);
	assert_string_equal(id.vendor, "V");
	assert_string_equal(id.product, "P");
	assert_string_equal(id.revision, "R");
	assert_string_equal(id.serial, "S");
	assert_int_equal(id.naa_bytes, 8);
	assert_memory_equal(id.naa, "\x50\0\0\0\0\0\0\x0a", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(all_of_them),
	};

	return cmocka_run_group_tests_name("scsi-identity", tests, NULL, NULL);
}
