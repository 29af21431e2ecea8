/* SPDX-License-Identifier: MIT */
/* The connection of a session of our own making and the commands on it: see raw.h. */
#include "raw.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/be.h"
#include "base/util.h"
#include "cdb.h"
#include "wire/digest.h"

#define FRAMES_ONCE 64u

int raw_complain(const char *what, int error)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(-error));
	return error;
}

/* --- out --- */

static int put(struct session *s, const uint8_t *head, const void *data, size_t bytes)
{
	if (s->n_frames == s->frames_max) {
		size_t max = s->frames_max ? 2 * s->frames_max : 64;
		struct frame *frames = reallocarray(s->frames, max, sizeof(*frames));
		if (!frames)
			return -ENOMEM;
		s->frames = frames;
		s->frames_max = max;
	}
	struct frame *f = &s->frames[s->n_frames++];
	*f = (struct frame){ .data = data, .data_bytes = bytes, .head_bytes = BHS, .tail_bytes = -bytes & 3 };
	memcpy(f->head, head, BHS);
	be32_put(f->head + 4, (uint32_t)bytes);
	if (s->header_digest) {
		crc32c_put(crc32c_add(crc32c_begin(), f->head, BHS), f->head + BHS);
		f->head_bytes += DIGEST;
	}
	if (s->data_digest && bytes) {
		crc32c_t crc = crc32c_add(crc32c_begin(), data, bytes);
		crc32c_put(crc32c_add(crc, f->tail, f->tail_bytes), f->tail + f->tail_bytes);
		f->tail_bytes += DIGEST;
	}
	return 0;
}

static size_t frame_bytes(const struct frame *f)
{
	return f->head_bytes + f->data_bytes + f->tail_bytes;
}

static size_t add(struct iovec *v, const void *p, size_t bytes, size_t *skip)
{
	size_t over = MIN(*skip, bytes);

	*skip -= over;
	*v = (struct iovec){ (uint8_t *)p + over, bytes - over };
	return bytes > over;
}

static int flush(struct session *s)
{
	struct iovec v[3 * FRAMES_ONCE];
	size_t n = 0, skip = s->sent, gone = 0;

	for (size_t i = 0; i < MIN(s->n_frames, (size_t)FRAMES_ONCE); i++) {
		const struct frame *f = &s->frames[i];
		n += add(&v[n], f->head, f->head_bytes, &skip);
		n += add(&v[n], f->data, f->data_bytes, &skip);
		n += add(&v[n], f->tail, f->tail_bytes, &skip);
	}
	if (!n)
		return 0;
	ssize_t r = sendmsg(s->fd, &(struct msghdr){ .msg_iov = v, .msg_iovlen = n }, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (r < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->sent += (size_t)r;
	while (gone < s->n_frames && s->sent >= frame_bytes(&s->frames[gone]))
		s->sent -= frame_bytes(&s->frames[gone++]);
	s->n_frames -= gone;
	memmove(s->frames, s->frames + gone, s->n_frames * sizeof(*s->frames));
	return 0;
}

static int send_command(struct session *s, unsigned slot, const uint8_t *cdb)
{
	const struct command *c = &s->command[slot];
	uint8_t head[BHS] = { 0x01, 0x81 }; /* F, SIMPLE */

	if ((int32_t)(s->max_cmd_sn - s->cmd_sn) < 0) {
		fputs("load: the target's command window is smaller than the queue\n", stderr);
		return -EPROTO;
	}
	head[1] |= c->write ? 0x20 : c->bytes ? 0x40 : 0;
	head[9] = s->lun;
	be32_put(head + 16, slot);
	be32_put(head + 20, (uint32_t)c->bytes);
	be32_put(head + 24, s->cmd_sn++);
	be32_put(head + 28, s->exp_stat_sn);
	memcpy(head + 32, cdb, 16);
	size_t now = c->write ? MIN(c->bytes, (size_t)MIN(s->segment_bytes, s->first_burst)) : 0;
	return put(s, head, c->data, now);
}

static int answer_r2t(struct session *s, const struct command *c, const uint8_t *r2t)
{
	uint32_t offset = be32_get(r2t + 40), bytes = be32_get(r2t + 44), sn = 0;
	int r = 0;

	if (!c->write || offset > c->bytes || bytes > c->bytes - offset)
		return -EPROTO;
	while (bytes && !r) {
		uint32_t n = MIN(bytes, s->segment_bytes);
		uint8_t head[BHS] = { 0x05, n == bytes ? 0x80 : 0 };
		memcpy(head + 8, r2t + 8, 16); /* LUN, tags */
		be32_put(head + 28, s->exp_stat_sn);
		be32_put(head + 36, sn++);
		be32_put(head + 40, offset);
		r = put(s, head, c->data + offset, n);
		offset += n;
		bytes -= n;
	}
	return r;
}

static int answer_nop(struct session *s)
{
	uint8_t head[BHS] = { 0x40, 0x80 };

	if (be32_get(s->head + 20) == NO_TAG)
		return 0;
	memcpy(head + 8, s->head + 8, 8);
	be32_put(head + 16, NO_TAG);
	memcpy(head + 20, s->head + 20, 4);
	be32_put(head + 24, s->cmd_sn);
	be32_put(head + 28, s->exp_stat_sn);
	return put(s, head, NULL, 0);
}

/* --- in --- */

static struct command *command_of(struct session *s)
{
	uint32_t itt = be32_get(s->head + 16);

	return itt < s->depth && s->command[itt].busy ? &s->command[itt] : NULL;
}

/* GOOD and every byte moved, or the reason on stderr. */
static int judge(const struct session *s, const struct command *c)
{
	if (s->head[3] || s->head[1] & 0x06 || (!c->write && c->got != c->bytes)) {
		fprintf(stderr, "load: status %#x, flags %#x, %zu of %zu bytes\n", s->head[3], s->head[1], c->got, c->bytes);
		return -EIO;
	}
	return 0;
}

static void command_over(struct session *s, struct command *c)
{
	c->busy = false;
	if (s->done)
		s->done(s->done_arg, (unsigned)(c - s->command), judge(s, c));
	else
		s->answer = s->head[3];
}

/* Where the data segment of the header that has come goes to. */
static int place(struct session *s)
{
	struct command *c = s->head[0] == DATA_IN ? command_of(s) : NULL;

	s->in_body = true;
	s->body_bytes = be32_get(s->head + 4) & 0xffffff;
	s->body_got = s->tail_got = 0;
	s->tail_bytes = (-s->body_bytes & 3) + (s->data_digest && s->body_bytes ? DIGEST : 0);
	if (s->head[4])
		return -EPROTO;
	if (s->head[0] != DATA_IN) {
		s->body = s->text;
		return s->body_bytes <= TEXT_MAX ? 0 : -EMSGSIZE;
	}
	uint32_t offset = be32_get(s->head + 40);
	if (!c || c->write || offset > c->bytes || s->body_bytes > c->bytes - offset)
		return -EPROTO;
	s->body = c->data + offset;
	c->got += s->body_bytes;
	return 0;
}

static bool data_is_sound(const struct session *s)
{
	size_t padding = -s->body_bytes & 3;

	if (s->tail_bytes <= padding)
		return true;
	crc32c_t crc = crc32c_add(crc32c_begin(), s->body, s->body_bytes);
	return crc32c_equal(crc32c_add(crc, s->tail, padding), s->tail + padding);
}

static int pdu(struct session *s)
{
	struct command *c = command_of(s);

	if (!data_is_sound(s))
		return raw_complain("data digest", -EBADMSG);
	if (s->head[0] == LOGIN_RESPONSE) {
		s->answer = s->head[36] << 8 | s->head[37];
		s->exp_stat_sn = be32_get(s->head + 24) + 1;
		s->max_cmd_sn = be32_get(s->head + 32);
		return 0;
	}
	s->max_cmd_sn = be32_get(s->head + 32);
	if (s->head[0] == NOP_IN)
		return answer_nop(s);
	if (!c)
		return -EPROTO;
	if (s->head[0] == R2T)
		return answer_r2t(s, c, s->head);
	if (s->head[0] != RESPONSE && s->head[0] != DATA_IN)
		return -EPROTO;
	if (s->head[0] == DATA_IN && !(s->head[1] & 1)) /* S: the status comes with it */
		return 0;
	s->exp_stat_sn = be32_get(s->head + 24) + 1;
	command_over(s, c);
	return 0;
}

/* Moves what has come to where it belongs; 0: more is wanted. */
static int step(struct session *s, const uint8_t **p, size_t *bytes)
{
	size_t head_bytes = BHS + (s->header_digest ? DIGEST : 0);

	if (!s->in_body) {
		if (*bytes < head_bytes)
			return 0;
		memcpy(s->head, *p, BHS);
		if (s->header_digest && !crc32c_equal(crc32c_add(crc32c_begin(), *p, BHS), *p + BHS))
			return raw_complain("header digest", -EBADMSG);
		*p += head_bytes;
		*bytes -= head_bytes;
		int r = place(s);
		if (r < 0)
			return r;
	}
	size_t n = MIN(*bytes, s->body_bytes - s->body_got);
	memcpy(s->body + s->body_got, *p, n);
	s->body_got += n;
	size_t t = MIN(*bytes - n, s->tail_bytes - s->tail_got);
	memcpy(s->tail + s->tail_got, *p + n, t);
	s->tail_got += t;
	*p += n + t;
	*bytes -= n + t;
	if (s->body_got < s->body_bytes || s->tail_got < s->tail_bytes)
		return 0;
	s->in_body = false;
	int r = pdu(s);
	return r < 0 ? r : 1;
}

/* The rest of a body is received where it belongs, and what follows it into the scratch buffer. */
static int receive(struct session *s)
{
	struct iovec v[2];
	size_t n = 0, rest = s->in_body ? s->body_bytes - s->body_got : 0;

	if (rest)
		v[n++] = (struct iovec){ s->body + s->body_got, rest };
	v[n++] = (struct iovec){ s->in + s->have, SCRATCH - s->have };
	ssize_t got = recvmsg(s->fd, &(struct msghdr){ .msg_iov = v, .msg_iovlen = n }, MSG_DONTWAIT);
	if (got <= 0)
		return got == 0 ? -ECONNRESET : errno == EAGAIN ? 0 : -errno;
	size_t direct = MIN((size_t)got, rest);
	s->body_got += direct;
	s->have += (size_t)got - direct;
	const uint8_t *p = s->in;
	int r;
	while ((r = step(s, &p, &s->have)) > 0)
		;
	memmove(s->in, p, s->have);
	return r;
}

/* Until the answer is there. */
static int await(struct session *s)
{
	s->answer = -1;
	while (s->answer < 0) {
		struct pollfd fd = { s->fd, (short)session_events(s), 0 };
		if (poll(&fd, 1, 30000) <= 0)
			return raw_complain("no answer", -ETIMEDOUT);
		int r = session_service(s, fd.revents);
		if (r < 0)
			return r;
	}
	return 0;
}

int raw_exchange(struct session *s, const uint8_t *head, const void *data, size_t bytes)
{
	int r = put(s, head, data, bytes);

	return r < 0 ? r : await(s);
}

int raw_read(struct session *s, const uint8_t *cdb, void *data, size_t bytes)
{
	s->command[0] = (struct command){ .data = data, .bytes = bytes, .busy = true };
	int r = send_command(s, 0, cdb);

	return r < 0 ? r : await(s);
}

/* --- session.h --- */

int session_new(const struct options *opt, unsigned index, struct capacity *ret_capacity, struct session **ret)
{
	unsigned depth = (unsigned)opt->queue_depth;
	struct session *s = calloc(1, sizeof(*s) + depth * sizeof(s->command[0]));

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->depth = depth;
	int r = raw_login(s, opt, index, ret_capacity);
	if (r < 0) {
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
	if (s->fd >= 0)
		close(s->fd);
	free(s->frames);
	free(s);
}

void session_on_done(struct session *s, session_done_fn *done, void *arg)
{
	s->done = done;
	s->done_arg = arg;
}

int session_submit(struct session *s, unsigned slot, const struct session_request *req)
{
	uint8_t cdb[16] = { 0 };

	cdb_put(cdb, req);
	s->command[slot] = (struct command){ .data = req->data, .bytes = req->bytes, .write = req->write, .busy = true };
	return send_command(s, slot, cdb);
}

int session_fd(struct session *s)
{
	return s->fd;
}

int session_events(struct session *s)
{
	return POLLIN | (s->n_frames ? POLLOUT : 0);
}

int session_service(struct session *s, int revents)
{
	int r = revents & (POLLIN | POLLERR | POLLHUP) ? receive(s) : 0;

	/* What the answers have just queued goes out at once, without another wait. */
	if (!r)
		r = flush(s);
	return r < 0 ? raw_complain("connection", r) : 0;
}
