/* SPDX-License-Identifier: MIT */
/*
 * The one file that includes libiscsi (1.18 or later). What it has to be protected from, as its
 * sources tell:
 *
 * - A command's structure is looked at by Data-Out PDUs that are still queued after its response
 *   has come. So a place whose queue has not run empty is *retired* first, its data-out pointed at
 *   zeros, and free only later.
 * - Taking a command out of its queue leaves a hole in CmdSN that stops the session: only commands
 *   that have left the queue are aborted. An immediate request that is queued before a Data-Out
 *   takes that one's old CmdSN and kills the connection: requests wait for an empty queue.
 * - Its own timeouts and cancellation of all tasks leave such Data-Out PDUs behind: not used.
 * - MaxRecvDataSegmentLength=0 from the target makes it loop for ever. What was negotiated is known
 *   only from its log, so that is read during login. The log's buffer is shared by all threads.
 * - In noautoreconnect mode a lost connection shows as cancelled commands or as a service call that
 *   fails, whichever comes first; callbacks of a logout may never come.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <spt/backend.h>
#include <spt/host.h>

#include "base/list.h"
#include "base/parse.h"
#include "base/util.h"
#include "passthrough/up_engine.h"

/* libiscsi's side of a command. */
struct up_wire {
	struct scsi_task task;
	struct scsi_iovec in, out;
	struct up_engine *engine;
};

struct up_engine {
	struct iscsi_context *iscsi;
	enum up_phase phase;
	uint16_t lun;
	const void *zeros;
	struct spt_link free, sent, ended, retired; /* struct up_command.link */
	struct spt_link resets, resets_done;        /* struct up_reset.link */
	struct up_command *commands;
	struct up_wire *wires;
	unsigned n_commands;
	uint64_t serial, serial_out; /* last queued; last that has left the queue */
	unsigned aborts_wanted;
	unsigned resets_wanted;
	bool cuts; /* a command is marked so */
	bool nop_pending;
	bool logging_out;
	bool heard;
	bool killed;
	char error[160];
};

static pthread_mutex_t login_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct up_engine *logging_in;

static void die(struct up_engine *e, const char *why)
{
	if (e->phase == UP_DEAD)
		return;
	e->phase = UP_DEAD;
	snprintf(e->error, sizeof(e->error), "%s", why);
	e->error[strcspn(e->error, "\n")] = '\0';
}

/* RFC 7143 13.12 to 13.14: 512 to 2**24 - 1. */
static void check_negotiated(int level, const char *message)
{
	static const char prefix[] = "TargetLoginReply: ";
	static const char *const keys[] = { "MaxRecvDataSegmentLength=", "MaxBurstLength=",
		"FirstBurstLength=" };
	char value[16];
	uint64_t n;

	if (!logging_in || strncmp(message, prefix, strlen(prefix)))
		return;
	message += strlen(prefix);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strncmp(message, keys[i], strlen(keys[i])))
			continue;
		/* The library appends the target's name. */
		snprintf(value, sizeof(value), "%s", message + strlen(keys[i]));
		value[strcspn(value, " ")] = '\0';
		if (parse_u64_range(value, 512, 16777215, &n) < 0)
			die(logging_in, "the target negotiates a length outside 512 to 16777215");
	}
}

static void logged_in(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (e->killed || e->phase == UP_DEAD)
		return;
	if (status == SCSI_STATUS_GOOD)
		e->phase = UP_READY;
	else if (status == SCSI_STATUS_REDIRECT)
		e->phase = UP_REDIRECTED;
	else
		die(e, iscsi_get_error(iscsi));
}

static void connected(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (e->killed)
		return;
	if (status != SCSI_STATUS_GOOD || iscsi_login_async(iscsi, logged_in, e) < 0)
		die(e, iscsi_get_error(iscsi));
}

static int engine_init(struct up_engine *e, const struct up_engine_params *p)
{
	e->commands = calloc(p->commands, sizeof(*e->commands));
	e->wires = calloc(p->commands, sizeof(*e->wires));
	e->iscsi = iscsi_create_context(p->initiator_name);
	if (!e->commands || !e->wires || !e->iscsi)
		return -ENOMEM;
	e->n_commands = p->commands;
	for (unsigned i = 0; i < p->commands; i++) {
		e->commands[i].wire = &e->wires[i];
		e->wires[i].engine = e;
		list_append(&e->free, &e->commands[i].link);
	}
	e->lun = up_lun_field(p->url->lun);
	e->zeros = p->zeros;
	struct iscsi_context *c = e->iscsi;
	iscsi_set_noautoreconnect(c, 1);
	iscsi_set_isid_random(c, p->isid.random, p->isid.qualifier);
	iscsi_set_session_type(c, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(c,
		p->header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
	iscsi_set_tcp_user_timeout(c, (int)p->tcp_timeout_ms);
	iscsi_set_log_level(c, 6);
	iscsi_set_log_fn(c, check_negotiated);
	if (iscsi_set_targetname(c, p->url->target) < 0 ||
		iscsi_set_initiator_username_pwd(c, p->url->user, p->url->password) < 0 ||
		iscsi_connect_async(c, p->address->text, connected, e) < 0)
		die(e, iscsi_get_error(c));
	return 0;
}

struct up_engine *up_engine_new(const struct up_engine_params *params)
{
	struct up_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	list_init(&e->free);
	list_init(&e->sent);
	list_init(&e->ended);
	list_init(&e->retired);
	list_init(&e->resets);
	list_init(&e->resets_done);
	pthread_mutex_lock(&login_lock);
	int r = engine_init(e, params);
	pthread_mutex_unlock(&login_lock);
	if (r < 0) {
		up_engine_kill(e);
		up_engine_free(e);
		return NULL;
	}
	return e;
}

static void drop_sense(struct up_command *cmd)
{
	free(cmd->wire->task.datain.data);
	cmd->wire->task.datain.data = NULL;
	cmd->wire->task.datain.size = 0;
}

static void end_command(struct up_engine *e, struct up_command *cmd)
{
	if (cmd->abort == UP_ABORT_WANTED)
		e->aborts_wanted--;
	cmd->ended = true;
	list_del(&cmd->link);
	list_append(&e->ended, &cmd->link);
}

void up_engine_kill(struct up_engine *e)
{
	struct up_command *cmd, *next;
	struct up_reset *reset;

	e->killed = true;
	if (e->iscsi)
		iscsi_destroy_context(TAKE(e->iscsi));
	die(e, "closed");
	list_foreach_safe (cmd, next, &e->sent, link) {
		cmd->reply = (struct up_reply){ .fate = UP_LOST };
		end_command(e, cmd);
	}
	while ((reset = list_first(&e->resets, struct up_reset, link))) {
		reset->done = true;
		reset->result = -ENOTCONN;
		list_del(&reset->link);
		list_append(&e->resets_done, &reset->link);
	}
}

void up_engine_free(struct up_engine *e)
{
	for (unsigned i = 0; i < e->n_commands; i++)
		drop_sense(&e->commands[i]);
	free(e->commands);
	free(e->wires);
	free(e);
}

enum up_phase up_engine_phase(const struct up_engine *e)
{
	return e->phase;
}

const char *up_engine_error(const struct up_engine *e)
{
	return e->error;
}

const char *up_engine_redirect(const struct up_engine *e)
{
	return iscsi_get_target_address(e->iscsi);
}

int up_engine_fd(const struct up_engine *e)
{
	return iscsi_get_fd(e->iscsi);
}

unsigned up_engine_events(const struct up_engine *e)
{
	int events = iscsi_which_events(e->iscsi);

	return (events & POLLIN ? SPT_READABLE : 0u) | (events & POLLOUT ? SPT_WRITABLE : 0u);
}

bool up_engine_heard(struct up_engine *e)
{
	bool heard = e->heard;
	e->heard = false;
	return heard;
}

/* Nothing is queued, nothing is half sent. */
static bool drained(const struct up_engine *e)
{
	return iscsi_out_queue_length(e->iscsi) == 0 && !(iscsi_which_events(e->iscsi) & POLLOUT);
}

/* A Reject PDU concerns one command; every other error ends the connection. */
static bool rejected(struct iscsi_context *iscsi, int status)
{
	static const char says[] = "Request was rejected";

	return status == SCSI_STATUS_ERROR &&
		!strncmp(iscsi_get_error(iscsi), says, strlen(says));
}

static void answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_command *cmd = arg;
	const struct scsi_task *t = &cmd->wire->task;
	struct up_engine *e = cmd->wire->engine;

	if (e->killed || cmd->ended)
		return;
	cmd->reply = (struct up_reply){ .fate = cmd->cut ? UP_ABORTED : UP_LOST };
	if (status >= 0 && status <= 0xff) {
		cmd->reply = (struct up_reply){
			.fate = UP_ANSWERED,
			.status = (uint8_t)status,
			.residual = t->residual_status == SCSI_RESIDUAL_UNDERFLOW ? UP_UNDERFLOW :
				t->residual_status == SCSI_RESIDUAL_OVERFLOW	  ? UP_OVERFLOW :
									    UP_EXACT,
			.residual_bytes = (uint32_t)MIN(t->residual, (size_t)UINT32_MAX),
			.segment = t->datain.data,
			.segment_bytes = t->datain.size > 0 ? (size_t)t->datain.size : 0,
		};
	} else if (!cmd->cut && !rejected(iscsi, status)) {
		die(e, "the connection to the target was lost");
	}
	end_command(e, cmd);
}

struct up_command *up_engine_place(struct up_engine *e)
{
	if (e->phase != UP_READY || e->aborts_wanted || e->resets_wanted)
		return NULL;
	return list_first(&e->free, struct up_command, link);
}

int up_engine_send(struct up_engine *e, struct up_command *cmd)
{
	struct up_wire *w = cmd->wire;
	const struct spt_task *task = cmd->task;

	w->task = (struct scsi_task){
		.cdb_size = (int)MIN((unsigned)task->cdb_bytes, (unsigned)SCSI_CDB_MAX_SIZE),
		.xfer_dir = cmd->direction == PASS_OUT ? SCSI_XFER_WRITE :
			cmd->direction == PASS_IN      ? SCSI_XFER_READ :
							 SCSI_XFER_NONE,
		.expxferlen = (int)(task->out.bytes ? task->out.bytes : task->in.bytes),
	};
	memcpy(w->task.cdb, task->cdb, (size_t)w->task.cdb_size);
	/* Both are always given: without one the library collects what comes in memory of its
	 * own. */
	w->in = (struct scsi_iovec){ .iov_base = task->in.data, .iov_len = task->in.bytes };
	w->out = (struct scsi_iovec){ .iov_base = task->out.data, .iov_len = task->out.bytes };
	scsi_task_set_iov_in(&w->task, &w->in, 1);
	scsi_task_set_iov_out(&w->task, &w->out, 1);
	cmd->abort = UP_ABORT_NONE;
	cmd->tmf_pending = cmd->ended = cmd->cut = false;
	if (iscsi_scsi_command_async(e->iscsi, e->lun, &w->task, answered, NULL, cmd) < 0)
		return -EIO;
	cmd->serial = ++e->serial;
	list_del(&cmd->link);
	list_append(&e->sent, &cmd->link);
	return 0;
}

struct up_command *up_engine_take(struct up_engine *e)
{
	struct up_command *cmd = list_first(&e->ended, struct up_command, link);

	if (cmd)
		list_del(&cmd->link);
	return cmd;
}

void up_engine_release(struct up_engine *e, struct up_command *cmd)
{
	struct up_wire *w = cmd->wire;

	drop_sense(cmd);
	cmd->task = NULL;
	if (!e->killed && (cmd->tmf_pending || !drained(e))) {
		w->out.iov_base = (void *)(uintptr_t)e->zeros;
		list_append(&e->retired, &cmd->link);
		return;
	}
	list_append(&e->free, &cmd->link);
}

static void free_retired(struct up_engine *e)
{
	struct up_command *cmd, *next;

	list_foreach_safe (cmd, next, &e->retired, link) {
		if (cmd->tmf_pending)
			continue;
		list_del(&cmd->link);
		list_append(&e->free, &cmd->link);
	}
}

/* RFC 7143 11.6.1: 0 is "function complete", 1 "task does not exist": either way it is over. */
static void abort_answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_command *cmd = arg;

	if (cmd->wire->engine->killed)
		return;
	cmd->tmf_pending = false;
	if (cmd->ended)
		return;
	if (status == SCSI_STATUS_GOOD && *(const uint32_t *)data <= 1)
		cmd->cut = cmd->wire->engine->cuts = true;
	else
		cmd->abort = UP_ABORT_REFUSED;
}

void up_engine_abort(struct up_engine *e, struct up_command *cmd, uint64_t now_us)
{
	if (cmd->ended || cmd->abort != UP_ABORT_NONE)
		return;
	cmd->abort = UP_ABORT_WANTED;
	cmd->abort_us = now_us;
	e->aborts_wanted++;
}

uint64_t up_engine_abort_since(const struct up_engine *e)
{
	uint64_t since = UINT64_MAX;
	const struct up_command *cmd;

	list_foreach (cmd, &e->sent, link) {
		if (cmd->abort != UP_ABORT_NONE)
			since = MIN(since, cmd->abort_us);
	}
	return since;
}

static void send_aborts(struct up_engine *e)
{
	struct up_command *cmd;

	if (!e->aborts_wanted)
		return;
	list_foreach (cmd, &e->sent, link) {
		if (cmd->abort != UP_ABORT_WANTED || cmd->serial > e->serial_out)
			continue;
		e->aborts_wanted--;
		cmd->abort = UP_ABORT_SENT;
		cmd->tmf_pending = iscsi_task_mgmt_abort_task_async(e->iscsi, &cmd->wire->task,
					   abort_answered, cmd) == 0;
		if (!cmd->tmf_pending)
			cmd->abort = UP_ABORT_REFUSED;
	}
}

static void reset_answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_reset *reset = arg;

	/* When the engine is killed, resets are given back by up_engine_kill(). */
	if (!iscsi_is_logged_in(iscsi) || status == SCSI_STATUS_CANCELLED)
		return;
	reset->done = true;
	reset->result = status == SCSI_STATUS_GOOD && *(const uint32_t *)data == 0 ? 0 : -EIO;
}

void up_engine_reset(struct up_engine *e, struct up_reset *reset)
{
	reset->done = false;
	reset->serial = 0;
	list_append(&e->resets, &reset->link);
	e->resets_wanted++;
}

static void send_resets(struct up_engine *e)
{
	struct up_reset *reset;

	if (!e->resets_wanted)
		return;
	list_foreach (reset, &e->resets, link) {
		if (reset->serial)
			continue;
		e->resets_wanted--;
		reset->serial = e->serial + 1;
		/* Not the library's convenience call: that one drops every task first. */
		if (iscsi_task_mgmt_async(e->iscsi, e->lun, ISCSI_TM_LUN_RESET, 0xffffffff, 0,
			    reset_answered, reset) < 0) {
			reset->done = true;
			reset->result = -EIO;
		}
	}
}

/* SAM-5 7.7: a logical unit reset ends the tasks that were there before it, without responses. */
static void end_resets(struct up_engine *e)
{
	struct up_reset *reset, *next;
	struct up_command *cmd;

	list_foreach_safe (reset, next, &e->resets, link) {
		if (!reset->done)
			continue;
		list_foreach (cmd, &e->sent, link) {
			if (!reset->result && cmd->serial < reset->serial)
				cmd->cut = e->cuts = true;
		}
		list_del(&reset->link);
		list_append(&e->resets_done, &reset->link);
	}
}

struct up_reset *up_engine_take_reset(struct up_engine *e)
{
	struct up_reset *reset = list_first(&e->resets_done, struct up_reset, link);

	if (reset)
		list_del(&reset->link);
	return reset;
}

static void end_cut(struct up_engine *e)
{
	struct up_command *cmd, *next;

	if (!e->cuts)
		return;
	e->cuts = false;
	list_foreach_safe (cmd, next, &e->sent, link) {
		if (!cmd->cut)
			continue;
		/* Its callback moves it to the ended ones; @next stays where it is. */
		iscsi_scsi_cancel_task(e->iscsi, &cmd->wire->task);
		if (!cmd->ended) {
			cmd->reply = (struct up_reply){ .fate = UP_ABORTED };
			end_command(e, cmd);
		}
	}
}

static void nop_answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (!e->killed)
		e->nop_pending = false;
}

bool up_engine_nop(struct up_engine *e)
{
	if (e->nop_pending || iscsi_nop_out_async(e->iscsi, nop_answered, NULL, 0, e) < 0)
		return false;
	e->nop_pending = true;
	return true;
}

bool up_engine_nop_pending(const struct up_engine *e)
{
	bool held = iscsi_out_queue_length(e->iscsi) > 0 &&
		!(iscsi_which_events(e->iscsi) & POLLOUT);

	return e->nop_pending && !held;
}

static void logged_out(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (!e->killed && e->phase == UP_READY)
		e->phase = UP_LEFT;
}

bool up_engine_logout(struct up_engine *e)
{
	if (e->phase != UP_READY || iscsi_logout_async(e->iscsi, logged_out, e) < 0)
		return false;
	e->logging_out = true;
	return true;
}

static int service(struct up_engine *e, int events)
{
	if (e->phase != UP_CONNECTING)
		return iscsi_service(e->iscsi, events);
	pthread_mutex_lock(&login_lock);
	logging_in = e;
	int r = iscsi_service(e->iscsi, events);
	logging_in = NULL;
	if (e->phase != UP_CONNECTING)
		iscsi_set_log_level(e->iscsi, 0);
	pthread_mutex_unlock(&login_lock);
	return r;
}

void up_engine_service(struct up_engine *e, unsigned ready)
{
	int events = (ready & SPT_READABLE ? POLLIN : 0) | (ready & SPT_WRITABLE ? POLLOUT : 0);

	if (e->phase != UP_CONNECTING && e->phase != UP_READY)
		return;
	e->heard |= (ready & SPT_READABLE) != 0;
	if (service(e, events) < 0)
		die(e, e->phase == UP_CONNECTING ? iscsi_get_error(e->iscsi) :
						   "the connection to the target was lost");
	if (e->phase != UP_READY)
		return;
	if (!iscsi_is_logged_in(e->iscsi)) {
		if (e->logging_out)
			e->phase = UP_LEFT;
		else
			die(e, "the target asked for a logout");
		return;
	}
	end_resets(e);
	end_cut(e);
	if (iscsi_out_queue_length(e->iscsi) == 0) {
		e->serial_out = e->serial;
		send_resets(e);
		send_aborts(e);
	}
	if (!list_empty(&e->retired) && drained(e))
		free_retired(e);
}
