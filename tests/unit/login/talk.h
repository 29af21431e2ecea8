/* SPDX-License-Identifier: MIT */
/*
 * A login in a test: the initiator says a line, the owner's answers are set beforehand, and what
 * the target says comes back as one readable string, its pairs joined by blanks.
 */
#ifndef TEST_LOGIN_TALK_H
#define TEST_LOGIN_TALK_H

#include <stdbool.h>

#include "login/login.h"

struct talk {
	struct login *login;
	struct login_limits limits;
	struct login_target target;   /* the answer about the target */
	struct login_session session; /* and about the session */
	bool hold;                    /* the owner takes its time: questions are not answered */
	enum login_action action;     /* the last one */
	struct pdu_login_request request;
	unsigned asked_target, asked_session;
	char said[LOGIN_SEGMENT_MAX + 1]; /* the text of the last reply */
	struct pdu_login_response reply;
};

#define INAME "InitiatorName=iqn.1994-05.com.redhat:b1 "
#define TNAME "TargetName=iqn.2026-11.org.sptgt:demo "
#define WHO   INAME TNAME
#define DISCO INAME "SessionType=Discovery "

struct talk talk_start(void);
void talk_end(struct talk *talk);

/* Flags of a Login Request, as said(): "1>3" is CSG 1, T, NSG 3; "1" is CSG 1 alone; "1C" is C. */
enum login_action talk_say(struct talk *talk, const char *flags, const char *pairs);
enum login_action talk_say_bytes(struct talk *talk, const char *flags, const void *text, size_t n);
/* Answers an open question (hold). */
enum login_action talk_answer(struct talk *talk);

/* The whole reply: "1>3 0000 HeaderDigest=None ..." */
const char *talk_heard(const struct talk *talk);

#endif
