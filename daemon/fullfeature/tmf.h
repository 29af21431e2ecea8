/* SPDX-License-Identifier: MIT */
/*
 * A task management function of the session, from its request to its response. One that ends several tasks
 * waits first (tmf_wait.c): for commands that are older and have not come, and for data that was asked for.
 */
#ifndef FULLFEATURE_TMF_H
#define FULLFEATURE_TMF_H

#include <stdbool.h>
#include <stdint.h>

#include <spt/tmf.h>

#include "fullfeature/command.h"
#include "fullfeature/fence.h"
#include "wire/tmf_request.h"

struct tmf {
	struct spt_tmf tmf; /* first */
	struct spt_link link; /* in session->tmfs */
	struct spt_link in_session; /* in session->functions */
	struct session *session;
	uint32_t conn; /* number of the one it came on */
	struct pdu_tmf_request request;
	uint64_t start_us;
	uint64_t number; /* of the first command that came after it */
	bool waiting;
	struct spt_timer timer; /* while it waits */
	uint8_t response;
	struct fence_hold hold; /* from its result to its response */
};

/* Is @itt the tag of a function of the session that is not answered yet? */
bool tmf_is_function(const struct session *session, uint32_t itt);
/* Is @c one of the tasks that @t ends, and not one that came after it? */
bool tmf_concerns(struct tmf *t, const struct command *c);
/* Starts it, when it need not wait for anything any more. */
void tmf_gather(struct tmf *t);
/* It is answered: what it held back of commands that are still there goes on. */
void tmf_let_go(struct tmf *t);
/* All that waits is over: hands @t to the library. */
void tmf_run(struct tmf *t);

#endif
