/* SPDX-License-Identifier: MIT */
/*
 * How an authentication method plugs into the security stage (RFC 7143 12). The state machine does
 * the AuthMethod choice and the stage; a method sees only its own keys (CHAP_A, CHAP_N, ...), as
 * well-formed pairs without duplicates, and says when it is satisfied.
 */
#ifndef LOGIN_AUTH_H
#define LOGIN_AUTH_H

#include <stddef.h>

#include "wire/keys.h"

enum login_auth_result {
	LOGIN_AUTH_MORE,   /* the answer is written, the initiator is to go on */
	LOGIN_AUTH_DONE,   /* the initiator is who it says; an answer may be written (mutual) */
	LOGIN_AUTH_FAILED, /* refuse with LOGIN_AUTHENTICATION_FAILURE; nothing more is said */
	LOGIN_AUTH_MISSING, /* a key of this step is not there: LOGIN_MISSING_PARAMETER */
	LOGIN_AUTH_MALFORMED, /* a key or value is none of this step: LOGIN_INITIATOR_ERROR */
	LOGIN_AUTH_BROKEN, /* our own failure (no memory, no random numbers): LOGIN_TARGET_ERROR */
};

struct login_auth;

struct login_auth_ops {
	const char *name;        /* the AuthMethod value: "CHAP" */
	const char *const *keys; /* the names that this method owns, ended by NULL */
	/* A new exchange; NULL: out of memory. @config is the method's, for this target. */
	struct login_auth *(*begin)(const void *config, const char *initiator_name);
	/* One complete text's pairs of this method, at least one. */
	enum login_auth_result (*step)(struct login_auth *auth, const struct key_pair *pairs,
		size_t n, struct key_writer *answer);
	/* The user as given: empty until then, authenticated only after LOGIN_AUTH_DONE. */
	const char *(*user)(const struct login_auth *auth);
	/* After any other end than LOGIN_AUTH_DONE: why, for the log; no secret and nothing of
	 * the peer's in it. */
	const char *(*reason)(const struct login_auth *auth);
	void (*end)(struct login_auth *auth);
};

/* A method that a target accepts. The one without ops is None: anybody, as nobody in particular. */
struct login_auth_method {
	const struct login_auth_ops *ops;
	const void *config;
};

#endif
