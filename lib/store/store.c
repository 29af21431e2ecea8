/* SPDX-License-Identifier: MIT */
/* The one place through which stores are called; what only we can break is asserted here. */
#include "store/store.h"

#include <assert.h>

void store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
}

int store_channel_open(struct store *store, struct spt_host *host, struct store_channel **ret)
{
	return store->ops->channel_open(store, host, ret);
}

void store_channel_close(struct store_channel *channel, void (*closed)(void *arg), void *arg)
{
	channel->store->ops->channel_close(channel, closed, arg);
}

void store_submit(struct store_channel *channel, struct store_io *io)
{
	const struct store *store = channel->store;

	assert(io->done);
	assert(io->op == STORE_FLUSH ||
		(io->offset_bytes <= store->bytes && io->bytes <= store->bytes - io->offset_bytes));
	assert(!store->read_only || (io->op != STORE_WRITE && io->op != STORE_ZERO));
	assert(io->op > STORE_WRITE || !((io->offset_bytes | io->bytes) & (store->io_bytes - 1)));
	io->channel = channel;
	io->progress_bytes = 0;
	io->result = 0;
	store->ops->submit(channel, io);
}
