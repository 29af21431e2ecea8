/* SPDX-License-Identifier: MIT */
/*
 * A session in full feature phase, seen from iSCSI: its numbers (CmdSN, the command window), what
 * waits for its turn, and the library's session under it. It and all its connections live on one
 * loop. It ends with its last connection: every task is aborted, and when no device is touched any
 * more the session's name is free.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <spt/session.h>

#include "base/sn.h"
#include "log/limit.h"
#include "login/params.h"
#include "session/close.h"
#include "session/env.h"
#include "session/remote.h"

/* What the target's configuration says about its sessions. */
struct session_policy {
	/* The response to TARGET WARM RESET and TARGET COLD RESET (RFC 7143 11.6.1); 0: they are done. */
	uint8_t target_reset_response;
	/* How long a function that ends several tasks waits for data that was asked for, and for commands. */
	uint64_t abort_data_wait_us;
	/* How long a Response Fence waits for acknowledgements; who gives none is closed. */
	uint64_t fence_wait_us;
	/* How long data of a write may stay away; 0: for ever. */
	uint64_t data_out_wait_us;
	/* Unit attentions are told by Asynchronous Messages. */
	bool scsi_events;
};

/* fullfeature/fence.h */
enum fence_state {
	FENCE_DOWN,
	FENCE_BEFORE, /* what goes before the fenced answer is not all acknowledged */
	FENCE_AFTER,  /* it is sent and not acknowledged */
};

struct session_fence {
	enum fence_state state;
	struct fence_hold *hold;   /* FENCE_BEFORE: the answer */
	const struct spt_itl *itl; /* of whose logical unit it is */
	bool all;                  /* of every one */
	struct spt_link held;      /* answers behind it */
	struct spt_timer timer;
	struct spt_post poll;
};

struct session {
	struct spt_link link; /* in env->sessions */
	struct session_env *env;
	struct spt_link conns; /* struct conn.session_link */
	unsigned n_conns;
	uint32_t last_number; /* conn->number of the newest one */
	struct login_params params;
	uint64_t id;
	void *target; /* target/'s */
	char peer[80], local[80];
	union remote remote; /* of its first connection */
	const char *portal;
	time_t login_time;

	bool has_nexus; /* false: a discovery session */
	bool doomed; /* it is to end: nothing waits for a new connection */
	bool ending;
	spt_session_cookie cookie;

	/* RFC 7143 4.2.2.1. The window is exp_cmd_sn..max_cmd_sn. */
	sn_t exp_cmd_sn, max_cmd_sn;
	unsigned window;    /* commands that may be outstanding: its size when nothing is */
	bool window_stays;  /* transfer.h: it does not move for a while */
	unsigned active;    /* commands that count against it */
	unsigned immediate; /* immediate ones that are outstanding */
	struct spt_link held; /* fullfeature/order.c: came before their turn */
	size_t held_bytes;    /* of their data */
	struct spt_link departed; /* fullfeature/departed.h: connections that are gone */
	size_t kept_bytes, keep_bytes; /* of read data that is not acknowledged, and at most */
	struct spt_link tmfs;     /* fullfeature/tmf.h: those that end several tasks */
	struct spt_link functions; /* fullfeature/tmf.h: all that are not answered */
	uint32_t issuing; /* number of the connection whose function the library is about to begin; 0: none */
	struct spt_post tmf_poll; /* fullfeature/tmf_wait.c */
	struct session_fence fence;
	struct spt_timer data_timer; /* fullfeature/data_wait.h */
	bool data_watched;
	unsigned events; /* fullfeature/async.c: of SCSI, that are not sent */
	unsigned logouts; /* Logout Requests that wait for commands to end */
	struct spt_post logout_poll;
	struct log_limit tmf_log;
	struct session_policy policy;
	struct spt_timer farewell; /* fullfeature/farewell.h */
	enum close_reason farewell_reason;
	bool farewell_asked, farewell_dropping;
	unsigned pending; /* task management that must be answered by the library first */

	uint64_t commands, bytes_in, bytes_out;
	uint64_t weighed, weight; /* of target/migrate.c, when its loop last looked */
	uint64_t stays_until_us; /* it is not moved: it was tried of late */
};

struct session_params {
	const struct login_params *login;
	uint16_t tsih;
	uint64_t id;
	void *target;
	struct spt_lun_map *luns; /* NULL: a discovery session */
	bool reinstated;
	bool several_ports; /* the target has more than the one it came by */
	unsigned window;
	uint64_t budget_bytes;
	struct session_policy policy;
	const char *portal;
	const char *peer, *local;
	const union remote *remote;
};

/* 0 or -errno. conn_joined() gives it connections; session_end() ends it even without one. */
int session_new(struct session_env *env, const struct session_params *params,
	struct session **ret);
/* The session of this loop with this number, or NULL. */
struct session *session_by_id(const struct session_env *env, uint64_t id);
/* May a connection with this CID be added? LOGIN_SUCCESS or the status of the refusal. */
enum login_status session_may_add(const struct session *session, uint16_t cid);
/* The open connection with this CID, or NULL. */
struct conn *session_by_cid(const struct session *session, uint16_t cid);
/* Ends it and its connections, for @reason. */
void session_end(struct session *session, enum close_reason reason);
/* @conn is one of its connections from now on. */
void session_add(struct session *session, struct conn *conn);
/* And no longer: from conn.c only. session_left() follows when the connection is taken apart. */
void session_remove(struct session *session, struct conn *conn);
/* Without a connection it ends, unless its tasks may find another one (ErrorRecoveryLevel 2). */
void session_left(struct session *session);
/* The open connection with this number, or NULL: it may be gone since somebody noted it. */
struct conn *session_conn(const struct session *session, uint32_t number);
/* One that is open, or NULL. */
struct conn *session_any_conn(const struct session *session);
/* One answer that the session waited for before it may go. */
void session_pending_done(struct session *session);

/* A command that counted against the window is over. */
void session_window_gain(struct session *session);
void session_window_take(struct session *session);
/* exp_cmd_sn has moved. */
void session_window_move(struct session *session);

#endif
