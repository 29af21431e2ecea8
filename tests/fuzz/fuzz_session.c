/* SPDX-License-Identifier: MIT */
/*
 * Full feature phase of a session with several connections and recovery: the bytes are a script of
 * PDUs on them, of connections that come and go, of time that passes and of a device that
 * finishes. Whatever it is, nothing is left in the end: no connection, session, command or buffer.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "fake_backend.h"
#include "fake_host.h"
#include "fullfeature/fullfeature.h"
#include "session/conn.h"
#include "session/session.h"

#define CONNS	  4u
#define STEPS_MAX 400u

struct input {
	const uint8_t *at, *end;
};

struct scene {
	struct fake_host fake;
	struct spt_context *context;
	struct spt_device *device;
	struct fake_device *disk;
	struct spt_lun_map *map;
	struct session_env env;
	struct session *session;
	struct login_params params;
	struct conn *conns[CONNS];
	int peers[CONNS];
	uint32_t cmd_sn;
};

static uint8_t take8(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

/* Often a small number, which means something; now and then any. */
static uint32_t take_number(struct input *in)
{
	uint32_t n = take8(in);

	if (n < 0xf0)
		return n % 24;
	return n == 0xff ? TAG_NONE : (uint32_t)take8(in) << 24 | (uint32_t)take8(in) << 12 | take8(in);
}

static struct scene *scene_of(const struct session_env *env)
{
	return env->arg;
}

static void session_gone(struct session *session)
{
	scene_of(session->env)->session = NULL;
}

static void conn_gone(struct conn *conn)
{
	struct scene *s = scene_of(conn->env);

	for (unsigned i = 0; i < CONNS; i++) {
		if (s->conns[i] == conn)
			s->conns[i] = NULL;
	}
}

static void send_targets(struct conn *conn, const char *value, struct key_writer *out)
{
	key_put(out, "TargetName", "iqn.2026-11.org.example:t");
}

static void cold_reset(struct session *session)
{
	session_end(session, CLOSE_TARGET_RESET);
}

static const struct session_ops OPS = {
	.session_gone = session_gone,
	.conn_gone = conn_gone,
	.send_targets = send_targets,
	.cold_reset = cold_reset,
};

static void make_session(struct scene *s, uint8_t flags)
{
	struct login_params *p = &s->params;

	*p = login_params_default();
	strcpy(p->initiator_name, "iqn.2026-11.org.example:i");
	strcpy(p->target_name, "iqn.2026-11.org.example:t");
	p->error_recovery_level = flags % 3;
	p->data_pdu_in_order = flags & 4;
	p->data_sequence_in_order = flags & 8;
	p->initial_r2t = flags & 16;
	p->max_outstanding_r2t = p->error_recovery_level && p->data_sequence_in_order ? 1 : 4;
	p->max_connections = CONNS;
	p->task_reporting = flags & 64 ? REPORTING_FAST_ABORT :
		flags & 32	       ? REPORTING_RESPONSE_FENCE :
					 REPORTING_RFC3720;
	p->max_recv_data_segment_bytes = 4096;
	p->max_send_data_segment_bytes = 512;
	p->first_burst_bytes = 1024;
	p->max_burst_bytes = 2048;
	p->portal_group_tag = 1;
	struct session_params sp = {
		.login = p, .tsih = 1, .id = 1, .luns = s->map, .window = 16, .budget_bytes = 1u << 16,
		.portal = "main", .peer = "p", .local = "l",
		.policy = { .abort_data_wait_us = 5000000, .fence_wait_us = 5000000,
			.data_out_wait_us = 5000000 },
	};
	CHECK(session_new(&s->env, &sp, &s->session) == 0);
	s->session->exp_cmd_sn = sn(0xfffffff8);
	s->session->max_cmd_sn = sn_add(s->session->exp_cmd_sn, 15);
	s->cmd_sn = 0xfffffff8;
}

/* A connection in place @i, in the place of one with its CID. */
static void connect_one(struct scene *s, unsigned i)
{
	const struct conn_portal portal = {
		.name = "main", .tag = 1, .nop_interval_us = 15000000, .nop_timeout_us = 10000000 };
	struct sockaddr_in peer = { .sin_family = AF_INET };
	int fds[2];

	if (s->conns[i] || !s->session || session_may_add(s->session, (uint16_t)i))
		return;
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	struct conn *conn = conn_new(&s->env, fds[0], &portal, (struct sockaddr *)&peer);
	CHECK(conn);
	login_free(conn->login);
	conn->login = NULL;
	conn->params = s->params;
	conn->params.cid = (uint16_t)i;
	conn->stat_sn = sn(0xfffffffe);
	retain_init(conn);
	s->env.phase->conn_reinstated(s->session, (uint16_t)i);
	session_add(s->session, conn);
	conn_keepalive_start(conn);
	s->conns[i] = conn;
	s->peers[i] = fds[1];
}

static void close_peer(struct scene *s, unsigned i)
{
	if (s->peers[i] >= 0)
		close(s->peers[i]);
	s->peers[i] = -1;
}

static void settle(struct scene *s)
{
	uint8_t waste[4096];

	fake_host_settle(&s->fake);
	for (unsigned i = 0; i < CONNS; i++) {
		while (s->peers[i] >= 0 && recv(s->peers[i], waste, sizeof(waste), 0) > 0)
			fake_host_settle(&s->fake);
		if (!s->conns[i])
			close_peer(s, i);
	}
}

/* Headers of what initiators send, with numbers that may mean something. */
static void send_pdu(struct scene *s, struct input *in)
{
	static const uint8_t opcodes[] = { OP_SCSI_COMMAND, OP_SCSI_COMMAND, OP_SCSI_COMMAND, OP_DATA_OUT,
		OP_DATA_OUT, OP_SNACK, OP_SNACK, OP_TMF_REQUEST, OP_TMF_REQUEST, OP_LOGOUT_REQUEST,
		OP_NOP_OUT, OP_TEXT_REQUEST };
	unsigned i = take8(in) % CONNS;
	uint8_t bhs[BHS_BYTES] = { 0 }, data[4096] = "MaxRecvDataSegmentLength=1024";
	struct conn *conn = s->conns[i];

	if (!conn)
		return;
	bhs[0] = opcodes[take8(in) % sizeof(opcodes)];
	bool command = bhs[0] == OP_SCSI_COMMAND;
	bhs[1] = take8(in);
	uint32_t bytes = take8(in) * 16u;
	if (take8(in) % 4 == 0)
		bhs[0] |= 0x40;
	be32_put(bhs + 16, take_number(in));
	be32_put(bhs + 20, command ? take8(in) * 64u : take_number(in));
	be32_put(bhs + 24, take8(in) % 8 ? s->cmd_sn : s->cmd_sn + take_number(in));
	be32_put(bhs + 28, take8(in) % 2 ? conn->stat_sn.v : conn->stat_sn.v - take_number(in));
	if (command)
		bhs[32] = bhs[1] & 0x20 ? 0x2a : bhs[1] & 0x40 ? 0x28 : 0;
	else
		be32_put(bhs + 36, take_number(in));
	if (bhs[0] == OP_SNACK) {
		be32_put(bhs + 40, bhs[1] & 1 ? conn->stat_sn.v - take_number(in) : take_number(in));
		be32_put(bhs + 44, take_number(in));
		bytes = 0;
	} else if (bhs[0] == OP_DATA_OUT) {
		be32_put(bhs + 40, take8(in) * 64u);
	} else if ((bhs[0] & 0x3f) != OP_NOP_OUT && (bhs[0] & 0x3f) != OP_TEXT_REQUEST && !command) {
		bytes = 0;
	} else if (bhs[1] % 4 == 0 && command) {
		bytes = 0;
	}
	be24_put(bhs + 5, bytes);
	if (send(s->peers[i], bhs, BHS_BYTES, MSG_NOSIGNAL) != BHS_BYTES)
		return;
	if (bytes && send(s->peers[i], data, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		return;
	settle(s);
	if (s->session)
		s->cmd_sn = s->session->exp_cmd_sn.v;
}

/* Reads have data, and are done at once. */
static bool answer(struct spt_task *task)
{
	if (task->cdb[0] != 0x28 || !task->expected_in_bytes)
		return false;
	uint8_t *in = spt_task_take_in(task, task->expected_in_bytes);
	if (!in) {
		spt_task_full(task);
		return true;
	}
	memset(in, 0x5a, task->expected_in_bytes);
	task->in_would_bytes = task->expected_in_bytes;
	spt_task_good(task);
	return true;
}

static void complete_one(struct scene *s)
{
	if (s->disk->n_channels && s->disk->channels[0]->n_tasks)
		fake_complete(s->disk->channels[0]);
}

static void step(struct scene *s, struct input *in)
{
	uint8_t op = take8(in);

	while (s->disk->n_channels && s->disk->channels[0]->n_tasks > FAKE_TASKS / 2)
		complete_one(s);
	switch (op % 16) {
	case 0:
		connect_one(s, take8(in) % CONNS);
		break;
	case 1:
		close_peer(s, take8(in) % CONNS);
		break;
	case 2:
	case 3:
		complete_one(s);
		break;
	case 4:
		s->fake.now_us += take8(in) * 100000ull;
		break;
	case 5: /* the administrator, or a login that takes its place */
		if (op >= 0xf0 && s->session)
			session_end(s->session, CLOSE_REINSTATED);
		break;
	default:
		send_pdu(s, in);
	}
	settle(s);
}

static void open_scene(struct scene *s)
{
	static const struct spt_escalation escalation = {
		.wait_us = 8000000, .reset_wait_us = 5000000, .reset = true };

	memset(s, 0, sizeof(*s));
	log_set_level(LOG_LEVEL_ERROR);
	fake_host_init(&s->fake);
	s->fake.host.pool = spt_pool_new(1u << 20);
	CHECK(spt_context_new(&s->fake.host, &s->context) == 0);
	s->device = fake_open(&FAKE_SHARED, "disk", &escalation, &s->disk);
	s->disk->wanted = 65536;
	s->disk->reset_kills = true;
	s->disk->answer = answer;
	const struct spt_lun_entry entry = { .lun = 0, .device = s->device };
	CHECK(spt_lun_map_new(&entry, 1, &s->map) == 0);
	CHECK(session_env_init(&s->env, &s->fake.host) == 0);
	s->env.ops = &OPS;
	s->env.phase = &FULLFEATURE;
	s->env.arg = s;
	s->env.login_timeout_us = 15000000;
	for (unsigned i = 0; i < CONNS; i++)
		s->peers[i] = -1;
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void close_scene(struct scene *s)
{
	int freed = 0;

	for (unsigned i = 0; i < CONNS; i++) {
		close_peer(s, i);
		if (s->conns[i])
			conn_close(s->conns[i], CLOSE_DRAINED, NULL);
	}
	settle(s);
	if (s->session)
		session_end(s->session, CLOSE_DRAINED);
	settle(s);
	while (s->disk->n_channels && s->disk->channels[0]->n_tasks)
		complete_one(s);
	settle(s);
	CHECK(!s->session && s->env.n_conns == 0);
	fullfeature_deinit(&s->env);
	session_env_deinit(&s->env);
	spt_context_free(s->context, count, &freed);
	CHECK(freed == 1);
	spt_lun_map_unref(s->map);
	spt_device_unref(s->device);
	CHECK(spt_pool_used(s->fake.host.pool) == 0);
	spt_pool_free(s->fake.host.pool);
	fake_host_deinit(&s->fake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct scene s;
	struct input in = { data, data + size };

	open_scene(&s);
	uint8_t flags = take8(&in);
	make_session(&s, flags);
	s.disk->cancels = flags & 32;
	s.disk->inline_good = flags & 64;
	connect_one(&s, 0);
	for (unsigned n = 0; n < STEPS_MAX && in.at < in.end; n++)
		step(&s, &in);
	close_scene(&s);
	return 0;
}
