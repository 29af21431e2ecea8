/* SPDX-License-Identifier: MIT */
/*
 * The security stage (RFC 7143 6.3.2 and 12): one of the methods that the initiator lists is
 * chosen, and its keys are passed on until it is satisfied.
 */
#include <stdio.h>
#include <string.h>

#include "login/machine.h"

static const struct login_auth_method *find_method(const struct login *l, const char *name,
	size_t bytes)
{
	for (size_t i = 0; i < l->n_methods; i++) {
		const char *own = l->methods[i].ops ? l->methods[i].ops->name : "None";

		if (strlen(own) == bytes && !memcmp(own, name, bytes))
			return &l->methods[i];
	}
	return NULL;
}

bool security_allows_none(const struct login *l)
{
	return find_method(l, "None", 4);
}

bool security_satisfied(const struct login *l)
{
	return l->auth_done || (!l->auth_ops && security_allows_none(l));
}

static int begin(struct login *l, const struct login_auth_method *method)
{
	l->auth_chosen = true;
	l->auth_ops = method->ops;
	if (!method->ops)
		return 0;
	l->auth = method->ops->begin(method->config, l->n.params.initiator_name);
	if (!l->auth) {
		login_fail(l, LOGIN_OUT_OF_RESOURCES, "no memory for %s", method->ops->name);
		return -1;
	}
	return 0;
}

/* RFC 7143 6.3.2, 12.1: the first method of the initiator's list that is acceptable here. */
int security_choose(struct login *l, const struct key_pair *pair)
{
	struct key_list list = key_list_init(pair->value, pair->value_bytes);
	const struct login_auth_method *method = NULL;
	const char *name;
	size_t bytes;

	while (!method && key_list_next(&list, &name, &bytes))
		method = find_method(l, name, bytes);
	if (!method) {
		/* RFC 7143 6.3.2: the answer is Reject; and with that the negotiation has failed */
		login_fail(l, LOGIN_AUTHENTICATION_FAILURE, "no acceptable AuthMethod in the offer");
		key_put(&l->out, "AuthMethod", "Reject");
		(void)reply_fail(l, LOGIN_AUTHENTICATION_FAILURE);
		return -1;
	}
	key_put(&l->out, "AuthMethod", method->ops ? method->ops->name : "None");
	return begin(l, method);
}

bool security_owns(const struct login *l, const struct key_pair *pair)
{
	if (!l->auth_ops)
		return false;
	for (const char *const *key = l->auth_ops->keys; *key; key++) {
		if (key_is(pair, *key))
			return true;
	}
	return false;
}

static bool duplicated(const struct key_pair *pairs, size_t n, const struct key_pair *pair)
{
	for (size_t i = 0; i < n; i++) {
		if (pairs[i].name_bytes == pair->name_bytes &&
			!memcmp(pairs[i].name, pair->name, pair->name_bytes))
			return true;
	}
	return false;
}

/* RFC 7143 9.2: what does not belong to the step is told from what proves nothing. */
static enum login_status refusal(enum login_auth_result result)
{
	switch (result) {
	case LOGIN_AUTH_MISSING:
		return LOGIN_MISSING_PARAMETER;
	case LOGIN_AUTH_MALFORMED:
		return LOGIN_INITIATOR_ERROR;
	default:
		return LOGIN_AUTHENTICATION_FAILURE;
	}
}

int security_step(struct login *l, const struct key_pair *pairs, size_t n)
{
	/* RFC 7143 6.3: a key is sent once; and a proof once given is not given again */
	for (size_t i = 0; i < n; i++) {
		if (!l->auth_done && !duplicated(pairs, i, &pairs[i]))
			continue;
		login_fail(l, LOGIN_INITIATOR_ERROR, "repeated key %.*s", (int)pairs[i].name_bytes,
			pairs[i].name);
		return -1;
	}
	enum login_auth_result result = l->auth_ops->step(l->auth, pairs, n, &l->out);

	switch (result) {
	case LOGIN_AUTH_MORE:
		return 0;
	case LOGIN_AUTH_DONE:
		l->auth_done = true;
		snprintf(l->n.params.user, sizeof(l->n.params.user), "%s",
			l->auth_ops->user(l->auth));
		return 0;
	case LOGIN_AUTH_FAILED:
	case LOGIN_AUTH_MISSING:
	case LOGIN_AUTH_MALFORMED:
		login_fail(l, refusal(result), "%s failed: %s", l->auth_ops->name,
			l->auth_ops->reason(l->auth));
		return -1;
	default:
		login_fail(l, LOGIN_TARGET_ERROR, "%s is out of order: %s", l->auth_ops->name,
			l->auth_ops->reason(l->auth));
		return -1;
	}
}

const char *login_user_given(const struct login *login)
{
	return login->auth ? login->auth_ops->user(login->auth) : "";
}
