/* SPDX-License-Identifier: MIT */
/* Arithmetic of pieces: byte ranges, sequences of Data-Out PDUs, the Data-In PDU that a DataSN stands for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "fullfeature/segments.h"
#include "fullfeature/sequence.h"

/* Any pieces in any order: what ranges_take() says is what a map of single bytes says. */
static void ranges_any_order(void **state)
{
	for (unsigned seed = 0; seed < 300; seed++) {
		struct ranges r;
		uint8_t map[512] = { 0 };
		uint32_t done = 0;

		srand(seed);
		ranges_init(&r);
		for (unsigned n = 0; n < 400; n++) {
			uint32_t from = (uint32_t)rand() % 512;
			uint32_t to = from + (uint32_t)rand() % (1 + MIN(512 - from, seed % 40));
			from = MAX(from, done);
			to = MAX(to, from);
			assert_int_equal(ranges_add(&r, from, to), 0);
			memset(map + from, 1, to - from);
			done = ranges_take(&r, done);
			uint32_t want = 0;
			while (want < 512 && map[want])
				want++;
			assert_int_equal(done, want);
		}
		ranges_deinit(&r);
	}
}

static void ranges_bounded(void **state)
{
	struct ranges r;

	ranges_init(&r);
	for (uint32_t i = 0; i < RANGES_MAX; i++)
		assert_int_equal(ranges_add(&r, 2 * i + 1, 2 * i + 2), 0);
	assert_int_equal(ranges_add(&r, 2 * RANGES_MAX + 1, 2 * RANGES_MAX + 2), -ENOSPC);
	assert_int_equal(ranges_add(&r, 4, 5), 0); /* closes a gap */
	assert_int_equal(r.n, RANGES_MAX - 1);
	assert_int_equal(ranges_take(&r, 0), 0);
	assert_int_equal(ranges_add(&r, 0, 0xffffffff), 0);
	assert_int_equal(ranges_take(&r, 0), 0xffffffff);
	assert_int_equal(r.n, 0);
	ranges_deinit(&r);
}

#define EXACT { .in_order = true, .exact = true }

/* RFC 7143 11.7, 11.7.7, 13.18, 7.9: what a PDU may be after @done bytes and @sn PDUs of a sequence 4096..8192. */
static void sequence_rules(void **state)
{
	static const struct {
		struct sequence_rules rules;
		uint32_t done, sn;
		struct pdu_data_out pdu;
		enum sequence_verdict want;
	} rows[] = {
		{ EXACT, 0, 0, { .offset_bytes = 4096, .data_bytes = 512 }, SEQUENCE_TAKE },
		{ EXACT, 0, 0, { .final = true, .offset_bytes = 4096, .data_bytes = 4096 }, SEQUENCE_TAKE },
		{ EXACT, 0, 0, { .offset_bytes = 4096, .data_bytes = 4096 }, SEQUENCE_TAKE },
		{ EXACT, 4096, 1, { .final = true, .data_sn = 1, .offset_bytes = 8192 }, SEQUENCE_TAKE },
		{ EXACT, 4096, 1, { .final = true, .data_sn = 1, .offset_bytes = 8192, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ EXACT, 512, 1, { .data_sn = 1, .offset_bytes = 4608 }, SEQUENCE_TAKE },
		{ EXACT, 512, 1, { .final = true, .data_sn = 1, .offset_bytes = 4608 }, SEQUENCE_WRONG },
		{ EXACT, 0, 0, { .final = true, .offset_bytes = 4096, .data_bytes = 512 }, SEQUENCE_WRONG },
		{ EXACT, 0, 0, { .offset_bytes = 4095, .data_bytes = 512 }, SEQUENCE_WRONG },
		{ EXACT, 0, 0, { .offset_bytes = 4096, .data_bytes = 4097 }, SEQUENCE_WRONG },
		{ EXACT, 512, 1, { .data_sn = 1, .offset_bytes = 4608, .data_bytes = 1 }, SEQUENCE_TAKE },
		{ EXACT, 512, 1, { .data_sn = 0, .offset_bytes = 4608, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ EXACT, 512, 1, { .data_sn = 2, .offset_bytes = 4608, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ { .in_order = true, .exact = true, .early = true }, 0, 0,
			{ .final = true, .offset_bytes = 4096, .data_bytes = 512 }, SEQUENCE_TAKE },
		{ { .in_order = true }, 0, 0,
			{ .final = true, .offset_bytes = 4096, .data_bytes = 512 }, SEQUENCE_TAKE },
		{ { .in_order = true, .exact = true, .recovers = true }, 512, 1,
			{ .data_sn = 3, .offset_bytes = 5120, .data_bytes = 1 }, SEQUENCE_DROP },
		{ { .in_order = true, .exact = true, .recovers = true }, 512, 1,
			{ .data_sn = 3, .offset_bytes = 8192, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ { .in_order = true, .exact = true, .recovers = true }, 512, 1,
			{ .data_sn = 0, .offset_bytes = 4608, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ { .exact = true }, 0, 0, { .offset_bytes = 8191, .data_bytes = 1 }, SEQUENCE_TAKE },
		{ { .exact = true }, 0, 0, { .offset_bytes = 8192, .data_bytes = 1 }, SEQUENCE_WRONG },
		{ { .exact = true }, 0, 0, { .offset_bytes = 4095, .data_bytes = 2 }, SEQUENCE_WRONG },
		{ { .exact = true }, 0, 0, { .offset_bytes = 0xfffffff0, .data_bytes = 0x20 }, SEQUENCE_WRONG },
		{ { .exact = true, .recovers = true }, 0, 0,
			{ .data_sn = 5, .offset_bytes = 6000, .data_bytes = 9 }, SEQUENCE_TAKE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sequence s;
		const char *wrong;
		sequence_init(&s, 4096, 4096);
		s.done_bytes = rows[i].done;
		s.data_sn = rows[i].sn;
		if (sequence_judge(&s, &rows[i].rules, &rows[i].pdu, &wrong) != rows[i].want)
			fail_msg("row %zu: %s", i, wrong ? wrong : "taken or dropped");
		assert_int_equal(wrong != NULL, rows[i].want == SEQUENCE_WRONG);
	}
}

/* Every PDU of a read by its number is what cutting one after the other makes. */
static void segments_one_by_one(void **state)
{
	static const uint32_t segment[] = { 512, 1000, 4096, 65536, 100000 };
	static const uint32_t burst[] = { 512, 4096, 10000, 65536, 1u << 20 };
	static const uint32_t total[] = { 1, 511, 512, 65536, 300001 };
	static const uint32_t before[] = { 0, 512, 5000 };

	for (unsigned i = 0; i < 5 * 5 * 5 * 3; i++) {
		struct segments s = { .first_sn = 7 + i, .segment_bytes = segment[i % 5],
			.burst_bytes = burst[i / 5 % 5] };
		uint32_t bytes = total[i / 25 % 5];
		s.offset_bytes = MIN(before[i / 125], bytes - 1);
		s.burst_done_bytes = s.offset_bytes % s.burst_bytes;
		uint32_t at = s.offset_bytes, in_burst = s.burst_done_bytes;
		for (uint32_t sn = s.first_sn; at < bytes; sn++) {
			struct segment got = segments_at(&s, sn, bytes);
			uint32_t n = MIN(MIN(s.segment_bytes, s.burst_bytes - in_burst), bytes - at);
			assert_int_equal(got.offset_bytes, at);
			assert_int_equal(got.bytes, n);
			at += n;
			in_burst += n;
			assert_int_equal(got.final, at == bytes || in_burst == s.burst_bytes);
			in_burst %= s.burst_bytes;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_any_order),
		cmocka_unit_test(ranges_bounded),
		cmocka_unit_test(sequence_rules),
		cmocka_unit_test(segments_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
