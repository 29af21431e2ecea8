/* SPDX-License-Identifier: MIT */
/*
 * CHAP (RFC 7143 12.1.3, RFC 1994): the initiator proves that it knows its user's secret, and may
 * ask the target to prove that it knows another one. The configuration is the owner's and stays
 * until the last exchange has ended; an exchange never copies a secret.
 *
 *   begin -> CHAP_A=<list>                     answer CHAP_A, CHAP_I, CHAP_C
 *         -> CHAP_N, CHAP_R [, CHAP_I, CHAP_C] answer, if asked, CHAP_N, CHAP_R
 *
 * Each text has exactly the keys of its step. Anything else fails, and failing is final.
 */
#ifndef LOGIN_CHAP_H
#define LOGIN_CHAP_H

#include <stdbool.h>

#include "login/auth.h"

#define CHAP_ALGORITHMS_MAX 4u
#define CHAP_CHALLENGE_MAX  1024u /* RFC 7143 12.1.3 */

struct chap_secret {
	const uint8_t *data;
	size_t bytes;
};

struct chap_user {
	const char *name;
	struct chap_secret secret;
	const char *mutual_name;   /* NULL: the target proves nothing to this user */
	struct chap_secret mutual; /* never the same as any user's secret (RFC 7143 9.2.1) */
	/* Names and patterns for name_match(); none at all: from anywhere. */
	char *const *initiators;
	size_t n_initiators;
};

struct chap_config {
	const struct chap_user *users;
	size_t n_users;
	uint8_t algorithms[CHAP_ALGORITHMS_MAX]; /* enum hash, the one liked best first */
	size_t n_algorithms;
	bool own_order; /* ours decides among those that are offered, not the initiator's */
};

/* Who is meant; somebody else's name, from elsewhere, is nobody's: NULL. */
const struct chap_user *chap_find_user(const struct chap_config *config, const char *name,
	const char *initiator_name);
/* Is there a user who may come from this initiator? */
bool chap_admits(const struct chap_config *config, const char *initiator_name);

/* Its config is a struct chap_config. */
extern const struct login_auth_ops CHAP_OPS;

#endif
