/* SPDX-License-Identifier: MIT */
/*
 * Media below the emulated disk: a linear range of bytes that can be read, written, flushed and
 * zeroed. A store is opened once and shared; each loop that uses it opens a channel, and an I/O is
 * submitted, completed and freed on its channel's loop. Whoever submits keeps the store_io's memory
 * until done() is called, which may be from inside store_submit(). Nothing is allocated per I/O.
 *
 * What is durable when: a WRITE or ZERO with @fua before its done(); any other after the done() of
 * a FLUSH that was submitted after its own. A FLUSH that fails leaves the store failed: what was
 * written since the one before may be lost and the system will not tell twice, so every later
 * WRITE, ZERO and FLUSH fails with -EIO until the store is opened anew.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/error.h>
#include <spt/host.h>

struct store;
struct store_channel;

enum store_op {
	STORE_READ,
	STORE_WRITE,
	STORE_FLUSH, /* offset and length are not looked at */
	STORE_ZERO,  /* reads as zeros afterwards, without space where the store punches holes */
	STORE_MAP,   /* is space allocated at @offset, and for how long does that stay so? */
};

/* A system call of the file store's, done by an engine (engine.h). */
struct store_call {
	uint8_t op;
	bool direct; /* the device itself moves the data */
	int fd;
	void *data;
	uint64_t bytes, offset_bytes;
	int flags;
	void (*done)(struct store_call *call, int64_t result);
	struct store_call *next;
	int64_t result;
	struct spt_work work;
};

struct store_io {
	/* Set by the submitter. */
	uint8_t op; /* enum store_op */
	bool fua;
	uint8_t *data; /* READ: filled; WRITE: taken from */
	uint64_t offset_bytes, bytes;
	void (*done)(struct store_io *io);
	void *arg;

	/* Valid in done(). */
	int result;   /* 0 or -errno */
	bool mapped;  /* MAP; the extent's length is in bytes, at most what was asked for; it may go on behind that */

	/* The store's. */
	struct store_channel *channel;
	uint64_t progress_bytes;
	struct store_call call;
};

struct store_ops {
	const char *name;
	/* After the last channel is closed; may block. */
	void (*close)(struct store *store);
	int (*channel_open)(struct store *store, struct spt_host *host, struct store_channel **ret);
	/* No I/O is there. @closed is called once, perhaps from inside. */
	void (*channel_close)(struct store_channel *channel, void (*closed)(void *arg), void *arg);
	void (*submit)(struct store_channel *channel, struct store_io *io);
	/* The store's own memory for that range, for as long as the store is open; or NULL. */
	const uint8_t *(*lend)(struct store *store, uint64_t offset_bytes, uint64_t bytes);
};

struct store {
	const struct store_ops *ops;
	uint64_t bytes;
	bool read_only;
	bool punches; /* ZERO gives space back */
	bool lends;
	uint32_t io_bytes; /* READ and WRITE in multiples of this; 1: any */
};

struct store_channel {
	struct store *store;
	struct spt_host *host;
};

/* @unit_bytes: the granularity in which MAP tells; a power of two. */
int store_mem_open(uint64_t bytes, uint32_t unit_bytes, struct spt_error *error,
	struct store **ret);

enum store_file_io { STORE_FILE_AUTO, STORE_FILE_URING, STORE_FILE_THREADS };

struct store_file_params {
	const char *path;
	uint64_t bytes; /* 0: all that is there; a file that does not exist is made this long */
	bool read_only;
	bool direct;
	enum store_file_io io;
	uint32_t block_bytes; /* what will be asked for in multiples of */
	/* Another store, which is closed when this one has taken its place: until then both hold the medium. NULL: none. */
	struct store *leaving;
};

int store_file_open(const struct store_file_params *params, struct spt_error *error,
	struct store **ret);

void store_close(struct store *store);
int store_channel_open(struct store *store, struct spt_host *host, struct store_channel **ret);
void store_channel_close(struct store_channel *channel, void (*closed)(void *arg), void *arg);
/* The range must lie within the store. */
void store_submit(struct store_channel *channel, struct store_io *io);

static inline const uint8_t *store_lend(struct store *store, uint64_t offset_bytes, uint64_t bytes)
{
	return store->ops->lend(store, offset_bytes, bytes);
}

#endif
