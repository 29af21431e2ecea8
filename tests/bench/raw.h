/* SPDX-License-Identifier: MIT */
/*
 * A session of our own making, for what Debian's libiscsi cannot do: header and data digests, made and checked. The same
 * face as session.c (session.h). One connection, immediate data, one R2T at a time; what a target asks for is sent from
 * the owner's buffers and what it sends is received into them. raw.c is the connection and its commands, raw_login.c what
 * comes before them.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "session.h"

#define BHS	    48u
#define DIGEST	    4u
#define TEXT_MAX    8192u
#define SCRATCH     65536u
#define NO_TAG	    0xffffffffu

enum { LOGIN_RESPONSE = 0x23, RESPONSE = 0x21, DATA_IN = 0x25, R2T = 0x31, NOP_IN = 0x20 };

/* A PDU on its way out. */
struct frame {
	uint8_t head[BHS + DIGEST], tail[3 + DIGEST];
	const uint8_t *data;
	size_t head_bytes, data_bytes, tail_bytes;
};

struct command {
	uint8_t *data;
	size_t bytes, got;
	bool write, busy;
};

struct session {
	int fd;
	uint8_t lun;
	bool header_digest, data_digest;
	uint32_t segment_bytes, first_burst;
	uint32_t cmd_sn, max_cmd_sn, exp_stat_sn;
	session_done_fn *done;
	void *done_arg;

	struct frame *frames;
	size_t n_frames, frames_max, sent; /* sent: bytes of the first one */

	uint8_t in[SCRATCH];
	size_t have;
	uint8_t head[BHS], text[TEXT_MAX], tail[3 + DIGEST];
	bool in_body;
	uint8_t *body;
	size_t body_bytes, body_got, tail_bytes, tail_got;
	int answer; /* of the command that is waited for: -1 until then */
	unsigned depth;
	struct command command[];
};

/* Connects, logs in and reads the capacity; blocks. */
int raw_login(struct session *s, const struct options *opt, unsigned index, struct capacity *ret);

/* Sends a PDU and waits for its answer: it is in head and text afterwards, and the status in answer. */
int raw_exchange(struct session *s, const uint8_t *head, const void *data, size_t bytes);
/* The same of a command that reads, in the first slot. */
int raw_read(struct session *s, const uint8_t *cdb, void *data, size_t bytes);
/* Says so on stderr; the error again. */
int raw_complain(const char *what, int error);

#endif
