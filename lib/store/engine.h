/* SPDX-License-Identifier: MIT */
/*
 * Who makes the file store's blocking system calls: io_uring, or threads through the host's
 * offload(). An engine belongs to one channel; a call is submitted and done on its loop.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

enum store_call_op {
	CALL_READ,	/* preadv2(@flags) of @bytes at @offset; result: bytes */
	CALL_WRITE,	/* pwritev2(@flags) */
	CALL_FDATASYNC,
	CALL_FALLOCATE, /* mode @flags */
	CALL_EXTENT, /* result: where the data or hole at @offset ends; @flags: 1 data, 0 hole */
};

struct engine;

struct engine_ops {
	const char *name;
	/* -ENOSYS, -EPERM, ...: the system does not let us. */
	int (*open)(struct spt_host *host, struct engine **ret);
	void (*submit)(struct engine *engine, struct store_call *call);
	/* No call is there. */
	void (*close)(struct engine *engine);
};

struct engine {
	const struct engine_ops *ops;
	struct spt_host *host;
};

extern const struct engine_ops engine_threads;
#ifdef STORE_URING
extern const struct engine_ops engine_uring;
#endif

/* For calls that an engine has no way for itself. */
void engine_offload(struct spt_host *host, struct store_call *call);

#endif
