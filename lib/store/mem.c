/* SPDX-License-Identifier: MIT */
/*
 * A store in anonymous memory, sparse: pages come with the first write and go with a ZERO. Which
 * units were written is kept in a bitmap, shared by loops and atomic; a write sets its bits after
 * the data and a zero clears them before, so that a race between the two on the same blocks (which
 * SCSI leaves undefined) can end with zeros called mapped, never with data called unmapped.
 */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/list.h"
#include "base/util.h"
#include "store/stream.h"

/* Giving back more than this at once takes longer than a loop should stand still. */
#define OFFLOAD_BYTES (4u << 20)
/* Looking at more units than that takes longer, too: an extent may be told in parts. */
#define MAP_UNITS (1u << 22)

struct mem_store {
	struct store base;
	uint8_t *memory;
	_Atomic uint64_t *mapped;
	unsigned unit_shift;
	uint64_t page_bytes;
};

static struct mem_store *mem_of(const struct store *store)
{
	return container_of(store, struct mem_store, base);
}

/* Calls the bitmap word by word: the bits of [first, first + n). */
static inline uint64_t word_mask(uint64_t first, uint64_t n)
{
	uint64_t low = first & 63, count = MIN(n, 64 - low);

	return (count == 64 ? UINT64_MAX : ((1ull << count) - 1)) << low;
}

static void map_set(struct mem_store *m, uint64_t first, uint64_t n)
{
	while (n) {
		_Atomic uint64_t *word = &m->mapped[first >> 6];
		uint64_t mask = word_mask(first, n), step = MIN(n, 64 - (first & 63));
		if ((atomic_load_explicit(word, memory_order_relaxed) & mask) != mask)
			atomic_fetch_or_explicit(word, mask, memory_order_release);
		first += step;
		n -= step;
	}
}

static void map_clear(struct mem_store *m, uint64_t first, uint64_t n)
{
	while (n) {
		_Atomic uint64_t *word = &m->mapped[first >> 6];
		uint64_t mask = word_mask(first, n), step = MIN(n, 64 - (first & 63));
		if (atomic_load_explicit(word, memory_order_relaxed) & mask)
			atomic_fetch_and_explicit(word, ~mask, memory_order_release);
		first += step;
		n -= step;
	}
}

/* How many units from @first on, at most @n, are as the first one is. */
static uint64_t map_extent(struct mem_store *m, uint64_t first, uint64_t n, bool *ret_mapped)
{
	uint64_t at = first, end = first + n;
	bool mapped = atomic_load_explicit(&m->mapped[at >> 6], memory_order_acquire) >>
			(at & 63) & 1;

	while (at < end) {
		uint64_t word = atomic_load_explicit(&m->mapped[at >> 6], memory_order_acquire);
		uint64_t other = (mapped ? ~word : word) & word_mask(at, end - at);
		if (other) {
			at = (at & ~63ull) + (uint64_t)__builtin_ctzll(other);
			break;
		}
		at += MIN(end - at, 64 - (at & 63));
	}
	*ret_mapped = mapped;
	return at - first;
}

/* Whole pages are given back, what is left of a page is cleared if it is there at all. */
static void zero(struct mem_store *m, uint64_t offset, uint64_t bytes)
{
	uint64_t end = offset + bytes;
	uint64_t first_page = ROUND_UP(offset, m->page_bytes);
	uint64_t last_page = end & ~(m->page_bytes - 1);

	if (first_page >= last_page) {
		memset(m->memory + offset, 0, bytes);
		return;
	}
	memset(m->memory + offset, 0, first_page - offset);
	memset(m->memory + last_page, 0, end - last_page);
	if (madvise(m->memory + first_page, last_page - first_page, MADV_DONTNEED) < 0)
		memset(m->memory + first_page, 0, last_page - first_page);
}

static void zero_io(struct store_io *io)
{
	struct mem_store *m = mem_of(io->channel->store);
	uint64_t unit = 1ull << m->unit_shift;
	uint64_t first = ROUND_UP(io->offset_bytes, unit) >> m->unit_shift;
	uint64_t last = (io->offset_bytes + io->bytes) >> m->unit_shift;

	if (last > first)
		map_clear(m, first, last - first);
	zero(m, io->offset_bytes, io->bytes);
}

static void zero_work(struct spt_work *work)
{
	zero_io(work->arg);
}

static void zero_done(struct spt_work *work)
{
	struct store_io *io = work->arg;

	io->done(io);
}

static void write_io(struct mem_store *m, struct store_io *io)
{
	uint64_t last = io->offset_bytes + io->bytes - 1;

	if (!io->bytes)
		return;
	stream_copy(m->memory + io->offset_bytes, io->data, io->bytes);
	map_set(m, io->offset_bytes >> m->unit_shift,
		(last >> m->unit_shift) - (io->offset_bytes >> m->unit_shift) + 1);
}

static void map_io(struct mem_store *m, struct store_io *io)
{
	uint64_t first = io->offset_bytes >> m->unit_shift;
	uint64_t n = map_extent(m, first, MIN(io->bytes >> m->unit_shift, (uint64_t)MAP_UNITS), &io->mapped);

	io->bytes = n << m->unit_shift;
}

static void mem_submit(struct store_channel *channel, struct store_io *io)
{
	struct mem_store *m = mem_of(channel->store);

	switch (io->op) {
	case STORE_READ:
		memcpy(io->data, m->memory + io->offset_bytes, io->bytes);
		break;
	case STORE_WRITE:
		write_io(m, io);
		break;
	case STORE_ZERO:
		if (io->bytes > OFFLOAD_BYTES) {
			io->call.work = (struct spt_work){
				.work = zero_work, .done = zero_done, .arg = io
			};
			spt_host_offload(channel->host, &io->call.work);
			return;
		}
		zero_io(io);
		break;
	case STORE_MAP:
		map_io(m, io);
		break;
	default: /* FLUSH: memory is as durable as it gets */
		break;
	}
	io->done(io);
}

static const uint8_t *mem_lend(struct store *store, uint64_t offset_bytes, uint64_t bytes)
{
	return mem_of(store)->memory + offset_bytes;
}

static int mem_channel_open(struct store *store, struct spt_host *host, struct store_channel **ret)
{
	struct store_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->store = store;
	c->host = host;
	*ret = c;
	return 0;
}

static void mem_channel_close(struct store_channel *channel, void (*closed)(void *arg), void *arg)
{
	free(channel);
	closed(arg);
}

static void mem_close(struct store *store)
{
	struct mem_store *m = mem_of(store);

	if (m->memory)
		munmap(m->memory, ROUND_UP(store->bytes, m->page_bytes));
	free((void *)m->mapped);
	free(m);
}

static const struct store_ops MEM_OPS = {
	.name = "mem",
	.close = mem_close,
	.channel_open = mem_channel_open,
	.channel_close = mem_channel_close,
	.submit = mem_submit,
	.lend = mem_lend,
};

int store_mem_open(uint64_t bytes, uint32_t unit_bytes, struct spt_error *error, struct store **ret)
{
	struct mem_store *m = calloc(1, sizeof(*m));

	if (!m)
		return spt_error_set(error, -ENOMEM, "out of memory");
	m->base = (struct store){
		.ops = &MEM_OPS, .bytes = bytes, .punches = true, .lends = true, .io_bytes = 1
	};
	m->unit_shift = (unsigned)__builtin_ctz(unit_bytes);
	m->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	m->mapped = calloc((bytes >> m->unit_shift) / 64 + 1, sizeof(uint64_t));
	void *p = mmap(NULL, ROUND_UP(bytes, m->page_bytes), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	m->memory = p == MAP_FAILED ? NULL : p;
	if (!m->memory || !m->mapped) {
		mem_close(&m->base);
		return spt_error_set(error, -ENOMEM, "no address space for %" PRIu64 " bytes",
			bytes);
	}
	*ret = &m->base;
	return 0;
}
