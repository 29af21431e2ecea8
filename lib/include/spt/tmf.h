/* SPDX-License-Identifier: MIT */
/*
 * Task management (SAM-5 7, RFC 7143 11.5). Asynchronous: answered when the tasks it names can no
 * longer touch the device. Counterpart of ISCSITGT_SPT_TMF.
 */
#ifndef SPT_TMF_H
#define SPT_TMF_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/auxiliary.h>
#include <spt/host.h>
#include <spt/link.h>
#include <spt/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * RFC 7143 11.5.1, RFC 7144 6.3. TASK REASSIGN concerns connections, which the library does not
 * know: NO_REASSIGN. The last four are for sessions with iSCSIProtocolLevel 2.
 */
enum spt_tmf_function {
	SPT_TMF_ABORT_TASK = 1,
	SPT_TMF_ABORT_TASK_SET = 2,
	SPT_TMF_CLEAR_ACA = 3,
	SPT_TMF_CLEAR_TASK_SET = 4,
	SPT_TMF_LOGICAL_UNIT_RESET = 5,
	SPT_TMF_TARGET_WARM_RESET = 6,
	SPT_TMF_TARGET_COLD_RESET = 7,
	SPT_TMF_TASK_REASSIGN = 8,
	SPT_TMF_QUERY_TASK = 9,
	SPT_TMF_QUERY_TASK_SET = 10,
	SPT_TMF_I_T_NEXUS_RESET = 11,
	SPT_TMF_QUERY_ASYNCHRONOUS_EVENT = 12,
};

/* RFC 7143 11.6.1, RFC 7144 6.4.2. */
enum spt_tmf_response {
	SPT_TMF_COMPLETE = 0,
	SPT_TMF_NO_TASK = 1,
	SPT_TMF_NO_LUN = 2,
	SPT_TMF_STILL_ALLEGIANT = 3,
	SPT_TMF_NO_REASSIGN = 4,
	SPT_TMF_NOT_SUPPORTED = 5,
	SPT_TMF_NOT_AUTHORIZED = 6,
	SPT_TMF_SUCCEEDED = 7, /* a query: yes. COMPLETE is no */
	SPT_TMF_REJECTED = 255,
};

struct spt_tmf {
	/* Set by the caller, who keeps the memory until done() is called. */
	spt_session_cookie session;
	uint8_t function; /* enum spt_tmf_function */
	uint64_t lun;
	struct spt_task_cookie reference; /* ABORT TASK, QUERY TASK; a generation that differs is NO_TASK */
	void (*done)(struct spt_tmf *tmf);
	void *arg;
	/*
	 * NULL, or which tasks of the function's own nexus it leaves alone: those that came after it in
	 * the order of the initiator, where it has waited for others. Called on any loop that the
	 * function concerns, with tasks of that nexus only.
	 */
	bool (*spares)(const struct spt_tmf *tmf, const struct spt_task *task);

	bool protocol_level_2; /* the functions of RFC 7144 may be used; else they are NOT_SUPPORTED */

	/* Valid in done(). */
	uint8_t response; /* enum spt_tmf_response */
	/* QUERY ASYNCHRONOUS EVENT (SAM-5 7.8): UADE DEPTH and sense key, ASC, ASCQ. */
	uint8_t additional[3];

	/* The library's. */
	struct spt_context *context;
	struct spt_tmf_run *run;
	struct spt_link link;
};

/* done() follows, perhaps from inside. -ENOENT: no such session (done() is not called). */
int spt_tmf(struct spt_context *context, struct spt_tmf *tmf);
/*
 * Would @tmf, which has not been started, end @task of its own nexus (but for spares())? False for all
 * that it would answer without ending anything.
 */
bool spt_tmf_concerns(struct spt_context *context, const struct spt_tmf *tmf,
	const struct spt_task *task);

#ifdef __cplusplus
}
#endif

#endif
