/* SPDX-License-Identifier: MIT */
/* What a target may offer (RFC 7143 13), the defaults, and joining texts within a bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "login/gather.h"
#include "login/keytable.h"
#include "login/params.h"

static void test_defaults_are_valid(void **state)
{
	struct login_limits limits = login_limits_default();

	assert_null(login_limits_check(&limits));
}

/* Each number at, below and above its range. */
static void test_ranges(void **state)
{
	unsigned checked = 0;

	for (size_t i = 0; i < KEY_ROWS; i++) {
		const struct key_row *row = &KEY_TABLE[i];
		struct login_limits limits = login_limits_default();
		uint64_t room;

		if (!row->limit.bytes || row->type == KEY_LIST)
			continue;
		checked++;
		room = (1ull << (8 * row->limit.bytes)) - 1;
		limits.first_burst_bytes = 512;
		key_set(&limits, row->limit, row->min);
		assert_null(login_limits_check(&limits));
		limits.max_burst_bytes = 0xffffff;
		key_set(&limits, row->limit, row->max);
		assert_null(login_limits_check(&limits));
		if (row->max < room) {
			key_set(&limits, row->limit, row->max + 1ull);
			assert_string_equal(login_limits_check(&limits), row->name);
		}
		if (row->min) {
			key_set(&limits, row->limit, row->min - 1ull);
			assert_string_equal(login_limits_check(&limits), row->name);
		}
	}
	assert_int_equal(checked, 13);
}

static void test_sets(void **state)
{
	struct login_limits limits = login_limits_default();

	limits.header_digest = 0;
	assert_string_equal(login_limits_check(&limits), "HeaderDigest");
	limits.header_digest = DIGEST_CRC32C;
	limits.data_digest = 4;
	assert_string_equal(login_limits_check(&limits), "DataDigest");
	limits.data_digest = DIGEST_NONE;
	limits.task_reporting = 8;
	assert_string_equal(login_limits_check(&limits), "TaskReporting");
	/* 13.14 */
	limits = login_limits_default();
	limits.first_burst_bytes = limits.max_burst_bytes + 1;
	assert_string_equal(login_limits_check(&limits), "FirstBurstLength");
}

/* RFC 7143 13: what holds when nothing is negotiated. */
static void test_default_params(void **state)
{
	struct login_params p = login_params_default();

	assert_int_equal(p.max_recv_data_segment_bytes, 8192);
	assert_int_equal(p.max_send_data_segment_bytes, 8192);
	assert_int_equal(p.max_burst_bytes, 262144);
	assert_int_equal(p.first_burst_bytes, 65536);
	assert_int_equal(p.default_time2wait_s, 2);
	assert_int_equal(p.default_time2retain_s, 20);
	assert_int_equal(p.max_connections, 1);
	assert_int_equal(p.max_outstanding_r2t, 1);
	assert_int_equal(p.error_recovery_level, 0);
	assert_int_equal(p.protocol_level, 1);
	assert_true(p.initial_r2t && p.immediate_data);
	assert_true(p.data_pdu_in_order && p.data_sequence_in_order);
}

static void test_gather(void **state)
{
	struct gather g = gather_init(5);

	assert_int_equal(gather_add(&g, NULL, 0), 0);
	assert_null(g.data);
	assert_int_equal(gather_add(&g, "ab", 2), 0);
	assert_int_equal(gather_add(&g, "cdef", 4), -EMSGSIZE);
	assert_int_equal(g.bytes, 2);
	assert_int_equal(gather_add(&g, "cde", 3), 0);
	assert_memory_equal(g.data, "abcde", 5);
	assert_int_equal(gather_add(&g, "x", 1), -EMSGSIZE);
	assert_int_equal(gather_add(&g, "x", SIZE_MAX), -EMSGSIZE);
	gather_reset(&g);
	assert_int_equal(g.bytes, 0);
	assert_int_equal(gather_add(&g, "x", 1), 0);
	gather_reset(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_valid),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_default_params),
		cmocka_unit_test(test_gather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
