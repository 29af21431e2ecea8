/* SPDX-License-Identifier: MIT */
/* A device opened for synchronous calls: a loop, a context and one nexus that are nobody else's. */
#ifndef SYNC_HANDLE_H
#define SYNC_HANDLE_H

#include <pthread.h>
#include <stdbool.h>

#include <spt/pass_through.h>
#include <spt/session.h>
#include <spt/tmf.h>

#include "sync/loop.h"

struct spt_handle {
	struct sync_loop loop;
	pthread_mutex_t lock; /* one call at a time */
	struct spt_device *device;
	struct spt_lun_map *luns;
	struct spt_context *context;
	spt_session_cookie session;
	uint32_t tag;
	struct spt_task task; /* of the call that is under way */
	bool done;
	bool aborted; /* its time is over: task management has been asked to end it */
	struct spt_tmf tmf;
	bool tmf_done;
};

#endif
