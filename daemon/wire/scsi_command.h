/* SPDX-License-Identifier: MIT */
/*
 * SCSI Command (RFC 7143 11.3) with its additional header segments: the part of a CDB beyond 16
 * bytes, and the length of the read half of a bidirectional command (RFC 7143 11.2.2).
 *
 * The header without AHS, which is nearly every command, is decoded inline; the decoded structure
 * points into the caller's AHS bytes.
 */
#ifndef WIRE_SCSI_COMMAND_H
#define WIRE_SCSI_COMMAND_H

#include "wire/bhs.h"
#include "wire/reject.h"

#define PDU_CDB_MAX 260u /* SPC-5 4.3.3: ADDITIONAL CDB LENGTH is at most 252, beside 8 bytes */

struct pdu_scsi_command {
	bool immediate;
	bool final;
	bool read;
	bool write;
	bool bidi; /* the bidirectional read length is there */
	uint8_t attribute; /* RFC 7143 11.3.1; 0 untagged .. 4 ACA */
	uint8_t priority;  /* RFC 7144 5.1.1: command priority, when iSCSIProtocolLevel is 2 */
	uint32_t data_bytes;
	uint64_t lun;
	uint32_t itt;
	uint32_t expected_bytes; /* Expected Data Transfer Length; of the write half if bidirectional */
	uint32_t bidi_read_bytes; /* read half of a bidirectional command; else zero */
	sn_t cmd_sn;
	sn_t exp_stat_sn;
	const uint8_t *cdb; /* the first 16 bytes, in the caller's BHS */
	const uint8_t *cdb_more; /* the rest, in the caller's AHS; NULL: none */
	uint16_t cdb_more_bytes;
};

/* The AHS sequence into @ret; 0 or a Reject reason. */
int pdu_scsi_command_ahs(const uint8_t *ahs, uint32_t ahs_bytes, struct pdu_scsi_command *ret);
/* The rules that hold between the fields; 0 or a Reject reason. */
int pdu_scsi_command_check(const struct pdu_scsi_command *pdu);

/* @ahs: bhs_ahs_bytes(bhs) bytes. @ret points into @bhs and @ahs. */
static inline int pdu_scsi_command_decode(const uint8_t *bhs, const uint8_t *ahs,
	struct pdu_scsi_command *ret)
{
	struct pdu_scsi_command c = {
		.immediate = bhs_immediate(bhs),
		.final = bhs_final(bhs),
		.read = bhs[1] & 0x40,
		.write = bhs[1] & 0x20,
		.attribute = bhs[1] & 0x07,
		.priority = bhs[2] >> 4,
		.data_bytes = bhs_data_bytes(bhs),
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.expected_bytes = be32_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
		.cdb = bhs + 32,
	};
	int r = 0;

	if (bhs_ahs_bytes(bhs))
		r = pdu_scsi_command_ahs(ahs, bhs_ahs_bytes(bhs), &c);
	if (!r)
		r = pdu_scsi_command_check(&c);
	if (!r)
		*ret = c;
	return r;
}

/* What the initiator has room for, and what it is ready to send. */
static inline uint32_t pdu_scsi_command_in_bytes(const struct pdu_scsi_command *c)
{
	return c->write ? c->bidi_read_bytes : c->read ? c->expected_bytes : 0;
}

static inline uint32_t pdu_scsi_command_out_bytes(const struct pdu_scsi_command *c)
{
	return c->write ? c->expected_bytes : 0;
}

/* The whole CDB into @cdb, which has room for PDU_CDB_MAX bytes; its length. */
static inline uint16_t pdu_scsi_command_cdb(const struct pdu_scsi_command *c, uint8_t *cdb)
{
	memcpy(cdb, c->cdb, 16);
	if (c->cdb_more_bytes)
		memcpy(cdb + 16, c->cdb_more, c->cdb_more_bytes);
	return (uint16_t)(16 + c->cdb_more_bytes);
}

/* Writes the header, and into @ahs (AHS_MAX_BYTES) the AHS that the fields ask for; the length of
 * that. */
uint32_t pdu_scsi_command_encode(const struct pdu_scsi_command *pdu, uint8_t *bhs, uint8_t *ahs);
void pdu_scsi_command_print(const struct pdu_scsi_command *pdu, char *text, size_t bytes);

#endif
