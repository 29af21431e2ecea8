/* SPDX-License-Identifier: MIT */
/* Reject (RFC 7143 11.17). Its data segment is the header of what was rejected. */
#ifndef WIRE_REJECT_H
#define WIRE_REJECT_H

#include "wire/bhs.h"

/* RFC 7143 11.17.1. */
enum reject_reason {
	REJECT_DATA_DIGEST = 0x02,
	REJECT_SNACK = 0x03,
	REJECT_PROTOCOL_ERROR = 0x04,
	REJECT_COMMAND_NOT_SUPPORTED = 0x05,
	REJECT_IMMEDIATE = 0x06, /* too many immediate commands */
	REJECT_TASK_IN_PROGRESS = 0x07,
	REJECT_INVALID_DATA_ACK = 0x08,
	REJECT_INVALID_PDU_FIELD = 0x09,
	REJECT_LONG_OPERATION = 0x0a, /* cannot generate the TTT: out of resources */
	REJECT_DEPRECATED = 0x0b,     /* negotiation reset, of RFC 3720 */
	REJECT_WAITING_FOR_LOGOUT = 0x0c,
};

/*
 * No reason of a Reject: what bhs_check() and the decoders say of a format error (RFC 7143 7.7), a PDU that is not laid out as its kind
 * is. Illegal values of fields that describe a task, a response or a data transfer are none (11.17.1, note 2).
 */
#define PDU_FORMAT_ERROR 0x100

struct pdu_reject {
	uint8_t reason;
	uint32_t data_bytes;
	struct pdu_sns sns;
	uint32_t data_sn; /* DataSN/R2TSN, for reasons that need it; else zero */
};

const char *reject_reason_name(uint8_t reason);
int pdu_reject_decode(const uint8_t *bhs, struct pdu_reject *ret);
void pdu_reject_encode(const struct pdu_reject *pdu, uint8_t *bhs);
void pdu_reject_print(const struct pdu_reject *pdu, char *text, size_t bytes);

#endif
