/* SPDX-License-Identifier: MIT */
/* Command numbering, the window, and task management as the initiator sees it (RFC 7143 4.2.2, 11.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"
#include "wire/reject.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

static uint32_t exp_cmd_sn(const struct rig_pdu *pdu)
{
	return be32_get(pdu->bhs + 28);
}

static uint32_t max_cmd_sn(const struct rig_pdu *pdu)
{
	return be32_get(pdu->bhs + 32);
}

static void command(struct rig *rig, uint32_t itt, uint32_t skip)
{
	uint8_t bhs[BHS_BYTES];

	rig_command_bhs(rig, &(struct rig_command){ .itt = itt, .skip = skip }, bhs);
	rig_send(rig, bhs, NULL, 0);
}

static void tmf(struct rig *rig, uint32_t itt, uint8_t function, uint32_t rtt, uint32_t ref_cmd_sn)
{
	uint8_t bhs[BHS_BYTES];

	rig_tmf_bhs(rig, bhs, itt, function, rtt, ref_cmd_sn);
	rig_send(rig, bhs, NULL, 0);
}

static void ping(struct rig *rig)
{
	uint8_t bhs[BHS_BYTES];

	rig_nop_bhs(rig, bhs, 0x999, true);
	rig_send(rig, bhs, NULL, 0);
	rig_expect(rig, OP_NOP_IN);
}

static void open_at(struct rig *rig, uint32_t cmd_sn, unsigned window)
{
	uint8_t bhs[BHS_BYTES];

	rig_open(rig);
	rig->params.cmd_sn = sn(cmd_sn);
	rig->window = window;
	rig_enter(rig);
	rig_command_bhs(rig, &(struct rig_command){ .itt = 1, .immediate = true }, bhs);
	rig_send(rig, bhs, NULL, 0);
	rig_expect(rig, OP_SCSI_RESPONSE); /* the unit attention */
}

/* Held commands run in the order of their numbers when the hole is filled, over the wrap too. */
static void in_order(void **state)
{
	static const uint32_t starts[] = { 100, 0xffffffff, 0xfffffffd, 0x7ffffffe, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		struct rig rig;

		open_at(&rig, starts[i], 8);
		command(&rig, 13, 3);
		command(&rig, 11, 1);
		command(&rig, 12, 2);
		command(&rig, 77, 2); /* a duplicate is ignored */
		command(&rig, 78, 8); /* outside of the window */
		rig_silent(&rig);
		assert_int_equal(rig.disk->submits, 0);
		command(&rig, 10, 0);
		struct fake_channel *c = rig_channel(&rig);
		assert_int_equal(c->n_tasks, 4);
		for (uint32_t n = 0; n < 4; n++)
			assert_int_equal(c->tasks[n]->aux.task.tag, 10 + n);
		for (uint32_t n = 0; n < 4; n++)
			fake_complete(c);
		for (uint32_t n = 0; n < 4; n++) {
			const struct rig_pdu *r = rig_expect(&rig, OP_SCSI_RESPONSE);
			assert_int_equal(bhs_itt(r->bhs), 10 + n);
			assert_int_equal(exp_cmd_sn(r), starts[i] + 4);
		}
		rig_close(&rig);
	}
}

static void below_the_window(void **state)
{
	struct rig rig;

	open_at(&rig, 100, 8);
	command(&rig, 10, 0);
	command(&rig, 11, (uint32_t)-1);
	command(&rig, 12, (uint32_t)-1000);
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	rig_silent(&rig);
	rig_close(&rig);
}

/* RFC 7143 4.2.2.1: The window is what may be outstanding: it closes, and what ends opens it and says so. */
static void window_closes_and_opens(void **state)
{
	struct rig rig;

	open_at(&rig, 100, 2);
	command(&rig, 10, 0);
	command(&rig, 11, 0);
	command(&rig, 12, 0); /* no room: ignored */
	assert_int_equal(rig_channel(&rig)->n_tasks, 2);
	ping(&rig);
	fake_complete(rig_channel(&rig));
	const struct rig_pdu *r = rig_expect(&rig, OP_SCSI_RESPONSE);
	assert_int_equal(exp_cmd_sn(r), 102);
	assert_int_equal(max_cmd_sn(r), 102);
	rig.cmd_sn = 102;
	command(&rig, 12, 0);
	assert_int_equal(rig_channel(&rig)->n_tasks, 2);
	rig_close(&rig);
}

/* RFC 7143 11.4.11: An aborted command gives its place back, even while its R2T waits to be sent, and that is told. */
static void aborted_opens_the_window(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	const struct rig_pdu *r;
	uint32_t max = 0, exp = 0;

	open_at(&rig, 100, 1);
	rig.conn->tx.blocked = true;
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 10, .write = true, .expected = 4096 }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	tmf(&rig, 11, TMF_ABORT_TASK, 10, 100);
	rig.conn->tx.blocked = false;
	tx_writable(rig.conn);
	while ((r = rig_recv(&rig))) {
		max = max_cmd_sn(r);
		exp = exp_cmd_sn(r);
	}
	assert_int_equal(exp, 101);
	assert_int_equal(max, 101);
	command(&rig, 12, 0);
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	rig_close(&rig);
}

/* RFC 7143 7.3: the CmdSN of a command that is rejected is not received: the gap is the initiator's. */
static void rejected_is_not_received(void **state)
{
	for (unsigned held = 0; held < 2; held++) {
		struct rig rig;
		uint8_t bhs[BHS_BYTES];

		open_at(&rig, 100, 8);
		rig_command_bhs(&rig, &(struct rig_command){ .itt = 10, .skip = held }, bhs);
		rig.cmd_sn = 100;
		bhs[1] |= 7; /* no such task attribute */
		rig_send(&rig, bhs, NULL, 0);
		assert_int_equal(exp_cmd_sn(rig_expect(&rig, OP_REJECT)), 100);
		command(&rig, 11, 1 + held);
		assert_int_equal(rig_channel(&rig)->n_tasks, 0);
		if (held)
			command(&rig, 12, 0);
		command(&rig, 13, 0);
		assert_int_equal(rig_channel(&rig)->n_tasks, 2 + held);
		ping(&rig);
		rig_close(&rig);
	}
}

/* What waits for its turn is memory: above a bound it is rejected, and may come again. */
static void held_data_is_bounded(void **state)
{
	static uint8_t data[262144];
	struct rig rig;
	uint8_t bhs[BHS_BYTES];
	unsigned rejected = 0;

	open_at(&rig, 100, 8);
	for (uint32_t i = 1; i < 8; i++) {
		rig.cmd_sn = 100 + i;
		rig_nop_bhs(&rig, bhs, i, false);
		rig_send(&rig, bhs, data, sizeof(data));
		const struct rig_pdu *r = rig_recv(&rig);
		if (!r)
			continue;
		assert_int_equal(bhs_opcode(r->bhs), OP_REJECT);
		assert_int_equal(r->bhs[2], REJECT_LONG_OPERATION);
		rejected++;
	}
	assert_int_equal(rejected, 3);
	rig.cmd_sn = 100;
	rig_nop_bhs(&rig, bhs, 0, false);
	rig_send(&rig, bhs, NULL, 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(bhs_itt(rig_expect(&rig, OP_NOP_IN)->bhs), i);
	rig_silent(&rig);
	rig_nop_bhs(&rig, bhs, 5, true);
	rig_send(&rig, bhs, NULL, 0);
	assert_int_equal(exp_cmd_sn(rig_expect(&rig, OP_NOP_IN)), 105);
	rig_close(&rig);
}

/* RFC 7143 4.2.5.3, 11.17.1 reason 7: the tag of a task that is there. */
static void tag_in_use(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	open_at(&rig, 100, 8);
	command(&rig, 10, 0);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 10, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	assert_int_equal(rig_expect(&rig, OP_REJECT)->bhs[2], REJECT_TASK_IN_PROGRESS);
	fake_complete(rig_channel(&rig));
	rig_expect(&rig, OP_SCSI_RESPONSE);
	command(&rig, 10, 0);
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	rig_close(&rig);
}

static void expect_tmf(struct rig *rig, uint32_t itt, uint8_t response)
{
	const struct rig_pdu *r = rig_expect(rig, OP_TMF_RESPONSE);

	assert_int_equal(bhs_itt(r->bhs), itt);
	assert_int_equal(r->bhs[2], response);
}

/* RFC 7143 11.5.5: for an immediate command RefCmdSN is the CmdSN of the request itself. */
static void abort_of_an_immediate_command(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	open_at(&rig, 100, 8);
	rig.disk->cancels = true;
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 10, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	rig_nop_bhs(&rig, bhs, 11, false); /* CmdSN moves on */
	rig_send(&rig, bhs, NULL, 0);
	rig_expect(&rig, OP_NOP_IN);
	tmf(&rig, 12, TMF_ABORT_TASK, 10, rig.cmd_sn);
	expect_tmf(&rig, 12, TMF_COMPLETE);
	assert_int_equal(rig_channel(&rig)->n_tasks, 0);
	rig_close(&rig);
}

/* RFC 7143 11.6.1 b, c: a task that is not there, within the window and outside. */
static void abort_before_its_command(void **state)
{
	struct rig rig;

	open_at(&rig, 100, 8);
	rig.cmd_sn = 102;
	tmf(&rig, 12, TMF_ABORT_TASK, 10, 101); /* behind a hole */
	expect_tmf(&rig, 12, TMF_COMPLETE);
	tmf(&rig, 13, TMF_ABORT_TASK, 10, 100);
	expect_tmf(&rig, 13, TMF_COMPLETE);
	tmf(&rig, 14, TMF_ABORT_TASK, 10, 99);
	expect_tmf(&rig, 14, TMF_NO_TASK);
	tmf(&rig, 15, TMF_ABORT_TASK, 10, 103); /* not before the request itself */
	expect_tmf(&rig, 15, TMF_NO_TASK);
	command(&rig, 16, 0);
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	rig_close(&rig);
}

/* A command that is held can be aborted, and its number counts as received. */
static void abort_of_a_held_command(void **state)
{
	struct rig rig;

	open_at(&rig, 100, 8);
	command(&rig, 10, 1);
	rig.cmd_sn = 102;
	tmf(&rig, 12, TMF_LOGICAL_UNIT_RESET, TAG_NONE, 0);
	expect_tmf(&rig, 12, TMF_COMPLETE);
	rig.cmd_sn = 100;
	command(&rig, 11, 0);
	struct fake_channel *c = rig_channel(&rig);
	assert_int_equal(c->n_tasks, 0); /* the unit attention of the reset */
	assert_int_equal(exp_cmd_sn(rig_expect(&rig, OP_SCSI_RESPONSE)), 102);
	assert_int_equal(rig.disk->submits, 0);
	rig_close(&rig);
}

/* RFC 7143 4.2.2.1: Functions that wait are memory: above a bound they are answered at once, with no. */
static void too_many_functions(void **state)
{
	struct rig rig;
	unsigned refused = 0;

	open_at(&rig, 100, 8);
	command(&rig, 10, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		tmf(&rig, 1000 + i, TMF_ABORT_TASK_SET, TAG_NONE, 0);
		const struct rig_pdu *r = rig_recv(&rig);
		if (!r)
			continue;
		assert_int_equal(bhs_opcode(r->bhs), OP_TMF_RESPONSE);
		assert_int_equal(bhs_itt(r->bhs), 1000 + i);
		assert_int_equal(r->bhs[2], TMF_REJECTED);
		refused++;
	}
	assert_in_range(refused, 900, 999);
	fake_complete(rig_channel(&rig));
	for (unsigned i = 0; i < 1000 - refused; i++)
		assert_int_equal(rig_expect(&rig, OP_TMF_RESPONSE)->bhs[2], TMF_COMPLETE);
	tmf(&rig, 12, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	expect_tmf(&rig, 12, TMF_COMPLETE);
	rig_close(&rig);
}

/* RFC 7143 4.2.2.1: however much one connection has under way, each other one has room for one of both kinds. */
static void room_on_each_connection(void **state)
{
	struct rig rig;
	const struct rig_pdu *r = NULL;
	uint8_t bhs[BHS_BYTES];
	uint32_t itt = 10;

	rig_open(&rig);
	rig.params.max_connections = 2;
	rig_enter(&rig);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 1, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	rig_expect(&rig, OP_SCSI_RESPONSE); /* the unit attention */
	while (!r && itt < 1000) {
		rig_command_bhs(&rig, &(struct rig_command){ .itt = itt++, .immediate = true }, bhs);
		rig_send(&rig, bhs, NULL, 0);
		r = rig_recv(&rig);
	}
	assert_non_null(r);
	assert_int_equal(bhs_opcode(r->bhs), OP_REJECT);
	for (r = NULL; !r && itt < 2000; r = rig_recv(&rig))
		tmf(&rig, itt++, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	assert_non_null(r);
	assert_int_equal(r->bhs[2], TMF_REJECTED);

	rig_add(&rig, 1);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 5000, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	rig_silent(&rig);
	tmf(&rig, 5001, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	rig_silent(&rig);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 5002, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	rig_expect(&rig, OP_REJECT);
	tmf(&rig, 5003, TMF_ABORT_TASK_SET, TAG_NONE, 0);
	expect_tmf(&rig, 5003, TMF_REJECTED);
	while (rig_channel(&rig)->n_tasks)
		fake_complete(rig_channel(&rig));
	expect_tmf(&rig, 5001, TMF_COMPLETE);
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 5004, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	rig_silent(&rig);
	rig_close(&rig);
}

/* The connection is lost while task management waits for the device: all goes when the device is done. */
static void lost_while_functions_wait(void **state)
{
	struct rig rig;

	open_at(&rig, 100, 8);
	command(&rig, 10, 0);
	tmf(&rig, 11, TMF_ABORT_TASK, 10, 100);
	tmf(&rig, 12, TMF_LOGICAL_UNIT_RESET, TAG_NONE, 0);
	close(rig.peer);
	rig.peer = -1;
	rig_gone(&rig, CLOSE_PEER_CLOSED);
	assert_non_null(rig.session);
	fake_complete(rig_channel(&rig));
	fake_host_settle(&rig.fake);
	assert_null(rig.session);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(below_the_window),
		cmocka_unit_test(window_closes_and_opens),
		cmocka_unit_test(aborted_opens_the_window),
		cmocka_unit_test(rejected_is_not_received),
		cmocka_unit_test(held_data_is_bounded),
		cmocka_unit_test(tag_in_use),
		cmocka_unit_test(abort_of_an_immediate_command),
		cmocka_unit_test(abort_before_its_command),
		cmocka_unit_test(abort_of_a_held_command),
		cmocka_unit_test(too_many_functions),
		cmocka_unit_test(room_on_each_connection),
		cmocka_unit_test(lost_while_functions_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
