/* SPDX-License-Identifier: MIT */
/*
 * Contexts and sessions. A context is everything of the library that lives on one host loop; a
 * session is one I_T nexus, from login to logout, on one context at a time. All calls on the
 * loop's thread. Counterparts: ISCSITGT_SPT_SESSION_START and _STOP.
 */
#ifndef SPT_SESSION_H
#define SPT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <spt/auxiliary.h>
#include <spt/device.h>
#include <spt/host.h>
#include <spt/nexus.h>
#include <spt/task.h>

#ifdef __cplusplus
extern "C" {
#endif

struct spt_task;

int spt_context_new(struct spt_host *host, struct spt_context **ret);
/*
 * No session may be left. @freed follows, perhaps from inside, when task management that concerns the
 * context is over on all loops. Not from inside ops->done() of a task, nor stopped() of a session.
 */
void spt_context_free(struct spt_context *context, void (*freed)(void *arg), void *arg);
/*
 * For the end of a host whose devices do not give their tasks back: every device that holds a task of
 * this context is fenced, and the tasks end.
 */
void spt_context_fence(struct spt_context *context);

struct spt_session_params {
	struct spt_nexus nexus; /* copied */
	bool reinstated;        /* the nexus replaces one of the same name (session reinstatement) */
	bool known;             /* to its devices: they establish no POWER ON condition for it */
	struct spt_lun_map *luns;
	size_t budget_bytes; /* most payload memory that its tasks may hold; over it: TASK SET FULL */
	/*
	 * Told, before they end, that task management takes tasks of this nexus that have @itl: another nexus's, or, within
	 * spt_tmf(), its own unless that is ABORT TASK; once for each function and logical unit. NULL: of no interest. It
	 * must not start task management.
	 */
	void (*terminating)(void *arg, const struct spt_itl *itl);
	/*
	 * Told on the session's loop, a moment after a unit attention condition was established at a logical unit where
	 * the session has no command (SAM-5 5.14): the @bytes of sense data that it will be reported with, and the LUN as
	 * on the wire. The condition goes on waiting for a command. Once for each condition; not for that of a new
	 * nexus, nor for those that the far side of SPT_BACKEND_PER_NEXUS keeps. NULL: of no interest.
	 */
	void (*attention)(void *arg, uint64_t lun, const uint8_t *sense, size_t bytes);
	void *arg;
};

/* 0 and the cookie; -ENOMEM; -EINVAL: a name is missing or too long. Devices learn of the session before its first task. */
int spt_session_start(struct spt_context *context, const struct spt_session_params *params,
	spt_session_cookie *ret);

/* Tasks of the session that have not been ended. */
unsigned spt_session_tasks(struct spt_context *context, spt_session_cookie session);
/* Calls @fn for each of them, done or not. It must not start or end any. */
void spt_session_each_task(struct spt_context *context, spt_session_cookie session,
	void (*fn)(struct spt_task *task, void *arg), void *arg);

/* The I_T_L nexus that a task of the session has for this LUN, or NULL. Valid until the session gets other LUNs. */
const struct spt_itl *spt_session_itl(struct spt_context *context, spt_session_cookie session, uint64_t lun);

/*
 * Aborts those tasks of the session of which @which says true, as spt_task_abort() does; @which must
 * not change anything of the library's. It is for what iSCSI terminates: the nexus is told at each logical unit
 * that lost a task (RFC 7143 11.14.5: SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT).
 */
void spt_session_abort(struct spt_context *context, spt_session_cookie session,
	bool (*which)(struct spt_task *task, void *arg), void *arg);

/*
 * Another LUN map for a session that runs. A logical unit that both maps have at its LUN stays as it is, and so do its
 * tasks; the tasks of one that is gone end with status TASK ABORTED. The initiator is told (REPORTED LUNS DATA HAS
 * CHANGED). A reference of the session's own is taken. -ENOENT: no such session, or it is being stopped; -ENOMEM:
 * nothing has changed.
 */
int spt_session_set_luns(struct spt_context *context, spt_session_cookie session,
	struct spt_lun_map *luns);

/*
 * A session goes from one context to another, in steps on either loop; nobody but who runs it need know. Nothing of the
 * nexus changes: its unit attentions, reservations, registrations and what it has locked stay, and no device tells
 * anybody. What comes from other loops (task management, preemption, unit attentions) finds it all the time.
 *
 *   spt_move_begin()    on the loop of @from   may it go at all?
 *   spt_move_prepare()  on that of @to         ways to its devices are opened there
 *   spt_move_leave()    on that of @from       in a moment when it has no task; it is on neither then
 *   spt_move_arrive()   on that of @to         with a new cookie; the move is gone
 *
 * A move holds both contexts until it has arrived or is cancelled.
 */
struct spt_move;

/*
 * 0; -ENOENT: no such session, or it is being stopped; -EOPNOTSUPP: a device keeps something for the nexus or for its way
 * (SPT_BACKEND_PER_NEXUS, _STAYS), or has no way that works; -ENOMEM.
 */
int spt_move_begin(struct spt_context *from, spt_session_cookie session, struct spt_move **ret);
/* 0; -errno: a way cannot be opened, or is fenced, and nothing is left of it there. */
int spt_move_prepare(struct spt_move *move, struct spt_context *to);
/*
 * 0: the session and its old cookie are no longer of @from; spt_move_arrive() has to follow. -EBUSY: it has tasks or functions, or
 * something else of it is on its way: again a little later; -ESTALE: never, as it has gone, got other LUNs, or lost a way.
 */
int spt_move_leave(struct spt_move *move);
spt_session_cookie spt_move_arrive(struct spt_move *move);
/* One that has not left: on the loop of @to if it was prepared, else on that of @from. */
void spt_move_cancel(struct spt_move *move);

/*
 * Ends the nexus: every task is aborted, and when none of them can touch its device any more and
 * the caller has ended them all, @stopped is called (perhaps from inside this call). No task can be entered from here on.
 * The loss of a nexus never resets or fences a device: a tape that is being rewound goes on
 * rewinding, and the session stays until the device is done. -ENOENT: no such session.
 */
int spt_session_stop(struct spt_context *context, spt_session_cookie session,
	void (*stopped)(void *arg), void *arg);

#ifdef __cplusplus
}
#endif

#endif
