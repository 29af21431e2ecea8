/* SPDX-License-Identifier: MIT */
/*
 * The auxiliary tag that every task carries: which nexus, which task, which logical unit, which
 * piece of its data. Counterpart of SCSI_PASS_THROUGH_AUXILIARY.
 */
#ifndef SPT_AUXILIARY_H
#define SPT_AUXILIARY_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opaque; zero is never a session. A stale one never finds a new session. */
typedef struct {
	uint64_t v;
} spt_session_cookie;

/*
 * Chosen by the caller, unique among the nexus's tasks while the task lives. @tag is the
 * initiator's name for the task (the Initiator Task Tag), @generation tells two tasks that used
 * the same tag one after the other apart (the CmdSN).
 */
struct spt_task_cookie {
	uint32_t tag;
	uint32_t generation;
};

#define SPT_AUXILIARY_SIGNATURE "SPT_AUX1"

struct spt_auxiliary {
	uint32_t size;        /* sizeof(struct spt_auxiliary) */
	uint8_t signature[8]; /* SPT_AUXILIARY_SIGNATURE, no terminator */
	spt_session_cookie session;
	struct spt_task_cookie task;
	uint64_t sequence_offset_bytes; /* 0: the first data sequence */
	uint64_t lun;                   /* the eight-byte LUN of SAM-5 as the initiator sent it */
	bool is_final;                  /* no data sequence follows */
};

#ifdef __cplusplus
}
#endif

#endif
