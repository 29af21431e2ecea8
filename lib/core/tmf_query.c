/* SPDX-License-Identifier: MIT */
/*
 * Task management functions that ask and change nothing (SAM-5 7.8 to 7.10, RFC 7144 6.4.2): is a task
 * there, are any, does a unit attention condition wait. Answered at once; SUCCEEDED means yes.
 */
#include "core/core.h"

#define UADE_DEPTH_ONE	 0x10 /* one unit attention condition waits */
#define UADE_DEPTH_MORE	 0x20

/* A task that is done has its response already. */
static bool present(const struct spt_task *task)
{
	return task && task->state != SPT_TASK_DONE && !task->aborting;
}

uint8_t tmf_query_task(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_task *t = spt_task_find(tmf->context, session->cookie, tmf->reference.tag);

	if (!present(t) || t->aux.task.generation != tmf->reference.generation ||
		t->aux.lun != tmf->lun)
		return SPT_TMF_COMPLETE;
	return SPT_TMF_SUCCEEDED;
}

uint8_t tmf_query_task_set(struct spt_tmf *tmf, struct spt_session *session)
{
	const struct spt_itl *itl = lun_find(session, tmf->lun);
	const struct spt_task *t;

	/* One that waits for its turn has no I_T_L nexus yet: its LUN tells. */
	list_foreach (t, &session->tasks, session_link) {
		if (present(t) && lun_find(session, t->aux.lun) == itl)
			return SPT_TMF_SUCCEEDED;
	}
	return SPT_TMF_COMPLETE;
}

uint8_t tmf_query_asynchronous_event(struct spt_tmf *tmf, struct spt_session *session)
{
	struct spt_itl *itl = lun_find(session, tmf->lun);
	unsigned n = 0;

	if (itl->device->flags & SPT_BACKEND_PER_NEXUS)
		return SPT_TMF_NOT_SUPPORTED; /* what waits, waits at the far side */
	spt_asc_t asc = itl_peek_attention(itl, &n);
	if (!n)
		return SPT_TMF_COMPLETE;
	tmf->additional[0] = (uint8_t)((n > 1 ? UADE_DEPTH_MORE : UADE_DEPTH_ONE) | SPT_KEY_UNIT_ATTENTION);
	tmf->additional[1] = (uint8_t)(asc >> 8);
	tmf->additional[2] = (uint8_t)asc;
	return SPT_TMF_SUCCEEDED;
}
