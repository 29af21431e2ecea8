/* SPDX-License-Identifier: MIT */
/* Contexts: what of the library lives on one host loop, and the table that makes session cookies. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "core/core.h"

int spt_context_new(struct spt_host *host, struct spt_context **ret)
{
	struct spt_context *context = calloc(1, sizeof(*context));

	if (!context)
		return -ENOMEM;
	context->host = host;
	list_init(&context->channels);
	list_init(&context->tmf_parts);
	list_init(&context->doomed);
	host->context = context;
	*ret = context;
	return 0;
}

void context_channel_closed(struct spt_context *context)
{
	if (!context->freed || !list_empty(&context->channels))
		return;
	void (*freed)(void *) = context->freed;
	void *arg = context->freed_arg;
	context->host->context = NULL;
	free(context->slots);
	free(context);
	freed(arg);
}

void spt_context_free(struct spt_context *context, void (*freed)(void *arg), void *arg)
{
	for (uint32_t i = 0; i < context->n_slots; i++)
		assert(!context->slots[i].session);
	context->freed = freed;
	context->freed_arg = arg;
	context_channel_closed(context);
}
