/* SPDX-License-Identifier: MIT */
/*
 * The login phase of one connection, seen from the target (RFC 7143 6.3): a state machine
 * without sockets, timers or threads. The connection feeds it with Login Requests and does what the
 * returned action says:
 *
 *   action = login_request(login, &request, text);
 *   for (;;) switch (action) {
 *   case LOGIN_REPLY:        send login_reply(), wait for the next Login Request; done
 *   case LOGIN_ASK_TARGET:   find the target; now or later action = login_answer_target(...)
 *   case LOGIN_ASK_SESSION:  make or find the session; action = login_answer_session(...)
 *   case LOGIN_REPLY_DONE:   send login_reply(), then full feature phase with login_params()
 *   case LOGIN_REPLY_CLOSE:  send login_reply(), close; login_reason() says why
 *   }
 *
 * While a question is open the connection reads nothing more. It also keeps the deadline of the
 * whole login. One request gives one reply, whose memory is the login's until the next call.
 *
 * Everything a stranger can make a login hold is bounded by LOGIN_TEXT_MAX, and its answer by LOGIN_ANSWER_MAX.
 */
#ifndef LOGIN_LOGIN_H
#define LOGIN_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "login/auth.h"
#include "login/params.h"
#include "wire/login_request.h"
#include "wire/login_response.h"

#define LOGIN_SEGMENT_MAX  8192u  /* data segment of a login PDU, both ways (RFC 7143 13.12) */
#define LOGIN_TEXT_MAX     16384u /* one text joined over its PDUs (RFC 7143 6.1: at least 8192) */
#define LOGIN_PDUS_MAX     64u    /* Login Requests of one login */
/* Keys not understood, as they are written, in one negotiation: RFC 7143 6.1 wants no less to be taken. */
#define LOGIN_UNKNOWN_BYTES 8192u
#define LOGIN_ANSWER_MAX    65536u /* those answered, the shortest of 3 bytes by 16, and all that are known */

struct login;

enum login_action {
	LOGIN_REPLY,
	LOGIN_ASK_TARGET,
	LOGIN_ASK_SESSION,
	LOGIN_REPLY_DONE,
	LOGIN_REPLY_CLOSE,
};

/*
 * A login for a connection that was just accepted. @limits is for discovery sessions and for
 * targets that bring none of their own; copied. @stat_sn: the first StatSN. 0 or -ENOMEM.
 */
int login_new(const struct login_limits *limits, sn_t stat_sn, struct login **ret);
void login_free(struct login *login); /* NULL is fine; at any time */

/* @text: request->data_bytes bytes, without padding. */
enum login_action login_request(struct login *login, const struct pdu_login_request *request,
	const void *text);

/* Has a Login Request come at all? */
bool login_started(const struct login *login);

/*
 * Gives up: the deadline passed, the daemon is stopping, or a PDU that is no Login Request arrived
 * (LOGIN_INVALID_REQUEST, RFC 7143 11.13.5). Always LOGIN_REPLY_CLOSE. Before the first Login
 * Request there is nobody to reply to: just close. @reason is copied.
 */
enum login_action login_refuse(struct login *login, enum login_status status, const char *reason);

/*
 * LOGIN_ASK_TARGET: who wants what. Names are normalised and valid.
 */
struct login_question {
	uint8_t session_type; /* enum login_session_type */
	const char *initiator_name;
	const char *target_name;     /* empty: none, discovery only */
	const uint8_t *isid;
	uint16_t tsih; /* 0: a new session; else a connection for this one */
	uint16_t cid;
};

/* NULL while nobody has said who he is. */
const struct login_question *login_question(const struct login *login);

struct login_target {
	/*
	 * LOGIN_SUCCESS; or, among others: NOT_FOUND, FORBIDDEN, REMOVED, SERVICE_UNAVAILABLE;
	 * MOVED_* with redirect_address; and for tsih != 0: NO_SESSION (no such TSIH with this initiator
	 * name and ISID), TOO_MANY_CONNECTIONS, CANNOT_INCLUDE.
	 */
	enum login_status status;
	const char *reason; /* for the log when refused; copied; NULL: the status's name */
	const char *redirect_address; /* domainname[:port][,tag] (RFC 7143 13.8) */
	uint16_t portal_group_tag;
	const char *alias; /* TargetAlias; NULL: none */
	const struct login_limits *limits; /* NULL: those of login_new() */
	/* Acceptable authentication methods; of these the initiator's first choice is taken. An entry
	 * without ops is None. No entries at all: the same as None alone. */
	const struct login_auth_method *methods;
	size_t n_methods;
	/* tsih != 0: the parameters of the session that the connection joins; else NULL. */
	const struct login_params *session;
};

/* Everything that @target points to is copied, except methods: those stay until login_free(). */
enum login_action login_answer_target(struct login *login, const struct login_target *target);

/*
 * LOGIN_ASK_SESSION: negotiation is over and login_params() are final but for tsih. The owner
 * carries out session or connection reinstatement (RFC 7143 6.3.5, 6.3.4), which may take a while,
 * and allocates the TSIH of a new session.
 */
struct login_session {
	enum login_status status; /* LOGIN_SUCCESS, OUT_OF_RESOURCES, SERVICE_UNAVAILABLE, NO_SESSION... */
	const char *reason;       /* as above */
	uint16_t tsih;            /* never 0 with LOGIN_SUCCESS */
};

enum login_action login_answer_session(struct login *login, const struct login_session *session);

/*
 * The PDU to send and its text. Encode it with pdu_login_response_encode(). The session may put its
 * own ExpCmdSN and MaxCmdSN in before; here they are CmdSN of the request and a window of one.
 */
struct login_message {
	struct pdu_login_response response;
	const char *text; /* response.data_bytes bytes, without padding */
};

struct login_message *login_reply(struct login *login);

/* What is agreed so far; final from LOGIN_ASK_SESSION on, tsih and stat_sn from LOGIN_REPLY_DONE
 * on. */
const struct login_params *login_params(const struct login *login);
/* Why the login failed, one line without control characters: "duplicate key MaxBurstLength". Never
 * NULL. */
const char *login_reason(const struct login *login);
enum login_status login_status(const struct login *login);
/* The user whom the initiator claims to be, right or wrong; may be empty. A stranger's bytes. */
const char *login_user_given(const struct login *login);

#endif
