/* SPDX-License-Identifier: MIT */
/* The disk's other commands: mode pages, START STOP UNIT, REQUEST SENSE, what it says it can do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "base/be.h"
#include "base/util.h"
#include "disk/backend.h"
#include "rig.h"

static struct rig rig;
static uint8_t pattern[512];

static int setup(void **state)
{
	static const char *const options[] = { "size=1M", NULL };
	return rig_open(&rig, &spt_backend_mem, options, NULL);
}

static int setup_removable(void **state)
{
	static const char *const options[] = { "size=1M", "removable=yes", NULL };
	return rig_open(&rig, &spt_backend_mem, options, NULL);
}

static int teardown(void **state)
{
	rig_close(&rig);
	return 0;
}

static const struct rig_result *select_page(uint8_t nexus, const uint8_t *page, uint8_t bytes)
{
	uint8_t list[64] = { 0 };
	struct rig_command c = {
		CDB(0x15, 0x10, 0, 0, (uint8_t)(4 + bytes), 0), list, 4u + bytes, 0, nexus
	};
	memcpy(list + 4, page, bytes);
	return rig_send(&rig, &c);
}

static const uint8_t CONTROL[12] = { 0x0a, 0x0a, 0x20, 0x10 };

/* SPC-5 6.13: what one nexus changes, the others hear of; SWP protects, D_SENSE changes sense. */
static void test_mode_select(void **state)
{
	const struct rig_command other = { CDB(0, 0, 0, 0, 0, 0), .nexus = 1 };
	uint8_t page[12];

	memcpy(page, CONTROL, sizeof(page));
	page[4] = 0x08; /* SWP */
	assert_good(select_page(0, page, sizeof(page)));
	assert_check(rig_send(&rig, &other), SPT_KEY_UNIT_ATTENTION, 0x2a01);
	assert_good(rig_send(&rig, &other));
	assert_check(rig_out(&rig, CDB(0x2a, [8] = 1, [9] = 0), pattern, 512), SPT_KEY_DATA_PROTECT,
		0x2702);
	assert_int_equal(rig_in(&rig, CDB(0x1a, 0, 0x0a, 0, 255, 0), 255)->in[2] & 0x80, 0x80);
	/* The same again changes nothing: nobody is told. */
	assert_good(select_page(0, page, sizeof(page)));
	assert_good(rig_send(&rig, &other));

	page[4] = 0;
	page[2] |= 0x04; /* D_SENSE */
	assert_good(select_page(0, page, sizeof(page)));
	const struct rig_result *r = rig_in(&rig, CDB(0x28, [2] = 0xff, [9] = 0), 512);
	assert_check(r, SPT_KEY_ILLEGAL_REQUEST, 0x2100);
	assert_int_equal(r->sense_code, 0x72);
	assert_good(select_page(0, CONTROL, sizeof(CONTROL)));
	r = rig_in(&rig, CDB(0x28, [2] = 0xff, [9] = 0), 512);
	assert_int_equal(r->sense_code, 0x70);
}

static void test_mode_select_hostile(void **state)
{
	static const struct {
		uint8_t parameter;
		uint8_t list[32];
		spt_asc_t asc;
		int byte;
	} rows[] = {
		{ 3, { 0 }, 0x1a00, -1 },			       /* less than a header */
		{ 8, { 0, 0, 0, 8 }, 0x1a00, -1 },		       /* descriptor cut off */
		{ 8, { 0, 0, 0, 7 }, 0x2600, 3 },		       /* no descriptor's length */
		{ 12, { 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0 }, 0x2600, 9 }, /* another block size */
		{ 5, { 0, 0, 0, 0, 0x0a }, 0x1a00, -1 },	       /* page cut off */
		{ 6, { 0, 0, 0, 0, 0x0a, 0x0a }, 0x1a00, -1 },	       /* likewise */
		{ 6, { 0, 0, 0, 0, 0x0a, 0xff }, 0x2600, 5 },	       /* wrong page length */
		{ 6, { 0, 0, 0, 0, 0x3e, 0 }, 0x2600, 4 },	       /* no such page */
		{ 6, { 0, 0, 0, 0, 0x4a, 1 }, 0x2600, 4 },	       /* a subpage */
		{ 16, { 0, 0, 0, 0, 0x0a, 0x0a, 0x20, 0x10, 0, 0x20 }, 0x2600, 9 }, /* byte 5 bit 5 */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rig_result *r = rig_out(&rig,
			CDB(0x15, 0x10, 0, 0, rows[i].parameter, 0), rows[i].list,
				rows[i].parameter);
		assert_check(r, SPT_KEY_ILLEGAL_REQUEST, rows[i].asc);
		if (rows[i].byte >= 0)
			assert_int_equal(be16_get(r->sense.key_specific + 1), rows[i].byte);
	}
	assert_good(rig_out(&rig, CDB(0x15, 0x10, 0, 0, 0, 0), NULL, 0));
}

static void test_start_stop(void **state)
{
	assert_good(rig_in(&rig, CDB(0x1b, 0, 0, 0, 0, 0), 0));
	assert_check(rig_in(&rig, CDB(0, 0, 0, 0, 0, 0), 0), SPT_KEY_NOT_READY, 0x0402);
	assert_check(rig_in(&rig, CDB(0x28, [8] = 1, [9] = 0), 512), SPT_KEY_NOT_READY, 0x0402);
	assert_good(rig_in(&rig, CDB(0x12, 0, 0, 0, 96, 0), 96));
	assert_good(rig_in(&rig, CDB(0x1a, 0, 0x3f, 0, 255, 0), 255));
	assert_good(rig_in(&rig, CDB(0x1b, 0, 0, 0, 1, 0), 0));
	assert_good(rig_in(&rig, CDB(0, 0, 0, 0, 0, 0), 0));
}

static void test_eject(void **state)
{
	const struct rig_command other = { CDB(0, 0, 0, 0, 0, 0), .nexus = 1 };

	assert_int_equal(rig_in(&rig, CDB(0x12, 0, 0, 0, 96, 0), 96)->in[1], 0x80);
	assert_good(rig_in(&rig, CDB(0x1b, 0, 0, 0, 2, 0), 0));
	assert_check(rig_in(&rig, CDB(0, 0, 0, 0, 0, 0), 0), SPT_KEY_NOT_READY, 0x3a00);
	rig_reset(&rig); /* does not put it in */
	assert_check(rig_in(&rig, CDB(0, 0, 0, 0, 0, 0), 0), SPT_KEY_NOT_READY, 0x3a00);
	assert_good(rig_in(&rig, CDB(0x1b, 0, 0, 0, 3, 0), 0));
	assert_good(rig_in(&rig, CDB(0, 0, 0, 0, 0, 0), 0));
	assert_check(rig_send(&rig, &other), SPT_KEY_UNIT_ATTENTION, 0x2903);
	assert_check(rig_send(&rig, &other), SPT_KEY_UNIT_ATTENTION, 0x2800);
}

static void test_request_sense(void **state)
{
	const struct rig_result *r = rig_in(&rig, CDB(0x03, 0, 0, 0, 252, 0), 252);

	assert_good(r);
	assert_int_equal(r->in_bytes, 18);
	assert_int_equal(r->in[0], 0x70);
	r = rig_in(&rig, CDB(0x03, 1, 0, 0, 252, 0), 252);
	assert_int_equal(r->in[0], 0x72);
	assert_int_equal(r->in_bytes, 8);
}

/* SPC-5 6.34: every command listed is answered as known, with a CDB length that is its own. */
static void test_supported_opcodes(void **state)
{
	static uint8_t list[4096];
	const struct rig_result *r = rig_in(&rig, CDB(0xa3, 0x0c, 0x80, [8] = 0x10, [11] = 0),
		sizeof(list));

	assert_good(r);
	uint32_t bytes = r->in_bytes;
	assert_int_equal(be32_get(r->in), bytes - 4);
	assert_int_equal((bytes - 4) % 20, 0);
	memcpy(list, r->in, bytes);
	assert_int_equal(bytes, 4 + 57 * 20);
	for (uint32_t at = 4; at < bytes; at += 20) {
		bool action = list[at + 5] & 1;
		r = rig_in(&rig, CDB(0xa3, 0x0c, action ? 2 : 1, list[at], list[at + 2],
			list[at + 3],
			0, 0, 0, 64, 0, 0), 64);
		assert_good(r);
		assert_int_equal(r->in[1] & 7, 3);
		assert_int_equal(be16_get(r->in + 2), be16_get(list + at + 6));
		assert_int_equal(r->in[4], list[at]);
		assert_int_equal(r->in_bytes, 4 + be16_get(r->in + 2));
		assert_true(at == 4 || list[at] >= list[at - 20]);
	}
	r = rig_in(&rig, CDB(0xa3, 0x0c, 3, 0xc1, 0, 0, 0, 0, 0, 64, 0, 0), 64);
	assert_good(r);
	assert_int_equal(r->in[1] & 7, 1);
	/* SPC-5 6.34: with option 011b a service action that the operation code does not have is not supported. */
	r = rig_in(&rig, CDB(0xa3, 0x0c, 3, 0x28, 0, 0, 0, 0, 0, 64, 0, 0), 64);
	assert_int_equal(r->in[1] & 7, 3);
	r = rig_in(&rig, CDB(0xa3, 0x0c, 3, 0x28, 0, 1, 0, 0, 0, 64, 0, 0), 64);
	assert_good(r);
	assert_int_equal(r->in[1] & 7, 1);
}

int main(void)
{
#define TEST(name, up) cmocka_unit_test_setup_teardown(name, up, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_mode_select, setup),
		TEST(test_mode_select_hostile, setup),
		TEST(test_start_stop, setup),
		TEST(test_eject, setup_removable),
		TEST(test_request_sense, setup),
		TEST(test_supported_opcodes, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
