/* SPDX-License-Identifier: MIT */
/*
 * One upstream iSCSI session: the thin layer around libiscsi, which nobody else includes. It
 * connects and logs in step by step and never again: a session that is lost is lost with its
 * commands, and its owner makes a new engine. (The library's own reconnection repeats commands,
 * which writes a tape block twice.)
 *
 * Used on one loop. Its owner is never called: after each up_engine_service() he looks at the phase
 * and takes what is done. So nothing of the owner's runs inside the library.
 */
#ifndef PASSTHROUGH_UP_ENGINE_H
#define PASSTHROUGH_UP_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "passthrough/up_isid.h"
#include "passthrough/up_places.h"
#include "passthrough/up_secret.h"
#include "passthrough/up_url.h"

enum up_phase {
	UP_CONNECTING, /* TCP, then login */
	UP_READY,
	UP_REDIRECTED, /* the target sends us to up_engine_redirect() */
	UP_LEFT,       /* logged out */
	UP_DEAD,       /* up_engine_error() says why */
};

struct up_engine_params {
	const char *initiator_name;
	struct up_isid isid;
	const struct up_url *url;
	const struct up_address *address;
	const struct up_secret *secret;
	bool header_digest; /* insist on it */
	unsigned commands;       /* how many at once */
	unsigned tcp_timeout_ms; /* unacknowledged for so long: the connection is dead */
	const void *zeros;       /* SPT_BUFFER_MAX readable bytes, longer-lived than the engine */
};

struct up_engine;

/* Begins to connect; may be dead at once. NULL: out of memory. */
struct up_engine *up_engine_new(const struct up_engine_params *params);
/* Closes the connection: from here on nothing touches a task. What was there can be taken. */
void up_engine_kill(struct up_engine *engine);
void up_engine_free(struct up_engine *engine);

enum up_phase up_engine_phase(const struct up_engine *engine);
const char *up_engine_error(const struct up_engine *engine);
/* Upstream does not want who we are, or is not who it should be: it is no use to ask again soon. */
bool up_engine_refused(const struct up_engine *engine);
const char *up_engine_redirect(const struct up_engine *engine);
/* To be watched, and for what (SPT_READABLE, SPT_WRITABLE); asked anew after each call. */
int up_engine_fd(const struct up_engine *engine);
unsigned up_engine_events(const struct up_engine *engine);
void up_engine_service(struct up_engine *engine, unsigned ready);
/* Once a second or so: two sides that wait for each other to read must not do so for ever. */
void up_engine_unstick(struct up_engine *engine);
/* Has anything come from upstream since this was last asked? */
bool up_engine_heard(struct up_engine *engine);

/* The session's commands. Who asks for an abort or a reset there has up_engine_service() called. */
struct up_places *up_engine_places(struct up_engine *engine);
/* A free place, or NULL: see up_places_free(); and none is before login. */
struct up_command *up_engine_place(struct up_engine *engine);
/* Queues command->task, whose buffers are there. -EIO: not sent, the place is free again. */
int up_engine_send(struct up_engine *engine, struct up_command *command);
/* Gives back what up_places_take() gave. */
void up_engine_release(struct up_engine *engine, struct up_command *command);

/* A NOP-Out; false when one is under way. */
bool up_engine_nop(struct up_engine *engine);
/* One is under way, and it is not the command window that keeps it here. */
bool up_engine_nop_pending(const struct up_engine *engine);
/* Begins to log out; phase UP_LEFT follows. False: cannot. */
bool up_engine_logout(struct up_engine *engine);

#endif
