/* SPDX-License-Identifier: MIT */
/*
 * Between a task and the header of the SCSI generic driver (its version 3 interface): the request
 * out of the task, the task's result out of the completed header.
 */
#ifndef PASSTHROUGH_SG_HEADER_H
#define PASSTHROUGH_SG_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <scsi/sg.h>

#include <spt/task.h>

/* SG_FLAG_Q_AT_TAIL: without it the driver queues at the head, and writes overtake each other. */
#define SG_QUEUE_AT_TAIL 0x10

/* @task's buffers are there. The header points at them, at its CDB and at its sense buffer. */
void sg_header_fill(sg_io_hdr_t *header, struct spt_task *task, uint32_t timeout_ms, int slot);

/* The outcome of a command: a status with sense of the device's or of our own. */
struct sg_verdict {
	uint8_t status;   /* enum spt_status */
	uint8_t key;      /* with CHECK CONDITION and @own_sense */
	spt_asc_t asc;
	bool own_sense;   /* the device gave none: this key and code */
	bool moved;       /* the data is what the device moved */
};

/* Judges the three status bytes of a completed command; @sense_bytes of sense came with it. */
struct sg_verdict sg_verdict_of(unsigned status, unsigned host_status, unsigned driver_status,
	unsigned sense_bytes);
/* Why write() or read() on an sg descriptor failed, as a result for the initiator. */
struct sg_verdict sg_verdict_of_errno(int err);

/* Residuals into byte counts: data-in, would-bytes. @moved: otherwise nothing was. */
void sg_count_moved(struct spt_task *task, int in_left, int out_left, bool moved);

/*
 * The transfer that a READ (or WRITE) of a block device, or of a tape in variable block mode, asks
 * for; 0 when @cdb is none of these or does not tell. An initiator that gives less room is owed an overflow (SAM-5 5.4.2), which sg does not tell.
 */
uint64_t sg_read_transfer(const uint8_t *cdb, unsigned device_type, uint32_t block_bytes);
uint64_t sg_write_transfer(const uint8_t *cdb, unsigned device_type, uint32_t block_bytes);

#endif
