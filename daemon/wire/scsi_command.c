/* SPDX-License-Identifier: MIT */
/* SCSI Command: its additional header segments and the rules between its fields. */
#include "wire/scsi_command.h"

#include <stdio.h>

/* RFC 7143 11.2.2.1. */
enum {
	AHS_EXTENDED_CDB = 1,
	AHS_BIDI_READ_LENGTH = 2,
};

#define AHS_HEAD_BYTES 3u /* AHSLength and AHSType, which AHSLength does not count */

/* RFC 7143 11.2.2.3: AHSLength is CDBLength - 15, one reserved byte and the CDB from byte 16 on. */
static int ahs_extended_cdb(const uint8_t *body, uint32_t bytes, struct pdu_scsi_command *c)
{
	if (c->cdb_more || bytes < 2 || bytes - 1 > PDU_CDB_MAX - 16)
		return PDU_FORMAT_ERROR;
	c->cdb_more = body + 1;
	c->cdb_more_bytes = (uint16_t)(bytes - 1);
	return 0;
}

/* RFC 7143 11.2.2.4: AHSLength is 5, one reserved byte and the length. */
static int ahs_bidi_read_length(const uint8_t *body, uint32_t bytes, struct pdu_scsi_command *c)
{
	if (c->bidi || bytes != 5)
		return PDU_FORMAT_ERROR;
	c->bidi = true;
	c->bidi_read_bytes = be32_get(body + 1);
	return 0;
}

static int ahs_one(uint8_t type, const uint8_t *body, uint32_t bytes, struct pdu_scsi_command *c)
{
	switch (type) {
	case AHS_EXTENDED_CDB:
		return ahs_extended_cdb(body, bytes, c);
	case AHS_BIDI_READ_LENGTH:
		return ahs_bidi_read_length(body, bytes, c);
	default:
		/* RFC 7143 11.2.2.1: all other types are reserved */
		return PDU_FORMAT_ERROR;
	}
}

int pdu_scsi_command_ahs(const uint8_t *ahs, uint32_t ahs_bytes, struct pdu_scsi_command *ret)
{
	while (ahs_bytes) {
		/* RFC 7143 11.2.2.2: each segment is padded to a word, so one word is there */
		uint32_t bytes = be16_get(ahs);
		uint32_t padded = ROUND_UP(AHS_HEAD_BYTES + bytes, 4u);

		if (!bytes || padded > ahs_bytes)
			return PDU_FORMAT_ERROR;
		int r = ahs_one(ahs[2] & 0x3f, ahs + AHS_HEAD_BYTES, bytes, ret);
		if (r)
			return r;
		ahs += padded;
		ahs_bytes -= padded;
	}
	return 0;
}

int pdu_scsi_command_check(const struct pdu_scsi_command *pdu)
{
	/* RFC 7143 11, 11.3.1: attributes 5-7 are reserved codes, which is a protocol error */
	if (pdu->attribute > 4)
		return REJECT_PROTOCOL_ERROR;
	/* RFC 7143 11.2.1.8 */
	if (pdu->itt == TAG_NONE)
		return REJECT_INVALID_PDU_FIELD;
	/* RFC 7143 11.3.1: setting both W and F to 0 is an error */
	if (!pdu->write && (!pdu->final || pdu->data_bytes))
		return REJECT_PROTOCOL_ERROR;
	/* RFC 7143 11.3.1: not both R and W zero when a length is not */
	if (!pdu->write && !pdu->read && pdu->expected_bytes)
		return REJECT_INVALID_PDU_FIELD;
	/* RFC 7143 11.3.4: a bidirectional command has the AHS, and no other command has */
	if ((pdu->read && pdu->write) != pdu->bidi)
		return REJECT_INVALID_PDU_FIELD;
	/* RFC 7143 11.3.6: immediate data is part of what the command transfers */
	if (pdu->data_bytes > (pdu->write ? pdu->expected_bytes : 0))
		return REJECT_PROTOCOL_ERROR;
	return 0;
}

uint32_t pdu_scsi_command_encode(const struct pdu_scsi_command *pdu, uint8_t *bhs, uint8_t *ahs)
{
	uint8_t *p = ahs;

	bhs_put(bhs, (uint8_t)(OP_SCSI_COMMAND | pdu->immediate << 6),
		(uint8_t)(pdu->final << 7 | pdu->read << 6 | pdu->write << 5 | (pdu->attribute & 7)),
		pdu->data_bytes);
	bhs[2] = (uint8_t)(pdu->priority << 4);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->expected_bytes);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
	memcpy(bhs + 32, pdu->cdb, 16);
	if (pdu->cdb_more_bytes) {
		uint32_t padded = ROUND_UP(4u + pdu->cdb_more_bytes, 4u);

		memset(p, 0, padded);
		be16_put(p, (uint16_t)(pdu->cdb_more_bytes + 1));
		p[2] = AHS_EXTENDED_CDB;
		memcpy(p + 4, pdu->cdb_more, pdu->cdb_more_bytes);
		p += padded;
	}
	if (pdu->bidi) {
		be16_put(p, 5);
		p[2] = AHS_BIDI_READ_LENGTH;
		p[3] = 0;
		be32_put(p + 4, pdu->bidi_read_bytes);
		p += 8;
	}
	bhs[4] = (uint8_t)((p - ahs) / 4);
	return (uint32_t)(p - ahs);
}

void pdu_scsi_command_print(const struct pdu_scsi_command *pdu, char *text, size_t bytes)
{
	static const char *const attributes[] = { "untagged", "simple", "ordered",
		"head of queue", "ACA", "attribute 5", "attribute 6", "attribute 7" };

	snprintf(text, bytes,
		"SCSI Command: itt %08x lun %016llx%s%s%s%s %s cdb %02x[%u] expected %u bidi %u"
		" data %u cmdsn %u expstatsn %u",
		pdu->itt, (unsigned long long)pdu->lun, pdu->immediate ? " I" : "",
		pdu->final ? " F" : "", pdu->read ? " R" : "", pdu->write ? " W" : "",
		attributes[pdu->attribute & 7], pdu->cdb[0], 16u + pdu->cdb_more_bytes,
		pdu->expected_bytes, pdu->bidi_read_bytes, pdu->data_bytes, pdu->cmd_sn.v,
		pdu->exp_stat_sn.v);
}
