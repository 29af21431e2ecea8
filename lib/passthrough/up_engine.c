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
 *   takes that one's old CmdSN and kills the connection: requests wait for an empty queue. The
 *   answer to a NOP-In is such a request and made inside the library: nothing is read while
 *   something is to be sent, unless so much is there to be read that upstream may be waiting for us
 *   as we are for it. Several PDUs are read in one go, and an R2T among them queues Data-Out PDUs
 *   in front of a NOP-In: a line for the log comes before each answer, and there they are sent.
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
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include <spt/backend.h>
#include <spt/host.h>

#include "base/util.h"
#include "passthrough/opcode_list.h"
#include "passthrough/up_engine.h"
#include "passthrough/up_terms.h"

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
	struct up_places places;
	struct up_wire *wires; /* parallel to places.commands */
	bool nop_pending;
	bool logging_out;
	bool heard;
	bool full;        /* the socket takes no more for now: nothing is read meanwhile */
	bool read_anyway; /* but for this: upstream may not read before we do */
	int unread_bytes; /* at the last look, while full */
	bool killed;
	struct up_terms terms;
	bool refused;
	char error[160];
};

static pthread_mutex_t login_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct up_engine *logging_in, *reading;

static void die(struct up_engine *e, const char *why)
{
	if (e->phase == UP_DEAD)
		return;
	e->phase = UP_DEAD;
	snprintf(e->error, sizeof(e->error), "%s", why);
	e->error[strcspn(e->error, "\n")] = '\0';
}

/* Sends what can be sent. */
static int push(struct up_engine *e)
{
	int r = iscsi_which_events(e->iscsi) & POLLOUT ? iscsi_service(e->iscsi, POLLOUT) : 0;

	e->full = r == 0 && (iscsi_which_events(e->iscsi) & POLLOUT);
	return r;
}

/* Of lines that threads log at the same time the text may be mixed up: only that one came counts. */
static void logged(int level, const char *message)
{
	struct up_engine *e = reading;

	if (logging_in) {
		const char *fault = up_terms_line(&logging_in->terms, message);
		if (fault)
			die(logging_in, fault);
	} else if (e) {
		reading = NULL;
		if (push(e) < 0)
			die(e, "the connection to the target was lost");
		reading = e;
	}
}

static void logged_in(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (e->killed || e->phase == UP_DEAD)
		return;
	if (status == SCSI_STATUS_REDIRECT) {
		e->phase = UP_REDIRECTED;
		return;
	}
	const char *fault =
		status == SCSI_STATUS_GOOD ? up_terms_end(&e->terms) : iscsi_get_error(iscsi);
	if (fault) {
		e->refused = up_terms_refused(fault);
		die(e, fault);
	} else {
		e->phase = UP_READY;
	}
}

static void connected(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_engine *e = arg;

	if (e->killed)
		return;
	if (status != SCSI_STATUS_GOOD || iscsi_login_async(iscsi, logged_in, e) < 0)
		die(e, iscsi_get_error(iscsi));
}

static int set_secret(struct iscsi_context *c, const struct up_secret *s)
{
	if (!s->user[0])
		return 0;
	if (iscsi_set_initiator_username_pwd(c, s->user, s->password) < 0)
		return -1;
	return s->mutual_user[0] ?
		iscsi_set_target_username_pwd(c, s->mutual_user, s->mutual_password) :
		0;
}

static int engine_init(struct up_engine *e, const struct up_engine_params *p)
{
	e->wires = calloc(p->commands, sizeof(*e->wires));
	e->iscsi = iscsi_create_context(p->initiator_name);
	if (!e->wires || !e->iscsi)
		return -ENOMEM;
	for (unsigned i = 0; i < p->commands; i++) {
		e->places.commands[i].wire = &e->wires[i];
		e->wires[i].engine = e;
	}
	e->lun = up_lun_field(p->url->lun);
	e->zeros = p->zeros;
	e->terms.digest_wanted = p->header_digest;
	e->terms.proof_wanted = p->secret->mutual_user[0];
	struct iscsi_context *c = e->iscsi;
	iscsi_set_noautoreconnect(c, 1);
	iscsi_set_isid_random(c, p->isid.random, p->isid.qualifier);
	iscsi_set_session_type(c, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(c,
		p->header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
	iscsi_set_tcp_user_timeout(c, (int)p->tcp_timeout_ms);
	iscsi_set_log_level(c, 6);
	iscsi_set_log_fn(c, logged);
	if (iscsi_set_targetname(c, p->url->target) < 0 ||
		set_secret(c, p->secret) < 0 ||
		iscsi_connect_async(c, p->address->text, connected, e) < 0)
		die(e, iscsi_get_error(c));
	return 0;
}

struct up_engine *up_engine_new(const struct up_engine_params *params)
{
	struct up_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	if (up_places_init(&e->places, params->commands) < 0) {
		free(e);
		return NULL;
	}
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

void up_engine_kill(struct up_engine *e)
{
	e->killed = true;
	if (e->iscsi)
		iscsi_destroy_context(TAKE(e->iscsi));
	die(e, "closed");
	up_places_end_all(&e->places);
}

void up_engine_free(struct up_engine *e)
{
	for (unsigned i = 0; e->wires && i < e->places.n; i++)
		free(e->wires[i].task.datain.data);
	up_places_deinit(&e->places);
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

bool up_engine_refused(const struct up_engine *e)
{
	return e->refused;
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

	if (e->full && !e->read_anyway)
		return SPT_WRITABLE;
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
	struct up_reply reply = { .fate = cmd->cut ? UP_ABORTED : UP_LOST };
	if (status >= 0 && status <= 0xff) {
		reply = (struct up_reply){
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
	up_places_end(&e->places, cmd, &reply);
}

struct up_places *up_engine_places(struct up_engine *e)
{
	return &e->places;
}

struct up_command *up_engine_place(struct up_engine *e)
{
	return e->phase == UP_READY ? up_places_free(&e->places) : NULL;
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
	if (cmd->limits)
		opcode_list_widen(cmd->limits, w->task.cdb, task->in.bytes);
	/* Both are always given: without one the library collects what comes in memory of its
	 * own. */
	w->in = (struct scsi_iovec){ .iov_base = task->in.data, .iov_len = task->in.bytes };
	w->out = (struct scsi_iovec){ .iov_base = task->out.data, .iov_len = task->out.bytes };
	scsi_task_set_iov_in(&w->task, &w->in, 1);
	scsi_task_set_iov_out(&w->task, &w->out, 1);
	if (iscsi_scsi_command_async(e->iscsi, e->lun, &w->task, answered, NULL, cmd) < 0)
		return -EIO;
	up_places_sent(&e->places, cmd);
	return 0;
}

void up_engine_release(struct up_engine *e, struct up_command *cmd)
{
	struct up_wire *w = cmd->wire;
	bool clean = e->killed || (!cmd->tmf_pending && drained(e));

	free(w->task.datain.data);
	w->task.datain = (struct scsi_data){ 0 };
	if (!clean)
		w->out.iov_base = (void *)(uintptr_t)e->zeros;
	up_places_release(&e->places, cmd, clean);
}

/* RFC 7143 11.6.1: 0 is "function complete", 1 "task does not exist": either way it is over. */
static void abort_answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_command *cmd = arg;
	struct up_engine *e = cmd->wire->engine;

	if (!e->killed)
		up_places_abort_answered(&e->places, cmd,
			status == SCSI_STATUS_GOOD && *(const uint32_t *)data <= 1);
}

/* RFC 7143 11.6.1 */
static int result_of(uint32_t response)
{
	switch (response) {
	case 0:
		return 0;
	case 2:
		return -ENXIO;
	case 5:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static void reset_answered(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct up_reset *reset = arg;

	/* When the session is lost, resets are given back by up_engine_kill(). */
	if (!iscsi_is_logged_in(iscsi) || status == SCSI_STATUS_CANCELLED)
		return;
	reset->done = true;
	reset->result = status == SCSI_STATUS_GOOD ? result_of(*(const uint32_t *)data) : -EIO;
}

/* Not the library's convenience call for the reset: that one drops every task first. */
static void send_management(struct up_engine *e)
{
	struct up_command *cmd;
	struct up_reset *reset;

	while ((reset = up_places_next_reset(&e->places))) {
		if (iscsi_task_mgmt_async(e->iscsi, e->lun,
			    (enum iscsi_task_mgmt_funcs)reset->function, 0xffffffff, 0,
			    reset_answered, reset) < 0) {
			reset->done = true;
			reset->result = -EIO;
		}
	}
	while ((cmd = up_places_next_abort(&e->places))) {
		if (iscsi_task_mgmt_abort_task_async(e->iscsi, &cmd->wire->task, abort_answered,
			    cmd) < 0)
			up_places_abort_answered(&e->places, cmd, false);
	}
}

static void end_cut(struct up_engine *e)
{
	const struct up_reply aborted = { .fate = UP_ABORTED };
	struct up_command *cmd;

	while ((cmd = up_places_next_cut(&e->places))) {
		iscsi_scsi_cancel_task(e->iscsi, &cmd->wire->task); /* calls answered() */
		if (!cmd->ended)
			up_places_end(&e->places, cmd, &aborted);
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

static int unread_bytes(const struct up_engine *e)
{
	int bytes;

	return ioctl(iscsi_get_fd(e->iscsi), FIONREAD, &bytes) == 0 ? bytes : 0;
}

/*
 * So much is unread that upstream may be unable to send: half of the receive buffer is for the
 * kernel's own structures, and small segments need more of it. A few NOP-Ins do not make a crowd.
 */
static bool crowded(const struct up_engine *e)
{
	int room;
	socklen_t bytes = sizeof(room);

	return getsockopt(iscsi_get_fd(e->iscsi), SOL_SOCKET, SO_RCVBUF, &room, &bytes) == 0 &&
		unread_bytes(e) >= room / 8;
}

static int pull(struct up_engine *e)
{
	reading = e;
	iscsi_set_log_level(e->iscsi, 6);
	int r = iscsi_service(e->iscsi, POLLIN);
	iscsi_set_log_level(e->iscsi, 0);
	reading = NULL;
	return r;
}

/* What is queued goes out before anything comes in, for the sake of NOP-Ins: see above. */
static int exchange(struct up_engine *e, unsigned ready)
{
	int r = push(e);

	if (r < 0 || !(ready & SPT_READABLE) || (e->full && !e->read_anyway))
		return r;
	e->heard = true;
	r = pull(e);
	e->read_anyway = e->read_anyway && r == 0 && crowded(e);
	/* A callback may have found the session dead: then the queue is not to be looked at. */
	return r < 0 || e->phase != UP_READY || !iscsi_is_logged_in(e->iscsi) ? r : push(e);
}

void up_engine_unstick(struct up_engine *e)
{
	int unread = e->full ? unread_bytes(e) : 0;

	/* What is not read is heard all the same. */
	e->heard |= unread > e->unread_bytes;
	e->unread_bytes = unread;
	e->read_anyway = e->full && crowded(e);
}

void up_engine_service(struct up_engine *e, unsigned ready)
{
	int events = (ready & SPT_READABLE ? POLLIN : 0) | (ready & SPT_WRITABLE ? POLLOUT : 0);

	if (e->phase == UP_CONNECTING && service(e, events) < 0)
		die(e, iscsi_get_error(e->iscsi));
	else if (e->phase == UP_READY && exchange(e, ready) < 0)
		die(e, "the connection to the target was lost");
	if (e->phase != UP_READY)
		return;
	if (!iscsi_is_logged_in(e->iscsi)) {
		if (e->logging_out)
			e->phase = UP_LEFT;
		else
			die(e, "the target asked for a logout");
		return;
	}
	up_places_end_resets(&e->places);
	end_cut(e);
	if (!drained(e))
		return;
	up_places_drained(&e->places);
	send_management(e);
}
