/* SPDX-License-Identifier: MIT */
/*
 * What an initiator has to prove before it may log in, made of a configuration and in the shape
 * that a login wants. It points into the configuration; read only once it is made.
 */
#ifndef TARGET_AUTHENTICATION_H
#define TARGET_AUTHENTICATION_H

#include "config/config.h"
#include "login/chap.h"
#include "login/login.h"

struct authentication {
	struct chap_config chap;
	struct chap_user *users;
	struct login_auth_method method; /* without ops: None */
};

/* 0 or -ENOMEM. */
int authentication_init(struct authentication *a, const struct config_auth *config);
void authentication_deinit(struct authentication *a);
/* Would @a be content with what @user from this initiator has proved to @to? */
bool authentication_admits(const struct authentication *a, const struct authentication *to,
	const char *user, const char *initiator_name);
/* The methods of @ret; they stay as long as @a. */
void authentication_demand(const struct authentication *a, struct login_target *ret);

#endif
