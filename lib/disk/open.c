/* SPDX-License-Identifier: MIT */
/* Opening a disk: its options, one row each, and what is made of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/util.h"
#include "disk/backend.h"
#include "disk/disk.h"
#include "disk/identity.h"

#define SIZE_MAX_BYTES (1ull << 56)

static const char *const IO_CHOICES[] = { "auto", "uring", "threads", NULL };

/* The order is that of enum disk_option. */
#define COMMON_ROWS(size_required_, size_fallback_, size_help_)                                    \
	{ "size", SPT_OPTION_SIZE, size_required_, size_fallback_, 4096, SIZE_MAX_BYTES, NULL,     \
		size_help_ },                                                                      \
	{ "block-size", SPT_OPTION_SIZE, false, "512", 512, 4096, NULL,                            \
		"Bytes in a logical block, a power of two" },                                      \
	{ "physical-block-size", SPT_OPTION_SIZE, false, NULL, 512, 1 << 20, NULL,                 \
		"Bytes in a physical block, as told to initiators; block-size if unset" },         \
	{ "vendor", SPT_OPTION_STRING, false, "SPTGT", 1, 8, NULL,                                 \
		"T10 VENDOR IDENTIFICATION" },                                                     \
	{ "product", SPT_OPTION_STRING, false, "VIRTUAL DISK", 1, 16, NULL,                        \
		"PRODUCT IDENTIFICATION" },                                                        \
	{ "revision", SPT_OPTION_STRING, false, "0001", 1, 4, NULL, "PRODUCT REVISION LEVEL" },    \
	{ "serial", SPT_OPTION_STRING, false, NULL, 1, DISK_SERIAL_MAX, NULL,                      \
		"Unit serial number; made from the machine and the device's name if unset" },      \
	{ "naa", SPT_OPTION_STRING, false, NULL, 16, 32, NULL,                                     \
		"NAA designator, 16 or 32 hexadecimal digits; made like serial if unset" },        \
	{ "write-cache", SPT_OPTION_BOOL, false, "yes", 0, 0, NULL,                                \
		"Writes are durable only when they are synchronised (WCE)" },                      \
	{ "read-only", SPT_OPTION_BOOL, false, "no", 0, 0, NULL, "Refuse to write" },              \
	{ "rotation-rate", SPT_OPTION_NUMBER, false, "1", 0, 65534, NULL,                          \
		"Revolutions per minute as told to initiators; 1 is solid state, 0 not told" },    \
	{ "thin", SPT_OPTION_BOOL, false, "yes", 0, 0, NULL,                                       \
		"Give space back on UNMAP and for zeros, where the store can: a block device only " \
		"in blocks as large as its own" },                                         \
	{ "removable", SPT_OPTION_BOOL, false, "no", 0, 0, NULL, "The medium can be ejected" }

const struct spt_option disk_mem_options[DISK_MEM_OPTIONS] = {
	COMMON_ROWS(true, NULL, "Size of the disk"),
};

const struct spt_option disk_file_options[DISK_FILE_OPTIONS] = {
	COMMON_ROWS(false, NULL,
		"Size of the disk; all of the file if unset; a file that does not exist is made"),
	{ "path", SPT_OPTION_STRING, true, NULL, 1, 4095, NULL, "A file or block device" },
	{ "direct", SPT_OPTION_BOOL, false, "no", 0, 0, NULL, "Go past the page cache (O_DIRECT)" },
	{ "io", SPT_OPTION_CHOICE, false, "auto", 0, 0, IO_CHOICES,
		"How calls that may block are made; auto: io_uring where the system lets us" },
};

int disk_options_check(const struct spt_option_value *v, struct spt_error *error)
{
	uint64_t block = v[OPTION_BLOCK_SIZE].number;
	uint64_t physical = v[OPTION_PHYSICAL_BLOCK_SIZE].number;

	if (block & (block - 1))
		return spt_error_set(error, -EINVAL,
			"block-size: %" PRIu64 " is not a power of two", block);
	if (!v[OPTION_PHYSICAL_BLOCK_SIZE].set)
		return 0;
	if (physical < block || (physical & (physical - 1)) || physical / block > 0x8000)
		return spt_error_set(error, -EINVAL,
			"physical-block-size: %" PRIu64 " is not block-size times a power of two",
			physical);
	return 0;
}

/* Everything that does not need the store. */
static int configure(struct disk *d, const struct spt_open *open, struct spt_error *error)
{
	const struct spt_option_value *v = open->values;
	int r = disk_options_check(v, error);

	if (r < 0)
		return r;
	d->device = open->device;
	d->block_bytes = (uint32_t)v[OPTION_BLOCK_SIZE].number;
	d->block_shift = (uint8_t)__builtin_ctz(d->block_bytes);
	if (v[OPTION_PHYSICAL_BLOCK_SIZE].set)
		d->physical_exponent = (uint8_t)__builtin_ctzll(
			v[OPTION_PHYSICAL_BLOCK_SIZE].number >> d->block_shift);
	d->max_transfer_blocks = DISK_TRANSFER_BYTES >> d->block_shift;
	d->read_only = v[OPTION_READ_ONLY].flag;
	d->removable = v[OPTION_REMOVABLE].flag;
	d->rotation_rate = (uint16_t)v[OPTION_ROTATION_RATE].number;
	d->defaults = v[OPTION_WRITE_CACHE].flag ? DISK_WCE : 0;
	atomic_init(&d->state, d->defaults);
	return disk_identity_make(open, error, &d->identity);
}

/* The store is there: what it can do decides the rest. */
static int adopt(struct disk *d, const struct spt_option_value *v, struct spt_error *error)
{
	d->blocks = d->store->bytes >> d->block_shift;
	d->thin = v[OPTION_THIN].flag && d->store->punches;
	if (!d->blocks)
		return spt_error_set(error, -EINVAL, "smaller than one block of %" PRIu32 " bytes",
			d->block_bytes);
	if (d->store->bytes & (d->block_bytes - 1))
		return spt_error_set(error, -EINVAL,
			"size is %" PRIu64 " bytes, not whole blocks of %" PRIu32, d->store->bytes,
			d->block_bytes);
	disk_commands_init(d);
	return 0;
}

void disk_close(void *device)
{
	struct disk *d = device;

	store_close(d->store);
	pthread_mutex_destroy(&d->exclusive.lock);
	free(d);
}

static int open_mem(const struct disk *d, const struct spt_open *open, struct spt_error *error,
	struct store **ret)
{
	return store_mem_open(open->values[OPTION_SIZE].number, d->block_bytes, error, ret);
}

static int open_file(const struct disk *d, const struct spt_open *open, struct spt_error *error,
	struct store **ret)
{
	const struct spt_option_value *v = open->values;
	const struct disk *leaving = open->leaving;
	const struct store_file_params p = {
		.path = v[OPTION_PATH].text,
		.bytes = v[OPTION_SIZE].number,
		.read_only = d->read_only,
		.direct = v[OPTION_DIRECT].flag,
		.io = (enum store_file_io)v[OPTION_IO].number,
		.block_bytes = d->block_bytes,
		.leaving = leaving ? leaving->store : NULL,
	};

	return store_file_open(&p, error, ret);
}

static int disk_open(const struct spt_open *open, struct spt_error *error, void **ret_device,
	int (*open_store)(const struct disk *, const struct spt_open *, struct spt_error *,
		struct store **))
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return spt_error_set(error, -ENOMEM, "out of memory");
	pthread_mutex_init(&d->exclusive.lock, NULL);
	d->exclusive.end = &d->exclusive.first;
	int r = configure(d, open, error);
	if (r == 0)
		r = open_store(d, open, error, &d->store);
	if (r == 0)
		r = adopt(d, open->values, error);
	if (r < 0) {
		disk_close(d);
		return r;
	}
	*ret_device = d;
	return 0;
}

int disk_open_mem(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	return disk_open(open, error, ret_device, open_mem);
}

int disk_open_file(const struct spt_open *open, struct spt_error *error, void **ret_device)
{
	return disk_open(open, error, ret_device, open_file);
}
