/* SPDX-License-Identifier: MIT */
/* What the connections of one loop share: see env.h. */
#include "session/env.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "session/tx.h"

int session_env_init(struct session_env *env, struct spt_host *host)
{
	memset(env, 0, sizeof(*env));
	env->host = host;
	env->limits = login_limits_default();
	list_init(&env->commands);
	list_init(&env->conns);
	list_init(&env->sessions);
	env->scratch = malloc(RX_SCRATCH_BYTES);
	return env->scratch ? 0 : -ENOMEM;
}

void session_env_deinit(struct session_env *env)
{
	assert(env->n_conns == 0 && env->n_sessions == 0);
	while (env->rings) {
		struct tx_ring *ring = env->rings;
		env->rings = ring->next_free;
		free(ring);
	}
	free(env->scratch);
}
