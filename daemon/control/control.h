/* SPDX-License-Identifier: MIT */
/*
 * The control socket: HTTP and JSON on a Unix socket that only its owner may use. It knows nothing
 * of targets and sessions; it asks the daemon through struct control_ops, which may answer at once
 * or after a walk over all loops.
 *
 *   GET    /v1/targets  /v1/luns  /v1/sessions  /v1/version   JSON
 *   GET    /metrics                                           Prometheus text format
 *   DELETE /v1/sessions/ID                                    ends a session
 *   GET    /v1/layers                                         JSON
 *   POST   /v1/layers  /v1/unfence  /v1/reset                 does something to a device: a
 *                                                             struct snapshot_request as JSON
 *   POST   /v1/sessions/logout/ID                             asks its initiator to log out
 *   POST   /v1/sessions/move/ID                               moves it to the loop that is least busy
 *   POST   /v1/reload                                         reads the configuration again
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include <stdint.h>

#include <spt/error.h>
#include <spt/host.h>

#include "control/snapshot.h"

enum control_what {
	CONTROL_TARGETS = 1 << 0,
	CONTROL_LUNS = 1 << 1,
	CONTROL_SESSIONS = 1 << 2,
	CONTROL_COUNTERS = 1 << 3,
	CONTROL_END_SESSION = 1 << 4,
	CONTROL_LAYERS = 1 << 5,
	CONTROL_CHANGE_LAYER = 1 << 6,
	CONTROL_UNFENCE = 1 << 7,
	CONTROL_RESET = 1 << 8,
	CONTROL_ASK_LOGOUT = 1 << 9,
	CONTROL_RELOAD = 1 << 10,
	CONTROL_MOVE_SESSION = 1 << 11,
};

/*
 * One question. The daemon has it from ask() until control_answer(), even when the socket's client
 * has gone away, and may use @post and @daemon for its way through the loops.
 */
struct control_query {
	unsigned what;       /* CONTROL_*: several that only ask, or one that does something */
	uint64_t session_id; /* CONTROL_END_SESSION, _ASK_LOGOUT, _MOVE_SESSION */
	struct snapshot_request request; /* CONTROL_CHANGE_LAYER, _UNFENCE, _RESET; not judged */
	struct spt_error error; /* the daemon's, about a result below 0; empty: the usual text */
	struct snapshot snapshot; /* the rows asked for are added here */
	struct spt_post post;
	uint64_t daemon[4]; /* the daemon's, zero at first */
};

struct control_ops {
	/* Called on control's loop. control_answer() follows, perhaps from inside. */
	void (*ask)(void *arg, struct control_query *query);
};

/*
 * On control's loop. 0; -ENOENT: no such session; -EINVAL: the snapshot's report tells; or another -errno. A session that is being ended
 * is answered when the end has begun, not when it is over.
 */
void control_answer(struct control_query *query, int result);

struct event_base;
struct control;

struct control_params {
	struct event_base *base; /* of the loop it lives on */
	const char *path;        /* of the socket; its directory is made if only that is missing */
	const struct control_ops *ops;
	void *arg;
};

/*
 * Makes the socket (mode 0600) and listens. A socket left behind by a dead daemon is replaced; one
 * that answers is -EADDRINUSE; what is no socket is left alone (-EEXIST). 0 or -errno with @error
 * told. On the loop's thread.
 */
int control_new(const struct control_params *params, struct spt_error *error, struct control **ret);
/*
 * Stops listening and removes the socket. Open questions may still be answered afterwards; their
 * answers go nowhere. On the loop's thread.
 */
void control_free(struct control *control);

#endif
