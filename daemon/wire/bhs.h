/* SPDX-License-Identifier: MIT */
/*
 * What every PDU has in common: the fields of the basic header segment (RFC 7143 11.2.1) that mean
 * the same in all of them, and the one table of opcodes that says where each is legal.
 *
 * Each message has a header of its own beside this one (scsi_command.h, data_in.h, ...) with
 *
 *   int  pdu_X_decode(const uint8_t *bhs, struct pdu_X *ret);
 *   void pdu_X_encode(const struct pdu_X *pdu, uint8_t *bhs);
 *   void pdu_X_print(const struct pdu_X *pdu, char *text, size_t bytes);
 *
 * @bhs is always BHS_BYTES long. A decoder gives 0, or the reason code of the Reject that the PDU
 * deserves (enum reject_reason, positive), and leaves @ret alone then. Reserved fields are ignored
 * and reserved values of defined fields are refused (RFC 7143 11). An encoder writes all 48 bytes.
 * A printer writes one line without a newline, always terminated.
 */
#ifndef WIRE_BHS_H
#define WIRE_BHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/be.h"
#include "base/sn.h"
#include "base/util.h"

#define BHS_BYTES      48u
#define AHS_MAX_BYTES  1020u /* TotalAHSLength is eight bits, in words (RFC 7143 11.2.1.5) */
#define DATA_MAX_BYTES 0xffffffu
#define DIGEST_BYTES   4u
#define TAG_NONE       0xffffffffu /* the reserved value of ITT and TTT (RFC 7143 11.2.1.8) */

enum opcode {
	OP_NOP_OUT = 0x00,
	OP_SCSI_COMMAND = 0x01,
	OP_TMF_REQUEST = 0x02,
	OP_LOGIN_REQUEST = 0x03,
	OP_TEXT_REQUEST = 0x04,
	OP_DATA_OUT = 0x05,
	OP_LOGOUT_REQUEST = 0x06,
	OP_SNACK = 0x10,
	OP_NOP_IN = 0x20,
	OP_SCSI_RESPONSE = 0x21,
	OP_TMF_RESPONSE = 0x22,
	OP_LOGIN_RESPONSE = 0x23,
	OP_TEXT_RESPONSE = 0x24,
	OP_DATA_IN = 0x25,
	OP_LOGOUT_RESPONSE = 0x26,
	OP_R2T = 0x31,
	OP_ASYNC = 0x32,
	OP_REJECT = 0x3f,
};

/* Where a connection is, as far as the legality of a PDU goes. */
enum phase {
	PHASE_LOGIN = 1 << 0,     /* RFC 7143 4.2.4: nothing but Login */
	PHASE_NORMAL = 1 << 1,    /* full feature phase of a normal session */
	PHASE_DISCOVERY = 1 << 2, /* full feature phase of a discovery session (RFC 7143 4.3) */
};

struct opcode_info {
	uint8_t opcode;
	bool from_initiator;
	bool may_immediate; /* the I bit has a meaning */
	bool takes_cmd_sn;  /* carries CmdSN and is subject to command ordering (RFC 7143 4.2.2.1) */
	bool may_ahs;
	bool may_data;
	uint8_t phases; /* bits of enum phase */
	const char *name;
};

/* NULL: no such opcode. */
const struct opcode_info *opcode_info(uint8_t opcode);
/* "SCSI Command"; "unknown opcode" for what the table does not have. */
const char *opcode_name(uint8_t opcode);

/* The fields common to all PDUs. */
struct bhs {
	uint8_t opcode;
	bool immediate;
	bool final;
	uint16_t ahs_bytes;
	uint32_t data_bytes; /* DataSegmentLength: without padding and digest */
	uint64_t lun;
	uint32_t itt;
};

static inline uint8_t bhs_opcode(const uint8_t *p)
{
	return p[0] & 0x3f;
}

static inline bool bhs_immediate(const uint8_t *p)
{
	return p[0] & 0x40;
}

static inline bool bhs_final(const uint8_t *p)
{
	return p[1] & 0x80;
}

static inline uint32_t bhs_ahs_bytes(const uint8_t *p)
{
	return p[4] * 4u;
}

static inline uint32_t bhs_data_bytes(const uint8_t *p)
{
	return be24_get(p + 5);
}

static inline uint64_t bhs_lun(const uint8_t *p)
{
	return be64_get(p + 8);
}

static inline uint32_t bhs_itt(const uint8_t *p)
{
	return be32_get(p + 16);
}

/* Data segments are padded to four bytes (RFC 7143 11.1). */
static inline uint32_t bhs_padding(uint32_t data_bytes)
{
	return -data_bytes & 3u;
}

static inline struct bhs bhs_decode(const uint8_t *p)
{
	return (struct bhs){
		.opcode = bhs_opcode(p),
		.immediate = bhs_immediate(p),
		.final = bhs_final(p),
		.ahs_bytes = (uint16_t)bhs_ahs_bytes(p),
		.data_bytes = bhs_data_bytes(p),
		.lun = bhs_lun(p),
		.itt = bhs_itt(p),
	};
}

/*
 * May the initiator send a PDU with this header in @phase? 0, or the Reject reason: PROTOCOL ERROR
 * where the opcode is known but has no place here, COMMAND NOT SUPPORTED where it is unknown,
 * or PDU_FORMAT_ERROR for an AHS or a data segment that the message cannot have.
 */
int bhs_check(const struct bhs *bhs, enum phase phase);

/* The numbers that every target PDU carries at the same place. */
struct pdu_sns {
	sn_t stat_sn; /* where the PDU carries no status: see the message */
	sn_t exp_cmd_sn;
	sn_t max_cmd_sn;
};

/* For the printers. */
#define PRI_SNS      "statsn %u expcmdsn %u maxcmdsn %u"
#define ARG_SNS(sns) (sns).stat_sn.v, (sns).exp_cmd_sn.v, (sns).max_cmd_sn.v

/* Starts an encoding: everything zero, opcode with the I bit, flags with the F bit, lengths. */
static inline void bhs_put(uint8_t *p, uint8_t opcode, uint8_t flags, uint32_t data_bytes)
{
	memset(p, 0, BHS_BYTES);
	p[0] = opcode;
	p[1] = flags;
	be24_put(p + 5, data_bytes);
}

static inline void bhs_put_sns(uint8_t *p, const struct pdu_sns *sns)
{
	be32_put(p + 24, sns->stat_sn.v);
	be32_put(p + 28, sns->exp_cmd_sn.v);
	be32_put(p + 32, sns->max_cmd_sn.v);
}

static inline struct pdu_sns bhs_get_sns(const uint8_t *p)
{
	return (struct pdu_sns){
		.stat_sn = sn(be32_get(p + 24)),
		.exp_cmd_sn = sn(be32_get(p + 28)),
		.max_cmd_sn = sn(be32_get(p + 32)),
	};
}

#endif
