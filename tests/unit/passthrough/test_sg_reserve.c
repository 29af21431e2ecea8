/* SPDX-License-Identifier: MIT */
/* Which command has the reserve buffer of an sg descriptor, and that it finds nothing of another's in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/sg_reserve.h"

#define BYTES 4096u

static uint8_t kernel_buffer[BYTES];

/* The first @wiped bytes are nobody's, the others as they were. */
static void assert_wiped(uint32_t wiped)
{
	for (uint32_t i = 0; i < BYTES; i++)
		assert_int_equal(kernel_buffer[i], i < wiped ? 0 : 0x5a);
}

static void test_prepare(void **state)
{
	static const struct {
		int direction;
		uint32_t bytes;
		int user; /* who has it */
		bool has_it;
		uint32_t wiped;
	} rows[] = {
		{ SG_DXFER_FROM_DEV, 512, -1, true, 512 },
		{ SG_DXFER_FROM_DEV, 1, -1, true, 1 },
		{ SG_DXFER_FROM_DEV, BYTES, -1, true, BYTES },
		/* too long for it: the kernel finds other pages, of zeros */
		{ SG_DXFER_FROM_DEV, BYTES + 1, -1, false, 0 },
		/* another command's data are arriving there */
		{ SG_DXFER_FROM_DEV, 512, 0, false, 0 },
		{ SG_DXFER_FROM_DEV, 512, 15, false, 0 },
		/* all of it comes from us */
		{ SG_DXFER_TO_DEV, 512, -1, true, 0 },
		{ SG_DXFER_TO_DEV, 512, 3, false, 0 },
		{ SG_DXFER_NONE, 0, -1, false, 0 },
		{ SG_DXFER_FROM_DEV, 0, -1, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sg_reserve r = { kernel_buffer, BYTES, rows[i].user };
		const sg_io_hdr_t h = {
			.dxfer_direction = rows[i].direction,
			.dxfer_len = rows[i].bytes,
		};
		memset(kernel_buffer, 0x5a, BYTES);
		if (sg_reserve_prepare(&r, &h) != rows[i].has_it)
			fail_msg("row %zu", i);
		assert_wiped(rows[i].wiped);
		assert_int_equal(r.user, rows[i].user); /* it may still not be sent */
	}
}

static void test_turns(void **state)
{
	struct sg_reserve r = { kernel_buffer, BYTES, -1 };
	const sg_io_hdr_t first = { .dxfer_direction = SG_DXFER_TO_DEV, .dxfer_len = 512, .pack_id = 0 };
	const sg_io_hdr_t second = { .dxfer_direction = SG_DXFER_FROM_DEV, .dxfer_len = 512, .pack_id = 7 };

	memset(kernel_buffer, 0x5a, BYTES);
	assert_true(sg_reserve_prepare(&r, &first));
	sg_reserve_take(&r, &first);
	assert_false(sg_reserve_prepare(&r, &second));
	sg_reserve_leave(&r, 7); /* which has other pages */
	assert_false(sg_reserve_prepare(&r, &second));
	assert_wiped(0);
	sg_reserve_leave(&r, 0);
	assert_true(sg_reserve_prepare(&r, &second));
	assert_wiped(512);
}

/* What is not a SCSI generic node says so. */
static void test_map(void **state)
{
	struct sg_reserve r;

	assert_true(sg_reserve_map(&r, 0, 0) < 0);
	assert_null(r.data);
	sg_reserve_unmap(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prepare),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
