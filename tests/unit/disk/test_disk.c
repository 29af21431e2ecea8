/* SPDX-License-Identifier: MIT */
/* The disk's block commands on a store in memory: SBC-4, clause by clause. */
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

#define BLOCKS 2048u /* 1 MiB of 512 */

static struct rig rig;

static int setup(void **state)
{
	static const char *const options[] = { "size=1M", NULL };
	return rig_open(&rig, &spt_backend_mem, options, NULL);
}

static int setup_read_only(void **state)
{
	static const char *const options[] = { "size=1M", "read-only=yes", NULL };
	return rig_open(&rig, &spt_backend_mem, options, NULL);
}

static int setup_thick(void **state)
{
	static const char *const options[] = { "size=1M", "thin=no", NULL };
	return rig_open(&rig, &spt_backend_mem, options, NULL);
}

static int teardown(void **state)
{
	rig_close(&rig);
	return 0;
}

static uint8_t pattern[64 << 10];

static void write_blocks(uint32_t lba, uint16_t blocks, uint8_t fill)
{
	uint8_t cdb[10] = { 0x2a };

	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, blocks);
	memset(pattern, fill, blocks * 512u);
	assert_good(rig_out(&rig, cdb, sizeof(cdb), pattern, blocks * 512u));
}

static bool filled(uint32_t lba, uint16_t blocks, uint8_t fill)
{
	uint8_t cdb[10] = { 0x28 };

	be32_put(cdb + 2, lba);
	be16_put(cdb + 7, blocks);
	const struct rig_result *r = rig_in(&rig, cdb, sizeof(cdb), blocks * 512u);
	assert_good(r);
	assert_int_equal(r->in_bytes, blocks * 512u);
	for (uint32_t i = 0; i < r->in_bytes; i++) {
		if (r->in[i] != fill)
			return false;
	}
	return true;
}

/* SBC-4 5.13 to 5.18, 5.42 to 5.46: every length of READ reads what every length of WRITE wrote. */
static void test_read_write(void **state)
{
	static const struct {
		uint8_t write[16], read[16];
		uint8_t bytes;
	} rows[] = {
		{ { 0x0a, 0, 0, 5, 2 }, { 0x08, 0, 0, 5, 2 }, 6 },
		{ { 0x2a, 0, 0, 0, 0, 5, 0, 0, 2 }, { 0x28, 0, 0, 0, 0, 5, 0, 0, 2 }, 10 },
		{ { 0x2a, 0x18, 0, 0, 0, 5, 0x1f, 0, 2 }, { 0x28, 0x18, 0, 0, 0, 5, 3, 0, 2 }, 10 },
		{ { 0xaa, 0, 0, 0, 0, 5, 0, 0, 0, 2 }, { 0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2 }, 12 },
		{ { 0x8a, [9] = 5, [13] = 2 }, { 0x88, [9] = 5, [13] = 2 }, 16 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t data[1024];
		memset(data, (int)(0x30 + i), sizeof(data));
		const struct rig_result *r =
			rig_out(&rig, rows[i].write, rows[i].bytes, data, sizeof(data));
		assert_good(r);
		assert_int_equal(r->out_would, sizeof(data));
		r = rig_in(&rig, rows[i].read, rows[i].bytes, sizeof(data));
		assert_good(r);
		assert_int_equal(r->in_bytes, sizeof(data));
		assert_int_equal(r->in_would, sizeof(data));
		assert_memory_equal(r->in, data, sizeof(data));
	}
}

/* What is refused, and with which sense: the key, the code, and where the field pointer points. */
static void test_refusals(void **state)
{
	static const struct {
		const char *what;
		uint8_t cdb[32];
		uint8_t key;
		spt_asc_t asc;
		int byte, bit; /* of the field pointer; -1: none */
	} rows[] = {
		{ "unknown operation code", { 0x02 }, 5, 0x2000, -1, -1 },
		{ "vendor specific", { 0xc1 }, 5, 0x2000, -1, -1 },
		{ "unknown service action", { 0x9e, 0x1f }, 5, 0x2400, 1, 4 },
		{ "reserved bit", { 0x00, 0, 0x10 }, 5, 0x2400, 2, 4 },
		{ "NACA", { 0x00, 0, 0, 0, 0, 0x04 }, 5, 0x2400, 5, 2 },
		{ "RDPROTECT", { 0x28, 0x20 }, 5, 0x2400, 1, 5 },
		{ "WRPROTECT", { 0x2a, 0x80 }, 5, 0x2400, 1, 7 },
		{ "READ(10) at the end", { 0x28, 0, 0, 0, 8, 0, 0, 0, 1 }, 5, 0x2100, -1, -1 },
		{ "READ(10) across the end", { 0x28, 0, 0, 0, 7, 0xff, 0, 0, 2 }, 5, 0x2100, -1,
			-1 },
		{ "READ(10) of nothing past the end", { 0x28, 0, 0, 0, 8, 1 }, 5, 0x2100, -1, -1 },
		{ "READ(16) that wraps", { 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			0, 0, 0, 2 }, 5, 0x2100, -1, -1 },
		{ "READ(16) too long", { 0x88, [10] = 0x7f }, 5, 0x2100, -1, -1 },
		{ "READ(32) at the end", { 0x7f, [7] = 24, [9] = 9, [17] = 8, [31] = 1 }, 5, 0x2100, -1, -1 },
		{ "READ(32) with RDPROTECT", { 0x7f, [7] = 24, [9] = 9, [10] = 0x20 }, 5, 0x2400, 10, 5 },
		{ "READ(32) with NACA", { 0x7f, 0x04, [7] = 24, [9] = 9 }, 5, 0x2400, 1, 2 },
		{ "READ(32) of another length", { 0x7f, [7] = 16, [9] = 9 }, 5, 0x2400, 7, -1 },
		{ "VERIFY(32) with BYTCHK 10b", { 0x7f, [7] = 24, [9] = 10, [10] = 4 }, 5, 0x2400, 10, 2 },
		{ "unknown service action of 7Fh", { 0x7f, [7] = 24, [9] = 3 }, 5, 0x2400, 8, -1 },
		{ "XDWRITEREAD with XORPINFO", { 0x53, 1, [8] = 1 }, 5, 0x2400, 1, 0 },
		{ "UNMAP with ANCHOR", { 0x42, 1, [8] = 8 }, 5, 0x2400, 1, 0 },
		{ "WRITE SAME with ANCHOR", { 0x41, 0x10, [8] = 1 }, 5, 0x2400, 1, 4 },
		{ "INQUIRY page without EVPD", { 0x12, 0, 0x80, 0, 96 }, 5, 0x2400, 2, -1 },
		{ "INQUIRY of no such page", { 0x12, 1, 0xc7, 0, 96 }, 5, 0x2400, 2, -1 },
		{ "MODE SENSE saved", { 0x1a, 0, 0xff, 0, 96 }, 5, 0x3900, -1, -1 },
		{ "MODE SENSE of no such page", { 0x1a, 0, 0x30, 0, 96 }, 5, 0x2400, 2, 5 },
		{ "MODE SENSE of no such subpage", { 0x1a, 0, 0x0a, 1, 96 }, 5, 0x2400, 3, -1 },
		{ "MODE SELECT with SP", { 0x15, 0x11 }, 5, 0x2400, 1, 0 },
		{ "VERIFY with BYTCHK 10b", { 0x2f, 0x04 }, 5, 0x2400, 1, 2 },
		{ "WRITE AND VERIFY with BYTCHK 11b", { 0x2e, 0x06 }, 5, 0x2400, 1, 2 },
		{ "LOEJ of what cannot be ejected", { 0x1b, 0, 0, 0, 2 }, 5, 0x2400, 4, 1 },
		{ "no such power condition", { 0x1b, 0, 0, 0, 0x50 }, 5, 0x2400, 4, 7 },
		{ "GET LBA STATUS past the end", { 0x9e, 0x12, [8] = 8, [13] = 24 }, 5, 0x2100, -1,
			-1 },
		{ "COMPARE AND WRITE past the end", { 0x89, [8] = 8, [13] = 1 }, 5, 0x2100, -1,
			-1 },
		{ "RSOC option that does not fit", { 0xa3, 0x0c, 1, 0x9e, [9] = 64 }, 5, 0x2400, 2,
			2 },
		{ "RSOC option that does not fit", { 0xa3, 0x0c, 2, 0x28, [9] = 64 }, 5, 0x2400, 2,
			2 },
		{ "SEND DIAGNOSTIC with pages", { 0x1d, 0x10, 0, 0, 8 }, 5, 0x2400, 3, -1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct rig_result *r = rig_in(&rig, rows[i].cdb, sizeof(rows[i].cdb), 512);
		if (r->status != SPT_CHECK_CONDITION || r->sense.asc != rows[i].asc)
			fail_msg("%s: status %02x, asc %04x", rows[i].what, r->status,
				r->sense.asc);
		assert_int_equal(r->sense.key, rows[i].key);
		assert_int_equal(r->sense.key_specific_valid, rows[i].byte >= 0);
		if (rows[i].byte < 0)
			continue;
		assert_int_equal(be16_get(r->sense.key_specific + 1), rows[i].byte);
		assert_int_equal(r->sense.key_specific[0],
			0xc0 | (rows[i].bit >= 0 ? 0x08 | rows[i].bit : 0));
	}
}

/* SBC-4 6.6.4: more than MAXIMUM TRANSFER LENGTH; needs a disk that is larger than it. */
static void test_transfer_limit(void **state)
{
	static const char *const options[] = { "size=64M", NULL };
	struct rig large;

	assert_int_equal(rig_open(&large, &spt_backend_mem, options, NULL), 0);
	const struct rig_result *r = rig_in(&large, CDB(0x12, 1, 0xb0, 0, 64), 64);
	uint32_t limit = be32_get(r->in + 8);
	assert_int_equal(limit, (16u << 20) / 512);
	uint8_t cdb[16] = { 0x88 };
	be32_put(cdb + 10, limit + 1);
	r = rig_in(&large, cdb, sizeof(cdb), 512);
	assert_check(r, SPT_KEY_ILLEGAL_REQUEST, 0x2400);
	assert_int_equal(be16_get(r->sense.key_specific + 1), 10);
	be32_put(cdb + 10, limit);
	r = rig_in(&large, cdb, sizeof(cdb), 512);
	assert_good(r);
	assert_int_equal(r->in_bytes, 512);
	assert_int_equal(r->in_would, (uint64_t)limit * 512);
	rig_close(&large);
}

/* RFC 7143 11.4.5: residuals come from what the CDB asks for; only what both sides have moves. */
static void test_residuals(void **state)
{
	static const struct {
		uint16_t blocks;
		uint32_t expected, moved;
		bool good;
	} rows[] = {
		{ 1, 0, 0, true },	  { 1, 10000, 512, true }, { 2, 512, 512, true },
		{ 2, 1024, 1024, true }, { 0, 512, 0, true },	  { 1, 200, 0, false },
		{ 2, 700, 0, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t cdb[10] = { 0x2a, [8] = (uint8_t)rows[i].blocks };
		write_blocks(0, 4, 'a');
		memset(pattern, 'b', sizeof(pattern));
		const struct rig_result *r = rig_out(&rig, cdb, 10, pattern, rows[i].expected);
		assert_int_equal(r->out_would, rows[i].blocks * 512u);
		if (rows[i].good)
			assert_good(r);
		else
			assert_check(r, SPT_KEY_ILLEGAL_REQUEST, 0x0e03);
		uint16_t moved = (uint16_t)(rows[i].moved / 512);
		assert_true(!moved || filled(0, moved, 'b'));
		assert_true(filled(moved, (uint16_t)(4 - moved), 'a'));

		cdb[0] = 0x28;
		r = rig_in(&rig, cdb, 10, rows[i].expected);
		assert_good(r);
		assert_int_equal(r->in_would, rows[i].blocks * 512u);
		assert_int_equal(r->in_bytes, MIN(rows[i].blocks * 512u, rows[i].expected));
	}
}

/* SBC-4 5.36: VERIFY with each BYTCHK; a miscompare tells the offset of the first wrong byte. */
static void test_verify(void **state)
{
	uint8_t data[2048];

	write_blocks(8, 4, 'x');
	memset(data, 'x', sizeof(data));
	assert_good(rig_out(&rig, CDB(0x2f, 0, 0, 0, 0, 8, 0, 0, 4, 0), NULL, 0));
	assert_good(rig_out(&rig, CDB(0x2f, 2, 0, 0, 0, 8, 0, 0, 4, 0), data, 2048));
	assert_good(rig_out(&rig, CDB(0xaf, 2, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0), data, 2048));
	assert_good(rig_out(&rig, CDB(0x2f, 6, 0, 0, 0, 8, 0, 0, 4, 0), data, 512));
	data[700] = 'y';
	const struct rig_result *r = rig_out(&rig, CDB(0x2f, 2, 0, 0, 0, 8, 0, 0, 4, 0), data,
		2048);
	assert_check(r, SPT_KEY_MISCOMPARE, 0x1d00);
	assert_true(r->sense.information_valid);
	assert_int_equal(r->sense.information, 700);
	data[3] = 'y';
	r = rig_out(&rig, CDB(0x2f, 6, 0, 0, 0, 8, 0, 0, 4, 0), data, 512);
	assert_check(r, SPT_KEY_MISCOMPARE, 0x1d00);
	assert_int_equal(r->sense.information, 3);
	assert_good(rig_out(&rig, CDB(0x2e, 2, 0, 0, 0, 8, 0, 0, 4, 0), data, 2048));
	assert_good(rig_out(&rig, CDB(0x2f, 2, 0, 0, 0, 8, 0, 0, 4, 0), data, 2048));
}

static void test_compare_and_write(void **state)
{
	uint8_t data[1024];

	write_blocks(1, 1, 'A');
	memset(data, 'A', 512);
	memset(data + 512, 'B', 512);
	assert_good(rig_out(&rig, CDB(0x89, [9] = 1, [13] = 1, [15] = 0), data, 1024));
	assert_true(filled(1, 1, 'B'));
	const struct rig_result *r =
		rig_out(&rig, CDB(0x89, [9] = 1, [13] = 1, [15] = 0), data, 1024);
	assert_check(r, SPT_KEY_MISCOMPARE, 0x1d00);
	assert_int_equal(r->sense.information, 0);
	assert_true(filled(1, 1, 'B'));
	/* Half of the data is nothing to act on. */
	assert_check(rig_out(&rig, CDB(0x89, [9] = 1, [13] = 1, [15] = 0), data, 512),
		SPT_KEY_ILLEGAL_REQUEST, 0x2400);
	assert_check(rig_out(&rig, CDB(0x89, [9] = 1, [13] = 0, [15] = 0), data, 512),
		SPT_KEY_ILLEGAL_REQUEST, 0x2400);
	assert_good(rig_out(&rig, CDB(0x89, [9] = 1, [13] = 0, [15] = 0), NULL, 0));
	memset(data, 0x0f, sizeof(data));
	write_blocks(6, 1, 0x30);
	write_blocks(4, 2, 0x30);
	assert_good(rig_out(&rig, CDB(0x8b, [9] = 4, [13] = 2, [15] = 0), data, 1024));
	assert_true(filled(4, 2, 0x3f) && filled(6, 1, 0x30));
}

/* What needs more than one step: ORWRITE, VERIFY and WRITE SAME of more than a mebibyte. */
static void test_steps(void **state)
{
	static const char *const options[] = { "size=16M", NULL };
	static uint8_t data[3 << 20];
	struct rig large;

	assert_int_equal(rig_open(&large, &spt_backend_mem, options, NULL), 0);
	memset(data, 0x11, 512);
	assert_good(rig_out(&large, CDB(0x93, [12] = 0x18, [13] = 0, [15] = 0), data, 512));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i >> 16 << 1);
	assert_good(rig_out(&large, CDB(0x8b, [12] = 0x18, [15] = 0), data, sizeof(data)));
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] |= 0x11;
	assert_good(rig_out(&large, CDB(0x8f, 0x02, [12] = 0x18, [15] = 0), data, sizeof(data)));
	data[(2 << 20) + 77] ^= 1;
	const struct rig_result *r =
		rig_out(&large, CDB(0x8f, 0x02, [12] = 0x18, [15] = 0), data, sizeof(data));
	assert_check(r, SPT_KEY_MISCOMPARE, 0x1d00);
	assert_int_equal(r->sense.information, (2 << 20) + 77);
	rig_close(&large);
}

static uint8_t lba_status(uint32_t lba, uint32_t *ret_blocks)
{
	uint8_t cdb[16] = { 0x9e, 0x12, [13] = 24 };

	be32_put(cdb + 6, lba);
	const struct rig_result *r = rig_in(&rig, cdb, sizeof(cdb), 24);
	assert_good(r);
	assert_int_equal(r->in_bytes, 24);
	assert_int_equal(be32_get(r->in), 20);
	assert_int_equal(be64_get(r->in + 8), lba);
	*ret_blocks = be32_get(r->in + 16);
	return r->in[20];
}

/* SBC-4 5.35, 5.51: what is unmapped reads as zeros and is told by GET LBA STATUS. */
static void test_unmap(void **state)
{
	uint8_t list[8 + 2 * 16] = { 0 };
	uint32_t blocks;

	write_blocks(0, 64, 0xff);
	assert_int_equal(lba_status(0, &blocks), 0);
	assert_int_equal(blocks, 64);
	be16_put(list, sizeof(list) - 2);
	be16_put(list + 2, sizeof(list) - 8);
	be64_put(list + 8, 3);
	be32_put(list + 16, 20);
	be64_put(list + 24, 40);
	be32_put(list + 32, 1);
	assert_good(rig_out(&rig, CDB(0x42, [8] = sizeof(list), [9] = 0), list, sizeof(list)));
	assert_true(filled(0, 3, 0xff) && filled(3, 20, 0) && filled(23, 17, 0xff));
	assert_true(filled(40, 1, 0) && filled(41, 23, 0xff));
	assert_int_equal(lba_status(3, &blocks), 1);
	assert_int_equal(blocks, 20);
	assert_int_equal(lba_status(64, &blocks), 1);
	assert_int_equal(blocks, BLOCKS - 64);
	/* WRITE SAME: with data, with zeros, with NDOB and no data at all. */
	memset(pattern, 0x5a, 512);
	assert_good(rig_out(&rig, CDB(0x41, 0, 0, 0, 0, 3, 0, 0, 8, 0), pattern, 512));
	assert_true(filled(3, 8, 0x5a));
	assert_good(rig_out(&rig, CDB(0x93, 0x01, [9] = 4, [13] = 2, [15] = 0), NULL, 0));
	assert_true(filled(3, 1, 0x5a) && filled(4, 2, 0) && filled(6, 5, 0x5a));
	memset(pattern, 0, 512);
	assert_good(rig_out(&rig, CDB(0x93, 0x08, [9] = 6, [13] = 5, [15] = 0), pattern, 512));
	assert_int_equal(lba_status(4, &blocks), 1);
	assert_int_equal(blocks, 19);
	/* No number of blocks: to the end. */
	memset(pattern, 0x77, 512);
	assert_good(rig_out(&rig, CDB(0x41, 0, 0, 0, 7, 0xf0, 0, 0, 0, 0), pattern, 512));
	assert_true(filled(BLOCKS - 16, 16, 0x77) && filled(BLOCKS - 17, 1, 0));
}

/* The whole list is judged before any block is touched, and no length in it is believed. */
static void test_unmap_hostile(void **state)
{
	static const struct {
		uint16_t parameter, data_length, descriptors_length;
		uint64_t lba[2];
		uint32_t blocks[2];
		uint8_t status;
		spt_asc_t asc;
	} rows[] = {
		{ 0, 0, 0, { 0 }, { 0 }, SPT_GOOD, 0 },
		{ 7, 0, 0, { 0 }, { 0 }, SPT_CHECK_CONDITION, 0x1a00 },
		{ 8, 6, 0, { 0 }, { 0 }, SPT_GOOD, 0 },
		{ 8, 6, 0xffff, { 0 }, { 0 }, SPT_GOOD, 0 },
		{ 40, 38, 0xfff0, { 0, BLOCKS }, { 0, 0 }, SPT_GOOD, 0 },
		{ 40, 38, 32, { 0, UINT64_MAX }, { 4, 2 }, SPT_CHECK_CONDITION, 0x2100 },
		{ 40, 38, 32, { 0, BLOCKS - 1 }, { 4, 2 }, SPT_CHECK_CONDITION, 0x2100 },
		{ 40, 38, 31, { 0, UINT64_MAX }, { 0, 2 }, SPT_GOOD, 0 },
	};
	write_blocks(0, 8, 0xee);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t list[40] = { 0 };
		be16_put(list, rows[i].data_length);
		be16_put(list + 2, rows[i].descriptors_length);
		for (unsigned j = 0; j < 2; j++) {
			be64_put(list + 8 + 16 * j, rows[i].lba[j]);
			be32_put(list + 16 + 16 * j, rows[i].blocks[j]);
		}
		const struct rig_result *r = rig_out(&rig,
			CDB(0x42, [8] = (uint8_t)rows[i].parameter, [9] = 0), list,
			rows[i].parameter);
		assert_int_equal(r->status, rows[i].status);
		assert_int_equal(r->sense.asc, rows[i].asc);
	}
	assert_true(filled(0, 8, 0xee));
	/* Less data than the CDB announces. */
	uint8_t list[40] = { 0 };
	assert_check(rig_out(&rig, CDB(0x42, [8] = 40, [9] = 0), list, 24),
		SPT_KEY_ILLEGAL_REQUEST, 0x1a00);
}

/* A thick disk has no UNMAP and says so everywhere. */
static void test_thick(void **state)
{
	uint8_t list[8] = { 0 };
	uint32_t blocks;

	assert_check(rig_out(&rig, CDB(0x42, [8] = 8, [9] = 0), list, 8), SPT_KEY_ILLEGAL_REQUEST,
		0x2000);
	assert_check(rig_out(&rig, CDB(0x93, 0x08, [13] = 1, [15] = 0), pattern, 512),
		SPT_KEY_ILLEGAL_REQUEST, 0x2400);
	write_blocks(0, 4, 0xff);
	assert_good(rig_out(&rig, CDB(0x93, 0x01, [13] = 4, [15] = 0), NULL, 0));
	assert_true(filled(0, 4, 0));
	const struct rig_result *r = rig_in(&rig, CDB(0x9e, 0x10, [13] = 32, [15] = 0), 32);
	assert_int_equal(r->in[14], 0);
	r = rig_in(&rig, CDB(0x12, 1, 0xb2, 0, 64), 64);
	assert_int_equal(r->in[5], 0);
	assert_int_equal(lba_status(0, &blocks), 0);
}

static void test_capacity(void **state)
{
	const struct rig_result *r = rig_in(&rig, CDB(0x25, [9] = 0), 8);

	assert_good(r);
	assert_int_equal(be32_get(r->in), BLOCKS - 1);
	assert_int_equal(be32_get(r->in + 4), 512);
	r = rig_in(&rig, CDB(0x9e, 0x10, [13] = 32, [15] = 0), 32);
	assert_good(r);
	assert_int_equal(be64_get(r->in), BLOCKS - 1);
	assert_int_equal(r->in[14], 0xc0);
	/* The allocation length cuts, without an error. */
	r = rig_in(&rig, CDB(0x9e, 0x10, [13] = 12, [15] = 0), 32);
	assert_int_equal(r->in_bytes, 12);
	assert_int_equal(r->in_would, 12);
}

static void test_read_only(void **state)
{
	static const uint8_t writes[][16] = {
		{ 0x0a, [4] = 1 },  { 0x2a, [8] = 1 },	 { 0xaa, [9] = 1 }, { 0x8a, [13] = 1 },
		{ 0x2e, [8] = 1 },  { 0xae, [9] = 1 },	 { 0x8e, [13] = 1 }, { 0x41, [8] = 1 },
		{ 0x93, [13] = 1 }, { 0x93, 0x01, [13] = 1 }, { 0x89, [13] = 1 },
		{ 0x8b, [13] = 1 },
		{ 0x42, [8] = 24 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
		assert_check(rig_out(&rig, writes[i], 16, pattern, 512), SPT_KEY_DATA_PROTECT,
			0x2700);
	const struct rig_result *r = rig_in(&rig, CDB(0x1a, 0, 0x3f, 0, 255, 0), 255);
	assert_int_equal(r->in[2], 0x90); /* WP, DPOFUA */
	assert_good(rig_in(&rig, CDB(0x28, [8] = 1, [9] = 0), 512));
	assert_good(rig_in(&rig, CDB(0x35, [9] = 0), 0));
}

int main(void)
{
#define TEST(name, up) cmocka_unit_test_setup_teardown(name, up, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_read_write, setup),
		TEST(test_refusals, setup),
		TEST(test_transfer_limit, setup),
		TEST(test_residuals, setup),
		TEST(test_verify, setup),
		TEST(test_compare_and_write, setup),
		cmocka_unit_test(test_steps),
		TEST(test_unmap, setup),
		TEST(test_unmap_hostile, setup),
		TEST(test_thick, setup_thick),
		TEST(test_capacity, setup),
		TEST(test_read_only, setup_read_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
