/* SPDX-License-Identifier: MIT */
/* Results made of what upstream says: status, sense of any length, residuals, data that never
 * came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"
#include "passthrough/up_reply.h"

#define CANARY UINT64_C(0x5ca1ab1e0ddba115)

static uint8_t data[64];

static unsigned sense_of(const struct spt_task *t)
{
	struct spt_sense s;

	if (spt_sense_decode(t->sense, t->sense_bytes, &s) < 0)
		return 0;
	return (unsigned)s.key << 16 | s.asc;
}

static void test_data(void **state)
{
	static const struct {
		uint32_t in, out;
		uint32_t came; /* how many of the 64 bytes were written */
		uint8_t status;
		enum up_residual residual;
		uint32_t residual_bytes;
		uint8_t want_status;
		uint64_t want_in, want_in_would, want_out_would;
	} rows[] = {
		{ 64, 0, 64, SPT_GOOD, UP_EXACT, 0, SPT_GOOD, 64, 64, 0 },
		{ 64, 0, 64, SPT_GOOD, UP_UNDERFLOW, 28, SPT_GOOD, 36, 36, 0 },
		{ 64, 0, 0, SPT_GOOD, UP_UNDERFLOW, 64, SPT_GOOD, 0, 0, 0 },
		{ 64, 0, 64, SPT_GOOD, UP_UNDERFLOW, 65, SPT_GOOD, 0, 0, 0 }, /* absurd */
		{ 64, 0, 64, SPT_GOOD, UP_UNDERFLOW, UINT32_MAX, SPT_GOOD, 0, 0, 0 },
		{ 64, 0, 64, SPT_GOOD, UP_OVERFLOW, 448, SPT_GOOD, 64, 512, 0 },
		/* GOOD without data (a response other than "completed at target"): an error */
		{ 64, 0, 0, SPT_GOOD, UP_EXACT, 0, SPT_CHECK_CONDITION, 0, 0, 0 },
		{ 64, 0, 0, SPT_GOOD, UP_OVERFLOW, 448, SPT_CHECK_CONDITION, 0, 0, 0 },
		{ 64, 0, 0, SPT_BUSY, UP_EXACT, 0, SPT_BUSY, 0, 64, 0 },
		{ 64, 0, 64, SPT_CHECK_CONDITION, UP_UNDERFLOW, 32, SPT_CHECK_CONDITION, 32, 32,
			0 },
		/* an error with less data than its residual has it: what did not come is zeros */
		{ 64, 0, 20, SPT_CHECK_CONDITION, UP_EXACT, 0, SPT_CHECK_CONDITION, 64, 64, 0 },
		{ 64, 0, 20, SPT_CHECK_CONDITION, UP_UNDERFLOW, 4, SPT_CHECK_CONDITION, 60, 60, 0 },
		{ 64, 0, 20, SPT_CHECK_CONDITION, UP_OVERFLOW, 4, SPT_CHECK_CONDITION, 64, 68, 0 },
		{ 64, 0, 0, SPT_CHECK_CONDITION, UP_EXACT, 0, SPT_CHECK_CONDITION, 0, 64, 0 },
		{ 64, 0, 0, SPT_CHECK_CONDITION, UP_UNDERFLOW, 4, SPT_CHECK_CONDITION, 60, 60, 0 },
		{ 4, 0, 0, SPT_GOOD, UP_EXACT, 0, SPT_GOOD, 4, 4, 0 }, /* too short to tell */
		{ 0, 64, 0, SPT_GOOD, UP_EXACT, 0, SPT_GOOD, 0, 0, 64 },
		{ 0, 64, 0, SPT_GOOD, UP_UNDERFLOW, 14, SPT_GOOD, 0, 0, 50 },
		{ 0, 64, 0, SPT_GOOD, UP_OVERFLOW, 8, SPT_GOOD, 0, 0, 72 },
		{ 0, 0, 0, SPT_GOOD, UP_OVERFLOW, 96, SPT_GOOD, 0, 96, 96 },
		{ 0, 0, 0, SPT_CONDITION_MET, UP_EXACT, 0, SPT_CONDITION_MET, 0, 0, 0 },
		{ 0, 64, 0, SPT_TASK_ABORTED, UP_EXACT, 0, SPT_TASK_ABORTED, 0, 0, 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct spt_task t = { .in = { data, rows[i].in }, .out = { data, rows[i].out } };
		struct up_reply reply = {
			.status = rows[i].status,
			.residual = rows[i].residual,
			.residual_bytes = rows[i].residual_bytes,
		};
		memset(data, 0xee, sizeof(data)); /* somebody else's */
		up_prepare_in(&t.in, CANARY);
		memset(data, 1, rows[i].came);
		up_apply_reply(&t, &reply, CANARY, false);
		if (t.status != rows[i].want_status || t.in.bytes != rows[i].want_in ||
			t.in_would_bytes != rows[i].want_in_would ||
			t.out_would_bytes != rows[i].want_out_would)
			fail_msg("row %zu: status 0x%02x in %u would %llu out %llu", i, t.status,
				t.in.bytes, (unsigned long long)t.in_would_bytes,
				(unsigned long long)t.out_would_bytes);
		for (uint32_t b = 0; b < t.in.bytes && rows[i].in > 4; b++)
			assert_int_equal(data[b], b < rows[i].came);
	}
}

/* RFC 7143 11.4.7.2: SenseLength may say anything. */
static void test_sense(void **state)
{
	static const struct {
		unsigned segment_bytes, length, want;
	} rows[] = {
		{ 20, 18, 18 }, { 20, 96, 18 },   { 20, 0, 0 },      { 0, 0, 0 },   { 1, 0, 0 },
		{ 2, 18, 0 },   { 100, 18, 18 },  { 400, 398, 252 }, { 254, 252, 252 }, { 3, 1, 1 },
		{ 400, 65535, 252 },
	};
	static uint8_t segment[400];

	memset(segment, 0x70, sizeof(segment));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		/* on the heap, to its last byte, for the address sanitizer */
		uint8_t *copy = test_malloc(rows[i].segment_bytes + 1);
		memcpy(copy, segment, rows[i].segment_bytes);
		if (rows[i].segment_bytes > 1) {
			copy[0] = (uint8_t)(rows[i].length >> 8);
			copy[1] = (uint8_t)rows[i].length;
		}
		struct spt_task t = { .status = 0 };
		struct up_reply reply = {
			.status = SPT_CHECK_CONDITION,
			.segment = copy,
			.segment_bytes = rows[i].segment_bytes,
		};
		up_apply_reply(&t, &reply, CANARY, false);
		assert_int_equal(t.status, SPT_CHECK_CONDITION);
		if (rows[i].want) {
			assert_int_equal(t.sense_bytes, rows[i].want);
			assert_memory_equal(t.sense, copy + 2, rows[i].want);
		} else {
			assert_int_equal(sense_of(&t), 0x44400);
		}
		test_free(copy);
	}
}

/* What was under way when the session was lost may have been executed: never BUSY, never GOOD. */
static void test_fates(void **state)
{
	struct spt_task t = { .in = { data, 64 } };
	struct up_reply reply = { .fate = UP_LOST };

	up_apply_reply(&t, &reply, CANARY, false);
	assert_int_equal(t.status, SPT_CHECK_CONDITION);
	assert_int_equal(sense_of(&t), 0xb0800);
	assert_int_equal(t.in.bytes, 0);
	t = (struct spt_task){ .out = { data, 64 }, .aborting = true };
	reply.fate = UP_ABORTED;
	up_apply_reply(&t, &reply, CANARY, false);
	assert_int_equal(t.outcome, SPT_ABORTED);
	assert_int_equal(t.out_would_bytes, 0);
	/* By a reset that was another one's: its initiator waits for an answer. */
	t = (struct spt_task){ .out = { data, 64 } };
	up_apply_reply(&t, &reply, CANARY, false);
	assert_int_equal(t.outcome, SPT_COMPLETED);
	assert_int_equal(t.status, SPT_CHECK_CONDITION);
	assert_int_equal(sense_of(&t), 0xb0000);
	assert_int_equal(t.out_would_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_sense),
		cmocka_unit_test(test_fates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
