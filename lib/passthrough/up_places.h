/* SPDX-License-Identifier: MIT */
/*
 * The commands of an upstream session: a fixed number of places, each free, sent, ended (its
 * outcome is known, the owner has not taken it yet) or retired (over, but something that the
 * transport still has queued may look at it). And what is asked about them: aborts, logical unit
 * resets.
 *
 * Bookkeeping only; what is on the wire is the engine's.
 */
#ifndef PASSTHROUGH_UP_PLACES_H
#define PASSTHROUGH_UP_PLACES_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/link.h>

#include "passthrough/judge.h"
#include "passthrough/up_reply.h"

enum up_abort {
	UP_ABORT_NONE,
	UP_ABORT_WANTED, /* once the command has left our own queue */
	UP_ABORT_SENT,
	UP_ABORT_REFUSED,
};

struct up_wire;

/* One command's place. The owner fills @task and @direction, and reads @reply. */
struct up_command {
	struct spt_link link; /* in one of the lists */
	struct spt_task *task;
	const struct pass_limits *limits; /* for what is asked differently; NULL: nothing */
	enum pass_direction direction;
	struct up_reply reply;
	uint64_t serial;   /* order of sending */
	uint64_t abort_us; /* when its abort was asked for */
	enum up_abort abort;
	bool tmf_pending; /* ABORT TASK is under way: the place stays taken */
	bool ended;       /* its outcome is in @reply */
	bool cut;         /* upstream said that it is gone: to be ended here */
	struct up_wire *wire;
};

/* A logical unit reset, or what else ends many commands; the owner's memory until it is taken back. */
struct up_reset {
	struct spt_link link;
	uint8_t function; /* RFC 7143 11.5.1 */
	bool ends;        /* commands: all but CLEAR ACA do */
	uint64_t serial; /* commands before this one are gone when it succeeds; 0: not sent yet */
	bool done;
	int result;
};

struct up_places {
	struct up_command *commands;
	unsigned n;
	struct spt_link free, sent, ended, retired;
	struct spt_link resets, resets_done;
	uint64_t serial, serial_out; /* last queued; last that has left the transport's queue */
	unsigned aborts_wanted, resets_wanted;
	bool cuts; /* a command is marked so */
};

/* -ENOMEM. */
int up_places_init(struct up_places *places, unsigned n);
void up_places_deinit(struct up_places *places);

/* A free place, or NULL: all are taken, or an abort or reset waits for the queue to run empty. */
struct up_command *up_places_free(const struct up_places *places);
/* The transport has it. */
void up_places_sent(struct up_places *places, struct up_command *command);
void up_places_end(struct up_places *places, struct up_command *command,
	const struct up_reply *reply);
/* The session is over: what was sent is lost, resets have failed. */
void up_places_end_all(struct up_places *places);
/* What has ended, one after the other. */
struct up_command *up_places_take(struct up_places *places);
/* @clean: nothing looks at it any more. */
void up_places_release(struct up_places *places, struct up_command *command, bool clean);
/* The transport's queue has run empty: those sent have left it, those retired are free. */
void up_places_drained(struct up_places *places);

void up_places_abort(struct up_places *places, struct up_command *command, uint64_t now_us);
/* Of all that is under way. */
void up_places_abort_all(struct up_places *places, uint64_t now_us);
/* Since when the oldest abort waits for its command to end; UINT64_MAX: none does. */
uint64_t up_places_abort_since(const struct up_places *places);
/* The next whose abort can be sent now, marked as sent; NULL: none. */
struct up_command *up_places_next_abort(struct up_places *places);
/* Upstream has answered the abort: the command is @gone, or will not be aborted. */
void up_places_abort_answered(struct up_places *places, struct up_command *command, bool gone);

void up_places_reset(struct up_places *places, struct up_reset *reset);
struct up_reset *up_places_next_reset(struct up_places *places);
/* Those that are done: marks what they ended (SAM-5 7.7: without responses). */
void up_places_end_resets(struct up_places *places);
struct up_reset *up_places_take_reset(struct up_places *places);
/* The next command that upstream said is gone; NULL: none. To be ended by the caller. */
struct up_command *up_places_next_cut(struct up_places *places);

#endif
