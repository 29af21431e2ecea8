/* SPDX-License-Identifier: MIT */
/* Data from the initiator: where it goes, and what comes of data that must not be (RFC 7143 11.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <spt/tmf.h>

#include "rig.h"

static uint8_t pattern[1u << 20];

static void make_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i * 7 + i / 251);
}

/* The oldest task at the device, which must have got the first @bytes of the pattern. */
static void check_written(struct rig *rig, uint32_t bytes)
{
	struct fake_channel *c = rig_channel(rig);

	assert_int_equal(c->n_tasks, 1);
	assert_int_equal(c->tasks[0]->out_wanted_bytes, bytes);
	assert_memory_equal(c->tasks[0]->out.data, pattern, bytes);
	fake_complete(c);
	assert_int_equal(rig_expect(rig, OP_SCSI_RESPONSE)->bhs[3], SPT_GOOD);
}

/* Fills the pool with something else, so that memory nobody wrote to is seen. */
static void poison(struct rig *rig)
{
	struct spt_pool *pool = rig->fake.host.pool;
	void *blocks[8];

	for (unsigned i = 0; i < 8; i++) {
		blocks[i] = spt_pool_get(pool, 4096u << i);
		memset(blocks[i], 0xee, 4096u << i);
	}
	for (unsigned i = 0; i < 8; i++)
		spt_pool_put(pool, blocks[i], 4096u << i);
}

/* Unsolicited data may go on behind what the logical unit takes: what it takes is all there. */
static void unsolicited_beyond_wanted(void **state)
{
	static const uint32_t wanted[] = { 1, 511, 512, 4096, 5000, 8191 };

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		rig_open_entered(&rig);
		poison(&rig);
		rig.disk->wanted = wanted[i];
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true,
			.expected = 8192, .more = true }, bhs);
		rig_send(&rig, bhs, NULL, 0);
		rig_data_out_bhs(bhs, 5, TAG_NONE, 0, 0, false);
		rig_send(&rig, bhs, pattern, 4096);
		rig_data_out_bhs(bhs, 5, TAG_NONE, 1, 4096, true);
		rig_send(&rig, bhs, pattern + 4096, 4096);
		check_written(&rig, wanted[i]);
		rig_close(&rig);
	}
}

/* A command behind a hole in CmdSN keeps its immediate and its unsolicited data until its turn. */
static void held_with_data(void **state)
{
	static const uint32_t expected[] = { 16384, 65536, 262144, 1048576, 2097152 };

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		for (unsigned split = 0; split < 2; split++) {
			struct rig rig;
			uint8_t bhs[BHS_BYTES];

			rig_open_entered(&rig);
			poison(&rig);
			rig.disk->wanted = 16384;
			rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true,
				.expected = expected[i], .more = true, .skip = 1 }, bhs);
			if (split) { /* the header arrives before the data does */
				be24_put(bhs + 5, 4096);
				rig_put(&rig, bhs, BHS_BYTES);
				fake_host_settle(&rig.fake);
				rig_put(&rig, pattern, 4096);
				fake_host_settle(&rig.fake);
			} else {
				rig_send(&rig, bhs, pattern, 4096);
			}
			for (uint32_t at = 4096; at < 16384; at += 4096) {
				rig_data_out_bhs(bhs, 5, TAG_NONE, at / 4096 - 1, at, at == 12288);
				rig_send(&rig, bhs, pattern + at, 4096);
			}
			rig_silent(&rig);
			rig_nop_bhs(&rig, bhs, 6, false);
			rig_send(&rig, bhs, NULL, 0);
			rig_expect(&rig, OP_NOP_IN);
			check_written(&rig, 16384);
			rig_close(&rig);
		}
	}
}

/* RFC 7143 11.7.4: A Target Transfer Tag is given when its R2T has left, not before: it can be guessed. */
static void guessed_tags(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	uint32_t ttt;

	rig_open_entered(&rig);
	rig.params.max_burst_bytes = rig.conn->params.max_burst_bytes = 512;
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true, .expected = 65536 }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	ttt = be32_get(rig_expect(&rig, OP_R2T)->bhs + 20);
	/* From here on the target can send nothing: R2Ts stay in its queue. */
	rig.conn->tx.blocked = true;
	for (uint32_t i = 0; i < 40; i++) {
		rig_data_out_bhs(bhs, 5, ttt + i, 0, 512 * i, true);
		rig_send(&rig, bhs, pattern, 512);
	}
	rig.conn->tx.blocked = false;
	tx_writable(rig.conn);
	/* The first was asked for; the second was not, and ends the write. */
	ttt = be32_get(rig_expect(&rig, OP_R2T)->bhs + 20);
	rig_expect(&rig, OP_REJECT);
	rig_silent(&rig);
	rig_data_out_bhs(bhs, 5, ttt, 0, 512, true);
	rig_send(&rig, bhs, pattern, 512);
	assert_int_equal(rig_expect(&rig, OP_SCSI_RESPONSE)->bhs[3], SPT_CHECK_CONDITION);
	rig_nop_bhs(&rig, bhs, 6, true);
	rig_send(&rig, bhs, NULL, 0);
	rig_expect(&rig, OP_NOP_IN);
	assert_int_equal(rig_channel(&rig)->n_tasks, 0);
	rig_close(&rig);
}

/* RFC 7143 4.2.2.4: Every number in a Data-Out is held against what was asked for. RFC 7143 11.17.1: the response waits for the F of the sequence. */
static void wrong_numbers(void **state)
{
	static const struct {
		uint32_t ttt, data_sn, offset, bytes;
		bool final;
	} rows[] = {
		{ 1, 0, 0, 4096, true },      /* another tag */
		{ 0, 1, 0, 4096, true },      /* DataSN */
		{ 0, 0, 512, 4096, true },    /* offset */
		{ 0, 0, 0xfffff000, 4096, true },
		{ 0, 0, 0, 2048, true },      /* F before the end */
		{ 0, 0, 0, 4100, true },      /* more than asked for */
		{ 0, 0, 0, 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		rig_open_entered(&rig);
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true,
			.expected = 4096 }, bhs);
		rig_send(&rig, bhs, NULL, 0);
		uint32_t ttt = be32_get(rig_expect(&rig, OP_R2T)->bhs + 20);
		rig_data_out_bhs(bhs, 5, ttt + rows[i].ttt, rows[i].data_sn, rows[i].offset,
			rows[i].final);
		rig_send(&rig, bhs, pattern, rows[i].bytes);
		rig_expect(&rig, OP_REJECT);
		if (rows[i].ttt) {
			rig_silent(&rig);
			rig_data_out_bhs(bhs, 5, ttt, 7, 0, true);
			rig_send(&rig, bhs, NULL, 0);
		}
		/* RFC 7143 7.3: a task that is active is concluded by a response of its own */
		const struct rig_pdu *r = rig_expect(&rig, OP_SCSI_RESPONSE);
		assert_int_equal(r->bhs[3], SPT_CHECK_CONDITION);
		assert_int_equal(r->data[2 + 2] & 0xf, SPT_KEY_ABORTED_COMMAND);
		assert_int_equal(rig.disk->submits, 0);
		rig_close(&rig);
	}
}

/* Immediate, unsolicited and solicited data, arriving in pieces of every size. */
static void pieces(void **state)
{
	for (size_t piece = 1; piece < 400; piece += piece < 70 ? 1 : 37) {
		struct rig rig;
		uint8_t stream[3 * BHS_BYTES + 2048], *p = stream;

		rig_open_entered(&rig);
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true, .expected = 2000,
			.more = true }, p);
		be24_put(p + 5, 101); /* padded by three */
		memcpy(p + BHS_BYTES, pattern, 104);
		p += BHS_BYTES + 104;
		rig_data_out_bhs(p, 5, TAG_NONE, 0, 101, false);
		be24_put(p + 5, 899);
		memcpy(p + BHS_BYTES, pattern + 101, 900);
		p += BHS_BYTES + 900;
		rig_data_out_bhs(p, 5, TAG_NONE, 1, 1000, true);
		be24_put(p + 5, 1000);
		memcpy(p + BHS_BYTES, pattern + 1000, 1000);
		p += BHS_BYTES + 1000;
		for (uint8_t *at = stream; at < p; at += piece) {
			rig_put(&rig, at, MIN(piece, (size_t)(p - at)));
			fake_host_settle(&rig.fake);
		}
		check_written(&rig, 2000);
		rig_close(&rig);
	}
}

static int answered;

static void reset_answered(struct spt_tmf *tmf)
{
	assert_int_equal(tmf->response, SPT_TMF_COMPLETE);
	answered++;
}

static void count(void *arg)
{
	++*(int *)arg;
}

/* Another nexus resets the logical unit while a Data-Out is half here: its memory stays until it is. */
static void reset_in_the_middle(void **state)
{
	for (unsigned held = 0; held < 2; held++) {
		struct rig rig;
		struct spt_session_params p = {
			.nexus = { .initiator_name = "iqn.b", .target_name = "iqn.t", .peer_address = "x" },
		};
		struct spt_tmf tmf = { .function = SPT_TMF_LOGICAL_UNIT_RESET, .done = reset_answered };
		uint8_t bhs[BHS_BYTES];
		uint32_t ttt = TAG_NONE;
		int stopped = 0;

		rig_open_entered(&rig);
		p.luns = rig.map;
		assert_int_equal(spt_session_start(rig.context, &p, &tmf.session), 0);
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5, .write = true, .expected = 8192,
			.more = held, .skip = held }, bhs);
		rig_send(&rig, bhs, NULL, 0);
		if (!held)
			ttt = be32_get(rig_expect(&rig, OP_R2T)->bhs + 20);
		rig_data_out_bhs(bhs, 5, ttt, 0, 0, true);
		be24_put(bhs + 5, 8192);
		rig_put(&rig, bhs, BHS_BYTES);
		rig_put(&rig, pattern, 3000);
		fake_host_settle(&rig.fake);
		assert_int_equal(spt_tmf(rig.context, &tmf), 0);
		fake_host_settle(&rig.fake);
		assert_int_equal(answered, 1);
		answered = 0;
		rig_put(&rig, pattern + 3000, 8192 - 3000);
		rig_silent(&rig); /* no response is owed */
		rig.cmd_sn = held ? 100 : 101;
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 5 }, bhs); /* the tag is free */
		rig_send(&rig, bhs, NULL, 0);
		rig_expect(&rig, OP_SCSI_RESPONSE); /* the unit attention of the reset */
		assert_int_equal(rig.disk->submits, 0);
		assert_int_equal(spt_session_stop(rig.context, tmf.session, count, &stopped), 0);
		assert_int_equal(stopped, 1);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsolicited_beyond_wanted),
		cmocka_unit_test(held_with_data),
		cmocka_unit_test(guessed_tags),
		cmocka_unit_test(wrong_numbers),
		cmocka_unit_test(pieces),
		cmocka_unit_test(reset_in_the_middle),
	};

	make_pattern();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
