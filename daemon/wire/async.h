/* SPDX-License-Identifier: MIT */
/* Asynchronous Message (RFC 7143 11.9). */
#ifndef WIRE_ASYNC_H
#define WIRE_ASYNC_H

#include "wire/bhs.h"

/* RFC 7143 11.9.1. */
enum async_event {
	ASYNC_SCSI_EVENT = 0,        /* sense data in the data segment */
	ASYNC_LOGOUT_REQUEST = 1,    /* parameter3: seconds to log out in */
	ASYNC_DROP_CONNECTION = 2,   /* parameter1: CID, 2: Time2Wait, 3: Time2Retain */
	ASYNC_DROP_SESSION = 3,      /* parameter2: Time2Wait, 3: Time2Retain */
	ASYNC_NEGOTIATE = 4,         /* parameter3: seconds to send a Text Request in */
	ASYNC_TASKS_TERMINATED = 5,  /* fast multi-task abort: FastAbort of TaskReporting */
	ASYNC_VENDOR = 255,
};

struct pdu_async {
	uint8_t event;
	uint8_t vendor_code;
	uint32_t data_bytes;
	uint64_t lun;
	struct pdu_sns sns;
	uint16_t parameter1;
	uint16_t parameter2;
	uint16_t parameter3;
};

int pdu_async_decode(const uint8_t *bhs, struct pdu_async *ret);
void pdu_async_encode(const struct pdu_async *pdu, uint8_t *bhs);
void pdu_async_print(const struct pdu_async *pdu, char *text, size_t bytes);

#endif
