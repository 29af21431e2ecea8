/* SPDX-License-Identifier: MIT */
/*
 * The inside of a login, for the files of this directory: login.c has the entry points and the
 * header rules, take.c judges a complete text, security.c is the security stage, reply.c decides
 * what goes back. Every step gives a login_action; refusing is login_fail(), from anywhere.
 */
#ifndef LOGIN_MACHINE_H
#define LOGIN_MACHINE_H

#include "base/util.h"
#include "login/gather.h"
#include "login/login.h"
#include "login/negotiation.h"

/* Pairs of the authentication method in one text; CHAP has at most five (RFC 7143 12.1.3). */
#define LOGIN_AUTH_PAIRS_MAX 16u

enum login_state {
	STATE_START,       /* nothing came yet */
	STATE_REQUEST,     /* it is the initiator's turn */
	STATE_ASK_TARGET,  /* the owner's: login_answer_target() */
	STATE_ASK_SESSION, /* the owner's: login_answer_session() */
	STATE_DONE,
	STATE_CLOSED,
};

struct login {
	uint8_t state; /* enum login_state */
	uint8_t stage; /* enum login_stage: the CSG that is expected */
	bool identified; /* the first text is taken, the target is known */
	bool tag_told;   /* TargetPortalGroupTag and TargetAlias are sent */
	bool declared;   /* MaxRecvDataSegmentLength is sent */
	uint16_t pdus;
	uint32_t unknown_bytes; /* of this stage */
	struct pdu_login_request first;   /* what must not change from PDU to PDU */
	struct pdu_login_request request; /* the one that is being answered */
	struct negotiation n;
	struct login_question question;
	char target_alias[LOGIN_ALIAS_MAX + 1];
	sn_t stat_sn;

	const struct login_auth_method *methods;
	size_t n_methods;
	const struct login_auth_ops *auth_ops; /* the method chosen; NULL: None, or not yet */
	struct login_auth *auth;               /* its exchange */
	bool auth_chosen;
	bool auth_done;

	uint16_t status;
	char reason[128];
	struct gather in;
	struct key_writer out; /* over @text, or over @large */
	size_t sent;           /* of what @out has */
	struct login_message message;
	char *large; /* LOGIN_ANSWER_MAX bytes: where the answers may be longer than @text; NULL: they were not yet */
	char text[LOGIN_TEXT_MAX]; /* last: nothing of it is looked at before it is written */
};

/* Refuses: the action is LOGIN_REPLY_CLOSE and the format is the reason. */
enum login_action login_fail(struct login *l, enum login_status status, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* take.c. Negative: refused, with login_fail() called. */
int take_identity(struct login *l);
int take_text(struct login *l);

/* security.c. Negative as above. */
int security_choose(struct login *l, const struct key_pair *pair);
bool security_owns(const struct login *l, const struct key_pair *pair);
int security_step(struct login *l, const struct key_pair *pairs, size_t n);
/* May the initiator leave the security stage, or pass it by? */
bool security_satisfied(const struct login *l);
bool security_allows_none(const struct login *l);

/* reply.c. The answers of a turn are written to l->out, empty at its start. */
void reply_start(struct login *l);
/* The same for the answers to the text in l->in. 0 or -ENOMEM. */
int reply_start_for_text(struct login *l);
/* The turn is over: T, offers, the question about the session. */
enum login_action reply_turn(struct login *l);
/* The turn is over and the stage goes on. */
enum login_action reply_plain(struct login *l);
/* The last reply of a login, with the TSIH. */
enum login_action reply_done(struct login *l);
enum login_action reply_fail(struct login *l, enum login_status status);

#endif
