/* SPDX-License-Identifier: MIT */
/*
 * What the connections of one loop share: the buffer that they receive into, spare memory for
 * transmitting, counters, and the way up to whoever knows targets. Used on the loop's thread only.
 */
#ifndef SESSION_ENV_H
#define SESSION_ENV_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/host.h>
#include <spt/link.h>

#include "base/spares.h"
#include "log/limit.h"
#include "login/login.h"
#include "session/close.h"
#include "wire/keys.h"

/* One recv() brings at most this much beside what goes straight into a task's buffer. */
#define RX_SCRATCH_BYTES (256u << 10)

struct conn;
struct session;
struct session_env;
struct rx_pdu;
struct spt_itl;

/* The way up to the targets; implemented by target/. On the loop's thread. */
struct session_ops {
	/*
	 * LOGIN_ASK_TARGET of conn->login: fills @ret (login_answer_target()). False: the session that it
	 * wants to join lives on another loop; conn_arrived() follows there, or join_cancelled() here.
	 */
	bool (*find_target)(struct conn *conn, const struct login_question *question,
		struct login_target *ret);
	/*
	 * LOGIN_ASK_SESSION: makes the session (session_new()), perhaps after an older one of its name has
	 * ended, or finds that which it joins; conn_joined() follows, perhaps from inside, unless the connection is closed before:
	 * then join_cancelled() is called.
	 */
	void (*join)(struct conn *conn);
	void (*join_cancelled)(struct conn *conn);
	/* The nexus has ended and nothing of it is at any device: its name is free. */
	void (*session_gone)(struct session *session);
	/* The values of SendTargets=@value for this connection (RFC 7143 C). */
	void (*send_targets)(struct conn *conn, const char *value, struct key_writer *out);
	/* All that the target's other sessions must know of TARGET COLD RESET. */
	void (*cold_reset)(struct session *session);
	/*
	 * The login failed for want of a proof of identity: logs it; how long the answer is to wait.
	 * login_over() follows if it is to wait at all.
	 */
	uint64_t (*auth_failed)(struct conn *conn);
	/* The connection has reached full feature phase, or its refusal waits. */
	void (*login_over)(struct conn *conn);
	/* conn->login is NULL, or conn->refusing is set, if that had happened. */
	void (*conn_gone)(struct conn *conn);
};

/* What is done with PDUs in full feature phase; implemented by fullfeature/. */
struct phase_ops {
	/*
	 * The header of a PDU is there and its data segment is not, not all of it: where the data shall
	 * go. NULL: into a buffer of the connection's. The memory must stay until pdu() or dropped().
	 */
	uint8_t *(*place)(struct conn *conn, struct rx_pdu *pdu);
	/* A whole PDU. It may close the connection. */
	void (*pdu)(struct conn *conn, struct rx_pdu *pdu);
	/* A PDU that place() had been called for will not come. */
	void (*dropped)(struct conn *conn, struct rx_pdu *pdu);
	/* The connection is closed and no longer its session's: nothing may refer to it from here on. */
	void (*conn_lost)(struct conn *conn);
	/* A login takes the place of the session's connection with this CID, which is gone, if there was one. */
	void (*conn_reinstated)(struct session *session, uint16_t cid);
	/* Does something of the session wait for what is still to be read: data, older commands, acknowledgements? */
	bool (*wants_more)(const struct session *session);
	/* Nothing that the session was asked for is under way. */
	bool (*at_rest)(const struct session *session);
	/* It is, and leaves its loop: nothing that is set or queued there may be left. */
	void (*session_leaves)(struct session *session);
	/* The session has no connection; its tasks are about to be aborted. */
	void (*session_ending)(struct session *session);
	/* Another nexus's task management takes tasks of the session that have @itl. */
	void (*tasks_terminated)(struct session *session, const struct spt_itl *itl);
	/* A unit attention waits for the session at @lun, where it has no command: its sense data. */
	void (*attention)(struct session *session, uint64_t lun, const uint8_t *sense, size_t bytes);
	/* Frees what has not been needed since it was last called; how many bytes. */
	size_t (*tidy)(struct session_env *env);
};

struct env_counters {
	uint64_t connections, logins, commands, bytes_in, bytes_out, rejects, tmfs, data_discarded;
	uint64_t closed[CLOSE_REASONS];
	/* Of recovery (RFC 7143 7.1). */
	uint64_t snacks[4]; /* by enum snack_type */
	uint64_t recovery_r2ts, data_digest_errors, conns_recovered, reassigned;
	uint64_t data_timeouts; /* commands that ended for want of their data */
	uint64_t fences;
	uint64_t sessions_moved; /* to this loop */
	uint64_t moves_given_up; /* from it */
};

struct session_env {
	struct spt_host *host;
	const struct session_ops *ops;
	const struct phase_ops *phase;
	void *arg; /* of ops */
	struct login_limits limits; /* for discovery */
	uint64_t login_timeout_us;
	uint64_t logout_wait_us; /* that an initiator has when it is asked to log out */
	bool draining;           /* Login Requests are answered by "service unavailable" */
	uint8_t *scratch;
	uint8_t *steady;          /* TX_STEADY_BYTES, in use only while one connection sends */
	struct spares rings;      /* struct tx_ring */
	struct spares commands;   /* fullfeature/command.c */
	struct spt_timer tidy;
	struct spt_work trim;
	bool used;                /* since it was last tidied: tidy is set */
	unsigned sessions_ended;  /* likewise */
	uint64_t denied;          /* buffers, as far as the log knows */
	struct spt_link conns;    /* struct conn.link */
	struct spt_link sessions; /* struct session.link */
	unsigned n_conns, n_sessions;
	struct log_limit strangers; /* ends of connections that never were a session's */
	struct env_counters counters;
};

/* 0 or -ENOMEM. */
int session_env_init(struct session_env *env, struct spt_host *host);
void session_env_begin_tidying(struct session_env *env);
/* Something came, or went: what that takes of memory is looked after until it is given back. */
static inline void session_env_used(struct session_env *env)
{
	if (!env->used)
		session_env_begin_tidying(env);
}
/* No connection may be left. */
void session_env_deinit(struct session_env *env);

#endif
