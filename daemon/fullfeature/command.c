/* SPDX-License-Identifier: MIT */
/*
 * SCSI Command (RFC 7143 11.3): from the PDU to a task of the library, and from the task's result
 * into the transmit queue.
 */
#include "fullfeature/command.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "fullfeature/data_wait.h"
#include "fullfeature/departed.h"
#include "fullfeature/drain.h"
#include "fullfeature/messages.h"

/* Up to here the buffer for all of a command's data is taken before its immediate data is there. */
#define PLACE_MAX_BYTES (1u << 20)

static void done(struct spt_task *task);
static void result_sent(struct tx_item *item, struct conn *conn);

static const struct spt_task_ops TASK_OPS = { .done = done };

static struct command *take_spare(struct session_env *env)
{
	struct command *c = spares_take(&env->commands);

	if (c)
		list_init(&c->spare);
	else
		c = calloc(1, sizeof(*c)); /* what nobody sets (direct_in, timeout_ms) is zero */
	return c;
}

static void put_spare(struct session_env *env, struct command *c)
{
	spares_put(&env->commands, c);
}

struct command *command_find(struct session *session, uint32_t itt)
{
	struct spt_task *t = spt_task_find(session->env->host->context, session->cookie, itt);

	return t && !command_of(t)->dead ? command_of(t) : NULL;
}

/* RFC 7143 4.2.5.2, 13.10, 13.11, 13.14: unsolicited data only as negotiated. */
static int judge_data(const struct login_params *params, const struct pdu_scsi_command *pdu)
{
	uint32_t out = pdu_scsi_command_out_bytes(pdu);

	if (pdu->data_bytes && (!params->immediate_data || !pdu->write))
		return REJECT_PROTOCOL_ERROR;
	if (pdu->data_bytes > out || pdu->data_bytes > params->first_burst_bytes)
		return REJECT_PROTOCOL_ERROR;
	/* RFC 7143 11.3.4: where all of the data is there, F says so. */
	if (!pdu->final && (params->initial_r2t || !pdu->write || pdu->data_bytes == out))
		return REJECT_PROTOCOL_ERROR;
	return 0;
}

uint8_t *command_place(struct conn *conn, struct rx_pdu *pdu)
{
	struct pdu_scsi_command c;

	if (pdu_scsi_command_decode(pdu->bhs, pdu->ahs, &c) || judge_data(&conn->params, &c))
		return NULL;
	uint32_t out = pdu_scsi_command_out_bytes(&c);
	uint32_t bytes = out <= PLACE_MAX_BYTES ? out : pdu->data_bytes;
	pdu->buffer = spt_pool_get(conn->env->host->pool, bytes);
	pdu->buffer_bytes = bytes;
	return pdu->buffer;
}

static void init_transfer(struct command *c, const struct pdu_scsi_command *pdu,
	const struct login_params *params)
{
	c->dead = false;
	c->users = 0;
	c->held_back = 0;
	c->unsolicited_open = !pdu->final;
	c->unsolicited_limit_bytes = MIN(params->first_burst_bytes, pdu_scsi_command_out_bytes(pdu));
	sequence_init(&c->unsolicited, pdu->data_bytes, c->unsolicited_limit_bytes - pdu->data_bytes);
	c->collected_bytes = pdu->data_bytes;
	c->solicited_bytes = 0;
	c->open_bursts = c->first_burst = c->recoveries = 0;
	c->overdue = false;
	c->failed = 0;
	c->sent_bytes = c->burst_bytes = c->data_sn = 0;
	c->answered = c->ended = c->data_lost = c->kept = c->waits = c->restarting = false;
	c->departed = NULL;
	c->acked_bytes = c->snack_tag = c->segments.segment_bytes = 0;
	for (unsigned i = 0; i < COMMAND_R2T_MAX; i++)
		c->bursts[i].open = c->bursts[i].queued = false;
}

static void init_task(struct command *c, const struct pdu_scsi_command *pdu)
{
	struct spt_task *t = &c->task;

	t->ops = &TASK_OPS;
	t->aux = (struct spt_auxiliary){
		.size = sizeof(t->aux),
		.session = c->session->cookie,
		.task = { .tag = pdu->itt, .generation = pdu->cmd_sn.v },
		.lun = pdu->lun,
		.is_final = true,
	};
	memcpy(t->aux.signature, SPT_AUXILIARY_SIGNATURE, sizeof(t->aux.signature));
	t->cdb_bytes = pdu_scsi_command_cdb(pdu, t->cdb);
	t->attribute = pdu->attribute;
	/* RFC 7144 5.1.1: reserved, and so ignored, below level 2. */
	t->priority = c->session->params.protocol_level >= 2 ? pdu->priority : 0;
	t->expected_in_bytes = pdu_scsi_command_in_bytes(pdu);
	t->expected_out_bytes = pdu_scsi_command_out_bytes(pdu);
	t->offered = (struct spt_data){ 0 };
	t->no_room = false;
}

/*
 * Data that must outlive the PDU goes into a buffer that the task is offered. @waits: the command's turn
 * has not come, and the unsolicited data that follows has to go there too. Where there is no memory for one the
 * command is told to come again.
 */
static void keep_data(struct command *c, struct rx_pdu *pdu, bool waits)
{
	struct spt_data *offered = &c->task.offered;
	struct spt_pool *pool = c->session->env->host->pool;
	uint32_t room = waits && c->unsolicited_open ? c->unsolicited_limit_bytes : pdu->data_bytes;

	if (pdu->buffer && pdu->buffer_bytes >= room) {
		*offered = (struct spt_data){ TAKE(pdu->buffer), pdu->buffer_bytes };
		return;
	}
	if (!room)
		return;
	offered->data = pdu->discarded ? NULL : spt_pool_get(pool, room);
	c->task.no_room = !offered->data;
	if (c->task.no_room)
		return;
	offered->bytes = room;
	if (pdu->data)
		memcpy(offered->data, pdu->data, pdu->data_bytes);
}

/* Who uses a tag again has got the answer of the command that had it, whether he says so or not. */
static bool tag_is_free(struct command *c)
{
	struct spt_task *t = spt_task_find(c->session->env->host->context, c->session->cookie,
		c->task.aux.task.tag);

	return t && command_forget_data(command_of(t));
}

static int enter_task(struct command *c)
{
	struct spt_context *context = c->session->env->host->context;
	int r = spt_task_enter(context, &c->task);

	if (r == -EEXIST && tag_is_free(c))
		r = spt_task_enter(context, &c->task);
	switch (r) {
	case 0:
		return 0;
	case -EEXIST: /* RFC 7143 4.2.5.3, 11.17.1: task in progress */
		return REJECT_TASK_IN_PROGRESS;
	default:
		return REJECT_INVALID_PDU_FIELD;
	}
}

int command_new(struct conn *conn, struct rx_pdu *rx, bool waits, struct command **ret)
{
	struct session *s = conn->session;
	struct pdu_scsi_command pdu;
	int r = pdu_scsi_command_decode(rx->bhs, rx->ahs, &pdu);

	if (!r)
		r = judge_data(&conn->params, &pdu);
	if (!r && pdu.itt == TAG_NONE)
		r = REJECT_INVALID_PDU_FIELD;
	if (r)
		return r;
	struct command *c = take_spare(conn->env);
	if (!c)
		return -ENOMEM;
	c->session = s;
	c->conn = conn;
	c->number = s->commands;
	c->early = waits;
	c->immediate = pdu.immediate;
	c->read = pdu.read;
	c->write = pdu.write;
	init_transfer(c, &pdu, &conn->params);
	init_task(c, &pdu);
	if (waits || rx->buffer || rx->discarded)
		keep_data(c, rx, waits);
	r = enter_task(c);
	if (r) {
		spt_pool_put(conn->env->host->pool, c->task.offered.data, c->task.offered.bytes);
		put_spare(conn->env, c);
		return r;
	}
	c->counted = !pdu.immediate;
	if (c->counted) {
		session_window_take(s);
	} else {
		s->immediate++;
		conn->immediate++;
	}
	s->commands++;
	if (waits)
		data_wait_note(c);
	tmf_command_new(c);
	conn->env->counters.commands++;
	s->bytes_out += pdu.data_bytes;
	*ret = c;
	return 0;
}

void command_start(struct command *c, const uint8_t *data)
{
	struct spt_task *t = &c->task;
	const uint8_t *offered = t->offered.data;

	spt_task_start(t);
	if (t->state != SPT_TASK_COLLECT || c->dead)
		return;
	/* What came with the command, unless it is in the right place already. */
	const uint8_t *from = offered ? offered : data;
	uint32_t have = MIN(c->collected_bytes, t->out_wanted_bytes);
	if (!c->failed && have && t->out.data != from)
		memcpy(t->out.data, from, have);
	c->solicited_bytes = c->collected_bytes;
	data_wait_note(c);
	r2t_continue(c);
}

void command_turn(struct command *c)
{
	c->early = false;
	if (c->task.state == SPT_TASK_ENTERED)
		command_start(c, NULL);
	else if (c->task.state == SPT_TASK_HELD)
		drain_poll(c);
}

void command_spoil(struct command *c, spt_asc_t asc)
{
	if (!c->failed)
		c->failed = asc;
}

/* The library is through with the task. */
static void done(struct spt_task *task)
{
	struct command *c = command_of(task);
	struct conn *conn = c->conn;

	if (task->outcome == SPT_ABORTED) {
		command_release(c);
		return;
	}
	if ((c->unsolicited_open || c->open_bursts || c->early) && drain_begin(c))
		return;
	c->session->bytes_in += task->in.bytes;
	c->acked_sn = c->first_in_sn = c->data_sn;
	/* While its connection is closing it stays where departed_lost() will find it. */
	if (conn)
		command_send(c, conn);
	else
		command_orphan(c);
}

static void fill(struct tx_item *item, struct conn *conn, struct tx_frame *frame)
{
	data_in_fill(container_of(item, struct command, tx), conn, frame);
}

static void send_now(struct command *c, struct conn *conn)
{
	c->tx.plain = false;
	c->tx.fill = fill;
	c->tx.sent = result_sent;
	tx_put(conn, &c->tx);
}

static void let_through(struct fence_hold *hold)
{
	send_now(container_of(hold, struct command, hold), hold->conn);
}

void command_send(struct command *c, struct conn *conn)
{
	if (!fence_concerns(c->session)) {
		send_now(c, conn);
		return;
	}
	c->hold = (struct fence_hold){
		.conn = conn,
		.itl = c->task.itl,
		.fences = !c->ended && fence_is_due(&c->task),
		.go = let_through,
	};
	fence_pass(c->session, &c->hold);
}

void command_orphan(struct command *c)
{
	/* RFC 7143 7.14: immediate commands end with their connection. */
	if (c->departed && c->departed->keeps && !c->immediate)
		departed_keep(c);
	else
		command_release(c);
}

/* Its place among the outstanding ones is free. */
static void leave_window(struct command *c)
{
	struct session *s = c->session;

	if (c->counted) {
		c->counted = false;
		session_window_gain(s);
	}
	if (c->immediate) {
		c->immediate = false;
		s->immediate--;
		if (c->conn)
			c->conn->immediate--;
	}
}

static void result_sent(struct tx_item *item, struct conn *conn)
{
	struct command *c = container_of(item, struct command, tx);

	if (!conn->params.error_recovery_level) {
		command_release(c);
	} else if (conn->closing) {
		command_orphan(c);
	} else {
		leave_window(c);
		command_keep(c, conn);
	}
}

/* Sequences that have not ended may have memory of their own. */
void command_forget_sequences(struct command *c)
{
	if (c->unsolicited_open)
		sequence_deinit(&c->unsolicited);
	for (unsigned i = 0; c->open_bursts && i < COMMAND_R2T_MAX; i++) {
		if (c->bursts[i].open)
			sequence_deinit(&c->bursts[i].sequence);
	}
	c->unsolicited_open = false;
	c->open_bursts = 0;
}

void command_end_task(struct command *c)
{
	command_forget_sequences(c);
	spt_task_end(&c->task);
	c->ended = true;
}

void command_data_acked(struct command *c, uint32_t sn)
{
	if (sn == c->data_sn)
		c->acked_bytes = c->sent_bytes;
	else if (c->segments.segment_bytes && sn >= c->segments.first_sn)
		c->acked_bytes = segments_at(&c->segments, sn, c->task.in.bytes).offset_bytes;
	else
		return; /* it was cut in another way then: what is acknowledged is not known in bytes */
	c->acked_sn = sn;
}

void command_rewind(struct command *c)
{
	c->sent_bytes = c->acked_bytes;
	c->data_sn = c->acked_sn;
	c->burst_bytes = 0;
	c->segments.segment_bytes = 0;
}

void command_release(struct command *c)
{
	struct session_env *env = c->session->env;

	c->dead = true;
	leave_window(c);
	if (c->held_back)
		tmf_poll(c->session);
	if (c->session->logouts)
		logout_poll(c->session);
	if (c->users)
		return;
	if (c->departed)
		departed_let_go(c);
	/* The end of its last task may be the end of the session. */
	if (!c->ended)
		command_end_task(c);
	put_spare(env, c);
}

void command_unuse(struct command *c)
{
	assert(c->users > 0);
	if (--c->users == 0 && c->dead)
		command_release(c);
}
