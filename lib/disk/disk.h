/* SPDX-License-Identifier: MIT */
/*
 * The emulated direct access block device (SPC-5, SBC-4) on a store. A disk is shared by loops; a
 * disk_channel is one loop's use of it. What the disk was opened with never changes; what SCSI
 * changes is one word of atomic flags. Commands are rows {operation code, service action, judge,
 * run}, one file for each command family.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/backend.h>

#include "scsi/cdb.h"
#include "store/store.h"

/* Additional sense codes that the disk answers with. */
enum {
	ASC_NOT_READY_INITIALIZING_COMMAND_REQUIRED = 0x0402,
	ASC_WRITE_ERROR = 0x0c00,
	ASC_INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT = 0x0e03,
	ASC_UNRECOVERED_READ_ERROR = 0x1100,
	ASC_PARAMETER_LIST_LENGTH_ERROR = 0x1a00,
	ASC_MISCOMPARE_DURING_VERIFY = 0x1d00,
	ASC_INVALID_COMMAND_OPERATION_CODE = 0x2000,
	ASC_LBA_OUT_OF_RANGE = 0x2100,
	ASC_INVALID_FIELD_IN_CDB = 0x2400,
	ASC_WRITE_PROTECTED = 0x2700,
	ASC_SOFTWARE_WRITE_PROTECTED = 0x2702,
	ASC_SPACE_ALLOCATION_FAILED = 0x2707,
	ASC_MEDIUM_MAY_HAVE_CHANGED = 0x2800,
	ASC_MODE_PARAMETERS_CHANGED = 0x2a01,
	ASC_SAVING_PARAMETERS_NOT_SUPPORTED = 0x3900,
	ASC_MEDIUM_NOT_PRESENT = 0x3a00,
	ASC_LOGICAL_UNIT_FAILURE = 0x3e01,
	ASC_INSUFFICIENT_RESOURCES = 0x5503,
};

/* The state that SCSI can change: struct disk.state. */
enum disk_state {
	DISK_WCE = 1 << 0,     /* Caching page: write cache enabled */
	DISK_D_SENSE = 1 << 1, /* Control page: descriptor sense */
	DISK_SWP = 1 << 2,     /* Control page: software write protect */
	DISK_STOPPED = 1 << 3, /* START STOP UNIT */
	DISK_EJECTED = 1 << 4, /* the same, of a removable medium */
	DISK_TAS = 1 << 5,     /* Control page: TASK ABORTED status for those of other nexuses */
	DISK_MODE_BITS = DISK_WCE | DISK_D_SENSE | DISK_SWP | DISK_TAS,
};

/* The operation code of CDBs whose SERVICE ACTION is in bytes 8 and 9 (SPC-5 4.2.3). */
#define DISK_VARIABLE_LENGTH 0x7f
#define DISK_SERIAL_MAX	      64u
#define DISK_NAA_MAX	      16u
/* Limits of one command, published in VPD page B0h. */
#define DISK_TRANSFER_BYTES   (16u << 20)
#define DISK_OPTIMAL_BYTES    (1u << 20)
#define DISK_WRITE_SAME_BLOCKS 65535u
#define DISK_UNMAP_BLOCKS     (1u << 20)
#define DISK_UNMAP_DESCRIPTORS 256u
#define DISK_COMPARE_BLOCKS   255u
/* What is moved between medium and a buffer of ours in one step. */
#define DISK_STEP_BYTES	      (1u << 20)

struct disk_identity {
	char vendor[9], product[17], revision[5];
	char serial[DISK_SERIAL_MAX + 1];
	uint8_t naa[DISK_NAA_MAX];
	uint8_t naa_bytes;
};

struct disk_io;
struct disk_row;

/* A row of ours and the row that every command has in scsi/cdb.def. */
struct disk_command {
	const struct disk_row *row;
	const struct cdb_command *cdb;
};

#define DISK_COMMANDS_MAX 64u

/* Commands that read, decide and write have the medium to themselves among each other. */
struct disk_exclusive {
	pthread_mutex_t lock;
	struct disk_io *owner;
	struct disk_io *first, **end; /* who waits, in order */
};

struct disk {
	struct store *store;
	struct spt_device *device;
	struct disk_identity identity;
	uint64_t blocks;
	uint32_t block_bytes;
	uint8_t block_shift;
	uint8_t physical_exponent; /* 2^n logical blocks per physical block */
	uint16_t rotation_rate;
	bool read_only, thin, removable;
	uint32_t max_transfer_blocks;
	uint32_t defaults; /* of state */
	_Atomic uint32_t state;
	struct disk_exclusive exclusive;
	struct disk_command commands[DISK_COMMANDS_MAX]; /* in order of operation code */
	uint8_t n_commands;
	uint8_t first[256]; /* by operation code: 1 + index in commands, 0: none */
};

struct disk_channel {
	struct disk *disk;
	struct spt_host *host;
	struct store_channel *store;
	struct disk_io *spare; /* kept, so that the steady state allocates nothing */
	unsigned resets; /* that write the cache out; the channel is closed after the last */
	void (*closed)(void *arg);
	void *closed_arg;
};

enum disk_row_flag {
	DISK_NEEDS_MEDIUM = 1 << 0, /* not while stopped */
	DISK_NEEDS_THIN = 1 << 1,   /* only where blocks can be unmapped */
	DISK_IN_CORE = 1 << 2,	    /* answered above the device server; listed here for its row */
	DISK_NEEDS_REMOVABLE = 1 << 3, /* only where the medium can be ejected */
};

struct disk_row {
	uint8_t opcode;
	uint16_t service_action;
	unsigned flags;
	/*
	 * Looks at a CDB without reserved bits of a disk that is ready: completes the task and
	 * returns false, or sets out_wanted_bytes and out_would_bytes. NULL: nothing to refuse.
	 */
	bool (*judge)(struct disk_channel *channel, struct spt_task *task);
	void (*run)(struct disk_channel *channel, struct spt_task *task);
};

struct disk_family {
	const struct disk_row *rows;
	size_t n_rows;
};

extern const struct disk_family disk_inquiry, disk_mode, disk_misc, disk_opcodes, disk_read_write,
	disk_cache, disk_capacity, disk_verify, disk_unmap, disk_write_same, disk_compare,
	disk_start_stop;

/* Fills @disk's commands from every family; what it does not support is left out. */
void disk_commands_init(struct disk *disk);
/* The command with this code, or NULL; @service_action is not looked at where it has none. */
const struct disk_command *disk_command_find(const struct disk *disk, uint8_t opcode,
	uint16_t service_action);
bool disk_has_service_action(const struct disk *disk, uint8_t opcode);

static inline uint32_t disk_state(const struct disk *disk)
{
	return atomic_load_explicit(&disk->state, memory_order_relaxed);
}

/* Is data that was acknowledged to be on the medium already? */
static inline bool disk_write_through(const struct disk *disk)
{
	return !(disk_state(disk) & DISK_WCE);
}

static inline uint64_t disk_bytes(const struct disk *disk, uint64_t blocks)
{
	return blocks << disk->block_shift;
}

/* The task's medium errors and the like, by errno; completes it. @lba, when known, is told. */
void disk_fail(struct spt_task *task, enum store_op op, int error, bool lba_known, uint64_t lba);

#endif
