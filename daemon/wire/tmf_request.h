/* SPDX-License-Identifier: MIT */
/* Task Management Function Request (RFC 7143 11.5, RFC 7144 6.3). */
#ifndef WIRE_TMF_REQUEST_H
#define WIRE_TMF_REQUEST_H

#include "wire/bhs.h"

/* RFC 7143 11.5.1, and from QUERY TASK on RFC 7144 6.3. */
enum tmf_function {
	TMF_ABORT_TASK = 1,
	TMF_ABORT_TASK_SET = 2,
	TMF_CLEAR_ACA = 3,
	TMF_CLEAR_TASK_SET = 4,
	TMF_LOGICAL_UNIT_RESET = 5,
	TMF_TARGET_WARM_RESET = 6,
	TMF_TARGET_COLD_RESET = 7,
	TMF_TASK_REASSIGN = 8,
	TMF_QUERY_TASK = 9,
	TMF_QUERY_TASK_SET = 10,
	TMF_I_T_NEXUS_RESET = 11,
	TMF_QUERY_ASYNCHRONOUS_EVENT = 12,
};

struct pdu_tmf_request {
	bool immediate;
	uint8_t function; /* an unknown one is answered "not supported", not rejected */
	uint64_t lun;
	uint32_t itt;
	uint32_t referenced_itt;
	sn_t cmd_sn;
	sn_t exp_stat_sn;
	sn_t ref_cmd_sn;
	uint32_t exp_data_sn; /* TASK REASSIGN */
};

/* "ABORT TASK"; never NULL. */
const char *tmf_function_name(uint8_t function);
int pdu_tmf_request_decode(const uint8_t *bhs, struct pdu_tmf_request *ret);
void pdu_tmf_request_encode(const struct pdu_tmf_request *pdu, uint8_t *bhs);
void pdu_tmf_request_print(const struct pdu_tmf_request *pdu, char *text, size_t bytes);

#endif
