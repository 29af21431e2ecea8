/* SPDX-License-Identifier: MIT */
/* Contexts: what of the library lives on one host loop, and the table that makes session cookies. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/core.h"
#include "core/errand.h"

int spt_context_new(struct spt_host *host, struct spt_context **ret)
{
	struct spt_context *context = calloc(1, sizeof(*context));

	if (!context)
		return -ENOMEM;
	context->host = host;
	atomic_init(&context->holds, 1);
	list_init(&context->channels);
	list_init(&context->tmf_parts);
	list_init(&context->doomed);
	list_init(&context->errands);
	host->context = context;
	*ret = context;
	return 0;
}

void context_hold(struct spt_context *context)
{
	atomic_fetch_add_explicit(&context->holds, 1, memory_order_relaxed);
}

static void context_over(struct spt_context *context)
{
	void (*freed)(void *) = context->freed;
	void *arg = context->freed_arg;

	assert(list_empty(&context->channels) && list_empty(&context->tmf_parts));
	context->host->context = NULL;
	free(context->slots);
	free(context);
	freed(arg);
}

static bool last_hold(struct spt_context *context)
{
	return atomic_fetch_sub_explicit(&context->holds, 1, memory_order_acq_rel) == 1;
}

void context_release(struct spt_context *context)
{
	if (last_hold(context))
		context_over(context);
}

static void over(struct spt_post *post)
{
	context_over(post->arg);
}

void context_release_elsewhere(struct spt_context *context)
{
	if (!last_hold(context))
		return;
	context->over = (struct spt_post){ .fn = over, .arg = context };
	spt_host_post(context->host, &context->over);
}

void spt_context_free(struct spt_context *context, void (*freed)(void *arg), void *arg)
{
	for (uint32_t i = 0; i < context->n_slots; i++)
		assert(!context->slots[i].session);
	context->freed = freed;
	context->freed_arg = arg;
	/* Errands that nobody waits for are not waited for. */
	if (!list_empty(&context->errands))
		spt_context_fence(context);
	context_release(context);
}

/* A task at a channel that has not had its turn. */
static struct channel *next_busy(struct spt_context *context)
{
	for (uint32_t i = 0; i < context->n_slots; i++) {
		struct spt_session *s = context->slots[i].session;
		struct spt_task *t;
		if (!s)
			continue;
		list_foreach (t, &s->tasks, session_link) {
			if (t->state == SPT_TASK_DEVICE && !t->above && !t->itl->channel->marked)
				return t->itl->channel;
		}
	}
	struct errand *e;
	list_foreach (e, &context->errands, link) {
		if (e->itl.channel && !e->itl.channel->marked)
			return e->itl.channel;
	}
	return NULL;
}

void spt_context_fence(struct spt_context *context)
{
	struct channel *c;

	context_hold(context);
	list_foreach (c, &context->channels, link)
		c->marked = false;
	while ((c = next_busy(context))) {
		c->marked = true;
		backend_fence(c);
	}
	context_release(context);
}
