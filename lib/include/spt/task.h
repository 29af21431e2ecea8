/* SPDX-License-Identifier: MIT */
/*
 * A SCSI task: one command from its acceptance to the release of its buffers. The memory is the
 * caller's (embed it); from spt_task_enter() until spt_task_end() the library may look at it.
 *
 * The life of a task, on the session's loop throughout:
 *
 *   spt_task_enter()   it is in the task table and can be aborted; its turn has not come (CmdSN)
 *   spt_task_start()   the logical unit judges it. Afterwards it is done already, or at the
 *                      backend, or out_wanted_bytes is not zero and it waits for data:
 *   spt_task_data()    once a data sequence is in its buffer; the last one has aux.is_final set
 *   ops->done()        called once: status, sense and data are there. May be called from inside
 *                      any of these but spt_task_enter(). It may end the task; it must not start
 *                      task management or stop a session
 *   spt_task_hold()    inside ops->done(): the caller cannot tell the result yet. Until spt_task_let_go() the task can be
 *                      ended like one that waits for data, and either calls ops->done() once more
 *   spt_task_end()     the caller has sent (or dropped) the result: buffers go back
 */
#ifndef SPT_TASK_H
#define SPT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/auxiliary.h>
#include <spt/link.h>
#include <spt/sense.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SPT_CDB_MAX 260u

/* Task attributes, numbered as in RFC 7143 11.3.1. */
enum spt_attribute {
	SPT_UNTAGGED = 0,
	SPT_SIMPLE = 1,
	SPT_ORDERED = 2,
	SPT_HEAD_OF_QUEUE = 3,
	SPT_ACA = 4,
};

/* SAM-5 5.3.1. */
enum spt_status {
	SPT_GOOD = 0x00,
	SPT_CHECK_CONDITION = 0x02,
	SPT_CONDITION_MET = 0x04,
	SPT_BUSY = 0x08,
	SPT_RESERVATION_CONFLICT = 0x18,
	SPT_TASK_SET_FULL = 0x28,
	SPT_ACA_ACTIVE = 0x30,
	SPT_TASK_ABORTED = 0x40,
};

/* What became of the task beside its status. */
enum spt_outcome {
	SPT_COMPLETED,        /* @status is the device server's */
	SPT_ABORTED,          /* by task management or the end of the nexus: no response is owed */
	SPT_DELIVERY_FAILURE, /* the service delivery subsystem below failed; no status exists */
};

enum spt_task_state {
	SPT_TASK_IDLE,    /* not in the table */
	SPT_TASK_ENTERED, /* waiting for spt_task_start() */
	SPT_TASK_COLLECT, /* waiting for spt_task_data() */
	SPT_TASK_BLOCKED, /* in the task set, held back by an ordered or head of queue task */
	SPT_TASK_DEVICE,  /* at the backend */
	SPT_TASK_DONE,    /* finished; its buffers are still in use until spt_task_end() */
	SPT_TASK_HELD,    /* it has its result, which its caller may not tell yet */
};

struct spt_task;
struct spt_itl;
struct spt_session;

struct spt_task_ops {
	void (*done)(struct spt_task *task);
};

/* A contiguous piece of payload. */
struct spt_data {
	uint8_t *data;
	uint32_t bytes;
};

/* How deep layers (struct spt_completion) can be stacked on a task. */
#define SPT_TASK_LAYERS 6u

struct spt_completion {
	void (*fn)(struct spt_task *task, void *arg);
	void *arg;
};

struct spt_task {
	/* Set by the caller before spt_task_enter(). */
	const struct spt_task_ops *ops;
	struct spt_auxiliary aux;
	uint8_t cdb[SPT_CDB_MAX];
	uint16_t cdb_bytes;
	uint8_t attribute; /* enum spt_attribute */
	uint8_t priority;
	uint32_t expected_out_bytes; /* what the initiator is ready to send */
	uint32_t expected_in_bytes;  /* what the initiator has room for */
	/*
	 * A buffer of the loop's pool that holds data which came with the command, from offset 0 on;
	 * bytes as it was taken from the pool; or NULL. Large enough, it becomes task->out. The library's from
	 * spt_task_enter() on, unless that fails.
	 */
	struct spt_data offered;
	bool no_room; /* there was no memory for such a buffer: TASK SET FULL when its turn comes */
	/*
	 * The caller's own memory for the payload, or NULL: data-in is put there and data-out taken from
	 * there without a copy, where it is large enough and the backend lends no memory of its own.
	 * Aligned as spt_properties says. Not to be touched until ops->done(); never charged or freed.
	 */
	struct spt_data direct_in, direct_out;
	/* How long the command may take at the device, where the backend limits that; 0: its own limits. */
	uint32_t timeout_ms;

	/*
	 * Set by spt_task_start() when the task waits for data: how many bytes from offset 0 on the
	 * logical unit takes (never more than expected_out_bytes), and the buffer for them. The buffer is the library's.
	 */
	uint32_t out_wanted_bytes;
	struct spt_data out;

	/* The result, valid from ops->done() on. */
	uint8_t outcome; /* enum spt_outcome */
	uint8_t status;  /* enum spt_status */
	uint16_t sense_bytes;
	uint8_t sense[SPT_SENSE_MAX];
	/*
	 * Data for the initiator, at most expected_in_bytes; stays valid until spt_task_end().
	 * Valid with CHECK CONDITION too.
	 */
	struct spt_data in;
	bool in_lent; /* a medium's own memory: what others write there meanwhile changes it */
	/* What the command would have moved had the initiator given it room: residuals come from here.
	 * Less than expected is an underflow, more an overflow (SAM-5 5.4.2; RFC 7143 11.4.5). */
	uint64_t in_would_bytes;
	uint64_t out_would_bytes;

	/* The library's. */
	uint8_t state; /* enum spt_task_state */
	bool aborting; /* task management or the end of the nexus wants it gone */
	bool tas;      /* aborted by another nexus with TAS one: status TASK ABORTED is owed */
	bool above; /* executed by the library itself, above the backend */
	bool in_pooled, out_pooled;
	bool starved;   /* there was no room for what was offered: TASK SET FULL */
	bool too_large; /* it wanted more than it can ever get */
	uint8_t completions; /* used entries of completion[] */
	struct spt_completion completion[SPT_TASK_LAYERS];
	uint32_t in_pool_bytes, out_pool_bytes;
	/* While the whole of a reply is asked for: what the initiator had asked for. */
	uint32_t rewrite_expected_bytes;
	uint16_t rewrite_allocation;
	uint32_t out_received_bytes;
	uint64_t serial; /* order of arrival on its loop */
	struct spt_itl *itl; /* its I_T_L nexus, or NULL: a LUN that is not mapped */
	struct spt_session *session;
	void (*lent_release)(struct spt_task *task); /* gives lent data back */
	struct spt_task *hash_next;
	struct spt_link session_link; /* in its session */
	struct spt_link lu_link;      /* in its I_T_L nexus, in order of arrival */
	struct spt_link doomed_link;  /* while it is to be ended and has not */

	/* The layers' while the task is there, and the backend's (between submit and completion). */
	void *layer;
	void *backend;
	uint64_t scratch[6];
};

struct spt_context;

/*
 * Enters the task. -EINVAL: wrong auxiliary size, signature, CDB length; -ENOENT: no such session; -ESHUTDOWN: the session
 * is being stopped; -EEXIST: another task of the nexus has this tag. Nothing is kept on failure. (SEEDS: SCSI_PASS_THROUGH_AUXILIARY.)
 */
int spt_task_enter(struct spt_context *context, struct spt_task *task);
void spt_task_start(struct spt_task *task);
/* The data sequence described by task->aux is in task->out. -EINVAL: not waiting for data, or offset not contiguous. */
int spt_task_data(struct spt_task *task, uint32_t bytes);
/* Ends a task that has not been executed (ENTERED or COLLECT) with CHECK CONDITION and this sense. */
void spt_task_refuse(struct spt_task *task, uint8_t key, spt_asc_t asc);
/* The result of a SPT_TASK_DONE task, of which nobody has been told, becomes CHECK CONDITION with this sense; its data stays. */
void spt_task_overrule(struct spt_task *task, uint8_t key, spt_asc_t asc);
/*
 * From ops->done() only, of a task whose outcome is not SPT_ABORTED: the response has to wait (RFC 7143 4.2.2.1, 11.4.2). Task management and the end of
 * the nexus can end the task meanwhile; ops->done() follows, by them or by spt_task_let_go(). Its buffers for data-out go back at once,
 * unless they are @receiving.
 */
void spt_task_hold(struct spt_task *task, bool receiving);
void spt_task_let_go(struct spt_task *task);
/* The task must be in SPT_TASK_DONE or have been refused by spt_task_enter(). */
void spt_task_end(struct spt_task *task);
/* The caller gives the task up (its connection is gone): as ABORT TASK, without a TMF. ops->done() follows. */
void spt_task_abort(struct spt_task *task);
/* The task of @session with @tag, whatever its generation, or NULL. */
struct spt_task *spt_task_find(struct spt_context *context, spt_session_cookie session, uint32_t tag);

#ifdef __cplusplus
}
#endif

#endif
