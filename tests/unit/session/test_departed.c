/* SPDX-License-Identifier: MIT */
/* Commands at a device when their connection goes (RFC 7143 7.1.4.3, 7.2.2, 7.5, 11.14), in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rig.h"
#include "wire/logout_request.h"
#include "wire/tmf_request.h"
#include "wire/tmf_response.h"

#define SECONDS(n) ((n) * 1000000ull)

/* A command of the current connection is at the device; Time2Wait 2 s, Time2Retain 20 s. */
static void begin(struct rig *rig, uint8_t level, uint32_t itt)
{
	uint8_t bhs[BHS_BYTES];

	rig_open(rig);
	rig->params.error_recovery_level = level;
	rig->params.max_connections = 4;
	rig_enter(rig);
	rig_command_bhs(rig, &(struct rig_command){ .itt = 1, .immediate = true }, bhs);
	rig_send(rig, bhs, NULL, 0);
	rig_expect(rig, OP_SCSI_RESPONSE);
	rig_add(rig, 1);
	rig_command_bhs(rig, &(struct rig_command){ .itt = itt }, bhs);
	rig_send(rig, bhs, NULL, 0);
	assert_int_equal(rig_channel(rig)->n_tasks, 1);
}

static void logout(struct rig *rig, uint8_t reason, uint16_t cid)
{
	struct pdu_logout_request pdu = {
		.immediate = true, .reason = reason, .itt = 99, .cid = cid, .cmd_sn = sn(rig->cmd_sn) };
	uint8_t bhs[BHS_BYTES];

	pdu_logout_request_encode(&pdu, bhs);
	rig_send(rig, bhs, NULL, 0);
}

static uint8_t logout_response(struct rig *rig)
{
	return rig_expect(rig, OP_LOGOUT_RESPONSE)->bhs[2];
}

static uint8_t reassign(struct rig *rig, uint32_t itt)
{
	uint8_t bhs[BHS_BYTES];

	rig_tmf_bhs(rig, bhs, 50, TMF_TASK_REASSIGN, itt, 0);
	rig_send(rig, bhs, NULL, 0);
	return rig_expect(rig, OP_TMF_RESPONSE)->bhs[2];
}

/* A login that takes its place in the turn in which it closes is its logout all the same (6.3.4). */
static void replaced_while_closing(void **state)
{
	struct rig rig;

	begin(&rig, 2, 7);
	conn_close(rig.conn, CLOSE_PEER_CLOSED, NULL);
	rig.env.phase->conn_reinstated(rig.session, 1);
	rig_lose(&rig);
	rig_swap(&rig);
	assert_int_equal(reassign(&rig, 7), TMF_COMPLETE);
	fake_complete(rig_channel(&rig));
	rig_expect(&rig, OP_SCSI_RESPONSE);
	rig_close(&rig);
}

/* It is done before or after another connection has taken it over: its status comes there, once. */
static void goes_on(void **state)
{
	for (unsigned early = 0; early < 2; early++) {
		struct rig rig;
		begin(&rig, 2, 7);
		rig_lose(&rig);
		rig_swap(&rig);
		assert_int_equal(rig_channel(&rig)->n_tasks, 1);
		if (early)
			fake_complete(rig_channel(&rig));
		rig_silent(&rig);
		assert_int_equal(reassign(&rig, 7), TMF_STILL_ALLEGIANT);
		logout(&rig, LOGOUT_RECOVERY, 1);
		assert_int_equal(logout_response(&rig), 0);
		assert_int_equal(reassign(&rig, 7), TMF_COMPLETE);
		if (!early) {
			rig_silent(&rig);
			fake_complete(rig_channel(&rig));
		}
		const struct rig_pdu *pdu = rig_expect(&rig, OP_SCSI_RESPONSE);
		assert_int_equal(be32_get(pdu->bhs + 16), 7);
		assert_int_equal(pdu->bhs[3], SPT_GOOD);
		rig_pass(&rig, SECONDS(60)); /* nothing of the old connection is left to run out */
		rig_close(&rig);
	}
}

/* RFC 7143 7.14: an immediate command is lost with its connection, the other one is not. */
static void immediate_is_lost(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	begin(&rig, 2, 7);
	rig.disk->cancels = true;
	rig_command_bhs(&rig, &(struct rig_command){ .itt = 8, .immediate = true }, bhs);
	rig_send(&rig, bhs, NULL, 0);
	assert_int_equal(rig_channel(&rig)->n_tasks, 2);
	rig_lose(&rig);
	rig_swap(&rig);
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	logout(&rig, LOGOUT_RECOVERY, 1);
	assert_int_equal(logout_response(&rig), 0);
	assert_int_equal(reassign(&rig, 8), TMF_NO_TASK);
	assert_int_equal(reassign(&rig, 7), TMF_COMPLETE);
	fake_complete(rig_channel(&rig));
	assert_int_equal(be32_get(rig_expect(&rig, OP_SCSI_RESPONSE)->bhs + 16), 7);
	rig_silent(&rig);
	rig_close(&rig);
}

/* Nobody takes it over in time: it is aborted, and the device is asked to let go of it. */
static void runs_out(void **state)
{
	struct rig rig;

	begin(&rig, 2, 7);
	rig.disk->cancels = true;
	rig_lose(&rig);
	rig_swap(&rig);
	rig.conn->timer.fn = NULL; /* this one shall not fall silent */
	spt_host_timer_clear(&rig.fake.host, &rig.conn->timer);
	rig_pass(&rig, SECONDS(21));
	assert_int_equal(rig_channel(&rig)->n_tasks, 1);
	rig_pass(&rig, SECONDS(2));
	assert_int_equal(rig_channel(&rig)->n_tasks, 0);
	logout(&rig, LOGOUT_RECOVERY, 1);
	assert_int_equal(logout_response(&rig), 1);
	assert_int_equal(reassign(&rig, 7), TMF_NO_TASK);
	rig_close(&rig);
}

/* Without any connection the session waits as long, and then is gone. */
static void session_runs_out(void **state)
{
	struct rig rig;

	begin(&rig, 2, 7);
	rig.disk->cancels = true;
	rig_lose(&rig);
	rig_swap(&rig);
	rig_pass(&rig, SECONDS(10));
	rig_lose(&rig);
	rig_pass(&rig, SECONDS(21));
	assert_int_equal(rig.sessions_gone, 0);
	rig_pass(&rig, SECONDS(2));
	assert_int_equal(rig.sessions_gone, 1);
	rig_close(&rig);
}

/* Below level 2 the commands of a lost connection are aborted; without another one the session ends. */
static void not_kept(void **state)
{
	struct rig rig;

	begin(&rig, 1, 7);
	rig.disk->cancels = true;
	rig_lose(&rig);
	assert_int_equal(rig_channel(&rig)->n_tasks, 0);
	rig_swap(&rig);
	assert_int_equal(reassign(&rig, 7), TMF_NO_REASSIGN);
	rig_lose(&rig);
	assert_int_equal(rig.sessions_gone, 1);
	rig_close(&rig);
}

/* RFC 7143 11.14.5: The answer to the logout of another connection waits for the device, but not for ever. */
static void logout_waits(void **state)
{
	for (unsigned level = 0; level < 3; level++) {
		for (unsigned stuck = 0; stuck < 2; stuck++) {
			struct rig rig;
			begin(&rig, (uint8_t)level, 7);
			rig_swap(&rig);
			spt_host_timer_clear(&rig.fake.host, &rig.conn->timer);
			logout(&rig, LOGOUT_CLOSE_CONNECTION, 1);
			assert_null(rig.other);
			rig_silent(&rig);
			if (stuck)
				rig_pass(&rig, SECONDS(23));
			else
				fake_complete(rig_channel(&rig));
			assert_int_equal(logout_response(&rig), stuck ? 3 : 0);
			if (stuck)
				fake_complete(rig_channel(&rig));
			rig_silent(&rig);
			rig_close(&rig);
		}
	}
}

/* RFC 7143 11.14: so does that of the own connection, or of the session; then comes the end of the connection. */
static void own_logout_waits(void **state)
{
	for (unsigned reason = LOGOUT_CLOSE_SESSION; reason <= LOGOUT_CLOSE_CONNECTION; reason++) {
		for (unsigned stuck = 0; stuck < 2; stuck++) {
			struct rig rig;
			begin(&rig, 1, 7);
			spt_host_timer_clear(&rig.fake.host, &rig.conn->timer);
			spt_host_timer_clear(&rig.fake.host, &rig.other->timer);
			logout(&rig, (uint8_t)reason, 1);
			rig_pass(&rig, SECONDS(2));
			rig_silent(&rig);
			if (stuck)
				rig_pass(&rig, SECONDS(2));
			else
				fake_complete(rig_channel(&rig));
			assert_int_equal(logout_response(&rig), stuck ? 3 : 0);
			rig_gone(&rig, CLOSE_LOGOUT);
			if (stuck)
				fake_complete(rig_channel(&rig));
			rig_close(&rig);
		}
	}
}

/* ABORT TASK reaches a command that has no connection. */
static void aborted_meanwhile(void **state)
{
	struct rig rig;
	uint8_t bhs[BHS_BYTES];

	begin(&rig, 2, 7);
	rig_lose(&rig);
	rig_swap(&rig);
	rig_tmf_bhs(&rig, bhs, 51, TMF_ABORT_TASK, 7, rig.params.cmd_sn.v);
	rig_send(&rig, bhs, NULL, 0);
	rig_silent(&rig);
	logout(&rig, LOGOUT_RECOVERY, 1);
	assert_int_equal(logout_response(&rig), 0);
	assert_int_equal(reassign(&rig, 7), TMF_NO_TASK);
	fake_complete(rig_channel(&rig));
	assert_int_equal(rig_expect(&rig, OP_TMF_RESPONSE)->bhs[2], TMF_COMPLETE);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on), cmocka_unit_test(replaced_while_closing),
		cmocka_unit_test(immediate_is_lost),
		cmocka_unit_test(runs_out),
		cmocka_unit_test(session_runs_out),
		cmocka_unit_test(not_kept),
		cmocka_unit_test(logout_waits),
		cmocka_unit_test(own_logout_waits),
		cmocka_unit_test(aborted_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
