/* SPDX-License-Identifier: MIT */
/*
 * The device server: every command is judged here first (known? whole? no reserved bits? medium
 * there? writable?), then by its row, and run by its row. All of it on the channel's loop.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/be.h"
#include "base/util.h"
#include "disk/backend.h"
#include "disk/disk.h"
#include "disk/io.h"

static const struct disk_command *command_of(const struct disk *d, const struct spt_task *task)
{
	bool variable = task->cdb[0] == DISK_VARIABLE_LENGTH;

	return disk_command_find(d, task->cdb[0],
		variable ? be16_get(task->cdb + 8) : task->cdb[1] & 0x1f);
}

/* SPC-5 4.2.1: an unknown operation code, or an unknown service action of a known one. */
static void refuse_unknown(const struct disk *d, struct spt_task *task)
{
	if (disk_has_service_action(d, task->cdb[0]))
		spt_task_check_cdb_field(task, task->cdb[0] == DISK_VARIABLE_LENGTH ? 8 : 1,
			task->cdb[0] == DISK_VARIABLE_LENGTH ? -1 : 4);
	else
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_INVALID_COMMAND_OPERATION_CODE);
}

/* False: refused. */
static bool judge_form(const struct disk_command *command, struct spt_task *task)
{
	int bit = -1;

	if (task->cdb_bytes < command->cdb->bytes) {
		spt_task_check(task, SPT_KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
		return false;
	}
	int byte = cdb_reserved_bit(command->cdb, task->cdb, &bit);
	/* SPC-5 4.2.3: what ADDITIONAL CDB LENGTH leaves out is not there. */
	if (byte < 0 && task->cdb[0] == DISK_VARIABLE_LENGTH && task->cdb[7] + 8u != command->cdb->bytes)
		byte = 7;
	if (byte < 0)
		return true;
	spt_task_check_cdb_field(task, (unsigned)byte, bit);
	return false;
}

static bool judge_medium(const struct disk *d, struct spt_task *task)
{
	uint32_t state = disk_state(d);

	if (!(state & (DISK_STOPPED | DISK_EJECTED)))
		return true;
	spt_task_check(task, SPT_KEY_NOT_READY,
		state & DISK_EJECTED ? ASC_MEDIUM_NOT_PRESENT
				     : ASC_NOT_READY_INITIALIZING_COMMAND_REQUIRED);
	return false;
}

/* SBC-4 4.14. */
static bool judge_protection(const struct disk *d, struct spt_task *task)
{
	if (!d->read_only && !(disk_state(d) & DISK_SWP))
		return true;
	spt_task_check(task, SPT_KEY_DATA_PROTECT,
		d->read_only ? ASC_WRITE_PROTECTED : ASC_SOFTWARE_WRITE_PROTECTED);
	return false;
}

static void judge(void *channel, struct spt_task *task)
{
	struct disk_channel *c = channel;
	const struct disk_command *command = command_of(c->disk, task);

	if (!command || (command->row->flags & DISK_IN_CORE)) {
		refuse_unknown(c->disk, task);
		return;
	}
	if (!judge_form(command, task))
		return;
	if ((command->row->flags & DISK_NEEDS_MEDIUM) && !judge_medium(c->disk, task))
		return;
	if ((command->cdb->flags & CDB_WRITES) && !judge_protection(c->disk, task))
		return;
	if (command->row->judge)
		(void)command->row->judge(c, task);
}

static void submit(void *channel, struct spt_task *task)
{
	struct disk_channel *c = channel;

	command_of(c->disk, task)->row->run(c, task);
}

/* SAM-5 6.3.3: mode parameters go back to their defaults, the unit is started. A medium that was taken out is not put in by it. */
static uint32_t to_defaults(struct disk *d)
{
	uint32_t old = disk_state(d);

	while (!atomic_compare_exchange_weak(&d->state, &old, d->defaults | (old & DISK_EJECTED)))
		;
	spt_device_set_descriptor_sense(d->device, d->defaults & DISK_D_SENSE);
	return old;
}

struct cache_reset {
	struct store_io io;
	struct disk_channel *channel;
	struct spt_reset *reset;
};

static void close_now(struct disk_channel *c);

static void written_out(struct store_io *io)
{
	struct cache_reset *r = container_of(io, struct cache_reset, io);
	struct disk_channel *c = r->channel;
	struct spt_reset *reset = r->reset;

	free(r); /* a failure is told to every write that comes (store.h) */
	reset->done(reset, 0);
	if (--c->resets == 0 && c->closed)
		close_now(c);
}

/* SBC-4 6.5.5: a cache that is switched off, by this too, is written out: writes that come now are not in it. */
static void reset(void *channel, struct spt_reset *reset)
{
	struct disk_channel *c = channel;
	struct disk *d = c->disk;
	bool had_cache = to_defaults(d) & DISK_WCE;

	if (!had_cache || !disk_write_through(d) || d->read_only) {
		reset->done(reset, 0);
		return;
	}
	struct cache_reset *r = calloc(1, sizeof(*r));
	if (!r) {
		atomic_fetch_or(&d->state, DISK_WCE);
		reset->done(reset, -ENOMEM);
		return;
	}
	r->channel = c;
	r->reset = reset;
	r->io = (struct store_io){ .op = STORE_FLUSH, .done = written_out };
	c->resets++;
	store_submit(c->store, &r->io);
}

static int channel_open(void *device, const struct spt_channel_params *params, void **ret_channel)
{
	AUTO_FREE struct disk_channel *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->disk = device;
	c->host = params->host;
	int r = store_channel_open(c->disk->store, c->host, &c->store);
	if (r < 0)
		return r;
	*ret_channel = TAKE(c);
	return 0;
}

static void close_now(struct disk_channel *c)
{
	struct disk_channel old = *c;

	disk_io_free_spares(c);
	free(c);
	store_channel_close(old.store, old.closed, old.closed_arg);
}

static void channel_close(void *channel, void (*closed)(void *arg), void *arg)
{
	struct disk_channel *c = channel;

	c->closed = closed;
	c->closed_arg = arg;
	if (!c->resets)
		close_now(c);
}

static void properties(void *device, struct spt_properties *ret)
{
	const struct disk *d = device;

	*ret = (struct spt_properties){
		.alignment_mask = d->store->io_bytes - 1,
		.max_transfer_bytes = DISK_TRANSFER_BYTES,
		.max_cdb_bytes = CDB_USAGE_MAX,
		.bidirectional = true,
		.device_type = 0,
		.queue_depth = 256,
		.block_bytes = d->block_bytes,
		.blocks = d->blocks,
	};
}

#define BACKEND(name_, help_, options_, n_options_, open_)                                         \
	{ .name = name_,                                                                           \
		.help = help_,                                                                     \
		.flags = SPT_BACKEND_TASK_SET_PER_NEXUS,                                           \
		.options = options_,                                                               \
		.n_options = n_options_,                                                           \
		.check = disk_options_check,                                                       \
		.open = open_,                                                                     \
		.close = disk_close,                                                               \
		.properties = properties,                                                          \
		.channel_open = channel_open,                                                      \
		.channel_close = channel_close,                                                    \
		.judge = judge,                                                                    \
		.submit = submit,                                                                  \
		.reset = reset }

const struct spt_backend_ops spt_backend_mem = BACKEND("mem",
	"A disk in memory, gone when the daemon ends", disk_mem_options, DISK_MEM_OPTIONS,
	disk_open_mem);

const struct spt_backend_ops spt_backend_file = BACKEND("file",
	"A disk in a file or on a block device", disk_file_options, DISK_FILE_OPTIONS,
	disk_open_file);
