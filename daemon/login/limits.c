/* SPDX-License-Identifier: MIT */
/* Defaults and the check of what a target offers: see params.h. */
#include "login/params.h"

#include "base/util.h"
#include "login/keytable.h"

struct login_limits login_limits_default(void)
{
	return (struct login_limits){
		.header_digest = DIGEST_NONE | DIGEST_CRC32C,
		.data_digest = DIGEST_NONE | DIGEST_CRC32C,
		.max_recv_data_segment_bytes = 262144,
		.max_connections = 1,
		.max_outstanding_r2t = 16,
		.max_burst_bytes = 1048576,
		.first_burst_bytes = 262144,
		.default_time2wait_s = 2,
		.default_time2retain_s = 20,
		.error_recovery_level = 0,
		.protocol_level = 2,
		.task_reporting = REPORTING_RFC3720 | REPORTING_RESPONSE_FENCE | REPORTING_FAST_ABORT,
		.initial_r2t = false,
		.immediate_data = true,
		.data_pdu_in_order = true,
		.data_sequence_in_order = true,
	};
}

struct login_params login_params_default(void)
{
	return (struct login_params){
		.header_digest = DIGEST_NONE,
		.data_digest = DIGEST_NONE,
		.max_recv_data_segment_bytes = 8192,
		.recv_limit_bytes = 8192,
		.max_send_data_segment_bytes = 8192,
		.session_type = SESSION_NORMAL,
		.max_connections = 1,
		.max_outstanding_r2t = 1,
		.max_burst_bytes = 262144,
		.first_burst_bytes = 65536,
		.default_time2wait_s = 2,
		.default_time2retain_s = 20,
		.error_recovery_level = 0,
		.protocol_level = 1,
		.task_reporting = REPORTING_RFC3720,
		.initial_r2t = true,
		.immediate_data = true,
		.data_pdu_in_order = true,
		.data_sequence_in_order = true,
	};
}

/* A set that is not empty, and has only words of the row. */
static bool set_valid(const struct key_row *row, uint64_t set)
{
	uint64_t all = 0;

	for (const struct key_word *w = row->words; w->word; w++)
		all |= w->bit;
	return set && !(set & ~all);
}

static bool limit_valid(const struct key_row *row, const struct login_limits *limits)
{
	uint64_t value = key_get(limits, row->limit);

	if (row->type == KEY_LIST)
		return set_valid(row, value);
	return value >= row->min && value <= row->max;
}

const char *login_limits_check(const struct login_limits *limits)
{
	for (size_t i = 0; i < KEY_ROWS; i++) {
		const struct key_row *row = &KEY_TABLE[i];

		if (row->limit.bytes && !limit_valid(row, limits))
			return row->name;
	}
	/* RFC 7143 13.14 */
	if (limits->first_burst_bytes > limits->max_burst_bytes)
		return "FirstBurstLength";
	return NULL;
}
