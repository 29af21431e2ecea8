/* SPDX-License-Identifier: MIT */
/*
 * Synchronous calls: one command to one device, and the caller waits. Counterparts of the SCSI
 * pass-through IOCTLs; each is a struct spt_task and nothing else underneath.
 *
 *   spt_pass_through()            IOCTL_SCSI_PASS_THROUGH             SCSI_PASS_THROUGH
 *   spt_pass_through_direct()     IOCTL_SCSI_PASS_THROUGH_DIRECT      SCSI_PASS_THROUGH_DIRECT
 *   spt_pass_through_ex()         IOCTL_SCSI_PASS_THROUGH_EX          SCSI_PASS_THROUGH_EX
 *   spt_pass_through_direct_ex()  IOCTL_SCSI_PASS_THROUGH_DIRECT_EX   SCSI_PASS_THROUGH_DIRECT_EX
 *   spt_adapter_properties()      IOCTL_STORAGE_QUERY_PROPERTY        StorageAdapterProperty
 *
 * A request is a block of memory of @bytes that begins with its structure; sense data, and the data
 * of the buffered calls, lie in the same block at the offsets that the structure tells. Who asks for
 * no sense sets its length to zero. There is no path, target or unit number and no storage address:
 * the handle is of one logical unit.
 *
 * Lengths are in and out: on return they hold what was moved or written, not more than they held
 * before. @scsi_status is valid when a call returns 0: a command that the device refused is a call
 * that was successful. What is there of sense and data belongs to that status, whatever it is.
 *
 * Errors of all calls; none but the last three has sent anything to the device:
 *   -EINVAL      wrong length or version of the structure; offsets inside the structure, or areas
 *                that overlap; data-out that is not in the block; CDB shorter than 6 bytes; more data
 *                than the adapter moves at once; a direct buffer that the alignment mask does not
 *                allow; a direction that contradicts the CDB, or that nobody can tell
 *   -EMSGSIZE    data-in or sense would not fit in the block
 *   -EOPNOTSUPP  bidirectional, or a CDB longer than the adapter takes; EXTENDED COPY and its
 *                relatives, by which a logical unit reaches others, unless the device's configuration
 *                allows them
 *   -ENOMEM      out of memory
 *   -ETIMEDOUT   not done in time, and aborted: it can no longer touch the device or the buffers
 *   -ECANCELED   aborted by somebody else's task management
 *   -EIO         the way to the device has failed
 * That a device is in use by somebody else (-EBUSY) is told when it is opened: spt_device_open().
 */
#ifndef SPT_PASS_THROUGH_H
#define SPT_PASS_THROUGH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/device.h>
#include <spt/nexus.h>
#include <spt/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A device opened for synchronous calls; counterpart of what CreateFile() gives. */
struct spt_handle;

struct spt_handle_params {
	/* Whose nexus it is; NULL: one of the library's making. Copied. */
	const struct spt_nexus *nexus;
	/* The nexus is new to the device, and hears so by a unit attention condition. */
	bool announce;
};

/*
 * A nexus at @device, of which a reference is kept. @params may be NULL. -ENOMEM, or what the system
 * says. A handle may be used by several threads and does one call at a time: for more at once, open
 * more of them.
 */
int spt_handle_open(struct spt_device *device, const struct spt_handle_params *params,
	struct spt_handle **ret);
/* No call may be under way. Returns when the device has been left. NULL is allowed. */
void spt_handle_close(struct spt_handle *handle);

enum spt_data_direction {
	SPT_DATA_OUT = 0,
	SPT_DATA_IN = 1,
	SPT_DATA_UNSPECIFIED = 2, /* as the CDB tells, or no data */
	SPT_DATA_BIDIRECTIONAL = 3,
};

#define SPT_PASS_THROUGH_CDB_MAX 16u

/* For small transfers, below 16 KiB: the data is copied to or from a buffer of the library's. */
struct spt_pass_through {
	uint32_t length;               /* sizeof(struct spt_pass_through) */
	uint8_t scsi_status;           /* out: enum spt_status */
	uint8_t cdb_length;            /* 6 to 16 */
	uint8_t sense_info_length;     /* in and out */
	uint8_t data_in;               /* enum spt_data_direction, but for BIDIRECTIONAL */
	uint32_t data_transfer_length; /* in and out */
	uint32_t timeout_s;            /* 0: the backend's own limits, and no other */
	size_t data_buffer_offset;     /* from the beginning of the block */
	size_t sense_info_offset;
	uint8_t cdb[SPT_PASS_THROUGH_CDB_MAX];
};

int spt_pass_through(struct spt_handle *handle, struct spt_pass_through *request, size_t bytes);

/*
 * The data is moved to or from the caller's own buffer. What lies there behind the bytes that were
 * moved may have been written to.
 */
struct spt_pass_through_direct {
	uint32_t length; /* sizeof(struct spt_pass_through_direct) */
	uint8_t scsi_status;
	uint8_t cdb_length;
	uint8_t sense_info_length;
	uint8_t data_in;
	uint32_t data_transfer_length;
	uint32_t timeout_s;
	void *data_buffer; /* aligned as the alignment mask tells */
	size_t sense_info_offset;
	uint8_t cdb[SPT_PASS_THROUGH_CDB_MAX];
};

int spt_pass_through_direct(struct spt_handle *handle, struct spt_pass_through_direct *request,
	size_t bytes);

/*
 * With CDBs of any length, and data in both directions at once, where the adapter takes extended
 * requests. SPT_DATA_UNSPECIFIED takes the length of the direction that the CDB tells.
 */
struct spt_pass_through_ex {
	uint32_t version;    /* 0 */
	uint32_t length;     /* sizeof(struct spt_pass_through_ex) */
	uint32_t cdb_length; /* 6 to SPT_CDB_MAX */
	uint8_t scsi_status;
	uint8_t sense_info_length;
	uint8_t data_direction; /* enum spt_data_direction */
	uint32_t timeout_s;
	uint32_t data_out_transfer_length; /* in and out */
	uint32_t data_in_transfer_length;  /* in and out */
	size_t sense_info_offset;
	size_t data_out_buffer_offset;
	size_t data_in_buffer_offset;
	uint8_t cdb[SPT_CDB_MAX];
};

int spt_pass_through_ex(struct spt_handle *handle, struct spt_pass_through_ex *request,
	size_t bytes);

struct spt_pass_through_direct_ex {
	uint32_t version;
	uint32_t length;
	uint32_t cdb_length;
	uint8_t scsi_status;
	uint8_t sense_info_length;
	uint8_t data_direction;
	uint32_t timeout_s;
	uint32_t data_out_transfer_length;
	uint32_t data_in_transfer_length;
	size_t sense_info_offset;
	void *data_out_buffer;
	void *data_in_buffer;
	uint8_t cdb[SPT_CDB_MAX];
};

int spt_pass_through_direct_ex(struct spt_handle *handle,
	struct spt_pass_through_direct_ex *request, size_t bytes);

/* Which requests the adapter takes. */
enum spt_srb_type {
	SPT_SCSI_REQUEST_BLOCK = 0,    /* CDBs up to 16 bytes, data in one direction */
	SPT_STORAGE_REQUEST_BLOCK = 1, /* extended ones: longer CDBs or bidirectional, see below */
};

struct spt_adapter_properties {
	uint32_t length;             /* in: sizeof(struct spt_adapter_properties) */
	uint32_t alignment_mask;     /* address bits of direct buffers that have to be zero */
	uint32_t max_transfer_bytes; /* of one command */
	uint16_t max_cdb_bytes;
	uint8_t srb_type; /* enum spt_srb_type */
	bool bidirectional;
};

/* -EINVAL: wrong length. */
int spt_adapter_properties(struct spt_handle *handle, struct spt_adapter_properties *ret);

#ifdef __cplusplus
}
#endif

#endif
