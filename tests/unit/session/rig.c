/* SPDX-License-Identifier: MIT */
/* The session tests' rig: see rig.h. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/list.h"
#include "rig.h"
#include "wire/data_out.h"
#include "wire/digest.h"
#include "wire/nop_out.h"
#include "wire/scsi_command.h"
#include "wire/tmf_request.h"

static struct rig *rig_of(const struct session_env *env)
{
	return env->arg;
}

static bool find_target(struct conn *conn, const struct login_question *q, struct login_target *ret)
{
	ret->portal_group_tag = 1;
	return true;
}

static void make_session(struct rig *rig, const struct login_params *params)
{
	struct session_params p = {
		.login = params,
		.tsih = 1,
		.id = 1,
		.luns = params->session_type == SESSION_DISCOVERY ? NULL : rig->map,
		.window = rig->window,
		.budget_bytes = 4u << 20,
		.portal = "main",
		.peer = rig->conn->peer,
		.local = rig->conn->local,
	};

	assert_int_equal(session_new(&rig->env, &p, &rig->session), 0);
}

void rig_join(struct rig *rig)
{
	make_session(rig, login_params(rig->conn->login));
	conn_joined(rig->conn, LOGIN_SUCCESS, NULL, rig->session);
}

static void join(struct conn *conn)
{
	if (!rig_of(conn->env)->join_later)
		rig_join(rig_of(conn->env));
}

static void join_cancelled(struct conn *conn)
{
}

static void session_gone(struct session *session)
{
	struct rig *rig = rig_of(session->env);

	rig->sessions_gone++;
	rig->session = NULL;
}

static void send_targets(struct conn *conn, const char *value, struct key_writer *out)
{
	char name[SPT_NAME_MAX + 1] = "iqn.2026-11.org.example:t";

	key_put(out, "TargetName", name);
	memset(name + strlen(name), 'x', sizeof(name) - 1 - strlen(name));
	for (unsigned i = 0; i < rig_of(conn->env)->targets; i++)
		key_put(out, "TargetName", name);
}

static void cold_reset(struct session *session)
{
	session_end(session, CLOSE_TARGET_RESET);
}

static void login_over(struct conn *conn)
{
	rig_of(conn->env)->logins++;
}

static void conn_gone(struct conn *conn)
{
	struct rig *rig = rig_of(conn->env);

	rig->conns_gone++;
	rig->reason = conn->close_reason;
	if (conn == rig->other)
		rig->other = NULL;
	else
		rig->conn = NULL;
}

static uint64_t auth_failed(struct conn *conn)
{
	return 0;
}

static const struct session_ops OPS = {
	.find_target = find_target,
	.join = join,
	.join_cancelled = join_cancelled,
	.session_gone = session_gone,
	.send_targets = send_targets,
	.cold_reset = cold_reset,
	.auth_failed = auth_failed,
	.login_over = login_over,
	.conn_gone = conn_gone,
};

static void set_params(struct login_params *p)
{
	*p = login_params_default();
	strcpy(p->initiator_name, "iqn.2026-11.org.example:i");
	strcpy(p->target_name, "iqn.2026-11.org.example:t");
	p->portal_group_tag = 1;
	p->max_recv_data_segment_bytes = 262144;
	p->max_send_data_segment_bytes = 8192;
	p->initial_r2t = false;
	p->first_burst_bytes = 65536;
	p->max_burst_bytes = 65536;
	p->cmd_sn = sn(100);
	p->stat_sn = sn(7);
}

static const struct spt_escalation ESCALATION = {
	.wait_us = 8000000, .reset_wait_us = 5000000, .reset = true,
};

void rig_open(struct rig *rig)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	const struct conn_portal portal = {
		.name = "main", .tag = 1, .nop_interval_us = 15000000, .nop_timeout_us = 10000000,
	};
	int fds[2];

	memset(rig, 0, sizeof(*rig));
	rig->other_peer = -1;
	log_set_level(LOG_LEVEL_ERROR);
	fake_host_init(&rig->fake);
	rig->fake.host.pool = spt_pool_new(8u << 20);
	assert_int_equal(spt_context_new(&rig->fake.host, &rig->context), 0);
	rig->device = fake_open(&FAKE_SHARED, "disk", &ESCALATION, &rig->disk);
	const struct spt_lun_entry entry = { .lun = 0, .device = rig->device };
	assert_int_equal(spt_lun_map_new(&entry, 1, &rig->map), 0);
	assert_int_equal(session_env_init(&rig->env, &rig->fake.host), 0);
	rig->env.ops = &OPS;
	rig->env.phase = &FULLFEATURE;
	rig->env.arg = rig;
	rig->env.login_timeout_us = 15000000;
	rig->window = 8;
	set_params(&rig->params);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	rig->peer = fds[1];
	rig->conn = conn_new(&rig->env, fds[0], &portal, (struct sockaddr *)&peer);
	assert_non_null(rig->conn);
}

void rig_enter(struct rig *rig)
{
	struct conn *conn = rig->conn;

	login_free(conn->login);
	conn->login = NULL;
	conn->params = rig->params;
	conn->stat_sn = rig->params.stat_sn;
	retain_init(conn);
	make_session(rig, &rig->params);
	session_add(rig->session, conn);
	rig->session->exp_cmd_sn = rig->params.cmd_sn;
	rig->session->max_cmd_sn = sn_add(rig->params.cmd_sn, rig->window - 1);
	rig->cmd_sn = rig->params.cmd_sn.v;
	conn_keepalive_start(conn);
}

void rig_enter_attended(struct rig *rig)
{
	uint8_t bhs[BHS_BYTES];

	rig_enter(rig);
	rig_command_bhs(rig, &(struct rig_command){ .itt = 1, .immediate = true }, bhs);
	rig_send(rig, bhs, NULL, 0);
	assert_int_equal(rig_expect(rig, OP_SCSI_RESPONSE)->bhs[3], SPT_CHECK_CONDITION);
}

void rig_open_entered(struct rig *rig)
{
	rig_open(rig);
	rig_enter_attended(rig);
}

void rig_swap(struct rig *rig)
{
	struct conn *conn = rig->conn;
	int peer = rig->peer;

	rig->conn = rig->other;
	rig->peer = rig->other_peer;
	rig->other = conn;
	rig->other_peer = peer;
}

void rig_add(struct rig *rig, uint16_t cid)
{
	struct sockaddr_in peer = { .sin_family = AF_INET };
	const struct conn_portal portal = { .name = "main", .tag = 1 };
	int fds[2];

	assert_null(rig->other);
	rig_swap(rig);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	rig->peer = fds[1];
	struct conn *conn = conn_new(&rig->env, fds[0], &portal, (struct sockaddr *)&peer);
	assert_non_null(conn);
	login_free(conn->login);
	conn->login = NULL;
	conn->params = rig->params;
	conn->params.cid = cid;
	conn->stat_sn = rig->params.stat_sn;
	retain_init(conn);
	session_add(rig->session, conn);
	conn_keepalive_start(conn);
	rig->conn = conn;
}

void rig_lose(struct rig *rig)
{
	close(rig->peer);
	rig->peer = -1;
	fake_host_settle(&rig->fake);
	assert_null(rig->conn);
}

static void count(void *arg)
{
	++*(int *)arg;
}

void rig_close(struct rig *rig)
{
	int freed = 0;

	if (rig->peer >= 0)
		close(rig->peer);
	if (rig->other_peer >= 0)
		close(rig->other_peer);
	fake_host_settle(&rig->fake);
	if (rig->conn) { /* one that is paused does not see the end of its peer */
		conn_close(rig->conn, CLOSE_DRAINED, NULL);
		fake_host_settle(&rig->fake);
	}
	assert_null(rig->conn);
	assert_null(rig->other);
	if (rig->session) /* it may wait for a new connection */
		session_end(rig->session, CLOSE_DRAINED);
	fake_host_settle(&rig->fake);
	while (rig->disk->n_channels && rig->disk->channels[0]->n_tasks)
		fake_complete(rig->disk->channels[0]);
	fake_host_settle(&rig->fake);
	assert_null(rig->session);
	fullfeature_deinit(&rig->env);
	session_env_deinit(&rig->env);
	spt_context_free(rig->context, count, &freed);
	assert_int_equal(freed, 1);
	spt_lun_map_unref(rig->map);
	spt_device_unref(rig->device);
	assert_int_equal(spt_pool_used(rig->fake.host.pool), 0);
	spt_pool_free(rig->fake.host.pool);
	fake_host_deinit(&rig->fake);
}

void rig_put(struct rig *rig, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n) {
		ssize_t r = send(rig->peer, p, n, MSG_NOSIGNAL);
		if (r < 0) {
			if (errno != EAGAIN)
				return; /* the other end is gone: the test will see */
			fake_host_turn(&rig->fake);
			continue;
		}
		p += r;
		n -= (size_t)r;
	}
}

static void put_digest(struct rig *rig, bool wanted, const void *a, size_t n_a, const void *b,
	size_t n_b)
{
	uint8_t digest[DIGEST_BYTES];

	if (!wanted)
		return;
	crc32c_put(crc32c_add(crc32c_add(crc32c_begin(), a, n_a), b, n_b), digest);
	rig_put(rig, digest, sizeof(digest));
}

void rig_send(struct rig *rig, uint8_t *bhs, const void *data, uint32_t n)
{
	static const uint8_t zeros[4];
	bool digests = rig->conn && !rig->conn->login;

	be24_put(bhs + 5, n);
	rig_put(rig, bhs, BHS_BYTES);
	put_digest(rig, digests && rig->params.header_digest == DIGEST_CRC32C, bhs, BHS_BYTES, NULL, 0);
	if (n) {
		rig_put(rig, data, n);
		rig_put(rig, zeros, bhs_padding(n));
		put_digest(rig, digests && rig->params.data_digest == DIGEST_CRC32C, data, n, zeros,
			bhs_padding(n));
	}
	fake_host_settle(&rig->fake);
}

static bool get(struct rig *rig, void *bytes, size_t n)
{
	uint8_t *p = bytes;

	while (n) {
		ssize_t r = recv(rig->peer, p, n, 0);
		if (r <= 0) {
			if (r == 0 || errno != EAGAIN || !fake_host_turn(&rig->fake))
				return false;
			continue;
		}
		p += r;
		n -= (size_t)r;
	}
	return true;
}

const struct rig_pdu *rig_recv(struct rig *rig)
{
	static struct rig_pdu pdu;
	uint8_t skip[4];

	fake_host_settle(&rig->fake);
	if (!get(rig, pdu.bhs, BHS_BYTES))
		return NULL;
	if (rig->params.header_digest == DIGEST_CRC32C && bhs_opcode(pdu.bhs) != OP_LOGIN_RESPONSE)
		assert_true(get(rig, skip, 4));
	pdu.bytes = bhs_data_bytes(pdu.bhs);
	assert_true(pdu.bytes <= RIG_DATA_MAX);
	assert_true(get(rig, pdu.data, pdu.bytes));
	assert_true(get(rig, skip, bhs_padding(pdu.bytes)));
	if (pdu.bytes && rig->params.data_digest == DIGEST_CRC32C &&
		bhs_opcode(pdu.bhs) != OP_LOGIN_RESPONSE)
		assert_true(get(rig, skip, 4));
	return &pdu;
}

const struct rig_pdu *rig_expect(struct rig *rig, uint8_t opcode)
{
	const struct rig_pdu *pdu = rig_recv(rig);

	if (!pdu)
		fail_msg("nothing comes instead of %s", opcode_name(opcode));
	assert_string_equal(opcode_name(bhs_opcode(pdu->bhs)), opcode_name(opcode));
	return pdu;
}

void rig_silent(struct rig *rig)
{
	const struct rig_pdu *pdu = rig_recv(rig);

	if (pdu)
		fail_msg("%s out of silence", opcode_name(bhs_opcode(pdu->bhs)));
	assert_non_null(rig->conn);
}

void rig_gone(struct rig *rig, enum close_reason reason)
{
	fake_host_settle(&rig->fake);
	assert_null(rig->conn);
	assert_string_equal(close_info(rig->reason)->counter, close_info(reason)->counter);
}

void rig_pass(struct rig *rig, uint64_t us)
{
	rig->fake.now_us += us;
	fake_host_settle(&rig->fake);
}

void rig_command_bhs(struct rig *rig, const struct rig_command *c, uint8_t *bhs)
{
	const uint8_t cdb[16] = { c->opcode ? c->opcode : c->write ? 0x2a : c->read ? 0x28 : 0 };
	struct pdu_scsi_command pdu = {
		.immediate = c->immediate,
		.final = !c->more,
		.read = c->read,
		.write = c->write,
		.attribute = SPT_SIMPLE,
		.itt = c->itt,
		.expected_bytes = c->expected,
		.cmd_sn = sn(rig->cmd_sn + c->skip),
		.cdb = cdb,
	};
	uint8_t ahs[AHS_MAX_BYTES];

	pdu_scsi_command_encode(&pdu, bhs, ahs);
	rig->cmd_sn += !c->immediate && !c->skip;
}

void rig_data_out_bhs(uint8_t *bhs, uint32_t itt, uint32_t ttt, uint32_t data_sn, uint32_t offset,
	bool final)
{
	struct pdu_data_out pdu = {
		.final = final, .itt = itt, .ttt = ttt, .data_sn = data_sn, .offset_bytes = offset,
	};

	pdu_data_out_encode(&pdu, bhs);
}

void rig_nop_bhs(struct rig *rig, uint8_t *bhs, uint32_t itt, bool immediate)
{
	struct pdu_nop_out pdu = {
		.immediate = immediate, .itt = itt, .ttt = TAG_NONE, .cmd_sn = sn(rig->cmd_sn),
	};

	pdu_nop_out_encode(&pdu, bhs);
	rig->cmd_sn += !immediate;
}

void rig_tmf_bhs(struct rig *rig, uint8_t *bhs, uint32_t itt, uint8_t function, uint32_t rtt,
	uint32_t ref_cmd_sn)
{
	struct pdu_tmf_request pdu = {
		.immediate = true, .function = function, .itt = itt, .referenced_itt = rtt,
		.cmd_sn = sn(rig->cmd_sn), .ref_cmd_sn = sn(ref_cmd_sn),
	};

	pdu_tmf_request_encode(&pdu, bhs);
}

struct fake_channel *rig_channel(struct rig *rig)
{
	assert_int_equal(rig->disk->n_channels, 1);
	return rig->disk->channels[0];
}
