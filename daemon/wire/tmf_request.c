/* SPDX-License-Identifier: MIT */
/* Task Management Function Request: see tmf_request.h. */
#include "wire/tmf_request.h"

#include <stdio.h>

#include "wire/reject.h"

static const char *const FUNCTIONS[] = {
	[TMF_ABORT_TASK] = "ABORT TASK",
	[TMF_ABORT_TASK_SET] = "ABORT TASK SET",
	[TMF_CLEAR_ACA] = "CLEAR ACA",
	[TMF_CLEAR_TASK_SET] = "CLEAR TASK SET",
	[TMF_LOGICAL_UNIT_RESET] = "LOGICAL UNIT RESET",
	[TMF_TARGET_WARM_RESET] = "TARGET WARM RESET",
	[TMF_TARGET_COLD_RESET] = "TARGET COLD RESET",
	[TMF_TASK_REASSIGN] = "TASK REASSIGN",
	[TMF_QUERY_TASK] = "QUERY TASK",
	[TMF_QUERY_TASK_SET] = "QUERY TASK SET",
	[TMF_I_T_NEXUS_RESET] = "I_T NEXUS RESET",
	[TMF_QUERY_ASYNCHRONOUS_EVENT] = "QUERY ASYNCHRONOUS EVENT",
};

const char *tmf_function_name(uint8_t function)
{
	if (function >= ARRAY_SIZE(FUNCTIONS) || !FUNCTIONS[function])
		return "unknown function";
	return FUNCTIONS[function];
}

int pdu_tmf_request_decode(const uint8_t *bhs, struct pdu_tmf_request *ret)
{
	struct pdu_tmf_request t = {
		.immediate = bhs_immediate(bhs),
		.function = bhs[1] & 0x7f,
		.lun = bhs_lun(bhs),
		.itt = bhs_itt(bhs),
		.referenced_itt = be32_get(bhs + 20),
		.cmd_sn = sn(be32_get(bhs + 24)),
		.exp_stat_sn = sn(be32_get(bhs + 28)),
		.ref_cmd_sn = sn(be32_get(bhs + 32)),
		.exp_data_sn = be32_get(bhs + 36),
	};

	/* RFC 7143 11.2.1.8 */
	if (t.itt == TAG_NONE)
		return REJECT_INVALID_PDU_FIELD;
	*ret = t;
	return 0;
}

void pdu_tmf_request_encode(const struct pdu_tmf_request *pdu, uint8_t *bhs)
{
	bhs_put(bhs, (uint8_t)(OP_TMF_REQUEST | pdu->immediate << 6),
		(uint8_t)(0x80 | (pdu->function & 0x7f)), 0);
	be64_put(bhs + 8, pdu->lun);
	be32_put(bhs + 16, pdu->itt);
	be32_put(bhs + 20, pdu->referenced_itt);
	be32_put(bhs + 24, pdu->cmd_sn.v);
	be32_put(bhs + 28, pdu->exp_stat_sn.v);
	be32_put(bhs + 32, pdu->ref_cmd_sn.v);
	be32_put(bhs + 36, pdu->exp_data_sn);
}

void pdu_tmf_request_print(const struct pdu_tmf_request *pdu, char *text, size_t bytes)
{
	snprintf(text, bytes,
		"Task Management Function Request: %s (%u) itt %08x%s lun %016llx referenced %08x"
		" refcmdsn %u expdatasn %u cmdsn %u expstatsn %u",
		tmf_function_name(pdu->function), pdu->function, pdu->itt,
		pdu->immediate ? " I" : "", (unsigned long long)pdu->lun, pdu->referenced_itt,
		pdu->ref_cmd_sn.v, pdu->exp_data_sn, pdu->cmd_sn.v, pdu->exp_stat_sn.v);
}
