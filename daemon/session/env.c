/* SPDX-License-Identifier: MIT */
/*
 * What the connections of one loop share: see env.h. What a busy time has gathered of it is given back
 * a few seconds later, piece by piece, and the timer that does so is not set while there is nothing.
 */
#include "session/env.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <spt/buffer.h>

#include "base/list.h"
#include "log/log.h"
#include "session/tx.h"

#define TIDY_US 3000000u
/* From so much freed memory on the C library is asked to let go of it: it would keep it for us. */
#define TRIM_BYTES (1u << 20)
#define SESSION_BYTES 4096u /* of one that is gone, about */

/*
 * That takes up to a second for half a gigabyte of small pieces, and it concerns the memory of all threads: it is done
 * off the loop, by one at a time.
 */
static atomic_flag trimming = ATOMIC_FLAG_INIT;

static void trim_work(struct spt_work *work)
{
	malloc_trim(0);
}

static void trim_done(struct spt_work *work)
{
	atomic_flag_clear(&trimming);
}

static void trim(struct session_env *env)
{
	if (atomic_flag_test_and_set(&trimming))
		return;
	env->trim = (struct spt_work){ .work = trim_work, .done = trim_done };
	spt_host_offload(env->host, &env->trim);
}

static void tell_denied(struct session_env *env)
{
	uint64_t denied = spt_pool_denied(env->host->pool);

	if (denied != env->denied)
		log_warning("memory is used up: %llu buffers for payload were denied, "
			"commands were answered TASK SET FULL or BUSY",
			(unsigned long long)(denied - env->denied));
	env->denied = denied;
}

static void tidy(struct spt_timer *timer)
{
	struct session_env *env = timer->arg;
	struct spt_pool *pool = env->host->pool;
	size_t freed = (size_t)env->sessions_ended * SESSION_BYTES;

	/* Those that are in use at the moment come back later. */
	bool more = spt_pool_used(pool) || spt_pool_kept(pool) || env->commands.n || env->rings.n;
	env->sessions_ended = 0;
	freed += spares_age(&env->rings) * sizeof(struct tx_ring);
	freed += env->phase->tidy(env);
	freed += spt_pool_age(pool);
	tell_denied(env);
	if (freed >= TRIM_BYTES)
		trim(env);
	env->used = more;
	if (more)
		spt_host_timer_set(env->host, timer, TIDY_US);
}

void session_env_begin_tidying(struct session_env *env)
{
	env->used = true;
	spt_host_timer_set(env->host, &env->tidy, TIDY_US);
}

int session_env_init(struct session_env *env, struct spt_host *host)
{
	memset(env, 0, sizeof(*env));
	env->host = host;
	env->limits = login_limits_default();
	env->tidy = (struct spt_timer){ .fn = tidy, .arg = env };
	list_init(&env->conns);
	list_init(&env->sessions);
	env->scratch = malloc(RX_SCRATCH_BYTES);
	env->steady = malloc(TX_STEADY_BYTES);
	return env->scratch && env->steady ? 0 : -ENOMEM;
}

void session_env_deinit(struct session_env *env)
{
	assert(env->n_conns == 0 && env->n_sessions == 0);
	spt_host_timer_clear(env->host, &env->tidy);
	spares_free(&env->rings);
	free(env->scratch);
	free(env->steady);
}
