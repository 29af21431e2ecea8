/* SPDX-License-Identifier: MIT */
/*
 * Which SCSI device a path names, and what the kernel knows of it, from sysfs. Device names move
 * (sda today, sdb tomorrow) and a path may be any node of the device or a link to one; the SCSI
 * address that is found here is what the rest goes by. @root is put before every path: "" but in
 * tests.
 */
#ifndef PASSTHROUGH_SG_SYSFS_H
#define PASSTHROUGH_SG_SYSFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <spt/error.h>

#include "passthrough/lu_name.h"

struct sg_address {
	char sg[32];    /* "sg3" */
	char block[32]; /* "sda", "sr0"; empty: the device has no block node */
	char dir[512];  /* of the SCSI device, below @root */
	unsigned host, channel, id;
	uint64_t lun;
};

/* Is it behind an iSCSI session of this machine's own initiator? Then it may be a unit of ours. */
bool sg_behind_iscsi(const struct sg_address *address);

struct sg_limits {
	uint32_t max_hw_sectors_kb; /* 0: unknown */
	uint32_t scatter_element_bytes;
	uint32_t queue_depth; /* of the device; 0: unknown */
	uint32_t can_queue;   /* of its host adapter; 0: unknown */
	uint32_t host_units;  /* logical units on that adapter, at least 1 */
	bool removable;
};

/* -ENOENT, -ENOTBLK (no device node), -ENODEV (no SCSI device, or sg is not there), -EINVAL (a
 * partition). */
int sg_resolve(const char *root, const char *path, struct sg_address *ret,
	struct spt_error *error);
/* The same for a device number. @path is for messages. */
int sg_resolve_number(const char *root, const char *path, bool block, dev_t number,
	struct sg_address *ret, struct spt_error *error);
/* The same for the directory of a SCSI device (".../2:0:5:1"). */
int sg_resolve_directory(const char *dir, const char *path, struct sg_address *ret,
	struct spt_error *error);
/* The device at H:C:T:L, a text. */
int sg_resolve_hctl(const char *root, const char *hctl, struct sg_address *ret,
	struct spt_error *error);
void sg_read_limits(const char *root, const struct sg_address *identity, struct sg_limits *ret);

/* -EBUSY: its block node or a partition of it is mounted, swapped on, or held by another device
 * (md, dm). */
int sg_check_unused(const char *root, const struct sg_address *identity, struct spt_error *error);

/* How often the kernel asks a drive for removable media what is new, which takes its unit
 * attentions; 0: it does not. */
uint32_t sg_poll_interval_ms(const char *root, const struct sg_address *identity);

#endif
