/* SPDX-License-Identifier: MIT */
/* What an initiator has to prove: see authentication.h. */
#include "target/authentication.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

static struct chap_user user_of(const struct secrets_user *u)
{
	return (struct chap_user){
		.name = u->name,
		.secret = { u->secret.data, u->secret.bytes },
		.mutual_name = u->mutual_name,
		.mutual = { u->mutual.data, u->mutual.bytes },
		.initiators = u->initiators,
		.n_initiators = u->n_initiators,
	};
}

int authentication_init(struct authentication *a, const struct config_auth *config)
{
	size_t n = config->secrets ? config->secrets->n_users : 0;

	memset(a, 0, sizeof(*a));
	/* Whoever demands proof and knows nobody lets nobody in. */
	if (!config->chap)
		return 0;
	a->users = calloc(n + 1, sizeof(*a->users));
	if (!a->users)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		a->users[i] = user_of(&config->secrets->users[i]);
	a->chap.users = a->users;
	a->chap.n_users = n;
	a->chap.n_algorithms = config->algorithms.n;
	a->chap.own_order = config->order == CONFIG_ORDER_TARGET;
	memcpy(a->chap.algorithms, config->algorithms.list, sizeof(a->chap.algorithms));
	a->method = (struct login_auth_method){ &CHAP_OPS, &a->chap };
	return 0;
}

void authentication_deinit(struct authentication *a)
{
	free(a->users);
}

bool authentication_admits(const struct authentication *a, const struct authentication *to,
	const char *user, const char *initiator_name)
{
	if (!a->method.ops)
		return true;
	const struct chap_user *here = chap_find_user(&a->chap, user, initiator_name);
	const struct chap_user *there = chap_find_user(&to->chap, user, initiator_name);

	/* One name in two files may be two people. */
	return user[0] && here && there && here->secret.bytes == there->secret.bytes &&
		!memcmp(here->secret.data, there->secret.data, here->secret.bytes);
}

void authentication_demand(const struct authentication *a, struct login_target *ret)
{
	ret->methods = &a->method;
	ret->n_methods = 1;
}
