/* SPDX-License-Identifier: MIT */
/* The result of a command on the wire: bursts, status, sense, residuals, numbers (RFC 7143 11.4, 11.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"
#include "wire/scsi_response.h"

/* What the device says to a command. */
struct answer {
	uint32_t bytes;    /* of data-in */
	uint64_t would_in, would_out;
	uint8_t status, outcome;
};

static uint8_t medium[1000000];

static void finish(struct rig *rig, const struct answer *a)
{
	struct fake_channel *c = rig_channel(rig);
	struct spt_task *t = c->tasks[0];

	assert_int_equal(c->n_tasks, 1);
	c->n_tasks = 0;
	if (a->bytes)
		spt_task_lend_in(t, medium, a->bytes, NULL);
	t->in_would_bytes = a->would_in;
	t->out_would_bytes = a->would_out;
	t->outcome = a->outcome;
	if (a->status == SPT_CHECK_CONDITION) {
		spt_task_check(t, SPT_KEY_MEDIUM_ERROR, 0x1100);
		return;
	}
	t->status = a->status;
	spt_task_complete(t);
}

static void start_read(struct rig *rig, uint32_t expected)
{
	uint8_t bhs[BHS_BYTES];

	rig_command_bhs(rig, &(struct rig_command){ .itt = 5, .read = true, .expected = expected }, bhs);
	rig_send(rig, bhs, NULL, 0);
}

/* Every PDU within MaxRecvDataSegmentLength, F at each MaxBurstLength and at the end, status in the last. */
static void bursts(void **state)
{
	static const struct {
		uint32_t bytes, segment, burst;
	} rows[] = {
		{ 4096, 8192, 65536 }, { 8192, 8192, 65536 }, { 8193, 8192, 65536 }, { 65536, 8192, 65536 },
		{ 65537, 8192, 65536 }, { 200000, 8192, 65536 }, { 200000, 8192, 10000 }, { 1, 512, 512 },
		{ 131072, 65536, 65536 }, { 3, 512, 512 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		uint32_t at = 0, in_burst = 0, n = 0;

		rig_open_entered(&rig);
		rig.conn->params.max_send_data_segment_bytes = rows[i].segment;
		rig.conn->params.max_burst_bytes = rows[i].burst;
		start_read(&rig, rows[i].bytes);
		finish(&rig, &(struct answer){ .bytes = rows[i].bytes, .would_in = rows[i].bytes });
		while (at < rows[i].bytes) {
			const struct rig_pdu *r = rig_expect(&rig, OP_DATA_IN);
			assert_true(r->bytes > 0 && r->bytes <= rows[i].segment);
			assert_int_equal(be32_get(r->bhs + 40), at);
			assert_int_equal(be32_get(r->bhs + 36), n++);
			assert_memory_equal(r->data, medium + at, r->bytes);
			at += r->bytes;
			in_burst += r->bytes;
			assert_true(in_burst <= rows[i].burst);
			bool end = at == rows[i].bytes;
			assert_int_equal(bhs_final(r->bhs), end || in_burst == rows[i].burst);
			assert_int_equal(r->bhs[1] & 1, end); /* S */
			if (bhs_final(r->bhs))
				in_burst = 0;
		}
		rig_silent(&rig);
		rig_close(&rig);
	}
}

static void check_residual(uint8_t flags, uint32_t bytes, const uint8_t *bhs)
{
	assert_int_equal(bhs[1] & 0x1e, flags);
	assert_int_equal(be32_get(bhs + 44), bytes);
}

/* RFC 7143 11.4.5: with status in the last Data-In and with a response of its own. */
static void residuals_of_reads(void **state)
{
	static const struct {
		uint32_t expected;
		struct answer a;
		uint8_t flags;
		uint32_t residual;
	} rows[] = {
		{ 4096, { .bytes = 4096, .would_in = 4096 }, 0, 0 },
		{ 4096, { .bytes = 36, .would_in = 36 }, RESIDUAL_UNDERFLOW, 4060 },
		{ 36, { .bytes = 36, .would_in = 4096 }, RESIDUAL_OVERFLOW, 4060 },
		{ 36, { .bytes = 36, .would_in = 1ull << 40 }, RESIDUAL_OVERFLOW, UINT32_MAX },
		{ 4096, { .would_in = 0 }, RESIDUAL_UNDERFLOW, 4096 },
		{ 4096, { .bytes = 512, .would_in = 512, .status = SPT_CHECK_CONDITION },
			RESIDUAL_UNDERFLOW, 3584 },
		{ 4096, { .status = SPT_BUSY }, RESIDUAL_UNDERFLOW, 4096 },
		{ 0, { .would_in = 512 }, RESIDUAL_OVERFLOW, 512 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct answer *a = &rows[i].a;
		struct rig rig;

		rig_open_entered(&rig);
		start_read(&rig, rows[i].expected);
		finish(&rig, a);
		const struct rig_pdu *r = NULL;
		if (a->bytes) {
			r = rig_expect(&rig, OP_DATA_IN);
			assert_int_equal(r->bytes, a->bytes);
		}
		if (!a->bytes || a->status) {
			r = rig_expect(&rig, OP_SCSI_RESPONSE);
			assert_int_equal(r->bhs[3], a->status);
			/* RFC 7143 11.4.8 */
			assert_int_equal(be32_get(r->bhs + 36), a->bytes ? 1 : 0);
		}
		check_residual(rows[i].flags, rows[i].residual, r->bhs);
		rig_silent(&rig);
		rig_close(&rig);
	}
}

static void residuals_of_writes(void **state)
{
	static const struct {
		struct answer a;
		uint8_t flags;
		uint32_t residual;
	} rows[] = {
		{ { .would_out = 4096 }, 0, 0 },
		{ { .would_out = 512 }, RESIDUAL_UNDERFLOW, 3584 },
		{ { .would_out = 8192 }, RESIDUAL_OVERFLOW, 4096 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		rig_open_entered(&rig);
		rig.conn->params.initial_r2t = true;
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true,
			.expected = 4096 }, bhs);
		rig_send(&rig, bhs, NULL, 0);
		uint32_t ttt = be32_get(rig_expect(&rig, OP_R2T)->bhs + 20);
		rig_data_out_bhs(bhs, 5, ttt, 0, 0, true);
		rig_send(&rig, bhs, medium, 4096);
		finish(&rig, &rows[i].a);
		const struct rig_pdu *r = rig_expect(&rig, OP_SCSI_RESPONSE);
		check_residual(rows[i].flags, rows[i].residual, r->bhs);
		assert_int_equal(be32_get(r->bhs + 36), 0); /* no Data-In was sent */
		rig_close(&rig);
	}
}

/* RFC 7143 11.4.2: The delivery below failed: no status, no residual, a response that says so (RFC 7143 11.4.3). */
static void delivery_failure(void **state)
{
	struct rig rig;

	rig_open_entered(&rig);
	start_read(&rig, 4096);
	finish(&rig, &(struct answer){ .outcome = SPT_DELIVERY_FAILURE });
	const struct rig_pdu *r = rig_expect(&rig, OP_SCSI_RESPONSE);
	assert_int_equal(r->bhs[2], RESPONSE_TARGET_FAILURE);
	check_residual(0, 0, r->bhs);
	assert_int_equal(r->bytes, 0);
	rig_close(&rig);
}

/* An answer that the socket takes in small pieces; and one that is dropped in the middle. */
static void partial_sends(void **state)
{
	for (unsigned drop = 0; drop < 2; drop++) {
		struct rig rig;
		uint32_t at = 0;
		int small = 4096;

		rig_open_entered(&rig);
		assert_int_equal(setsockopt(rig.conn->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
		start_read(&rig, 200000);
		finish(&rig, &(struct answer){ .bytes = 200000, .would_in = 200000 });
		fake_host_settle(&rig.fake);
		assert_true(rig.conn->tx.blocked);
		while (!drop && at < 200000) {
			const struct rig_pdu *r = rig_expect(&rig, OP_DATA_IN);
			assert_memory_equal(r->data, medium + at, r->bytes);
			at += r->bytes;
		}
		rig_close(&rig); /* nothing is left of what was not sent */
	}
}

/* A read of lent memory with digests that stays in the socket, its first part sent. */
static void begin_digested_read(struct rig *rig)
{
	int small = 4096;

	rig_open(rig);
	rig->params.header_digest = rig->params.data_digest = DIGEST_CRC32C;
	rig->params.max_send_data_segment_bytes = rig->params.max_burst_bytes = 1u << 20;
	rig_enter_attended(rig);
	assert_int_equal(setsockopt(rig->conn->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
}

static void put_digested_read(struct rig *rig)
{
	start_read(rig, sizeof(medium));
	finish(rig, &(struct answer){ .bytes = sizeof(medium), .would_in = sizeof(medium) });
	fake_host_settle(&rig->fake);
	assert_true(rig->conn->tx.blocked);
}

/*
 * Somebody writes to the medium again and again while it is sent: every PDU has the digest of its data (the rig looks at that), which
 * is of one time each, and none is longer than is sealed at once.
 */
static void written_while_sent(void **state)
{
	struct rig rig;
	uint8_t value = 1, last = 1;
	unsigned times = 0;

	begin_digested_read(&rig);
	memset(medium, value, sizeof(medium));
	put_digested_read(&rig);
	for (uint32_t at = 0; at < sizeof(medium);) {
		memset(medium, ++value, sizeof(medium));
		const struct rig_pdu *r = rig_expect(&rig, OP_DATA_IN);
		assert_true(r->bytes <= TX_STEADY_BYTES);
		for (uint32_t i = 1; i < r->bytes; i++)
			assert_int_equal(r->data[i], r->data[0]);
		assert_in_range(r->data[0], last, value);
		times += r->data[0] != last;
		last = r->data[0];
		at += r->bytes;
	}
	assert_true(times > 0); /* what is not sealed yet is not copied either */
	rig_close(&rig);
}

/* What is copied is copied to memory that has a limit. */
static void no_memory_for_the_rest(void **state)
{
	struct spt_memory *memory = spt_memory_new(1);
	struct rig rig;

	begin_digested_read(&rig);
	spt_pool_limit(rig.fake.host.pool, memory, 0);
	start_read(&rig, sizeof(medium));
	finish(&rig, &(struct answer){ .bytes = sizeof(medium), .would_in = sizeof(medium) });
	fake_host_settle(&rig.fake);
	rig_gone(&rig, CLOSE_NO_MEMORY);
	rig_close(&rig);
	spt_memory_free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts),
		cmocka_unit_test(residuals_of_reads),
		cmocka_unit_test(residuals_of_writes),
		cmocka_unit_test(delivery_failure),
		cmocka_unit_test(partial_sends),
		cmocka_unit_test(written_while_sent),
		cmocka_unit_test(no_memory_for_the_rest),
	};

	for (size_t i = 0; i < sizeof(medium); i++)
		medium[i] = (uint8_t)(i * 13 + i / 253);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
