/* SPDX-License-Identifier: MIT */
/* SNACK Request (RFC 7143 11.16). */
#ifndef WIRE_SNACK_H
#define WIRE_SNACK_H

#include "wire/bhs.h"

/* RFC 7143 11.16.1. */
enum snack_type {
	SNACK_DATA = 0, /* Data/R2T */
	SNACK_STATUS = 1,
	SNACK_DATA_ACK = 2,
	SNACK_R_DATA = 3,
};

/* "data", "status", "data_ack", "r_data": the label of a metric. */
const char *snack_type_name(uint8_t type);

struct pdu_snack {
	uint8_t type;
	uint64_t lun;
	uint32_t itt;
	uint32_t ttt; /* or SNACK Tag */
	sn_t exp_stat_sn;
	uint32_t beg_run;
	uint32_t run_length; /* zero: all from beg_run on */
};

int pdu_snack_decode(const uint8_t *bhs, struct pdu_snack *ret);
void pdu_snack_encode(const struct pdu_snack *pdu, uint8_t *bhs);
void pdu_snack_print(const struct pdu_snack *pdu, char *text, size_t bytes);

#endif
