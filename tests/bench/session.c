/* SPDX-License-Identifier: MIT */
/* libiscsi's asynchronous interface, narrowed to what load needs: see session.h. */
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "cdb.h"

struct command {
	struct session *session;
	struct scsi_task task;
	struct scsi_iovec iov;
};

struct session {
	struct iscsi_context *iscsi;
	int lun;
	session_done_fn *done;
	void *done_arg;
	unsigned under_way;
	bool lost;
	bool closing;
	unsigned depth;
	struct command command[];
};

static int complain(const struct session *s, const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, iscsi_get_error(s->iscsi));
	return -EIO;
}

static int set_digests(struct session *s, enum digests digests)
{
	if (iscsi_set_header_digest(s->iscsi, digests == DIGESTS_NONE ? ISCSI_HEADER_DIGEST_NONE
								      : ISCSI_HEADER_DIGEST_CRC32C))
		return complain(s, "header digest");
	if (digests != DIGESTS_BOTH)
		return 0;
#ifdef HAVE_ISCSI_SET_DATA_DIGEST
	if (iscsi_set_data_digest(s->iscsi, ISCSI_DATA_DIGEST_CRC32C))
		return complain(s, "data digest");
	return 0;
#else
	fputs("load: this libiscsi has no data digest\n", stderr);
	return -EOPNOTSUPP;
#endif
}

/* RFC 7143 11.12.5: the random ISID format; sessions of one run differ in its last bits. */
static int set_isid(struct session *s, unsigned index)
{
	uint32_t random = ((uint32_t)getpid() << 14 | index) & 0xffffff;

	return iscsi_set_isid_random(s->iscsi, random, 0) ? complain(s, "ISID") : 0;
}

static int log_in(struct session *s, const struct options *opt, unsigned index)
{
	struct iscsi_url *url;
	int r;

	iscsi_set_noautoreconnect(s->iscsi, 1);
	iscsi_set_timeout(s->iscsi, (int)opt->timeout_s);
	iscsi_set_session_type(s->iscsi, ISCSI_SESSION_NORMAL);
	r = set_isid(s, index);
	if (r < 0)
		return r;
	r = set_digests(s, opt->digests);
	if (r < 0)
		return r;
	url = iscsi_parse_full_url(s->iscsi, opt->url);
	if (!url)
		return complain(s, "URL");
	s->lun = url->lun;
	r = iscsi_set_targetname(s->iscsi, url->target) ||
	    iscsi_full_connect_sync(s->iscsi, url->portal, url->lun);
	iscsi_destroy_url(url);
	return r ? complain(s, "login") : 0;
}

static int read_capacity(struct session *s, struct capacity *ret)
{
	struct scsi_task *task = iscsi_readcapacity16_sync(s->iscsi, s->lun);
	struct scsi_readcapacity16 *rc = NULL;

	if (task && task->status == SCSI_STATUS_GOOD)
		rc = scsi_datain_unmarshall(task);
	if (rc) {
		ret->blocks = rc->returned_lba + 1;
		ret->block_bytes = rc->block_length;
	}
	scsi_free_scsi_task(task);
	return rc ? 0 : complain(s, "READ CAPACITY(16)");
}

int session_new(const struct options *opt, unsigned index, struct capacity *ret_capacity, struct session **ret)
{
	unsigned depth = (unsigned)opt->queue_depth;
	struct session *s = calloc(1, sizeof(*s) + depth * sizeof(s->command[0]));
	int r;

	if (!s)
		return -ENOMEM;
	s->depth = depth;
	for (unsigned i = 0; i < depth; i++)
		s->command[i].session = s;
	s->iscsi = iscsi_create_context(opt->initiator);
	r = s->iscsi ? log_in(s, opt, index) : -ENOMEM;
	if (!r)
		r = read_capacity(s, ret_capacity);
	if (r < 0) {
		s->lost = true;
		session_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	s->closing = true;
	if (s->iscsi) {
		if (!s->lost && !s->under_way)
			iscsi_logout_sync(s->iscsi);
		iscsi_destroy_context(s->iscsi);
	}
	free(s);
}

void session_on_done(struct session *s, session_done_fn *done, void *arg)
{
	s->done = done;
	s->done_arg = arg;
}

/* GOOD and every byte moved, or the reason on stderr. */
static int judge(const struct session *s, int status, const struct scsi_task *task)
{
	if (status != SCSI_STATUS_GOOD) {
		fprintf(stderr, "load: status %#x, sense %x/%04x: %s\n", (unsigned)status,
			(unsigned)task->sense.key, (unsigned)task->sense.ascq,
			iscsi_get_error(s->iscsi));
		return -EIO;
	}
	if (task->residual_status != SCSI_RESIDUAL_NO_RESIDUAL) {
		fprintf(stderr, "load: GOOD with a residual of %zu bytes\n", task->residual);
		return -EIO;
	}
	return 0;
}

static void command_done(struct iscsi_context *iscsi, int status, void *data, void *arg)
{
	struct command *c = arg;
	struct session *s = c->session;

	(void)iscsi;
	(void)data;
	if (s->closing)
		return;
	s->under_way--;
	s->done(s->done_arg, (unsigned)(c - s->command), judge(s, status, &c->task));
}

int session_submit(struct session *s, unsigned slot, const struct session_request *req)
{
	struct command *c = &s->command[slot];

	c->task = (struct scsi_task){
		.cdb_size = 16,
		.xfer_dir = req->write ? SCSI_XFER_WRITE : SCSI_XFER_READ,
		.expxferlen = (int)req->bytes,
	};
	c->iov = (struct scsi_iovec){ .iov_base = req->data, .iov_len = req->bytes };
	cdb_put(c->task.cdb, req);
	if (req->write)
		scsi_task_set_iov_out(&c->task, &c->iov, 1);
	else
		scsi_task_set_iov_in(&c->task, &c->iov, 1);
	if (iscsi_scsi_command_async(s->iscsi, s->lun, &c->task, command_done, NULL, c))
		return complain(s, "command");
	s->under_way++;
	return 0;
}

int session_fd(struct session *s)
{
	return iscsi_get_fd(s->iscsi);
}

int session_events(struct session *s)
{
	return iscsi_which_events(s->iscsi);
}

int session_service(struct session *s, int revents)
{
	if (iscsi_service(s->iscsi, revents)) {
		s->lost = true;
		return complain(s, "connection");
	}
	/* What the answers have just queued goes out at once, without another wait. */
	if (!(iscsi_which_events(s->iscsi) & POLLOUT) || !iscsi_service(s->iscsi, POLLOUT))
		return 0;
	s->lost = true;
	return complain(s, "connection");
}
